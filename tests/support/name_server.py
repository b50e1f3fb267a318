# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server on loopback that answers from rows, or swallows every question."""

import selectors
import socket
import threading
from pathlib import Path

from kemi_routing.dns import Type
from tests.support import zone
from tests.support.edge import START

PORT = 53


class NameServer:
    """Listens at PORT of its address until ``stop``, which needs root."""

    def __init__(self, address: str, rows: str = "") -> None:
        self.asked: list[tuple[str, Type]] = []
        """Every question that came."""
        self.silent = False
        self._address = address
        self._rows = zone.zone(rows)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, PORT))
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="name server", daemon=True)
        self._thread.start()

    def believed(self, folder: Path) -> tuple[str, ...]:
        """The command that starts an edge whose only name server this is: in a mount namespace of
        its own, where resolv.conf is another file.
        """
        written = folder / "resolv.conf"
        written.write_text(f"nameserver {self._address}\n", encoding="ascii")
        inside = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ("unshare", "--mount", "sh", "-c", inside, str(written), *START)

    def stop(self) -> None:
        """Stop listening."""
        self._waker.send(b".")
        self._thread.join(5)
        for each in (self._socket, self._wake, self._waker):
            each.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while all(key.fileobj is self._socket for key, _ in selector.select()):
                message, source = self._socket.recvfrom(4096)
                self.asked.append(zone.asked(message))
                if not self.silent:
                    found = zone.rows(self._rows, *self.asked[-1])
                    self._socket.sendto(zone.answer(message, found), source)
