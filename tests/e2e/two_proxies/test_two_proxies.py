# SPDX-License-Identifier: GPL-2.0-or-later
"""Registrations on two real proxies (Kamailio modules dmq and dmq_usrloc)."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kemi_routing.ksr.bans import Reason
from tests.support.caller import Dialling
from tests.support.digest_phone import Account, DigestPhone
from tests.support.loopback import reserve_network, wait_until
from tests.support.other_edge import OTHER_PROXY, OtherEdge, other_edge
from tests.support.phones import busy
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PASSWORD,
    PROXY,
    STRANGER,
    Situation,
    banned_at,
)

DESK = Account("jana-desk", PASSWORD)
JANA, CALLER, PORT = "42027777101", "42075553333", 5058
MANY = 60
"""More than what fits into one message that Kamailio reads from TCP."""
SHARED_WITHIN_S = 5
YAML = Path(__file__).with_name("situation.yaml")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situation]:
    """The first proxy, which knows the second one's address before that is there."""
    network = reserve_network()
    here, there = (f"{network.address(last)}:{PORT}" for last in (PROXY, OTHER_PROXY))
    settings = {"CLUSTER": here, "PEERS": there}
    with Situation(network, tmp_path_factory.mktemp("first"), settings=settings) as made:
        made.apply(YAML)
        yield made


@pytest.fixture
def situation(first: Situation) -> Iterator[Situation]:
    yield first
    first.unplug_all()
    first.forgive()


@pytest.fixture
def second(situation: Situation, tmp_path: Path) -> Iterator[OtherEdge]:
    here, there = (f"{situation.network.address(last)}:{PORT}" for last in (PROXY, OTHER_PROXY))
    with other_edge(situation, tmp_path, CLUSTER=there, PEERS=here) as made:
        host = there.partition(":")[0]
        wait_until(lambda: host in situation.edge.kamcmd("dmq.list_nodes"), "the peer", 15)
        yield made


def phones_at(edge: OtherEdge | Situation) -> str:
    return edge.edge.kamcmd("ul.dump")


def rings_through(edge: OtherEdge) -> int:
    return edge.dial(Dialling(JANA, CALLER, asserted=CALLER)).outcome().code


def test_a_phone_that_registers_at_one_is_rung_through_the_other(
    situation: Situation, second: OtherEdge
) -> None:
    desk = situation.line_phone("jana-desk", busy())
    wait_until(lambda: desk.contact in phones_at(second), "shared", SHARED_WITHIN_S)
    assert rings_through(second) == 486
    situation.unplug(desk)
    wait_until(lambda: desk.contact not in phones_at(second), "gone", SHARED_WITHIN_S)
    assert rings_through(second) == 480


def test_the_proxy_that_comes_later_learns_what_there_is(
    situation: Situation, tmp_path: Path
) -> None:
    desk = situation.line_phone("jana-desk", busy())
    here, there = (f"{situation.network.address(last)}:{PORT}" for last in (PROXY, OTHER_PROXY))
    with other_edge(situation, tmp_path, CLUSTER=there, PEERS=here) as late:
        wait_until(lambda: desk.contact in phones_at(late), "learnt", 15)
        assert rings_through(late) == 486
    assert len(desk.invites) == 1


def test_the_proxy_that_comes_later_learns_of_many_phones(
    situation: Situation, tmp_path: Path
) -> None:
    aors = [f"line-{number}" for number in range(MANY)]
    for aor in aors:
        contact = f"sip:{aor}@127.0.0.99:5060;{'x' * 300}"
        situation.edge.kamcmd("ul.add", "location", aor, contact, "600", "1.0", "s:.", "0", "0",
                              "0")
    here, there = (f"{situation.network.address(last)}:{PORT}" for last in (PROXY, OTHER_PROXY))
    with other_edge(situation, tmp_path, CLUSTER=there, PEERS=here) as later:
        wait_until(lambda: phones_at(later).count("sip:line-") >= MANY,
                   "all are known", 15)
    for aor in aors:
        situation.edge.kamcmd("ul.rm", "location", aor)


