# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways and media servers over TCP and TLS at the real Kamailio (SPEC B2, B4)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.support.certificate import self_signed
from tests.support.listening_sip import ListeningSip
from tests.support.loopback import free_udp_port
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.raw_sip import RawSip
from tests.support.situation import DOMAIN, GATEWAY, MEDIA_SERVER, PAI_TRUNK, Situation
from tests.support.softphone import Dialog, SoftPhone

OUTSIDE, TWO, VOICEMAIL = "42027777101", "42027777102", "42027777103"
FIRST, SECOND, CALLER = "42073723101", "42073723102", "42075553333"
ASSERTED = f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>"
TRANSPORTS = ["TCP", "TLS"]

Proxies = Callable[..., AbstractContextManager[None]]
Listen = Callable[[str, int], tuple[SoftPhone, str]]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def edge(situation: Situation, tmp_path: Path, certificate: Path) -> Iterator[OtherEdge]:
    """A proxy that speaks TLS."""
    with other_edge(situation, tmp_path, TLS_PORT=str(free_udp_port()),
                    TLS_CERTIFICATE=str(certificate),
                    TLS_KEY=str(certificate.with_suffix(".key"))) as made:  # fmt: skip
        yield made


@pytest.fixture
def trunk(situation: Situation, edge: OtherEdge) -> Iterator[SoftPhone]:
    wire = RawSip(situation.network.address(PAI_TRUNK), edge.edge.proxy)
    with SoftPhone(wire, CALLER, DOMAIN) as made:
        yield made


@pytest.fixture
def proxies(situation: Situation, edge: OtherEdge) -> Proxies:
    """Lets them have an operator's file with these keys."""
    return partial(situation.with_network, edge.edge)


@pytest.fixture
def listen(situation: Situation, edge: OtherEdge, certificate: Path) -> Iterator[Listen]:
    """Somebody at an address of the network, to whom the proxy connects; and where that is."""
    with ExitStack() as ends:

        def listening(transport: str, last: int) -> tuple[SoftPhone, str]:
            own = str(certificate) if transport == "TLS" else ""
            wire = ListeningSip(situation.network.address(last), edge.edge.proxy[0], own)
            return ends.enter_context(SoftPhone(wire, FIRST, DOMAIN)), wire.at

        yield listening


def hang_up(own: SoftPhone, dialog: Dialog, other: SoftPhone) -> None:
    own.send(dialog, "BYE")
    other.answer(other.heard("BYE"), 200)
    assert own.final("BYE").code == 200


@pytest.mark.parametrize("ends", ["caller", "callee"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_leaves_by_a_gateway(
    proxies: Proxies, trunk: SoftPhone, listen: Listen, transport: str, ends: str
) -> None:
    gateway, at = listen(transport, GATEWAY)
    with proxies(gateways={"one": {"at": at}}):
        calling = trunk.call(f"sip:{OUTSIDE}@{DOMAIN}", ASSERTED)
        invite = gateway.ring()
        called = gateway.pick_up(invite)
        trunk.talk(calling)
        gateway.heard("ACK")
        if ends == "caller":
            hang_up(trunk, calling, gateway)
        else:
            hang_up(gateway, called, trunk)
    assert invite.start_line == f"INVITE sip:{FIRST}@{at} SIP/2.0"
    assert invite["Via"].startswith(f"SIP/2.0/{transport} ")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_targets_have_ring_times_of_their_own(
    proxies: Proxies, trunk: SoftPhone, listen: Listen, transport: str
) -> None:
    gateway, at = listen(transport, GATEWAY)
    with proxies(gateways={"one": {"at": at}}):
        calling = trunk.call(f"sip:{TWO}@{DOMAIN}", ASSERTED)
        invites = {SECOND if SECOND in one.start_line else FIRST: one
                   for one in (gateway.ring(), gateway.ring())}  # fmt: skip
        cancel = gateway.heard("CANCEL")
        gateway.answer(cancel, 200)
        gateway.answer(invites[FIRST], 487)
        called = gateway.pick_up(invites[SECOND])
        trunk.talk(calling)
        hang_up(gateway, called, trunk)
    assert FIRST in cancel.start_line


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_voicemail_is_at_a_media_server(
    proxies: Proxies, trunk: SoftPhone, listen: Listen, transport: str
) -> None:
    server, at = listen(transport, MEDIA_SERVER)
    with proxies(media_servers={"one": {"at": at}}):
        calling = trunk.call(f"sip:{VOICEMAIL}@{DOMAIN}", ASSERTED)
        invite = server.heard("INVITE")
        called = server.pick_up(invite)
        trunk.talk(calling)
        hang_up(server, called, trunk)
    assert invite.start_line.startswith(f"INVITE sip:voicemail@{at};target=sip:{VOICEMAIL}%40")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_is_probed_and_follows_one_that_takes_no_connections(
    proxies: Proxies, trunk: SoftPhone, listen: Listen, transport: str
) -> None:
    gateway, at = listen(transport, GATEWAY)
    dead = f"{gateway.wire.name[0]}:1;transport={transport.lower()}"
    both = {"dead": {"at": dead}, "alive": {"at": at, "priority": 2}}
    with proxies(gateways=both):
        gateway.is_pinged(15)
        calling = trunk.call(f"sip:{OUTSIDE}@{DOMAIN}", ASSERTED)
        called = gateway.pick_up(gateway.ring())
        trunk.talk(calling)
        hang_up(gateway, called, trunk)


def test_a_proxy_that_speaks_no_tls_answers_all_the_same(situation: Situation) -> None:
    both = {name: {"at": f"{situation.network.address(last)}:5061;transport=tls"}
            for name, last in (("one", GATEWAY), ("two", MEDIA_SERVER))}  # fmt: skip
    with situation.with_network(gateways=both):
        situation.edge.stop()
        situation.edge.start()
        assert situation.call(OUTSIDE, CALLER).code == 480
