# SPDX-License-Identifier: GPL-2.0-or-later
"""Which targets of a step get a second pass."""

import pytest

from kemi_routing import second_pass, targets
from kemi_routing.plan import Account, Planned, PlannedStep
from kemi_routing.plan_codec import UNKNOWN, Hunt
from tests.support.builders import PERSONAL

OFFICE, MOBILE = targets.parse("49115234567"), targets.parse("42073723123")


def hunt(*rows: tuple[int, int], hops: tuple[str, ...] = ()) -> Hunt:
    """A hunt with one step of targets with these ring times and delays."""
    step = PlannedStep(tuple(Planned(OFFICE, ring_s, None, "", delay_s=delay_s)
                             for ring_s, delay_s in rows))
    return Hunt((Account(PERSONAL, "acme/jana"),), (step,), hops=hops,
                branches=tuple(range(len(rows))))


@pytest.mark.parametrize(("state", "needed", "ring_ms"), [
    (hunt((20, 0), (20, 0)), [False, False], 20_000),
    (hunt((20, 0), (10, 0)), [False, True], 20_000),
    (hunt((20, 0), (15, 5)), [False, True], 20_000),
    (hunt((20, 0), (20, 0), hops=("", "192.0.2.1:5060")), [False, False], 20_000),
    (hunt((20, 0), (20, 0), hops=("", UNKNOWN)), [True, True], 21_000),
    (hunt((30, 0), (20, 0), hops=("", UNKNOWN)), [False, True], 30_000),
    (hunt((20, 0), hops=(UNKNOWN,)), [True], 21_000),
])
def test_who_needs_one(state: Hunt, needed: list[bool], ring_ms: int) -> None:
    assert second_pass.needed(state) == needed
    assert second_pass.ring_ms(state) == ring_ms
    assert [second_pass.is_of(state, branch) for branch in range(len(needed))] == needed


def test_a_branch_of_an_earlier_step_goes_to_none() -> None:
    assert not second_pass.is_of(hunt((20, 0), (10, 0)), 7)
