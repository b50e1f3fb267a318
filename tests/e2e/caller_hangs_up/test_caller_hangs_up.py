# SPDX-License-Identifier: GPL-2.0-or-later
"""The caller gives up at different moments of the hunt."""

import pytest

from tests.support.loopback import wait_until
from tests.support.phones import Phone, ring, silent
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"
DESK, OFFICE, MOBILE = "jana-desk", "49115234567", "42073723101"


@pytest.mark.parametrize(
    ("after_ms", "ringing"), [(0, [DESK]), (1000, [DESK]), (2500, [OFFICE, MOBILE])]
)
def test_what_rings_stops_and_nothing_else_rings(
    situation: Situation, after_ms: int, ringing: list[str]
) -> None:
    desk = situation.line_phone(DESK, ring())
    outside = {number: situation.outside_phone(number, ring()) for number in (OFFICE, MOBILE)}
    media = situation.media_server()
    phones: dict[str, Phone] = {DESK: desk, **outside}

    heard = situation.call(NUMBER, CALLER, hang_up_after_ms=max(after_ms, 1))

    assert heard.code == 487
    _wait_until_nothing_is_under_way(situation)
    rang = {name for name, phone in phones.items() if phone.invites}
    assert rang == {DESK, *ringing}
    assert media.invites == []
    for name in ringing:
        assert [cancel.header("Reason") for cancel in phones[name].cancels] == [None]
        assert heard.final.at - phones[name].cancelled_at < 0.2


def test_the_second_of_two_targets_is_past_its_ring_time(situation: Situation) -> None:
    situation.line_phone(DESK, ring())
    office = situation.outside_phone(OFFICE, ring())
    mobile = situation.outside_phone(MOBILE, ring())

    heard = situation.call(NUMBER, CALLER, hang_up_after_ms=3500)

    assert heard.code == 487
    assert mobile.rang_s == pytest.approx(1, abs=0.2)
    assert office.rang_s == pytest.approx(1.5, abs=0.2)


def test_a_phone_that_said_only_trying_is_cancelled_too(situation: Situation) -> None:
    desk = situation.line_phone(DESK, silent(trying=True))
    office = situation.outside_phone(OFFICE, ring())
    mobile = situation.outside_phone(MOBILE, silent(trying=True))

    heard = situation.call(NUMBER, CALLER, hang_up_after_ms=300)

    assert heard.code == 487
    assert len(desk.cancels) == 1
    assert office.rang_s == pytest.approx(0.3, abs=0.2)
    assert len(mobile.cancels) == 1


def _wait_until_nothing_is_under_way(situation: Situation) -> None:
    def idle() -> bool:
        return situation.edge.counters("tm.stats")["current"] == 0

    wait_until(idle, "all transactions gone", timeout_s=60)
