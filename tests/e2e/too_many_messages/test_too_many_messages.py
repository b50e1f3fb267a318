# SPDX-License-Identifier: GPL-2.0-or-later
"""Who sends more than the limit to the real Kamailio, and who looks for victims."""

import socket
from collections.abc import Callable, Iterator

import pytest

from kemi_routing.ksr.bans import IGNORED_S, Reason
from tests.e2e.conftest import Arrangements
from tests.support.digest_phone import Account, DigestPhone
from tests.support.loopback import wait_until
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    STRANGER,
    Situation,
)

RATE, MANY, BAN_S = 20, 400, 4
DESK = Account("jana-desk", PASSWORD)
ANSWER = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.9\r\n\r\n"
SCANNER = "User-Agent: friendly-scanner"


@pytest.fixture
def situation(arrange: Arrangements) -> Iterator[Situation]:
    """The limit is low and bans are short here."""
    limits = {"FOLLOWME_SOURCE_RATE": str(RATE), "FOLLOWME_BAN_S": str(BAN_S)}
    made = arrange(environment=limits)
    yield made
    made.forgive()
    made.edge.kamcmd("htable.flush", "proved")
    wait_until(lambda: not hot(made), "all sources quiet")


def hot(situation: Situation) -> bool:
    """Whether Kamailio still counts a source as one that sends too much."""
    return "HOT" in situation.edge.kamcmd("pike.top", "HOT")


def raw(situation: Situation, last: int) -> RawSip:
    return RawSip(situation.network.address(last), situation.edge.proxy)


def options(wire: RawSip, *headers: str) -> bytes:
    return wire.request("OPTIONS", f"sip:{DOMAIN}", headers=headers)


def is_heard(situation: Situation, last: int) -> bool:
    with raw(situation, last) as wire:
        return wire.ask(options(wire), 0.3) is not None


def lift(situation: Situation, last: int) -> None:
    """The operator lifts a ban, once the source is quiet."""
    wait_until(lambda: not hot(situation), "a quiet source")
    situation.edge.kamcmd("htable.delete", "banned", f"s:{situation.network.address(last)}")
    assert is_heard(situation, last)


def flood(
    situation: Situation, last: int, made: Callable[[RawSip], bytes] = options
) -> dict[str, int]:
    """Far more than the limit; who is banned then."""
    with raw(situation, last) as wire:
        for _ in range(MANY):
            wire.send(made(wire))
    wait_until(lambda: bool(situation.banned()), "the flood noticed")
    return situation.banned()


def flood_by_tcp(situation: Situation) -> None:
    address = situation.network.address(STRANGER)
    with (socket.create_connection(situation.edge.proxy, 5, (address, 0)) as wire,
          raw(situation, STRANGER) as written):
        wire.sendall(b"".join(options(written) for _ in range(MANY)))
        wait_until(lambda: bool(situation.banned()), "the flood noticed")


@pytest.mark.parametrize("made", [options, lambda _: b"\xff" * 300, lambda _: ANSWER],
                         ids=["OPTIONS", "garbage", "answers"])
def test_a_stranger_is_ignored_for_a_moment(
    situation: Situation, made: Callable[[RawSip], bytes]
) -> None:
    before = len(situation.edge.log)
    address = situation.network.address(STRANGER)
    assert flood(situation, STRANGER, made) == {address: Reason.IGNORED}
    assert not is_heard(situation, STRANGER)
    assert is_heard(situation, FIRST_PHONE)
    lines = situation.edge.log[before:].splitlines()
    assert sum(" ignore source=" in line for line in lines) == 1
    assert [line for line in lines if "ERROR: htable" in line] == []
    wait_until(lambda: is_heard(situation, STRANGER), "the stranger heard again", IGNORED_S + 4)


def test_a_stranger_is_never_banned_for_what_another_may_have_sent(situation: Situation) -> None:
    address = situation.network.address(STRANGER)
    for _ in range(4):
        assert flood(situation, STRANGER) == {address: Reason.IGNORED}
        lift(situation, STRANGER)
    assert "name:" not in situation.edge.kamcmd("htable.dump", "ignored")


def test_a_stranger_who_goes_on_by_tcp_is_banned(situation: Situation) -> None:
    address = situation.network.address(STRANGER)
    for reason in (Reason.IGNORED, Reason.IGNORED, Reason.TOO_MANY):
        flood_by_tcp(situation)
        assert situation.banned() == {address: reason}
        if reason is Reason.IGNORED:
            lift(situation, STRANGER)
    wait_until(lambda: is_heard(situation, STRANGER), "the end of the ban", BAN_S + 4)


def test_a_trunk_is_never_ignored(situation: Situation) -> None:
    with raw(situation, PAI_TRUNK) as wire:
        heard = [wire.ask(options(wire)) for _ in range(MANY)]
    assert [one.code for one in heard if one] == [200] * MANY
    assert situation.banned() == {}


def test_an_address_with_a_line_is_never_banned(situation: Situation) -> None:
    address = situation.network.address(FIRST_PHONE)
    with DigestPhone(address, situation.edge.proxy, DOMAIN) as phone:
        assert phone.register(DESK).code == 200
    for _ in range(4):
        assert flood(situation, FIRST_PHONE) == {address: Reason.IGNORED}
        lift(situation, FIRST_PHONE)


@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "INVITE"])
@pytest.mark.parametrize("by", [RawSip, StreamSip])
def test_a_scanner_hears_nothing_and_is_banned_where_it_cannot_be_another(
    situation: Situation, by: type[RawSip], method: str
) -> None:
    before, address = len(situation.edge.log), situation.network.address(STRANGER)
    with by(address, situation.edge.proxy) as wire:
        for _ in range(2):
            request = wire.request(method, f"sip:100@{DOMAIN}", headers=[SCANNER])
            assert wire.ask(request, 0.3) is None
    udp = by is RawSip
    assert situation.banned() == ({} if udp else {address: Reason.SCANNER})
    assert is_heard(situation, STRANGER) is udp
    lines = situation.edge.log[before:].splitlines()
    assert sum(" ban callid=" in line for line in lines) == (not udp)


def test_a_forged_scanner_bans_no_address_with_a_line(situation: Situation) -> None:
    address = situation.network.address(FIRST_PHONE)
    with DigestPhone(address, situation.edge.proxy, DOMAIN) as phone:
        assert phone.register(DESK).code == 200
        with raw(situation, FIRST_PHONE) as wire:
            assert wire.ask(options(wire, SCANNER), 0.3) is None
        assert phone.register(DESK).code == 200
