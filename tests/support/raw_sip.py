# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP datagrams written by hand, for messages that no well-behaved phone would send."""

import itertools
import socket
import uuid
from collections.abc import Iterable
from types import TracebackType

from tests.support import trace

_counter = itertools.count(1)


class RawSip:
    """A UDP socket that sends any bytes to one proxy and reads what comes back."""

    def __init__(self, address: str, proxy: tuple[str, int]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._proxy = proxy

    def __enter__(self) -> "RawSip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self._socket.close()

    def send(self, datagram: bytes) -> None:
        """Send it as it is."""
        self._socket.sendto(datagram, self._proxy)

    def receive(self, timeout_s: float = 2.0) -> trace.Message | None:
        """The next message from the proxy, None when none comes in time."""
        self._socket.settimeout(timeout_s)
        try:
            datagram = self._socket.recv(65535)
        except TimeoutError:
            return None
        return trace.parse(datagram.decode("utf-8", "replace"))

    def ask(self, datagram: bytes, timeout_s: float = 2.0) -> trace.Message | None:
        """Send a request and return its first response other than 100, None when none comes."""
        self.send(datagram)
        answer = self.receive(timeout_s)
        while answer is not None and answer.code == 100:
            answer = self.receive(timeout_s)
        return answer

    def request(
        self, method: str, uri: str, *, ani: str = "probe", max_forwards: int = 70,
        headers: Iterable[str] = (),
    ) -> bytes:  # fmt: skip
        """A well-formed request from this socket, with more headers as given."""
        host, port = self._socket.getsockname()
        name = f"{uuid.uuid4().hex}-{next(_counter)}"
        lines = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{name}"]
        lines += [f"From: <sip:{ani}@{host}>;tag={name}", f"To: <{uri}>", f"Call-ID: {name}"]
        lines += [f"CSeq: 1 {method}", f"Max-Forwards: {max_forwards}"]
        lines += [f"Contact: <sip:{ani}@{host}:{port}>", *headers, "Content-Length: 0", "", ""]
        return "\r\n".join(lines).encode()
