# SPDX-License-Identifier: GPL-2.0-or-later
"""A telephone spoken by hand over one socket, UDP or a connection: it knows its own address only.

It says no rport (RFC 3581), sends all its requests to the proxy, and follows route sets and remote
targets as RFC 3261 section 12 says. OPTIONS it answers whenever it listens.
"""

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.support import trace
from tests.support.loopback import NotReady
from tests.support.raw_sip import RawSip
from tests.support.sip_message import auth_params, digest_answer

Lines = Iterable[str]
Wanted = Callable[[trace.Message], bool]
_SDP = "application/sdp"


@dataclass
class Dialog:
    """A call as one of its two sides knows it (RFC 3261 section 12)."""

    call_id: str
    local: str
    remote: str
    target: str
    routes: list[str]
    cseq: int = 100
    invite: int = field(default=0)
    """CSeq of the INVITE that it sent last."""


class SoftPhone:
    """A phone of the account ``user`` behind this socket."""

    def __init__(self, wire: RawSip, user: str, domain: str, password: str = "") -> None:
        self.wire = wire
        self._user, self._domain, self._password = user, domain, password
        self._tag = uuid.uuid4().hex
        """Of its calls as a callee."""
        self._branch = ""
        """Of the request that it sent last."""
        self.registration = uuid.uuid4().hex
        """Call-ID of its REGISTERs, the same from one start to the next (RFC 3261 section 10.2)."""
        self._registers = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self.wire.__exit__(kind, error, where)

    @property
    def contact(self) -> str:
        """Its Contact: the address that it has itself."""
        how = "" if self.wire.transport == "UDP" else f";transport={self.wire.transport.lower()}"
        return f"<sip:{self._user}@{self.wire.host_port}{how}>"

    @property
    def aor(self) -> str:
        """Its address of record."""
        return f"<sip:{self._user}@{self._domain}>"

    def register(
        self, *parameters: str, expires_s: int = 600, contact: str = "", headers: Lines = ()
    ) -> trace.Message:
        """The final answer to a REGISTER that answers its challenge."""
        uri, contact = f"sip:{self._domain}", ";".join((contact or self.contact, *parameters))
        head = [f"From: {self.aor};tag={uuid.uuid4().hex}", f"To: {self.aor}"]
        head += [f"Call-ID: {self.registration}", f"Contact: {contact}", f"Expires: {expires_s}"]
        head += headers
        self._registers += 2
        self._send(f"REGISTER {uri}", head, self._registers - 1)
        head += [self._credentials("REGISTER", uri, self.final("REGISTER"))]
        self._send(f"REGISTER {uri}", head, self._registers)
        return self.final("REGISTER")

    def call(self, uri: str, *headers: str, body: str = "", contact: str = "") -> Dialog:
        """Send an INVITE; a challenge is answered first where the phone has a password."""
        local = f"{self.aor};tag={uuid.uuid4().hex}"
        call_id = f"{uuid.uuid4().hex}@{self.wire.host_port}"
        dialog = Dialog(call_id, local, f"<{uri}>", uri, [], cseq=1)
        head = [f"From: {local}", f"To: <{uri}>", f"Call-ID: {dialog.call_id}"]
        head += [f"Contact: {contact or self.contact}", *headers]
        self._send(f"INVITE {uri}", head, dialog.cseq, body=body)
        if self._password:
            asked = self.final("INVITE")
            own = [head[0], head[2], f"To: {asked['To']}"]
            self._send(f"ACK {uri}", own, dialog.cseq, branch=asked.branch)
            dialog.cseq += 1
            head += [self._credentials("INVITE", uri, asked)]
            self._send(f"INVITE {uri}", head, dialog.cseq, body=body)
        dialog.invite = dialog.cseq
        return dialog

    def talk(self, dialog: Dialog, body: str = "") -> trace.Message:
        """The 200 to the INVITE that it sent last, acknowledged with this answer. Raises NotReady
        for others.
        """
        heard = self.final("INVITE")
        if heard.code != 200:
            raise NotReady(f"the call ended with {heard.code}")
        if not dialog.routes:
            dialog.remote, dialog.routes = heard["To"], heard.all("Record-Route")[::-1]
        dialog.target = _uri(heard["Contact"])
        self.send(dialog, "ACK", body)
        return heard

    def ring(self, timeout_s: float = 10.0) -> trace.Message:
        """The next INVITE, answered 180. Raises NotReady when none comes."""
        invite = self.heard("INVITE", timeout_s)
        self.answer(invite, 180)
        return invite

    def pick_up(self, invite: trace.Message, body: str = "", headers: Lines = ()) -> Dialog:
        """Answer an INVITE."""
        self.answer(invite, 200, *headers, body=body)
        return Dialog(invite.call_id, self._tagged(invite["To"]), invite["From"],
                      _uri(invite["Contact"]), invite.all("Record-Route"))  # fmt: skip

    def cancel(self, dialog: Dialog) -> None:
        """Hang up before the answer to the INVITE that it sent last (RFC 3261 section 9.1)."""
        head = [f"From: {dialog.local}", f"To: {dialog.remote}", f"Call-ID: {dialog.call_id}"]
        self._send(f"CANCEL {dialog.target}", head, dialog.invite, branch=self._branch)

    def send(self, dialog: Dialog, method: str, body: str = "", headers: Lines = ()) -> None:
        """A request within the call."""
        if method == "ACK":
            number = dialog.invite
        else:
            number = dialog.cseq = dialog.cseq + 1
        if method == "INVITE":
            dialog.invite = number
        head = [f"From: {dialog.local}", f"To: {dialog.remote}", f"Call-ID: {dialog.call_id}"]
        head += [f"Route: {route}" for route in dialog.routes]
        head += [*headers, *([f"Contact: {self.contact}"] if method == "INVITE" else [])]
        self._send(f"{method} {dialog.target}", head, number, body=body)

    def answer(self, request: trace.Message, code: int, *headers: str, body: str = "") -> None:
        """Answer a request."""
        lines = [f"SIP/2.0 {code} Answer", *(f"Via: {via}" for via in request.all("Via"))]
        lines += [f"Record-Route: {route}" for route in request.all("Record-Route")]
        lines += [f"From: {request['From']}", f"To: {self._tagged(request['To'])}"]
        lines += [f"Call-ID: {request.call_id}", f"CSeq: {request.cseq}"]
        own = any(header.startswith("Contact:") for header in headers)
        lines += [*([] if own else [f"Contact: {self.contact}"]), *headers]
        self.wire.send(_message(lines, body))

    def heard(self, method: str, timeout_s: float = 10.0) -> trace.Message:
        """The next request of this method. Raises NotReady when none comes."""
        return self._next(lambda heard: heard.code is None and heard.method == method,
                          f"no {method} came", timeout_s)  # fmt: skip

    def final(self, method: str, timeout_s: float = 10.0) -> trace.Message:
        """The next final answer to this method. Raises NotReady when none comes."""
        return self._next(lambda heard: (heard.code or 0) >= 200 and heard.method == method,
                          f"no answer to {method} came", timeout_s)  # fmt: skip

    def early(self, dialog: Dialog, timeout_s: float = 10.0) -> trace.Message:
        """The next 180 or 183 to its INVITE, by which the call has another side already. Raises
        NotReady when none comes.
        """
        heard = self._next(lambda heard: 180 <= (heard.code or 0) < 200, "no 180 came", timeout_s)
        dialog.remote, dialog.routes = heard["To"], heard.all("Record-Route")[::-1]
        dialog.target = _uri(heard["Contact"])
        return heard

    def is_pinged(self, timeout_s: float) -> None:
        """Wait for OPTIONS, which it answers. Raises NotReady when none comes."""
        while (heard := self.wire.receive(timeout_s)) is not None:
            if heard.method == "OPTIONS":
                self.answer(heard, 200)
                return
        raise NotReady("no OPTIONS came")

    def hears_nothing(self, timeout_s: float = 0.5) -> bool:
        """Whether nothing comes in that time."""
        return self.wire.receive(timeout_s) is None

    def _tagged(self, to: str) -> str:
        return to if ";tag=" in to else f"{to};tag={self._tag}"

    def _next(self, wanted: Wanted, what: str, timeout_s: float) -> trace.Message:
        while (heard := self.wire.receive(timeout_s)) is not None:
            if heard.method == "OPTIONS" and heard.code is None:
                self.answer(heard, 200)
            elif wanted(heard):
                return heard
        raise NotReady(what)

    def _credentials(self, method: str, uri: str, asked: trace.Message) -> str:
        registering = method == "REGISTER"
        challenge = asked["WWW-Authenticate" if registering else "Proxy-Authenticate"]
        answer = digest_answer(method, uri, self._user, self._password, auth_params(challenge))
        return f"{'' if registering else 'Proxy-'}Authorization: {answer}"

    def _send(
        self, start: str, head: Lines, cseq: int, *, body: str = "", branch: str = ""
    ) -> None:
        """Send a request; ``start`` is its method and Request-URI."""
        name = self._branch = branch or f"z9hG4bK{uuid.uuid4().hex}"
        via = f"Via: SIP/2.0/{self.wire.transport} {self.wire.host_port};branch={name}"
        lines = [f"{start} SIP/2.0", via, *head, f"CSeq: {cseq} {start.partition(' ')[0]}"]
        self.wire.send(_message([*lines, "Max-Forwards: 70"], body))


def _message(lines: Lines, body: str) -> bytes:
    lines = [*lines]
    if body and not any(line.startswith("Content-Type:") for line in lines):
        lines.append(f"Content-Type: {_SDP}")
    return "\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", body]).encode()


def _uri(text: str) -> str:
    found = re.search(r"<([^>]*)>", text)
    return found[1] if found else text.partition(";")[0]
