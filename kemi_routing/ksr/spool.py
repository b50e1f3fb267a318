# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines kept in files until somebody has taken them: what must outlive an outage and a restart.

The files are numbered; the newest one grows, the oldest one is taken first. Beyond ``MOST_FILES``
the oldest goes. Nothing is forced to the disk: a crash of the machine loses the last seconds.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE_LINES = 5000
MOST_FILES = 64
"""320,000 lines: 100,000 calls with their decision, their end and their BYE."""


class Spool:
    """For one process; a folder that is not there is made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._growing: Path | None = None
        self._lines = 0

    def add(self, lines: Iterable[str]) -> int:
        """Keep lines without line ends; how many older ones had to go for them.

        Raises OSError where there is no room even then.
        """
        texts = list(lines)
        dropped = 0
        try:
            self._write(texts)
        except OSError:
            dropped = self._drop_oldest()
            self._write(texts)
        while len(files := self.files()) > MOST_FILES:
            dropped += self._drop(files[0])
        return dropped

    def files(self) -> list[Path]:
        """The oldest first."""
        return sorted(self._folder.glob("[0-9]*")) if self._folder.is_dir() else []

    def take(self, file: Path) -> list[str]:
        """The lines of a file, which grows no more; to be given back with ``done``."""
        if file == self._growing:
            self._growing = None
        return list(_lines(file))

    def done(self, file: Path) -> None:
        """Its lines are safe elsewhere."""
        file.unlink(missing_ok=True)

    def _write(self, texts: list[str]) -> None:
        if self._growing is None or self._lines >= FILE_LINES:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            last = int(files[-1].name) if (files := self.files()) else 0
            self._growing, self._lines = self._folder / f"{last + 1:012d}", 0
        # A write that was cut off must not spoil what follows it: each line begins a new one.
        data = "".join(f"\n{text}\n" for text in texts).encode()
        opened = os.open(self._growing, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            written = os.write(opened, data)
        finally:
            os.close(opened)
        if written < len(data):
            raise OSError(f"{self._growing}: no room")
        self._lines += len(texts)

    def _drop_oldest(self) -> int:
        files = self.files()
        return self._drop(files[0]) if len(files) > 1 else 0

    def _drop(self, file: Path) -> int:
        count = len(list(_lines(file)))
        self.done(file)
        return count


def _lines(file: Path) -> Iterator[str]:
    try:
        text = file.read_text("utf-8", "replace")
    except FileNotFoundError:
        return
    yield from filter(None, text.split("\n"))
