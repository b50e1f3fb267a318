# SPDX-License-Identifier: GPL-2.0-or-later
"""The product on a fake Kamailio, of whose calls to Kamailio and to the store one goes wrong."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from kemi_routing.errors import StoreUnavailable
from kemi_routing.ksr import trunk_limits
from kemi_routing.ksr.caps import Caps, in_profile
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.keeper import Keeper
from kemi_routing.ksr.spool import Spool
from kemi_routing.model import Number
from kemi_routing.record import LineRecord
from tests.contract import recording
from tests.ksr import edge as product_edge
from tests.ksr.edge import PROXY, SECRET, SPIRAL, TRUNK, Product
from tests.support.fake_ksr import Module
from tests.support.fake_state import Branch, Reply
from tests.support.sip_message import Request

if TYPE_CHECKING:
    from KSR import Api


START = datetime(2026, 11, 23, 10, tzinfo=UTC)


class Fault(Enum):
    """How a call goes wrong."""

    RAISES = "raises"
    SAYS_NO = "says -1"
    AWAY = "the store is away"
    WAITS = "takes 300 ms"


WAIT_MS = 300
STORE = "store"
NO: Mapping[str, object] = {"int": -1, "bool": False, "xval": None, "none": None, STORE: None}
"""What a function of Kamailio returns that could not do its work, by the type it returns."""
AFTERWARDS = frozenset({"htable.sht_unlock"})
"""Goes wrong after its work: it fails only where the table is unknown, which holds no lock."""
SENT_AGAIN = frozenset({"sl.send_reply", "tm.t_check_trans"})
"""Say that Kamailio can or knows nothing: without a transaction a caller over UDP asks again."""
ANSWERS_ITSELF = frozenset({"sanity.sanity_check", "registrar.save"})
"""Answer the request before they say no; t_relay does where the transaction is its own."""
RETURNS = {function.path: function.returns for function in recording.load()}

Answers = Mapping[str, int]
"""User part of a phone's URI -> how it answers; all others say nothing."""


class Planted(Exception):
    """The error that a call raises."""


