# SPDX-License-Identifier: GPL-2.0-or-later
"""An address that hears everything: UDP requests and answers, and who connects over TCP."""

import re
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

_KEPT = re.compile(rb"^(?:Via|v|From|f|To|t|Call-ID|i|CSeq)[ \t]*:[^\r\n]*\r\n", re.I | re.M)


class Trap:
    """Listens; answers INVITE with 486 where it is ``busy``, so that calls end at once."""

    def __init__(self, address: str, port: int = 0, *, busy: bool = False) -> None:
        self.heard: list[bytes] = []
        """Datagrams, in order."""
        self.connections = 0
        self._busy = busy
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._udp.bind((address, port))
        self._tcp = socket.create_server((address, self.address[1]))
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="trap", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._udp.getsockname()
        return str(host), int(port)

    @property
    def requests(self) -> list[str]:
        """Start lines of the requests that came."""
        lines = [each.partition(b"\n")[0].decode("utf-8", "replace") for each in self.heard]
        return [line for line in lines if not line.startswith("SIP/")]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self._waker.send(b".")
        self._thread.join(5)
        for each in (self._udp, self._tcp, self._wake, self._waker):
            each.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (self._udp, self._tcp, self._wake):
                selector.register(each, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._wake in ready:
                    return
                if self._tcp in ready:
                    self._tcp.accept()[0].close()
                    self.connections += 1
                if self._udp in ready:
                    self._hear()

    def _hear(self) -> None:
        datagram, sender = self._udp.recvfrom(65535)
        self.heard.append(datagram)
        if self._busy and datagram.startswith(b"INVITE"):
            kept = b"".join(_KEPT.findall(datagram))
            self._udp.sendto(b"SIP/2.0 486 Busy Here\r\n%bContent-Length: 0\r\n\r\n" % kept, sender)
