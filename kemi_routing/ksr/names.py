# SPDX-License-Identifier: GPL-2.0-or-later
"""Host names of SIP targets, as the workers know them (SPEC P6).

A worker asks no name server: what names mean stands in a hash table, which the background process
keeps (``resolver``). Kamailio gets addresses only, so it asks none either.
"""

from kemi_routing.hops import Hop
from kemi_routing.ksr.edge import Edge
from kemi_routing.locate import place
from kemi_routing.plan import Planned

NAMES = "names"
"""Hash table, and queue to the background process, of kamailio.cfg."""
NOWHERE = "-"
"""In the table: a name without an address that may be called."""


def named(planned: Planned) -> str:
    """The place that a branch goes to by name; "" where it goes to an address, or to a hop of
    ours.
    """
    return "" if planned.confirm else place(planned.target)


def hops(edge: Edge, wanted: str) -> tuple[Hop, ...] | None:
    """The addresses behind a name, none where it has none; None where that is not known yet."""
    text = edge.ksr.htable.sht_get(NAMES, wanted)
    return read(text) if isinstance(text, str) else None


def ask(edge: Edge, wanted: str, waiting: str = "") -> None:
    """Have the background process look it up, and wake what waits for it (``start_delay``)."""
    edge.ksr.mqueue.mq_add(NAMES, wanted, waiting)


def uri(hop: str) -> str:
    """The URI of a next hop."""
    return f"sip:{hop}"


def written(found: tuple[Hop, ...]) -> str:
    """The text of addresses; ``read`` is the way back."""
    return " ".join(f"{hop.at},{hop.weight},{hop.priority}" for hop in found) or NOWHERE


def read(text: str) -> tuple[Hop, ...]:
    """The addresses of such a text."""
    if text == NOWHERE:
        return ()
    rows = (row.split(",") for row in text.split(" "))
    return tuple(Hop(at, int(weight), int(priority)) for at, weight, priority in rows)
