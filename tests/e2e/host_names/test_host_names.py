# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets by host name, and a name server that swallows every question (SPEC P6, DESIGN law 4).

The proxy has one worker: where that waits, no other call goes on.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.caller import Dialling, Outcome
from tests.support.loopback import wait_until
from tests.support.name_server import NameServer
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.phones import answer
from tests.support.situation import GATEWAY, SIP_TARGETS, Situation

BY_ADDRESS, PLAIN, SERVICE, INSIDE = "42027777101", "42027777102", "42027777103", "42027777104"
MOBILE, CALLER = "42073723102", "42075553333"
NAME_SERVER = 53
TRIES = 3
"""The quickest one counts: on a busy machine the others tell of that."""
NAMES = ("plain.example.com", "service.example.com", "inside.example.com")


@pytest.fixture
def name_server(situation: Situation) -> Iterator[NameServer]:
    """What leads where; the phone's address is one that the operator lists."""
    phone, gateway = map(situation.network.address, (SIP_TARGETS, GATEWAY))
    made = NameServer(situation.network.address(NAME_SERVER), f"""
        plain.example.com A {phone}
        _sip._udp.service.example.com SRV 1 1 5060 plain.example.com
        service.example.com A 192.0.2.1
        inside.example.com A {gateway}
        inside.example.com A 127.0.0.1
    """)
    yield made
    made.stop()


@pytest.fixture
def edge(
    situation: Situation, name_server: NameServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OtherEdge]:
    """The proxy that asks it, and the numbers that lead to names."""
    listed = f"{situation.settings['SIP_HOSTS']}, {NAMES[0]}, *.example.com"
    monkeypatch.setitem(situation.settings, "SIP_HOSTS", listed)
    situation.apply(Path(__file__).with_name("names.yaml"))
    command = name_server.believed(tmp_path)
    with other_edge(situation, tmp_path, command=command, WORKERS="1") as made:
        name_server.asked.clear()  # Kamailio asks for the machine's name where no file has it
        yield made


def call(edge: OtherEdge, number: str) -> Outcome:
    """A call; made again where a busy machine let Redis be late, as Retry-After asks."""
    calls = (edge.dial(Dialling(number, CALLER, asserted=CALLER)).outcome() for _ in range(TRIES))
    return next(heard for heard in calls if heard.code != 503)


@pytest.mark.parametrize(("number", "name"), [(PLAIN, NAMES[0]), (SERVICE, NAMES[1])])
def test_the_first_call_to_a_name_reaches_it_and_the_next_one_asks_nobody(
    situation: Situation, edge: OtherEdge, name_server: NameServer, number: str, name: str
) -> None:
    phone = situation.sip_phone("jana", answer())
    assert call(edge, number).code == 200
    asked = list(name_server.asked)
    assert len(asked) == len(set(asked)) in (4, 5)

    assert call(edge, number).code == 200

    assert [invite.uri for invite in phone.invites] == [f"sip:jana@{name}"] * 2
    assert name_server.asked == asked


def test_a_silent_name_server_costs_the_target_a_second_and_nobody_else_anything(
    situation: Situation, edge: OtherEdge, name_server: NameServer
) -> None:
    name_server.silent = True
    mobile = situation.outside_phone(MOBILE, answer())
    situation.outside_phone("42073723101", answer())
    lost_s = []
    for _ in range(TRIES):
        name_server.asked.clear()
        edge.edge.kamcmd("htable.flush", "names")
        waiting = edge.dial(Dialling(PLAIN, CALLER, asserted=CALLER))
        wait_until(lambda: bool(name_server.asked), "the name server is asked")
        meanwhile = call(edge, BY_ADDRESS)
        heard = waiting.outcome()
        assert (heard.code, meanwhile.code) == (200, 200)
        assert meanwhile.final.at < mobile.invited_at
        lost_s.append(mobile.invited_at - heard.invited_at)

    assert 0.5 < min(lost_s) < 1.2
    assert "the name servers say nothing" in edge.edge.log
    wait_until(lambda: edge.edge.counters("tm.stats")["current"] == 0, "no transaction is left", 30)


def test_while_a_name_server_is_silent_later_calls_do_not_wait_again(
    situation: Situation, edge: OtherEdge, name_server: NameServer
) -> None:
    name_server.silent = True
    mobile = situation.outside_phone(MOBILE, answer())
    assert call(edge, PLAIN).code == 200

    later = [call(edge, PLAIN) for _ in range(TRIES)]

    assert [each.code for each in later] == [200] * TRIES
    lost_s = [invite.at - each.invited_at
              for invite, each in zip(mobile.invites[1:], later, strict=True)]
    assert min(lost_s) < 0.2


def test_a_name_that_leads_to_our_gateway_or_to_ourselves_is_not_called(
    situation: Situation, edge: OtherEdge
) -> None:
    mobile = situation.outside_phone(MOBILE, answer())

    assert call(edge, INSIDE).code == 200

    assert [invite.uri for invite in mobile.invites] == [f"sip:{MOBILE}@{_gateway(situation)}"]
    assert situation.gateway.unknown == []
    assert "no address that may be called" in edge.edge.log


def _gateway(situation: Situation) -> str:
    return situation.gateway_at
