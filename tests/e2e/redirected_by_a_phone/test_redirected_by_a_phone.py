# SPDX-License-Identifier: GPL-2.0-or-later
"""302 from a phone of ours and from a gateway."""

from tests.support.phones import answer, redirect
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"


def test_the_contact_of_a_302_is_not_followed(situation: Situation) -> None:
    elsewhere = situation.sip_phone("elsewhere", answer())
    premium = situation.outside_phone("49900123456", answer())
    situation.line_phone("jana-desk", redirect(elsewhere.contact))
    situation.outside_phone("42073723101", redirect(premium.contact))
    media = situation.media_server()

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert elsewhere.invites + premium.invites == []
    assert len(media.invites) == 1
