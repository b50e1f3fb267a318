# SPDX-License-Identifier: GPL-2.0-or-later
"""From files to a plan: long files of rows part by part, on as many cores as there are.

A part is checked and compared as if there were no other. That is right where it has nothing to do
with one; where it has, all files are looked at in one piece.
"""

import os
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from itertools import chain, repeat
from pathlib import Path

from kemi_routing import dialplan
from kemi_routing.model import Platform
from provisioning import changes, parts, rows, shape, source
from provisioning.check import read, read_alike
from provisioning.checked import Checked, Entry
from provisioning.columns import Headers
from provisioning.joined import SUBSCRIBERS
from provisioning.kept import Kept
from provisioning.line_by_line import File
from provisioning.parts import Length
from provisioning.plan_file import Spool, decode, encode, no_room
from provisioning.planned import Plan, Tally
from provisioning.problems import Problem, Problems, RefusedFiles
from provisioning.progress import Progress
from provisioning.rows_alike import Unlike
from provisioning.spread import spread
from provisioning.storage import Storage

_ALONE = frozenset({SUBSCRIBERS, *shape.OPERATORS})
"""Keys of a YAML file that is no file beside others."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plan is to be made of, and for which platform, time and store."""

    files: tuple[Path, ...]
    headers: Headers
    platform: Platform
    now: datetime
    redis: str
    quiet: bool = False
    """Whether a log is not told how far it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plan, and what there is to be said of its files."""

    plan: Plan
    of_files: int
    """How many warnings ``check`` gives too."""
    warnings: tuple[Problem, ...]
    """Those that only the store tells."""


@dataclass(slots=True)
class _Looked:
    """What a part, or all files, came to."""

    errors: list[Problem]
    warnings: list[Problem]
    of_files: list[Problem]
    """Warnings that ``check`` gives too: at places that all parts share."""
    of_rows: int
    """How many more there are of these."""
    lines: list[bytes] = field(default_factory=list)
    """Changes, but for those of organisations."""
    tally: Tally = field(default_factory=Tally)
    homes: dict[str, bytes] = field(default_factory=dict)
    """What becomes of organisations."""
    has: bytes = b""
    """Hashes of the names of what stands here."""
    names: bytes = b""
    """Those of what else is named."""
    settles: bool = False
    """Whether it changes what an organisation in the store shares."""


class _Alone(Kept):
    """What the store holds for a part: the subscribers of other parts are no others to it."""

    def owners(self, organisation: str) -> list[str]:
        """None, whatever the organisation."""
        return [] if organisation else super().owners(organisation)


class _OnePiece(Exception):
    """Parts have to do with each other."""


def make(asked: Asked, storage: Storage) -> Found:
    """The plan of these files; raises RefusedFiles where they, or they and the store, do not go
    together.
    """
    lengths = list(_lengths(asked))
    if len(lengths) > 1:
        try:
            return _by_parts(asked, lengths, storage)
        except _OnePiece:
            pass
        except sqlite3.Error as error:  # its disk is full
            raise no_room(str(error)) from None
    with closing(_Gathered(storage)) as gathered:
        gathered.add(_look(asked, asked.files, storage, Kept(storage)))
        return gathered.found()


def _lengths(asked: Asked) -> Iterator[Length]:
    """The parts of the tables; none where they do not stand for themselves."""
    files, of_rows = rows.split(asked.files)
    for path in files:
        tree = source.read(path, Problems())
        if tree is None or not isinstance(tree.content, dict) or _ALONE & tree.content.keys():
            return
    try:
        yield from chain.from_iterable(
            parts.of(path, asked.headers) for path in of_rows if isinstance(path, Path))
    except OSError:
        return  # it is said where the file is read


def _by_parts(asked: Asked, lengths: Sequence[Length], storage: Storage) -> Found:
    shared, _ = rows.split(asked.files)
    work = partial(_look_at_part, asked, tuple(shared))
    processes = len(os.sched_getaffinity(0))
    progress = Progress("checked", sum(one.rows for one in lengths), quiet=asked.quiet)
    with closing(_Gathered(storage, len(lengths))) as gathered, closing(
            spread(work, [one.part for one in lengths], processes)) as looked:
        for length, one in zip(lengths, looked, strict=True):
            gathered.add(one)
            progress.add(length.rows)
        progress.end()
        if gathered.errors and not shared:
            raise _OnePiece  # a row that does not say it has the time zone of an earlier one
        return gathered.found()


def _look_at_part(asked: Asked, shared: tuple[Path, ...], part: File) -> _Looked:
    storage, files = _storage(asked.redis), (*shared, part)
    with suppress(Unlike):
        looked = _compare(asked, files, storage, read_alike(
            files, asked.platform, asked.now, asked.headers, _Alone(storage)))
        if not (looked.errors or looked.warnings):
            return looked
    return _look(asked, files, storage, _Alone(storage))  # each problem with its own place


@cache
def _storage(redis: str) -> Storage:
    """One for each process."""
    return Storage(redis)


