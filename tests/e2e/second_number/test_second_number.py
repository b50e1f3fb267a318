# SPDX-License-Identifier: GPL-2.0-or-later
"""Second number 42027777100 of the mobile 42073723123."""

import pytest

from tests.support.caller import Dialling
from tests.support.phones import answer, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import (
    DOMAIN,
    FROM_TRUNK,
    PAI_TRUNK,
    PASSWORD,
    SILENT_TRUNK,
    STRANGER,
    Situation,
)

NUMBER, MOBILE, CALLER = "42027777100", "42073723123", "42075553333"
ANONYMOUS = "anonymous@anonymous.invalid"

TRUSTED = [
    (PAI_TRUNK, Dialling(NUMBER, MOBILE, asserted=MOBILE)),
    (PAI_TRUNK, Dialling(NUMBER, "+" + MOBILE, asserted="+" + MOBILE)),
    (PAI_TRUNK, Dialling(NUMBER, CALLER, asserted=MOBILE)),
    (FROM_TRUNK, Dialling(NUMBER, MOBILE)),
]
CLAIMED = [
    (PAI_TRUNK, Dialling(NUMBER, MOBILE)),
    (SILENT_TRUNK, Dialling(NUMBER, MOBILE)),
    (SILENT_TRUNK, Dialling(NUMBER, MOBILE, asserted=MOBILE)),
    (PAI_TRUNK, Dialling(NUMBER, MOBILE, asserted=MOBILE, headers=("Privacy: id",))),
    (PAI_TRUNK, Dialling(NUMBER, ANONYMOUS, asserted=MOBILE)),
    (PAI_TRUNK, Dialling(NUMBER, MOBILE, headers=("X-Followme-Pin: open", "x-followme-grade: A"))),
]
DIVERTED = f"<sip:{MOBILE}@carrier.example>;reason=unconditional"
RETARGETED = (
    "<sip:42073723123@carrier.example>;index=1,"
    "<sip:42027777100@carrier.example;cause=302>;index=1.1"
)
ORDINARY = [
    (PAI_TRUNK, Dialling(NUMBER, CALLER, asserted=CALLER)),
    (PAI_TRUNK, Dialling(NUMBER, MOBILE, asserted=MOBILE, headers=(f"Diversion: {DIVERTED}",))),
    (FROM_TRUNK, Dialling(NUMBER, MOBILE, headers=(f"History-Info: {RETARGETED}",))),
    (PAI_TRUNK, Dialling(NUMBER, "1" + MOBILE, asserted="1" + MOBILE)),
    (PAI_TRUNK, Dialling(NUMBER, MOBILE[3:], asserted=MOBILE[3:])),
]


@pytest.mark.parametrize(("via", "dialling"), TRUSTED)
def test_the_owner_with_a_trusted_identity_gets_in_without_a_pin(
    situation: Situation, via: int, dialling: Dialling
) -> None:
    mobile = situation.outside_phone(MOBILE, ring())
    media = situation.media_server()

    heard = situation.dial(dialling, via=via).outcome()

    assert heard.code == 200
    assert mobile.invites == []
    assert _access(situation, media.invites[0].uri) == NUMBER
    assert media.invites[0]["X-Followme-Grade"] == "B"
    assert media.invites[0]["X-Followme-Pin"] == "open"
    assert media.invites[0]["X-Followme-Account"] == NUMBER


@pytest.mark.parametrize(("via", "dialling"), CLAIMED)
def test_an_identity_that_is_only_claimed_is_asked_for_the_pin(
    situation: Situation, via: int, dialling: Dialling
) -> None:
    media = situation.media_server()

    heard = situation.dial(dialling, via=via).outcome()

    assert heard.code == 200
    assert _access(situation, media.invites[0].uri) == NUMBER
    assert media.invites[0].all("X-Followme-Grade") == ["D"]
    assert media.invites[0].all("X-Followme-Pin") == ["ask"]


@pytest.mark.parametrize(("via", "dialling"), ORDINARY)
def test_everybody_else_rings_the_mobile(
    situation: Situation, via: int, dialling: Dialling
) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    media = situation.media_server()

    heard = situation.dial(dialling, via=via).outcome()

    assert heard.code == 200
    assert media.invites == []
    assert mobile.invites[0].caller_number == NUMBER
    assert mobile.invites[0]["P-Asserted-Identity"] == f"<sip:{NUMBER}@{DOMAIN}>"


def test_the_mobile_rings_out_and_voicemail_answers(situation: Situation) -> None:
    mobile = situation.outside_phone(MOBILE, ring())
    media = situation.media_server()

    heard = situation.call(NUMBER, CALLER)

    assert mobile.rang_s == pytest.approx(2, abs=0.2)
    assert media.invites[0].uri == situation.voicemail_uri(NUMBER, cause=408)
    assert media.invites[0].header("X-Followme-Pin") is None
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)


def test_the_same_from_of_a_stranger_is_refused(situation: Situation) -> None:
    mobile = situation.outside_phone(MOBILE, ring())
    media = situation.media_server()
    forged = Dialling(NUMBER, MOBILE, asserted=MOBILE, headers=("X-Followme-Pin: open",))

    heard = situation.dial(forged, via=STRANGER).outcome()

    assert heard.code == 403
    assert mobile.invites + media.invites == []


def test_the_owners_registered_line_gets_in_with_grade_a(situation: Situation) -> None:
    media = situation.media_server()
    home = Dialling(NUMBER, f"petr-home@{DOMAIN}", credentials=("petr-home", PASSWORD))

    heard = situation.dial(home, via=STRANGER).outcome()

    assert heard.code == 200
    assert _access(situation, media.invites[0].uri) == NUMBER
    assert media.invites[0]["X-Followme-Grade"] == "A"
    assert media.invites[0]["X-Followme-Pin"] == "open"


@pytest.mark.parametrize(
    ("flags", "rings_mobile"), [((), False), (("--anonymous",), False), (("--diverted",), True)]
)
def test_explain_tells_the_same(
    situation: Situation, flags: tuple[str, ...], rings_mobile: bool
) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    situation.media_server()
    headers = {"--anonymous": ("Privacy: id",), "--diverted": (f"Diversion: {DIVERTED}",)}
    sent = tuple(header for flag in flags for header in headers[flag])

    heard = situation.dial(Dialling(NUMBER, MOBILE, asserted=MOBILE, headers=sent)).outcome()

    assert bool(mobile.invites) == rings_mobile
    assert_as_explained(situation.explain(NUMBER, MOBILE, flags=flags), situation, heard)


def _access(situation: Situation, uri: str) -> str:
    """The number whose mailbox is opened; the whole URI when it is something else."""
    return NUMBER if uri == situation.mailbox_uri(NUMBER) else uri
