# SPDX-License-Identifier: GPL-2.0-or-later
"""CSV (RFC 4180) as it was written: every cell is text and knows its line and column.

The separator is found in the first line: comma, semicolon or tab.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from provisioning import masking
from provisioning.line_by_line import MAX_LINE, TOO_LONG, File, Row, lines
from provisioning.masking import Span
from provisioning.problems import Place, Problem, Problems

SEPARATORS = (",", ";", "\t")

_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
_AFTER_QUOTE = ("after the closing quote stands more text; a quote inside a cell is written twice: "
                '"the ""red"" one"')
_NEVER_CLOSED = "the quote that opens here is never closed; nothing after it was read"


class Cell(NamedTuple):
    """A value of a table."""

    text: str
    place: Place
    """Of its first character, behind the quote."""
    row: Row

    def problem(self, text: str) -> Problem:
        """What is wrong with it."""
        return self.row.problem(self.place, text)


def rows(path: File, problems: Problems, hides: Callable[[str], bool] = masking.may_be_secret,
         ) -> Iterator[list[Cell]]:
    """The rows of a file, the first with the names of the columns and all with as many values;
    empty ones are left out, and so is, after it was noted, what cannot be read. A first row that
    cannot be read is the last. ``hides`` says by its name whether messages do not show a column.
    """
    known = _Secrets()
    source = lines(path, problems, known.of_line)
    before = len(problems.errors)
    for number, line in source:
        if not known.separator and len(problems.errors) > before:
            return
        if not line.strip():
            continue
        first = not known.separator
        known.separator = known.separator or separator_of(line)
        row = Reading(str(path), known.separator, number)
        row.add(line)
        while row.is_open and (more := next(source, None)):
            row.add(more[1])
        if row.is_open:
            row.wrong(row.text_from, _NEVER_CLOSED)
        whole = Row(row.text, number, masking.of_text if first else known.of_row)
        if row.problem:
            problems.errors.append(whole.problem(*row.problem))
            if first:
                return
            continue
        cells = [Cell(text, place, whole) for text, place in row.cells]
        if first:
            known.count = len(cells)
            known.hidden = {index for index, cell in enumerate(cells) if hides(cell.text)}
        elif not any(cell.text.strip() for cell in cells):
            continue
        if len(cells) == known.count:
            yield cells
        else:
            problems.errors.append(cells[0].problem(
                f"this row has {len(cells)} values for {known.count} columns"))


def separator_of(line: str) -> str:
    """What stands between the cells of a table with this first line."""
    bare = _QUOTED.sub("", line)
    return max(SEPARATORS, key=bare.count)


@dataclass(slots=True)
class _Secrets:
    """What is hidden of rows, which may be wrong in any way."""

    separator: str = ""
    count: int = 0
    """Of the columns."""
    hidden: set[int] = field(default_factory=set)
    """Which of them are."""

    def of_line(self, text: str) -> Iterator[Span]:
        """Of a line that is perhaps in the middle of a row: all."""
        yield from [(0, len(text))] if self.hidden else masking.of_text(text)

    def of_row(self, text: str) -> Iterator[Span]:
        """Of a row: its hidden columns; where it has more or fewer, or a quote that does not end a
        cell, all that may belong there.
        """
        cells, sure = self._cells(text)
        if self.hidden and (moved := abs(self.count - len(cells))):
            sure = min(sure, min(self.hidden) - moved)
        for index, span in enumerate(cells):
            if index in self.hidden or (self.hidden and index >= sure):
                yield span
            else:
                yield from masking.of_value(text, *span)

    def _cells(self, text: str) -> tuple[list[Span], int]:
        """Where the cells stand, and how many of them for sure."""
        cells: list[Span] = []
        start, sure = 0, len(text)
        while True:
            match = _QUOTED.match(text, start)
            end = text.find(self.separator, match.end() if match else start)
            end = len(text) if end < 0 else end
            if text[match.end():end].strip("\r\n") if match else text.startswith('"', start):
                sure = min(sure, len(cells))
            cells.append((start, end))
            if end == len(text):
                return cells, sure
            start = end + 1


@dataclass(slots=True)
class Reading:
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
    problem: tuple[Place, str] | None = None
    cells: list[tuple[str, Place]] = field(default_factory=list)

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
                self.cells.append((text, Place(self.file, self.line, column)))
                column += len(text) + 1

    def wrong(self, start: int, what: str) -> None:
        """The row cannot be read, because of what stands there."""
        self.problem = self.problem or (self._place(start), what)
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
            self.cells.append((content, self._place(start + quote)))
            if end == len(text):
                return
            if not text.startswith(self.separator, end):
                self.wrong(end, _AFTER_QUOTE)
                return
            start = end + 1

    def _place(self, start: int) -> Place:
        before = self.text[:start]
        return Place(self.file, self.line + before.count("\n"), start - before.rfind("\n"))
