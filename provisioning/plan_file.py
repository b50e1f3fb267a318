# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes one behind the other in MessagePack: in the file of a plan, and where they wait to be
written.

They are read one by one, so a million of them take no memory.
"""

import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

import msgpack

from provisioning.problems import Refused
from provisioning.storage import Change

SUFFIX = ".plan"
BLOCK = 1000
"""Changes."""
_BUFFER = 1 << 18
_fields = attrgetter(*(one.name for one in fields(Change)))


class Changes(Protocol):
    """Changes that can be gone through any number of times."""

    def __iter__(self) -> Iterator[Change]:
        """From the first one on."""

    def __len__(self) -> int:
        """How many there are."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some changes of a spool that follow on each other, in bytes."""

    start: int
    size: int


class Spool:
    """Changes in a file that has no name: it is gone with whoever has it open."""

    def __init__(self) -> None:
        self._open, name = tempfile.mkstemp(prefix="followme-")
        os.unlink(name)
        self._waiting: list[bytes] = []
        self._blocks: list[int] = []
        """Where each begins."""
        self._count = self._size = self._waits = 0

    def __del__(self) -> None:
        os.close(self._open)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Change]:
        self._flush()
        return _changes(self._open, 0)

    def add(self, change: Change) -> None:
        """Put one more behind the others."""
        self.add_encoded(encode(change))

    def add_encoded(self, data: bytes) -> None:
        """The same, as ``encode`` has it."""
        if not self._count % BLOCK:
            self._blocks.append(self._size)
        self._waiting.append(data)
        self._count += 1
        self._size += len(data)
        self._waits += len(data)
        if self._waits > _BUFFER:
            self._flush()

    def blocks(self) -> list[Block]:
        """All of it, ``BLOCK`` changes each."""
        self._flush()
        return [Block(start, end - start) for start, end in pairwise([*self._blocks, self._size])]

    def within(self, block: Block) -> Iterator[Change]:
        """The changes of a block, which another process may ask for that was forked meanwhile."""
        return _changes(self._open, block.start, block.size)

    def _flush(self) -> None:
        data, self._waiting, self._waits = b"".join(self._waiting), [], 0
        try:
            while data:
                data = data[os.write(self._open, data):]
        except OSError as error:
            raise no_room(error.strerror) from None


class Reviewed:
    """The changes in the file of a plan, whose first line is something else."""

    def __init__(self, path: Path, start: int, count: int) -> None:
        self._path = path
        self._start = start
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Change]:
        """Raises Refused where they are not all there."""
        count = 0
        with self._path.open("rb") as file:
            try:
                for change in _changes(file.fileno(), self._start):
                    yield change
                    count += 1
            except (ValueError, TypeError, AttributeError, msgpack.UnpackException):
                raise refused(self._path) from None
        if count != self._count:
            raise refused(self._path)


def no_room(why: str | None) -> Refused:
    """What is to be said where a plan cannot wait to be written."""
    return Refused(f"{tempfile.gettempdir()}: the plan cannot be kept there until it is written: "
                   f"{why}; give another folder:  TMPDIR=/var/tmp followme …")


def refused(path: Path) -> Refused:
    """What is to be said of a file that is no plan, or not a whole one."""
    return Refused(f"{path} is not a plan; make one:  followme plan FILES -o {path}")


def encode(change: Change) -> bytes:
    """The change as it is kept."""
    return bytes(msgpack.packb(_fields(change), default=partial(sorted, key=str)))


def decode(data: bytes) -> Change:
    """The change that was encoded."""
    return _made(msgpack.unpackb(data, use_list=False))


def _made(values: Any) -> Change:
    """Raises TypeError or ValueError where these are the fields of none."""
    change = Change(*values)
    change.expects.update({key: frozenset(may) for key, may in change.expects.items()})
    return change


class _From(io.RawIOBase):
    """Reads an open file from a place on, whoever else reads or writes it."""

    def __init__(self, file: int, start: int, size: int | None) -> None:
        self._file = file
        self._at = start
        self._end = None if size is None else start + size

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As much as there is, at most what the buffer takes."""
        most = len(buffer) if self._end is None else min(len(buffer), self._end - self._at)
        count = os.preadv(self._file, [memoryview(buffer)[:most]], self._at)
        self._at += count
        return count


def _changes(file: int, start: int, size: int | None = None) -> Iterator[Change]:
    data = io.BufferedReader(_From(file, start, size), _BUFFER)
    return map(_made, msgpack.Unpacker(data, use_list=False))
