# SPDX-License-Identifier: GPL-2.0-or-later
"""Plants bugs in the product: Python imports this module at its start, before the product."""

from collections.abc import Callable
from typing import Any

from kemi_routing import decide, hunt


def _raising(function: Callable[..., Any], when: Callable[..., bool], text: str) -> Any:
    def sabotaged(*arguments: Any) -> Any:
        if when(*arguments):
            raise RuntimeError(text)
        return function(*arguments)

    return sabotaged


decide.decide = _raising(
    decide.decide,
    lambda call, number, now, platform: number.number == "42027777661",
    "planted in the decision",
)
hunt.next_step = _raising(
    hunt.next_step,
    lambda steps, tried: bool(tried) and steps[0].targets[0].target.address == "42073723662",
    "planted in the hunt",
)
