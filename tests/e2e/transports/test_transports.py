# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls over UDP, TCP, TLS and IPv6 (SPEC B4)."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificate import self_signed
from tests.support.loopback import free_udp_port, wait_until
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.phones import answer
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import PAI_TRUNK, Situation

NUMBER, MOBILE, CALLER = "42027777101", "42073723101", "42075553333"
IPV6 = "::1"

Connect = Callable[[str], RawSip]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def edge(situation: Situation, tmp_path: Path, certificate: Path) -> Iterator[OtherEdge]:
    """A proxy that speaks all of them."""
    trunks = {"ipv6": {"from": IPV6, "asserts": "P-Asserted-Identity"}, **situation.trunk()}
    port, tls_port = free_udp_port(), free_udp_port()
    with other_edge(situation, tmp_path, {"trunks": trunks}, ADDRESS6=IPV6, PORT=str(port),
                    TLS_PORT=str(tls_port), TLS_CERTIFICATE=str(certificate),
                    TLS_KEY=str(certificate.with_suffix(".key"))) as made:  # fmt: skip
        yield made


@pytest.fixture
def connect(edge: OtherEdge, situation: Situation, certificate: Path) -> Connect:
    """Connects a trunk by a transport."""
    trunk, (proxy, port) = situation.network.address(PAI_TRUNK), edge.edge.proxy
    tls_port = edge.edge.tls_port

    def connected(transport: str) -> RawSip:
        source, host = (IPV6, IPV6) if transport.endswith("6") else (trunk, proxy)
        if transport.startswith("UDP"):
            return RawSip(source, (host, port))
        if transport.startswith("TCP"):
            return StreamSip(source, (host, port))
        return StreamSip(source, (host, tls_port), str(certificate))

    return connected


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS", "UDP6", "TCP6", "TLS6"])
def test_a_call_is_answered_and_ends(
    situation: Situation, connect: Connect, transport: str
) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    with connect(transport) as trunk:
        invite = trunk.request("INVITE", f"sip:{NUMBER}@followme.local", ani=CALLER)
        ok = trunk.answered(invite)
        contact = ok["Contact"].strip("<>")
        trunk.send(trunk.within(invite, ok, "ACK", contact))
        wait_until(lambda: len(mobile.heard("ACK")) == 1, "the phone is in a call")
        heard = trunk.ask(trunk.within(invite, ok, "BYE", contact))

    assert heard is not None
    assert heard.code == 200
    assert len(mobile.heard("BYE")) == 1
    assert mobile.invites[0].caller_number == NUMBER


def test_the_callee_hangs_up_along_the_same_connection(
    situation: Situation, connect: Connect
) -> None:
    situation.outside_phone(MOBILE, answer(hang_up_after_ms=300))
    with connect("TLS") as trunk:
        invite = trunk.request("INVITE", f"sip:{NUMBER}@followme.local", ani=CALLER)
        ok = trunk.answered(invite)
        trunk.send(trunk.within(invite, ok, "ACK", ok["Contact"].strip("<>")))
        bye = trunk.receive(5)

    assert bye is not None
    assert bye.method == "BYE"


@pytest.mark.parametrize(("version", "gets_in"), [
    ("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
def test_only_the_tls_of_today_is_spoken(edge: OtherEdge, version: str, gets_in: bool) -> None:
    at = f"{edge.edge.proxy[0]}:{edge.edge.tls_port}"
    asked = subprocess.run(
        ["openssl", "s_client", "-connect", at, f"-{version}", "-cipher", "DEFAULT@SECLEVEL=0"],
        stdin=subprocess.DEVNULL, capture_output=True, check=False)  # fmt: skip
    assert (asked.returncode == 0) is gets_in, asked.stderr