def _look(asked: Asked, files: Iterable[File], storage: Storage, kept: Kept) -> _Looked:
    return _compare(asked, files, storage,
                    read(files, asked.platform, asked.now, asked.headers, kept))


def _compare(asked: Asked, files: Iterable[File], storage: Storage, checked: Checked) -> _Looked:
    of_files = set(checked.problems.warnings)
    found = [] if checked.problems.errors else changes.compare(checked, storage, asked.now)
    tables = {str(path) for path in rows.split(files)[1]}
    shared = [one for one in of_files if one.place.file not in tables]
    looked = _Looked(
        checked.problems.errors, [one for one in checked.problems.warnings if one not in of_files],
        shared, len(of_files) - len(shared), has=_hashes(_standing(checked)),
        names=_hashes(chain.from_iterable(map(_named, checked.numbers))),
        settles=any(home.changed for home in checked.homes.values()))
    if not looked.errors:
        for change in found:
            if change.kind == "organisation":
                looked.homes[change.name] = encode(change)
            else:
                looked.tally.add(change)
                looked.lines.append(encode(change))
    return looked


def _hashes(names: Iterable[tuple[str, str]]) -> bytes:
    """They are the same in all processes, as these are forks of one."""
    return array("q", set(map(hash, names))).tobytes()


def _standing(checked: Checked) -> Iterator[tuple[str, str]]:
    """What no other part may have."""
    yield from (("subscriber", owner) for owner in checked.owners)
    yield from checked.claims


def _named(entry: Entry) -> Iterator[tuple[str, str]]:
    """What a number names that may stand in another part."""
    organisation = entry.number.organisation
    for alias in entry.aliases:
        yield "number", alias
    for target, spot in entry.places.items():
        yield "extension" if "/" in target.address else "number", target.address
        written = str(spot.written.content).removeprefix("extension").strip()
        if dialplan.is_extension(written):
            yield "extension", f"{organisation}/{written}"


class _Gathered:
    """What parts came to, in order; it holds one at a time, and what is wrong in all of them."""

    def __init__(self, storage: Storage, count: int = 1) -> None:
        self.errors: list[Problem] = []
        self._storage = storage
        self._count = count
        self._warnings: list[Problem] = []
        self._of_files: Counter[Problem] = Counter()
        self._of_rows = self._parts = 0
        self._spool, self._tally = Spool(), Tally()
        self._index = sqlite3.connect("")  # a file that is gone with it
        self._index.executescript(
            "PRAGMA journal_mode = OFF; CREATE TABLE marks (name INTEGER, has INTEGER, part INTEGER"
            "); CREATE TABLE homes (name TEXT PRIMARY KEY, change BLOB)")

    def close(self) -> None:
        """Nothing more comes."""
        self._index.close()

    def add(self, one: _Looked) -> None:
        """Take what one more part came to."""
        self.errors += one.errors
        self._warnings += one.warnings
        self._of_files.update(one.of_files)
        self._of_rows += one.of_rows
        self._parts += 1
        if self._count > 1:
            self._relate(one)
        if not self.errors:
            self._tally += one.tally
            for line in one.lines:
                self._spool.add_encoded(line)
            for name, line in one.homes.items():
                self._settle(name, line)

    def found(self) -> Found:
        """All of it; raises RefusedFiles, or _OnePiece."""
        if self._have_to_do():
            raise _OnePiece
        problems = Problems(self.errors, self._warnings)
        problems.settle()
        if problems.errors:
            raise RefusedFiles(problems)
        for (line,) in self._index.execute("SELECT change FROM homes ORDER BY rowid"):
            self._spool.add_encoded(line)  # behind all numbers that are as they say
        shared = sum(count == self._count for count in self._of_files.values())
        plan = Plan(self._spool, self._tally.counts, tuple(map(str, problems.warnings)),
                    tuple(self._tally.brakes(self._storage)))
        return Found(plan, shared + self._of_rows, tuple(problems.warnings))

    def _relate(self, one: _Looked) -> None:
        if one.settles:
            raise _OnePiece
        for data, has in ((one.has, 1), (one.names, 0)):
            self._index.executemany("INSERT INTO marks VALUES (?, ?, ?)", zip(
                array("q", data), repeat(has), repeat(self._parts), strict=False))

    def _settle(self, name: str, line: bytes) -> None:
        """An organisation changes once, and to the same for all parts."""
        found = self._index.execute("SELECT change FROM homes WHERE name = ?", (name,)).fetchone()
        if found is None:
            self._index.execute("INSERT INTO homes VALUES (?, ?)", (name, line))
            self._tally.add(decode(line))
        elif found[0] != line:
            raise _OnePiece

    def _have_to_do(self) -> bool:
        """Whether any part names what stands in another one."""
        return self._index.execute(
            "SELECT 1 FROM marks GROUP BY name HAVING max(has) AND min(part) < max(part) LIMIT 1"
        ).fetchone() is not None
