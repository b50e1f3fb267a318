# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones with several flows at the real Kamailio (modules registrar and usrloc)."""

import os
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.support.loopback import NotReady, wait_until
from tests.support.phones import ring
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    Situation,
)
from tests.support.softphone import SoftPhone

LINE, JANA, BOTH, CALLER = "jana-desk", "42027777101", "42027777102", "42075553333"
ONE, OTHER, THIRD = (
    f'+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000{n}>"' for n in (1, 2, 3))
PRIVATE = "<sip:jana-desk@192.168.1.5:5060>"
BINDING, BOUND, COOKIE = 0x0001, 0x0101, 0x2112A442
"""STUN: method and class of a request and its answer, and what both begin with."""
WIRES = {"UDP": RawSip, "TCP": StreamSip}
Plug = Callable[..., SoftPhone]


@pytest.fixture
def plug(situation: Situation) -> Iterator[Plug]:
    """``plug("TCP", parameters…)`` registers the line over a new flow."""
    with ExitStack() as ends:
        ends.callback(forget, situation)

        def plugged(transport: str, *parameters: str, contact: str = "", last: int = FIRST_PHONE,
                    instead_of: SoftPhone | None = None, code: int = 200) -> SoftPhone:  # fmt: skip
            wire = WIRES[transport](situation.network.address(last), situation.edge.proxy)
            phone = ends.enter_context(SoftPhone(wire, LINE, DOMAIN, PASSWORD))
            if instead_of is not None:
                phone.registration = instead_of.registration
            assert phone.register(*parameters, contact=contact).code == code
            return phone

        yield plugged


def forget(situation: Situation) -> None:
    """What is in the file already stays in memory until it is deleted there."""
    def forgotten() -> bool:
        with suppress(NotReady):
            situation.edge.kamcmd("ul.rm", "location", LINE)
        return bindings(situation) == 0

    wait_until(forgotten, "forgotten", 30)


@pytest.fixture
def trunk(situation: Situation) -> Iterator[SoftPhone]:
    address = situation.network.address(PAI_TRUNK)
    with SoftPhone(RawSip(address, situation.edge.proxy), CALLER, DOMAIN) as made:
        yield made


def bindings(situation: Situation) -> int:
    """How many phones are registered."""
    return len(re.findall(r"Address: ", situation.edge.kamcmd("ul.dump")))


def unplug(situation: Situation, phone: SoftPhone) -> None:
    """Close its connection; returns when the edge has seen that."""
    port = str(phone.wire.name[1])
    phone.wire.close()
    wait_until(lambda: port not in situation.edge.kamcmd("core.tcp_list"), "closed", 5)


