# SPDX-License-Identifier: GPL-2.0-or-later
"""From host names to addresses, in RFC 3263's order."""

import pytest

from kemi_routing import targets
from kemi_routing.dns import Question, Record, Type, query
from kemi_routing.locate import (
    LONGEST_S,
    MOST_ADDRESSES,
    SHORTEST_S,
    host_of,
    locate,
    of_uri,
    place,
)
from tests.support.zone import rows, zone

ZONE = zone("""
    plain.example       A      192.0.2.1
    plain.example       A      192.0.2.2
    both.example        A      192.0.2.3
    both.example        AAAA   2001:db8::3
    service.example     A      192.0.2.99
    _sip._udp.service.example  SRV 10 60 5070 one.example
    _sip._udp.service.example  SRV 20 0 5071 two.example
    _sip._tcp.service.example  SRV 5 10 5072 two.example
    _sips._tcp.service.example SRV 1 1 5081 one.example
    one.example         A      192.0.2.11
    two.example         A      192.0.2.12
    chosen.example      NAPTR  20 10 s SIP+D2U _sip._udp.service.example
    chosen.example      NAPTR  10 10 s SIP+D2T _sip._tcp.service.example
    chosen.example      NAPTR  5 10 u E2U+sip other.example
    none.example        A      192.0.2.98
    _sip._udp.none.example     SRV 0 0 0 nowhere
    alias.example       CNAME  middle.example
    middle.example      CNAME  plain.example
    round.example       CNAME  circle.example
    circle.example      CNAME  round.example
    many.example        A      198.51.100.1
    inside.example      A      10.0.0.1
    inside.example      A      192.0.2.20
""")  # fmt: skip


def found(text: str, *families: Type, ttl_s: int = 60) -> list[str]:
    """The addresses of a place, all questions answered."""
    known: dict[Question, tuple[Record, ...]] = {}
    while (located := locate(text, known, families or (Type.A,), public)).missing:
        for one in located.missing:
            known[one] = answer(one, ttl_s)
    return [hop.at for hop in located.hops]


def answer(question: Question, ttl_s: int = 60) -> tuple[Record, ...]:
    """What the zone says, as ``dns.read`` gives it."""
    said = []
    for owner, kind, value in rows(ZONE, question.name, question.type):
        words = value.lower().split()
        numbers = {Type.SRV: words[:3], Type.NAPTR: words[:2]}.get(kind, [])
        texts = words[2:4] if kind is Type.NAPTR else []
        said.append(Record(owner, kind, ttl_s, words[-1], tuple(map(int, numbers)), tuple(texts)))
    return tuple(said)


def public(address: str) -> bool:
    return not address.startswith("10.")


@pytest.mark.parametrize(("text", "expected"), [
    ("sip:jana@Sip.Example.net", "sip.example.net"),
    ("sip:jana@sip.example.net:5070;transport=tcp", "sip.example.net:5070;transport=tcp"),
    ("sip:192.0.2.1:5060", ""), ("sip:jana@[2001:db8::1]", ""),
    ("sips:jana@example.net", "example.net;transport=tls"), ("tel:+420277771", ""),
    ("sip:pbx.example.net;lr;x=y", "pbx.example.net"), ("sip:a@b;transport=ws;lr", "b"),
    (f"sip:{'a' * 64}.example", ""), ("sip:a..b", ""), ("sip:a.", ""), ("sip:\u0661.example", ""),
    (f"sip:{'.'.join(['a' * 60] * 4)}", ""),
])  # fmt: skip
def test_the_place_that_a_uri_names(text: str, expected: str) -> None:
    assert of_uri(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("sip:jana@sip.example.net", "sip.example.net"), ("line jana-desk", ""), ("49115234567", ""),
    ("sip:jana@8.8.8.8", "")])
def test_the_place_that_a_target_names(text: str, expected: str) -> None:
    assert place(targets.parse(text)) == expected


def test_the_host_of_a_place() -> None:
    assert [*map(host_of, ("a.b", "a.b:5060", "a.b;transport=tcp"))] == ["a.b"] * 3


