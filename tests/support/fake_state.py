# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fake Kamailio remembers: the message at hand, transactions, what went out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum

from tests.support.sip_message import Address, Header, Headers, Request

LOCAL = (Address("127.0.0.1", 5060), Address("127.0.0.1", 5059))

# E_* of Kamailio's core/error.h.
E_UNSPEC, E_CFG, E_SCRIPT, E_TOO_MANY_BRANCHES = -1, -6, -10, -12
E_BAD_ADDRESS, E_CANCELED = -478, -487

STATELESS_TAG = "sl-tag"
"""To tag of stateless answers: their ACK does not reach the script."""


class Misuse(AssertionError):
    """A call that Kamailio lets pass and that goes wrong later or on the wire."""


class Route(Enum):
    """Kinds of route, as `route_type` in Kamailio."""

    REQUEST, BRANCH, FAILURE, BRANCH_FAILURE, REPLY = range(5)


Value = str | int


@dataclass(frozen=True)
class Edit:
    """A change of the message that takes effect when it is sent (a lump)."""

    kind: str
    """append, insert, remove (a name), drop (a line number) or replace (a name)."""
    what: str
    text: str = ""


@dataclass
class Message:
    """The message that a callback works on; `reply` is set in a reply route."""

    request: Request
    new_uri: str | None = None
    dst_uri: str = ""
    send_socket: str = ""
    connects: bool = True
    edits: list[Edit] = field(default_factory=list)
    reply_headers: list[str] = field(default_factory=list)
    flags: set[int] = field(default_factory=set)
    branch_flags: set[int] = field(default_factory=set)
    instance: str = ""
    reply: "Reply | None" = None
    timed_out: bool = False
    replied: bool = False
    record_routed: bool = False
    route_params: list[str] = field(default_factory=list)
    route_found: bool = False
    """Whether loose_route followed a Route."""

    @property
    def uri(self) -> str:
        """The Request-URI as changed so far."""
        return self.request.uri if self.new_uri is None else self.new_uri

    @property
    def source(self) -> Address:
        """Where the message came from; an answer comes from where its branch went."""
        return self.request.source if self.reply is None else self.reply.source

    @property
    def lines(self) -> Headers:
        """The headers as received; no change of ours is seen here."""
        return self.request.lines if self.reply is None else self.reply.headers

    def copy(self) -> "Message":
        """A copy that changes by itself."""
        return replace(
            self,
            edits=[*self.edits],
            route_params=[*self.route_params],
            reply_headers=[*self.reply_headers],
            flags={*self.flags},
            branch_flags={*self.branch_flags},
        )

    def edited(self) -> Headers:
        """The headers as sent on."""
        before: dict[int, list[Header]] = {}
        for edit in (e for e in self.edits if e.kind == "before"):
            # Beside the place of the first, whether that itself stays or not.
            first = next(at for at, header in enumerate(self.lines) if header.named(edit.what))
            before[first] = [*header_lines([edit.text]), *before.get(first, [])]
        lines: list[Header] = []
        for number, header in enumerate(self.lines):
            lines += before.get(number, [])
            if not self._removed(number, header):
                lines.append(self._replaced(header))
        inserted = [e.text for e in self.edits if e.kind == "insert"]
        appended = [e.text for e in self.edits if e.kind == "append"]
        return Headers([*header_lines(inserted), *lines, *header_lines(appended)])

    def _removed(self, number: int, header: Header) -> bool:
        return any(
            (edit.kind == "remove" and header.named(edit.what))
            or (edit.kind == "drop" and edit.what == str(number))
            for edit in self.edits
        )

    def _replaced(self, header: Header) -> Header:
        changed = [e.text for e in self.edits if e.kind == "replace" and header.named(e.what)]
        return Header(header.name, changed[-1]) if changed else header


