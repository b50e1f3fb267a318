# SPDX-License-Identifier: GPL-2.0-or-later
"""The media server's stand-in calls from its address, as its menu and its prompt would."""

from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.caller import Calls, Dialling
from tests.support.loopback import wait_until
from tests.support.phones import answer, busy, ring
from tests.support.recorded import outcomes, record
from tests.support.situation import (
    DOMAIN,
    MEDIA_SERVER,
    PAI_TRUNK,
    PASSWORD,
    SIP_TARGETS,
    STRANGER,
    Situation,
)

JANA, PETR = "42027777101", "42027777102"
MOBILE, OUTSIDE, CALLER = "42073723101", "49115234567", "42075553333"


def leg(uri: str, service: str, account: str = JANA, ani: str = JANA, **more: Any) -> Dialling:
    """A call as the media server makes it: of its own words only Request-URI and headers count."""
    ours = (f"X-Followme-Account: {account}", f"X-Followme-Service: {service}")
    return Dialling(uri, ani, headers=ours, **more)


def from_menu(situation: Situation, user: str, account: str = JANA, **more: Any) -> Calls:
    return situation.dial(leg(f"sip:{user}@{DOMAIN}", "outgoing", account, ani=MOBILE, **more),
                          via=MEDIA_SERVER)


def to_confirm(situation: Situation, uri: str, **more: Any) -> Calls:
    return situation.dial(leg(uri, "confirm", ani=CALLER, **more), via=MEDIA_SERVER)


@pytest.mark.parametrize("dialled", [OUTSIDE, "0049115234567", "+49115234567"])
def test_the_owner_calls_out_and_the_callee_sees_the_personal_number(
    situation: Situation, dialled: str
) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())

    heard = from_menu(situation, dialled).outcome()

    assert heard.code == 200
    assert heard.was_hung_up
    invite = outside.invites[0]
    assert invite.caller_number == JANA
    assert invite.all("P-Asserted-Identity") == [f"<sip:{JANA}@{DOMAIN}>"]
    assert invite.header("Diversion") is None
    assert [name for name, _ in invite.headers if name.lower().startswith("x-followme")] == []


def test_a_number_of_ours_rings_and_takes_a_message(situation: Situation) -> None:
    desk = situation.line_phone("petr-desk", ring())
    media = situation.media_server()

    heard = from_menu(situation, "201").outcome()

    assert heard.code == 200
    assert desk.invites[0].caller_number == JANA
    assert desk.rang_s == pytest.approx(1, abs=0.2)
    assert media.invites[0].uri.startswith("sip:voicemail@")


@pytest.mark.parametrize(("dialled", "account", "code"), [
    ("112", JANA, 403),
    ("420900123456", JANA, 403),
    (OUTSIDE, PETR, 403),
    ("201", PETR, 403),
    (OUTSIDE, "42027777199", 403),
    ("203", JANA, 404),
])  # fmt: skip
def test_what_the_owner_may_not_call(
    situation: Situation, dialled: str, account: str, code: int
) -> None:
    outside = situation.outside_phone(dialled, answer())

    heard = from_menu(situation, dialled, account).outcome()

    assert (heard.code, outside.invites) == (code, [])


def test_calls_from_the_menu_are_capped(situation: Situation) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    first = from_menu(situation, OUTSIDE, hold_ms=1500)
    situation.wait_for_answer(outside)

    heard = from_menu(situation, OUTSIDE).outcome()

    assert (heard.code, len(outside.invites)) == (403, 1)
    assert first.outcome().code == 200


@pytest.mark.parametrize(("via", "code"), [(PAI_TRUNK, 404), (STRANGER, 403)])
@pytest.mark.parametrize("service", ["outgoing", "confirm"])
def test_nobody_else_calls_out_as_an_account(
    situation: Situation, via: int, code: int, service: str
) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())

    heard = situation.dial(leg(f"sip:{OUTSIDE}@{DOMAIN}", service), via=via).outcome()

    assert (heard.code, outside.invites) == (code, [])


@pytest.mark.parametrize(("dialling", "offers"), [
    (Dialling(JANA, f"jana-desk@{DOMAIN}", credentials=("jana-desk", PASSWORD)), "yes"),
    (Dialling(JANA, MOBILE, asserted=MOBILE), "pin"),
    (Dialling(JANA, MOBILE, headers=("X-Followme-Outgoing: yes",)), "pin"),
    (Dialling(PETR, "42073723102", asserted="42073723102"), "no"),
])  # fmt: skip
def test_the_menu_is_told_whether_it_offers_calls(
    situation: Situation, dialling: Dialling, offers: str
) -> None:
    media = situation.media_server()

    situation.dial(dialling, via=STRANGER if dialling.credentials else PAI_TRUNK).outcome()

    assert media.invites[0].all("X-Followme-Outgoing") == [offers]