class Faulty(Product):
    """Counts the product's calls; the one with number ``at``, from 0, goes wrong."""

    def __init__(self, numbers: tuple[Number, ...], lines: tuple[LineRecord, ...] = (), *,
                 fault: Fault = Fault.RAISES, at: int = -1) -> None:
        self.made: list[str] = []
        """What was called, in order."""
        self.received: list[Request] = []
        self._fault, self._at = fault, at
        self._late = timedelta()
        super().__init__(*numbers, lines=lines)
        self._entry.__dict__.update(_monotonic_ms=self._monotonic_ms, datetime=self)

    def _monotonic_ms(self) -> int:
        """The clock of the entry."""
        return self._late // timedelta(milliseconds=1)

    def now(self, _zone: tzinfo) -> datetime:
        """The time of day for the entry, in place of ``datetime.now``."""
        return START + self._late

    def _handler_of(self, ksr: "Api") -> Any:
        records = cast("product_edge.Records", Meddled(self.records, STORE, self.meddle))
        edge = Edge(cast("Api", Meddled(ksr, "", self.meddle)), product_edge.SETTINGS, records,
                    SECRET)
        return self._entry.Handler(edge, self.background(edge, records),
                                   Keeper(edge, records, Spool(self.folder)))

    def meddle(self, path: str, function: Callable[..., object], args: tuple[object, ...],
               ) -> object:
        """Make a call, or let it go wrong."""
        self.made.append(path)
        if len(self.made) - 1 != self._at:
            return function(*args)
        if self._fault is Fault.WAITS:
            self._late += timedelta(milliseconds=WAIT_MS)
            return function(*args)
        if path in AFTERWARDS:
            function(*args)
        if self._fault is Fault.SAYS_NO:
            return self._no(path)
        raise StoreUnavailable("planted") if self._fault is Fault.AWAY else Planted(path)

    def _no(self, path: str) -> object:
        if path == "tm.t_relay":
            self._process.dset.clear()  # tm has tried them all
        answers = path in ANSWERS_ITSELF or (path == "tm.t_relay"
                                             and self._process.transaction is None)
        if answers:
            self._process.answer_stateless(500, "Server error occurred")
        return NO[RETURNS.get(path, STORE)]

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self._at = -1

    def receive(self, request: Request) -> int:
        self.received.append(request)
        status, before = super().receive(request), len(self.made)
        if request in self.silent and 0 <= self._at < before and self.made[self._at] in SENT_AGAIN:
            status = super().receive(request)
        return status

    @property
    def ringing(self) -> list[Branch]:
        """The branches that have not ended."""
        return [one for each in self.transactions for one in each.branches if one.ringing]

    def play(self, answers: Answers) -> None:
        """Phones answer and timers end until nothing is under way any more."""
        while self.ringing:
            self._next(self.ringing[0], answers)

    def _next(self, branch: Branch, answers: Answers) -> None:
        user = branch.uri.removeprefix("sip:").partition("@")[0]
        if branch.sent.method != "INVITE" and not branch.blind:
            self.answer(branch, 200)
        elif branch.cancel_sent:
            self.answer(branch, 487)
        elif branch.uri.endswith(f":{SPIRAL.port}"):
            self._second_pass(branch, answers)
        elif user in answers and not branch.blind:
            self.answer(branch, 180)
            self.answer(branch, answers[user])
        else:
            self.time_out(branch)

    def _second_pass(self, branch: Branch, answers: Answers) -> None:
        """What was sent to ourselves arrives there, and its answers come back."""
        request = Request(uri=branch.uri, source=PROXY, received=SPIRAL,
                          caller=branch.headers.get("From") or "")
        self.receive(request)
        heard: list[Reply] = []
        while branch.ringing:
            news = [one for one in self.replies if one.request is request and one not in heard]
            heard += news
            for reply in news:
                self.answer(branch, reply.code, reply.reason,
                            [(line.name, line.value) for line in reply.headers])
            if not news:
                self._go_on(branch, request, answers)

    def _go_on(self, outer: Branch, request: Request, answers: Answers) -> None:
        """The second pass goes on; where it cannot, the branch to it ends with its time."""
        inner = [one for each in self.transactions if each.request is request
                 for one in each.branches if one.ringing]
        if inner:
            self._next(inner[0], answers)
        else:
            self.time_out(outer)

    @property
    def silent(self) -> list[Request]:
        """Requests that got neither a final answer nor a way on."""
        answered = [reply.request for reply in self.replies if reply.code >= 200]
        passed = [sent.headers.get("Call-ID") for sent in self.forwarded
                  if sent.method not in ("INVITE", "CANCEL")]
        return [one for one in self.received if one.method != "ACK" and not (
            any(one is each for each in answered) or one.call_id in passed)]

    @property
    def counted(self) -> dict[str, int]:
        """The calls that are counted now, by number and trunk."""
        edge = Edge(self.ksr, product_edge.SETTINGS, self.records, SECRET)
        counts = {number: Caps(edge).count(number) for number in self.records.held}
        counts["trunk"] = in_profile(edge, trunk_limits.PROFILE, TRUNK.ip)
        return {number: count for number, count in counts.items() if count}

    @property
    def locked(self) -> list[tuple[str, str]]:
        """The locks that somebody still holds."""
        return [key for key, count in self.htable.locked.items() if count]


class Meddled:
    """An object whose functions are called through ``meddle``."""

    def __init__(self, inner: object, path: str, meddle: Callable[..., object]) -> None:
        self._inner = inner
        self._path = path
        self._meddle = meddle

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        path = f"{self._path}.{name}" if self._path else name
        if isinstance(found, Module):
            return Meddled(found, path, self._meddle)
        return lambda *args: self._meddle(path, found, args)
