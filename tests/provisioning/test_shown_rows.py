# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with tables, JSON lines and XML is shown in its row, never with a secret."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kemi_routing.model import Platform
from provisioning import excerpt, rows, sipx
from provisioning.check import check
from provisioning.columns import Headers, headers
from provisioning.importing import Import
from provisioning.line_by_line import Row
from provisioning.problems import Problem, Problems, RefusedFiles

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
THEIRS = headers(["Kennwort=password", "Notiz="])
SECRET = "hush-hush"
HEAD = "organisation,time_zone,subscriber,number,line,Kennwort,to_1,Notiz\n"
START = "acme,UTC,jana,"
OBJECT = '{"organisation": "acme", "time_zone": "UTC", "subscriber": "jana", "number": '


def shown(problem: Problem) -> str:
    """The row below a problem, with its caret."""
    return "\n".join(excerpt.excerpt(problem.row, problem.place.column, 999).pointed())


def errors(path: Path, text: str | bytes, names: Headers = THEIRS) -> list[str]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = check([path], Platform(), NOW, names).problems.errors
    return [shown(one) for one in found]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "numbers.csv"


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return tmp_path / "numbers.jsonl"


ROWS: dict[str, tuple[str | bytes, list[str]]] = {
    "a cell": (START + '42027777101,desk,"hush-hush",x,\n',
               ["acme,UTC,jana,42027777101,desk,***,x,\n" + " " * 35 + "^"]),
    "a secret that is wrong": (START + "42027777101,a b,hush-hush\u00e4,,\n", [
        "acme,UTC,jana,42027777101,a b,***,,\n" + " " * column + "^" for column in (14, 26)]),
    "what is left out": (START + "x,desk,hush-hush,,hush-hush\r\n", [
        "acme,UTC,jana,x,desk,***,,***\n" + " " * 14 + "^"]),
    "a peer": (START + '42027777101,,,"IAX2/a:hush-hush@b/1 & x",\n', [
        'acme,UTC,jana,42027777101,,,"IAX2/a:***@b/1 & x",\n' + " " * 46 + "^"]),
    "a value too many": (START + "42027777101,desk,a,hush-hush,,\n", [
        "acme,UTC,jana,42027777101,***,***,***,,\n^"]),
    "a value too few": (START + "42027777101,hush-hush,,\n", [
        "acme,UTC,jana,42027777101,***,,\n^"]),
    "two values too few": (START + "hush-hush,,\n", ["acme,UTC,jana,***,,\n^"]),
    "text behind a quote": (START + '"42027777101"x,desk,hush-hush,,\n', [
        "acme,UTC,jana,***,***,***,,\n" + " " * 14 + "^"]),
    "a quote that is not closed": (START + '42027777101,"desk,hush-hush,,\n', [
        "acme,UTC,jana,42027777101,***,***,,\n" + " " * 26 + "^"]),
    "over several lines": (START + '42027777101,"a\nb",hush-hush,x,\n', [
        'acme,UTC,jana,42027777101,"a\n' + " " * 27 + "^", 'b",***,x,\n' + " " * 7 + "^"]),
    "not UTF-8": ((START + "42027777101,d\u00e9sk,hush-hush,,\n").encode("latin-1"), ["***\n^"]),
    "a control character": (START + "42027777101,d\x07,hush-hush,,\n", ["***\n^"]),
}
"""What is wrong -> a row, and what is shown of it."""


@pytest.mark.parametrize("wrong", ROWS)
def test_a_row_of_a_table_is_shown_without_its_secrets(table: Path, wrong: str) -> None:
    row, found = ROWS[wrong]
    said = errors(table, HEAD.encode() + (row.encode() if isinstance(row, str) else row))
    assert SECRET not in "".join(said)
    assert said == found


def test_the_row_with_the_names_of_columns_is_shown_too(table: Path) -> None:
    assert errors(table, "organisation,colour,subscriber,number\n") == [
        "organisation,colour,subscriber,number\n             ^"]


def test_a_column_of_another_name_is_hidden_as_long_as_nobody_says_what_it_is(
        table: Path) -> None:
    *said, last = errors(table, f"{HEAD}{START}x,desk,hush-hush,,\n", Headers())
    assert [one.splitlines()[0] for one in said[:2]] == [HEAD.strip()] * 2
    assert last == "acme,UTC,jana,x,desk,***,,\n" + " " * 16 + "^"


def test_a_table_without_secrets_is_shown_whatever_is_wrong(table: Path) -> None:
    head = "organisation,time_zone,subscriber,number\n"
    assert errors(table, f"{head}{START}x,y\n{START}\x07\n") == [
        "acme,UTC,jana,x,y\n^", "acme,UTC,jana,?\n" + " " * 14 + "^"]


