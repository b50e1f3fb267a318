# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``explain`` prints of a plan."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kemi_routing import settings
from kemi_routing.explain import as_dict, as_text
from kemi_routing.model import Outcome
from kemi_routing.network import Network, Server
from kemi_routing.plan import Access, Account, Outgoing, Plan, Planned, PlannedStep, Remark
from kemi_routing.targets import MAILBOX, VOICEMAIL, Kind, Target

AT = datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo("Europe/Prague"))
NUMBER = "42027777101"
DESK = Planned(Target(Kind.LINE, "desk"), 20, None, "step 1 of day", "on the desk")
KITCHEN = Planned(Target(Kind.LINE, "kitchen"), 25, None, "step 1 of day")
OFFICE = Planned(Target(Kind.PSTN, "49115234567"), 30, NUMBER, "step 2 of day")
LEAVE = Planned(VOICEMAIL, 20, None, "voicemail")


FORWARDED = (
    "Diversion: <sip:42027777101@edge>;reason=no-answer;counter=1;privacy=off")
TOLD_OUTSIDE = [
    FORWARDED, "P-Asserted-Identity: <sip:42027777101@edge>",
    "History-Info: <sip:42027777101@edge>;index=1, "
    "<sip:49115234567@gw:5060;cause=408>;index=1.1;mp=1"]
TOLD_VOICEMAIL = [FORWARDED, "X-Followme-Account: 42027777101"]
VOICEMAIL_URI = "sip:voicemail@ms:5060;target=sip:42027777101%40edge;cause=408"
SETTINGS = settings.from_environment({"FOLLOWME_DOMAIN": "edge"}).with_network(
    Network(gateways=(Server("gw:5060"),), media_servers=(Server("ms:5060"),)))


def plan(*steps: PlannedStep, **fields: Any) -> Plan:
    return Plan((Account(NUMBER, "acme/jana"),), steps, revision=3,
                rule="window mon-fri 08:00-18:00", **fields)


FULL = plan(PlannedStep((DESK, KITCHEN), 1, 2), PlannedStep((OFFICE,), 2, 2), PlannedStep((LEAVE,)),
            lost=(Remark("own mailbox", "the call was diverted"), Remark("default", "it lost")),
            skipped=(Remark("42073723101", "permission forward_external is not granted"),))


def test_the_keys_and_values_for_programs() -> None:
    assert as_dict(FULL, AT, SETTINGS) == {
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
            {"starts_after_s": 0, "reached_by": [], "account": NUMBER, "then": 2, "if_declined": 3,
             "on": {}, "targets": [
                {"kind": "line", "address": "desk", "label": "on the desk", "delay_s": 0,
                 "ring_s": 20, "over_s": 20, "confirm": False, "q": "0.96", "cli": "caller",
                 "uri": "sip:desk@edge", "headers": [], "if_registered": True,
                 "why": "step 1 of day"},
                {"kind": "line", "address": "kitchen", "label": "", "delay_s": 0,
                 "ring_s": 25, "over_s": 25, "confirm": False, "q": "0.96", "cli": "caller",
                 "uri": "sip:kitchen@edge", "headers": [],
                 "if_registered": True, "why": "step 1 of day"}]},
            {"starts_after_s": 25, "reached_by": [], "account": NUMBER, "then": 3,
             "if_declined": 3, "on": {}, "targets": [
                {"kind": "pstn", "address": "49115234567", "label": "", "delay_s": 0,
                 "ring_s": 30, "over_s": 30, "confirm": False, "q": "0.92", "cli": NUMBER,
                 "uri": "sip:49115234567@gw:5060", "headers": TOLD_OUTSIDE,
                 "if_registered": False, "why": "step 2 of day"}]},
            {"starts_after_s": 55, "reached_by": [], "account": NUMBER, "then": "end",
             "if_declined": "end", "on": {}, "targets": [
                {"kind": "voicemail", "address": "", "label": "", "delay_s": 0,
                 "ring_s": 20, "over_s": 20, "confirm": False, "q": "0.88", "cli": "caller",
                 "uri": VOICEMAIL_URI, "headers": TOLD_VOICEMAIL, "if_registered": False,
                 "why": "voicemail"}]},
        ],
        "skipped": [{"what": "42073723101", "why": "permission forward_external is not granted"}],
        "handed_over": [],
        "longest_setup_s": 55,
        "end": {"voicemail": True, "media": "voicemail", "otherwise": "480"},
    }


