# SPDX-License-Identifier: GPL-2.0-or-later
"""Of two proxies with an rtpengine each the one that decides the call relays."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.rtp_relay.test_offers import (
    CALLER,
    LINE,
    YAML,
    Side,
    called_at,
    hang_up,
    refreshed,
    talking,
)
from tests.support.loopback import Network, reserve_network, wait_until
from tests.support.other_edge import OTHER_PROXY, other_edge
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.rtpengine import Media, Rtpengine, udp
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    PROXY,
    Situation,
)
from tests.support.softphone import SoftPhone

CLUSTER_PORT, RELAYS = 5058, (3, 4)


def side(network: Network, last: int, wire: RawSip, user: str, ends: ExitStack) -> Side:
    media = Media(network.address(last), udp)
    ends.callback(media.close)
    password = PASSWORD if user == LINE else ""
    return ends.enter_context(SoftPhone(wire, user, DOMAIN, password)), media


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Situation, list[Rtpengine], Side, Side]]:
    """The first proxy's arrangement, the relays of both, the trunk that calls at the first one, and
    a phone that only the second one reaches.
    """
    network = reserve_network()
    here, there = (f"{network.address(last)}:{CLUSTER_PORT}" for last in (PROXY, OTHER_PROXY))
    with ExitStack() as ends:
        relays = [ends.enter_context(Rtpengine(network.address(last), tmp_path)) for last in RELAYS]
        settings = {"RTPENGINE": relays[0].url, "CLUSTER": here, "PEERS": there}
        situation = ends.enter_context(Situation(network, tmp_path / "first", settings=settings))
        situation.apply(YAML)
        second = ends.enter_context(other_edge(
            situation, tmp_path / "second", RTPENGINE=relays[1].url, CLUSTER=there, PEERS=here))
        wait_until(lambda: network.address(OTHER_PROXY) in situation.edge.kamcmd("dmq.list_nodes"),
                   "the peer", 90)
        trunk = side(network, PAI_TRUNK, RawSip(network.address(PAI_TRUNK), situation.edge.proxy),
                     CALLER, ends)
        phone = side(network, FIRST_PHONE,
                     StreamSip(network.address(FIRST_PHONE), second.edge.proxy), LINE, ends)
        assert phone[0].register().code == 200
        at = phone[0].contact.strip("<>")
        wait_until(lambda: at in situation.edge.kamcmd("ul.dump"), "the phone", 90)
        yield situation, relays, trunk, phone


@pytest.mark.parametrize("late", [False, True], ids=["caller offers", "callee offers"])
def test_rtp_goes_through_one_of_them(
    cluster: tuple[Situation, list[Rtpengine], Side, Side], *, late: bool
) -> None:
    situation, relays, trunk, phone = cluster
    caller, callee = talking(relays[0], called_at(situation), trunk, phone, late=late)
    refreshed(relays[0], caller, trunk, phone, late=late)
    refreshed(relays[0], callee, phone, trunk, late=late)
    assert [relay.sessions() for relay in relays] == [1, 0]
    hang_up(phone[0], callee, trunk[0])
    assert [relay.sessions() for relay in relays] == [0, 0]
