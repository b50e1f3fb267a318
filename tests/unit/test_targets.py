# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import e164, targets
from kemi_routing.errors import InvalidValue
from kemi_routing.targets import MAILBOX, PARKING, VOICEMAIL, Kind, Target
from tests.support.strategies import HOSTILE, written_targets

IAX_TEXT = "IAX2/jana:hidden@pbx.example.com/100"


@pytest.mark.parametrize(("text", "kind", "address"), [
    ("49115234567", Kind.PSTN, "49115234567"),
    ("+420 737 231 23", Kind.PSTN, "42073723123"),
    ("(420) 737-231.23", Kind.PSTN, "42073723123"),
    ("line jana-desk", Kind.LINE, "jana-desk"),
    ("line   J.2_b", Kind.LINE, "J.2_b"),
    (f"line {'j' * 64}", Kind.LINE, "j" * 64),
    ("SIP/jana@sip.example.net", Kind.SIP, "sip:jana@sip.example.net"),
    ("SIP/jana@sip.example.net:5062", Kind.SIP, "sip:jana@sip.example.net:5062"),
    ("sip:jana@h.net:5061;transport=tls", Kind.SIP, "sip:jana@h.net:5061;transport=tls"),
    ("sip:+1~a*b@192.0.2.1:65535", Kind.SIP, "sip:+1~a*b@192.0.2.1:65535"),
    ("sip:jana@[2001:db8::1]:1", Kind.SIP, "sip:jana@[2001:db8::1]:1"),
    ("sip:jana@[2001:DB8:0::01]:1", Kind.SIP, "sip:jana@[2001:db8::1]:1"),
    ("sip:jana@1e100.net", Kind.SIP, "sip:jana@1e100.net"),
    (f"sip:{'u' * 64}@{'a' * 63}.{'b' * 63}", Kind.SIP, f"sip:{'u' * 64}@{'a' * 63}.{'b' * 63}"),
    (IAX_TEXT, Kind.IAX, "jana:hidden@pbx.example.com/100"),
    ("IAX2/jana@192.0.2.1:4569/s", Kind.IAX, "jana@192.0.2.1:4569/s"),
    ("voicemail", Kind.VOICEMAIL, ""),
    ("\tvoicemail\n", Kind.VOICEMAIL, ""),
    ("park", Kind.PARKING, ""),
    ("announcement closed", Kind.ANNOUNCEMENT, "closed"),
    ("menu  main", Kind.MENU, "main"),
    ("queue sales.2", Kind.QUEUE, "sales.2"),
    ("conference 9_all-hands", Kind.CONFERENCE, "9_all-hands"),
    ("number 42027777102", Kind.NUMBER, "42027777102"),
    ("number acme/201", Kind.NUMBER, "acme/201"),
    (f"number  {'a' * 64}/999999", Kind.NUMBER, f"{'a' * 64}/999999"),
])
def test_a_target_is_read_as_subscribers_write_it(text: str, kind: Kind, address: str) -> None:
    assert targets.parse(text) == Target(kind, address)


NUMBER_FORM, LINE_FORM = "a number \\(49115234567\\), line NAME", "line NAME, with the name"
OURS_FORM = "number 42027777101 or number ORGANISATION/EXTENSION"
SIP_FORM, IAX_FORM = "SIP/user@domain.com:5060 or", "IAX2/user:password@domain.com/number"


