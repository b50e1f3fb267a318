# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks up host names in the background process, many at once, and waits for none (DESIGN law 4).

Names that the operator lists are kept up to date for ever, and while the name servers say nothing
what they said last holds; others, as of a Contact within a call, are looked up when asked for.
Those of gateways and media servers are known before anybody asks for them (``in_force``).
"""

import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from kemi_routing import dns, start_delay
from kemi_routing.dns import Question, Record, Type
from kemi_routing.errors import InvalidValue
from kemi_routing.ksr import names
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.names import NAMES
from kemi_routing.ksr.waiting import wake
from kemi_routing.locate import Located, host_of, locate
from kemi_routing.second_pass import LOOK_UP_MS
from kemi_routing.start_delay import MARGIN_MS

GIVE_UP_MS = LOOK_UP_MS - 2 * MARGIN_MS
"""A look-up that lasts longer has failed: whoever waits can still be told."""
AGAIN_MS = 200
"""A question without an answer is asked again."""
LISTEN_S = 0.03
KEPT_S = 3600
"""How long what name servers said last is good while they say nothing."""
FORGOTTEN_S = 60
"""How long anything else is known."""
RETRY_S = 30
RETRY_UNREACHED_S = 5
"""The same for a gateway or media server that nobody can reach."""
MOST_AT_ONCE, MOST_KEPT = 200, 1000
MOST_FAILURES = 10
"""In a row, then a name is looked up only when asked for."""


class Servers(Protocol):
    """The name servers."""

    def ask(self, message: bytes, attempt: int) -> int | None: ...
    def heard(self, wait_s: float) -> Iterator[tuple[int, bytes]]: ...
    def close(self, question: int) -> None: ...


@dataclass
class _LookUp:
    """One that is under way."""

    began_ms: int
    known: dict[Question, tuple[Record, ...]] = field(default_factory=dict)
    attempts: dict[Question, int] = field(default_factory=dict)
    open: dict[int, tuple[int, Question]] = field(default_factory=dict)
    """By what ``Servers.ask`` says: ident and question."""
    waiting: list[str] = field(default_factory=list)


@dataclass
class _Kept:
    """A name that is kept up to date."""

    due_ms: int
    failures: int = 0


class Resolver:
    """Lives in one process only, so it may remember."""

    def __init__(self, edge: Edge, servers: Servers, clock_ms: Callable[[], int],
                 always: Callable[[], Collection[str]]) -> None:
        """``always`` says which names must be known whether a call asks for them or not."""
        self._always = always
        self._edge = edge
        self._servers = servers
        self._clock_ms = clock_ms
        self._families = (Type.A, Type.AAAA) if edge.settings.address6 else (Type.A,)
        self._running: dict[str, _LookUp] = {}
        self._kept: dict[str, _Kept] = {}

    def tick(self) -> None:
        """Begin what is asked for or due, hear what came, tell what is found."""
        now_ms = self._clock_ms()
        self._take(now_ms)
        due = [one for one, kept in self._kept.items() if kept.due_ms <= now_ms]
        for wanted in (*due, *(one for one in self._always() if one not in self._kept)):
            self._begin(wanted, now_ms)
        for _ in range(2):  # an answer may lead to another question
            self._go_on()
            if self._running:
                self._listen()
        self._go_on()

    def _take(self, now_ms: int) -> None:
        mqueue = self._edge.ksr.mqueue
        while mqueue.mq_fetch(NAMES) > 0:
            wanted, waiting = str(mqueue.mqk_get(NAMES)), str(mqueue.mqv_get(NAMES) or "")
            if names.hops(self._edge, wanted) is not None:  # found since it was asked for
                self._wake([waiting])
            elif look_up := self._begin(wanted, now_ms):
                look_up.waiting.append(waiting)

    def _begin(self, wanted: str, now_ms: int) -> _LookUp | None:
        if wanted not in self._running and len(self._running) < MOST_AT_ONCE:
            self._running[wanted] = _LookUp(now_ms)
        return self._running.get(wanted)

    def _go_on(self) -> None:
        now_ms = self._clock_ms()
        for wanted, look_up in list(self._running.items()):
            located = locate(wanted, look_up.known, self._families, self._allowed(wanted))
            late = now_ms - look_up.began_ms
            if not located.missing or late >= GIVE_UP_MS:
                self._end(wanted, look_up, located)
            else:
                for question in located.missing:
                    if late >= AGAIN_MS * look_up.attempts.get(question, 0):
                        self._ask(look_up, question)

    def _ask(self, look_up: _LookUp, question: Question) -> None:
        ident, attempt = secrets.randbelow(1 << 16), look_up.attempts.get(question, 0)
        look_up.attempts[question] = attempt + 1
        asked = self._servers.ask(dns.query(ident, question), attempt)
        if asked is not None:
            look_up.open[asked] = ident, question

    def _listen(self) -> None:
        asking = {asked: look_up for look_up in self._running.values() for asked in look_up.open}
        for asked, message in list(self._servers.heard(LISTEN_S)):
            look_up = asking[asked]
            ident, question = look_up.open[asked]
            try:
                look_up.known[question] = dns.read(message, ident, question)
            except InvalidValue:  # asked again in a moment
                continue

    def _allowed(self, wanted: str) -> Callable[[str], bool]:
        """A name is good for no more than its address is (SPEC P6), that of a target for less than
        that of a request within a call.
        """
        settings = self._edge.settings
        if wanted in self._always():  # where calls go is the operator's business
            return lambda address: True
        if settings.platform.refused_host(host_of(wanted)) is None:  # a target may name it
            return lambda address: settings.platform.refused_host(address) is None
        return lambda address: settings.may_connect(address, "")

    def _is_listed(self, wanted: str) -> bool:
        return host_of(wanted) in self._edge.settings.platform.sip_hosts

    def _end(self, wanted: str, look_up: _LookUp, located: Located) -> None:
        for asked in look_up.open:
            self._servers.close(asked)
        del self._running[wanted]
        listed = wanted in self._always() or self._is_listed(wanted)
        silent = bool(located.missing) and not located.hops
        before = names.hops(self._edge, wanted)
        if not located.hops and before != ():
            why = "the name servers say nothing" if silent else "no address that may be called"
            self._edge.tell("name", name=wanted, why=why)
        if not (silent and before):
            kept_s = KEPT_S if listed and located.hops else FORGOTTEN_S
            self._edge.keep(NAMES, wanted, names.written(located.hops), kept_s)
        if listed:
            self._keep(wanted, located)
        else:
            self._kept.pop(wanted, None)
        self._wake(look_up.waiting)

    def _keep(self, wanted: str, located: Located) -> None:
        failures = self._kept[wanted].failures if wanted in self._kept else 0
        failures = 0 if located.hops else failures + 1
        self._kept.pop(wanted, None)
        always = wanted in self._always()
        if failures < MOST_FAILURES or always:
            retry_s = RETRY_S if names.hops(self._edge, wanted) or not always else RETRY_UNREACHED_S
            good_s = located.good_s if located.hops else retry_s
            self._kept[wanted] = _Kept(self._clock_ms() + 1000 * good_s, failures)
        for oldest in list(self._kept)[:-MOST_KEPT]:
            del self._kept[oldest]

    def _wake(self, waiting: list[str]) -> None:
        found = map(start_delay.read, filter(None, waiting))
        wake(self._edge, [one for one in found if one.until_ms - self._clock_ms() > MARGIN_MS])
