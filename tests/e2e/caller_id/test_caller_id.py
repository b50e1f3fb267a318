# SPDX-License-Identifier: GPL-2.0-or-later
"""Identity, Diversion and History-Info per branch (RFC 3325, RFC 5806, RFC 7044) on the wire."""

from dataclasses import replace

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling
from tests.support.phones import answer, ring
from tests.support.situation import DOMAIN, Situation
from tests.support.trace import Message

NUMBER, CALLER, DESK, MOBILE = "42027777101", "42075553333", "jana-desk", "42073723101"
FIRST, LAST = "49301111111", "49302222222"
BEFORE = [f"<sip:{LAST}@carrier.example>;reason=user-busy", f"<sip:{FIRST}@carrier.example>"]
ENTRIES = [
    f"<sip:{FIRST}@carrier.example>;index=1, <sip:{LAST}@carrier.example>;index=1.1;mp=1",
    f"<sip:{NUMBER}@carrier.example>;index=1.1.1;mp=1.1",
]
IDENTITY = "eyJhbGciOiJFUzI1NiJ9..sig;info=<https://cert.example/p.cer>;alg=ES256"
TWICE = Dialling(NUMBER, CALLER, asserted=CALLER, headers=(
    *(f"Diversion: {value}" for value in BEFORE), *(f"History-Info: {value}" for value in ENTRIES),
    f"Identity: {IDENTITY}", f"Remote-Party-ID: <sip:{CALLER}@carrier.example>;party=calling",
))  # fmt: skip
ANONYMOUS = replace(
    TWICE, ani="anonymous@anonymous.invalid", headers=(*TWICE.headers, "Privacy: id")
)
OURS = f"<sip:{NUMBER}@{DOMAIN}>"


def diversion(reason: str) -> str:
    return f"{OURS};reason={reason};counter=1;privacy=off"


def ring_all(situation: Situation, dialling: Dialling) -> dict[str, Message]:
    """What mobile, desk, SIP phone and media server are sent by a call that voicemail takes."""
    phones = {
        "mobile": situation.outside_phone(MOBILE, ring()),
        "desk": situation.line_phone(DESK, ring()),
        "sip": situation.sip_phone("jana", ring()),
        "media": situation.media_server(answer()),
    }
    assert situation.dial(dialling).outcome().code == 200
    return {name: phone.invites[0] for name, phone in phones.items()}


def test_each_target_learns_how_the_call_came(situation: Situation) -> None:
    seen = ring_all(situation, TWICE)

    mobile, desk, sip, media = (seen[name] for name in ("mobile", "desk", "sip", "media"))
    assert mobile.all("Diversion") == [diversion("unconditional"), *BEFORE]
    assert sip.all("Diversion") == media.all("Diversion") == [diversion("no-answer"), *BEFORE]
    assert desk.all("Diversion") == BEFORE
    assert mobile.all("History-Info") == [
        *ENTRIES, f"<{mobile.uri};cause=302>;index=1.1.1.1;mp=1.1.1"]  # fmt: skip
    assert sip.all("History-Info")[:2] == desk.all("History-Info") == ENTRIES
    assert f"<{sip.uri};cause=408>;index=1.1.1." in sip.all("History-Info")[2]


def test_outside_sees_the_personal_number_and_inside_the_caller(situation: Situation) -> None:
    seen = ring_all(situation, TWICE)

    for name in ("mobile", "sip"):
        assert seen[name].caller_number == NUMBER
        assert seen[name].all("P-Asserted-Identity") == [OURS]
        assert seen[name].all("Remote-Party-ID") + seen[name].all("Identity") == []
    for name in ("desk", "media"):
        assert seen[name].caller_number == CALLER
        assert CALLER in seen[name]["P-Asserted-Identity"]
        assert seen[name].all("Identity") == [IDENTITY]


def test_nobody_learns_who_an_anonymous_caller_is(situation: Situation) -> None:
    seen = ring_all(situation, ANONYMOUS)

    for message in seen.values():
        assert message.all("Privacy") == ["id"]
        assert CALLER not in str(message.headers)
    assert seen["mobile"].caller_number == seen["sip"].caller_number == NUMBER
    assert seen["desk"]["From"].startswith("<sip:anonymous@anonymous.invalid>")
    assert seen["media"].caller_number == "anonymous"


@pytest.mark.parametrize(("dialling", "shown"), [(TWICE, CALLER), (ANONYMOUS, "anonymous")])
def test_a_carrier_that_wants_the_caller_gets_him_with_his_privacy(
    arrange: Arrangements, dialling: Dialling, shown: str
) -> None:
    profile = "from=caller pai=caller rpid=42021111111 diversion=last history=no"
    situation = arrange("2026-11-23T10:00+01:00", operator={"cli": profile})

    mobile = ring_all(situation, dialling)["mobile"]

    assert mobile.caller_number == shown
    assert CALLER in mobile["P-Asserted-Identity"]
    assert mobile.all("Identity") == [IDENTITY]
    assert mobile.all("Privacy") == [one[9:] for one in dialling.headers if "Privacy" in one]
    assert mobile.all("Remote-Party-ID") == [
        f"<sip:42021111111@{DOMAIN}>;party=calling;screen=yes;privacy=off"]  # fmt: skip
    assert mobile.all("Diversion") == [diversion("unconditional")]
    assert mobile.all("History-Info") == []
