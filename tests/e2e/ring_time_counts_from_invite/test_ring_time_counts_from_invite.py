# SPDX-License-Identifier: GPL-2.0-or-later
"""Repeated 180, 183, and a late first 180."""

import pytest

from tests.support.phones import early_media, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"


def test_a_ring_time_counts_from_the_invite_not_from_the_first_180(situation: Situation) -> None:
    desk = situation.line_phone("jana-desk", ring(silent_ms=1000))
    mobile = situation.outside_phone("42073723101", ring(silent_ms=500))
    office = situation.outside_phone("49115234567", ring(silent_ms=500))
    situation.media_server()

    assert situation.call(NUMBER, CALLER).code == 200

    assert [desk.rang_s, office.rang_s, mobile.rang_s] == pytest.approx([2, 1, 2], abs=0.2)


def test_ring_times_hold_whatever_the_phones_repeat(situation: Situation) -> None:
    desk = situation.line_phone("jana-desk", ring(repeat_ms=300))
    office = situation.outside_phone("49115234567", ring(repeat_ms=200))
    mobile = situation.outside_phone("42073723101", early_media(ring()))
    situation.media_server()

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert [desk.rang_s, office.rang_s, mobile.rang_s] == pytest.approx([2, 1, 2], abs=0.2)
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)
