# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing import contact

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


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert contact.all_at("2001:db8::1", "<sip:desk@[2001:DB8::1]:5060>")
    assert not contact.all_at("2001:db8::1", "<sip:desk@[2001:db8::2]>")
