# SPDX-License-Identifier: GPL-2.0-or-later
from collections import Counter

import pytest

from kemi_routing.errors import InvalidValue
from kemi_routing.hops import Hop, address, choose, place, port_of, transport_of

ONE, TWO, THREE, SPARE = Hop("a:1"), Hop("b:1", weight=3), Hop("c:1"), Hop("s:1", priority=2)
GROUP = (SPARE, ONE, TWO, THREE)


@pytest.mark.parametrize(("text", "at", "host"), [
    ("192.0.2.1:05060", "192.0.2.1:5060", "192.0.2.1"),
    ("GW.example.net:1", "gw.example.net:1", "gw.example.net"),
    ("[2001:DB8:0::01]:65535", "[2001:db8::1]:65535", "2001:db8::1"),
    ("3com:1", "3com:1", "3com"), ("_sbc.1-2.example:1", "_sbc.1-2.example:1", "_sbc.1-2.example"),
])
def test_where_a_hop_is(text: str, at: str, host: str) -> None:
    assert (address(text), Hop(address(text)).host) == (at, host)


@pytest.mark.parametrize(("text", "at", "transport"), [
    ("192.0.2.1:05060", "192.0.2.1:5060", "udp"),
    ("192.0.2.1:5060;transport=udp", "192.0.2.1:5060", "udp"),
    ("GW.example:5060;Transport=TCP", "gw.example:5060;transport=tcp", "tcp"),
    ("[2001:DB8:0::1]:5060;transport=tls", "[2001:db8::1]:5060;transport=tls", "tls"),
])
def test_how_a_hop_is_spoken_to(text: str, at: str, transport: str) -> None:
    assert place(text) == place(at) == at
    assert (transport_of(at), port_of(at), Hop(at).host) == (
        transport, 5060, address(text.partition(";")[0]).removesuffix(":5060").strip("[]"))


@pytest.mark.parametrize("text", [
    "192.0.2.1:5061;", "192.0.2.1:5061;transport=", "192.0.2.1:5061;transport=sctp",
    "192.0.2.1:5061;lr", "192.0.2.1:5061;transport=tls;lr", "192.0.2.1:5061;transport=tls\r\n",
    "[2001:db8::1]:5061;tcp"])
def test_how_no_hop_is_spoken_to(text: str) -> None:
    with pytest.raises(InvalidValue, match="write host:port"):
        place(text)


@pytest.mark.parametrize(("text", "right_form"), [
    ("192.0.2.1", "write 192.0.2.1:5060"), ("sbc.example", "write sbc.example:5060"),
    ("", "write host:port: 192.0.2.1:5060"),
    (":5060", "write host:port"), ("gw example:5060", "write host:port"),
    ("gw;lr:5060", "write host:port"), ("jana@192.0.2.1:5060", "write host:port"),
    ("192.0.2.300:5060", "write host:port"), ("127.1:5060", "write host:port"),
    ("2001:db8::1:5060", "write host:port"), ("[192.0.2.1]:5060", "write host:port"),
    ("[fe80::1%lo]:5060", "write host:port"), ("[gw.example]:5060", "write host:port"),
    ("gw..example:5060", "write host:port"), ("gw.example.:5060", "write host:port"),
    (f"{'a' * 64}.example:5060", "write host:port"),
    (f"{'a.' * 31}example:5060", "write host:port"),
    (f"{'a' * 63 + '.'}{'b' * 63 + '.'}{'c' * 63 + '.'}{'d' * 62}:5060", "write host:port"),
    ("192.0.2.1:sip", "'sip' is not a port; write 1 to 65535"),
    ("192.0.2.1:0", "is not a port"), ("192.0.2.1:", "is not a port"),
    ("192.0.2.1:65536", "is not a port"), ("192.0.2.1:\u0665\u0660", "is not a port"),
])
def test_where_a_hop_cannot_be(text: str, right_form: str) -> None:
    with pytest.raises(InvalidValue, match=right_form):
        address(text)


@pytest.mark.parametrize(("down", "but", "shares"), [
    ((), "", {"a:1": 20, "b:1": 60, "c:1": 20}),
    ((TWO,), "", {"a:1": 50, "c:1": 50}),
    ((), "b:1", {"a:1": 50, "c:1": 50}),
    ((TWO,), "a:1", {"c:1": 100}),
    ((ONE, TWO, THREE), "", {"s:1": 100}),
    ((ONE, TWO), "c:1", {"s:1": 100}),
    (GROUP, "", {"a:1": 20, "b:1": 60, "c:1": 20}),
])
def test_the_best_priority_in_service_shares_by_weight(
        down: tuple[Hop, ...], but: str, shares: dict[str, int]) -> None:
    hops = (choose(GROUP, lambda hop: hop not in down, draw / 100, but) for draw in range(100))
    assert Counter(hop.at for hop in hops if hop) == shares


@pytest.mark.parametrize(("group", "but", "hop"), [
    ((), "", None), ((ONE,), "", ONE), ((ONE,), "a:1", None), ((ONE, SPARE), "a:1", SPARE)])
def test_one_that_is_left_is_taken_whatever_its_health(
        group: tuple[Hop, ...], but: str, hop: Hop | None) -> None:
    assert choose(group, lambda _: False, 0, but) == hop


def test_one_whose_address_is_not_known_gets_no_branch() -> None:
    unknown, known = Hop("gw:1", named="gw:1"), Hop("192.0.2.1:1", named="gw:1", priority=9)
    assert [one.written for one in (unknown, known, ONE)] == ["gw:1", "gw:1", "a:1"]
    assert choose((unknown,), lambda _: True, 0) is None
    assert choose((unknown, known), lambda _: True, 0) == known


def test_a_draw_at_its_end_takes_the_last() -> None:
    assert choose((ONE, TWO), lambda _: True, 1.0) == TWO
