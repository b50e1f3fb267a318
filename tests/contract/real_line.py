# SPDX-License-Identifier: GPL-2.0-or-later
"""A probe's line to a real Kamailio: the caller and the phones are UDP sockets of the test."""

import json
import re
import select
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kemi_routing.ksr import branch_proof
from tests.contract.probing import Record, seen_by_caller, seen_by_phone
from tests.contract.server import BRANCH_KEY, Ports
from tests.support.sip_message import Address, Header, Headers, Request, parse_name_addr

TIMEOUT_S = 5.0
COPIED = ("via", "from", "call-id", "cseq", "record-route")


@dataclass(frozen=True)
class Message:
    """A message from the wire."""

    first: str
    headers: Headers
    body: str = ""

    @property
    def method(self) -> str:
        return self.first.split(" ")[0]

    @property
    def user(self) -> str:
        return self.first.split(" ")[1].removeprefix("sip:").partition("@")[0]

    @property
    def identity(self) -> tuple[str | None, str]:
        return self.headers.get("Via"), self.first

    def answered(self, code: int, more: Iterable[Header] = (), body: str = "") -> bytes:
        """The phone's answer."""
        copied = [header for header in self.headers if header.name.lower() in COPIED]
        if self.method == "INVITE":
            own = next(header for header in copied if header.named("Via"))
            copied[copied.index(own)] = Header("Via", self._proved(own.text))
        copied += [header for header in self.headers if header.name in ("X-Probe", "X-Report")]
        to = f"{self.headers.get('To')};tag=phone"
        length = Header("Content-Length", str(len(body)))
        lines = Headers([*copied, Header("To", to), *more, length])
        start = f"SIP/2.0 {code} Answer\r\n".encode()
        return start + b"".join(map(Header.wire, lines)) + b"\r\n" + body.encode()

    def _proved(self, via: str) -> str:
        """Kamailio's Via with the proof of its branch: most probes do not write it."""
        upstream = self.headers.all("Via")[1].partition("branch=")[2].partition(";")[0]
        tag = parse_name_addr(self.headers.get("From") or "").params.get("tag", "")
        index = via.partition(";")[2].partition(";")[0].rpartition(".")[2]
        proof = branch_proof.proof(upstream, tag, index, BRANCH_KEY)
        return re.sub(f"(?<=;{branch_proof.PARAMETER}=)[0-9a-f]+", proof, via)


class RealLine:
    """Speaks SIP for one probe; every wait ends after `TIMEOUT_S` with a TimeoutError."""

    def __init__(self, probe: str, ports: Ports) -> None:
        self.record = Record()
        self._probe = probe
        self._proxy = ("127.0.0.1", ports.main)
        self.spiral = f"udp:127.0.0.1:{ports.spiral}"
        self._caller, self._phones, self._reports = _udp(), _udp(), _udp()
        self.phones = "{}:{}".format(*self._phones.getsockname())
        self._rung: dict[str, Message] = {}
        self._heard: set[tuple[str | None, str]] = set()

    def __enter__(self) -> "RealLine":
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._caller, self._phones, self._reports):
            each.close()

    def send(self, request: Request) -> None:
        """Sends and waits for the report of the request route."""
        source = Address(*self._caller.getsockname())
        sent = replace(request.with_headers(*self._extra(self._probe)), source=source)
        self._sent = sent
        self._caller.sendto(sent.wire(), self._proxy)
        while self._report() != "ksr_request_route":
            pass

    def rings(self, user: str) -> Headers:
        """Waits for the request to that phone; gives its headers."""
        while user not in self._rung:
            self._hear()
        return self._rung[user].headers

    def answer(
        self, user: str, code: int, *headers: tuple[str, str | bytes], body: str = ""
    ) -> None:
        """Sends the phone's answer."""
        self.rings(user)
        more = [Header(*pair) for pair in headers]
        self._phones.sendto(self._rung[user].answered(code, more, body), self._proxy)
        if code >= 200:
            del self._rung[user]

    def silence(self, user: str) -> None:
        """Waits for tm's timer, seen by the report of the branch that failed."""
        self.rings(user)
        while self._report() != "on_branch_failure":
            pass

    def waited(self) -> None:
        """Waits for tm's timer, seen by the report of the failure route."""
        while self._report() != "on_failure":
            pass

    def cancelled(self, user: str) -> None:
        """Waits for the CANCEL; answers it and ends the INVITE."""
        while (message := self._hear()).method != "CANCEL" or message.user != user:
            pass
        self._phones.sendto(message.answered(200), self._proxy)
        self.answer(user, 487)

    def replied(self) -> Headers:
        """Waits for the next answer to the caller, 100 aside; a refused INVITE is ACKed."""
        while (message := _parse(self._caller.recv(65535))).user == "100":
            pass
        code = int(message.user)
        reason = message.first.split(" ", 2)[2]
        seen = seen_by_caller(reason, message.headers, message.body)
        self.record.replies.append([code, seen])
        if code >= 300 and self._sent.method == "INVITE":
            to_tag = parse_name_addr(message.headers.get("To") or "").params.get("tag", "")
            self._caller.sendto(self._sent.ack(to_tag).wire(), self._proxy)
        return message.headers

    def final(self) -> None:
        """Waits for the final answer."""
        self.replied()
        while self.record.replies[-1][0] < 200:
            self.replied()

    def settle(self) -> None:
        """Collects what is under way: a last message is worked off after all before it."""
        last = replace(Request("OPTIONS").with_headers(*self._extra("end_of_probe")))
        self._caller.sendto(last.wire(), self._proxy)
        while self._report() != "end":
            pass
        del self.record.notes[-1]
        while _waiting(self._phones):
            self._hear()
        while _waiting(self._caller):
            self.replied()

    def _extra(self, probe: str) -> tuple[tuple[str, str], ...]:
        return (
            ("X-Probe", probe),
            ("X-Report", str(self._reports.getsockname()[1])),
            ("X-Phones", self.phones),
            ("X-Spiral", self.spiral),
        )

    def _report(self) -> str:
        name, notes = json.loads(self._reports.recv(65535))
        self.record.notes.append([name, *notes])
        return str(name)

    def _hear(self) -> Message:
        datagram, source = self._phones.recvfrom(65535)
        message = _parse(datagram)
        if message.identity in self._heard:
            return self._hear()
        self._heard.add(message.identity)
        if message.method != "ACK" or message.headers.get("X-Probe"):
            sent_to = message.first.removesuffix(" SIP/2.0").removesuffix(f"@{self.phones}")
            socket_name = "main" if source == self._proxy else "spiral"
            seen = seen_by_phone(message.headers)
            self.record.forwarded.append([sent_to, socket_name, seen])
        if message.method not in ("ACK", "CANCEL"):
            self._rung[message.user] = message
        return message


def _parse(datagram: bytes) -> Message:
    head, _, body = datagram.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = Headers(Header(name, value.strip()) for name, _, value in pairs)
    return Message(first, headers, body)


def _udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(TIMEOUT_S)
    return made


def _waiting(on: socket.socket) -> bool:
    """Whether something can be read right now."""
    return bool(select.select([on], [], [], 0)[0])