@pytest.mark.parametrize(("text", "right_form"), [
    ("", NUMBER_FORM),
    ("mobile", NUMBER_FORM),
    ("mailbox", NUMBER_FORM),  # decided, never written
    ("mailbox jana", NUMBER_FORM),
    ("voicemail jana", NUMBER_FORM),
    ("park 1", NUMBER_FORM),
    ("menu", NUMBER_FORM),
    ("menu main menu", NUMBER_FORM),
    ("queue -sales", NUMBER_FORM),
    (f"conference {'c' * 65}", NUMBER_FORM),
    ("tel:+42073723123", NUMBER_FORM),
    ("0042073723123", "write 42073723123"),
    ("073723123", "with its country code"),
    ("number", OURS_FORM),
    ("number +42027777102", OURS_FORM),
    ("number 201", OURS_FORM),
    ("number 042027777102", OURS_FORM),
    ("number acme/2", OURS_FORM),
    ("number acme/2000000", OURS_FORM),
    ("number acme/jana/201", OURS_FORM),
    ("number /201", OURS_FORM),
    ("line", LINE_FORM),
    ("line -desk", LINE_FORM),
    ("line jana desk", LINE_FORM),
    (f"line {'j' * 65}", LINE_FORM),
    ("sip:jana", SIP_FORM),
    ("sips:jana@example.net", SIP_FORM),
    ("SIP/jana:hidden@example.net", SIP_FORM),
    ("sip:jana@-example.net", SIP_FORM),
    ("sip:jana@example..net", SIP_FORM),
    ("sip:jana@example.net.", SIP_FORM),
    ("sip:jana@example.net:", SIP_FORM),
    ("sip:jana@example.net;transport=TLS", SIP_FORM),
    ("sip:jana@example.net;lr", SIP_FORM),
    ("sip:jana@example.net?Subject=x", SIP_FORM),
    (f"sip:{'u' * 65}@example.net", SIP_FORM),
    ("IAX2/jana@example.net", IAX_FORM),
    ("iax2/jana@example.net/1", IAX_FORM),
    ("sip:jana@example.net:0", "a port is 1 to 65535"),
    ("sip:jana@example.net:65536", "a port is 1 to 65535"),
    ("IAX2/jana@example.net:0/1", "a port is 1 to 65535"),
    ("sip:jana@999.1.2.3", "999.1.2.3 is not an IP address"),
    ("sip:jana@127.1", "127.1 is not an IP address"),
    ("sip:jana@2130706433", "2130706433 is not an IP address"),
    ("sip:jana@[:::1]", r"\[:::1\] is not an IP address"),
    ("sip:jana@[192.0.2.1]", r"\[192.0.2.1\] is not an IP address"),  # brackets are for IPv6
    ("IAX2/jana@1.2.3/1", "1.2.3 is not an IP address"),
    ("1" * 256, "at most 255 characters, not 256"),
])
def test_a_refused_target_comes_with_the_right_form(text: str, right_form: str) -> None:
    with pytest.raises(InvalidValue, match=right_form):
        targets.parse(text)


def test_255_characters_are_not_too_long() -> None:
    host = ".".join(["a" * 63] * 4)[:248]
    assert targets.parse(f"sip:ab@{host}").address == f"sip:ab@{host}"
    with pytest.raises(InvalidValue, match="at most 255"):
        targets.parse(f"sip:abc@{host}")


@given(written_targets)
def test_a_target_is_what_its_text_says(target: Target) -> None:
    assert targets.parse(target.text) == target


@given(written_targets, st.data(), HOSTILE)
def test_nothing_hostile_gets_into_a_target(
        target: Target, data: st.DataObject, hostile: str) -> None:
    place = data.draw(st.integers(1, len(target.text) - 1))
    with pytest.raises(InvalidValue):
        targets.parse(target.text[:place] + hostile + target.text[place:])


@given(st.text())
def test_whatever_is_taken_for_a_target_is_plain(text: str) -> None:
    try:
        target = targets.parse(text)
    except InvalidValue:
        return
    assert target.text.isascii()
    assert target.text.isprintable()
    assert target.kind is not Kind.PSTN or e164.is_number(target.address)


@pytest.mark.parametrize("text", [
    IAX_TEXT, "IAX2/jana:hidden@nowhere", "IAX2/jana:hidden@h:0/1", "IAX2/jana:hid@hidden@h/1",
    "iax/jana:hidden@h/1", "IAX2/jana:hidden/100", "IAX2/jana:hid\nhidden@h/1",
])
def test_an_iax_password_is_masked_whatever_else_is_wrong(text: str) -> None:
    try:
        shown = f"{targets.parse(text)} {targets.parse(text)!r}"
    except InvalidValue as error:
        shown = str(error)
    assert "jana:***" in shown
    assert "hid" not in shown


