# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kemi_routing.settings import Settings


class Level(StrEnum):
    """How bad it is; only FAIL makes the command end with 1."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what is so, and the mend where it should be otherwise."""

    level: Level
    about: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        """One line for people, safe to print."""
        line = f"{self.level:<4}  {self.about:<13}  {self.what}{self.mend and f'; {self.mend}'}"
        return "".join(one if one.isprintable() else "?" for one in line)


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at."""

    settings: Settings
    root: Path
    """The checkout, with the locks beside the source."""
    run_dir: Path
    redis: str
    before_start: bool
    """Kamailio is about to be started; else it must be running."""
    modules: tuple[Path, ...] = tuple(
        Path("/usr").glob("lib*/**/kamailio/modules/app_python3.so"))
    """Kamailio's module app_python3, wherever it is."""


Check = Callable[[Patient], Iterator[Finding]]


def ok(about: str, what: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, about, what)


def warn(about: str, what: str, mend: str) -> Finding:
    """It works, and may not do so for long."""
    return Finding(Level.WARN, about, what, mend)


def fail(about: str, what: str, mend: str) -> Finding:
    """Calls suffer."""
    return Finding(Level.FAIL, about, what, mend)
