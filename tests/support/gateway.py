# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for the outside gateway: one address, behind it one phone per outside number.

SIPp tells calls apart by Call-ID alone, and two branches of one call share it, so each number
needs a process of its own. This element passes datagrams on and changes nothing in them.
"""

import re
import selectors
import socket
import threading

Address = tuple[str, int]

_USER = re.compile(rb"^[A-Z]+ sips?:([^@;>\s]+)@")
_VIA = re.compile(rb"^(?:Via|v)\s*:\s*SIP/2\.0/UDP\s+([^;:\s]+)(?::(\d+))?", re.I | re.M)
_ROUTE = re.compile(rb"^Route\s*:\s*<sips?:(?:[^@>]*@)?([^;:>]+)(?::(\d+))?", re.I | re.M)


class Gateway:
    """Hands requests to the phone of the number in the Request-URI, and replies back by Via."""

    def __init__(self, address: str, port: int) -> None:
        self.address: Address = (address, port)
        self.unknown: list[bytes] = []
        self.health = b"200 OK"
        """What OPTIONS are answered."""
        self.probes = 0
        self._phones: dict[bytes, Address] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def connect(self, number: str, phone: Address) -> None:
        """Let a phone answer for an outside number."""
        self._phones[number.encode()] = phone

    def disconnect(self, number: str) -> None:
        """Forget a number: calls to it get no reply from now on."""
        self._phones.pop(number.encode(), None)

    def start(self) -> None:
        """Listen."""
        self._socket.bind(self.address)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; a second stop does nothing."""
        if self._thread.is_alive():
            self._waker.send(b".")
            self._thread.join(5)
        for each in (self._socket, self._wake, self._waker):
            each.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while all(key.fileobj is self._socket for key, _ in selector.select()):
                self._pass_on(self._socket.recv(65535))

    def _pass_on(self, datagram: bytes) -> None:
        if datagram.startswith(b"OPTIONS "):
            self.probes += 1
            answer = b"SIP/2.0 " + self.health + datagram[datagram.index(b"\r\n"):]
            self._socket.sendto(answer, _host_port(_VIA.search(datagram)) or self.address)
            return
        target = self._next_hop(datagram)
        if target is None:
            self.unknown.append(datagram)
        else:
            self._socket.sendto(datagram, target)

    def _next_hop(self, datagram: bytes) -> Address | None:
        if datagram.startswith(b"SIP/2.0"):
            return _host_port(_VIA.search(datagram))
        # A phone behind us follows its route set; what the proxy sends us has no Route left.
        route = _ROUTE.search(datagram)
        if route:
            return _host_port(route)
        user = _USER.match(datagram)
        return self._phones.get(user[1]) if user else None


def _host_port(found: re.Match[bytes] | None) -> Address | None:
    return (found[1].decode(), int(found[2] or 5060)) if found else None