@dataclass(frozen=True)
class Reply:
    """An answer, from a phone or to the caller."""

    code: int
    reason: str
    headers: Headers
    request: Request
    """The request that it answers."""
    body: str = ""
    source: Address = Address("0.0.0.0", 0)


@dataclass(frozen=True)
class Forwarded:
    """A request as it left."""

    method: str
    uri: str
    destination: str
    """URI of the next hop."""
    headers: Headers
    send_socket: str = ""
    connects: bool = True
    """Whether a TCP connection is opened where there is none (set_forward_no_connect)."""
    via: dict[str, Value] = field(default_factory=dict)
    """Parameters of Kamailio's Via (xavp_via_params), but what kamailio.cfg itself writes."""


@dataclass
class Timers:
    """tm's timers in milliseconds; 0 is tm's default."""

    ring_ms: int = 120_000
    no_reply_ms: int = 30_000
    lifetime_ms: int = 180_000


@dataclass
class Armed:
    """Callbacks, flags and timers set for a transaction, or for the one to come."""

    on_branch: str = ""
    on_failure: str = ""
    on_branch_failure: str = ""
    on_reply: str = ""
    disable_6xx: bool = False
    disable_internal_reply: bool = False
    no_e2e_cancel_reason: bool = False
    timers: Timers = field(default_factory=Timers)


@dataclass
class Branch:
    """One forwarded INVITE of a transaction, as it left, and how it ended."""

    index: int
    sent: Forwarded
    timers: Timers
    on_failure: str
    on_branch_failure: str
    on_reply: str
    flags: set[int] = field(default_factory=set)
    instance: str = ""
    status: int = 0
    """The last code from the phone; 408 of our own when its time ran out."""
    stored: Reply | None = None
    faked: bool = False
    answer: Reply | None = None
    """Its final answer, while a failure route looks at it."""
    blind: bool = False
    """Sent to nobody: tm's timer of a suspended transaction."""
    timed_out: bool = False
    replied: bool = False
    cancel: str | None = None
    """Reason with which it is to be cancelled, "" for none given; None if it is not."""
    cancel_sent: bool = False

    @property
    def uri(self) -> str:
        """The Request-URI sent."""
        return self.sent.uri

    @property
    def destination(self) -> str:
        """URI of the next hop."""
        return self.sent.destination

    @property
    def headers(self) -> Headers:
        """The headers sent."""
        return self.sent.headers

    @property
    def ringing(self) -> bool:
        """Whether it can still be answered."""
        return self.status < 200


@dataclass
class Transaction:
    """A server transaction of tm with its branches."""

    request: Request
    stored: Message
    """The request as cloned for failure routes."""
    armed: Armed
    avps: dict[str, list[Value]]
    xavps: dict[str, list[dict[str, Value]]]
    branches: list[Branch] = field(default_factory=list)
    status: int = 0
    last_reply: Reply | None = None
    canceled: bool = False
    cancelled_by_6xx: bool = False
    picked: int = -1
    handled: bool = False
    """Answered, forwarded or released by the script."""
    delayed_error: int = 0
    released: bool = False
    ident: tuple[int, int] = (0, 0)
    """tm's index and label of it, as KEMI's integers have them."""
    suspended: bool = False

    @property
    def timers(self) -> Timers:
        """The timers for branches sent from now on."""
        return self.armed.timers


@dataclass(frozen=True)
class Appended:
    """A branch of the destination set that waits for t_relay."""

    uri: str
    dst_uri: str = ""
    send_socket: str = ""
    flags: frozenset[int] = frozenset()
    instance: str = ""


