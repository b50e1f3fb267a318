# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import e164, formats, identity
from kemi_routing.model import Verdict

OWNER = "42073723123"


@pytest.mark.parametrize("header", [
    "<sip:42073723123@carrier.example>",
    "<sip:+42073723123@carrier.example>;tag=1",
    "sip:42073723123@carrier.example;tag=1",
    "<tel:+420-737-231-23;phone-context=x>", "<sip:42073723123@x;user=phone>",
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
    # a local number of somewhere else
    "<tel:42073723123;phone-context=+1>", "<tel:42073723123;Phone-Context = carrier.example>",
    "<sip:42073723123;phone-context=+1@carrier.example;user=phone>",
    "<tel:42073723123;isub=1;phone-context>", "<sip:42073723123@x;phone-context=+1>",
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


@pytest.mark.parametrize(("context", "number"), [
    ("+420", OWNER), ("+1", None), ("carrier.example", None), ("", None)])
def test_a_local_number_is_one_of_the_country_that_the_trunk_writes_so(
        context: str, number: str | None) -> None:
    told = f"<tel:73723123;phone-context={context}>"
    assert identity.number_of(told, formats.read("national 420")) == number


@pytest.mark.parametrize(("uri", "forwarded"), [
    ("sip:42027777101@x", False), ("sip:42027777101@x;cause=302", True),
    ("sip:42027777101;CAUSE=302@x", True), ("sip:42027777101@x; cause", True),
    ("sip:because=1@x;causes=1", False)])
def test_a_request_uri_tells_that_the_call_was_forwarded(uri: str, *, forwarded: bool) -> None:
    assert identity.has_cause(uri) is forwarded


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


@pytest.mark.parametrize(("written", "sent"), [
    ("", "id"), ("none", "id"), ("id", "id"), ("user", "id;user"),
    ("user; critical", "critical;id;user"), (" Header ;SESSION", "header;id;session"),
    (identity.UNREADABLE, "id"), ("history\r\nX: y", "id"),
])
def test_who_is_anonymous_asks_that_nobody_outside_is_told(written: str, sent: str) -> None:
    assert identity.private(written) == sent
    assert identity.private(sent) == sent


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


A, B, C = "42027777100", "42073723123", "49115234567"


@pytest.mark.parametrize(("diversion", "history", "diverters"), [
    ("", "", ()),
    (f"<sip:+{B}@carrier.example>;reason=unconditional", "", (B,)),
    (f"sip:{B}@carrier.example;reason=unconditional", "", (B,)),
    (f'"B, mobile" <tel:+{B}>;reason="user, busy", <sip:{A}@x>;counter=2', "", (B, A)),
    (f"<sip:{B}@x>,<sip:anonymous@anonymous.invalid>,<sip:{A}@x>", "", (B, A)),
    (f"<sip:{B}@x>,<sip:{A}@x>,<sip:+{B}@y>", "", (B, A)),
    (identity.UNREADABLE, identity.UNREADABLE, ()),
    # the dialled number alone, or only on its way through a network
    ("", f"<sip:{A}@x>;index=1", ()),
    ("", f"<sip:{A}@x;cause=302>;index=1", ()),
    ("", f"<sip:+{A}@x>;index=1, <sip:{A}@y>;index=1.1;rc=1, <tel:{A}>;index=1.1.1;np=1.1", ()),
    # B forwards to A, by whoever's way of writing it
    ("", f"<sip:{B}@x>;index=1, <sip:{A}@x;cause=302>;index=1.1;mp=1", (B,)),
    ("", f"<sip:{B}@x?Reason=SIP%3Bcause%3D486>;index=1, <sip:{A}@x>;index=1.1", (B,)),
    ("", f"<sip:{B}@x>, <sip:{A}@x>", (B,)),
    ("", f"<sip:{B}@x>;index=9, <sip:{A}@x>;index=4.1", (B,)),
    ("", f"<sip:{C}@x>;index=1,<sip:{B}@x>;index=1.1;mp=1,<sip:{A}@x>;INDEX = 1.1.1", (B, C)),
    # C was only rung before the call came here
    ("", f"<sip:{B}@x>;index=1,<sip:{C}@x>;index=1.1,<sip:{A}@x>;index=1.2;mp=1", (B,)),
    # it was here before
    ("", f"<sip:{A}@x>;index=1,<sip:{B}@x>;index=1.1,<sip:{A}@x>;index=1.1.1", (B, A)),
    ("", f"<sip:{B}@x>;index=1, <sip:jana@x>;index=1.1, <sip:{A}@x>;index=1.1.1", (B,)),
    (f"<sip:{B}@x>", f"<sip:{C}@x>;index=1,<sip:{B}@x>;index=1.1,<sip:{A}@x>;index=1.1.1", (B, C)),
])
def test_the_numbers_that_diverted_a_call(
        diversion: str, history: str, diverters: tuple[str, ...]) -> None:
    assert identity.diverters(diversion, history) == diverters


@pytest.mark.parametrize(("history", "index"), [
    ("", ""),
    (" , ", ""),
    (FIRST, "1"),
    (f"{FIRST}, <sip:42073723123@carrier.example>; Index = 1.12 ;mp=1", "1.12"),
    (f"{FIRST}, <sip:42073723123@carrier.example;index=7>", ""),
    (f"{FIRST};index=<1>", ""),
    ("<sip:a@b>;index=1.1.", ""),
    ("<sip:a@b>;index=1234", ""),
    (f"<sip:a@b>;index={'1.' * 21}1", ""),
    (identity.UNREADABLE, ""),
])
def test_the_index_of_the_last_entry(history: str, index: str) -> None:
    assert identity.history_index(history) == index


def test_a_history_of_thousands_of_entries_costs_no_more_than_a_call_may_have_hops() -> None:
    entries = [f"<sip:{4200000000 + at}@x>;index={at}" for at in range(3000)]
    assert len(identity.diverters("", ",".join(entries))) == 69


TEL = "<tel:+42073723123;verstat="


@pytest.mark.parametrize(("text", "verdict"), [
    (f"{TEL}TN-Validation-Passed>", Verdict.ATTESTED),
    (f"{TEL}TN-Validation-Passed-A>", Verdict.ATTESTED),
    (f"{TEL}tn-validation-passed>", Verdict.ATTESTED),
    ("<sip:+42073723123;verstat=TN-Validation-Passed@x;user=phone>", Verdict.ATTESTED),
    ('"J" <sip:+42073723123@x;verstat=TN-Validation-Passed>', Verdict.ATTESTED),
    ("TN-Validation-Passed-A", Verdict.ATTESTED),
    (" A ", Verdict.ATTESTED),
    ("verstat=TN-Validation-Passed; attest=A", Verdict.ATTESTED),
    ("verstat=TN-Validation-Passed;attest=B", Verdict.NONE),
    (f"{TEL}TN-Validation-Passed-B>", Verdict.NONE),
    ("TN-Validation-Passed-C", Verdict.NONE),
    ("B", Verdict.NONE),
    ("", Verdict.NONE),
    ("yes", Verdict.NONE),
    ("<tel:+42073723123>", Verdict.NONE),
    (f"{TEL}No-TN-Validation>", Verdict.NONE),
    (f"{TEL}TN-Validation-Passed>, {TEL}No-TN-Validation>", Verdict.NONE),
    (f"{TEL}TN-Validation-Failed>", Verdict.FAILED),
    (f"{TEL}TN-Validation-Failed-A>", Verdict.FAILED),
    (f"{TEL}TN-Validation-Passed>,{TEL}TN-Validation-Failed-C>", Verdict.FAILED),
    (identity.UNREADABLE, Verdict.FAILED),
    # a stranger's display name
    ('"x;verstat=TN-Validation-Passed" <sip:eve@x>', Verdict.NONE),
    ("x;verstat=TN-Validation-Passed <sip:eve@x>", Verdict.NONE),
    ("<sip:eve@x>, x;verstat=TN-Validation-Passed <sip:eve@x>", Verdict.NONE),
    ("<sip:eve@x;note=verstat=TN-Validation-Passed>", Verdict.NONE),
])
def test_what_a_trunk_reports_of_the_number(text: str, verdict: Verdict) -> None:
    assert identity.verdict(text) is verdict


@given(st.text(), st.text())
def test_hostile_text_is_no_identity(text: str, other: str) -> None:
    assert e164.is_number(identity.number_of(text) or OWNER)
    assert identity.is_anonymous(text, other) in (True, False)
    assert identity.is_retargeted(other) in (True, False)
    assert all(map(e164.is_number, identity.diverters(text, other)))
    assert set(identity.history_index(text)) <= set("0123456789.")
    assert identity.verdict(text) is not Verdict.ATTESTED or "A" in text.upper()


@given(st.text().map(lambda name: name.replace("\\", "\\\\").replace('"', '\\"')))
def test_no_display_name_changes_the_number(name: str) -> None:
    assert identity.number_of(f'"{name}" <sip:{OWNER}@carrier.example>') == OWNER
    assert identity.number_of(f'"{name}" <sip:eve@carrier.example>') is None
