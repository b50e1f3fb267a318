# SPDX-License-Identifier: GPL-2.0-or-later
"""A working day: desk, office, mobile, voicemail."""

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.phones import answer, busy, decline, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"
DESK, OFFICE, MOBILE = "jana-desk", "49115234567", "42073723101"
MONDAY_MORNING = "2026-11-23T10:00:00+01:00"


@pytest.fixture
def monday(arrange: Arrangements) -> Situation:
    return arrange(MONDAY_MORNING)


def test_nobody_answers_and_voicemail_takes_the_call(monday: Situation) -> None:
    desk = monday.line_phone(DESK, ring())
    office = monday.outside_phone(OFFICE, ring())
    mobile = monday.outside_phone(MOBILE, ring())
    media = monday.media_server()

    heard = monday.call(NUMBER, CALLER)

    assert heard.code == 200
    assert [desk.rang_s, office.rang_s, mobile.rang_s] == pytest.approx([2, 3, 2], abs=0.2)
    assert media.invites[0].uri == monday.voicemail_uri(NUMBER, cause=408)
    assert media.invites[0]["X-Followme-Account"] == NUMBER
    assert heard.took_s == pytest.approx(7, abs=0.3)
    assert_as_explained(monday.explain(NUMBER, CALLER), monday, heard)


def test_a_desk_phone_that_is_not_registered_is_skipped_at_once(monday: Situation) -> None:
    office = monday.outside_phone(OFFICE, answer(300))

    heard = monday.call(NUMBER, CALLER)

    assert heard.code == 200
    assert office.invited_at - heard.invited_at < 0.2
    assert_as_explained(monday.explain(NUMBER, CALLER), monday, heard)


def test_a_busy_desk_phone_lets_the_office_ring_at_once(monday: Situation) -> None:
    desk = monday.line_phone(DESK, busy())
    office = monday.outside_phone(OFFICE, answer(300))

    heard = monday.call(NUMBER, CALLER)

    assert heard.code == 200
    assert office.invited_at - desk.invited_at < 0.2
    assert_as_explained(monday.explain(NUMBER, CALLER), monday, heard)


def test_declining_at_the_desk_sends_the_caller_to_voicemail_at_once(monday: Situation) -> None:
    desk = monday.line_phone(DESK, decline(500))
    office = monday.outside_phone(OFFICE, ring())
    media = monday.media_server()

    heard = monday.call(NUMBER, CALLER)

    assert heard.code == 200
    assert office.invites == []
    assert media.invites[0].uri == monday.voicemail_uri(NUMBER, cause=480)
    assert media.invited_at - desk.said(603)[0].at < 0.2
    assert_as_explained(monday.explain(NUMBER, CALLER), monday, heard)


def test_the_mobile_answers_after_desk_and_office_rang_out(monday: Situation) -> None:
    desk = monday.line_phone(DESK, ring())
    office = monday.outside_phone(OFFICE, ring())
    mobile = monday.outside_phone(MOBILE, answer(500))
    media = monday.media_server()

    heard = monday.call(NUMBER, CALLER)

    assert heard.code == 200
    assert heard.was_hung_up
    assert mobile.invited_at - heard.invited_at == pytest.approx(5, abs=0.3)
    assert media.invites == []
    # A ring time that ended is a missed call: no word of an answer elsewhere (F4).
    assert [phone.cancels[0].header("Reason") for phone in (desk, office)] == [None, None]
    assert_as_explained(monday.explain(NUMBER, CALLER), monday, heard)


def test_the_desk_sees_the_caller_and_the_mobile_sees_the_personal_number(
    monday: Situation,
) -> None:
    desk = monday.line_phone(DESK, busy())
    office = monday.outside_phone(OFFICE, busy())
    mobile = monday.outside_phone(MOBILE, answer())

    monday.call(NUMBER, CALLER)

    shown = [phone.invites[0].caller_number for phone in (desk, office, mobile)]
    assert shown == [CALLER, NUMBER, NUMBER]


def test_the_caller_hangs_up_while_the_office_rings(monday: Situation) -> None:
    desk = monday.line_phone(DESK, ring())
    office = monday.outside_phone(OFFICE, ring())
    mobile = monday.outside_phone(MOBILE, ring())

    heard = monday.call(NUMBER, CALLER, hang_up_after_ms=3000)

    assert heard.code == 487
    assert desk.rang_s == pytest.approx(2, abs=0.2)
    assert office.rang_s == pytest.approx(1, abs=0.2)
    assert mobile.invites == []
    assert "completed elsewhere" not in (office.cancels[0].header("Reason") or "")
