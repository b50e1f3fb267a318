# SPDX-License-Identifier: GPL-2.0-or-later
"""Brings call records from the workers to the store, through files (SPEC C1).

It runs in the background process of a proxy. What workers put down is in a file within a tenth of
a second, and stays there until the store has it: a restart loses nothing that was there before.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from kemi_routing import call_record
from kemi_routing.errors import StoreUnavailable
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.records import RECORDS
from kemi_routing.ksr.spool import Spool

WRITE_EVERY_S = 0.5
TRY_AGAIN_S = 1.0
"""Where the store did not answer."""
AT_ONCE = 250
"""Entries of one round trip."""
ROUND_TRIPS = 4
"""In one turn: the other work of this process must not wait."""


class CallStore(Protocol):
    """Where the records go."""

    def keep(self, entries: Sequence[tuple[str, str]], now_ms: int) -> int: ...


class Keeper:
    """Lives in one process only, so it may remember."""

    def __init__(self, edge: Edge, store: CallStore, spool: Spool) -> None:
        self._edge = edge
        self._store = store
        self._spool = spool
        self._file: Path | None = None
        self._left: list[str] = []
        """Of that file, what the store does not have yet."""
        self._due = 0.0
        self._away = False

    def tick(self, now: datetime) -> None:
        """Put what the workers have put down into a file; at times bring files to the store."""
        if taken := list(self._taken()):
            self._put_aside(taken)
        at = now.timestamp()
        if at < self._due and self._due - at <= TRY_AGAIN_S:
            return
        try:
            behind = self._write(call_record.epoch_ms(now))
            self._due = at if behind else at + WRITE_EVERY_S
            if self._away:
                self._edge.tell("records", why="the store is back")
            self._away = False
        except StoreUnavailable as error:
            self._due = at + TRY_AGAIN_S
            if not self._away:
                self._edge.tell("records", why=str(error))
            self._away = True

    def _put_aside(self, lines: list[str]) -> None:
        try:
            dropped = self._spool.add(lines)
        except OSError as error:
            self._edge.tell("records", dropped=len(lines), why=str(error))
        else:
            if dropped:
                self._edge.tell("records", dropped=dropped, why="too many wait for the store")

    def _write(self, now_ms: int) -> bool:
        """Whether there is more to write than one turn may."""
        for _ in range(ROUND_TRIPS):
            if not self._left and not self._next_file():
                return False
            batch = [_parted(line) for line in self._left[:AT_ONCE]]
            lost = self._store.keep(batch, now_ms)
            if lost:
                self._edge.tell("records", dropped=lost, why="unreadable")
            del self._left[:AT_ONCE]
        return bool(self._left or self._spool.files())

    def _next_file(self) -> bool:
        if self._file:
            self._spool.done(self._file)
            self._file = None
        while files := self._spool.files():
            self._file, self._left = files[0], self._spool.take(files[0])
            if self._left:
                return True
            self._spool.done(files[0])
        self._file = None
        return False

    def _taken(self) -> Iterator[str]:
        mqueue = self._edge.ksr.mqueue
        while mqueue.mq_fetch(RECORDS) > 0:
            call_id, text = str(mqueue.mqk_get(RECORDS)), str(mqueue.mqv_get(RECORDS))
            yield f"{call_record.name(call_id)} {text}"


def _parted(line: str) -> tuple[str, str]:
    call, _, text = line.partition(" ")
    return call, text
