# SPDX-License-Identifier: GPL-2.0-or-later
"""Registrations on two real proxies (Kamailio modules dmq and dmq_usrloc)."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
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
from tests.support.softphone import SoftPhone

DESK = Account("jana-desk", PASSWORD)
JANA, LONG, CALLER, PORT = "42027777101", "42027777102", "42075553333", 5058
ONE, OTHER = (f'+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000{n}>"' for n in (1, 2))
PRIVATE = "<sip:jana-desk@192.168.1.5:5060>"
MANY = 60
"""More than what fits into one message that Kamailio reads from TCP."""
SHARED_WITHIN_S = 5
Plug = Callable[..., SoftPhone]
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
    """What it knows of the phones that are registered; others stay there for some seconds."""
    contacts = edge.edge.kamcmd("ul.dump").split("Contact: {")[1:]
    return "".join(one for one in contacts if re.search(r"Expires: -?\d", one))


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


@pytest.fixture
def plug(situation: Situation, second: OtherEdge) -> Iterator[Plug]:
    """Registers a phone behind NAT at the first proxy, and waits until the second one knows."""
    with ExitStack() as ends:
        ends.callback(situation.edge.kamcmd, "ul.rm", "location", DESK.name)

        def plugged(wire: type[RawSip], *parameters: str, contact: str) -> SoftPhone:
            address = situation.network.address(FIRST_PHONE)
            phone = SoftPhone(wire(address, situation.edge.proxy), DESK.name, DOMAIN, PASSWORD)
            ends.enter_context(phone)
            assert phone.register(*parameters, contact=contact).code == 200
            received = f"Received: sip:{phone.wire.host_port}"
            wait_until(lambda: received in phones_at(second), "shared", SHARED_WITHIN_S)
            return phone

        yield plugged


@pytest.mark.parametrize("newest", [RawSip, StreamSip])
def test_the_other_flow_of_a_phone_is_rung_through_the_other_proxy(
    second: OtherEdge, plug: Plug, newest: type[RawSip]
) -> None:
    """The newest one is dead: silent, or a connection that is gone."""
    other = plug(RawSip, ONE, "reg-id=1", contact=PRIVATE)
    dead = plug(newest, ONE, "reg-id=2", contact=PRIVATE.replace("5060", "5061"))
    if newest is StreamSip:
        dead.wire.close()
    call = second.dial(Dialling(LONG, CALLER, asserted=CALLER))
    other.answer(other.heard("INVITE"), 486)
    assert call.outcome().code == 486


@pytest.mark.parametrize(("names", "both"), [
    ((ONE, OTHER), True), ((f"{ONE};reg-id=1", f"{ONE};reg-id=2"), True), ((), False)])
def test_what_has_the_same_private_address_is_apart_at_both_by_name(
    situation: Situation, second: OtherEdge, plug: Plug, names: tuple[str, ...], *, both: bool
) -> None:
    """Without a name it is a phone that starts again."""
    phones = [plug(RawSip, *names[number:number + 1], contact=PRIVATE) for number in range(2)]
    wires = [phone.wire.host_port for phone in phones]
    wait_until(lambda: both or wires[0] not in phones_at(second), "gone", SHARED_WITHIN_S)
    assert [[wire in phones_at(edge) for wire in wires] for edge in (situation, second)] == [
        [both, True], [both, True]]


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
        situation.edge.kamcmd("ul.rm", "location", "jana-desk")


@pytest.mark.parametrize("last", [STRANGER, OTHER_PROXY])
def test_nobody_tells_one_by_udp(situation: Situation, last: int) -> None:
    contact = f"sip:forged@{situation.network.address(FIRST_PHONE)}:5060"
    with RawSip(situation.network.address(last), situation.edge.proxy) as wire:
        answer = wire.ask(kdmq(wire.name, "UDP", forged(contact, "udp"), f"udp{last}"))
    assert answer is not None
    assert (answer.code, contact in phones_at(situation)) == (405, False)
