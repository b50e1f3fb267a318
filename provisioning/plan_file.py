# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes as lines of JSON, one a line: in the file of a plan, and where they wait to be written.

They are read one by one, so a million of them take no memory.
"""

import base64
import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from provisioning.problems import Refused
from provisioning.storage import Change

SUFFIX = ".plan"
_BLOCK = 1 << 18
_OF_BYTES = ("sets", "remembers")
_DEFAULTS: dict[str, object] = {
    one.name: one.default_factory() if one.default_factory is not MISSING else one.default
    for one in fields(Change)}


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
        self._count = self._size = 0

    def __del__(self) -> None:
        os.close(self._open)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Change]:
        return map(decode, self.lines())

    def add(self, change: Change) -> None:
        """Put one more behind the others."""
        self.add_line(encode(change))

    def add_line(self, line: bytes) -> None:
        """The same, as ``lines`` has it."""
        self._waiting.append(line)
        self._count += 1
        self._size += len(line)
        if self._size > _BLOCK:
            self._flush()

    def lines(self) -> Iterator[bytes]:
        """One for each change."""
        self._flush()
        yield from _lines(self._open, 0)

    def blocks(self, count: int) -> Iterator[Block]:
        """All of it, so many changes each."""
        lines, start = self.lines(), 0
        while size := sum(map(len, islice(lines, count))):
            yield Block(start, size)
            start += size

    def within(self, block: Block) -> Iterator[Change]:
        """The changes of a block, which another process may ask for that was forked meanwhile."""
        return map(decode, os.pread(self._open, block.size, block.start).splitlines())

    def _flush(self) -> None:
        data, self._waiting, self._size = b"".join(self._waiting), [], 0
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
            for line in _lines(file.fileno(), self._start):
                yield _decoded(self._path, line)
                count += 1
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
    """The change as a line."""
    data = {name: value for name, usual in _DEFAULTS.items()
            if (value := getattr(change, name)) != usual}
    if "expects" in data:
        data["expects"] = {key: sorted(seen, key=str) for key, seen in change.expects.items()}
    for name in _OF_BYTES:
        if name in data:
            data[name] = {key: base64.b64encode(value).decode()
                          for key, value in data[name].items()}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Change:
    """The change of a line; raises ValueError, TypeError or the like where it is none."""
    data: dict[str, Any] = json.loads(line)
    for key, value in data.items():
        if isinstance(value, list):
            data[key] = tuple(value)
        elif key in _OF_BYTES:
            data[key] = {name: base64.b64decode(text, validate=True)
                         for name, text in value.items()}
        elif key == "expects":
            data[key] = {name: frozenset(seen) for name, seen in value.items()}
    return Change(**data)


def _decoded(path: Path, line: bytes) -> Change:
    try:
        return decode(line)
    except (ValueError, TypeError, KeyError, AttributeError):  # binascii's is a ValueError
        raise refused(path) from None


class _From(io.RawIOBase):
    """Reads an open file from a place on, whoever else reads or writes it."""

    def __init__(self, file: int, start: int) -> None:
        self._file = file
        self._at = start

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As much as there is, at most what the buffer takes."""
        count = os.preadv(self._file, [buffer], self._at)
        self._at += count
        return count


def _lines(file: int, start: int) -> Iterator[bytes]:
    return iter(io.BufferedReader(_From(file, start), _BLOCK))
