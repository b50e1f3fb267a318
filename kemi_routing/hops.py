# SPDX-License-Identifier: GPL-2.0-or-later
"""Next hops of one group, gateways or media servers: which one gets a branch (SPEC B2, B3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kemi_routing.errors import InvalidValue

MAX_WEIGHT = 1000
MAX_PRIORITY = 100

_FORM = ("write HOST:PORT;weight=W;priority=P, weight 1 to "
         f"{MAX_WEIGHT} and priority 1 to {MAX_PRIORITY}, the smallest first; both are 1 "
         "where they are left out")
_OPTIONS = {"weight": MAX_WEIGHT, "priority": MAX_PRIORITY}


@dataclass(frozen=True, slots=True)
class Hop:
    """A gateway or a media server."""

    at: str
    """``host:port``."""
    weight: int = 1
    """Its share of the branches among those of the same priority."""
    priority: int = 1
    """The smallest that is in service is used."""


def read(text: str, at: Callable[[str], str]) -> Hop:
    """The hop of ``HOST:PORT;weight=W;priority=P``; ``at`` checks the first part.

    Raises InvalidValue with the right form.
    """
    address, *options = (part.strip() for part in text.split(";"))
    found: dict[str, int] = {}
    for option in options:
        key, _, value = option.partition("=")
        if not (key in _OPTIONS and key not in found and value.isascii() and value.isdecimal()
                and 1 <= int(value[:9]) <= _OPTIONS[key]):
            raise InvalidValue(f"{option!r}; {_FORM}")
        found[key] = int(value)
    return Hop(at(address), **found)


def choose(group: Sequence[Hop], in_service: Callable[[Hop], bool], draw: float,
           but: str = "") -> Hop | None:
    """The hop for a branch; None where there is none but ``but``, the ``host:port`` that failed.

    ``draw`` in [0, 1) picks by weight among the best priority. Where no hop is in service all
    count as such: whoever told us so may be wrong, and the call is lost anyway.
    """
    left = [hop for hop in group if hop.at != but]
    if len(left) < 2:
        return left[0] if left else None
    serving = list(filter(in_service, left)) or left
    best = min(hop.priority for hop in serving)
    able = [hop for hop in serving if hop.priority == best]
    mark = draw * sum(hop.weight for hop in able)
    for hop in able:
        mark -= hop.weight
        if mark < 0:
            return hop
    return able[-1]
