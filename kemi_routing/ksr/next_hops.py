# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways and media servers: which are in service, and which one gets a branch (SPEC B2, B3).

Groups of two and more are probed by OPTIONS (Kamailio module dispatcher). What calls hear is
known sooner: a hop that failed is passed over for ``PASSED_OVER_S``, on all workers of this proxy.
"""

from dataclasses import replace
from pathlib import Path

from kemi_routing import hops, render, second_pass
from kemi_routing.hops import Hop
from kemi_routing.ksr import names
from kemi_routing.ksr.edge import Edge
from kemi_routing.plan import Planned
from kemi_routing.plan_codec import UNKNOWN, Hunt
from kemi_routing.settings import Settings

_GATEWAYS, _MEDIA_SERVERS = 1, 2
"""Sets of dispatcher."""
FAILED = "failed"
"""Hash table of kamailio.cfg, where its entries' lifetime stands."""


class NextHops:
    """Chooses hops; what it holds lives no longer than one callback."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def begin(self, state: Hunt) -> Hunt:
        """The hunt with a hop for each target of the running step whose group has several, or that
        goes by name: an address, ``NOWHERE``, or ``UNKNOWN`` where a second pass waits for it.
        """
        targets = state.running.targets
        by_name = [bool(names.named(one)) for one in targets]
        groups = [self._of(one) for one in targets]
        if not any(by_name) and max(len(group or ()) for group in groups) < 2:
            return state
        later = "" if state.spiral else UNKNOWN
        state = replace(state, hops=tuple(later if group is None else "" for group in groups))
        rows = zip(state.hops, second_pass.needed(state), groups, by_name, strict=True)
        return replace(state, hops=tuple(
            hop if spiral or (len(group or ()) < 2 and not named)
            else self.choose(group or ()) or names.NOWHERE for hop, spiral, group, named in rows))

    def another(self, planned: Planned, tried: str) -> str:
        """The hop for a branch whose first one does not serve; "" where there is none."""
        return self.choose(self._of(planned) or (), but=tried)

    def _of(self, planned: Planned) -> tuple[Hop, ...] | None:
        """The hops one of which the branch goes to; None where its name is not known yet."""
        if wanted := names.named(planned):
            return names.hops(self._edge, wanted)
        return render.hops_of(planned, self._edge.settings)

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
        ksr, settings = self._edge.ksr, self._edge.settings
        groups = {_GATEWAYS: settings.gateways, _MEDIA_SERVERS: settings.media_servers}
        return not ksr.htable.sht_get(FAILED, hop.at) and all(
            ksr.dispatcher.ds_is_active_uri(number, f"sip:{hop.at}") > 0
            for number, group in groups.items() if hop in group)


def write_list(settings: Settings, file: Path) -> None:
    """Tell dispatcher what to probe; before it reads its file, when Kamailio starts."""
    groups = {_GATEWAYS: settings.gateways, _MEDIA_SERVERS: settings.media_servers}
    rows = [f"{number} sip:{hop.at}\n" for number, group in groups.items() if len(group) > 1
            for hop in group]
    file.write_text("".join(rows), encoding="ascii")
