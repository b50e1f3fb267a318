# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with what somebody wrote, and where it stands."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from kemi_routing import errors

suggest = errors.suggest


class Place(NamedTuple):
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at a place, and the right form."""

    place: Place
    text: str
    row: str = field(default="", compare=False)
    """The row of the file as ``masking`` leaves it; empty where there is none."""

    def __str__(self) -> str:
        """One line, safe to print: a control character of the file becomes ``?``."""
        line = f"{self.place}: {self.text}"
        return "".join(one if one.isprintable() else "?" for one in line)


class Rows(Protocol):
    """A file, or a row of one."""

    def problem(self, place: Place, text: str) -> Problem:
        """What is wrong at a place of it, with its row."""


@dataclass(slots=True)
class Problems:
    """All that was found: nothing is written while there are errors."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    """What a short form was taken for, and the like."""
    without_notes: bool = False
    """Nobody wants those."""

    def settle(self) -> None:
        """Put everything in order, each thing once."""
        self.errors = sorted(set(self.errors))
        self.warnings = sorted(set(self.warnings))
        self.notes = sorted(set(self.notes))


class Refused(Exception):
    """What somebody asked for cannot be done; the text says why, for people."""


class RefusedFiles(Refused):
    """What stands in files cannot be used; each of ``problems`` has its place."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("\n".join(map(str, problems.errors)))
        self.problems = problems
