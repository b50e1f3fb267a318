# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets to the name servers; no call of it waits longer than it is told."""

import contextlib
import select
import socket
from collections.abc import Iterator
from pathlib import Path

from kemi_routing import dns

_PORT = 53
_LARGEST = 4096


class NameServers:
    """Those of ``/etc/resolv.conf``; each question has a socket, and so a port, of its own."""

    def __init__(self, configuration: Path = Path(dns.CONFIGURATION)) -> None:
        self._configuration = configuration
        self._open: dict[int, socket.socket] = {}

    def ask(self, message: bytes, attempt: int) -> int | None:
        """Send a question, to another server with each attempt from 0; what ``heard`` and ``close``
        call it, None where it could not be sent.
        """
        servers = dns.servers(self._configuration.read_text(encoding="utf-8", errors="replace")
                              if self._configuration.exists() else "")
        server = servers[attempt % len(servers)]
        asking = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET,
                               socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            asking.connect((server, _PORT))  # what others send is not heard
            asking.send(message)
        except OSError:
            asking.close()
            return None
        self._open[asking.fileno()] = asking
        return asking.fileno()

    def heard(self, wait_s: float) -> Iterator[tuple[int, bytes]]:
        """What came, waiting that long for something; by the name that ``ask`` gave."""
        poll = select.poll()
        for each in self._open:
            poll.register(each, select.POLLIN)
        for each, _ in poll.poll(wait_s * 1000):
            with contextlib.suppress(OSError):  # as where nobody listens at that port
                yield each, self._open[each].recv(_LARGEST)

    def close(self, question: int) -> None:
        """Listen no longer for the answer to a question."""
        self._open.pop(question).close()
