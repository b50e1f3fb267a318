# SPDX-License-Identifier: GPL-2.0-or-later
"""Failover between gateways and between media servers (SPEC B2, B3)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.caller import Caller, Dialling
from tests.support.gateway import Gateway
from tests.support.loopback import wait_until
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.phones import Phone, answer, busy, ring
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    GATEWAY,
    MEDIA_SERVER,
    PASSWORD,
    SIP_PORT,
    Situation,
)

ONE, TOGETHER, VOICEMAIL = "42027777101", "42027777102", "42027777103"
MOBILE, OTHER, CALLER = "42073723101", "42073723102", "42075553333"
FIRST, NOBODY = 41, 42
"""Addresses of the gateway that is asked first, and of one that there is not."""
NO_REPLY_S = 4

Edges = Callable[..., OtherEdge]


@pytest.fixture
def edge_with(situation: Situation, tmp_path: Path) -> Iterator[Edges]:
    """A proxy whose groups have, before the usual hop, one at another address."""
    with ExitStack() as ends:
        def make(first: int, group: str = "gateways", usual: int = GATEWAY) -> OtherEdge:
            address = situation.network.address
            hops = {"first": {"at": f"{address(first)}:{SIP_PORT}"},
                    "usual": {"at": f"{address(usual)}:{SIP_PORT}", "priority": 2}}
            return ends.enter_context(other_edge(situation, tmp_path, {group: hops}))
        yield make


@pytest.fixture
def first(situation: Situation) -> Iterator[Gateway]:
    """The gateway that is asked first, alive."""
    gateway = Gateway(situation.network.address(FIRST), SIP_PORT)
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def refusing(situation: Situation, tmp_path: Path) -> Iterator[Callable[[int], Phone]]:
    """Makes the one that is asked first refuse all calls."""
    with ExitStack() as ends:
        def make(status: int) -> Phone:
            phone = Phone("first", situation.network.address(FIRST), SIP_PORT, busy(status),
                          tmp_path / "first")
            phone.start()
            ends.callback(phone.stop)
            return phone
        yield make


def test_a_silent_gateway_costs_the_first_caller_four_seconds_and_the_next_none(
    situation: Situation, edge_with: Edges
) -> None:
    edge = edge_with(NOBODY)
    mobile = situation.outside_phone(MOBILE, answer())

    heard = [edge.dial(Dialling(ONE, CALLER)).outcome() for _ in range(2)]

    assert [each.code for each in heard] == [200, 200]
    waits = [each.final.at - each.messages[0].at for each in heard]
    assert waits[0] == pytest.approx(NO_REPLY_S, abs=0.5)
    assert waits[1] < 1
    assert len(mobile.invites) == 2
    assert f"hop at={situation.network.address(NOBODY)}:{SIP_PORT}" in edge.edge.log


def test_the_ring_time_goes_on_while_another_gateway_is_tried(
    situation: Situation, edge_with: Edges
) -> None:
    mobile = situation.outside_phone(MOBILE, ring())

    heard = edge_with(NOBODY).dial(Dialling(ONE, CALLER)).outcome()

    assert heard.code == 480
    assert heard.final.at - heard.messages[0].at == pytest.approx(8, abs=0.3)
    assert len(mobile.heard("CANCEL")) == 1


@pytest.mark.parametrize(("status", "hears"), [
    (503, 200), (500, 200), (486, 486), (404, 480), (603, 480)])
def test_only_a_gateway_that_fails_is_passed_over(
    situation: Situation, edge_with: Edges, refusing: Callable[[int], Phone], status: int,
    hears: int,
) -> None:  # fmt: skip
    first, edge = refusing(status), edge_with(FIRST)
    mobile = situation.outside_phone(MOBILE, answer())

    heard = edge.dial(Dialling(ONE, CALLER)).outcome()

    assert heard.code == hears
    assert (len(first.invites), len(mobile.invites)) == (1, hears == 200)
    assert all(code < 300 for code in heard.provisional)


def test_where_all_fail_the_caller_does_not_hear_busy(
    situation: Situation, edge_with: Edges, refusing: Callable[[int], Phone]
) -> None:
    first, edge = refusing(503), edge_with(FIRST)
    mobile = situation.outside_phone(MOBILE, busy(503))

    assert edge.dial(Dialling(ONE, CALLER)).outcome().code == 480
    assert (len(first.invites), len(mobile.invites)) == (1, 1)


def test_targets_that_ring_together_fail_over_each_within_its_own_ring_time(
    situation: Situation, edge_with: Edges
) -> None:
    edge = edge_with(NOBODY)
    mobile, other = (situation.outside_phone(number, ring()) for number in (MOBILE, OTHER))

    heard = edge.dial(Dialling(TOGETHER, CALLER)).outcome()

    start = heard.messages[0].at
    assert heard.code == 480
    for phone, ring_s in ((mobile, 8), (other, 12)):
        assert len(phone.invites) == 1
        assert phone.heard("CANCEL")[0].at - start == pytest.approx(ring_s, abs=0.3)


def test_a_media_server_that_fails_is_passed_over(
    situation: Situation, edge_with: Edges, refusing: Callable[[int], Phone]
) -> None:
    first, edge = refusing(503), edge_with(FIRST, "media_servers", MEDIA_SERVER)
    media = situation.media_server()

    assert edge.dial(Dialling(VOICEMAIL, CALLER)).outcome().code == 200
    assert (len(first.invites), len(media.invites)) == (1, 1)
    assert media.invites[0].uri == situation.voicemail_uri(VOICEMAIL, 302)


def test_an_outside_call_of_a_line_fails_over_too(
    situation: Situation, edge_with: Edges, refusing: Callable[[int], Phone], tmp_path: Path
) -> None:
    first, edge = refusing(503), edge_with(FIRST)
    mobile = situation.outside_phone(MOBILE, answer())
    desk = Caller(situation.network.address(FIRST_PHONE), edge.edge.proxy, tmp_path)
    dialling = Dialling(f"sip:+{MOBILE}@{DOMAIN}", f"jana-desk@{DOMAIN}",
                        credentials=("jana-desk", PASSWORD))

    assert desk.dial(dialling).outcome().code == 200
    assert (len(first.invites), len(mobile.invites)) == (1, 1)


def test_probes_take_a_gateway_out_of_service_and_back(
    situation: Situation, edge_with: Edges, first: Gateway
) -> None:
    first.health = b"503 Service Unavailable"
    edge = edge_with(FIRST)
    mobile = situation.outside_phone(MOBILE, answer())
    first.connect(MOBILE, mobile.address)
    uri = f"sip:{situation.network.address(FIRST)}:{SIP_PORT}"

    def flags() -> str:
        listed = edge.edge.kamcmd("dispatcher.list").partition(uri)[2]
        return listed.partition("FLAGS:")[2].split()[0]

    wait_until(lambda: flags() == "IP", "it is out of service", 15)
    assert edge.dial(Dialling(ONE, CALLER)).outcome().code == 200
    first.health = b"200 OK"
    wait_until(lambda: flags() == "AP", "it is back", 15)
    assert edge.dial(Dialling(ONE, CALLER)).outcome().code == 200

    asked = [each.uri for each in mobile.invites]
    assert [uri.partition("@")[2].partition(":")[0] for uri in asked] == [
        situation.network.address(GATEWAY), situation.network.address(FIRST)]
