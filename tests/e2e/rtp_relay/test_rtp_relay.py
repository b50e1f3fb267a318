# SPDX-License-Identifier: GPL-2.0-or-later
"""RTP through Debian's rtpengine, of phones behind NAT (SPEC B4)."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.rtp_relay.test_offers import all_ring
from tests.support.loopback import reserve_network, wait_until
from tests.support.nat import HOME, PUBLIC, HomeNetwork
from tests.support.other_edge import OTHER_PROXY, OtherEdge, other_edge
from tests.support.raw_sip import RawSip
from tests.support.rtpengine import Media, Rtpengine, both_hear, udp, where
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    FOLLOWME,
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
    invites = all_ring(calling, caller, first, second)
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


@contextmanager
def beside(situation: Situation, folder: Path) -> Iterator[tuple[OtherEdge, Rtpengine, SoftPhone]]:
    """A proxy of one worker with an rtpengine of its own, and a phone that is registered there."""
    there = situation.network.address(FIRST_PHONE)
    with (
        Rtpengine(situation.network.address(OTHER_PROXY), folder) as relay,
        other_edge(situation, folder, RTPENGINE=relay.url, WORKERS="1") as other,
        SoftPhone(RawSip(there, other.edge.proxy), LINE, DOMAIN, PASSWORD) as phone,
    ):
        assert phone.register().code == 200
        yield other, relay, phone


def test_without_rtpengine_calls_go_on_and_with_it_again_at_once(
    situation: Situation, tmp_path: Path
) -> None:
    """It dies between two calls; the one worker that noticed has no failure left for later."""
    here, there = (situation.network.address(last) for last in (PAI_TRUNK, FIRST_PHONE))
    own, its = Media(here, udp), Media(there, udp)
    with (
        beside(situation, tmp_path) as (other, relay, phone),
        SoftPhone(RawSip(here, other.edge.proxy), CALLER, DOMAIN) as calling,
    ):
        def is_relayed() -> bool:
            caller = calling.call(f"sip:{JANA}@{other.edge.proxy[0]}", ASSERTED, body=own.sdp)
            invite = phone.ring()
            phone.pick_up(invite, its.sdp)
            heard = calling.talk(caller)
            phone.heard("ACK")
            calling.send(caller, "BYE")
            phone.answer(phone.heard("BYE"), 200)
            assert calling.final("BYE").code == 200
            offered = where(invite.body) != where(own.sdp)
            assert (where(heard.body) != where(its.sdp)) is offered
            return offered

        assert is_relayed()
        relay.stop()
        assert [is_relayed() for _ in range(2)] == [False, False]
        relay.start()
        other.edge.kamcmd("rtpengine.enable", "all", "1")  # else after 10 s
        assert is_relayed()
        assert other.edge.log.count("rtpengine does not answer") == 1
    own.close()
    its.close()


def test_the_doctor_looks_at_rtpengine(situation: Situation, tmp_path: Path) -> None:
    with Rtpengine(situation.network.address(OTHER_PROXY), tmp_path) as relay:
        lines = [doctor(situation, relay)]
        relay.stop()
        lines.append(doctor(situation, relay))
    assert [line.split()[:2] for line in lines] == [["OK", "rtpengine"], ["FAIL", "rtpengine"]]


def doctor(situation: Situation, relay: Rtpengine) -> str:
    """What `followme doctor` says of an rtpengine."""
    told = {**situation.settings, "RTPENGINE": relay.url}
    ran = subprocess.run(
        [FOLLOWME, "doctor"], capture_output=True, text=True, check=False,
        env={**os.environ, **{f"FOLLOWME_{name}": text for name, text in told.items()}},
    )  # fmt: skip
    (line,) = (one for one in ran.stdout.splitlines() if "  rtpengine  " in one)
    return line
