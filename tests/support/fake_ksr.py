# SPDX-License-Identifier: GPL-2.0-or-later
"""A strict, stateful stand-in for Kamailio, built from the recorded KEMI interface.

A test hands requests to a `FakeKamailio`, lets phones answer, and looks at what left in SIP
words. `FakeKamailio.ksr` is what the code under test gets for KSR. Names that Kamailio lacks
raise AttributeError, wrong arguments SystemError, what is not modelled NotImplementedError, and
what Kamailio lets pass although it goes wrong later `Misuse`. The contract tests run the same
probes on this and on a real Kamailio.

tm's own 100 Trying is left out; time does not pass by itself: `time_out` ends a ring time.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, cast

from tests.contract import recording
from tests.support.fake_corex import Corex
from tests.support.fake_dialog import Dialog
from tests.support.fake_message import Core, Hdr, Maxfwd, Sanity, Siputils, Textopsx, Uac
from tests.support.fake_nat import Nathelper, Rtpengine, Sdpops
from tests.support.fake_registrar import Auth, Contact, Limits, Registrar, Tcpops
from tests.support.fake_replies import Replies
from tests.support.fake_routes import Rr
from tests.support.fake_shared import Dispatcher, Dmq, Htable, Mqueue
from tests.support.fake_state import (
    LOCAL,
    STATELESS_TAG,
    Armed,
    Branch,
    Forwarded,
    Message,
    Misuse,
    Process,
    Reply,
    Route,
    Transaction,
)
from tests.support.fake_suspend import Tmx
from tests.support.fake_tm import Tm
from tests.support.fake_variables import Pv, Pvx
from tests.support.sip_message import (
    Address,
    Header,
    Headers,
    Request,
    parse_name_addr,
    parse_uri,
)

if TYPE_CHECKING:
    from KSR import Api

REASONS = {180: "Ringing", 183: "Session Progress", 200: "OK", 404: "Not Found", 486: "Busy Here"}

PROXY = LOCAL[0]

INT_RANGE = range(-(2**31), 2**31)


class FakeKamailio:
    """One Kamailio with one worker; `handlers` makes a handler object for each callback."""

    def __init__(
        self,
        handlers: Callable[["Api"], object],
        *,
        local: tuple[Address, ...] = LOCAL,
        domain: str = "followme.local",
        max_branches: int = 30,
        faked_reply_prio: int = 2000,
    ) -> None:
        self._handlers = handlers
        self._handler: object = None
        self._process = process = Process(local, domain, max_branches)
        process.callback = self._run
        self._replies = Replies(process, faked_reply_prio)
        tm = Tm(process, self._replies)
        core = Core(process)
        pv = Pv(process, core)
        self._registrar = Registrar(process, tm, Limits())
        self._auth = Auth(process, tm)
        self.htable, self.mqueue = Htable(process), Mqueue(process)
        self.dispatcher, self.dmq = Dispatcher(process), Dmq(process, tm)
        self.rtpengine = Rtpengine(process)
        modules: dict[str, object] = {
            "": core,
            "auth": self._auth,
            "corex": Corex(process),
            "dialog": Dialog(process, pv),
            "dispatcher": self.dispatcher,
            "dmq": self.dmq,
            "hdr": Hdr(process),
            "htable": self.htable,
            "maxfwd": Maxfwd(process),
            "mqueue": self.mqueue,
            "nathelper": Nathelper(process),
            "pv": pv,
            "pvx": Pvx(process, pv),
            "registrar": self._registrar,
            "rr": Rr(process),
            "rtpengine": self.rtpengine,
            "sanity": Sanity(process),
            "sdpops": Sdpops(process),
            "siputils": Siputils(process),
            "sl": tm,
            "tcpops": Tcpops(process),
            "textopsx": Textopsx(process),
            "tm": tm,
            "tmx": Tmx(process, self._replies),
            "uac": Uac(process),
        }
        functions = recording.by_module()
        inner = {name: Module(f"KSR.{name}", recorded, modules.get(name))
                 for name, recorded in functions.items() if name}
        self.ksr = cast("Api", Module("KSR", functions[""], core, inner))

    def receive(self, request: Request) -> int:
        """A request arrives: runs `ksr_request_route` and gives what it returned."""
        process = self._process
        to_tag = parse_name_addr(request.callee).params.get("tag")
        if request.method == "ACK" and to_tag == STATELESS_TAG:
            return 1  # worked off by the sl module
        process.dset, process.uri_is_new = [], True
        process.armed, process.loose_avps, process.loose_xavps = Armed(), {}, {}
        with process.running(Route.REQUEST, Message(request), None):
            status = self._run("ksr_request_route")
            if process.transaction and process.transaction.delayed_error:
                self._replies.internal(process.transaction, process.transaction.delayed_error)
        return status

    def answer(
        self,
        user: str | Branch,
        code: int,
        reason: str = "",
        headers: Iterable[tuple[str, str | bytes]] = (),
        body: str = "",
        *,
        source: Address | None = None,
    ) -> None:
        """A phone, named by its branch or by the user part of its R-URI, answers its INVITE from
        where that went, or another ``source``.
        """
        branch = self.branch(user)
        transaction = self._owner(branch)
        lines = Headers(Header(*pair) for pair in headers)
        reason = reason or REASONS.get(code, "Answer")
        there = parse_uri(branch.destination)
        sender = source or (Address(there.host, there.port or 5060) if there else PROXY)
        reply = Reply(code, reason, lines, transaction.request, body, sender)
        self._replies.from_phone(transaction, branch, reply)

    def stray(self, call_id: str, *headers: tuple[str, str | bytes], caller: str = Request.caller,
              ) -> Message | None:  # fmt: skip
        """An answer to nothing that tm knows arrives; as it goes on, None where it is dropped."""
        request = Request(call_id=call_id, caller=caller)
        lines = [line for line in request.lines if not line.named("Max-Forwards")]
        reply = Reply(200, "OK", Headers([*lines, *(Header(*pair) for pair in headers)]), request)
        message = Message(request, reply=reply)
        with self._process.running(Route.REPLY, message, None):
            self._run("ksr_stray_answer", "on_sl_reply")
            return None if self._process.dropped else message

    def time_out(self, user: str | Branch) -> None:
        """The ring time or no-reply time of a branch runs out."""
        branch = self.branch(user)
        if not branch.ringing:
            raise ValueError(f"branch {branch.index} has ended with {branch.status}")
        self._replies.timer(self._owner(branch), branch)

    def branch(self, user: str | Branch) -> Branch:
        """The latest branch to an R-URI with this user part. Raises LookupError."""
        if isinstance(user, Branch):
            return user
        prefix = f"sip:{user}@"
        sent = [b for t in self.transactions for b in t.branches if b.uri.startswith(prefix)]
        if not sent:
            raise LookupError(f"no branch to {user!r}")
        return next((b for b in reversed(sent) if b.ringing), sent[-1])

    def register(self, line: str, *contacts: str, expires_s: int = 600) -> None:
        """Phones of a line, the user part of its AOR, are registered at the first socket."""
        socket = "udp:{}:{}".format(*self._process.local[0])
        made = [Contact(uri, expires_s, socket) for uri in contacts]
        self._registrar.location.setdefault(line, []).extend(made)

    def register_elsewhere(self, line: str, contact: str, received: str, flag: int) -> None:
        """A phone of a line is registered at another proxy, which told us."""
        made = Contact(contact, 600, "", received, frozenset({flag}))
        self._registrar.location.setdefault(line, []).append(made)

    def expire_nonces(self) -> None:
        """All nonces that were given out are too old from now on."""
        self._auth.expire()

    @property
    def location(self) -> dict[str, list[str]]:
        """URIs of the registered phones by line."""
        return {line: [c.uri for c in cs] for line, cs in self._registrar.location.items()}

    @property
    def connections(self) -> set[int]:
        """The TCP connections that there are, by number."""
        return self._process.connections

    def contacts(self, line: str) -> list[Contact]:
        """The registered phones of a line."""
        return self._registrar.location[line]

    @property
    def transactions(self) -> list[Transaction]:
        """All transactions in the order they began."""
        return self._process.transactions

    @property
    def transaction(self) -> Transaction:
        """The latest INVITE transaction. Raises LookupError."""
        invites = [t for t in self.transactions if t.request.method == "INVITE"]
        if not invites:
            raise LookupError("no INVITE transaction")
        return invites[-1]

    @property
    def forwarded(self) -> list[Forwarded]:
        """All requests that left, in order."""
        return self._process.forwarded

    @property
    def replies(self) -> list[Reply]:
        """All answers to callers, in order."""
        return self._process.replies

    @property
    def log(self) -> list[tuple[str, str]]:
        """Level and text of what was logged."""
        return self._process.log

    @property
    def unresolvable(self) -> set[str]:
        """Hosts that have no address; a test adds to it."""
        return self._process.unresolvable

    @property
    def unanswered(self) -> list[Request]:
        """Requests whose transaction the script neither answered, relayed nor released."""
        return [t.request for t in self.transactions if not t.handled]

    def _run(self, name: str, *event: str) -> int:
        # A branch route runs within t_relay, on the handler that called it; all others may run
        # in another process.
        if self._process.route is not Route.BRANCH:
            self._handler = self._handlers(self.ksr)
        method = getattr(self._handler, name, None)
        if method is None:
            raise Misuse(f"callback {name!r} does not exist: breaks the worker's next message")
        status = method(None, *event)
        if not isinstance(status, int):
            raise Misuse(f"callback {name!r} returned {status!r}: breaks the next message")
        return status

    def _owner(self, branch: Branch) -> Transaction:
        return next(t for t in self.transactions if any(branch is b for b in t.branches))


class Module:
    """KSR or a module of it; knows the recorded functions and no others."""

    def __init__(
        self,
        name: str,
        functions: Mapping[str, recording.Function],
        part: object,
        modules: dict[str, "Module"] | None = None,
    ) -> None:
        self._name = name
        self._part = part
        self._modules = modules or {}
        self._functions = functions

    @property
    def modelled(self) -> set[str]:
        """The names that do more than raise NotImplementedError."""
        return {*self._modules} | {name for name in self._functions if hasattr(self._part, name)}

    def __getattr__(self, name: str) -> object:
        if name in self._modules:
            return self._modules[name]
        function = self._functions.get(name)
        if function is None:
            raise AttributeError(f"module '{self._name}' has no attribute '{name}'")
        return self._checked(function, getattr(self._part, name, None))

    def _checked(
        self, function: recording.Function, body: Callable[..., object] | None
    ) -> Callable[..., object]:
        def call(*args: object) -> object:
            _check_arguments(function, args)
            if body is None:
                raise NotImplementedError(f"the fake does not model KSR.{function.path}")
            return body(*args)

        return call


def _check_arguments(function: recording.Function, args: tuple[object, ...]) -> None:
    """Raises SystemError as app_python3 does for arguments that it cannot convert."""
    if not function.params and args:
        raise Misuse(f"KSR.{function.path} ignores its arguments {args}")
    fitting = len(args) == len(function.params) and all(
        _fits(arg, kind) for arg, kind in zip(args, function.params, strict=True)
    )
    if not fitting:
        raise SystemError(f"KSR.{function.path}({', '.join(function.params)}) called with {args}")


def _fits(value: object, kind: str) -> bool:
    if kind == "int":
        return isinstance(value, int) and value in INT_RANGE
    if not isinstance(value, str) or "\0" in value:
        return False
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
