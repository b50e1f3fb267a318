# SPDX-License-Identifier: GPL-2.0-or-later
"""One step with ring times of 1, 3 and 2 seconds."""

import pytest

from tests.support.phones import answer, busy, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"
DESK, OFFICE, MOBILE, LAST = "jana-desk", "49115234567", "42073723101", "42073723102"


def test_each_target_rings_its_own_time(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    office = situation.outside_phone(OFFICE, ring())
    mobile = situation.outside_phone(MOBILE, ring())
    last = situation.outside_phone(LAST, ring())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 480
    rang = [phone.rang_s for phone in (desk, office, mobile, last)]
    assert rang == pytest.approx([1, 3, 2, 1], abs=0.2)
    assert last.invited_at - heard.invited_at == pytest.approx(3, abs=0.2)
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)


def test_the_longest_answers_after_the_others_rang_out(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    office = situation.outside_phone(OFFICE, answer(2500))
    mobile = situation.outside_phone(MOBILE, ring())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert heard.was_hung_up
    assert heard.took_s == pytest.approx(2.5, abs=0.2)
    assert [desk.cancels[0].header("Reason"), mobile.cancels[0].header("Reason")] == [None, None]
    assert office.cancels == []


def test_a_shorter_one_that_answers_ends_all_others(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    office = situation.outside_phone(OFFICE, ring())
    mobile = situation.outside_phone(MOBILE, answer(400))

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert heard.was_hung_up
    for phone in (desk, office):
        reason = phone.cancels[0].header("Reason") or ""
        assert "Call completed elsewhere" in reason
        assert phone.cancelled_at - mobile.said(200)[0].at < 0.2


def test_the_next_step_starts_when_nothing_rings_any_more(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    situation.outside_phone(OFFICE, busy(after_ms=300))
    situation.outside_phone(MOBILE, busy())
    last = situation.outside_phone(LAST, answer())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert desk.rang_s == pytest.approx(1, abs=0.2)
    assert last.invited_at - heard.invited_at == pytest.approx(1, abs=0.2)


def test_the_caller_hangs_up_and_every_phone_stops(situation: Situation) -> None:
    phones = [situation.line_phone(DESK, ring())]
    phones += [situation.outside_phone(number, ring()) for number in (OFFICE, MOBILE)]

    heard = situation.call(NUMBER, CALLER, hang_up_after_ms=500)

    assert heard.code == 487
    for phone in phones:
        assert phone.rang_s == pytest.approx(0.5, abs=0.2)
        assert "elsewhere" not in (phone.cancels[0].header("Reason") or "")
