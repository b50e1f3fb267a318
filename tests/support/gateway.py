# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for the outside gateway: one address, behind it one phone per outside number.

SIPp tells calls apart by Call-ID alone, and two branches of one call share it, so each number
needs a process of its own. This element passes datagrams on and changes nothing in them.
"""

import re
import socket

from tests.support.datagrams import Address, Datagrams

_USER = re.compile(rb"^[A-Z]+ sips?:([^@;>\s]+)@")
_VIA = re.compile(rb"^(?:Via|v)\s*:\s*SIP/2\.0/UDP\s+([^;:\s]+)(?::(\d+))?", re.I | re.M)
_ROUTE = re.compile(rb"^Route\s*:\s*<sips?:(?:[^@>]*@)?([^;:>]+)(?::(\d+))?", re.I | re.M)


class Gateway(Datagrams):
    """Hands requests to the phone of the number in the Request-URI, and replies back by Via."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__("gateway")
        self.address: Address = (address, port)
        self.unknown: list[bytes] = []
        self.health = b"200 OK"
        """What OPTIONS are answered."""
        self.probes = 0
        self._phones: dict[bytes, Address] = {}
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def connect(self, number: str, phone: Address) -> None:
        """Let a phone answer for an outside number."""
        self._phones[number.encode()] = phone

    def disconnect(self, number: str) -> None:
        """Forget a number: calls to it get no reply from now on."""
        self._phones.pop(number.encode(), None)

    def start(self) -> None:
        """Listen."""
        self._listen(self.address)

    def _heard(self, datagram: bytes, source: Address) -> None:
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
