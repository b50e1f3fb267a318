# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways and media servers: which are in service, and which one gets a branch (SPEC B2, B3).

Groups of two and more are probed by OPTIONS (Kamailio module dispatcher). What calls hear is
known sooner: a hop that failed is passed over for ``PASSED_OVER_S``, on all workers of this proxy.
"""

from pathlib import Path

from kemi_routing import hops
from kemi_routing.hops import Hop
from kemi_routing.ksr.edge import Edge
from kemi_routing.settings import Settings

_GATEWAYS, _MEDIA_SERVERS = 1, 2
"""Sets of dispatcher."""
FAILED = "failed"
"""Hash table of kamailio.cfg, where its entries' lifetime stands."""


class NextHops:
    """Chooses hops; what it holds lives no longer than one callback."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def choose(self, group: tuple[Hop, ...], but: str = "") -> str:
        """``host:port`` for a branch; "" where there is none but the one that failed."""
        draw = int(self._edge.mark("hop", 8), 16) / 16**8 if len(group) > 1 else 0
        hop = hops.choose(group, self._in_service, draw, but)
        return hop.at if hop else ""

    def failed(self, hop: str) -> None:
        """Note that a hop does not serve."""
        if not self._edge.ksr.htable.sht_get(FAILED, hop):
            self._edge.tell("hop", at=hop, why="does not serve")
        self._edge.ksr.htable.sht_seti(FAILED, hop, 1)

    def _in_service(self, hop: Hop) -> bool:
        ksr = self._edge.ksr
        group = _MEDIA_SERVERS if hop in self._edge.settings.media_servers else _GATEWAYS
        return (not ksr.htable.sht_get(FAILED, hop.at)
                and ksr.dispatcher.ds_is_active_uri(group, f"sip:{hop.at}") > 0)


def write_list(settings: Settings, file: Path) -> None:
    """Tell dispatcher what to probe; before it reads its file, when Kamailio starts."""
    groups = {_GATEWAYS: settings.gateways, _MEDIA_SERVERS: settings.media_servers}
    rows = [f"{number} sip:{hop.at}\n" for number, group in groups.items() if len(group) > 1
            for hop in group]
    file.write_text("".join(rows), encoding="ascii")
