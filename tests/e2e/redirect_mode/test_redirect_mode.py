# SPDX-License-Identifier: GPL-2.0-or-later
"""302 instead of forking (SPEC F9), and our own refusal (M1)."""

from collections.abc import Iterator

import pytest

from tests.support.caller import Outcome
from tests.support.phones import answer, busy
from tests.support.situation import Situation

OUTSIDE, MIXED, VOICEMAIL, REJECTING, CAPPED = (
    "42027777101", "42027777102", "42027777103", "42027777104", "42027777105",
)  # fmt: skip
MOBILE, CALLER = "42073723101", "42075553333"


@pytest.fixture
def redirecting(situation: Situation) -> Iterator[Situation]:
    """The proxy answers the trunk with 302 where that says it all."""
    with situation.with_network(trunks=situation.trunk(redirect="yes")):
        yield situation


def call(redirecting: Situation, number: str) -> Outcome:
    return redirecting.call(number, CALLER)


def test_a_sequence_of_outside_targets_becomes_contacts(
    situation: Situation, redirecting: Situation
) -> None:
    phone = situation.outside_phone(MOBILE, answer())

    heard = call(redirecting, OUTSIDE)

    assert (heard.code, phone.invites) == (302, [])
    gateway = situation.gateway_at
    contacts = (heard.final.header("Contact") or "").split(", ")
    assert [each.partition(";q=")[0] for each in contacts] == [
        f"<sip:49115234567@{gateway}?Expires=40>",
        f"<sip:{MOBILE}@{gateway}?Expires=25>",
        f"<sip:jana@{situation.settings['SIP_HOSTS']}?Expires=30>",
    ]
    first, second, third = (float(each.partition(";q=")[2]) for each in contacts)
    assert 1 > first > second == third > 0.8


@pytest.mark.parametrize("number", [MIXED, VOICEMAIL, CAPPED])
def test_any_other_sequence_is_forked(
    situation: Situation, redirecting: Situation, number: str
) -> None:
    phone = situation.outside_phone(MOBILE, answer())
    situation.media_server(busy())

    assert call(redirecting, number).code == 200
    assert len(phone.invites) == 1


def test_a_trunk_without_the_mode_is_not_redirected(situation: Situation) -> None:
    phone = situation.outside_phone("49115234567", answer())

    assert situation.call(OUTSIDE, CALLER).code == 200
    assert len(phone.invites) == 1


def test_mode_reject_declines(situation: Situation, redirecting: Situation) -> None:
    assert call(redirecting, REJECTING).final.start_line == "SIP/2.0 603 Decline"
    assert situation.call(REJECTING, CALLER).final.start_line == "SIP/2.0 603 Decline"
    lines = [line for line in situation.edge.log.splitlines() if f"number={REJECTING}" in line]
    assert any(": end callid=" in line and "status=603" in line for line in lines)