@pytest.mark.parametrize(("target", "shown"), [
    (Target(Kind.PSTN, "49115234567"), "49115234567"),
    (Target(Kind.LINE, "jana-desk"), "line jana-desk"),
    (Target(Kind.IAX, "jana@[::1]:4569/s"), "IAX2/jana@[::1]:4569/s"),
    (Target(Kind.IAX, "jana:hidden@pbx.example.com/100"), "IAX2/jana:***@pbx.example.com/100"),
    (Target(Kind.NUMBER, "acme/201"), "number acme/201"),
    (Target(Kind.MENU, "main"), "menu main"),
    (VOICEMAIL, "voicemail"),
    (PARKING, "park"),
    (MAILBOX, "mailbox"),
])
def test_a_target_is_shown_to_people(target: Target, shown: str) -> None:
    assert str(target) == repr(target) == shown


@pytest.mark.parametrize("kind", Kind)
def test_what_leaves_the_platform(kind: Kind) -> None:
    assert kind.outside is (kind in {"pstn", "sip", "iax"})


@pytest.mark.parametrize("kind", Kind)
def test_what_the_media_server_answers_at_once(kind: Kind) -> None:
    assert kind.answers is (kind not in {"pstn", "sip", "iax", "line", "number"})


@pytest.mark.parametrize(("target", "host"), [
    (Target(Kind.SIP, "sip:jana@SIP.Example.net:5060;transport=tcp"), "sip.example.net"),
    (Target(Kind.SIP, "sip:jana@[2001:DB8:0::1]:5060"), "2001:db8::1"),
    (Target(Kind.SIP, "not a uri"), ""),
    (Target(Kind.PSTN, "49115234567"), ""),
    (VOICEMAIL, ""),
])
def test_the_host_of_a_sip_target(target: Target, host: str) -> None:
    assert target.host == host


@pytest.mark.parametrize(("text", "is_name"), [
    ("j", True), ("9.J_x-", True), ("j" * 64, True),
    ("j" * 65, False), ("", False), ("-j", False), ("j\n", False), ("j j", False), ("é", False),
])
def test_the_name_of_a_line(text: str, is_name: bool) -> None:
    assert targets.is_name(text) is is_name


@pytest.mark.parametrize(("text", "is_key"), [
    ("42027777100", True), ("4202777", True), ("acme/201", True), ("a/20", True),
    ("9.A_c-me/123456", True),
    ("", False), ("420277", False), ("042027777100", False), ("+42027777100", False),
    ("acme/2", False), ("acme/1234567", False), ("acme/20a", False), ("/201", False),
    ("acme/", False), ("-acme/201", False), (f"{'a' * 65}/201", False), ("acme/201\n", False),
    ("acme/\u0662\u0660", False), ("acme/{201}", False),
])
def test_the_key_of_a_number(text: str, is_key: bool) -> None:
    assert targets.is_number_key(text) is is_key


@pytest.mark.parametrize(("address", "public"), [
    ("jana:hidden@pbx.example.com/100", "jana@pbx.example.com/100"),
    ("jana@[2001:db8::1]:4569/s", "jana@[2001:db8::1]:4569/s")])
def test_a_peer_is_told_without_its_password(address: str, public: str) -> None:
    assert Target(Kind.IAX, address).public == Target(Kind.IAX, public)
    assert Target(Kind.PSTN, "49115234567").public == Target(Kind.PSTN, "49115234567")


@pytest.mark.parametrize(("address", "host"), [
    ("jana:hidden@PBX.example.com:4569/100", "pbx.example.com"), ("jana@[0::1]/s", "::1")])
def test_the_host_of_a_peer(address: str, host: str) -> None:
    assert Target(Kind.IAX, address).host == host
