# SPDX-License-Identifier: GPL-2.0-or-later
"""How far something long has come: rate, and the time that is left."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click

T = TypeVar("T")

STEP = 1000
"""So many things make a line in a log."""
_OVER = "\r\x1b[K"
"""Back to the margin, and what stands there is gone (ECMA-48, EL)."""


class Progress:
    """Tells on stderr how far it is, each thousand; on a terminal each time on the same line."""

    def __init__(self, what: str, total: int = 0, clock: Callable[[], float] = time.monotonic, *,
                 quiet: bool = False) -> None:
        """``total`` is 0 where it is not known; ``quiet`` tells a terminal only."""
        self._what = what
        self._total = total
        self._clock = clock
        self._began = clock()
        self._done = 0
        self._on_terminal = sys.stderr.isatty()
        self._quiet = quiet and not self._on_terminal
        self._told = False

    def of(self, things: Iterable[T]) -> Iterator[T]:
        """These things, each done when the next one is asked for."""
        try:
            for thing in things:
                yield thing
                self.add(1)
        finally:
            self.end()

    def add(self, count: int) -> None:
        """So many more are done."""
        before, self._done = self._done, self._done + count
        if before // STEP != self._done // STEP and not self._quiet:
            text = self._text()
            click.echo(f"{_OVER}{text}" if self._on_terminal else text, err=True,
                       nl=not self._on_terminal)
            self._told = True

    def end(self) -> None:
        """Nothing more comes: a terminal gets its line back."""
        if self._told and self._on_terminal:
            click.echo(_OVER, err=True, nl=False)
        self._told = False

    def _text(self) -> str:
        took = max(self._clock() - self._began, 1e-6)
        rate = self._done / took
        if not self._total:
            return f"{self._what}: {self._done:,}, {rate:,.0f} a second"
        minutes, seconds = divmod(round((self._total - self._done) / rate), 60)
        left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        return (f"{self._what}: {self._done:,} of {self._total:,} "
                f"({self._done * 100 // self._total} %), {rate:,.0f} a second, {left} left")
