# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets that are numbers of ours (SPEC T5)."""

from tests.support.phones import answer, ring
from tests.support.situation import Situation

TWO_STEPS, LAST, MIDDLE, TWICE = "42027777101", "42027777102", "42027777103", "42027777104"
CALLER = "42075553333"


def test_in_the_middle_only_the_lines_ring(situation: Situation) -> None:
    petr = situation.line_phone("petr-desk", ring(), password="other-words")
    mobile, media = situation.outside_phone("42073723101", answer()), situation.media_server()

    assert situation.call(MIDDLE, CALLER).code == 200

    assert (len(petr.invites), len(mobile.invites), len(media.invites)) == (1, 1, 0)
    assert 0.8 <= petr.rang_s <= 1.2
    assert petr.invites[0].caller_number == CALLER
    assert mobile.invites[0].caller_number == MIDDLE


def test_as_the_last_target_the_number_decides_anew(situation: Situation) -> None:
    mobile, media = situation.outside_phone("42073723102", ring()), situation.media_server()

    assert situation.call(TWO_STEPS, CALLER).code == 200

    assert len(mobile.invites) == 1
    assert mobile.invites[0].caller_number == LAST
    assert media.invites[0].uri == situation.voicemail_uri(LAST, cause=408)


def test_a_number_that_is_handed_over_may_hand_over_again(situation: Situation) -> None:
    petr = situation.line_phone("petr-desk", ring(), password="other-words")
    mobile = situation.outside_phone("42073723102", answer())

    assert situation.call(TWICE, CALLER).code == 200

    assert (len(petr.invites), len(mobile.invites)) == (1, 1)
    route = mobile.invites[0].header("Record-Route") or ""
    assert len(route.partition(";fn=")[2].partition(">")[0].partition(";")[0].split(".")) == 3
