# SPDX-License-Identifier: GPL-2.0-or-later
"""RTP between who has IPv4 only and who has IPv6 only."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.rtp_relay.test_offers import CALLER, JANA, LINE, YAML, Side, hang_up, offered
from tests.support.loopback import free_udp_port, reserve_network
from tests.support.namespace import own_network
from tests.support.other_edge import OTHER_PROXY
from tests.support.raw_sip import RawSip
from tests.support.rtpengine import Media, Rtpengine, both_hear, udp, udp6
from tests.support.situation import DOMAIN, FIRST_PHONE, PAI_TRUNK, PASSWORD, Situation
from tests.support.softphone import SoftPhone

PROXY6, RELAY6, TRUNK6, PHONE6 = "fd00:66::1", "fd00:66::2", "fd00:66::20", "fd00:66:1:2::9"


@pytest.fixture(scope="module")
def arrangement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Situation, Rtpengine]]:
    folder = tmp_path_factory.mktemp("families")
    with ExitStack() as ends:
        ends.enter_context(own_network(PROXY6, RELAY6, TRUNK6, PHONE6))
        network = reserve_network()
        relay = ends.enter_context(Rtpengine(network.address(OTHER_PROXY), folder, RELAY6))
        settings = {"RTPENGINE": relay.url, "ADDRESS6": PROXY6, "PORT": str(free_udp_port())}
        situation = ends.enter_context(Situation(network, folder, settings=settings))
        situation.apply(YAML)
        header = "P-Asserted-Identity"
        ends.enter_context(situation.with_network(trunks={
            "four": {"from": network.address(PAI_TRUNK), "asserts": header},
            "six": {"from": TRUNK6, "asserts": header}}))
        yield situation, relay


@pytest.mark.parametrize("late", [False, True], ids=["caller offers", "callee offers"])
@pytest.mark.parametrize("caller_has", [4, 6])
@pytest.mark.parametrize("callee_has", [4, 6])
def test_each_side_hears_the_other_by_its_own(
    arrangement: tuple[Situation, Rtpengine], caller_has: int, callee_has: int, *, late: bool
) -> None:
    situation, relay = arrangement
    with ExitStack() as ends:
        def side(six: bool, last: int, address6: str, user: str, password: str = "") -> Side:
            host, port = situation.edge.proxy
            address = address6 if six else situation.network.address(last)
            media = Media(address, udp6 if six else udp)
            ends.callback(media.close)
            wire = RawSip(address, (PROXY6 if six else host, port))
            return ends.enter_context(SoftPhone(wire, user, DOMAIN, password)), media

        calling, own = side(caller_has == 6, PAI_TRUNK, TRUNK6, CALLER)
        phone, its = side(callee_has == 6, FIRST_PHONE, PHONE6, LINE, PASSWORD)
        assert phone.register().code == 200
        ends.callback(situation.edge.kamcmd, "ul.rm", "location", LINE)
        dialog, there = offered(f"sip:{JANA}@{DOMAIN}", (calling, own), (phone, its), late=late)
        at = {4: relay.address, 6: RELAY6}
        assert (own.there[0], its.there[0]) == (at[caller_has], at[callee_has])
        both_hear(own, its)
        phone.send(there, "INVITE", its.sdp)
        again = calling.heard("INVITE")
        calling.answer(again, 200, body=own.sdp)
        answer = phone.talk(there)
        calling.heard("ACK")
        own.goes(again.body)
        its.goes(answer.body)
        assert (own.there[0], its.there[0]) == (at[caller_has], at[callee_has])
        both_hear(own, its)
        hang_up(calling, dialog, phone)
        assert relay.sessions() == 0
