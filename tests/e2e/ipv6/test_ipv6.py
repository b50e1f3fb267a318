# SPDX-License-Identifier: GPL-2.0-or-later
"""Everybody who calls and is called, over IPv6, at the real Kamailio (SPEC B4)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

import pytest

from kemi_routing.ksr.bans import Reason
from kemi_routing.ksr.credentials import TRIES
from tests.support.certificate import self_signed
from tests.support.digest_phone import Account, DigestPhone
from tests.support.loopback import free_udp_port, reserve_network, wait_until
from tests.support.namespace import own_network
from tests.support.phones import answer
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import DOMAIN, PAI_TRUNK, PASSWORD, Situation
from tests.support.softphone import Dialog, SoftPhone

LINE, JANA, TARGET, BOTH, OUTSIDE = (
    "jana-desk", "42027777101", "42027777102", "42027777103", "42027777104")  # fmt: skip
MOBILE, CALLER = "42073723101", "42075553333"
ASSERTED = f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>"
PROXY, TRUNK, GATEWAY, TARGET_HOST = (
    "fd00:66::1", "fd00:66::20", "fd00:66::40", "fd00:66::60")  # fmt: skip
TARGET_PORT = 5066
PHONE, NEIGHBOUR, HOME = "fd00:66:1:2::9", "fd00:66:1:2:3:4:5:6", "fd00:66:1:2::"
STRANGERS, THEIR_NETWORK = [f"fd00:66:0:3::{last:x}" for last in range(1, 41)], "fd00:66:0:3::"
RATE, MANY = 100, 2000
TRANSPORTS = ["UDP", "TCP", "TLS"]

INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000000000001>"'

Plug = Callable[..., SoftPhone]


@pytest.fixture(scope="module")
def arranged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situation]:
    """The arrangement in a network of its own, with the limit of messages that operators have."""
    folder = tmp_path_factory.mktemp("ipv6")
    certificate = self_signed(folder)
    settings = {"ADDRESS6": PROXY, "PORT": str(free_udp_port()), "SOURCE_RATE": str(RATE),
                "SIP_HOSTS": TARGET_HOST, "TLS_PORT": str(free_udp_port()),
                "TLS_CERTIFICATE": str(certificate),
                "TLS_KEY": str(certificate.with_suffix(".key"))}  # fmt: skip
    with ExitStack() as made:
        made.enter_context(
            own_network(PROXY, TRUNK, GATEWAY, TARGET_HOST, PHONE, NEIGHBOUR, *STRANGERS))
        situation = made.enter_context(Situation(reserve_network(), folder, settings=settings))
        situation.apply(Path(__file__).with_name("situation.yaml"))
        yield situation


@pytest.fixture
def situation(arranged: Situation) -> Iterator[Situation]:
    yield arranged
    arranged.unplug_all()
    arranged.forgive()
    for table in ("proved", "trusted"):
        arranged.edge.kamcmd("htable.flush", table)


@pytest.fixture
def trunk(situation: Situation) -> Iterator[SoftPhone]:
    """A caller on IPv4."""
    wire = RawSip(situation.network.address(PAI_TRUNK), situation.edge.proxy)
    with SoftPhone(wire, CALLER, DOMAIN) as made:
        yield made


@pytest.fixture
def plug(situation: Situation) -> Iterator[Plug]:
    """Registers the phone of the line."""
    with ExitStack() as ends:
        ends.callback(situation.edge.kamcmd, "ul.rm", "location", LINE)

        def registered(transport: str, *parameters: str) -> SoftPhone:
            edge = situation.edge
            at = PROXY, edge.tls_port if transport == "TLS" else edge.proxy[1]
            trusted = edge.certificate if transport == "TLS" else ""
            wire = RawSip(PHONE, at) if transport == "UDP" else StreamSip(PHONE, at, trusted)
            phone = ends.enter_context(SoftPhone(wire, LINE, DOMAIN, PASSWORD))
            assert phone.register(*parameters).code == 200
            return phone

        yield registered


def raw(situation: Situation, address: str, port: int = 0) -> RawSip:
    return RawSip(address, (PROXY, situation.edge.proxy[1]), port)


def is_heard(situation: Situation, address: str) -> bool:
    with raw(situation, address) as wire:
        return wire.ask(wire.request("OPTIONS", f"sip:{DOMAIN}"), 0.3) is not None


def hang_up(own: SoftPhone, dialog: Dialog, other: SoftPhone) -> None:
    own.send(dialog, "BYE")
    other.answer(other.heard("BYE"), 200)
    assert own.final("BYE").code == 200


def talk(caller: SoftPhone, calling: Dialog, callee: SoftPhone, ends: str) -> None:
    """The callee answers, and then one of them hangs up."""
    called = callee.pick_up(callee.ring())
    caller.talk(calling)
    callee.heard("ACK")
    if ends == "caller":
        hang_up(caller, calling, callee)
    else:
        hang_up(callee, called, caller)


@pytest.mark.parametrize("ends", ["caller", "callee"])
class TestACall:
    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_rings_a_phone(
        self, trunk: SoftPhone, plug: Plug, transport: str, ends: str
    ) -> None:  # fmt: skip
        phone = plug(transport)
        talk(trunk, trunk.call(f"sip:{JANA}@{DOMAIN}", ASSERTED), phone, ends)

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_of_a_phone_goes_to_a_phone_on_ipv4(
        self, situation: Situation, plug: Plug, transport: str, ends: str
    ) -> None:
        mobile = situation.outside_phone(
            MOBILE, answer(hang_up_after_ms=None if ends == "caller" else 300))  # fmt: skip
        phone = plug(transport)
        dialog = phone.call(f"sip:{MOBILE}@{DOMAIN}")
        phone.talk(dialog)
        if ends == "caller":
            phone.send(dialog, "BYE")
            assert phone.final("BYE").code == 200
            assert len(mobile.heard("BYE")) == 1
        else:
            phone.answer(phone.heard("BYE"), 200)

    def test_leaves_by_a_gateway(self, situation: Situation, trunk: SoftPhone, ends: str) -> None:
        with SoftPhone(raw(situation, GATEWAY), MOBILE, DOMAIN) as gateway:
            written = gateway.wire.host_port.replace("::", ":0:00::")
            with situation.with_network(gateways={"six": {"at": written}}):
                talk(trunk, trunk.call(f"sip:{OUTSIDE}@{DOMAIN}", ASSERTED), gateway, ends)

    def test_goes_to_a_sip_target(self, situation: Situation, trunk: SoftPhone, ends: str) -> None:
        with SoftPhone(raw(situation, TARGET_HOST, TARGET_PORT), "x", DOMAIN) as target:
            talk(trunk, trunk.call(f"sip:{TARGET}@{DOMAIN}", ASSERTED), target, ends)


def test_a_sip_target_rings_for_a_time_of_its_own(
    situation: Situation, trunk: SoftPhone, plug: Plug
) -> None:
    phone = plug("UDP")
    with SoftPhone(raw(situation, TARGET_HOST, TARGET_PORT), "x", DOMAIN) as target:
        calling = trunk.call(f"sip:{BOTH}@{DOMAIN}", ASSERTED)
        target.ring()
        target.answer(target.heard("CANCEL"), 200)
        talk(trunk, calling, phone, "callee")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_phone_has_its_other_flow(trunk: SoftPhone, plug: Plug, transport: str) -> None:
    other, newest = plug(transport, INSTANCE, "reg-id=1"), plug("UDP", INSTANCE, "reg-id=2")
    calling = trunk.call(f"sip:{JANA}@{DOMAIN}", ASSERTED)
    newest.answer(newest.heard("INVITE"), 430)
    talk(trunk, calling, other, "callee")


def test_a_flood_is_counted_by_the_network_of_a_customer(situation: Situation) -> None:
    """Each of its addresses alone stays below the limit."""
    before = len(situation.edge.log)
    with ExitStack() as ends:
        wires = [ends.enter_context(raw(situation, one)) for one in STRANGERS]
        for wire in islice(cycle(wires), MANY):
            wire.send(wire.request("OPTIONS", f"sip:{DOMAIN}"))
    wait_until(lambda: bool(situation.banned()), "the flood noticed")
    assert situation.banned() == {THEIR_NETWORK: Reason.IGNORED}
    assert not is_heard(situation, STRANGERS[0])
    assert is_heard(situation, PHONE)
    lines = situation.edge.log[before:].splitlines()
    assert sum(f" ignore source={THEIR_NETWORK}" in line for line in lines) == 1
    assert [line for line in lines if "ERROR" in line] == []

    def is_heard_again() -> bool:
        situation.forgive()  # pike goes on counting what came for a moment
        return is_heard(situation, STRANGERS[0])

    wait_until(is_heard_again, "the flood forgotten")


def test_a_ban_holds_for_a_network_but_for_one_that_has_a_phone(
    situation: Situation, plug: Plug
) -> None:
    for network in (HOME, THEIR_NETWORK):
        situation.edge.kamcmd("htable.seti", "banned", f"s:{network}", str(int(Reason.TOO_MANY)))
    assert not is_heard(situation, PHONE)
    situation.edge.kamcmd("htable.delete", "banned", f"s:{HOME}")
    plug("TCP")
    situation.edge.kamcmd("htable.seti", "banned", f"s:{HOME}", str(int(Reason.TOO_MANY)))
    assert is_heard(situation, NEIGHBOUR)
    assert not is_heard(situation, STRANGERS[-1])


def test_who_guesses_each_password_from_another_address_of_a_network_is_banned(
    situation: Situation,
) -> None:
    def register(address: str, password: str) -> int | None:
        at = (PROXY, situation.edge.proxy[1])
        with DigestPhone(address, at, DOMAIN) as phone:
            return phone.register(Account(LINE, password)).code

    assert [register(one, "guessed") for one in STRANGERS[:TRIES]] == [401] * TRIES
    assert situation.banned() == {THEIR_NETWORK: Reason.GUESSES}
    assert register(STRANGERS[-1], PASSWORD) == 403
    assert register(PHONE, PASSWORD) == 200


def test_a_trunk_is_never_ignored(situation: Situation) -> None:
    trunks = {"six": {"from": TRUNK, "asserts": "P-Asserted-Identity"}, **situation.trunk()}
    with situation.with_network(trunks=trunks), raw(situation, TRUNK) as wire:
        heard = [wire.ask(wire.request("OPTIONS", f"sip:{DOMAIN}")) for _ in range(4 * RATE)]
        trusted = situation.edge.kamcmd("htable.dump", "trusted")
    assert [one.code for one in heard if one] == [200] * 4 * RATE
    assert "fd00:66:0:0:0:0:0:20" in trusted
    assert situation.banned() == {}
