# SPDX-License-Identifier: GPL-2.0-or-later
"""The product on the fake Kamailio: records in a dictionary, callbacks on new entry objects."""

import importlib.util
import itertools
import os
import shutil
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from kemi_routing import settings
from kemi_routing.errors import StoreUnavailable
from kemi_routing.ksr.background import Background, Exchange
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.in_force import Follower, LastGood
from kemi_routing.ksr.keeper import Keeper
from kemi_routing.ksr.spool import Spool
from kemi_routing.model import Number
from kemi_routing.network import Network, Server
from kemi_routing.record import LineRecord, State
from kemi_routing.redis.store import Exchanged
from kemi_routing.settings import Settings
from kemi_routing.trunks import Asserts
from tests.support.builders import trunk
from tests.support.fake_ksr import FakeKamailio
from tests.support.fake_state import Branch, Message, Reply, Route
from tests.support.sip_message import Address, Headers, Request

if TYPE_CHECKING:
    from KSR import Api

PROXY = Address("127.0.0.1")
TRUNK, FROM_TRUNK, STRANGER = Address("127.0.0.20"), Address("127.0.0.21"), Address("127.0.0.66")
GATEWAY = Address("127.0.0.40")
ENTRY = Path(__file__).parents[2] / "kamailio/followme.py"
NETWORK = Network(
    trunks=(trunk("127.0.0.20"), trunk("127.0.0.21", asserts=Asserts.FROM)),
    gateways=(Server("127.0.0.40:5060", name="usual"),),
    media_servers=(Server("127.0.0.30:5060", name="usual"),))
SETTINGS = settings.from_environment(
    {"FOLLOWME_SIP_HOSTS": "sip.example.net"}).with_network(NETWORK)


def in_network(**fields: Any) -> Settings:
    """The settings where the operator's network has these fields."""
    return SETTINGS.with_network(replace(NETWORK, **fields))


SPIRAL = Address("127.0.0.1", SETTINGS.spiral_port)
DOMAIN = SETTINGS.platform.domain
SECRET = "only-this-kamailio-knows"
PROXY_NAME = "edge-1:127.0.0.1:5060"

T = TypeVar("T")

_COUNT = itertools.count()


