# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones with several flows at the real Kamailio (modules registrar and usrloc)."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.support.loopback import NotReady, wait_until
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

LINE, JANA, CALLER = "jana-desk", "42027777101", "42075553333"
ONE, OTHER = (f'+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000{n}>"' for n in (1, 2))
PRIVATE = "<sip:jana-desk@192.168.1.5:5060>"
WIRES = {"UDP": RawSip, "TCP": StreamSip}
Plug = Callable[..., SoftPhone]


@pytest.fixture
def plug(situation: Situation) -> Iterator[Plug]:
    """``plug("TCP", parameters…)`` registers the line over a new flow."""
    with ExitStack() as ends:
        ends.callback(forget, situation)

        def plugged(transport: str, *parameters: str, contact: str = "", last: int = FIRST_PHONE,
                    ) -> SoftPhone:  # fmt: skip
            wire = WIRES[transport](situation.network.address(last), situation.edge.proxy)
            phone = ends.enter_context(SoftPhone(wire, LINE, DOMAIN, PASSWORD))
            assert phone.register(*parameters, contact=contact).code == 200
            return phone

        yield plugged


def forget(situation: Situation) -> None:
    with suppress(NotReady):
        situation.edge.kamcmd("ul.rm", "location", LINE)


@pytest.fixture
def trunk(situation: Situation) -> Iterator[SoftPhone]:
    address = situation.network.address(PAI_TRUNK)
    with SoftPhone(RawSip(address, situation.edge.proxy), CALLER, DOMAIN) as made:
        yield made


def bindings(situation: Situation) -> int:
    """How many phones are registered."""
    return len(re.findall(r"Address: ", situation.edge.kamcmd("ul.dump")))


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
    assert bindings(situation) == 1
    assert rung(situation, trunk, old, new) == [False, True]
    assert old.register("reg-id=1", ONE).code == 200
    assert rung(situation, trunk, old, new) == [True, False]


@pytest.mark.parametrize("reg_id", [("reg-id=1",), ("REG-ID = 1",), ()])
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
    lost = plug("TCP", ONE, "reg-id=1")
    lost.wire.close()
    wait_until(lambda: bindings(situation) == 0, "forgotten", 20)
    assert rung(situation, trunk) == []
    assert rung(situation, trunk, plug("TCP", ONE, "reg-id=1")) == [True]


def test_a_phone_that_insists_on_flows_hears_that_there_are_none(
    situation: Situation, plug: Plug
) -> None:
    phone = plug("UDP", ONE, "reg-id=1")
    said = phone.register(ONE, "reg-id=1", headers=["Require: outbound"])
    assert (said.code, said.header("Unsupported")) == (420, "outbound")


def test_each_phone_counts_once_however_many_flows_it_has(
    situation: Situation, plug: Plug
) -> None:
    for reg_id in range(1, 5):
        plug("UDP", ONE, f"reg-id={reg_id}")
    plug("UDP", OTHER, "reg-id=1")
    assert bindings(situation) == 2