def test_the_limit_of_phones_holds_over_both(situation: Situation, second: OtherEdge) -> None:
    phones = [situation.line_phone("jana-desk", busy()) for _ in range(2)]
    wait_until(lambda: all(each.contact in phones_at(second) for each in phones), "shared",
               SHARED_WITHIN_S)  # fmt: skip
    address = situation.network.address(STRANGER)
    with DigestPhone(address, second.edge.proxy, DOMAIN) as third:
        assert third.register(DESK, third.contact("jana-desk")).code == 403


def scan(situation: Situation, proxy: tuple[str, int]) -> str:
    """A scanner shows itself; its address."""
    with StreamSip(situation.network.address(STRANGER), proxy) as wire:
        wire.send(wire.request("OPTIONS", "sip:x", headers=["User-Agent: friendly-scanner"]))
        return wire.name[0]


def test_who_is_banned_or_lifted_at_one_is_so_at_the_other_which_may_come_later(
    situation: Situation, tmp_path: Path
) -> None:
    here, there = (f"{situation.network.address(last)}:{PORT}" for last in (PROXY, OTHER_PROXY))
    address = scan(situation, situation.edge.proxy)
    with other_edge(situation, tmp_path, CLUSTER=there, PEERS=here) as late:
        first, second = situation.edge, late.edge
        for lifted, seen in ((second, second), (first, first)):
            wait_until(lambda: banned_at(first) == banned_at(second) == {address: Reason.SCANNER},
                       "banned at both", 15)  # fmt: skip
            lifted.kamcmd("htable.delete", "banned", f"s:{address}")
            wait_until(lambda: banned_at(first) == banned_at(second) == {}, "lifted at both", 15)
            scan(situation, seen.proxy)


def forged(contact: str, call: str) -> bytes:
    """What a peer would send for a phone that registered (dmq_usrloc)."""
    told = {"action": 1, "aor": "jana-desk", "ruid": f"forged-{call}", "c": contact,
            "received": "", "path": "", "callid": call, "user_agent": "x", "instance": "",
            "expires": 4_000_000_000, "cseq": 1, "flags": 0, "cflags": 0, "q": -1,
            "last_modified": 1, "methods": 8191, "reg_id": 0, "server_id": 0}  # fmt: skip
    return json.dumps(told).encode()


def kdmq(source: tuple[str, int], transport: str, body: bytes, call: str) -> bytes:
    lines = ["KDMQ sip:usrloc@127.0.0.1:5058 SIP/2.0"]
    lines += [f"Via: SIP/2.0/{transport} {source[0]}:{source[1]};branch=z9hG4bK{call}"]
    lines += [f"From: <sip:usrloc@127.0.0.1>;tag={call}", "To: <sip:usrloc@127.0.0.1>"]
    lines += [f"Call-ID: {call}", "CSeq: 1 KDMQ", "Max-Forwards: 1"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(("last", "code"), [(STRANGER, 405), (OTHER_PROXY, 200)])
def test_only_a_peer_can_tell_a_registration(situation: Situation, last: int, code: int) -> None:
    contact = f"sip:forged@{situation.network.address(FIRST_PHONE)}:5060"
    at = (situation.network.address(PROXY), PORT)
    with socket.create_connection(at, 2, (situation.network.address(last), 0)) as wire:
        wire.sendall(kdmq(wire.getsockname(), "TCP", forged(contact, "tcp"), f"tcp{last}"))
        answer = wire.recv(65535).decode()
    assert answer.startswith(f"SIP/2.0 {code} ")
    assert (contact in phones_at(situation)) == (code == 200)
    if code == 200:
        situation.edge.kamcmd("ul.rm_contact", "location", "jana-desk", contact)


@pytest.mark.parametrize("last", [STRANGER, OTHER_PROXY])
def test_nobody_tells_one_by_udp(situation: Situation, last: int) -> None:
    contact = f"sip:forged@{situation.network.address(FIRST_PHONE)}:5060"
    with RawSip(situation.network.address(last), situation.edge.proxy) as wire:
        answer = wire.ask(kdmq(wire.name, "UDP", forged(contact, "udp"), f"udp{last}"))
    assert answer is not None
    assert (answer.code, contact in phones_at(situation)) == (405, False)
