# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP messages written by hand, for what no well-behaved phone would send, and for TCP and TLS."""

import itertools
import re
import socket
import ssl
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from tests.support import trace
from tests.support.loopback import NotReady

_counter = itertools.count(1)
_CSEQ = re.compile(rb"^CSeq[ \t]*:[ \t]*([^\r\n]*)", re.I | re.M)
_LENGTH = re.compile(rb"^(?:content-length|l)\s*:\s*(\d+)", re.I | re.M)


class RawSip:
    """A UDP socket that sends any bytes to one proxy and reads what comes back."""

    transport = "UDP"

    def __init__(self, address: str, proxy: tuple[str, int], port: int = 0) -> None:
        """``port`` is its own one, 0: any that is free."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self._proxy = proxy

    @property
    def host_port(self) -> str:
        """Its address and port, as in a URI."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def name(self) -> tuple[str, int]:
        """Its address and port."""
        address, port = self._socket.getsockname()[:2]
        return str(address), int(port)

    def __enter__(self) -> "RawSip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Close the socket, which may be closed already."""
        self._socket.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def send(self, datagram: bytes) -> None:
        """Send it as it is."""
        self._socket.sendto(datagram, self._proxy)

    def receive(self, timeout_s: float = 2.0) -> trace.Message | None:
        """The next message from the proxy, None when none comes in time."""
        self._socket.settimeout(timeout_s)
        try:
            message = self._read()
        except TimeoutError:
            return None
        return trace.parse(message.decode("utf-8", "replace"))

    def _read(self) -> bytes:
        return self._socket.recv(65535)

    def ask(self, datagram: bytes, timeout_s: float = 2.0) -> trace.Message | None:
        """Send a request and return its first response other than 100, None when none comes.

        What comes late of another one of the dialog is passed over: workers overtake each other.
        """
        self.send(datagram)
        answer = self.receive(timeout_s)
        while answer is not None and (answer.code == 100 or _is_of_another(answer, datagram)):
            answer = self.receive(timeout_s)
        return answer

    def request(
        self, method: str, uri: str, *, ani: str = "probe", max_forwards: int = 70,
        headers: Iterable[str] = (),
    ) -> bytes:  # fmt: skip
        """A well-formed request from this socket, with more headers as given."""
        at = self.host_port
        host = at.rpartition(":")[0]
        name = f"{uuid.uuid4().hex}-{next(_counter)}"
        lines = [f"{method} {uri} SIP/2.0"]
        lines += [f"Via: SIP/2.0/{self.transport} {at};branch=z9hG4bK{name}"]
        lines += [f"From: <sip:{ani}@{host}>;tag={name}", f"To: <{uri}>", f"Call-ID: {name}"]
        lines += [f"CSeq: 1 {method}", f"Max-Forwards: {max_forwards}"]
        how = "" if self.transport == "UDP" else f";transport={self.transport.lower()}"
        lines += [f"Contact: <sip:{ani}@{at}{how}>", *headers, "Content-Length: 0", "", ""]
        return "\r\n".join(lines).encode()

    def answered(self, invite: bytes) -> trace.Message:
        """Send an INVITE and return its 200. Raises NotReady when none comes."""
        heard = self.ask(invite)
        while heard is not None and heard.code != 200:
            heard = self.receive()
        if heard is None:
            raise NotReady("no 200 came")
        return heard

    def within(self, invite: bytes, ok: trace.Message, method: str, uri: str) -> bytes:
        """A request of the caller within the call that this 200 answered, to any Request-URI."""
        of_call = [line for line in invite.decode().split("\r\n")
                   if line.startswith(("From:", "Call-ID:"))]  # fmt: skip
        lines = [f"{method} {uri} SIP/2.0"]
        lines += [f"Via: SIP/2.0/{self.transport} {self.host_port};branch=z9hG4bK{method}"]
        lines += [*of_call, f"To: {ok['To']}", f"CSeq: 2 {method}", "Max-Forwards: 70"]
        lines += [*(f"Route: {route}" for route in ok.all("Record-Route"))]
        return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


def _is_of_another(answer: trace.Message, request: bytes) -> bool:
    asked = _CSEQ.search(request)
    return answer.code is not None and asked is not None and (
        answer.header("CSeq") or "").split() != asked[1].decode("utf-8", "replace").split()


class StreamSip(RawSip):
    """The same over TCP, or TLS where a certificate to trust is given; and one of its own, whose
    key stands beside it with the suffix ``.key``.
    """

    def __init__(self, address: str, proxy: tuple[str, int], trusted: str = "", own: str = "",
                 ) -> None:  # fmt: skip
        self.transport = "TLS" if trusted else "TCP"
        self._socket = socket.create_connection(proxy, 5, (address, 0))
        if trusted:
            context = ssl.create_default_context(cafile=trusted)
            if own:
                context.load_cert_chain(own, str(Path(own).with_suffix(".key")))
            self._socket = context.wrap_socket(self._socket, server_hostname="followme.local")
        self._received = b""

    def send(self, datagram: bytes) -> None:
        """Send it as it is."""
        self._socket.sendall(datagram)

    def bare(self, timeout_s: float = 2.0) -> bytes:
        """What comes next, which need be no message. Raises TimeoutError when nothing comes."""
        self._socket.settimeout(timeout_s)
        return self._socket.recv(65535)

    def _read(self) -> bytes:
        while True:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if end and len(rest) >= length:
                self._received = rest[length:]
                return head + end + rest[:length]
            if not (more := self._socket.recv(65535)):
                raise TimeoutError("the proxy closed the connection")
            self._received += more
