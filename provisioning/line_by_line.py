# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of rows, a line at a time: memory holds one line, however long the file."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BufferedReader
from pathlib import Path

from provisioning.masking import Span, masked
from provisioning.problems import Place, Problem, Problems

MAX_LINE = 1 << 20
"""Bytes of a line, and of a row that goes over several lines."""
TOO_LONG = f"this row has more than {MAX_LINE:,} bytes; is a quote not closed?"

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_UTF_8 = "this is not UTF-8; save the file as UTF-8"


Secrets = Callable[[str], Iterable[Span]]
"""Where secrets stand in the text of a row, whatever is wrong with it."""


@dataclass(frozen=True)
class Row:
    """The text of a row, over several lines where a quoted cell has line feeds."""

    text: str
    line: int
    """That of the file on which it begins, from 1."""
    secrets: Secrets

    @cached_property
    def lines(self) -> list[str]:
        """For messages, so made for them only: secrets are ``HIDDEN``."""
        shown = masked(self.text, self.secrets(self.text)).split("\n")
        return [one.removesuffix("\r") for one in shown]

    def problem(self, place: Place, text: str) -> Problem:
        """What is wrong at a place of it, with that line."""
        index = place.line - self.line
        return Problem(place, text, self.lines[index] if index < len(self.lines) else "")


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of a file: its head, which all parts have, and some that follow on each other."""

    path: Path
    head: int = 0
    """Bytes."""
    start: int = 0
    end: int = sys.maxsize
    """Bytes from the beginning of the file, ``[start, end)``."""
    line: int = 1
    """The number of the line at ``start``."""

    @property
    def suffix(self) -> str:
        """That of the file."""
        return self.path.suffix

    def __str__(self) -> str:
        """The name of the file."""
        return str(self.path)


File = Path | Part
"""A whole file, or a part of one."""


def lines(path: File, problems: Problems, secrets: Secrets) -> Iterator[tuple[int, str]]:
    """Each line with its end, counted from 1; one that cannot be read is noted and left out."""
    part = path if isinstance(path, Part) else Part(path)
    try:
        with part.path.open("rb") as file:
            yield from _lines(file, part, problems, secrets)
    except OSError as error:
        problems.errors.append(
            Problem(Place(str(path)), f"the file cannot be read: {error.strerror}"))


def _numbered(file: BufferedReader, part: Part) -> Iterator[tuple[int, bytes]]:
    """The lines of a part; of one that is too long the beginning."""
    number = at = 0
    while at < part.end:
        if at == part.head:
            at, number = file.seek(part.start), part.line - 1
        data = file.readline(MAX_LINE + 1)
        number, at = number + 1, at + len(data)
        if not data:
            return
        yield number, data.removeprefix(_BOM) if number == 1 else data
        is_long = len(data) > MAX_LINE
        while is_long and data and not data.endswith(b"\n"):
            data = file.readline(MAX_LINE)
            at += len(data)


def _lines(file: BufferedReader, part: Part, problems: Problems, secrets: Secrets,
           ) -> Iterator[tuple[int, str]]:
    name = str(part)
    for number, data in _numbered(file, part):
        column, what, text = 1, "", ""
        if len(data) > MAX_LINE:
            what = TOO_LONG
        elif number == 1 and data.startswith(_UTF_16):
            problems.errors.append(Problem(Place(name), _NOT_UTF_8))
            return
        else:
            try:
                text = data.decode()
                if wrong := _CONTROL.search(text):
                    column, what = wrong.start() + 1, "a control character stands here"
                else:
                    yield number, text
            except UnicodeDecodeError as error:
                column, what = len(data[:error.start].decode()) + 1, _NOT_UTF_8
                text = data.decode(errors="replace")
        if what:
            row = Row(text, number, secrets)
            problems.errors.append(row.problem(Place(name, number, column), what))
