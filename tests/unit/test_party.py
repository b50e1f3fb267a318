# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing import party
from kemi_routing.party import MOST, Where, Whose, is_at, is_before, passed, remembered, where

PHONE = Where("desk@192.168.1.10:5060", "192.168.1.10")
FLOW = "203.0.113.5:40123"
GATEWAY = Where("x@192.0.2.40", "192.0.2.40")


@pytest.mark.parametrize(("text", "expected"), [
    ("sip:desk@192.168.1.10:5060", PHONE),
    ("<sip:desk@192.168.1.10:5060;transport=tcp>;q=0.5", PHONE),
    ('"x <sip:a@b>" <sip:desk@192.168.1.10:5060>', PHONE),
    ('Jana <SIPS:desk@192.168.1.10:5060?a=b>', PHONE),
    ("sip:desk@192.168.1.10:5060;alias=203.0.113.5~40123~2",
     Where("desk@192.168.1.10:5060", "192.168.1.10", FLOW)),
    ("sip:a@192.0.2.40:5;x;MADDR=[2001:DB8::1];maddr=b?c",
     Where("a@192.0.2.40:5;maddr=[2001:db8::1];maddr=b", "192.0.2.40")),
    ("<sip:GW.example.net>", Where("@gw.example.net", "gw.example.net")),
    ("sip:a;b=c@[2001:DB8::1]:5", Where("a;b=c@[2001:db8::1]:5", "2001:db8::1")),
    ("sip:a@[2001:DB8:0::01]:5;maddr=[2001:db8:0:0::2];alias=[2001:db8:0:0:0:0:0:9]~5060~1",
     Where("a@[2001:db8::1]:5;maddr=[2001:db8::2]", "2001:db8::1", "[2001:db8::9]:5060")),
    ("sip:a@192.0.2.40, sip:b@192.0.2.41", Where("a@192.0.2.40", "192.0.2.40")),
])  # fmt: skip
def test_where_a_uri_leads(text: str, expected: Where) -> None:
    assert where(text) == expected


@pytest.mark.parametrize("text", [
    "", "*", "tel:+42027777100", "sip:", "sip:a@", "sip:a b@192.0.2.1", "sip:a@192.0.2.1:",
    "sip:a@192.0.2.1 x", "sip:a@192.0.2.1:123456", "sip:a@é",
    f"<sip:{'a' * 2000}@192.0.2.1>"])
def test_what_is_not_understood_leads_nowhere(text: str) -> None:
    assert where(text) is None


def test_the_hosts_of_a_uri_are_its_own_and_those_that_stand_for_it() -> None:
    assert PHONE.hosts == ("192.168.1.10",)
    assert Where("a@b", "b", "[2001:db8::1]:5").hosts == ("b", "2001:db8::1")
    assert Where("a@b;maddr=[2001:db8::1];maddr=c", "b").hosts == ("b", "2001:db8::1", "c")


class TestASide:
    def test_is_where_it_said(self) -> None:
        known = remembered("", "a", PHONE, FLOW, Whose.OTHERS)
        assert is_at(known, "a", PHONE, ())
        assert not is_at(known, "b", PHONE, ())
        assert not is_at(known, "a", GATEWAY, ())
        assert not is_at("", "a", PHONE, ())

    @pytest.mark.parametrize(("flow", "expected"), [(FLOW, True), ("203.0.113.6:40123", False)])
    def test_has_the_alias_of_its_flow_only(self, flow: str, *, expected: bool) -> None:
        known = remembered("", "a", PHONE, FLOW, Whose.OTHERS)
        assert is_at(known, "a", Where(PHONE.target, PHONE.host, flow), ()) is expected

    def test_that_names_its_alias_is_at_that(self) -> None:
        said = Where(PHONE.target, PHONE.host, FLOW)
        known = remembered("", "a", said, "127.0.0.1:5060", Whose.OTHERS)
        assert is_at(known, "a", said, ())

    @pytest.mark.parametrize("ours", [True, False])
    def test_leads_to_our_server_only_if_it_is_that(self, *, ours: bool) -> None:
        known = remembered("", "a", GATEWAY, FLOW, Whose.OURS if ours else Whose.OTHERS)
        assert is_at(known, "a", GATEWAY, {GATEWAY.host}) is ours

    def test_may_move_and_go_back(self) -> None:
        known = remembered("", "b", GATEWAY, FLOW, Whose.OTHERS)
        moves = [Where(f"a@192.0.2.{last}", f"192.0.2.{last}") for last in range(MOST + 1)]
        for each in (*moves, moves[-1]):
            known = remembered(known, "a", each, FLOW, Whose.OTHERS)
        assert [is_at(known, "a", each, ()) for each in moves] == [False] + [True] * MOST
        assert is_at(known, "b", GATEWAY, ())
        assert len(known.split("\n")) == MOST + 1

    @pytest.mark.parametrize("tag", ["a b", ""])
    def test_that_breaks_the_lines_is_not_remembered(self, tag: str) -> None:
        assert remembered("x", tag, PHONE, FLOW, Whose.OTHERS) == "x"


def test_there_are_so_many_sides_at_most() -> None:
    known = ""
    for each in range(100):
        known = remembered(known, f"tag-{each}", PHONE, FLOW, Whose.OTHERS)
    assert len(known.split("\n")) == 21
    assert is_at(known, "tag-99", PHONE, ())


@pytest.mark.parametrize(("tags", "expected"), [
    ("", True), ("a", True), ("ab", True), ("aba", True), ("abc", False)])
