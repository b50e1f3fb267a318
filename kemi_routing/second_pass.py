# SPDX-License-Identifier: GPL-2.0-or-later
"""Which targets of a step need a second pass, a transaction of their own: tm has one ring time for
all branches of one. Pure: a hunt in, values out.
"""

from kemi_routing.plan import Planned
from kemi_routing.plan_codec import UNKNOWN, Hunt

LOOK_UP_MS = 1000
"""A target whose host name is not known by then is not reachable."""


def needed(state: Hunt) -> list[bool]:
    """Per target of the running step: it begins later, rings out before others, or its name is
    looked up first.
    """
    longest_ms = ring_ms(state)
    return [planned.delay_s > 0 or hop == UNKNOWN or _over_ms(planned, hop) < longest_ms
            for planned, hop in _with_hops(state)]


def is_of(state: Hunt, branch: int) -> bool:
    """Whether a branch of the running step goes to one."""
    index = state.target_of(branch)
    return index is not None and needed(state)[index]


def ring_ms(state: Hunt) -> int:
    """When all targets of the running step have rung out."""
    return max(_over_ms(planned, hop) for planned, hop in _with_hops(state))


def _over_ms(planned: Planned, hop: str) -> int:
    """When it has rung out, the time for the prompt of ``confirm`` included."""
    return 1000 * planned.over_s + (LOOK_UP_MS if hop == UNKNOWN else 0)


def _with_hops(state: Hunt) -> list[tuple[Planned, str]]:
    targets = state.running.targets
    return list(zip(targets, state.hops or [""] * len(targets), strict=True))