@dataclass
class Process:
    """One process of Kamailio with the state that its modules share."""

    local: tuple[Address, ...] = LOCAL
    alias: str = "followme.local"
    """The domain that is ours on every port."""
    max_branches: int = 30
    unresolvable: set[str] = field(default_factory=set)
    """Hosts without an address; names below .invalid never have one."""
    log: list[tuple[str, str]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    forwarded: list[Forwarded] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    dset: list[Appended] = field(default_factory=list)
    uri_is_new: bool = False
    """Whether the R-URI is the first branch of the next t_relay."""
    route: Route = Route.REQUEST
    transaction: Transaction | None = None
    branch_index: int = 0
    routed: list[Request] = field(default_factory=list)
    """Requests that found their way by loose_route."""
    time_s: int = 0
    """When it is, in seconds since 1970."""
    dropped: bool = False
    """Whether the branch or reply route asked that the message not be sent."""
    armed: Armed = field(default_factory=Armed)
    variables: dict[str, Value] = field(default_factory=dict)
    fetched: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Contacts in registrar's profiles."""
    connections: set[int] = field(default_factory=set)
    """The TCP connections that there are."""
    loose_avps: dict[str, list[Value]] = field(default_factory=dict)
    loose_xavps: dict[str, list[dict[str, Value]]] = field(default_factory=dict)
    current: Message | None = None
    callback: Callable[[str], int] = field(default=lambda name: 1)
    """Runs a callback of a new handler object."""

    @property
    def message(self) -> Message:
        """The message at hand. Raises Misuse outside of every callback."""
        if self.current is None:
            raise Misuse("no message is being processed")
        return self.current

    @property
    def avps(self) -> dict[str, list[Value]]:
        """The AVPs: those of the transaction once there is one."""
        return self.transaction.avps if self.transaction else self.loose_avps

    @property
    def xavps(self) -> dict[str, list[dict[str, Value]]]:
        """The XAVPs: those of the transaction once there is one."""
        return self.transaction.xavps if self.transaction else self.loose_xavps

    @contextmanager
    def running(
        self, route: Route, message: Message, transaction: Transaction | None, index: int = 0
    ) -> Iterator[None]:
        """The surroundings of a callback; those before come back afterwards."""
        before = (self.route, self.current, self.transaction, self.branch_index)
        self.route, self.current, self.dropped = route, message, False
        self.transaction, self.branch_index = transaction, index
        try:
            yield
        finally:
            self.route, self.current, self.transaction, self.branch_index = before

    def answer(self, request: Request, code: int, reason: str, more: list[str], tag: str) -> Reply:
        """Sends an answer of our own to the caller."""
        copied = [
            header
            for header in request.lines
            if any(map(header.named, ("Via", "From", "Call-ID", "CSeq")))
        ]
        old = request.callee
        to = Header("To", old if "tag=" in old else f"{old};tag={tag}")
        reply = Reply(code, reason, Headers([*copied, to, *header_lines(more)]), request)
        self.replies.append(reply)
        return reply

    def answer_stateless(self, code: int, reason: str) -> None:
        """Sends an answer as the sl module does."""
        message = self.message
        self.answer(message.request, code, reason, message.reply_headers, STATELESS_TAG)

    def is_local(self, host: str, port: int) -> bool:
        """Whether it is a socket of ours; port 0 stands for any, as in check_self()."""
        if host.lower() == self.alias:
            return True
        return any(host == own.ip and port in (0, own.port) for own in self.local)


def header_lines(texts: list[str]) -> list[Header]:
    """The header lines of texts as given to the hdr functions."""
    lines = [line for text in texts for line in text.split("\r\n") if line]
    pairs = (line.partition(":") for line in lines)
    return [Header(name, value.strip()) for name, _, value in pairs]


def checked_header(text: str) -> str:
    """The text, if it is whole header lines. Raises Misuse: it would spoil the next header."""
    names = [line.partition(":")[0] for line in text.split("\r\n")[:-1]]
    if not text.endswith("\r\n") or not all(names) or text.count(":") < len(names):
        raise Misuse(f"not a header line that ends with CR LF: {text!r}")
    if text.count("\n") != len(names) or text.count("\r") != len(names):
        raise Misuse(f"CR or LF within a header: {text!r}")
    return text
