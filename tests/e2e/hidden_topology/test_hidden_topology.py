# SPDX-License-Identifier: GPL-2.0-or-later
"""What the two sides of a call see of each other at the real Kamailio (module topoh)."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.hidden_topology.people import (
    CALLER,
    MOBILE,
    People,
    TcpEar,
    UdpEar,
)
from tests.support.caller import Dialling
from tests.support.edge import Edge
from tests.support.loopback import NotReady, reserve_network
from tests.support.situation import (
    DOMAIN,
    GATEWAY,
    PAI_TRUNK,
    STRANGER,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone
from tests.support.trap import Trap

JANA, BOTH, OUT, OWNER = "42027777101", "42027777102", "42027777103", "42073723123"
NEAR, FAR = "near", "far"
YAML = Path(__file__).with_name("situation.yaml")
EARS = pytest.mark.parametrize("ear", [UdpEar, TcpEar], ids=["UDP", "TCP"])
CALLER_ENDS = pytest.mark.parametrize("caller_ends", [True, False], ids=["caller", "callee"])


@pytest.fixture(scope="module")
def situation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situation]:
    settings = {"TOPOLOGY": "hidden", "DATA_CENTRE": NEAR}
    folder = tmp_path_factory.mktemp("hidden")
    with Situation(reserve_network(), folder, settings=settings) as made:
        made.apply(YAML)
        yield made


@pytest.fixture
def people(situation: Situation) -> Iterator[People]:
    with ExitStack() as ends:
        yield People(situation, ends)
    situation.unplug_all()


def change(one: SoftPhone, its: Dialog, other: SoftPhone, code: int = 200) -> None:
    """One side sends INVITE within the call, which the other one answers."""
    one.send(its, "INVITE")
    invite = other.heard("INVITE")
    other.answer(invite, code)
    if code == 200:
        one.talk(its)
        other.heard("ACK")
    else:
        assert one.final("INVITE").code == code
        assert other.heard("ACK").call_id == invite.call_id


def end(one: SoftPhone, its: Dialog, other: SoftPhone) -> None:
    one.send(its, "BYE")
    other.answer(other.heard("BYE"), 200)
    assert one.final("BYE").code == 200


@CALLER_ENDS
@EARS
def test_a_call_to_a_phone(
    people: People, ear: type[UdpEar | TcpEar], *, caller_ends: bool
) -> None:
    phone = people.phone(ear)
    caller = people.dial(JANA)
    callee = people.picks_up(phone)
    people.trunk.talk(caller)
    phone.heard("ACK")
    for code in (200, 488):
        change(people.trunk, caller, phone, code)
        change(phone, callee, people.trunk, code)
    end(people.trunk, caller, phone) if caller_ends else end(phone, callee, people.trunk)
    assert people.see() == []


def test_a_caller_who_hangs_up(people: People) -> None:
    phone = people.phone()
    caller = people.dial(JANA)
    invite = phone.ring()
    people.trunk.cancel(caller)
    cancel = phone.heard("CANCEL")
    assert (cancel.call_id, cancel.branch) == (invite.call_id, invite.branch)
    phone.answer(cancel, 200)
    phone.answer(invite, 487)
    assert people.trunk.final("INVITE").code == 487
    assert phone.heard("ACK").call_id == invite.call_id
    assert people.see() == []


@CALLER_ENDS
def test_a_phone_and_a_gateway_with_ring_times_of_their_own(
    people: People, *, caller_ends: bool
) -> None:
    phone, gateway = people.phone(), people.gateway("usual")
    caller = people.dial(BOTH)
    invite = phone.ring()
    callee = people.picks_up(gateway)
    people.trunk.talk(caller)
    gateway.heard("ACK")
    phone.answer(phone.heard("CANCEL"), 200)
    phone.answer(invite, 487)
    phone.heard("ACK")
    change(gateway, callee, people.trunk)
    end(people.trunk, caller, gateway) if caller_ends else end(gateway, callee, people.trunk)
    assert people.see() == []


def test_a_gateway_that_does_not_serve(people: People) -> None:
    near, far = people.gateway(NEAR), people.gateway(FAR)
    caller = people.dial(OUT)
    near.answer(near.heard("INVITE"), 503)
    near.heard("ACK")
    callee = people.picks_up(far)
    people.trunk.talk(caller)
    far.heard("ACK")
    end(far, callee, people.trunk)
    assert people.see() == []


def test_an_owner_comes_into_the_mailbox(situation: Situation) -> None:
    media = situation.media_server()
    assert situation.dial(Dialling(OUT, OWNER, asserted=OWNER)).outcome().code == 200
    situation.wait_for_answer(media)
    assert media.invites[0].uri == situation.mailbox_uri(OUT)
    assert situation.network.address(PAI_TRUNK) not in str(media.invites[0].headers)


def test_contacts_of_a_redirection_are_not_passed_on(people: People) -> None:
    phone, gateway = people.phone(), people.gateway("usual")
    phone.call(f"sip:{MOBILE}@{DOMAIN}")
    at = people.situation.network.address(GATEWAY)
    gateway.answer(gateway.heard("INVITE"), 302, f"Contact: <sip:a@{at}>, <sip:b@{at}>")
    said = phone.final("INVITE")
    assert (said.code, said.all("Contact")) == (302, [])
    assert people.see() == []


def test_a_transfer_goes_to_a_number_only(people: People) -> None:
    phone = people.phone()
    caller, callee = people.answered(phone)
    phone.send(callee, "REFER", headers=[f"Refer-To: <{callee.target}?Replaces=1>"])
    assert phone.final("REFER").code == 403
    phone.send(callee, "REFER", headers=[f"Refer-To: <sip:{MOBILE}@{DOMAIN}>"])
    people.trunk.answer(people.trunk.heard("REFER"), 202)
    assert phone.final("REFER").code == 202
    end(people.trunk, caller, phone)
    assert people.see() == []


def mangled(mask: str) -> list[str]:
    """A mask as it is, and what it is not."""
    value = mask.partition("sr-")[2]
    return [mask, mask.replace(value, value[1:]), mask.replace(value, value[:-3] + "***"),
            mask.replace(value, ""), mask.replace(value, "é%00é")]  # fmt: skip


def refused(phone: SoftPhone, method: str) -> bool:
    """Whether the request was answered so; one that is no message any more gets no answer."""
    try:
        return phone.final(method, 0.3).code in (400, 403, 404)
    except NotReady:
        return True


@pytest.mark.parametrize("method", ["INVITE", "INFO", "MESSAGE", "BYE"])
def test_the_mask_of_an_address_of_another_call_leads_nowhere(
    people: People, method: str
) -> None:
    phone = people.phone()
    with Trap(people.situation.network.address(STRANGER)) as victim:
        host, port = victim.address
        people.dial(JANA, contact=f"<sip:x@{host}:{port}>")
        other = phone.ring()
        mask = re.findall("<(.*)>", other["Contact"])[0]
        phone.answer(other, 486)
        people.trunk.final("INVITE")

        caller, callee = people.answered(phone)
        meant, routes = callee.target, callee.routes
        for one in mangled(mask):
            for target, route in ((one, []), (meant, [f"<{one};lr>"])):
                callee.target, callee.routes = target, [*routes, *route]
                phone.send(callee, method)
                assert refused(phone, method)
        callee.target, callee.routes = meant, routes
        end(phone, callee, people.trunk)
        assert caller.call_id
        assert (victim.heard, victim.connections) == ([], 0)


@pytest.mark.parametrize("last", [STRANGER, PAI_TRUNK])
def test_a_mask_opens_no_call(people: People, last: int) -> None:
    phone = people.phone()
    people.dial(JANA)
    ringing = phone.ring()
    somebody = people.at(last, CALLER, domain="example.net")
    for one in mangled(re.findall("<(.*)>", ringing["Contact"])[0]):
        somebody.call(one)
        assert refused(somebody, "INVITE")
    phone.answer(ringing, 486)
    assert people.trunk.final("INVITE").code == 486


@pytest.mark.parametrize("lie", [
    "TH: xxx", "TH: uch\r\nTH: dcv\r\nTH: uxh", "TH:", "\r\n".join(["TH: xxx"] * 130)])
def test_who_lies_about_the_way_hides_all_the_same(people: People, lie: str) -> None:
    phone = people.phone()
    caller = people.dial(JANA, lie)
    callee = people.picks_up(phone, lie)
    people.trunk.talk(caller)
    phone.heard("ACK")
    end(phone, callee, people.trunk)
    assert people.see() == []


def test_a_proxy_that_takes_over_an_address_ends_its_calls(
    people: People, situation: Situation, tmp_path: Path
) -> None:
    phone = people.phone()
    caller, callee = people.answered(phone)
    situation.edge.stop()
    (tmp_path / "secret").write_bytes((situation.edge.folder / "secret").read_bytes())
    standby = Edge(tmp_path, situation.settings)
    try:
        standby.start()
        change(phone, callee, people.trunk)
        end(people.trunk, caller, phone)
        assert people.see() == []
    finally:
        standby.stop()
        situation.edge.start()
