# SPDX-License-Identifier: GPL-2.0-or-later
"""Files in which a row, or a line, is one number: CSV and JSON lines, beside files in YAML."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from provisioning import columns, delimited, json_lines
from provisioning.columns import Headers
from provisioning.delimited import Cell
from provisioning.line_by_line import File, Part
from provisioning.problems import Place, Problem, Problems
from provisioning.written import Written

TABLES = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")

_NEEDED = {"subscriber", "number"}

Row = tuple[Written, Mapping[str, Written]]
"""Its start, and what stands in it."""


def split(paths: Iterable[File]) -> tuple[list[Path], list[File]]:
    """The files in YAML, and those of rows."""
    files: list[Path] = []
    of_rows: list[File] = []
    for path in paths:
        if isinstance(path, Part) or path.suffix.lower() in TABLES + LINES:
            of_rows.append(path)
        else:
            files.append(path)
    return files, of_rows


def rows(path: File, headers: Headers, problems: Problems) -> Iterator[tuple[Place, Written]]:
    """Each row where it begins, as a file of its own would be; one is held at a time. What cannot
    be read is noted and left out.
    """
    errors, any_row = len(problems.errors), False
    for start, row in read(path, headers, problems):
        any_row = True
        if tree := columns.tree(row, start, problems):
            yield start.value, tree
    if not any_row and len(problems.errors) == errors:
        problems.errors.append(Problem(Place(str(path)), "there is no row; a row has "
                                       "organisation, subscriber and number at least"))


def read(path: File, headers: Headers, problems: Problems) -> Iterator[Row]:
    """The rows as they stand there."""
    is_table = path.suffix.lower() in TABLES
    return (_of_table if is_table else _of_lines)(path, headers, problems)


def _of_table(path: File, headers: Headers, problems: Problems) -> Iterator[Row]:
    found = delimited.rows(path, problems, headers.hides)
    first = next(found, None)
    if first is None:
        return
    names = _names(first, headers, problems)
    if _NEEDED.difference(names):
        return
    for row in found:
        yield columns.leaf("", row[0].place, row[0].row), dict(_values(names, row, problems))


def _names(row: list[Cell], headers: Headers, problems: Problems) -> list[str | None]:
    """Our key of each column; empty for one without a name, None for one that is left out. What
    is wrong is said once, here.
    """
    names: list[str | None] = []
    for cell in row:
        key = headers.key(cell.text)
        if key in names and key:
            what = f"the column {key} stands here twice"
        elif key and not columns.is_key(key):
            theirs = cell.text.strip()
            said = columns.unknown(theirs)
            what = (f"{said}{';' * (not said.endswith('?'))} or  --map {theirs!r}=KEY, with "
                    "nothing behind = to leave it out")
            key = ""
        else:
            what = ""
        if what:
            problems.errors.append(cell.problem(what))
        names.append(key or (None if cell.text.strip() else ""))
    for key in sorted(_NEEDED.difference(names)):
        problems.errors.append(row[0].problem(
            f"there is no column {key}; --map THEIRS={key} says which one it is"))
    return names


def _values(names: list[str | None], row: list[Cell], problems: Problems,
            ) -> Iterator[tuple[str, Written]]:
    for name, cell in zip(names, row, strict=False):
        text = cell.text if name == "password" else cell.text.strip()
        if text and name == "":
            problems.errors.append(cell.problem("this column has no name; write one above"))
        elif text and name:
            yield name, columns.one_or_many(name, text, cell.place, cell.row)


def _of_lines(path: File, headers: Headers, problems: Problems) -> Iterator[Row]:
    key_of = lru_cache(maxsize=1024)(headers.key)
    for written in json_lines.objects(path, problems, headers):
        row: dict[str, Written] = {}
        for theirs, value in written.content.items():
            key = key_of(theirs)
            if key and not columns.is_key(key):
                problems.errors.append(value.problem(value.key, columns.unknown(key, "key")))
            elif key in row:
                problems.errors.append(value.problem(value.key, f"{key} stands here twice"))
            elif key:
                is_text = key in columns.LISTS and isinstance(value.content, str)
                row[key] = columns.one_or_many(
                    key, value.content, value.value, value.file) if is_text else value
        yield written, row
