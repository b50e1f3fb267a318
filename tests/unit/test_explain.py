# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``explain`` prints of a plan."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from kemi_routing.explain import as_dict, as_text
from kemi_routing.plan import Access, Plan, Planned, PlannedStep, Remark
from kemi_routing.targets import MAILBOX, VOICEMAIL, Kind, Target

AT = datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo("Europe/Prague"))
NUMBER = "42027777101"
DESK = Planned(Target(Kind.LINE, "desk"), 20, None, "step 1 of day", "on the desk")
KITCHEN = Planned(Target(Kind.LINE, "kitchen"), 25, "42027777100", "step 1 of day")
OFFICE = Planned(Target(Kind.PSTN, "49115234567"), 30, NUMBER, "step 2 of day")
LEAVE = Planned(VOICEMAIL, 20, None, "voicemail")


def uri(planned: Planned, cause: int) -> str:
    return f"sip:{planned.target.address}@edge;cause={cause}"


def plan(*steps: PlannedStep, access: Access | None = None, lost: tuple[Remark, ...] = (),
         skipped: tuple[Remark, ...] = ()) -> Plan:
    return Plan(NUMBER, "acme/jana", steps, access, 3, "window mon-fri 08:00-18:00", lost, skipped)


FULL = plan((DESK, KITCHEN), (OFFICE,), (LEAVE,),
            lost=(Remark("own mailbox", "the call was diverted"), Remark("default", "it lost")),
            skipped=(Remark("42073723101", "permission forward_external is not granted"),))


def test_the_keys_and_values_for_programs() -> None:
    assert as_dict(FULL, AT, uri) == {
        "number": NUMBER,
        "owner": "acme/jana",
        "revision": 3,
        "at": "2026-11-23T09:30:00+01:00",
        "zone": "Europe/Prague",
        "rule": "window mon-fri 08:00-18:00",
        "lost": [{"what": "own mailbox", "why": "the call was diverted"},
                 {"what": "default", "why": "it lost"}],
        "access": None,
        "steps": [
            {"starts_after_s": 0, "targets": [
                {"kind": "line", "address": "desk", "label": "on the desk", "ring_s": 20,
                 "cli": "caller", "uri": "sip:desk@edge;cause=302", "if_registered": True,
                 "why": "step 1 of day"},
                {"kind": "line", "address": "kitchen", "label": "", "ring_s": 25,
                 "cli": "42027777100", "uri": "sip:kitchen@edge;cause=302",
                 "if_registered": True, "why": "step 1 of day"}]},
            {"starts_after_s": 25, "targets": [
                {"kind": "pstn", "address": "49115234567", "label": "", "ring_s": 30,
                 "cli": NUMBER, "uri": "sip:49115234567@edge;cause=408",
                 "if_registered": False, "why": "step 2 of day"}]},
            {"starts_after_s": 55, "targets": [
                {"kind": "voicemail", "address": "", "label": "", "ring_s": 20,
                 "cli": "caller", "uri": "sip:@edge;cause=408", "if_registered": False,
                 "why": "voicemail"}]},
        ],
        "skipped": [{"what": "42073723101", "why": "permission forward_external is not granted"}],
        "end": {"voicemail": True, "otherwise": "480"},
    }


def test_it_can_be_written_as_json() -> None:
    explained = as_dict(FULL, AT, uri)
    assert json.loads(json.dumps(explained)) == explained


def test_the_text_for_people() -> None:
    assert as_text(as_dict(FULL, AT, uri)).splitlines() == [
        "42027777101 of acme/jana, revision 3",
        "at       Mon 2026-11-23 09:30 +01:00 (Europe/Prague)",
        "rule     window mon-fri 08:00-18:00",
        "lost     own mailbox: the call was diverted",
        "         default: it lost",
        " 0 s   line desk (on the desk), if registered  20 s     shows caller"
        "                       step 1 of day  sip:desk@edge;cause=302",
        " 0 s   line kitchen, if registered             25 s     shows 42027777100"
        "                  step 1 of day  sip:kitchen@edge;cause=302",
        "+25 s  pstn 49115234567                        30 s     shows personal number 42027777101"
        "  step 2 of day  sip:49115234567@edge;cause=408",
        "+55 s  voicemail                               answers  shows caller"
        "                       voicemail      sip:@edge;cause=408",
        "skipped  42073723101: permission forward_external is not granted",
        "end      voicemail, or 480 where it cannot be reached",
    ]


def test_an_iax_password_is_masked() -> None:
    peer = Planned(Target(Kind.IAX, "jana:hush@pbx.example.net/100"), 20, NUMBER)
    explained = as_dict(plan((peer,)), AT, lambda *_: "")
    assert explained["steps"][0]["targets"][0]["address"] == "IAX2/jana:***@pbx.example.net/100"
    assert "hush" not in as_text(explained)


@pytest.mark.parametrize(("steps", "access", "end"), [
    pytest.param((), None, "480", id="nothing rings"),
    pytest.param(((OFFICE,),), None, "480, or 486 where all were busy", id="no voicemail"),
    pytest.param(((LEAVE,),), None, "voicemail, or 480 where it cannot be reached", id="voicemail"),
    pytest.param(((Planned(MAILBOX, 20),),), Access("B", ask_pin=False),
                 "the owner's mailbox, no PIN", id="mailbox"),
    pytest.param(((Planned(MAILBOX, 20),),), Access("D", ask_pin=True),
                 "the owner's mailbox, the PIN is asked", id="mailbox with PIN"),
])
def test_how_a_call_ends(steps: tuple[PlannedStep, ...], access: Access | None, end: str) -> None:
    explained = as_dict(plan(*steps, access=access), AT, uri)
    assert as_text(explained).splitlines()[-1] == f"end      {end}"
    assert explained["access"] == (
        {"grade": access.grade, "ask_pin": access.ask_pin} if access else None)


def test_a_call_to_the_outside_ends_as_its_gateway_says() -> None:
    step = (Planned(Target(Kind.PSTN, "49115234567"), 120, NUMBER),)
    out = Plan("49115234567", "", (step,), rule="outgoing")
    explained = as_dict(out, AT, lambda one, cause: "")
    assert explained["end"] == {"voicemail": False, "otherwise": "what the gateway answers"}