@pytest.mark.parametrize(("text", "expected"), [
    ("plain.example", ["192.0.2.1:5060;transport=udp", "192.0.2.2:5060;transport=udp"]),
    ("plain.example:5070", ["192.0.2.1:5070;transport=udp", "192.0.2.2:5070;transport=udp"]),
    ("plain.example;transport=tls",
     ["192.0.2.1:5061;transport=tls", "192.0.2.2:5061;transport=tls"]),
    ("service.example", ["192.0.2.11:5070;transport=udp", "192.0.2.12:5071;transport=udp",
                         "192.0.2.12:5072;transport=tcp"]),
    ("service.example;transport=tcp", ["192.0.2.12:5072;transport=tcp"]),
    ("service.example;transport=tls", ["192.0.2.11:5081;transport=tls"]),
    ("service.example:5060;transport=tcp", ["192.0.2.99:5060;transport=tcp"]),
    ("chosen.example", ["192.0.2.12:5072;transport=tcp", "192.0.2.11:5070;transport=udp",
                        "192.0.2.12:5071;transport=udp"]),
    ("none.example", ["192.0.2.98:5060;transport=udp"]),
    ("alias.example", ["192.0.2.1:5060;transport=udp", "192.0.2.2:5060;transport=udp"]),
    ("nobody.example", []),
    ("inside.example", ["192.0.2.20:5060;transport=udp"]),
])  # fmt: skip
def test_where_a_name_leads(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_both_families() -> None:
    assert found("both.example", Type.A, Type.AAAA) == [
        "192.0.2.3:5060;transport=udp", "[2001:db8::3]:5060;transport=udp"]


def test_weights_and_priorities_are_those_of_the_records() -> None:
    known = {one: answer(one) for one in (
        Question("_sip._udp.service.example", Type.SRV),
        Question("_sip._tcp.service.example", Type.SRV), Question("service.example", Type.NAPTR),
        Question("one.example", Type.A), Question("two.example", Type.A))}
    hops = locate("service.example", known, (Type.A,), public).hops
    assert [(hop.weight, hop.priority) for hop in hops] == [(60, 11), (1, 21), (10, 65542)]


def test_all_that_can_be_asked_at_once_is() -> None:
    missing = locate("plain.example", {}, (Type.A, Type.AAAA), public).missing
    assert {(one.name, one.type.name) for one in missing} == {
        ("plain.example", "NAPTR"), ("_sip._udp.plain.example", "SRV"),
        ("_sip._tcp.plain.example", "SRV"), ("plain.example", "A"), ("plain.example", "AAAA")}


def test_whatever_a_uri_names_can_be_asked_for() -> None:
    longest = ".".join(["a" * 60] * 3)
    for one in locate(of_uri(f"sip:{longest}"), {}, (Type.A,), public).missing:
        assert query(1, one)


def test_what_is_known_is_good_where_the_rest_is_not() -> None:
    known = {Question("plain.example", Type.A): answer(Question("plain.example", Type.A))}
    located = locate("plain.example", known, (Type.A,), public)
    assert len(located.missing) == 3
    assert len(located.hops) == 2


@pytest.mark.parametrize(("ttl_s", "good_s"), [(0, SHORTEST_S), (60, 60), (10**6, LONGEST_S)])
def test_how_long_it_is_good(ttl_s: int, good_s: int) -> None:
    asked = Question("plain.example", Type.A)
    assert locate("plain.example:5060", {asked: answer(asked, ttl_s)}, (Type.A,),
                  public).good_s == good_s


def test_an_alias_may_have_to_be_asked_for() -> None:
    alias = (Record("alias.example", Type.CNAME, 60, "plain.example"),)
    known = {Question("alias.example", Type.A): alias}
    located = locate("alias.example:5060", known, (Type.A,), public)
    assert located.missing == {Question("plain.example", Type.A)}


@pytest.mark.parametrize("answered", [True, False])
def test_aliases_that_go_round_lead_nowhere(*, answered: bool) -> None:
    both = (Record("round.example", Type.CNAME, 60, "circle.example"),
            Record("circle.example", Type.CNAME, 60, "round.example"))
    known = {Question(one.name, Type.A): both if answered else (one,) for one in both}
    assert locate("round.example:5060", known, (Type.A,), public) == locate(
        "round.example:5060", known, (Type.A,), public)
    assert not locate("round.example:5060", known, (Type.A,), public).hops


def test_a_name_with_many_addresses_has_the_first() -> None:
    asked = Question("many.example", Type.A)
    said = tuple(Record("many.example", Type.A, 60, f"198.51.100.{last}") for last in range(50))
    hops = locate("many.example:5060", {asked: said}, (Type.A,), public).hops
    assert len(hops) == MOST_ADDRESSES
    assert hops[0].at == "198.51.100.0:5060;transport=udp"
