# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways and media servers: which are in service, and which one gets a branch (SPEC B2, B3).

Groups of two and more are probed by OPTIONS (Kamailio module dispatcher). What calls hear is
known sooner: a hop that failed is passed over for ``PASSED_OVER_S``, on all workers of this proxy.
"""

import os
from collections.abc import Container, Iterable
from dataclasses import replace
from pathlib import Path

from kemi_routing import hops, render, second_pass, trail
from kemi_routing.hops import Hop
from kemi_routing.ksr import names
from kemi_routing.ksr.edge import Edge
from kemi_routing.network import Network, Server
from kemi_routing.plan import Planned
from kemi_routing.plan_codec import UNKNOWN, Hunt

_PROBED = 1
"""The set of dispatcher."""
_OUT_OF_SERVICE = 1
"""Flag in its list (DS_INACTIVE_DST): until a probe is answered."""
FAILED = "failed"
"""Hash table of kamailio.cfg, where its entries' lifetime stands."""


class NextHops:
    """Chooses hops; what it holds lives no longer than one callback."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def begin(self, state: Hunt) -> Hunt:
        """The hunt with a hop for each target of the running step whose group has several, or
        that goes by name: an address, ``NOWHERE``, or ``UNKNOWN`` where a second pass waits for it.
        """
        targets = state.running.targets
        by_name = [bool(names.named(one)) for one in targets]
        groups = [self._of(one) for one in targets]
        if not any(by_name) and not any(map(_has_choice, groups)):
            return state
        later = "" if state.spiral else UNKNOWN
        state = replace(state, hops=tuple(later if group is None else "" for group in groups))
        rows = zip(state.hops, second_pass.needed(state), groups, by_name, strict=True)
        return replace(state, hops=tuple(
            hop if spiral or not (named or _has_choice(group))
            else self.choose(group or ()) or names.NOWHERE for hop, spiral, group, named in rows))

    def told(self, state: Hunt) -> Hunt:
        """The hunt whose trail tells the hops of the running step."""
        targets = state.running.targets
        rows = zip(targets, state.hops or [""] * len(targets), second_pass.needed(state),
                   strict=True)
        hops_ = ["" if spiral or hop == names.NOWHERE
                 else hop or _first(render.hops_of(one, self._edge.settings))
                 for one, hop, spiral in rows]
        return replace(state, trail=state.trail + trail.hops(hops_)) if any(hops_) else state

    def another(self, planned: Planned, tried: str) -> str:
        """The hop for a branch whose first one does not serve; "" where there is none."""
        return self.choose(self._of(planned) or (), but=tried)

    def only(self, planned: Planned) -> str:
        """The hop of a target whose group has no other; else ""."""
        group = render.hops_of(planned, self._edge.settings)
        return group[0].at if len(group) == 1 else ""

    def destination(self, planned: Planned, hop: str) -> str:
        """The URI of the next hop, where the Request-URI has a name in place of its address; else
        "".
        """
        if hop in ("", UNKNOWN):
            return ""
        server = render.server_of(planned, self._edge.settings, hop)
        by_name = server.named if server else names.named(planned)
        return names.uri(hop) if by_name else ""

    def _of(self, planned: Planned) -> tuple[Hop, ...] | None:
        """The hops one of which the branch goes to; None where its name is not known yet."""
        if wanted := names.named(planned):
            return names.hops(self._edge, wanted)
        return render.hops_of(planned, self._edge.settings)

    def choose(self, group: tuple[Hop, ...], but: str = "") -> str:
        """The place for a branch; "" where there is none but the one that failed."""
        draw = int(self._edge.mark("hop", 8), 16) / 16**8 if len(group) > 1 else 0
        hop = hops.choose(group, self._in_service, draw, but)
        return hop.at if hop else ""

    def failed(self, hop: str) -> None:
        """Note that a hop does not serve."""
        if not self._edge.ksr.htable.sht_get(FAILED, hop):
            self._edge.tell("hop", at=hop, why="does not serve")
        self._edge.ksr.htable.sht_seti(FAILED, hop, 1)

    def refused(self, state: Hunt) -> bool:
        """Note that nothing can be sent to the hops of the running step, as where one takes no
        connections; whether that is new, and another one may serve.
        """
        chosen = {hop for hop in state.hops if hop not in ("", UNKNOWN, names.NOWHERE)}
        new = [hop for hop in chosen if not self._edge.ksr.htable.sht_get(FAILED, hop)]
        for hop in chosen:
            self.failed(hop)
        return bool(new) and any(self._in_service(one) for planned in state.running.targets
                                 for one in self._of(planned) or ())

    def _in_service(self, hop: Hop) -> bool:
        """Whether calls and probes say so; of an address behind a name there are calls only."""
        return not self._edge.ksr.htable.sht_get(FAILED, hop.at) and (
            not isinstance(hop, Server) or _is_active(self._edge, hop.at))


def probed(network: Network) -> tuple[str, ...]:
    """The places that dispatcher probes: all groups of two and more."""
    return tuple(sorted({hop.at for group in network.groups if len(group) > 1 for hop in group
                         if hop.is_known}))


def write_list(ats: Iterable[str], file: Path, dead: Container[str] = ()) -> None:
    """The list that dispatcher reads when Kamailio starts, or is told to; those that are ``dead``
    are out of service until they answer.
    """
    rows = [f"{_PROBED} sip:{at}{f' {_OUT_OF_SERVICE}' if at in dead else ''}\n" for at in ats]
    new = file.with_suffix(".new")
    new.write_text("".join(rows), encoding="ascii")
    os.replace(new, file)


def relist(edge: Edge, wanted: Iterable[str], listed: Iterable[str], file: Path) -> None:
    """Let dispatcher probe these from now on; what it knows of those ``listed`` stays known."""
    write_list(wanted, file, {at for at in listed if not _is_active(edge, at)})
    if edge.ksr.dispatcher.ds_reload() < 0:
        edge.fault("network", why="dispatcher did not read its list again")


def _is_active(edge: Edge, at: str) -> bool:
    return edge.ksr.dispatcher.ds_is_active_uri(_PROBED, f"sip:{at}") > 0


def _has_choice(group: tuple[Hop, ...] | None) -> bool:
    """Whether it has to be said which hop of a group gets a branch, or that none does."""
    return len(group) > 1 or bool(group[0].named) if group else False


def _first(group: tuple[Hop, ...]) -> str:
    return group[0].at if group else ""
