# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits on the calls of a trunk, at once and within a second, over all workers of this proxy."""

from datetime import datetime

from kemi_routing.ksr.caps import Caps
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.workers import alarm_once
from kemi_routing.trunks import Trunk

PROFILE = "trunk"
"""Profile of dialog: the calls of each trunk."""
SECOND = "second"
"""Hash table of kamailio.cfg: calls that began, by trunk and second."""


def admit(edge: Edge, caps: Caps, trunk: Trunk, now: datetime) -> bool:
    """Whether a call of this trunk is let in; it counts from then on, and ends by itself.

    In the request route, within a transaction.
    """
    reached = _reached(edge, caps, trunk, now)
    if reached:
        edge.log("refuse", trunk=trunk.name, **reached)
        alarm_once(edge, trunk.name, "limited", trunk=trunk.name, **reached)
    return not reached


def _reached(edge: Edge, caps: Caps, trunk: Trunk, now: datetime) -> dict[str, object]:
    """The limit that is reached, for the log; empty where none is."""
    if trunk.max_per_second:
        begun = edge.ksr.htable.sht_inc(SECOND, f"{trunk.name} {now:%S}")
        if begun > trunk.max_per_second:
            return {"max_per_second": trunk.max_per_second}
    return caps.enter(PROFILE, trunk.name, trunk.max_calls) if trunk.max_calls else {}
