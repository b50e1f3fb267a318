# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers that are not ours."""

import pytest

from tests.support.caller import Dialling
from tests.support.phones import answer
from tests.support.situation import FROM_TRUNK, PAI_TRUNK, SILENT_TRUNK, Situation

CALLER = "42075553333"


@pytest.mark.parametrize("dialled", ["42027777199", "2027777101", "jana", "42027777101x", "0"])
def test_nobodys_number_is_404(situation: Situation, dialled: str) -> None:
    heard = situation.call(dialled, CALLER)

    assert (heard.code, heard.provisional) == (404, [])
    assert heard.took_s < 0.2


@pytest.mark.parametrize("via", [PAI_TRUNK, FROM_TRUNK, SILENT_TRUNK])
@pytest.mark.parametrize("host", ["$GATEWAY", "$PROXY", "sip.example.net"])
def test_a_trunk_cannot_call_out_through_us(situation: Situation, via: int, host: str) -> None:
    outside = situation.outside_phone("49115234567", answer())
    hosts = {"$GATEWAY": situation.gateway_at, "$PROXY": situation.settings["ADDRESS"]}
    uri = f"sip:49115234567@{hosts.get(host, host)}"

    heard = situation.dial(Dialling(uri, CALLER, asserted=CALLER), via=via).outcome()

    assert heard.code in (403, 404)
    assert outside.invites == []


def test_a_media_server_address_as_request_uri_is_not_relayed(situation: Situation) -> None:
    media = situation.media_server()
    uri = situation.mailbox_uri("42027777101")

    heard = situation.dial(Dialling(uri, CALLER, asserted=CALLER)).outcome()

    assert heard.code in (403, 404)
    assert media.invites == []
