# SPDX-License-Identifier: GPL-2.0-or-later
"""RTP through Debian's rtpengine, of phones behind NAT (SPEC B4)."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.loopback import reserve_network, wait_until
from tests.support.nat import HOME, PUBLIC, HomeNetwork
from tests.support.other_edge import OTHER_PROXY, other_edge
from tests.support.raw_sip import RawSip
from tests.support.rtpengine import Media, Rtpengine, where
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    Situation,
)
from tests.support.softphone import SoftPhone

LINE, JANA, CALLER = "jana-desk", "42027777101", "42075553333"
ASSERTED = f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>"
URI = f"sip:{JANA}@{PUBLIC}:{SIP_PORT}"
YAML = Path(__file__).with_name("situation.yaml")

Plug = Callable[[], tuple[SoftPhone, Media]]


@pytest.fixture(scope="module")
def home() -> Iterator[HomeNetwork]:
    with HomeNetwork() as made:
        yield made


@pytest.fixture(scope="module")
def relay(home: HomeNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rtpengine]:
    with Rtpengine(PUBLIC, tmp_path_factory.mktemp("rtpengine")) as made:
        yield made


@pytest.fixture(scope="module")
def situation(relay: Rtpengine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situation]:
    settings = {"ADDRESS": PUBLIC, "RTPENGINE": relay.url}
    folder = tmp_path_factory.mktemp("public")
    with Situation(reserve_network(), folder, settings=settings) as made:
        made.apply(YAML)
        yield made


@pytest.fixture
def plug(home: HomeNetwork, situation: Situation) -> Iterator[Plug]:
    """Plugs a phone in at home, with its RTP."""
    with ExitStack() as phones:
        phones.callback(situation.edge.kamcmd, "ul.rm", "location", LINE)

        def plugged() -> tuple[SoftPhone, Media]:
            with home.at_home():
                wire, media = RawSip(HOME, situation.edge.proxy), Media(HOME, udp)
            phone = phones.enter_context(SoftPhone(wire, LINE, DOMAIN, PASSWORD))
            phones.callback(media.close)
            assert phone.register().code == 200
            return phone, media

        yield plugged


@pytest.fixture
def trunk(situation: Situation) -> Iterator[tuple[SoftPhone, Media]]:
    address = situation.network.address(PAI_TRUNK)
    media = Media(address, udp)
    with SoftPhone(RawSip(address, situation.edge.proxy), CALLER, DOMAIN) as made:
        yield made, media
    media.close()


def udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def both_hear(one: Media, other: Media) -> None:
    for media in (one, other):
        media.forget()
    one.hears(other)
    other.hears(one)


@pytest.mark.parametrize("caller_ends", [True, False], ids=["caller ends", "callee ends"])
def test_rtp_goes_both_ways_until_the_call_ends(
    relay: Rtpengine, plug: Plug, trunk: tuple[SoftPhone, Media], *, caller_ends: bool
) -> None:
    phone, its = plug()
    calling, own = trunk
    caller = calling.call(URI, ASSERTED, body=own.sdp)
    invite = phone.ring()
    its.goes(invite.body)
    callee = phone.pick_up(invite, its.sdp)
    own.goes(calling.talk(caller).body)
    phone.heard("ACK")
    assert (its.there[0], own.there[0]) == (PUBLIC, PUBLIC)
    both_hear(own, its)
    assert relay.sessions() == 1

    calling.send(caller, "INVITE", own.sdp)
    again = phone.heard("INVITE")
    its.goes(again.body)
    phone.answer(again, 200, body=its.sdp)
    own.goes(calling.talk(caller).body)
    phone.heard("ACK")
    assert (its.there[0], own.there[0]) == (PUBLIC, PUBLIC)
    both_hear(own, its)

    one, side, other = (calling, caller, phone) if caller_ends else (phone, callee, calling)
    one.send(side, "BYE")
    other.answer(other.heard("BYE"), 200)
    assert one.final("BYE").code == 200
    assert relay.sessions() == 0


def test_of_several_phones_the_one_that_answers_is_heard(
    relay: Rtpengine, plug: Plug, trunk: tuple[SoftPhone, Media]
) -> None:
    (first, first_rtp), (second, second_rtp) = plug(), plug()
    calling, own = trunk
    caller = calling.call(URI, ASSERTED, body=own.sdp)
    invites = first.ring(), second.ring()
    first_rtp.goes(invites[0].body)
    second_rtp.goes(invites[1].body)
    assert first_rtp.there != second_rtp.there
    second.pick_up(invites[1], second_rtp.sdp)
    own.goes(calling.talk(caller).body)
    second.heard("ACK")
    first.answer(first.heard("CANCEL"), 200)
    first.answer(invites[0], 487)
    both_hear(own, second_rtp)

    calling.send(caller, "BYE")
    second.answer(second.heard("BYE"), 200)
    assert calling.final("BYE").code == 200
    assert relay.sessions() == 0


@pytest.mark.parametrize("code", [486, 480])
def test_a_call_that_nobody_answers_leaves_nothing(
    relay: Rtpengine, plug: Plug, trunk: tuple[SoftPhone, Media], code: int
) -> None:
    phone, _ = plug()
    calling, own = trunk
    calling.call(URI, ASSERTED, body=own.sdp)
    invite = phone.ring()
    assert relay.sessions() == 1
    phone.answer(invite, code)
    assert calling.final("INVITE").code == code
    wait_until(lambda: relay.sessions() == 0, "no session")


def test_without_rtpengine_calls_go_on(situation: Situation, tmp_path: Path) -> None:
    """It dies between two calls."""
    here, there = (situation.network.address(last) for last in (PAI_TRUNK, FIRST_PHONE))
    own, its = Media(here, udp), Media(there, udp)
    with (
        Rtpengine(situation.network.address(OTHER_PROXY), tmp_path) as relay,
        other_edge(situation, tmp_path, RTPENGINE=relay.url) as other,
        SoftPhone(RawSip(here, other.edge.proxy), CALLER, DOMAIN) as calling,
        SoftPhone(RawSip(there, other.edge.proxy), LINE, DOMAIN, PASSWORD) as phone,
    ):
        assert phone.register().code == 200
        for relayed in (True, False, False):
            caller = calling.call(f"sip:{JANA}@{other.edge.proxy[0]}", ASSERTED, body=own.sdp)
            invite = phone.ring()
            phone.pick_up(invite, its.sdp)
            heard = calling.talk(caller)
            phone.heard("ACK")
            assert (where(invite.body) != where(own.sdp)) is relayed
            assert (where(heard.body) != where(its.sdp)) is relayed
            calling.send(caller, "BYE")
            phone.answer(phone.heard("BYE"), 200)
            assert calling.final("BYE").code == 200
            relay.stop()
        assert other.edge.log.count("rtpengine does not answer") == 1
    own.close()
    its.close()
