# SPDX-License-Identifier: GPL-2.0-or-later
"""RTP through rtpengine whoever offers it, and when (RFC 3264, 3262 and 3311)."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import trace
from tests.support.loopback import reserve_network
from tests.support.other_edge import OTHER_PROXY
from tests.support.raw_sip import RawSip
from tests.support.rtpengine import Media, Rtpengine, both_hear, udp
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    PROXY,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone

LINE, JANA, CALLER = "jana-desk", "42027777101", "42075553333"
ASSERTED = f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>"
RELIABLE = "Require: 100rel"
YAML = Path(__file__).with_name("situation.yaml")

Side = tuple[SoftPhone, Media]
Plug = Callable[[], Side]


@pytest.fixture(scope="module", params=[{}, {"TOPOLOGY": "hidden"}], ids=["shown", "hidden"])
def arrangement(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Situation, Rtpengine]]:
    network, folder = reserve_network(), tmp_path_factory.mktemp("offers")
    with (
        Rtpengine(network.address(OTHER_PROXY), folder) as relay,
        Situation(network, folder, settings={"RTPENGINE": relay.url, **request.param}) as situation,
    ):
        situation.apply(YAML)
        yield situation, relay


@pytest.fixture
def situation(arrangement: tuple[Situation, Rtpengine]) -> Situation:
    return arrangement[0]


@pytest.fixture
def relay(arrangement: tuple[Situation, Rtpengine]) -> Rtpengine:
    return arrangement[1]


@pytest.fixture
def plug(situation: Situation) -> Iterator[Plug]:
    """Plugs a phone in, with its RTP."""
    address = situation.network.address(FIRST_PHONE)
    with ExitStack() as ends:
        ends.callback(situation.edge.kamcmd, "ul.rm", "location", LINE)

        def plugged() -> Side:
            media = Media(address, udp)
            ends.callback(media.close)
            wire = RawSip(address, situation.edge.proxy)
            phone = ends.enter_context(SoftPhone(wire, LINE, DOMAIN, PASSWORD))
            assert phone.register().code == 200
            return phone, media

        yield plugged


@pytest.fixture
def trunk(situation: Situation) -> Iterator[Side]:
    address = situation.network.address(PAI_TRUNK)
    media = Media(address, udp)
    with SoftPhone(RawSip(address, situation.edge.proxy), CALLER, DOMAIN) as made:
        yield made, media
    media.close()


@pytest.fixture
def uri(situation: Situation) -> str:
    return called_at(situation)


@pytest.fixture(autouse=True)
def nothing_is_left(situation: Situation, relay: Rtpengine) -> Iterator[None]:
    """After each call rtpengine has no session, and nobody has complained."""
    yield
    assert relay.sessions() == 0
    # CRITICAL is what Kamailio's processes may say of each other at a restart.
    assert not re.findall(r"^.*ERROR.*$", situation.edge.log, re.M)


def all_ring(calling: SoftPhone, dialog: Dialog, *phones: SoftPhone) -> list[trace.Message]:
    """Their INVITEs, once the caller has heard that each rings: so each will get its CANCEL."""
    invites = [phone.ring() for phone in phones]
    for _ in phones:
        calling.early(replace(dialog))
    return invites


def called_at(situation: Situation) -> str:
    """The number of the line at our proxy."""
    return f"sip:{JANA}@{situation.network.address(PROXY)}"


def through(relay: Rtpengine, one: Media, first: str, other: Media, second: str) -> None:
    """Each side is told to send to rtpengine, by these SDPs, and hears the other one."""
    one.goes(first)
    other.goes(second)
    assert {one.there[0], other.there[0]} == {relay.address}
    both_hear(one, other)


def hang_up(one: SoftPhone, side: Dialog, other: SoftPhone) -> None:
    one.send(side, "BYE")
    other.answer(other.heard("BYE"), 200)
    assert one.final("BYE").code == 200


def talking(
    relay: Rtpengine, uri: str, caller: Side, callee: Side, *, late: bool = False
) -> tuple[Dialog, Dialog]:
    """Both sides of a call that is up, after an offer of the caller's or a late one."""
    dialogs = offered(uri, caller, callee, late=late)
    own, its = caller[1], callee[1]
    assert {own.there[0], its.there[0]} == {relay.address}
    both_hear(own, its)
    return dialogs


