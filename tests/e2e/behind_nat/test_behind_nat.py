# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones behind NAT at the real Kamailio, in network namespaces (SPEC B4)."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.certificate import self_signed
from tests.support.loopback import free_udp_port, reserve_network, wait_until
from tests.support.nat import HOME, PUBLIC, HomeNetwork
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import (
    DOMAIN,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone
from tests.support.trace import Message

LINE, JANA, BOTH, MOBILE, CALLER = (
    "jana-desk", "42027777101", "42027777102", "42073723101", "42075553333")  # fmt: skip
TRANSPORTS = ["UDP", "TCP", "TLS"]
ASSERTED = f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>"
YAML = Path(__file__).with_name("situation.yaml")

Plug = Callable[[str], SoftPhone]


@pytest.fixture(scope="module")
def home() -> Iterator[HomeNetwork]:
    with HomeNetwork() as made:
        yield made


@pytest.fixture(scope="module")
def situation(home: HomeNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situation]:
    """The arrangement in the public network."""
    folder = tmp_path_factory.mktemp("public")
    certificate = self_signed(folder)
    settings = {"ADDRESS": PUBLIC, "TLS_PORT": str(free_udp_port()),
                "TLS_CERTIFICATE": str(certificate),
                "TLS_KEY": str(certificate.with_suffix(".key"))}  # fmt: skip
    with Situation(reserve_network(), folder, settings=settings) as made:
        made.apply(YAML)
        yield made


@pytest.fixture
def plug(home: HomeNetwork, situation: Situation) -> Iterator[Plug]:
    """Plugs a phone in at home, by a transport, and registers it."""
    with ExitStack() as phones:
        phones.callback(unplug, situation)

        def plugged(transport: str) -> SoftPhone:
            phone = SoftPhone(wire(home, situation, transport), LINE, DOMAIN, PASSWORD)
            phones.enter_context(phone)
            assert phone.register().code == 200
            return phone

        yield plugged


def unplug(situation: Situation) -> None:
    if LINE in situation.edge.kamcmd("ul.dump"):
        situation.edge.kamcmd("ul.rm", "location", LINE)


def wire(home: HomeNetwork, situation: Situation, transport: str) -> RawSip:
    proxy, folder = situation.edge.proxy, situation.edge.folder
    with home.at_home():
        if transport == "UDP":
            return RawSip(HOME, proxy)
        if transport == "TCP":
            return StreamSip(HOME, proxy)
        at = (proxy[0], situation.edge.tls_port)
        return StreamSip(HOME, at, str(folder.parent / "edge.pem"))


@pytest.fixture
def trunk(situation: Situation) -> Iterator[SoftPhone]:
    """The trunk that asserts the caller, spoken by hand."""
    address = situation.network.address(PAI_TRUNK)
    with SoftPhone(RawSip(address, situation.edge.proxy), CALLER, DOMAIN) as made:
        yield made


def uri(number: str) -> str:
    return f"sip:{number}@{PUBLIC}:{SIP_PORT}"


def change(one: SoftPhone, its: Dialog, other: SoftPhone) -> Message:
    """One side sends INVITE within the call, as to put it on hold; the one that came."""
    one.send(its, "INVITE")
    invite = other.heard("INVITE")
    other.answer(invite, 200)
    one.talk(its)
    other.heard("ACK")
    return invite


def end(one: SoftPhone, its: Dialog, other: SoftPhone) -> None:
    one.send(its, "BYE")
    other.answer(other.heard("BYE"), 200)
    assert one.final("BYE").code == 200


@pytest.mark.parametrize("caller_ends", [True, False], ids=["caller ends", "callee ends"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_phone_is_called_and_both_sides_change_the_call(
    plug: Plug, trunk: SoftPhone, transport: str, *, caller_ends: bool
) -> None:
    phone = plug(transport)
    caller = trunk.call(uri(JANA), ASSERTED)
    callee = phone.pick_up(phone.ring())
    trunk.talk(caller)
    phone.heard("ACK")

    assert change(trunk, caller, phone).uri == phone.contact.strip("<>")
    change(phone, callee, trunk)
    assert change(trunk, caller, phone).uri == phone.contact.strip("<>")
    end(trunk, caller, phone) if caller_ends else end(phone, callee, trunk)


@pytest.mark.parametrize("caller_ends", [True, False], ids=["caller ends", "callee ends"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_phone_calls_another_at_home(
    plug: Plug, transport: str, *, caller_ends: bool
) -> None:
    calling, phone = plug(transport), plug("UDP")
    caller = calling.call(uri(JANA))
    calling.answer(calling.heard("INVITE"), 486)  # it rings its own line
    callee = phone.pick_up(phone.ring())
    calling.talk(caller)
    phone.heard("ACK")

    change(phone, callee, calling)
    change(calling, caller, phone)
    end(calling, caller, phone) if caller_ends else end(phone, callee, calling)


def test_a_phone_in_a_second_pass_is_behind_nat_too(plug: Plug, trunk: SoftPhone) -> None:
    phone = plug("UDP")
    caller = trunk.call(uri(BOTH), ASSERTED)
    callee = phone.pick_up(phone.ring())
    trunk.talk(caller)
    phone.heard("ACK")
    end(trunk, caller, phone)
    assert callee.call_id == caller.call_id


def test_a_nat_that_forgets_is_found_again_by_the_next_registration(
    home: HomeNetwork, plug: Plug, trunk: SoftPhone
) -> None:
    phone = plug("UDP")
    home.forget()
    lost = trunk.call(uri(JANA), ASSERTED)
    assert phone.hears_nothing()
    assert trunk.final("INVITE").code == 480
    assert phone.register().code == 200
    caller = trunk.call(uri(JANA), ASSERTED)
    phone.pick_up(phone.ring())
    trunk.talk(caller)
    phone.heard("ACK")
    end(trunk, caller, phone)
    assert lost.call_id != caller.call_id


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_a_connection_is_kept_by_crlf(plug: Plug, transport: str) -> None:
    connection = plug(transport).wire
    assert isinstance(connection, StreamSip)
    connection.send(b"\r\n\r\n")
    assert connection.bare() == b"\r\n"


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_a_phone_that_closes_its_connection_is_not_rung(
    situation: Situation, plug: Plug, trunk: SoftPhone, transport: str
) -> None:
    phone = plug(transport)
    phone.wire.close()
    wait_until(lambda: LINE not in situation.edge.kamcmd("ul.dump"), "forgotten", 20)
    trunk.call(uri(JANA), ASSERTED)
    assert trunk.final("INVITE").code == 480


def test_the_port_of_the_nat_is_kept_open(
    home: HomeNetwork, plug: Plug, trunk: SoftPhone
) -> None:
    """Without OPTIONS the NAT would have forgotten the port before the call comes."""
    home.forgets_after(28)
    phone = plug("UDP")
    since = time.monotonic()
    phone.is_pinged(27)
    phone.hears_nothing(since + 29 - time.monotonic())
    trunk.call(uri(JANA), ASSERTED)
    phone.answer(phone.ring(), 486)
    assert trunk.final("INVITE").code == 486
