# SPDX-License-Identifier: GPL-2.0-or-later
"""302 from phones of ours and from outside, to places that are allowed and to others."""

import pytest

from tests.support.phones import answer, busy, redirect, ring
from tests.support.situation import DOMAIN, Situation

NUMBER, TOGETHER, PETRS, CALLER = "42027777101", "42027777102", "42027777103", "42075553333"
DESK, MOBILE, OFFICE, OTHER = "jana-desk", "42073723101", "49115234567", "49226666666"
PREMIUM = "42090012345"


def test_a_number_rings_next_with_the_owner_s_number(situation: Situation) -> None:
    situation.line_phone(DESK, redirect(f"sip:+{OFFICE}@{DOMAIN}"))
    office = situation.outside_phone(OFFICE, ring())
    mobile = situation.outside_phone(MOBILE, answer())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert office.invites[0].caller_number == NUMBER
    assert office.rang_s == pytest.approx(1, abs=0.2)
    assert mobile.invited_at - office.invited_at == pytest.approx(1, abs=0.2)
    assert f"target='line {DESK}' to=sip:+{OFFICE}@{DOMAIN} why=followed" in situation.edge.log


def test_of_several_contacts_those_that_are_allowed_ring_together(situation: Situation) -> None:
    host = situation.sip_phone("elsewhere", busy()).contact
    contacts = f"sip:{OFFICE}@{DOMAIN}>;q=0.5, <{host}>;q=0.9, <sip:{PREMIUM}@{DOMAIN}"
    situation.line_phone(DESK, redirect(contacts))
    office = situation.outside_phone(OFFICE, busy())
    premium = situation.outside_phone(PREMIUM, answer())
    mobile = situation.outside_phone(MOBILE, answer())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert [len(phone.invites) for phone in (office, premium, mobile)] == [1, 0, 1]


@pytest.mark.parametrize("contact", [
    f"sip:{NUMBER}@{DOMAIN}", "sip:jana@192.0.2.1", "sip:x@example.com?Replaces=1",
    f"tel:+{OFFICE}", f"sip:00{OFFICE}@{DOMAIN}"])  # fmt: skip
def test_what_is_not_allowed_is_not_rung(situation: Situation, contact: str) -> None:
    situation.line_phone(DESK, redirect(contact))
    mobile = situation.outside_phone(MOBILE, answer())

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert len(mobile.invites) == 1
    assert mobile.invited_at - heard.invited_at < 0.2
    assert f"to={contact} why=" in situation.edge.log
    assert f"to={contact} why=followed" not in situation.edge.log


def test_an_owner_who_may_not_forward_outside_may_not_by_302(situation: Situation) -> None:
    situation.line_phone("petr-desk", redirect(f"sip:{OFFICE}@{DOMAIN}"))
    office = situation.outside_phone(OFFICE, answer())
    media = situation.media_server()

    heard = situation.call(PETRS, CALLER)

    assert heard.code == 200
    assert (len(office.invites), len(media.invites)) == (0, 1)


def test_who_was_redirected_to_redirects_nobody(situation: Situation) -> None:
    situation.line_phone(DESK, redirect(f"sip:{OFFICE}@{DOMAIN}"))
    situation.outside_phone(OFFICE, redirect(f"sip:{OTHER}@{DOMAIN}"))
    other = situation.outside_phone(OTHER, answer())
    situation.outside_phone(MOBILE, busy())
    media = situation.media_server()

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert (len(other.invites), len(media.invites)) == (0, 1)


def test_two_phones_of_a_line_redirect_from_their_second_pass(situation: Situation) -> None:
    for _ in range(2):
        situation.line_phone(DESK, redirect(f"sip:{OFFICE}@{DOMAIN}"))
    mobile = situation.outside_phone(MOBILE, busy(after_ms=500))
    office = situation.outside_phone(OFFICE, answer())

    heard = situation.call(TOGETHER, CALLER)

    assert heard.code == 200
    assert len(office.invites) == 1
    assert office.invites[0].caller_number == TOGETHER
    assert office.invited_at - mobile.said(486)[0].at < 0.2
