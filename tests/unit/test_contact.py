# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing import contact
from kemi_routing.errors import BadRequest

HERE = "192.0.2.51"
ACCEPTED = [
    "", "sip:192.0.2.51", "sip:desk@192.0.2.51:5062;expires=60", "<sip:desk@192.0.2.51:5060>",
    '"Jana \u017d" <sip:desk@192.0.2.51;transport=tcp;ob>;expires=3600;q=0.5',
    '<sip:a@192.0.2.51>;+sip.instance="<urn:uuid:1, 2>";reg-id=1 , Jana<SIP:b@192.0.2.51>',
    "<sip:desk@192.0.2.51:5060;line=abc>\r\n ;methods=\"INVITE, ACK\"",
]
REFUSED = [
    "*", "desk", "<sip:desk@192.0.2.52>", "sip:desk@gateway.example", "<sips:desk@192.0.2.51>",
    "<sip:192.0.2.51@192.0.2.52>", "<sip:a@192.0.2.51@192.0.2.52>", "<sip:a@192.0.2.51.example>",
    "<sip:a@192.0.2.51>, <sip:a@192.0.2.52>", "<sip:a@192.0.2.51?Route=%3Csip:192.0.2.52%3E>",
    '<sip:a@192.0.2.51>;received="sip:192.0.2.52"', "<sip:a@192.0.2.51>;Received=sip:192.0.2.52",
    "<sip:a@192.0.2.51;maddr=192.0.2.52>", "<sip:a@192.0.2.51;ob;Maddr=192.0.2.52;x=y>",
    '<sip:"@192.0.2.52>;x="@192.0.2.51>', '"a" <sip:b@192.0.2.52>" <sip:b@192.0.2.51>',
    '"<sip:b@192.0.2.52>" <sip:b@192.0.2.51>', "<sip:a@192.0.2.51> <sip:a@192.0.2.52>",
    "<tel:192.0.2.51>", "<sip:a@192.0.2.51", "a" * 60000, "sip:" + "a" * 60000,
    "<sip:a@192.0.2.51>" + ";a=b" * 9000, "<sip:a@192.0.2.51>" + " " * 1900 + "!", " a" * 1000,
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_phone_is_where_it_says(text: str) -> None:
    assert contact.all_at(HERE, text)


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_another_address_or_what_is_not_understood_is_refused(text: str) -> None:
    assert not contact.all_at(HERE, text)


@pytest.mark.parametrize(("contacts", "expires", "brief"), [
    ("", "10", False), ("sip:192.0.2.51", "", False), ("sip:192.0.2.51", "59", True),
    ("sip:192.0.2.51", "60", False), ("sip:192.0.2.51", "0", False), ("*", "10", False),
    ("<sip:192.0.2.51>;expires=59", "600", True), ("<sip:192.0.2.51>;q=1 ; Expires=1", "", True),
    ("<sip:192.0.2.51>;expires=600", "10", False), ("<sip:192.0.2.51>;expires=0", "10", False),
    ("<sip:192.0.2.51>;expires=600, <sip:192.0.2.51:5062>", " 10 ", True),
    ("<sip:192.0.2.51;expires=10>", "600", False), ("<sip:192.0.2.51>", "soon", False),
    ("<sip:192.0.2.51>;expires=600, sip:192.0.2.51:5062;expires=30", "600", True),
    ("<sip:192.0.2.51>;expires=9" + "9" * 20, "", False), ("<sip:192.0.2.51>", "\u0665x", False),
])
def test_a_registration_may_be_too_brief(contacts: str, expires: str, brief: bool) -> None:
    assert contact.is_too_brief(contacts, expires) == brief


@pytest.mark.parametrize(("vias", "address"), [
    ("SIP/2.0/UDP 192.0.2.50;branch=a,SIP/2.0/UDP 10.0.0.7:5060;branch=b", "10.0.0.7"),
    ("SIP/2.0/UDP 192.0.2.50, SIP / 2.0 / TLS [2001:DB8::7] : 5061 ;rport", "2001:db8::7"),
    ("SIP/2.0/UDP 192.0.2.50,SIP/2.0/UDP 10.0.0.7;rport=9;received=192.0.2.7", "192.0.2.7"),
    ("SIP/2.0/UDP 192.0.2.50,SIP/2.0/UDP phone.local;Received = 192.0.2.7", "192.0.2.7"),
    ("SIP/2.0/UDP 192.0.2.50,SIP/2.0/UDP phone.local", ""), ("SIP/2.0/UDP 192.0.2.50", ""),
    ("SIP/2.0/UDP 192.0.2.50,", ""), ("a,b,c", ""), ("", ""),
])
def test_where_a_proxy_saw_the_phone(vias: str, address: str) -> None:
    assert contact.behind_proxy(vias) == address


@pytest.mark.parametrize("behind", [
    ";received=203.0.113.9;received=192.0.2.7", ";received=;Received=192.0.2.7",
    ";received; received=192.0.2.7", ';x=",";received=192.0.2.7', ';x="'])
def test_a_proxy_that_let_the_phone_say_so_is_not_heard(behind: str) -> None:
    with pytest.raises(BadRequest):
        contact.behind_proxy(f"SIP/2.0/UDP 192.0.2.50,SIP/2.0/UDP 10.0.0.7{behind}")


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert contact.all_at("2001:db8::1", "<sip:desk@[2001:DB8::1]:5060>")
    assert not contact.all_at("2001:db8::1", "<sip:desk@[2001:db8::2]>")
    assert contact.all_at("2001:db8::1", "<sip:desk@[2001:db8:0:0::1]>")


NOT_UNDERSTOOD = [text for text in REFUSED if text not in {
    "<sip:desk@192.0.2.52>", "sip:desk@gateway.example", "<sip:a@192.0.2.51>, <sip:a@192.0.2.52>",
    "<sip:a@192.0.2.51.example>", "<sip:192.0.2.51@192.0.2.52>"}]


@pytest.mark.parametrize("text", [*ACCEPTED, "<sip:desk@phone.local:5060;ob>", "sip:a@192.168.1.9"])
def test_a_contact_may_name_any_host(text: str) -> None:
    assert contact.is_understood(text)


@pytest.mark.parametrize("text", NOT_UNDERSTOOD, ids=range(len(NOT_UNDERSTOOD)))
def test_a_contact_in_which_there_may_be_two_is_not_understood(text: str) -> None:
    assert not contact.is_understood(text)


@pytest.mark.parametrize(("text", "there"), [
    ("<sip:desk@192.0.2.51:5060>", True), ("sip:desk@192.0.2.51", True), ("<sip:192.0.2.51>", True),
    ("<sip:desk@192.0.2.51:5062>", False), ("<sip:desk@192.0.2.52>", False), ("", False),
    ("sip:desk@192.0.2.51:5062", False), ("<sip:desk@phone.local>", False), ("*", False),
])
def test_a_contact_names_the_source_or_not(text: str, *, there: bool) -> None:
    assert contact.is_at(text, HERE, 5060) is there


@pytest.mark.parametrize(("contacts", "via", "direct"), [
    ("<sip:a@192.0.2.51>", "SIP/2.0/UDP 192.0.2.51;branch=z", True),
    ("<sip:a@192.0.2.51:5062>", "SIP/2.0/UDP 192.0.2.51:5060,SIP/2.0/UDP 192.0.2.9", True),
    ("<sip:a@192.0.2.51>", "SIP/2.0/UDP 192.0.2.51:5062", False),
    ("<sip:a@192.0.2.51>", "SIP/2.0/UDP 192.168.1.9:5060", False),
    ("<sip:a@192.0.2.51>", "SIP/2.0/UDP phone.local", False),
    ("<sip:a@192.168.1.9>", "SIP/2.0/UDP 192.0.2.51", False), ("<sip:a@192.0.2.51>", "", False),
])
def test_a_phone_is_reached_at_its_contact_if_no_nat_is_between(
        contacts: str, via: str, *, direct: bool) -> None:
    assert contact.is_direct(contacts, via, HERE, 5060) is direct


@pytest.mark.parametrize(("text", "parts"), [
    ("<sip:42075553333@192.0.2.20>", ("sip", "42075553333", "192.0.2.20")),
    ('"J <sip:a@b>" <sips:a;b=c?d@[2001:db8::1]:5061;ob?x=y>;q=1, <sip:b@c>',
     ("sips", "a;b=c?d", "[2001:db8::1]:5061;ob?x=y")),
    ("sip:jana@192.0.2.20:5070;expires=60", ("sip", "jana", "192.0.2.20:5070")),
    ("<SIP:trunk.example;transport=tcp>", ("SIP", "", "trunk.example;transport=tcp")),
    ("sip:192.0.2.20", ("sip", "", "192.0.2.20")),
    ("", None), ("*", None), ("<tel:+42075553333>", None), ("<sip:a@b", None),
    ("<sip:a@b@c>", None), ("<sip:a b@c>", None), ("sip:", None), ("<sip:a@b\r\nX: y>", None),
    ("<sip:" + "a" * 2048 + "@b>", None), (" " * 60000, None),
])
def test_a_contact_is_taken_apart(text: str, parts: tuple[str, str, str] | None) -> None:
    assert contact.apart(text) == parts


ONE, OTHER = "<urn:uuid:1>", "<urn:uuid:2>"


@pytest.mark.parametrize(("text", "instance", "wrong"), [
    (f'<sip:a@b>;+sip.instance="{ONE}";reg-id=1', ONE, False),
    (f'<sip:a@b>;REG-ID=2147483647;+SIP.Instance="{ONE}"', ONE, False),
    ("<sip:a@b;reg-id=0>", "", False), ("<sip:a@b>", "", False), ("*", "", False), ("", "", False),
    ("<sip:a@b>;reg-id", "", True), ("<sip:a@b>;reg-id=0", "", True),
    ("<sip:a@b>;reg-id=-1", "", True), ("<sip:a@b>;reg-id=2147483648", "", True),
    ("<sip:a@b>;reg-id=" + "1" * 1000, "", True), ('<sip:a@b>;reg-id="1"', "", True)])
def test_a_contact_names_its_phone_and_numbers_its_flow(
        text: str, instance: str, *, wrong: bool) -> None:
    assert (contact.instance(text), contact.has_wrong_flow(text)) == (instance, wrong)


@pytest.mark.parametrize(("instance", "phone"), [
    ("<urn:uuid:1;flow=2>", ONE), ("urn:uuid:1;flow=12", "urn:uuid:1"), (ONE, ONE), ("", ""),
    ("<urn:uuid:1;flow=2;a>", "<urn:uuid:1;flow=2;a>")])
def test_all_flows_of_a_phone_are_of_one_phone(instance: str, phone: str) -> None:
    assert contact.phone(instance) == phone


@pytest.mark.parametrize(("bound", "coming", "most"), [
    ([], "", 3), ([], ONE, 3), (["", "", ""], "", 3), ([ONE, OTHER], "<urn:uuid:3>", 3),
    (["<urn:uuid:1;flow=1>"], "<urn:uuid:1;flow=2>", 4),
    (["<urn:uuid:1;flow=1>", "<urn:uuid:1;flow=2>"], "<urn:uuid:1;flow=3>", 4),
    (["<urn:uuid:1;flow=1>", "<urn:uuid:1;flow=2>", OTHER], "<urn:uuid:2;flow=1>", 5),
    (["<urn:uuid:1;flow=1>", ONE, "", OTHER], "", 4),
    ([f"<urn:uuid:1;flow={number}>" for number in range(9)], ONE, 4)])
def test_each_phone_counts_once(bound: list[str], coming: str, most: int) -> None:
    assert contact.most(bound, coming, 3) == most


@pytest.mark.parametrize(("contacts", "uris"), [
    (["<sip:a@b:50;x=y>;expires=60"], ["sip:a@b:50;x=y"]), (["sip:a@b;expires=60"], ["sip:a@b"]),
    (['"A" <sip:a@b> , sip:c@d', "<sip:e@f>"], ["sip:a@b", "sip:c@d", "sip:e@f"]),
    (['<sip:a@b>;+sip.instance="<urn:uuid:1>"', "<sip:c@d>"], ["sip:c@d"]), (["*"], []), ([], [])])
def test_a_phone_without_a_name_is_known_by_its_uri(contacts: list[str], uris: list[str]) -> None:
    assert contact.nameless(contacts) == uris
