# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones behind NAT at the real Kamailio, in network namespaces (SPEC B4)."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.caller import Dialling
from tests.support.certificate import self_signed
from tests.support.loopback import NotReady, free_udp_port, reserve_network, wait_until
from tests.support.nat import HOME, OTHER_PUBLIC, PUBLIC, HomeNetwork
from tests.support.other_edge import OTHER_PROXY, OtherEdge, other_edge
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import (
    DOMAIN,
    PAI_TRUNK,
    PASSWORD,
    PROXY,
    SIP_PORT,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone
from tests.support.trace import Message

LINE, JANA, BOTH, CAPPED, MOBILE, CALLER = (
    "jana-desk", "42027777101", "42027777102", "42027777103", "42073723101",
    "42075553333")  # fmt: skip
CLUSTER_PORT = 5058
TRANSPORTS = ["UDP", "TCP", "TLS"]
ASSERTED = f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>"
YAML = Path(__file__).with_name("situation.yaml")

EITHER_ENDS = pytest.mark.parametrize(
    "caller_ends", [True, False], ids=["caller ends", "callee ends"])

Plug = Callable[[str], SoftPhone]
Proxy = Situation | OtherEdge


@pytest.fixture(scope="module")
def home() -> Iterator[HomeNetwork]:
    with HomeNetwork() as made:
        yield made


@pytest.fixture(scope="module")
def situation(home: HomeNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situation]:
    """The arrangement in the public network."""
    folder = tmp_path_factory.mktemp("public")
    certificate = self_signed(folder)
    network = reserve_network()
    own, other = (f"{network.address(last)}:{CLUSTER_PORT}" for last in (PROXY, OTHER_PROXY))
    settings = {"ADDRESS": PUBLIC, "TLS_PORT": str(free_udp_port()),
                "TLS_CERTIFICATE": str(certificate),
                "TLS_KEY": str(certificate.with_suffix(".key")),
                "CLUSTER": own, "PEERS": other}  # fmt: skip
    with Situation(network, folder, settings=settings) as made:
        made.apply(YAML)
        yield made


@pytest.fixture
def plug(home: HomeNetwork, situation: Situation) -> Iterator[Plug]:
    """Plugs a phone in at home, by a transport, and registers it."""
    with ExitStack() as phones:
        phones.callback(unplug, situation)

        def plugged(transport: str) -> SoftPhone:
            phone = phones.enter_context(soft_phone(home, situation, transport))
            assert phone.register().code == 200
            return phone

        yield plugged


def unplug(proxy: Proxy) -> None:
    with suppress(NotReady):  # a closed connection may have ended it already
        proxy.edge.kamcmd("ul.rm", "location", LINE)


def soft_phone(home: HomeNetwork, proxy: Proxy, transport: str) -> SoftPhone:
    """A phone at home that speaks with this proxy."""
    return SoftPhone(wire(home, proxy, transport), LINE, DOMAIN, PASSWORD)


def wire(home: HomeNetwork, proxy: Proxy, transport: str) -> RawSip:
    at = proxy.edge.proxy
    with home.at_home():
        if transport == "UDP":
            return RawSip(HOME, at)
        if transport == "TCP":
            return StreamSip(HOME, at)
        return StreamSip(HOME, (at[0], proxy.edge.tls_port), str(proxy.edge.certificate))


@pytest.fixture
def trunk(situation: Situation) -> Iterator[SoftPhone]:
    """The trunk that asserts the caller, spoken by hand."""
    address = situation.network.address(PAI_TRUNK)
    with SoftPhone(RawSip(address, situation.edge.proxy), CALLER, DOMAIN) as made:
        yield made


@pytest.fixture(scope="module")
def second(situation: Situation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherEdge]:
    """Another proxy. It tells the first one what registers from its start on; the other way round
    that could take a minute, since the first one did not find it at once (Kamailio module dmq).
    """
    folder = tmp_path_factory.mktemp("second")
    own, other = situation.settings["PEERS"], situation.settings["CLUSTER"]
    with other_edge(situation, folder, ADDRESS=OTHER_PUBLIC, CLUSTER=own, PEERS=other) as made:
        yield made


def flows(proxy: Proxy) -> set[str]:
    """The flows of registered phones that a proxy knows."""
    return set(re.findall(r"Received: (sip:\S+)", proxy.edge.kamcmd("ul.dump")))


def is_shared(phone: SoftPhone, situation: Situation) -> bool:
    """Whether the first proxy knows where the phone is that registers at the second one now, or
    with the next registration: a peer may be told nothing for a minute (Kamailio module dmq).
    """
    assert phone.register().code == 200
    contact = phone.contact.strip("<>")
    with suppress(NotReady):
        wait_until(lambda: contact in situation.edge.kamcmd("ul.dump"), "shared", 5)
    return contact in situation.edge.kamcmd("ul.dump")


@pytest.fixture
def plug_elsewhere(
    home: HomeNetwork, situation: Situation, second: OtherEdge
) -> Iterator[Plug]:
    """Plugs a phone in at home that registers at the second proxy; the first one knows of it."""
    with ExitStack() as phones:
        phones.callback(unplug, second)

        def plugged(transport: str) -> SoftPhone:
            phone = phones.enter_context(soft_phone(home, second, transport))
            wait_until(lambda: is_shared(phone, situation), "shared", 90)
            return phone

        yield plugged


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


def pick_up(phone: SoftPhone, calling: SoftPhone, caller: Dialog) -> Dialog:
    """The phone that rings answers that call; its side of it."""
    callee = phone.pick_up(phone.ring())
    calling.talk(caller)
    phone.heard("ACK")
    return callee


def end(one: SoftPhone, its: Dialog, other: SoftPhone) -> None:
    one.send(its, "BYE")
    other.answer(other.heard("BYE"), 200)
    assert one.final("BYE").code == 200


@EITHER_ENDS
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_phone_is_called_and_both_sides_change_the_call(
    plug: Plug, trunk: SoftPhone, transport: str, *, caller_ends: bool
) -> None:
    phone = plug(transport)
    caller = trunk.call(uri(JANA), ASSERTED)
    callee = pick_up(phone, trunk, caller)

    assert change(trunk, caller, phone).uri == phone.contact.strip("<>")
    change(phone, callee, trunk)
    assert change(trunk, caller, phone).uri == phone.contact.strip("<>")
    end(trunk, caller, phone) if caller_ends else end(phone, callee, trunk)


@EITHER_ENDS
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_phone_calls_another_at_home(
    plug: Plug, transport: str, *, caller_ends: bool
) -> None:
    calling, phone = plug(transport), plug("UDP")
    caller = calling.call(uri(JANA))
    calling.answer(calling.heard("INVITE"), 486)  # it rings its own line
    callee = pick_up(phone, calling, caller)

    change(phone, callee, calling)
    change(calling, caller, phone)
    end(calling, caller, phone) if caller_ends else end(phone, callee, calling)


@EITHER_ENDS
@pytest.mark.parametrize("number", [JANA, BOTH])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_phone_is_rung_through_a_proxy_that_it_does_not_know(
    plug_elsewhere: Plug, trunk: SoftPhone, transport: str, number: str, *, caller_ends: bool
) -> None:
    phone = plug_elsewhere(transport)
    caller = trunk.call(uri(number), ASSERTED)
    callee = pick_up(phone, trunk, caller)
    assert change(trunk, caller, phone).uri == phone.contact.strip("<>")
    change(phone, callee, trunk)
    end(trunk, caller, phone) if caller_ends else end(phone, callee, trunk)


@pytest.mark.parametrize("caller_ends", [True, False], ids=["caller ends", "callee ends"])
def test_a_phone_calls_one_that_another_proxy_holds(
    plug: Plug, plug_elsewhere: Plug, *, caller_ends: bool
) -> None:
    calling, phone = plug("UDP"), plug_elsewhere("TCP")
    caller = calling.call(uri(JANA))
    calling.answer(calling.heard("INVITE"), 486)  # it rings its own line
    callee = phone.pick_up(phone.ring())
    calling.talk(caller)
    phone.heard("ACK")
    change(calling, caller, phone)
    change(phone, callee, calling)
    end(calling, caller, phone) if caller_ends else end(phone, callee, calling)


def test_a_caller_who_hangs_up_is_heard_through_another_proxy(
    situation: Situation, plug_elsewhere: Plug
) -> None:
    phone = plug_elsewhere("TCP")
    call = situation.dial(Dialling(JANA, CALLER, asserted=CALLER, hang_up_after_ms=100))
    invite = phone.ring()
    phone.answer(phone.heard("CANCEL"), 200)
    phone.answer(invite, 487)
    assert call.outcome().code == 487


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_phone_whose_call_is_counted_hears_that_it_is_over(
    plug: Plug, transport: str
) -> None:
    calling, phone = plug("UDP"), plug(transport)
    caller = calling.call(uri(CAPPED))
    calling.answer(calling.heard("INVITE"), 486)  # it rings its own line
    callee = phone.pick_up(phone.ring())
    calling.talk(caller)
    phone.heard("ACK")
    change(phone, callee, calling)
    end(calling, caller, phone)


def test_a_phone_in_a_second_pass_is_behind_nat_too(plug: Plug, trunk: SoftPhone) -> None:
    phone = plug("UDP")
    caller = trunk.call(uri(BOTH), ASSERTED)
    callee = pick_up(phone, trunk, caller)
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
    pick_up(phone, trunk, caller)
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
    before = flows(situation)
    phone = plug(transport)
    seen, = flows(situation) - before
    port = seen.split(":")[2].split(";")[0]
    phone.wire.close()
    wait_until(lambda: port not in situation.edge.kamcmd("core.tcp_list"), "closed", 20)
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
