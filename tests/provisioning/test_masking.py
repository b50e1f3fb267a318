# SPDX-License-Identifier: GPL-2.0-or-later
"""No row that a message shows has a password."""

import pytest

from provisioning import excerpt, source, written
from provisioning.problems import Problems

SECRET = "hush-hush"


def rows(text: str) -> list[str]:
    """As they are shown where one of them is wrong."""
    problems = Problems()
    tree = source.parse(text, "a.yaml", problems)
    if tree is None:
        (error,) = problems.errors
        return [excerpt.excerpt(error.row, 1, 999).text]
    assert isinstance(tree.file, written.Source)
    return [excerpt.excerpt(row, 1, 999).text for row in tree.file.rows]


@pytest.mark.parametrize(("text", "shown"), [
    ("lines: {desk: {password: hush-hush, max_phones: 3}}",
     "lines: {desk: {password: ***, max_phones: 3}}"),
    ('lines: {desk: {password: "hush-hush", max_phones: 3}}',
     "lines: {desk: {password: ***, max_phones: 3}}"),
    ("lines: {desk: {password: [hush-hush, {b: hush-hush}]}}",
     "lines: {desk: {password: [***, {b: ***}]}}"),
    ("lines: {desk: {secret: hush-hush}}", "lines: {desk: {secret: ***}}"),
    ("lines: {desk: hush-hush, other: [hush-hush]}", "lines: {desk: ***, other: [***]}"),
    ("lines: [hush-hush]", "lines: [***]"),
    ("lines: {desk: {ha1: hush-hush, ha1_sha256: hush-hush}}",
     "lines: {desk: {ha1: ***, ha1_sha256: ***}}"),
    ("line: {desk: {ha1_sha256: hush-hush}}", "line: {desk: {ha1_sha256: ***}}"),
    ("line: {desk: {Passwort: hush-hush}}", "line: {desk: {Passwort: ***}}"),
    ("? [a]\n: {password: hush-hush}", ": {password: ***}"),
    ("lines: {desk: {[a]: hush-hush}}", "lines: {desk: {[a]: ***}}"),
    ("a: {to: IAX2/jana:hush-hush@pbx.example.net/1, ring: 20}",
     "a: {to: IAX2/jana:***@pbx.example.net/1, ring: 20}"),
    ("a: {to: iax/jana:hush-hush@hush-hush@b/1, ring: 20}",
     "a: {to: iax/jana:***@b/1, ring: 20}"),
    ("a: {to: IAX2/jana:hush-hush, ring: 20}", "a: {to: IAX2/jana:***, ring: 20}"),
    ("a: {to: IAX2/jana@b/1}", "a: {to: IAX2/jana@b/1}"),
    ("a: {to: sip:jana@pbx.example.net}", "a: {to: sip:jana@pbx.example.net}"),
    pytest.param("lines: {desk: {password: hush-hush", "lines: {***", id="no YAML, a line"),
    pytest.param("a: {'password': hush-hush, b", "a: {'password': ***", id="no YAML"),
    pytest.param("a: {ha1: hush-hush, b", "a: {ha1: ***", id="no YAML, a digest"),
    pytest.param("a: [IAX2/jana:hush-hush@b/1", "a: [IAX2/jana:***@b/1", id="no YAML, IAX"),
])
def test_a_row_is_shown_without_its_secrets(text: str, shown: str) -> None:
    found = rows(text)
    assert found[-1] == shown
    assert SECRET not in "".join(found)


@pytest.mark.parametrize("text", [
    "lines:\n  desk:\n    password:\n      hush-hush\n",
    "lines:\n  desk:\n    password: |\n      hush-hush\n      hush-hush\n",
    'lines:\n  desk:\n    password: "hush-hush\n      hush-hush"\n',
])
def test_a_secret_may_stand_in_rows_of_its_own(text: str) -> None:
    assert SECRET not in "".join(rows(text))
    assert len(rows(text)) == len(text.split("\n"))
