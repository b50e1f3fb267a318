# SPDX-License-Identifier: GPL-2.0-or-later
"""A network beyond the gateway that forwards calls back to the proxy, as mobile networks do.

It is a stateless proxy (RFC 3261 section 16.11) at the address of a trunk. What gets lost on the
way through real networks can be taken away: headers, and with a new Call-ID the whole dialog.
"""

import hashlib
import re
from collections.abc import Callable

from tests.support.datagrams import Address, Datagrams

_NEW_CALL = b"far-"
_CALL_ID = re.compile(rb"^(Call-ID:[ \t]*)", re.I | re.M)
_REQUEST_URI = re.compile(rb"^([A-Z]+ sip:)([^@;>\s]+)@[^\s]+", re.M)
_MAX_FORWARDS = re.compile(rb"^Max-Forwards:[ \t]*(\d+)", re.I | re.M)
_TOP_VIA = re.compile(rb"^Via:[^\r\n]*\r\n", re.I | re.M)
_SENT_BY = re.compile(rb"SIP/2\.0/UDP\s+([^;:\s]+)(?::(\d+))?", re.I)


class FarNetwork(Datagrams):
    """Sends a call to an outside number on to the number that it is forwarded to."""

    def __init__(
        self, address: str, proxy: Address, forwarded: Callable[[str], str | None],
        *, loses: tuple[str, ...] = (), new_call: bool = False,
    ) -> None:  # fmt: skip
        super().__init__("far network")
        self.calls: list[str] = []
        """Outside numbers that were called, in order, retransmissions left out."""
        self._proxy = proxy
        self._forwarded = forwarded
        self._loses = [re.compile(rb"^%b:[^\r\n]*\r\n" % name.encode(), re.I | re.M)
                       for name in loses]  # fmt: skip
        self._new_call = new_call
        self._seen: set[bytes] = set()
        self._listen((address, 0))

    @property
    def address(self) -> Address:
        """Where the gateway finds it."""
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def _heard(self, datagram: bytes, source: Address) -> None:
        if datagram.startswith(b"SIP/2.0"):
            self._answer(datagram)
        else:
            self._request(datagram)

    def _request(self, datagram: bytes) -> None:
        line = _REQUEST_URI.match(datagram)
        via = _TOP_VIA.search(datagram)
        assert line is not None
        assert via is not None
        branch = b"z9hG4bK-far-" + hashlib.sha256(via[0]).hexdigest()[:20].encode()
        user = line[2].decode()
        if datagram.startswith(b"INVITE") and branch not in self._seen:
            self._seen.add(branch)
            self.calls.append(user)
        dialled = self._forwarded(user)
        if dialled is None:
            return
        host, port = self._proxy
        sent = datagram.replace(line[0], b"%b%b@%b:%d" % (
            line[1], dialled.encode(), host.encode(), port), 1)
        sent = _MAX_FORWARDS.sub(lambda old: b"Max-Forwards: %d" % (int(old[1]) - 1), sent, 1)
        for header in self._loses:
            sent = header.sub(b"", sent)
        if self._new_call:
            sent = _CALL_ID.sub(rb"\1" + _NEW_CALL, sent, 1)
        own = "{}:{}".format(*self.address).encode()
        first, _, rest = sent.partition(b"\r\n")
        via_line = b"Via: SIP/2.0/UDP %b;branch=%b\r\n" % (own, branch)
        self._socket.sendto(first + b"\r\n" + via_line + rest, self._proxy)

    def _answer(self, datagram: bytes) -> None:
        back = _TOP_VIA.sub(_without_first, datagram, count=1)
        if self._new_call:
            back = _CALL_ID.sub(rb"\1", back, 1).replace(_NEW_CALL, b"", 1)
        via = _TOP_VIA.search(back)
        found = _SENT_BY.search(via[0]) if via else None
        if found:
            self._socket.sendto(back, (found[1].decode(), int(found[2] or 5060)))


def _without_first(line: re.Match[bytes]) -> bytes:
    """A Via line without its first value; phones may write all of them into one."""
    _, more, rest = line[0].partition(b",")
    return b"Via:" + rest if more else b""
