# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server on loopback that answers from rows, or swallows every question."""

from pathlib import Path

from kemi_routing.dns import Type
from tests.support import zone
from tests.support.datagrams import Address, Datagrams
from tests.support.edge import START

PORT = 53


class NameServer(Datagrams):
    """Listens at PORT of its address until ``stop``, which needs root."""

    def __init__(self, address: str, rows: str = "") -> None:
        super().__init__("name server")
        self.asked: list[tuple[str, Type]] = []
        """Every question that came."""
        self.silent = False
        self.ttl_s = zone.TTL_S
        self._address = address
        self.says(rows)
        self._listen((address, PORT))

    def says(self, rows: str) -> None:
        """What it answers from now on."""
        self._rows = zone.zone(rows)

    def believed(self, folder: Path) -> tuple[str, ...]:
        """The command that starts an edge whose only name server this is: in a mount namespace of
        its own, where resolv.conf is another file.
        """
        written = folder / "resolv.conf"
        written.write_text(f"nameserver {self._address}\n", encoding="ascii")
        inside = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ("unshare", "--mount", "sh", "-c", inside, str(written), *START)

    def _heard(self, datagram: bytes, source: Address) -> None:
        self.asked.append(zone.asked(datagram))
        if not self.silent:
            found = zone.rows(self._rows, *self.asked[-1])
            self._socket.sendto(zone.answer(datagram, found, ttl_s=self.ttl_s), source)
