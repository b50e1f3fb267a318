# SPDX-License-Identifier: GPL-2.0-or-later
"""Where long files of rows can be parted: between two subscribers, every thousand rows or so.

Rows are only glanced at here, to tell whose they are; what is wrong with one is said when its part
is read.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from provisioning.columns import Headers
from provisioning.delimited import Reading, separator_of
from provisioning.line_by_line import MAX_LINE, Part
from provisioning.rows import TABLES

ROWS = 1000
"""A part has so many rows, and more only of its last subscriber."""
_WHOSE = ("organisation", "subscriber")

Glance = Callable[[bytes], object]
"""Whose a row is; None where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Length:
    """A part, and how many rows it has, or a few less."""

    part: Part
    rows: int


def of(path: Path, headers: Headers) -> Iterator[Length]:
    """The parts of a file of rows; raises OSError."""
    return (_of_table if path.suffix.lower() in TABLES else _of_lines)(path, headers)


def _of_lines(path: Path, headers: Headers) -> Iterator[Length]:
    ours: dict[str, str] = {}
    of_first: list[re.Pattern[bytes]] = []

    def glance(data: bytes) -> object:
        if of_first and (found := of_first[0].findall(data)):
            return [one.decode(errors="replace") for one in found]
        try:
            row = json.loads(data)
            for key in row.keys() - ours.keys():
                ours[key] = headers.key(key)
            whose = [key for key in row if ours[key] in _WHOSE]
            if whose and not of_first:
                of_first.append(_pattern(whose))
            return [row[key] for key in whose] or None
        except (ValueError, AttributeError, RecursionError):
            return None

    return _parted(path, 0, "", glance)


def _pattern(names: Iterable[str]) -> re.Pattern[bytes]:
    """Finds the texts of these keys in most lines."""
    each = b"|".join(re.escape(json.dumps(name, ensure_ascii=False)).encode() for name in names)
    return re.compile(b"(?:" + each + rb') ?: ?"([^"\\]*)"')


def _of_table(path: Path, headers: Headers) -> Iterator[Length]:
    """One whose first row is not plain has one part."""
    with path.open("rb") as file:
        first = file.readline(MAX_LINE + 1)
    text = first.decode("utf-8-sig", "replace")
    separator = separator_of(text)
    keys = [headers.key(cell) for cell in text.rstrip("\r\n").split(separator)]
    indexes = [keys.index(key) for key in _WHOSE if key in keys]
    if '"' in text or "subscriber" not in keys:
        yield Length(Part(path), 0)
        return
    between = separator.encode()

    def glance(data: bytes) -> object:
        cells = data.split(between)
        return [cells[index].strip() for index in indexes if index < len(cells)] or None

    yield from _parted(path, len(first), separator, glance)


def _parted(path: Path, head: int, separator: str, glance: Glance) -> Iterator[Length]:
    start, line, rows = head, 1 + bool(head), 0
    whose: object = None
    with path.open("rb") as file:
        file.seek(head)
        number, at = line - 1, head
        while data := file.readline(MAX_LINE + 1):
            first, begin = number + 1, at
            more = list(_rest(data, file, separator)) if separator and b'"' in data else []
            number, at = first + len(more), begin + len(data) + sum(map(len, more))
            if not data.strip():
                continue
            found = glance(data)
            if rows >= ROWS and found is not None and found != whose:
                yield Length(Part(path, head, start, begin, line), rows)
                start, line, rows = begin, first, 0
            rows, whose = rows + 1, whose if found is None else found
    yield Length(Part(path, head, start, at, line), rows)


def _rest(data: bytes, file: BinaryIO, separator: str) -> Iterator[bytes]:
    """The further lines of a row, of which a quoted cell has line feeds."""
    row = Reading("", separator, 1)
    row.add(data.decode(errors="replace"))
    while row.is_open and (more := file.readline(MAX_LINE + 1)):
        row.add(more.decode(errors="replace"))
        yield more