def rung(situation: Situation, trunk: SoftPhone, *phones: SoftPhone) -> list[bool]:
    """Which of these a call rings; those that it rings are busy."""
    trunk.call(f"sip:{JANA}@{situation.settings['ADDRESS']}:{SIP_PORT}",
               f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>")  # fmt: skip
    heard = []
    for phone in phones:
        try:
            phone.answer(phone.heard("INVITE", 1.0), 486)
            phone.heard("ACK")
            heard.append(True)
        except NotReady:
            heard.append(False)
    assert trunk.final("INVITE").code == (486 if any(heard) else 480)
    return heard


FLOWS = pytest.mark.parametrize(("first", "second"), [
    ("UDP", "UDP"), ("UDP", "TCP"), ("TCP", "TCP"), ("TCP", "UDP")])


@FLOWS
def test_a_phone_with_two_flows_rings_once(
    situation: Situation, plug: Plug, trunk: SoftPhone, first: str, second: str
) -> None:
    old, new = plug(first, ONE, "reg-id=1"), plug(second, ONE, "reg-id=2")
    assert bindings(situation) == 2
    assert rung(situation, trunk, old, new) == [False, True]
    assert old.register("reg-id=1", ONE).code == 200
    assert rung(situation, trunk, old, new) == [True, False]


@pytest.mark.parametrize("reg_id", [("reg-id=1",), ("REG-ID=1",), ()])
def test_a_new_flow_takes_the_place_of_the_old_one(
    situation: Situation, plug: Plug, trunk: SoftPhone, reg_id: tuple[str, ...]
) -> None:
    old, new = plug("TCP", "reg-id=1", ONE), plug("UDP", *reg_id, ONE)
    assert rung(situation, trunk, old, new) == [False, True]


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_phones_with_the_same_private_address_are_two(
    situation: Situation, plug: Plug, trunk: SoftPhone, transport: str
) -> None:
    phones = [plug(transport, instance, "reg-id=1", contact=PRIVATE, last=FIRST_PHONE + index)
              for index, instance in enumerate((ONE, OTHER))]  # fmt: skip
    assert rung(situation, trunk, *phones) == [True, True]


def test_a_flow_that_broke_is_not_rung_until_the_phone_is_back(
    situation: Situation, plug: Plug, trunk: SoftPhone
) -> None:
    unplug(situation, plug("TCP", ONE, "reg-id=1"))
    assert rung(situation, trunk) == []
    assert rung(situation, trunk, plug("TCP", ONE, "reg-id=1")) == [True]


def test_connections_that_are_gone_are_no_phones(
    situation: Situation, plug: Plug, trunk: SoftPhone
) -> None:
    """Each with a Contact of its own; the line may have two."""
    for _ in range(3):
        unplug(situation, plug("TCP"))
    assert rung(situation, trunk, plug("TCP")) == [True]


def call(situation: Situation, trunk: SoftPhone, number: str = JANA) -> None:
    trunk.call(f"sip:{number}@{situation.settings['ADDRESS']}:{SIP_PORT}",
               f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>")  # fmt: skip


def answers_over(flow: SoftPhone, trunk: SoftPhone, code: int = 486) -> int:
    """The phone hears of a call by this flow, and that it is busy is what the caller hears."""
    flow.answer(flow.heard("INVITE"), code)
    flow.heard("ACK")
    return trunk.final("INVITE").code or 0


@FLOWS
def test_where_the_newest_flow_is_silent_the_one_before_it_is_rung(
    situation: Situation, plug: Plug, trunk: SoftPhone, first: str, second: str
) -> None:
    old, silent = plug(first, ONE, "reg-id=1"), plug(second, ONE, "reg-id=2")
    call(situation, trunk)
    silent.heard("INVITE")
    assert answers_over(old, trunk) == 486


def test_a_proxy_whose_flow_failed_says_so_and_the_one_before_it_is_rung(
    situation: Situation, plug: Plug, trunk: SoftPhone
) -> None:
    old, lost = plug("UDP", ONE, "reg-id=1"), plug("UDP", ONE, "reg-id=2")
    call(situation, trunk)
    lost.answer(lost.heard("INVITE"), 430)
    assert answers_over(old, trunk) == 486


@pytest.mark.parametrize("code", [486, 480, 500, 603])
def test_what_the_phone_answers_over_one_flow_counts(
    situation: Situation, plug: Plug, trunk: SoftPhone, code: int
) -> None:
    old, new = plug("UDP", ONE, "reg-id=1"), plug("UDP", ONE, "reg-id=2")
    call(situation, trunk)
    assert answers_over(new, trunk, code) == (486 if code == 486 else 480)
    assert old.hears_nothing()


def test_where_no_flow_answers_the_call_ends(
    situation: Situation, plug: Plug, trunk: SoftPhone
) -> None:
    flows = [plug("UDP", ONE, f"reg-id={reg_id}") for reg_id in (1, 2)]
    call(situation, trunk)
    for flow in reversed(flows):
        flow.answer(flow.heard("INVITE"), 430)
    assert trunk.final("INVITE").code == 480


@pytest.mark.parametrize("first", ["UDP", "TCP"])
def test_a_connection_that_is_gone_is_passed_over_at_once(
    situation: Situation, plug: Plug, trunk: SoftPhone, first: str
) -> None:
    old, lost = plug(first, ONE, "reg-id=1"), plug("TCP", ONE, "reg-id=2")
    unplug(situation, lost)
    assert rung(situation, trunk, old) == [True]


@pytest.mark.parametrize("starts_again", [True, False])
def test_a_flow_that_is_made_anew_takes_the_place_of_that_one_only(
    situation: Situation, plug: Plug, trunk: SoftPhone, *, starts_again: bool
) -> None:
    before, other = plug("UDP", ONE, "reg-id=1"), plug("TCP", "reg-id=2", ONE)
    again = plug("TCP", ONE, "reg-id=1", instead_of=None if starts_again else before)
    assert bindings(situation) == 2
    call(situation, trunk)
    again.answer(again.heard("INVITE"), 430)
    assert answers_over(other, trunk) == 486
    assert before.hears_nothing()


def test_a_phone_that_starts_again_keeps_both_its_flows(
    situation: Situation, plug: Plug, trunk: SoftPhone
) -> None:
    flows = [plug("UDP", ONE, f"reg-id={reg_id}") for reg_id in (1, 2)]
    wait_until(lambda: "CS_NEW" not in situation.edge.kamcmd("ul.dump"), "written", 10)
    flows = [plug("UDP", ONE, f"reg-id={reg_id}") for reg_id in (1, 2)]
    assert bindings(situation) == 2
    call(situation, trunk)
    flows[1].answer(flows[1].heard("INVITE"), 430)
    assert answers_over(flows[0], trunk) == 486


@pytest.mark.parametrize(("headers", "required", "keeps_alive"), [
    (("Supported: path, outbound",), "outbound", True), (("Require: outbound",), "outbound", True),
    ((), None, False)])
def test_a_phone_that_knows_flows_hears_that_we_do(
    situation: Situation, plug: Plug, headers: tuple[str, ...], required: str | None,
    *, keeps_alive: bool
) -> None:
    phone = plug("UDP", ONE, "reg-id=1")
    said = phone.register(ONE, "reg-id=1", headers=headers)
    assert (said.code, said.header("Require")) == (200, required)
    assert (said.header("Supported"), said.header("Flow-Timer") is not None) == (
        "outbound", keeps_alive)


def test_a_phone_sees_by_stun_that_its_flow_lives(situation: Situation) -> None:
    """RFC 5389: what it asks comes back as a success, with the address that it was seen at."""
    ident = os.urandom(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((situation.network.address(FIRST_PHONE), 0))
        wire.settimeout(5)
        wire.sendto(struct.pack("!HHI", BINDING, 0, COOKIE) + ident, situation.edge.proxy)
        said = wire.recv(1500)
        port = struct.pack("!H", wire.getsockname()[1] ^ COOKIE >> 16)
    assert struct.unpack("!H2xI", said[:8]) == (BOUND, COOKIE)
    assert said[8:20] == ident
    assert b"\x00\x01" + port in said


@pytest.mark.parametrize("reg_id", ["reg-id=0", "reg-id=one", "reg-id", "reg-id=2147483648"])
def test_a_flow_without_a_number_is_refused(plug: Plug, reg_id: str) -> None:
    plug("UDP", ONE, reg_id, code=400)


def test_each_phone_counts_once_however_many_flows_it_has(
    situation: Situation, plug: Plug, trunk: SoftPhone
) -> None:
    phones = [[plug("UDP", instance, f"reg-id={reg_id}") for reg_id in (1, 2)]
              for instance in (ONE, OTHER)]  # fmt: skip
    plug("UDP", THIRD, "reg-id=1", code=403)
    plug("UDP", ONE, "reg-id=3", code=403)
    plug("UDP", code=403)
    assert bindings(situation) == 4
    assert rung(situation, trunk, *phones[0], *phones[1]) == [False, True, False, True]


def test_of_two_phones_each_has_its_own_other_flow(
    situation: Situation, plug: Plug, trunk: SoftPhone
) -> None:
    first, second = ([plug("UDP", instance, f"reg-id={reg_id}") for reg_id in (1, 2)]
                     for instance in (ONE, OTHER))  # fmt: skip
    call(situation, trunk)
    first[1].answer(first[1].heard("INVITE"), 430)
    first[0].answer(first[0].heard("INVITE"), 486)
    second[1].answer(second[1].heard("INVITE"), 430)
    assert answers_over(second[0], trunk) == 486


def test_a_phone_that_rings_shorter_than_others_has_its_other_flow(
    situation: Situation, plug: Plug, trunk: SoftPhone
) -> None:
    flows = [plug("UDP", ONE, f"reg-id={reg_id}") for reg_id in (1, 2)]
    mobile = situation.outside_phone("42073723101", ring())
    call(situation, trunk, BOTH)
    flows[1].answer(flows[1].heard("INVITE"), 430)
    flows[0].answer(flows[0].heard("INVITE"), 200)
    assert trunk.final("INVITE").code == 200
    wait_until(lambda: len(mobile.heard("CANCEL")) == 1, "the other phone quiet")


def test_a_restart_keeps_flows(situation: Situation, plug: Plug, trunk: SoftPhone) -> None:
    flows = [plug("UDP", ONE, f"reg-id={reg_id}") for reg_id in (1, 2)]
    assert situation.edge.stop() == 0
    situation.edge.start()
    assert bindings(situation) == 2
    assert sorted(rung(situation, trunk, *flows)) == [False, True]