def test_it_can_be_written_as_json() -> None:
    explained = as_dict(FULL, AT, SETTINGS)
    assert json.loads(json.dumps(explained)) == explained


def test_the_text_for_people() -> None:
    assert as_text(as_dict(FULL, AT, SETTINGS)).splitlines() == [
        "42027777101 of acme/jana, revision 3",
        "at       Mon 2026-11-23 09:30 +01:00 (Europe/Prague)",
        "rule     window mon-fri 08:00-18:00",
        "lost     own mailbox: the call was diverted",
        "         default: it lost",
        " 0 s   line desk (on the desk), if registered  20 s     shows caller       step 1 of day",
        " 0 s   line kitchen, if registered             25 s     shows caller       step 1 of day",
        "+25 s  pstn 49115234567                        30 s     shows 42027777101  step 2 of day",
        "+55 s  voicemail                               answers  shows caller       voicemail",
        "sent     line desk: sip:desk@edge, q 0.96",
        "         line kitchen: sip:kitchen@edge, q 0.96",
        "         pstn 49115234567: sip:49115234567@gw:5060, q 0.92",
        *(f"         pstn 49115234567: {header}" for header in TOLD_OUTSIDE),
        f"         voicemail: {VOICEMAIL_URI}, q 0.88",
        *(f"         voicemail: {header}" for header in TOLD_VOICEMAIL),
        "skipped  42073723101: permission forward_external is not granted",
        "end      voicemail, or 480 where it cannot be reached",
    ]


MENU = Planned(Target(Kind.MENU, "main"), 20, why="step 3 of day")


def test_steps_that_only_an_outcome_leads_to_say_which() -> None:
    mobile = replace(OFFICE, delay_s=5, confirm=True, why="step 1 of away")
    lines = replace(KITCHEN, why="step 2 of day, line of acme/201")
    explained = as_dict(plan(
        PlannedStep((DESK,), 1, 4, ((Outcome.BUSY, 2), (Outcome.DECLINED, 3))),
        PlannedStep((lines,), 4, 4, ((Outcome.BUSY, 2),)),
        PlannedStep((mobile,), 4, 4), PlannedStep((OFFICE,), 4, 4), PlannedStep((MENU,))),
        AT, SETTINGS)
    assert [(one["starts_after_s"], one["reached_by"], one["then"], one["if_declined"])
            for one in explained["steps"]] == [
        (0, [], 2, 4), (20, [], 5, 5),
        (None, ["busy in step 1 of day", "busy in step 2 of day"], 5, 5),
        (None, ["declined in step 1 of day"], 5, 5), (45, [], "end", "end")]
    assert [line.split("  ")[0].strip() for line in as_text(explained).splitlines()[3:10]] == [
        "0 s", "+20 s", "busy in step 1 of day, busy in step 2 of day:", "then +5 s",
        "declined in step 1 of day:", "then", "+45 s"]
    assert [one["on"] for one in explained["steps"][:2]] == [
        {"busy": 3, "declined": 4}, {"busy": 3}]
    assert explained["steps"][2]["targets"][0]["over_s"] == 5 + 30 + 15
    assert explained["longest_setup_s"] == 20 + 25 + 50
    assert "30 s, must press 1" in as_text(explained)
    assert as_text(explained).endswith("end      menu main, or 480 where it cannot be reached")


def test_who_must_press_1_is_asked_by_the_prompt_and_shows_what_he_would_show_without() -> None:
    step = PlannedStep((replace(OFFICE, confirm=True), replace(DESK, confirm=True)))
    office, desk = as_dict(plan(step), AT, SETTINGS)["steps"][0]["targets"]
    assert (office["cli"], desk["cli"]) == (NUMBER, "caller")
    assert office["uri"] == "sip:screen@ms:5060;target=sip:49115234567%40edge"
    assert office["headers"] == desk["headers"] == [f"X-Followme-Account: {NUMBER}"]