OBJECTS = {
    "a value": ('"x", "line": "desk", "Kennwort": "hush-hush"}',
                '"x", "line": "desk", "Kennwort": ***}', '"x"'),
    "a value within": ('"201", "on": {"busi": "x"}, "password": "hush-hush", "line": "a"}',
                       '"201", "on": {"busi": "x"}, "password": ***, "line": "a"}', '"busi"'),
    "a key of nobody": ('"201", "geheim": ["hush-hush"]}', '"201", "geheim": ***}', '"geheim"'),
    "what is left out": ('"x", "Notiz": {"a": "hush-hush"}}', '"x", "Notiz": ***}', '"x"'),
    "a key twice": (
        '"201", "line": "a", "password": "hush-hush", "password": "hush-hush"}',
        '"201", "line": "a", "password": ***, "password": ***}', '"password": ***}'),
    "digests": ('"201", "line": "a", "ha1": "hush-hush", "on": {"ha1_sha256": "hush-hush"}}',
                '"201", "line": "a", "ha1": ***, "on": {"ha1_sha256": ***}}', '"ha1_sha256"'),
    "a peer": ('"201", "to_1": "IAX2/a:hush-hush@b/1 & x"}',
               '"201", "to_1": "IAX2/a:***@b/1 & x"}', ' x"}'),
    "a peer with escapes": (
        '"x", "to_1": "IAX2\\/a:hush-hush@b\\/1"}', '"x", "to_1": ***}', '"x"'),
    "no JSON before it": ('"201" "password": "hush-hush"}', '"201" "password"***', '"pass'),
    "no JSON in it": ('"201", "Kennwort": "hush-hush', '"201", "Kennwort"***', ""),
    "no JSON behind it": ('"201", "Kennwort": "hush-hush",}', '"201", "Kennwort"***', "***"),
}
"""What is wrong -> the end of a line, as it is shown, and what begins at the caret."""


@pytest.mark.parametrize("wrong", OBJECTS)
def test_a_json_line_is_shown_without_its_secrets(lines: Path, wrong: str) -> None:
    text, found, at = OBJECTS[wrong]
    said = [one.split("\n") for one in errors(lines, f"{OBJECT}{text}\n")]
    assert {row for row, _ in said} == {OBJECT + found}
    assert any(row[len(caret) - 1:].startswith(at) for row, caret in said)


@pytest.mark.parametrize("wrong", [b"\xff", b"\x01"])
def test_a_json_line_that_is_no_text_is_shown_without_its_secrets(
        lines: Path, wrong: bytes) -> None:
    said = errors(lines, OBJECT.encode() + b'"201", "label_1": "' + wrong
                  + b'", "password": "hush-hush"}')
    assert SECRET not in said[0]
    assert said[0].endswith(" " * len(OBJECT + '"201", "label_1": "') + "^")


def test_a_line_that_was_read_holds_its_own_text_only(table: Path) -> None:
    table.write_text("organisation,time_zone,subscriber,number\n" + f"{START}201\n" * 3)
    found: list[Any] = [tree.file for _, tree in rows.rows(table, Headers(), Problems())]
    assert [(one.line, one.text) for one in found if isinstance(one, Row)] == [
        (2, f"{START}201\n"), (3, f"{START}201\n"), (4, f"{START}201\n")]
    assert not any("lines" in vars(one) for one in found)


@pytest.mark.parametrize(("text", "found"), [
    ("<items>\n<item x='1'>\n</items>", "</items>\n  ^"),
    ("<items><passtoken>hush-hush</passtoken></item>",
     "<items><passtoken***</passtoken></item>\n" + " " * 34 + "^"),
    ("<a pin='hush-hush' b=\"1\"><", "<a pin=*** b=\"1\"><\n" + " " * 17 + "^"),
    ("<a><x:pintoken>hush-hush", "<a><x:pintoken***\n" + " " * 17 + "^"),
    ("<a>\r<b>\r\n</c>", "</c>\n  ^"),
])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_row_of_xml_is_shown_without_its_secrets(
        tmp_path: Path, text: str, found: str, encoding: str) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(RefusedFiles) as refused:
        sipx.read([path], Import("acme", "UTC", {}, NOW))
    (error,) = refused.value.problems.errors
    assert SECRET not in shown(error)
    if encoding == "utf-8":
        assert shown(error) == found


@pytest.mark.parametrize("encoding", ["gb2312", "klingon", "hex"])
def test_xml_in_an_encoding_that_nobody_reads_is_an_error(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"<?xml version='1.0' encoding='{encoding}'?><a/>")
    with pytest.raises(RefusedFiles, match=r"a.xml:1:[0-9]+: this is not XML"):
        sipx.read([path], Import("acme", "UTC", {}, NOW))