def test_a_third_side_is_noticed(tags: str, *, expected: bool) -> None:
    known = passed("", "a", GATEWAY)
    for tag, said in zip(tags, (PHONE, GATEWAY, GATEWAY), strict=False):
        known = remembered(known, tag, said, FLOW, Whose.OTHERS)
    assert party.is_of_two(known) is expected


def test_a_proxy_stands_before_one_side_and_is_none() -> None:
    known = passed("", "a", GATEWAY)
    for each in (known, remembered(known, "a", PHONE, FLOW, Whose.OTHERS)):
        assert is_before(each, "a", GATEWAY)
        assert not is_before(each, "b", GATEWAY)
        assert not is_before(each, "a", PHONE)
        assert not is_at(each, "a", GATEWAY, ())


class TestALine:
    FROM = "192.168.1.10:40123"

    @pytest.mark.parametrize(("target", "expected"), [
        ("desk@192.168.1.10:5060", True), ("desk@192.0.2.66", False),
        ("desk@192.168.1.10;maddr=192.0.2.66", False)])
    def test_is_where_it_sends_from(self, target: str, *, expected: bool) -> None:
        said = Where(target, target.partition("@")[2].partition(":")[0].partition(";")[0])
        known = remembered("", "a", said, self.FROM, Whose.LINE)
        assert is_at(known, "a", said, ()) is expected

    @pytest.mark.parametrize(("by_proxy", "asked", "expected"), [
        (True, PHONE, True), (False, PHONE, False),
        (False, Where(PHONE.target, PHONE.host, FLOW), True)])
    def test_is_reached_by_its_alias_or_a_proxy(
            self, asked: Where, *, by_proxy: bool, expected: bool) -> None:
        known = remembered("", "a", PHONE, FLOW, Whose.LINE)
        assert is_at(known, "a", asked, (), by_proxy=by_proxy) is expected

    @pytest.mark.parametrize(("was", "expected"), [(Whose.LINE, False), (Whose.OURS, True)])
    def test_stays_one_when_it_moves(self, was: Whose, *, expected: bool) -> None:
        known = remembered("", "a", PHONE, FLOW, was)
        assert is_at(remembered(known, "a", GATEWAY, FLOW), "a", GATEWAY, ()) is expected


def test_what_is_long_is_kept_short() -> None:
    tag, said = "t" * 4000, Where(f"{'u' * 1900}@192.0.2.9", "192.0.2.9")
    known = passed(remembered("", tag, said, FLOW, Whose.LINE), tag, said)
    assert len(known) < 300
    assert is_before(known, tag, said)
    assert not is_before(known, tag + "t", said)
    assert is_at(remembered(known, tag, said, "192.0.2.9:1"), tag, said, ())


def test_the_end_of_a_call_is_no_side() -> None:
    known = remembered("", "a", PHONE, FLOW, Whose.LINE)
    assert not party.is_over(known)
    assert party.is_over(party.ended(known))
    assert party.is_of_two(remembered(party.ended(known), "b", PHONE, FLOW, Whose.LINE))


class TestWhoMaySpeak:
    GATEWAYS, ELSEWHERE = "192.0.2.40", "192.0.2.66"

    @pytest.mark.parametrize(("tag", "whose", "address", "ours", "expected"), [
        ("a", Whose.OURS, GATEWAYS, False, True), ("a", Whose.OURS, ELSEWHERE, False, False),
        ("a", Whose.OURS, ELSEWHERE, True, True), ("a", Whose.LINE, ELSEWHERE, False, True),
        ("a", Whose.OTHERS, ELSEWHERE, False, True), ("b", Whose.LINE, GATEWAYS, True, None)])
    def test_in_the_name_of_a_side(
            self, tag: str, whose: Whose, address: str, *, ours: bool, expected: bool | None,
            ) -> None:  # fmt: skip
        known = remembered("", "a", PHONE, f"{self.GATEWAYS}:5060", whose)
        assert party.may_speak(known, tag, address, ours=ours) is expected


def test_who_did_not_answer_is_no_side_any_more() -> None:
    known = ""
    for tag in ("a", "b", "c"):
        known = passed(remembered(known, tag, PHONE, FLOW, Whose.OTHERS), tag, GATEWAY)
    known = party.only(party.ended(known), ("a", "c"))
    for tag, expected in (("a", True), ("b", False), ("c", True)):
        assert is_at(known, tag, PHONE, ()) is expected
        assert is_before(known, tag, GATEWAY) is expected
    assert party.is_over(known)


@pytest.mark.parametrize(("whose", "expected"), [(Whose.OURS, True), (Whose.LINE, False)])
def test_a_side_is_ours_or_not(whose: Whose, *, expected: bool) -> None:
    known = remembered("", "a", PHONE, FLOW, whose)
    assert (party.is_ours(known, "a"), party.is_ours(known, "b")) == (expected, False)


@pytest.mark.parametrize(("host", "expected"), [
    ("192.0.2.7", True), ("192.0.2.40", False)])
def test_who_sends_from_inside_is_reached_there(host: str, *, expected: bool) -> None:
    said = Where("x@192.0.2.7", "192.0.2.7")
    known = remembered("", "a", said, f"{host}:5060", Whose.OTHERS)
    assert is_at(known, "a", said, {"192.0.2.7"}) is expected


def test_what_nobody_can_print_is_kept_as_what_can() -> None:
    tag, said = "\0\n\xff", Where("a\0b@192.0.2.9", "192.0.2.9")
    known = remembered("", tag, said, FLOW, Whose.OTHERS)
    assert known.count("\n") == 0
    assert known.isprintable()
    assert is_at(known, tag, said, ())