def test_a_delayed_target_starts_later_in_its_step() -> None:
    late = replace(OFFICE, delay_s=5)
    explained = as_dict(plan(PlannedStep((DESK, late), 1, 1), PlannedStep((LEAVE,))), AT, SETTINGS)
    assert [one["starts_after_s"] for one in explained["steps"]] == [0, 35]
    assert [line.split("  ")[0] for line in as_text(explained).splitlines()[3:6]] == [
        " 0 s", "+5 s", "+35 s"]


def test_a_step_that_no_ringing_out_leads_to_is_marked() -> None:
    explained = as_dict(plan(PlannedStep((DESK,), 2, 2), PlannedStep((OFFICE,)),
                             PlannedStep((LEAVE,))), AT, SETTINGS)
    assert [one["starts_after_s"] for one in explained["steps"]] == [0, None, 20]
    assert as_text(explained).splitlines()[4].startswith("else")


def test_a_call_that_is_handed_over_says_whose_forwarding_each_step_is() -> None:
    handed = Plan((Account(NUMBER, "acme/jana"), Account("42027777102", "acme/anna")),
                  (PlannedStep((DESK,), 1), PlannedStep((replace(OFFICE, account=1),))),
                  handed=(Remark("step 2 of day, to 42027777102", "default"),))
    explained = as_dict(handed, AT, SETTINGS)
    assert [one["account"] for one in explained["steps"]] == [NUMBER, "42027777102"]
    assert explained["handed_over"] == [{"what": "step 2 of day, to 42027777102", "why": "default"}]
    assert "handed   step 2 of day, to 42027777102: default" in as_text(explained).splitlines()


@pytest.mark.parametrize(("steps", "fields", "end"), [
    pytest.param((), {}, "480", id="nothing rings"),
    pytest.param((), {"reject": (603, "Decline")}, "603", id="rejected"),
    pytest.param((OFFICE,), {}, "480, or 486 where all were busy", id="no voicemail"),
    pytest.param((LEAVE,), {}, "voicemail, or 480 where it cannot be reached", id="voicemail"),
    pytest.param((MENU,), {}, "menu main, or 480 where it cannot be reached", id="menu"),
    pytest.param((Planned(MAILBOX, 20),), {"access": Access("B", ask_pin=False)},
                 "the owner's mailbox, no PIN", id="mailbox"),
    pytest.param((Planned(MAILBOX, 20),), {"access": Access("D", ask_pin=True)},
                 "the owner's mailbox, the PIN is asked", id="mailbox with PIN"),
    pytest.param((Planned(MAILBOX, 20),),
                 {"access": Access("B", ask_pin=False, outgoing=Outgoing.PIN)},
                 "the owner's mailbox, no PIN; calls others with the PIN", id="calls with PIN"),
    pytest.param((Planned(MAILBOX, 20),),
                 {"access": Access("A", ask_pin=False, outgoing=Outgoing.YES)},
                 "the owner's mailbox, no PIN; calls others", id="calls"),
])
def test_how_a_call_ends(steps: tuple[Planned, ...], fields: dict[str, Any], end: str) -> None:
    explained = as_dict(plan(*(PlannedStep((one,)) for one in steps), **fields), AT, SETTINGS)
    assert as_text(explained).splitlines()[-1] == f"end      {end}"
    access = fields.get("access")
    assert explained["access"] == (
        {"grade": access.grade, "ask_pin": access.ask_pin, "outgoing": access.outgoing}
        if access else None)
    assert explained["end"]["voicemail"] == (LEAVE in steps)


def test_a_call_to_the_outside_ends_as_its_gateway_says() -> None:
    step = PlannedStep((Planned(Target(Kind.PSTN, "49115234567"), 120, NUMBER),))
    out = Plan((Account("49115234567", ""),), (step,), rule="outgoing")
    explained = as_dict(out, AT, SETTINGS)
    assert explained["end"] == {
        "voicemail": False, "media": "", "otherwise": "what the gateway answers"}
    assert as_text(explained).startswith("49115234567, revision 0\n")
