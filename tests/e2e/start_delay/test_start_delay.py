# SPDX-License-Identifier: GPL-2.0-or-later
"""One step: the desk at once, the mobile after 1 s, the office after 2 s."""

import pytest

from tests.support.caller import Dialling, codes
from tests.support.loopback import wait_until
from tests.support.phones import Phone, answer, busy, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

NUMBER, ALL_LATER, LONG = "42027777101", "42027777102", "42027777103"
CALLER = "42075553333"
DESK, OFFICE, MOBILE, LAST = "jana-desk", "49115234567", "42073723101", "42073723102"


def begins_s(phone: Phone, since: float) -> float:
    return phone.invited_at - since


def nothing_is_left(situation: Situation) -> None:
    """Every transaction ends, those of second passes too (tm keeps each for 5 s)."""
    wait_until(lambda: situation.edge.counters("tm.stats")["current"] == 0,
               "the end of all transactions", timeout_s=60)


def test_each_target_rings_after_its_delay_for_its_own_time(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    office, mobile = (situation.outside_phone(number, ring()) for number in (OFFICE, MOBILE))
    last = situation.outside_phone(LAST, ring())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 480
    phones = (desk, office, mobile, last)
    assert [begins_s(phone, heard.invited_at) for phone in phones] == pytest.approx(
        [0, 2, 1, 4], abs=0.2)
    assert [phone.rang_s for phone in phones] == pytest.approx([4, 1, 2, 1], abs=0.2)
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)
    nothing_is_left(situation)


def test_the_next_one_rings_at_once_when_nothing_rings_any_more(situation: Situation) -> None:
    situation.line_phone(DESK, busy(after_ms=300))
    mobile = situation.outside_phone(MOBILE, busy(after_ms=300))
    office = situation.outside_phone(OFFICE, answer(300))

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert heard.was_hung_up
    assert begins_s(mobile, heard.invited_at) == pytest.approx(0.3, abs=0.2)
    assert begins_s(office, heard.invited_at) == pytest.approx(0.6, abs=0.2)
    nothing_is_left(situation)


def test_a_line_without_phones_does_not_make_the_others_wait(situation: Situation) -> None:
    mobile = situation.outside_phone(MOBILE, ring())
    office = situation.outside_phone(OFFICE, ring())
    last = situation.outside_phone(LAST, answer())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert begins_s(mobile, heard.invited_at) == pytest.approx(0, abs=0.2)
    assert begins_s(office, heard.invited_at) == pytest.approx(2, abs=0.2)
    assert mobile.rang_s == pytest.approx(2, abs=0.2)
    assert begins_s(last, heard.invited_at) == pytest.approx(3, abs=0.2)


def test_where_all_are_delayed_the_earliest_rings_at_once(situation: Situation) -> None:
    mobile = situation.outside_phone(MOBILE, ring())
    office = situation.outside_phone(OFFICE, ring())

    heard = situation.call(ALL_LATER, CALLER)

    assert heard.code == 480
    assert begins_s(mobile, heard.invited_at) == pytest.approx(0, abs=0.2)
    assert begins_s(office, heard.invited_at) == pytest.approx(1, abs=0.2)
    assert heard.took_s == pytest.approx(2, abs=0.3)
    nothing_is_left(situation)


def test_answered_before_the_delay_is_over_the_others_never_ring(situation: Situation) -> None:
    situation.line_phone(DESK, answer(500))
    phones = [situation.outside_phone(number, ring()) for number in (OFFICE, MOBILE)]

    heard = situation.call(NUMBER, CALLER, hold_ms=2000)

    assert heard.code == 200
    assert [phone.invites for phone in phones] == [[], []]
    nothing_is_left(situation)


def test_a_delayed_one_that_answers_ends_the_others(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    situation.outside_phone(MOBILE, answer(300))
    office = situation.outside_phone(OFFICE, ring())

    heard = situation.call(NUMBER, CALLER, hold_ms=1500)

    assert heard.code == 200
    assert heard.took_s == pytest.approx(1.3, abs=0.2)
    assert "Call completed elsewhere" in (desk.cancels[0].header("Reason") or "")
    assert office.invites == []


def test_the_caller_hangs_up_and_nobody_rings_later(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    phones = [situation.outside_phone(number, ring()) for number in (OFFICE, MOBILE)]

    heard = situation.call(NUMBER, CALLER, hang_up_after_ms=500)

    assert heard.code == 487
    assert desk.rang_s == pytest.approx(0.5, abs=0.2)
    assert "elsewhere" not in (desk.cancels[0].header("Reason") or "")
    nothing_is_left(situation)
    assert [phone.invites for phone in phones] == [[], []]


def test_two_hundred_calls_at_once_are_all_answered(situation: Situation) -> None:
    situation.line_phone(DESK, busy(after_ms=300), traced=False)
    situation.outside_phone(MOBILE, busy(after_ms=300), traced=False)
    situation.outside_phone(OFFICE, answer(300), traced=False)

    dialling = Dialling(LONG, CALLER, asserted=CALLER)
    heard = situation.caller().dial(dialling, count=200, rate=100).outcomes(60)

    assert codes(heard) == {200: 200}
    nothing_is_left(situation)
