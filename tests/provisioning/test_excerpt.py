# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of files below what is wrong with them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from provisioning import output
from provisioning.excerpt import CUT, excerpt
from provisioning.masking import HIDDEN
from provisioning.problems import Place, Problem

LONG = "0123456789" * 30


@pytest.mark.parametrize(("row", "column", "shown", "below"), [
    pytest.param("  - {to: 007}", 8, "- {to: 007}", "     ^", id="the margin goes"),
    pytest.param("    key: x", 2, "   key: x", "^", id="unless the caret stands in it"),
    pytest.param("key:", 5, "key:", "    ^", id="behind the end"),
    pytest.param("key:", 99, "key:", "    ^", id="far behind the end"),
    pytest.param("", 1, "", "^", id="nothing"),
    pytest.param("a:\tb", 4, "a:    b", "      ^", id="a tab"),
    pytest.param("日本: x", 5, "日本: x", "      ^", id="wide characters"),
    pytest.param("e\u0301te\u0301: x", 8, "e\u0301te\u0301: x", "     ^", id="combining ones"),
    pytest.param("e\u0301: x", 2, "e\u0301: x", "^", id="on a combining one"),
    pytest.param("a\x1b[31m\u202e\x00b: x", 10, "a?[31m??b: x", "         ^", id="control ones"),
    pytest.param(f"p: {HIDDEN * 9}, n: 0", 18, "p: ***, n: 0", "           ^", id="a secret"),
    pytest.param(f"p: {HIDDEN * 9}, n: 0", 7, "p: ***, n: 0", "   ^", id="within a secret"),
])
def test_a_row_is_shown_with_a_caret_below_the_column(
        row: str, column: int, shown: str, below: str) -> None:
    assert excerpt(row, column, 160).pointed() == (shown, below)


@pytest.mark.parametrize(("column", "shown", "below"), [
    pytest.param(1, "01234567" + CUT, "^", id="the beginning"),
    pytest.param(151, CUT + "67890123" + CUT, " " * 5 + "^", id="the middle"),
    pytest.param(300, CUT + "23456789", " " * 8 + "^", id="the last"),
    pytest.param(301, CUT + "23456789", " " * 9 + "^", id="behind the end"),
])
def test_a_long_row_is_cut_around_the_caret(column: int, shown: str, below: str) -> None:
    assert excerpt(LONG, column, 10).pointed() == (shown, below)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("a 日\u0301\t\x07" + HIDDEN), max_size=60), st.data())
def test_an_excerpt_fits_and_its_caret_stands_in_it(row: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(row) + 1))
    width = data.draw(st.integers(12, 40))
    found = excerpt(row, column, width)
    assert found.text.isprintable()
    assert cell_len(found.text) <= width
    assert 0 <= found.caret <= cell_len(found.text)


def test_a_row_of_a_million_characters_is_cut_too() -> None:
    assert len(excerpt("x" * 1_000_000, 500_000, 160).text) == 160


@pytest.mark.parametrize(("kind", "colour", "line"), [
    ("error", "\x1b[31m", "a.yaml:1:4: wrong"),
    ("warning", "\x1b[33m", "a.yaml:1:4: warning: wrong"),
    ("note", "\x1b[36m", "a.yaml:1:4: note: wrong")])
def test_colours_only_where_they_are_wanted(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str,
        colour: str, line: str) -> None:
    one = Problem(Place("a.yaml", 1, 4), "wrong", "a: b")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    plain = f"{line}\n    a: b\n       ^\n"
    output.problem(one, kind)
    assert capsys.readouterr().err == plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    output.problem(one, kind)
    assert f"{colour}       ^" in capsys.readouterr().err
    monkeypatch.setenv("NO_COLOR", "1")
    output.problem(one, kind)
    assert capsys.readouterr().err == plain


def test_a_row_is_as_wide_as_the_terminal(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    one = Problem(Place("a.yaml", 1, 200), "wrong", LONG)
    output.problem(one, "error")
    assert len(capsys.readouterr().err.splitlines()[1]) == 160
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "50")
    output.problem(one, "error")
    assert len(capsys.readouterr().err.splitlines()[1]) == 50


def test_what_stands_in_no_row_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    output.problem(Problem(Place("a.yaml"), "the file is empty"), "error")
    assert capsys.readouterr().err == "a.yaml:1:1: the file is empty\n"
