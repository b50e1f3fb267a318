# SPDX-License-Identifier: GPL-2.0-or-later
"""The one background process of a proxy: what workers must not wait for.

It takes what they put into queues, tells Redis who called whom last and how many forwarded calls
this proxy counts, keeps the other proxies' counts in a hash table for the workers, and puts the
operator's network in force.
"""

import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from kemi_routing.errors import StoreUnavailable
from kemi_routing.ksr.caps import BEGUN, ELSEWHERE, HOUR, NOW, Caps, elsewhere_key
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.in_force import Follower
from kemi_routing.redis.store import Exchanged

LAST_CALLER = "last_caller"
"""Queue of kamailio.cfg: number, who called it."""
EXCHANGE_EVERY_S = 0.5
BELIEVED_S = 10
"""How long the others' counts are believed when no new ones come."""
MOST_CALLERS = 10_000
"""Last callers that are kept while the store is away; the oldest go first."""

_HOUR_S = 3600


class Exchange(Protocol):
    """The store; raises StoreUnavailable."""

    def exchange(self, proxy: str, calls: bytes, last_callers: Mapping[str, str],
                 others: Iterable[str]) -> Exchanged: ...


class Background:
    """Lives in one process only, so it may remember."""

    def __init__(self, edge: Edge, store: Exchange, proxy: str, follower: Follower) -> None:
        self._edge = edge
        self._ksr = edge.ksr
        self._caps = Caps(edge)
        self._store = store
        self._proxy = proxy
        self._follower = follower
        self._others: frozenset[str] = frozenset()
        self._begun: dict[str, deque[float]] = {}
        """Number -> when the forwarded calls of the last hour began."""
        self._callers: dict[str, str] = {}
        self._written: set[str] = set()
        """Keys of the hash table that are not 0."""
        self._due = 0.0
        self._away = False

    def names(self) -> frozenset[str]:
        """The host names that must be known whether a call asks for them or not."""
        return self._follower.names()

    def tick(self, now: datetime) -> None:
        """Take what the workers put down; every ``EXCHANGE_EVERY_S`` exchange it with the store."""
        at = now.timestamp()
        self._take(at)
        if not at < self._due <= at + EXCHANGE_EVERY_S:
            self._due = at + EXCHANGE_EVERY_S
            self._exchange_or_wait(at)
        self._follower.tick(at)

    def _take(self, at: float) -> None:
        for number, _ in self._taken(BEGUN):
            self._begun.setdefault(number, deque()).append(at)
        self._callers |= self._taken(LAST_CALLER)

    def _exchange_or_wait(self, at: float) -> None:
        try:
            self._exchange(at)
        except StoreUnavailable as error:
            if not self._away:
                self._edge.tell("exchange", why=str(error))
            self._away = True
            for number in list(self._callers)[:-MOST_CALLERS]:
                del self._callers[number]

    def _exchange(self, at: float) -> None:
        counts = json.dumps(self._counts(at), separators=(",", ":")).encode()
        heard = self._store.exchange(self._proxy, counts, self._callers, sorted(self._others))
        self._callers = {}
        self._others = heard.proxies - {self._proxy}
        self._write(heard.counted)
        self._follower.hear(heard.network, at)
        if self._away:
            self._edge.tell("exchange", why="the store is back")
        self._away = False

    def _counts(self, at: float) -> dict[str, tuple[int, int]]:
        counts = {}
        for number, began in list(self._begun.items()):
            while began and began[0] < at - _HOUR_S:
                began.popleft()
            counts[number] = (self._caps.count(number), len(began))
            if not any(counts[number]):
                del self._begun[number], counts[number]
        return counts

    def _write(self, counted: list[bytes]) -> None:
        """What the others count goes to where the workers look."""
        sums: Counter[str] = Counter()
        for data in counted:
            try:
                for number, (now, hour) in json.loads(data).items():
                    sums[elsewhere_key(NOW, number)] += now
                    sums[elsewhere_key(HOUR, number)] += hour
            except (ValueError, TypeError, AttributeError) as error:
                self._edge.tell("exchange", why=f"not the counts of a proxy: {error}")
        htable, before = self._ksr.htable, self._written
        self._written = {key for key, count in sums.items() if count}
        for key in before - self._written:
            htable.sht_rm(ELSEWHERE, key)
        for key in self._written:
            htable.sht_setxi(ELSEWHERE, key, sums[key], BELIEVED_S)

    def _taken(self, queue: str) -> Iterator[tuple[str, str]]:
        mqueue = self._ksr.mqueue
        while mqueue.mq_fetch(queue) > 0:
            yield str(mqueue.mqk_get(queue)), str(mqueue.mqv_get(queue))
