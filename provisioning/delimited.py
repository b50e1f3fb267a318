# SPDX-License-Identifier: GPL-2.0-or-later
"""CSV (RFC 4180) as it was written: every cell is text and knows its line and column.

The separator is found in the first line: comma, semicolon or tab.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.line_by_line import MAX_LINE, TOO_LONG, lines
from provisioning.problems import Place, Problem, Problems

SEPARATORS = (",", ";", "\t")

_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
_AFTER_QUOTE = ("after the closing quote stands more text; a quote inside a cell is written twice: "
                '"the ""red"" one"')
_NEVER_CLOSED = "the quote that opens here is never closed; nothing after it was read"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a table."""

    text: str
    place: Place
    """Of its first character, behind the quote."""


def rows(path: Path, problems: Problems) -> Iterator[list[Cell]]:
    """The rows of a file, the first with the names of the columns; empty lines are left out, and
    so is, after it was noted, what cannot be read. A first row that cannot be read is the last.
    """
    source = lines(path, problems)
    separator, before = "", len(problems.errors)
    for number, line in source:
        if not separator and len(problems.errors) > before:
            return
        if not line.strip():
            continue
        first = not separator
        separator = separator or _separator(line)
        row = _Row(str(path), separator, number)
        row.add(line)
        while row.is_open and (more := next(source, None)):
            row.add(more[1])
        if row.is_open:
            row.wrong(row.text_from, _NEVER_CLOSED)
        if row.problem:
            problems.errors.append(row.problem)
            if first:
                return
            continue
        yield row.cells


def _separator(line: str) -> str:
    bare = _QUOTED.sub("", line)
    return max(SEPARATORS, key=bare.count)


@dataclass(slots=True)
class _Row:
    """A row that is read, over several lines where a quoted cell has line feeds."""

    file: str
    separator: str
    line: int
    """Where ``text`` begins, which is what is not split into cells yet."""
    text: str = ""
    text_from: int = 0
    """Where in ``text`` the cell begins whose quote is open."""
    size: int = 0
    is_open: bool = False
    problem: Problem | None = None
    cells: list[Cell] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Take one more line."""
        self.size += len(line)
        if self.size > MAX_LINE:
            self.wrong(self.text_from, TOO_LONG)
            return
        self.text += line
        if self.is_open and not line.count('"') % 2:
            return  # the quote is still open: it is looked for once, not again with each line
        if '"' in self.text:
            self._split_quoted(self.text.removesuffix("\n").removesuffix("\r"))
        else:
            column = 1
            for text in line.rstrip("\r\n").split(self.separator):
                self.cells.append(Cell(text, Place(self.file, self.line, column)))
                column += len(text) + 1

    def wrong(self, start: int, what: str) -> None:
        """The row cannot be read, because of what stands there."""
        self.problem = self.problem or Problem(self._place(start), what)
        self.is_open = False

    def _split_quoted(self, text: str) -> None:
        start = self.text_from
        self.is_open = False
        while True:
            quote = text.startswith('"', start)
            if not quote:
                end = text.find(self.separator, start)
                end = len(text) if end < 0 else end
                content = text[start:end]
            elif match := _QUOTED.match(text, start):
                content, end = match[1].replace('""', '"'), match.end()
            else:
                self.text_from, self.is_open = start, True
                return
            self.cells.append(Cell(content, self._place(start + quote)))
            if end == len(text):
                return
            if not text.startswith(self.separator, end):
                self.wrong(end, _AFTER_QUOTE)
                return
            start = end + 1

    def _place(self, start: int) -> Place:
        before = self.text[:start]
        return Place(self.file, self.line + before.count("\n"), start - before.rfind("\n"))
