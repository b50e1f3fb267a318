# SPDX-License-Identifier: GPL-2.0-or-later
"""Nobody is passed on to an address of his own choice."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling
from tests.support.phones import answer
from tests.support.raw_sip import RawSip
from tests.support.registration import Line, register
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PASSWORD,
    STRANGER,
    Situation,
)

NUMBER, CALLER, MOBILE, ABROAD = "42027777101", "42075553333", "42073723101", "49900123456"


@pytest.mark.parametrize("mark", ["", ";ftag=a", f";fm={'0' * 24}", ";fm="])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "BYE"])
def test_a_tag_and_a_route_open_no_way_to_the_gateway(
    situation: Situation, method: str, mark: str
) -> None:
    abroad = situation.outside_phone(ABROAD, answer())
    proxy = situation.settings["ADDRESS"]
    uri = f"sip:{ABROAD}@{situation.settings['GATEWAY']}"
    with RawSip(situation.network.address(STRANGER), situation.edge.proxy) as raw:
        request = raw.request(method, uri, headers=[f"Route: <sip:{proxy};lr=on{mark}>"])
        heard = raw.ask(request.replace(b"\r\nCall-ID", b";tag=t\r\nCall-ID", 1))

    assert heard is not None
    assert heard.code == 404
    assert abroad.invites == []


def test_a_route_that_the_caller_wrote_stays_here(situation: Situation) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    route = f"Route: <sip:{situation.network.address(STRANGER)};lr>"

    assert situation.dial(Dialling(NUMBER, CALLER, CALLER, headers=(route,))).outcome().code == 200
    assert mobile.invites[0].header("Route") is None


def test_a_line_registers_no_address_but_its_own(situation: Situation, tmp_path: Path) -> None:
    network, proxy = situation.network, situation.edge.proxy
    own = network.address(FIRST_PHONE)
    account = Line("jana-desk", PASSWORD, DOMAIN)
    media = situation.settings["MEDIA_SERVER"]
    contacts = [
        f"sip:{ABROAD}@{situation.settings['GATEWAY']}",
        f"sip:vm-access@{media};target=sip:{NUMBER}%40{DOMAIN}",
        f"sip:jana-desk@{own}>, <sip:x@127.0.0.1:6379;transport=tcp",
        f"sip:jana-desk@{own}>\r\nm: <sip:x@127.0.0.1:6379;transport=tcp",
        f'sip:jana-desk@{own}>;received="sip:127.0.0.1:6379", <sip:jana-desk@{own}',
    ]
    codes = [register(account, each, own, proxy, tmp_path) for each in contacts]

    assert codes == [403] * len(contacts)
    assert own not in situation.edge.kamcmd("ul.dump")


def test_a_line_whose_call_cannot_be_sent_hears_so(arrange: Arrangements) -> None:
    unknown = {"FOLLOWME_GATEWAY": "no-such-host.invalid:5060"}
    situation = arrange("2026-11-23T10:00+01:00", environment=unknown)
    uri = f"sip:{ABROAD}@{DOMAIN}"
    dialling = Dialling(uri, f"jana-desk@{DOMAIN}", credentials=("jana-desk", PASSWORD))

    assert situation.dial(dialling, via=STRANGER).outcome().code == 503
