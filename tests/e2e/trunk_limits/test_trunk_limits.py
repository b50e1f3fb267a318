# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits on the calls of a trunk (SPEC B1)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.caller import Dialling, codes
from tests.support.loopback import wait_until
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.phones import answer, ring
from tests.support.situation import Situation

NUMBER, MOBILE, CALLER = "42027777101", "42073723101", "42075553333"


@pytest.fixture
def limited(situation: Situation, tmp_path: Path) -> Iterator[Callable[[str, int], OtherEdge]]:
    """A proxy that knows the callers' network as one trunk, with this limit."""
    with ExitStack() as ends:
        def make(limit: str, count: int) -> OtherEdge:
            trunk = {"from": f"{situation.network.address(16)}/29",
                     "asserts": "P-Asserted-Identity", limit: count}
            operator = {"trunks": {"carrier": trunk}}
            return ends.enter_context(other_edge(situation, tmp_path, operator))
        yield make


def counted(edge: OtherEdge) -> int:
    return int(edge.edge.kamcmd("dlg.profile_get_size", "trunk", "s:carrier").split()[-1])


def test_sixty_calls_at_once_let_exactly_five_in(
    situation: Situation, limited: Callable[[str, int], OtherEdge]
) -> None:
    edge = limited("max_calls", 5)
    mobile = situation.outside_phone(MOBILE, ring())

    calls = edge.trunk.dial(Dialling(NUMBER, CALLER, hang_up_after_ms=1500), count=60, rate=600)

    assert codes(calls.outcomes()) == {503: 55, 487: 5}
    assert len(mobile.invites) == 5
    wait_until(lambda: counted(edge) == 0, "none is counted")


def test_a_call_that_is_over_makes_room(
    situation: Situation, limited: Callable[[str, int], OtherEdge]
) -> None:
    edge = limited("max_calls", 1)
    mobile = situation.outside_phone(MOBILE, answer())

    first = edge.dial(Dialling(NUMBER, CALLER, hold_ms=1500))
    situation.wait_for_answer(mobile)

    assert edge.dial(Dialling(NUMBER, CALLER)).outcome().code == 503
    assert first.outcome().code == 200
    wait_until(lambda: counted(edge) == 0, "none is counted")
    assert edge.dial(Dialling(NUMBER, CALLER)).outcome().code == 200


def test_within_a_second_no_more_than_the_limit_begin(
    situation: Situation, limited: Callable[[str, int], OtherEdge]
) -> None:
    edge = limited("max_per_second", 4)
    mobile = situation.outside_phone(MOBILE, answer())

    calls = edge.trunk.dial(Dialling(NUMBER, CALLER, hold_ms=1), count=40, rate=20)
    outcomes = calls.outcomes()

    heard = codes(outcomes)
    assert heard == {200: len(mobile.invites), 503: 40 - len(mobile.invites)}
    begun = [each.messages[0].at for each in outcomes]
    seconds = int(max(begun)) - int(min(begun)) + 2  # the last may be let in a second later
    assert 4 < len(mobile.invites) <= 4 * seconds
