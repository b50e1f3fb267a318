# SPDX-License-Identifier: GPL-2.0-or-later
"""Two benches at the same time, then the back office."""

import pytest

from tests.support.phones import Behaviour, answer, busy, decline, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

NUMBER, CALLER = "42027777102", "42075553333"
COMPLETED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


def test_the_first_to_answer_wins(situation: Situation) -> None:
    one = situation.line_phone("bench-one", ring())
    two = situation.line_phone("bench-two", answer(700))
    third = situation.line_phone("back-office", ring())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert abs(one.invited_at - two.invited_at) < 0.1
    assert one.cancels[0].header("Reason") == COMPLETED_ELSEWHERE
    assert one.cancelled_at - two.said(200)[0].at < 0.2
    assert third.invites == []
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)


@pytest.mark.parametrize("refusal", [busy(), busy(404), busy(503), decline(), busy(600)], ids=str)
def test_one_that_refuses_does_not_stop_the_other(situation: Situation, refusal: Behaviour) -> None:
    situation.line_phone("bench-one", refusal)
    two = situation.line_phone("bench-two", answer(700))

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert two.cancels == []
    assert heard.took_s == pytest.approx(0.7, abs=0.2)


def test_the_third_rings_when_both_are_through(situation: Situation) -> None:
    one = situation.line_phone("bench-one", busy())
    two = situation.line_phone("bench-two", ring())
    third = situation.line_phone("back-office", answer(300))

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert one.cancels == []
    assert two.rang_s == pytest.approx(2, abs=0.2)
    assert third.invited_at - heard.invited_at == pytest.approx(2, abs=0.2)
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)


def test_the_third_rings_at_once_when_both_are_busy(situation: Situation) -> None:
    situation.line_phone("bench-one", busy())
    situation.line_phone("bench-two", busy(after_ms=300))
    third = situation.line_phone("back-office", answer())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert third.invited_at - heard.invited_at == pytest.approx(0.3, abs=0.2)


def test_declining_on_one_lets_the_other_ring_on_and_then_ends_the_hunt(
    situation: Situation,
) -> None:
    situation.line_phone("bench-one", decline(300))
    two = situation.line_phone("bench-two", ring())
    third = situation.line_phone("back-office", ring())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 480
    assert two.rang_s == pytest.approx(2, abs=0.2)
    assert third.invites == []


def test_every_phone_of_a_line_rings(situation: Situation) -> None:
    upstairs = situation.line_phone("bench-one", ring())
    downstairs = situation.line_phone("bench-one", answer(500))
    two = situation.line_phone("bench-two", ring())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    elsewhere = [phone.cancels[0].header("Reason") for phone in (upstairs, two)]
    assert elsewhere == [COMPLETED_ELSEWHERE, COMPLETED_ELSEWHERE]
    assert downstairs.cancels == []
