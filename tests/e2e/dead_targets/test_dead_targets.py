# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets at which nobody can be reached."""

import pytest

from tests.support.phones import answer, busy, ring, silent
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

IN_SERIES, TOGETHER, LINES_ONLY, CALLER = (
    "42027777101", "42027777102", "42027777103", "42075553333",
)  # fmt: skip


def test_in_series_only_silence_costs_time(situation: Situation) -> None:
    situation.outside_phone("42073723101", busy(404))
    situation.outside_phone("42073723102", busy(503))
    quiet = situation.outside_phone("42073723103", silent())
    last = situation.outside_phone("42073723104", answer())

    heard = situation.call(IN_SERIES, CALLER)

    assert heard.code == 200
    assert quiet.invited_at - heard.invited_at < 0.2
    assert last.invited_at - quiet.invited_at == pytest.approx(2, abs=0.2)
    assert_as_explained(situation.explain(IN_SERIES, CALLER), situation, heard)


def test_at_the_same_time_the_living_one_rings_on(situation: Situation) -> None:
    situation.outside_phone("42073723101", busy(503))
    living = situation.outside_phone("42073723104", answer(1500))

    heard = situation.call(TOGETHER, CALLER)

    assert heard.code == 200
    assert living.cancels == []


def test_at_the_same_time_silence_does_not_cut_the_living_one(situation: Situation) -> None:
    situation.line_phone("jana-desk", silent())
    situation.outside_phone("42073723101", silent())
    living = situation.outside_phone("42073723104", ring())
    media = situation.media_server()

    heard = situation.call(TOGETHER, CALLER)

    assert heard.code == 200
    assert living.rang_s == pytest.approx(2, abs=0.2)
    assert media.invites[0].uri == situation.voicemail_uri(TOGETHER, cause=408)


def test_all_unregistered_means_voicemail_at_once_as_not_reachable(situation: Situation) -> None:
    media = situation.media_server()

    heard = situation.call(LINES_ONLY, CALLER)

    assert heard.code == 200
    assert heard.took_s < 0.3
    assert media.invites[0].uri == situation.voicemail_uri(LINES_ONLY, cause=404)
    assert_as_explained(situation.explain(LINES_ONLY, CALLER), situation, heard)


def test_no_target_and_no_media_server_is_still_an_answer(situation: Situation) -> None:
    heard = situation.call(LINES_ONLY, CALLER)

    assert heard.code == 480


def test_a_phone_that_said_only_trying_rings_its_whole_time(situation: Situation) -> None:
    trying = situation.line_phone("jana-desk", silent(trying=True))
    media = situation.media_server()

    heard = situation.call(LINES_ONLY, CALLER)

    assert heard.code == 200
    rang = [cancel.at - invite.at for invite, cancel in zip(
        trying.invites, trying.cancels, strict=True)]
    assert rang == pytest.approx([2, 4], abs=0.2)
    assert media.invites[0].uri == situation.voicemail_uri(LINES_ONLY, cause=408)