def offered(uri: str, caller: Side, callee: Side, *, late: bool) -> tuple[Dialog, Dialog]:
    """The same, before anybody has sent RTP."""
    (calling, own), (phone, its) = caller, callee
    dialog = calling.call(uri, ASSERTED, body="" if late else own.sdp)
    invite = phone.ring()
    there = phone.pick_up(invite, its.sdp)
    heard = calling.talk(dialog, own.sdp if late else "")
    ack = phone.heard("ACK")
    own.goes(heard.body)
    its.goes(ack.body if late else invite.body)
    return dialog, there


def refreshed(relay: Rtpengine, dialog: Dialog, caller: Side, callee: Side, *, late: bool) -> None:
    """A new INVITE in the call, with an offer or without."""
    (calling, own), (phone, its) = caller, callee
    calling.send(dialog, "INVITE", "" if late else own.sdp)
    invite = phone.heard("INVITE")
    phone.answer(invite, 200, body=its.sdp)
    heard = calling.talk(dialog, own.sdp if late else "")
    ack = phone.heard("ACK")
    through(relay, own, heard.body, its, ack.body if late else invite.body)


@pytest.mark.parametrize("caller_ends", [True, False], ids=["caller ends", "callee ends"])
def test_the_callee_offers_where_the_caller_does_not(
    relay: Rtpengine, plug: Plug, trunk: Side, uri: str, *, caller_ends: bool
) -> None:
    callee = plug()
    dialog, there = talking(relay, uri, trunk, callee, late=True)
    assert relay.sessions() == 1
    for late in (True, False):
        refreshed(relay, dialog, trunk, callee, late=late)
        refreshed(relay, there, callee, trunk, late=late)
    (calling, _), (phone, _) = trunk, callee
    hang_up(*((calling, dialog, phone) if caller_ends else (phone, there, calling)))


@pytest.mark.parametrize("late", [False, True], ids=["caller offers", "callees offer"])
@pytest.mark.parametrize("caller_ends", [True, False], ids=["caller ends", "callee ends"])
def test_of_several_phones_the_one_that_answers_is_heard_and_ends_all(
    relay: Rtpengine, plug: Plug, trunk: Side, uri: str, *, late: bool, caller_ends: bool
) -> None:
    (calling, own), (first, _), (second, its) = trunk, plug(), plug()
    dialog = calling.call(uri, ASSERTED, body="" if late else own.sdp)
    invites = all_ring(calling, dialog, first, second)
    there = second.pick_up(invites[1], its.sdp)
    heard = calling.talk(dialog, own.sdp if late else "")
    ack = second.heard("ACK")
    first.answer(first.heard("CANCEL"), 200)
    first.answer(invites[0], 487)
    through(relay, own, heard.body, its, ack.body if late else invites[1].body)
    hang_up(*((calling, dialog, second) if caller_ends else (second, there, calling)))


@pytest.mark.parametrize("late", [False, True], ids=["caller offers", "callees offer"])
def test_of_two_that_answer_at_once_the_one_that_the_caller_keeps_is_heard(
    relay: Rtpengine, plug: Plug, trunk: Side, uri: str, *, late: bool
) -> None:
    """The second answer crosses its CANCEL; the caller ends that call (RFC 3261 section 13.2.2.4).
    """
    (calling, own), (first, its), (second, _) = trunk, plug(), plug()
    dialog = calling.call(uri, ASSERTED, body="" if late else own.sdp)
    too_much = replace(dialog)
    invites = all_ring(calling, dialog, first, second)
    there = first.pick_up(invites[0], its.sdp)
    heard = calling.talk(dialog, own.sdp if late else "")
    ack = first.heard("ACK")
    second.answer(second.heard("CANCEL"), 200)
    second.pick_up(invites[1], its.sdp)
    calling.talk(too_much, own.sdp if late else "")
    second.heard("ACK")
    through(relay, own, heard.body, its, ack.body if late else invites[0].body)
    hang_up(calling, too_much, second)
    both_hear(own, its)
    hang_up(first, there, calling)


@pytest.mark.parametrize("late", [False, True], ids=["caller offers", "callees offer"])
def test_nothing_is_left_of_phones_that_do_not_answer(
    plug: Plug, trunk: Side, uri: str, *, late: bool
) -> None:
    (calling, own), (first, _), (second, _) = trunk, plug(), plug()
    calling.call(uri, ASSERTED, body="" if late else own.sdp)
    for phone, invite in [(phone, phone.ring()) for phone in (first, second)]:
        phone.answer(invite, 486)
    assert calling.final("INVITE").code == 486