def entry() -> Any:
    """``kamailio/followme.py`` as Kamailio loads it."""
    sys.modules.setdefault("KSR", ModuleType("KSR"))
    spec = importlib.util.spec_from_file_location("followme", ENTRY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Records:
    """A store that can be taken away; a record that is an exception is raised."""

    held: dict[str, Number | Exception] = field(default_factory=dict)
    """Numbers by their key."""
    lines: dict[str, LineRecord] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    last_callers: dict[str, str] = field(default_factory=dict)
    elsewhere: list[bytes] = field(default_factory=list)
    """What other proxies count."""
    counted: dict[str, bytes] = field(default_factory=dict)
    """What each proxy told last."""
    operators: bytes | None = None
    """The record of the operator's network."""
    stories: list[tuple[str, str]] = field(default_factory=list)
    """Entries of call records that were written, with the names of their calls."""
    down: bool = False

    def number(self, key: str) -> Number | None:
        self._check()
        found = self.held.get(key)
        if isinstance(found, Exception):
            raise found
        return found and self.states.get(key, State()).applied_to(found)

    def numbers(self, wanted: Iterable[str]) -> dict[str, Number]:
        found = ((key, self.number(key)) for key in wanted)
        return {key: number for key, number in found if number}

    def line(self, name: str) -> LineRecord | None:
        self._check()
        return self.lines.get(name)

    def change_state(
        self, key: str, change: Callable[[Number, State, str | None], tuple[State, T]],
    ) -> T | None:  # fmt: skip
        number, before = self.number(key), self.states.get(key, State())
        if number is None:
            return None
        self.states[key], result = change(number, before, self.last_callers.get(key))
        return result

    def exchange(
        self, proxy: str, calls: bytes, last_callers: Mapping[str, str], others: Iterable[str],
    ) -> Exchanged:  # fmt: skip
        self._check()
        self.counted[proxy] = calls
        self.last_callers |= last_callers
        counted = self.elsewhere if list(others) else []
        return Exchanged(frozenset({proxy, "other"}), counted, self.operators)

    def network(self) -> bytes | None:
        self._check()
        return self.operators

    def keep(self, entries: Sequence[tuple[str, str]], now_ms: int) -> int:
        self._check()
        self.stories += entries
        return 0

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("the store is down")


class Product(FakeKamailio):
    """The fake Kamailio with our entry."""

    def __init__(self, *numbers: Number, lines: tuple[LineRecord, ...] = ()) -> None:
        self.records = Records({one.number: one for one in numbers},
                               {one.name: one for one in lines})
        self._entry = entry()
        self.start = "0000000a"
        self.run_dir = Path("/nowhere")
        self.folder = Path(gettempdir()) / f"followme-{os.getpid()}-{next(_COUNT)}"
        """Where call records wait for the store; made when the first one does."""
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        super().__init__(self._handler_of, local=(PROXY, SPIRAL))

    def _handler_of(self, ksr: "Api") -> Any:
        edge = Edge(ksr, SETTINGS, self.records, SECRET, self.start)
        return self._entry.Handler(edge, self.background(edge),
                                   Keeper(edge, self.records, Spool(self.folder)))

    def background(self, edge: Edge, store: Exchange | None = None) -> Background:
        """A background process that begins with this edge."""
        follower = Follower(edge, LastGood(self.run_dir / "network"), self.run_dir / "list")
        return Background(edge, store or self.records, PROXY_NAME, follower)

    def call(self, number: str, ani: str = "42075553333", *headers: tuple[str, str | bytes],
             source: Address = TRUNK, uri: str = "") -> Request:
        """An INVITE of the trusted trunk that asserts ``ani`` arrives."""
        identity = ("P-Asserted-Identity", f"<sip:+{ani}@carrier.example>")
        request = Request(uri=uri or f"sip:{number}@127.0.0.1", caller=f"<sip:{ani}@x>;tag=a",
                          source=source, headers=(identity, *headers))
        self.receive(request)
        return request

    def at(self, time_s: int) -> None:
        """It is that time from now on, in seconds since 1970."""
        self._process.time_s = time_s

    def in_background(self) -> None:
        """The background process of the entry has its turn."""
        assert self._handler_of(self.ksr).ksr_background(None, "rtimer") == 1

    def too_many(self, address: str, transport: str = "tcp") -> int:
        """What the entry says to Kamailio of a source that sends more than the limit."""
        with self._process.running(Route.REQUEST, Message(Request()), None):  # Kamailio has a mock
            return int(self._handler_of(self.ksr).ksr_too_many(None, f"{transport} {address}"))

    def not_its_own(self, user: str, code: int) -> None:
        """A phone answers without the proof of its branch, and kamailio.cfg drops that."""
        request = self._owner(self.branch(user)).request
        said = Message(request, reply=Reply(code, "", Headers(), request, source=GATEWAY))
        with self._process.running(Route.REQUEST, said, None):
            assert self._handler_of(self.ksr).ksr_not_its_own(None) == 1

    def answer(self, user: str | Branch, code: int, reason: str = "",
               headers: Iterable[tuple[str, str | bytes]] = (), body: str = "", *,
               source: Address | None = None) -> None:
        """A phone answers, with what makes a dialog where the test does not say otherwise."""
        branch, said = self.branch(user), list(headers)
        if 200 <= code <= 299:
            names = {name for name, _ in said}
            routes = branch.sent.headers.all("Record-Route")
            usual = [("Contact", f"<{branch.uri}>"), ("To", "<sip:a@b>;tag=t"),
                     *(("Record-Route", route) for route in routes)]
            said += [line for line in usual if line[0] not in names]
        super().answer(branch, code, reason, said, body, source=source)

    @property
    def codes(self) -> list[int]:
        """Final codes sent to callers, in order."""
        return [reply.code for reply in self.replies if reply.code >= 200]

    @property
    def uris(self) -> list[str]:
        """Request-URIs of the INVITEs that left, in order."""
        return [sent.uri for sent in self.forwarded if sent.method == "INVITE"]

    def spiral(self) -> Request:
        """The branch that was sent to ourselves arrives there."""
        sent = next(one for one in self.forwarded if one.uri.endswith(f":{SPIRAL.port}"))
        request = Request(uri=sent.uri, source=PROXY, received=SPIRAL,
                          caller=sent.headers.get("From") or "")
        self.receive(request)
        return request