def test_who_must_press_1_is_called_back_for_each_target(situation: Situation) -> None:
    host = situation.network.address(SIP_TARGETS)
    desk = situation.line_phone("jana-desk", answer())
    outside = situation.outside_phone(OUTSIDE, answer())
    sip = situation.sip_phone("jana", answer())
    media = situation.media_server(ring())
    waiting = situation.dial(Dialling(JANA, CALLER, asserted=CALLER, hang_up_after_ms=2500))
    wait_until(lambda: len(media.invites) == 3, "three prompts")

    asked = {unquote(invite.uri.partition(";target=")[2]) for invite in media.invites}
    assert asked == {f"sip:jana-desk@{DOMAIN}", f"sip:{OUTSIDE}@{DOMAIN}", f"sip:jana@{host}"}
    for uri in sorted(asked):
        assert to_confirm(situation, uri).outcome().code == 200

    assert [phone.invites[0].caller_number for phone in (desk, outside, sip)] == [
        CALLER, JANA, JANA]  # fmt: skip
    assert outside.invites[0]["Diversion"].startswith(f"<sip:{JANA}@{DOMAIN}>")
    assert waiting.outcome().code == 487
    assert len(media.invites) == 3


@pytest.mark.parametrize("uri", [
    f"sip:{MOBILE}@{DOMAIN}", f"sip:petr-desk@{DOMAIN}", f"sip:{PETR}@{DOMAIN}",
    "sip:jana@192.0.2.66",
])  # fmt: skip
def test_nothing_else_is_called_back(situation: Situation, uri: str) -> None:
    desk = situation.line_phone("petr-desk", answer())
    outside = situation.outside_phone(MOBILE, answer())

    heard = to_confirm(situation, uri).outcome()

    assert (heard.code, desk.invites + outside.invites) == (403, [])


def test_what_is_called_back_rings_out_by_itself_and_never_ends_in_voicemail(
    situation: Situation,
) -> None:
    outside = situation.outside_phone(OUTSIDE, ring())
    media = situation.media_server()

    heard = to_confirm(situation, f"sip:{OUTSIDE}@{DOMAIN}").outcome()

    assert (heard.code, media.invites) == (480, [])
    assert outside.rang_s == pytest.approx(2, abs=0.2)


def test_the_prompt_hears_that_the_target_is_busy(situation: Situation) -> None:
    situation.line_phone("jana-desk", busy())

    heard = to_confirm(situation, f"sip:jana-desk@{DOMAIN}").outcome()

    assert heard.code == 486


def test_a_call_from_the_menu_leaves_a_record_of_the_number(situation: Situation) -> None:
    situation.outside_phone(OUTSIDE, answer())

    one = record(situation, from_menu(situation, "0049115234567", hold_ms=300).outcome())

    assert outcomes(one) == [(OUTSIDE, "answered", 200)]
    assert (one["number"], one["caller"], one["dialled"], one["via"], one["rule"]) == (
        JANA, JANA, "0049115234567", "media server", "outgoing")
    (branch,) = one["branches"]
    assert (branch["hop"], branch["why"]) == (situation.gateway_at, "dialled in the mailbox menu")
    assert (one["answered_by"], one["ended_by"], one["talked_s"] > 0) == (OUTSIDE, "caller", True)
    assert one["call_id"] in situation.followme("calls", JANA)


def test_one_that_is_refused_does_too(situation: Situation) -> None:
    one = record(situation, from_menu(situation, "420900123456").outcome())

    assert (one["number"], one["status"], one["result"], one["branches"]) == (
        JANA, 403, "rejected", [])
    assert one["refused"] == f"{JANA}: 420900123456 is premium, which is denied"


def test_who_must_press_1_stands_in_two_records(situation: Situation) -> None:
    """That of the call, which rings the prompt, and that of the prompt, which rings the target."""
    situation.outside_phone(OUTSIDE, busy())
    media = situation.media_server(busy())
    call = record(situation, situation.call(JANA, CALLER))
    uri = next(unquote(invite.uri.partition(";target=")[2]) for invite in media.invites
               if OUTSIDE in invite.uri)
    leg_ = record(situation, to_confirm(situation, uri).outcome())

    assert {branch["hop"] for branch in call["branches"]} == {situation.media_at}
    assert call["branches"][1]["target"] == OUTSIDE
    assert outcomes(leg_) == [(OUTSIDE, "busy", 486)]
    assert (leg_["number"], leg_["owner"], leg_["caller"], leg_["via"], leg_["rule"]) == (
        JANA, "acme/jana", CALLER, "media server", "confirm")
    assert leg_["branches"][0]["hop"] == situation.gateway_at