@pytest.mark.parametrize("late", [False, True], ids=["caller offers", "callee offers"])
def test_a_call_that_is_up_stays_relayed_over_a_restart(
    situation: Situation, relay: Rtpengine, plug: Plug, trunk: Side, uri: str, *, late: bool
) -> None:
    callee = plug()
    dialog, there = talking(relay, uri, trunk, callee)
    situation.edge.stop()
    situation.edge.start()
    refreshed(relay, dialog, trunk, callee, late=late)
    hang_up(callee[0], there, trunk[0])


@pytest.mark.parametrize("message", [
    ("INFO", "application/dtmf-relay", "Signal=1"),
    ("MESSAGE", "text/plain", "hello"),
    ("NOTIFY", "application/sdp", "v=0")])
def test_what_is_no_offer_is_left_as_it_is(
    relay: Rtpengine, plug: Plug, trunk: Side, uri: str, message: tuple[str, str, str]
) -> None:
    (calling, own), (phone, its), (method, kind, body) = trunk, plug(), message
    dialog, _ = talking(relay, uri, trunk, (phone, its))
    calling.send(dialog, method, body, [f"Content-Type: {kind}"])
    heard = phone.heard(method)
    phone.answer(heard, 200, f"Content-Type: {kind}", body=body)
    assert (heard.body, calling.final(method).body) == (body, body)
    both_hear(own, its)
    hang_up(calling, dialog, phone)


def test_a_bye_that_is_refused_ends_nothing(
    relay: Rtpengine, plug: Plug, trunk: Side, uri: str
) -> None:
    (calling, own), (phone, its) = trunk, plug()
    _, there = talking(relay, uri, trunk, (phone, its))
    right, there.target = there.target, "sip:somewhere@127.0.0.99"
    phone.send(there, "BYE")
    assert phone.final("BYE").code == 404
    both_hear(own, its)
    there.target = right
    hang_up(phone, there, calling)


def test_what_asks_for_many_ports_gets_none(relay: Rtpengine, plug: Plug, trunk: Side, uri: str,
                                            ) -> None:  # fmt: skip
    (calling, own), (phone, its) = trunk, plug()
    many = "m=audio 4000 RTP/AVP 0\r\n" * 8
    calling.call(uri, ASSERTED, body=own.sdp + many)
    assert calling.final("INVITE").code == 488
    dialog = calling.call(uri, ASSERTED)
    there = phone.pick_up(phone.ring(), its.sdp + many)
    heard = calling.talk(dialog)
    assert (heard.body, heard.header("Content-Type"), relay.sessions()) == ("", None, 0)
    phone.heard("ACK")
    phone.send(there, "INVITE", its.sdp + many)
    assert phone.final("INVITE").code == 488
    hang_up(phone, there, calling)


def test_early_media_is_heard_and_offered_once_more(
    relay: Rtpengine, plug: Plug, trunk: Side, uri: str
) -> None:
    """Answered in a 183; PRACK and UPDATE offer again."""
    (calling, own), (phone, its) = trunk, plug()
    dialog = calling.call(uri, ASSERTED, RELIABLE, body=own.sdp)
    invite = phone.heard("INVITE")
    phone.answer(invite, 183, RELIABLE, "RSeq: 1", body=its.sdp)
    through(relay, own, calling.early(dialog).body, its, invite.body)
    for method, headers in (("PRACK", ["RAck: 1 1 INVITE"]), ("UPDATE", [])):
        calling.send(dialog, method, own.sdp, [*headers, f"Contact: {calling.contact}"])
        offer = phone.heard(method)
        phone.answer(offer, 200, body=its.sdp)
        through(relay, own, calling.final(method).body, its, offer.body)
    there = phone.pick_up(invite)
    calling.talk(dialog)
    phone.heard("ACK")
    both_hear(own, its)
    hang_up(phone, there, calling)


def test_early_media_that_the_callee_offers_is_answered_by_prack(
    relay: Rtpengine, plug: Plug, trunk: Side, uri: str
) -> None:
    (calling, own), (phone, its) = trunk, plug()
    dialog = calling.call(uri, ASSERTED, RELIABLE)
    invite = phone.heard("INVITE")
    phone.answer(invite, 183, RELIABLE, "RSeq: 1", body=its.sdp)
    offer = calling.early(dialog)
    calling.send(dialog, "PRACK", own.sdp, ["RAck: 1 1 INVITE"])
    answer = phone.heard("PRACK")
    phone.answer(answer, 200)
    assert calling.final("PRACK").code == 200
    through(relay, own, offer.body, its, answer.body)
    there = phone.pick_up(invite)
    calling.talk(dialog)
    phone.heard("ACK")
    both_hear(own, its)
    hang_up(phone, there, calling)
