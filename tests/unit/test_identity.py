# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import e164, identity

OWNER = "42073723123"


@pytest.mark.parametrize("header", [
    "<sip:42073723123@carrier.example>",
    "<sip:+42073723123@carrier.example>;tag=1",
    "sip:42073723123@carrier.example;tag=1",
    "<tel:+420-737-231-23;phone-context=x>",
    "tel:+42073723123",
    "<SIPS:42073723123@carrier.example>",
    "< sip:42073723123@carrier.example>",
    '"Jana, at home" <sip:42073723123@carrier.example>',
    r'"Jana \"<tel:+49115234567>\"" <sip:42073723123@carrier.example>',
    "Jana <sip:42073723123;isub=1@carrier.example>",
    "<sip:jana@carrier.example>, <tel:+42073723123>",
    '"J" <sip:jana@carrier.example> , "J" <tel:+42073723123>',
    "<tel:+42073723123>, <tel:+49115234567>",
])
def test_the_number_of_an_identity_header(header: str) -> None:
    assert identity.number_of(header) == OWNER


@pytest.mark.parametrize("header", [
    "", "42073723123", "<sip:jana@42073723123>", "<sip:carrier.example>",
    "<mailto:42073723123>", identity.UNREADABLE,
    "<sip:0042073723123@carrier.example>", "<sip:42073723123:secret@carrier.example>",
    "<sip:42073723123%00@carrier.example>", "<sip:42073723123$ru@carrier.example>",
    f"<sip:{OWNER}{'0' * 64}@carrier.example>",
    # a stranger whose own words look like the owner's URI
    '"sip:42073723123@carrier.example" <sip:eve@carrier.example>',
    '"<tel:+42073723123>," <sip:eve@carrier.example>',
    r'"\"<tel:+42073723123>" <sip:eve@carrier.example>',
    '"<tel:+42073723123>',
    "<sip:eve@carrier.example>;x=tel:+42073723123",
    "<sip:eve@carrier.example>;x=<tel:+42073723123>",
    "<sip:eve@carrier.example;x=tel:+42073723123>",
    "<sip:eve@carrier.example?From=tel:+42073723123>",
    "<sip:eve,tel:42073723123@carrier.example>",
    "sip:eve,tel:42073723123@carrier.example",
    "tel:eve <sip:eve@carrier.example>",
    "<sip:eve>,<tel:+42073723123>@carrier.example",
])
def test_a_header_without_a_number_of_its_own(header: str) -> None:
    assert identity.number_of(header) is None


PLAIN = "sip:42075553333@carrier.example"


@pytest.mark.parametrize(("sender", "privacy", "anonymous"), [
    (PLAIN, "", False),
    (PLAIN, "none", False),
    (PLAIN, "history", False),
    (PLAIN, "id", True),
    (PLAIN, "ID", True),
    (PLAIN, "none, user", True),
    (PLAIN, "history; header", True),
    (PLAIN, "session", True),
    (PLAIN, "critical", True),
    (PLAIN, identity.UNREADABLE, True),
    ("sip:anonymous@anonymous.invalid", "", True),
    ("sip:Anonymous@carrier.example", "", True),
    ("sips:anonymous@carrier.example", "", True),
    ("sip:42075553333@Anonymous.Invalid", "", True),
    ("sip:not-anonymous@carrier.example", "", False),
    ("", "", False),
])
def test_who_asks_for_privacy(sender: str, privacy: str, anonymous: bool) -> None:
    assert identity.is_anonymous(sender, privacy) is anonymous


FIRST = "<sip:42027777100@followme.local>;index=1"


@pytest.mark.parametrize(("history", "retargeted"), [
    ("", False),
    (FIRST, False),  # where the call was first sent
    (f"{FIRST}, <sip:42073723123@carrier.example>;index=1.1", True),
    (f"{FIRST}, <sip:42073723123@carrier.example>; INDEX = 1.1", True),
    (f"{FIRST};mp=1", True),
    (f"{FIRST} ; rc = 1", True),
    ("<sip:42027777100@followme.local;cause=302>;index=1", True),
    ("<sip:42027777100@followme.local?Reason=SIP%3Bcause%3D486>;index=1", True),
    ("<sip:42027777100@followme.local?Reason=SIP%3bcause%3d486>;index=1", True),
    (identity.UNREADABLE, True),
])
def test_whether_a_call_was_forwarded_before(history: str, retargeted: bool) -> None:
    assert identity.is_retargeted(history) is retargeted


@given(st.text(), st.text())
def test_hostile_text_is_no_identity(text: str, other: str) -> None:
    assert e164.is_number(identity.number_of(text) or OWNER)
    assert identity.is_anonymous(text, other) in (True, False)
    assert identity.is_retargeted(other) in (True, False)


@given(st.text().map(lambda name: name.replace("\\", "\\\\").replace('"', '\\"')))
def test_no_display_name_changes_the_number(name: str) -> None:
    assert identity.number_of(f'"{name}" <sip:{OWNER}@carrier.example>') == OWNER
    assert identity.number_of(f'"{name}" <sip:eve@carrier.example>') is None
