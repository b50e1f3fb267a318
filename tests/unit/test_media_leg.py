# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import media_leg, targets
from kemi_routing.dialplan import DialPlan
from kemi_routing.errors import Forbidden
from kemi_routing.model import Call, Line, Number, Ring
from kemi_routing.permissions import Rights
from kemi_routing.plan import Account, Caller, Plan, Planned, PlannedStep
from kemi_routing.targets import Kind, Target
from tests.support.builders import (
    DESK,
    MOBILE,
    OFFICE,
    PERSONAL,
    PLATFORM,
    SOFT,
    call,
    number,
    sequence,
    step,
)
from tests.support.strategies import accepted_numbers, calls

CZECH = DialPlan("420", international_prefix="00", local_digits=9, emergency=("112",))
COMPANY = "42027777000"


def owned(**fields: Any) -> Number:
    """Jana's number, from which she may call out."""
    return number(**{"outgoing": True, "dial_plan": CZECH, **fields})


# From the menu (SPEC V4)

@pytest.mark.parametrize(("fields", "shown"), [
    ({}, PERSONAL),
    ({"cli": "caller"}, PERSONAL),
    ({"cli": COMPANY}, PERSONAL),
    ({"number": "acme/201", "cli": COMPANY}, COMPANY),
    ({"number": "acme/201", "cli": "caller"}, None),
])
def test_a_call_from_the_menu_comes_from_the_number(
        fields: dict[str, Any], shown: str | None) -> None:
    assert media_leg.from_menu(owned(**fields), anonymous=True) == Call(
        shown, asserted=True, anonymous=True, cli=shown)


@pytest.mark.parametrize(("user", "keys"), [
    ("737231230", ("420737231230",)),
    ("0049115234567", (OFFICE,)),
    ("+49115234567", (OFFICE,)),
    ("49115234567", (OFFICE,)),
    ("201", ("acme/201",)),
    ("*33", ()),
    ("jana", ()),
])
def test_what_is_dialled_is_read_by_the_dial_plan(user: str, keys: tuple[str, ...]) -> None:
    assert media_leg.dialled(owned(), user) == keys


@pytest.mark.parametrize(("fields", "user", "why"), [
    ({"outgoing": False}, OFFICE, "permission outgoing is not granted"),
    ({}, "112", "112 is an emergency number; it is not called from the menu"),
])
def test_what_is_not_dialled_from_the_menu(
        fields: dict[str, Any], user: str, why: str) -> None:
    with pytest.raises(Forbidden, match=f"^{PERSONAL}: {why}$"):
        media_leg.dialled(owned(**fields), user)


# To a target that is asked to confirm (SPEC T8)

def test_a_request_uri_of_ours_is_a_line_or_a_number() -> None:
    found = media_leg.asked(OFFICE, f"sip:{OFFICE}@followme.local", ours=True)
    assert found == {Target(Kind.LINE, OFFICE), Target(Kind.PSTN, OFFICE)}
    assert Target(Kind.PSTN, OFFICE) in media_leg.asked(f"+{OFFICE}", "", ours=True)
    assert Target(Kind.LINE, "desk") in media_leg.asked("desk", "", ours=True)


@pytest.mark.parametrize(("uri", "found"), [
    ("sip:ann@sip.example.net:5070;transport=tcp", {"sip:ann@sip.example.net:5070;transport=tcp"}),
    ("sips:ann@sip.example.net", set()),
    ("sip:ann@sip.example.net;x=y", set()),
    ("tel:+49115234567", set()),
    ("voicemail", set()),
])
def test_any_other_request_uri_is_a_sip_target(uri: str, found: set[str]) -> None:
    assert {one.text for one in media_leg.asked("ann", uri, ours=False)} == found


def asking(*texts: str, ring_s: int = 25) -> tuple[Ring, ...]:
    return tuple(replace(ring, confirm=True) for ring in step(*texts, ring_s=ring_s))


ANNA = number(number="42027777102", owner="acme/anna", lines=(Line("anna-desk"),), aliases=())
JANA = number(lines=(DESK, SOFT), default="day", forward_external=True, max_calls=1,
              max_calls_per_hour=9, follow_redirects=True, revision=7, sequences=(
    sequence("day", asking("line jana-desk", OFFICE, "number 42027777102"),
             step("line jana-soft", MOBILE)),
    sequence("night", (*asking("sip:ann@sip.example.net", "420900123456"),
                       *asking(OFFICE, "voicemail", ring_s=40)))))
OTHERS = {"42027777102": ANNA}


def confirmed(text: str, number: Number = JANA, **caller: Any) -> Plan:
    return media_leg.confirm(call(**caller), number, {targets.parse(text)}, PLATFORM, OTHERS)


@pytest.mark.parametrize(("text", "ring_s", "cli"), [
    ("line jana-desk", 25, None),
    ("line anna-desk", 25, None),
    (OFFICE, 40, PERSONAL),  # the longest that is written
    ("sip:ann@sip.example.net", 25, PERSONAL),
])
def test_the_one_target_rings_and_sees_what_it_would_see_without_the_prompt(
        text: str, ring_s: int, cli: str | None) -> None:
    plan = confirmed(text, history="1.1", anonymous=True)
    assert plan == Plan(
        (Account(PERSONAL, "acme/jana", Rights(
            voicemail=True, forward_external=True, follow_redirects=True), cli=PERSONAL),),
        (PlannedStep((Planned(targets.parse(text), ring_s, cli, "confirm"),)),),
        Caller("42075553333", anonymous=True, history="1.1"), revision=7, rule="confirm")


@pytest.mark.parametrize(("text", "fields", "why"), [
    (MOBILE, {}, "it asks no such target to confirm"),
    ("line jana-soft", {}, "it asks no such target to confirm"),
    ("49301234567", {}, "it asks no such target to confirm"),
    (OFFICE, {"rights": Rights()}, "permission forward_external is not granted"),
    ("420900123456", {}, "420900123456 is premium, which is denied"),
])
def test_no_other_target_rings(text: str, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(Forbidden, match=f"^{PERSONAL}: {why}$"):
        confirmed(text, replace(JANA, **fields))


def test_the_line_of_a_number_that_is_gone_does_not_ring() -> None:
    assert media_leg.others_asked(JANA) == {"42027777102"}
    with pytest.raises(Forbidden, match="it asks no such target"):
        media_leg.confirm(call(), JANA, {Target(Kind.LINE, "anna-desk")}, PLATFORM, {})


@given(accepted_numbers(), calls, st.sampled_from(["jana-desk", "petr-desk", OFFICE, MOBILE]))
def test_what_rings_is_written_with_confirm_and_permitted(
        number: Number, call: Call, user: str) -> None:
    asked = media_leg.asked(user, "", ours=True)
    try:
        plan = media_leg.confirm(call, number, asked, PLATFORM, OTHERS)
    except Forbidden:
        return
    ((rung,),) = (each.targets for each in plan.steps)
    written = {ring.target for one in number.sequences for each in one.steps for ring in each
               if ring.confirm}
    assert rung.target in written
    assert number.rights.forward_external or rung.target.kind is Kind.LINE
