# SPDX-License-Identifier: GPL-2.0-or-later
"""CLI per branch, and From restored towards the caller (RFC 3261 section 8.2.6.2)."""

import pytest

from tests.support.caller import Dialling, Outcome
from tests.support.phones import Phone, answer, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import DOMAIN, Situation

NUMBER, CALLER, DESK, MOBILE = "42027777101", "42075553333", "jana-desk", "42073723101"


def test_each_branch_shows_its_own_number(situation: Situation) -> None:
    desk = situation.line_phone(DESK, answer(500))
    mobile = situation.outside_phone(MOBILE, ring())
    sip = situation.sip_phone("jana", ring())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert [phone.invites[0].caller_number for phone in (desk, mobile, sip)] == [
        CALLER, NUMBER, NUMBER,
    ]  # fmt: skip
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)


def test_identity_headers_follow_the_number_shown(situation: Situation) -> None:
    desk = situation.line_phone(DESK, answer(500))
    mobile = situation.outside_phone(MOBILE, ring())
    party = f"Remote-Party-ID: <sip:{CALLER}@carrier.example>;party=calling"
    identity = "Identity: eyJhbGciOiJFUzI1NiJ9..sig;info=<https://cert.example/p.cer>;alg=ES256"
    dialling = Dialling(NUMBER, CALLER, asserted=CALLER, headers=(party, identity))

    assert situation.dial(dialling).outcome().code == 200

    inside, outside = desk.invites[0], mobile.invites[0]
    assert CALLER in inside["P-Asserted-Identity"]
    assert inside.header("Identity") is not None
    assert outside.all("P-Asserted-Identity") == [f"<sip:{NUMBER}@{DOMAIN}>"]
    assert outside.header("Remote-Party-ID") is None
    assert outside.header("Identity") is None


@pytest.mark.parametrize("hang_up_after_ms", [None, 200], ids=["caller ends", "callee ends"])
@pytest.mark.parametrize("answering", [DESK, MOBILE])
def test_the_dialog_works_both_ways_whoever_answered(
    situation: Situation, answering: str, hang_up_after_ms: int | None
) -> None:
    picks_up = answer(300, hang_up_after_ms=hang_up_after_ms)
    desk = situation.line_phone(DESK, picks_up if answering == DESK else ring())
    mobile = situation.outside_phone(MOBILE, picks_up if answering == MOBILE else ring())
    winner = desk if answering == DESK else mobile

    heard = situation.call(NUMBER, CALLER, hold_ms=None if hang_up_after_ms else 100)

    assert heard.code == 200
    assert heard.was_hung_up
    _assert_caller_saw_its_own_from(heard)
    _assert_dialog_is_consistent(winner)


def _assert_caller_saw_its_own_from(heard: Outcome) -> None:
    sent = heard.invite["From"]
    assert {response["From"] for response in heard.responses} == {sent}
    for bye in (m for m in heard.messages if m.method == "BYE" and m.code is None):
        ours = bye["From"] if bye.sent else bye["To"]
        assert ours.split(">")[0].split("<")[1] == sent.split(">")[0].split("<")[1]


def _assert_dialog_is_consistent(phone: Phone) -> None:
    # What the callee was shown stays the same in every request of the dialog.
    shown = phone.invites[0]["From"]
    assert {m["From"] for m in phone.heard("ACK")} == {shown}
    for bye in (m for m in phone.messages if m.method == "BYE" and m.code is None):
        theirs = bye["To"] if bye.sent else bye["From"]
        assert theirs == shown
