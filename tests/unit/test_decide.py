# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from kemi_routing import decide as decision
from kemi_routing import plan_codec, schedule
from kemi_routing.decide import decide, outgoing
from kemi_routing.model import Call, Mode, Number, Platform, Ring
from kemi_routing.plan import Access, Plan, Planned, Remark
from kemi_routing.targets import MAILBOX, VOICEMAIL, Kind, Target
from tests.support.builders import (
    DESK,
    MOBILE,
    OFFICE,
    PERSONAL,
    SOFT,
    at,
    call,
    number,
    sequence,
    step,
    window,
)
from tests.support.strategies import accepted_numbers, calls, instants

PLATFORM = Platform("followme.local", frozenset({"sip.example.net"}))
MONDAY_NOON = at("2026-03-02 12:00")
DAY, NIGHT, REST = (sequence(name, step(OFFICE)) for name in ("day", "night", "rest"))


def decided(number: Number, call: Call, now: datetime = MONDAY_NOON) -> Plan:
    return decide(call, number, now, PLATFORM)


@pytest.mark.parametrize(("fields", "grade", "ask_pin"), [
    ({"line": "jana-desk", "ani": PERSONAL}, "A", False),
    ({"line": "jana-desk", "ani": None, "anonymous": True}, "A", False),
    ({"ani": MOBILE}, "B", False),
    ({"ani": MOBILE, "anonymous": True}, "D", True),
    ({"ani": MOBILE, "asserted": False}, "D", True),
    ({"ani": MOBILE, "asserted": False, "anonymous": True}, "D", True),
])
def test_the_owner_gets_into_the_mailbox(
        fields: dict[str, Any], grade: str, ask_pin: bool) -> None:
    plan = decided(number(mode=Mode.FORWARD_ONLY), call(**fields))
    ((opened,),) = plan.steps
    assert (opened.target, opened.cli) == (MAILBOX, None)
    assert opened.why == f"grade {grade}: {decision.GRADES[grade][0]}"
    assert plan.access == Access(grade, ask_pin)
    assert (plan.number, plan.owner, plan.revision) == (PERSONAL, "acme/jana", 1)
    assert (plan.rule, plan.skipped) == ("own mailbox", ())
    assert plan.lost[0] == Remark("default", "own mailbox comes first")


@pytest.mark.parametrize(("changed", "fields", "why"), [
    ({}, {"ani": "42075553333"}, "the caller 42075553333 is no alias of this number"),
    ({}, {"ani": None}, "the caller without a number is no alias of this number"),
    ({}, {"ani": MOBILE[1:]}, f"the caller {MOBILE[1:]} is no alias of this number"),
    ({}, {"ani": PERSONAL}, f"the caller {PERSONAL} is no alias of this number"),
    ({}, {"ani": MOBILE, "diverted": True}, "the call was diverted"),
    ({}, {"ani": MOBILE, "diverted": True, "anonymous": True}, "the call was diverted"),
    ({}, {"line": "petr-desk", "ani": MOBILE}, "line petr-desk is not one of the owner's"),
    ({"aliases": ()}, {"ani": MOBILE}, f"the caller {MOBILE} is no alias of this number"),
    ({"voicemail": False}, {}, "the caller 42075553333 is no alias of this number"),
    ({"voicemail": False}, {"ani": MOBILE}, "the number has no voicemail permission"),
    ({"voicemail": False}, {"line": "jana-desk"}, "the number has no voicemail permission"),
])
def test_anybody_else_is_an_ordinary_caller(
        changed: dict[str, Any], fields: dict[str, Any], why: str) -> None:
    plan = decided(number(**changed), call(**fields))
    assert plan.steps[0][0].target == Target(Kind.LINE, "jana-desk")
    assert plan.access is None
    assert plan.lost[0] == Remark("own mailbox", why)


def test_every_grade_says_what_it_means() -> None:
    assert {grade: pin for grade, (_, pin) in decision.GRADES.items()} == {
        "A": False, "B": False, "D": True}


SCHEDULED = number(mode=Mode.FORWARD_ONLY, sequences=(DAY, NIGHT, REST), default="rest", windows=(
    window("mon-fri", "08:00-18:00", "day"), window("sun-thu", "22:00-08:00", "night")))


@pytest.mark.parametrize(("now", "won"), [
    (at("2026-03-02 07:59:59"), "night"),  # Sunday's night, over the turn of the week
    (at("2026-03-02 08:00"), "day"),
    (at("2026-03-02 17:59:59"), "day"),
    (at("2026-03-02 18:00"), "rest"),
    (at("2026-03-02 23:59"), "night"),
    (at("2026-03-03 00:00"), "night"),
    (at("2026-03-07 12:00"), "rest"),
    (at("2026-12-31 22:00"), "night"),
    (at("2027-01-01 07:59"), "night"),
    (at("2028-02-29 08:00"), "day"),
    (datetime(2026, 3, 2, 7, 0, tzinfo=UTC), "day"),  # 08:00 in Prague
    (datetime(2026, 3, 2, 6, 59, tzinfo=UTC), "night"),
    (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "rest"),  # 01:59, then 03:00: DST begins
    (datetime(2026, 3, 30, 5, 59, tzinfo=UTC), "night"),  # 07:59 CEST
    (datetime(2026, 3, 30, 6, 0, tzinfo=UTC), "day"),
    (datetime(2026, 10, 26, 6, 59, tzinfo=UTC), "night"),  # 07:59 CET
    (datetime(2026, 10, 26, 7, 0, tzinfo=UTC), "day"),
])
def test_the_window_that_holds_picks_the_sequence(now: datetime, won: str) -> None:
    plan = decided(SCHEDULED, call(), now)
    assert plan.steps[0][0].why == f"step 1 of {won}"


def test_an_hour_that_dst_leaves_out_or_repeats() -> None:
    """02:00 to 03:00 in Prague, in minutes of UTC around each change."""
    early = number(mode=Mode.FORWARD_ONLY, sequences=(DAY,),
                   windows=(window("sun", "02:00-03:00", "day"),))
    for change, minutes in ((datetime(2026, 3, 29, 1, tzinfo=UTC), 0),
                            (datetime(2026, 10, 25, 1, tzinfo=UTC), 120)):
        times = (change + timedelta(minutes=minute) for minute in range(-180, 180))
        assert sum(bool(decided(early, call(), time).steps) for time in times) == minutes


@pytest.mark.parametrize(("time", "rule", "lost"), [
    ("2026-03-02 12:00", "window mon-fri 08:00-18:00", [
        ("window sun-thu 22:00-08:00", "mon 12:00 is outside"), ("default", "a window holds")]),
    ("2026-03-07 06:05", "default", [
        ("window mon-fri 08:00-18:00", "sat 06:05 is outside"),
        ("window sun-thu 22:00-08:00", "sat 06:05 is outside")]),
])
def test_the_rules_that_lost_are_named(time: str, rule: str, lost: list[tuple[str, str]]) -> None:
    plan = decided(SCHEDULED, call(), at(time))
    assert plan.rule == rule
    assert [(remark.what, remark.why) for remark in plan.lost[1:]] == lost


def test_a_number_without_default_forwards_nowhere_outside_its_windows() -> None:
    closed = number(mode=Mode.FORWARD_ONLY, sequences=(DAY,), windows=(
        window("mon-fri", "08:00-18:00", "day"),))
    assert decided(closed, call(), at("2026-03-07 12:00")).steps == ()


CALLER_FROM_A_LINE = call(line="petr-desk", ani="42027777200", cli="42027777200")


@pytest.mark.parametrize(("text", "of_a_trunk", "of_a_line"), [
    (OFFICE, PERSONAL, PERSONAL),
    ("SIP/jana@sip.example.net", PERSONAL, PERSONAL),
    ("line jana-desk", None, "42027777200"),
    ("voicemail", None, "42027777200"),
])
def test_what_leaves_the_platform_shows_the_personal_number(
        text: str, of_a_trunk: str | None, of_a_line: str | None) -> None:
    forward = number(mode=Mode.FORWARD_ONLY, default="day", sequences=(
        sequence("day", step(text)),))
    assert decided(forward, call()).steps[0][0].cli == of_a_trunk
    assert decided(forward, CALLER_FROM_A_LINE).steps[0][0].cli == of_a_line


def test_line_and_outside_number_in_one_step_see_different_callers() -> None:
    together = (Ring(Target(Kind.LINE, "jana-desk"), 25, "desk"),
                Ring(Target(Kind.PSTN, MOBILE), 30, "mobile"))
    forward = number(mode=Mode.FORWARD_THEN_VOICEMAIL, default="day", revision=7,
                     sequences=(sequence("day", together),))
    plan = decided(forward, call())
    assert plan.steps == (
        (Planned(Target(Kind.LINE, "jana-desk"), 25, None, "step 1 of day", "desk"),
         Planned(Target(Kind.PSTN, MOBILE), 30, PERSONAL, "step 1 of day", "mobile")),
        (Planned(VOICEMAIL, 20, None, "voicemail"),))
    assert (plan.number, plan.owner, plan.revision, plan.access) == (
        PERSONAL, "acme/jana", 7, None)


NO_FORWARD = "permission forward_external is not granted"


@pytest.mark.parametrize(("text", "changed", "why"), [
    (OFFICE, {}, None),
    (OFFICE, {"forward_external": False}, NO_FORWARD),
    ("SIP/jana@sip.example.net", {}, None),
    ("SIP/jana@SIP.example.net", {}, None),
    ("SIP/jana@8.8.8.8", {}, None),
    ("SIP/jana@8.8.8.8", {"forward_external": False}, NO_FORWARD),
    ("SIP/jana@127.0.0.1:6379", {}, "127.0.0.1 is not a public address"),
    ("SIP/jana@other.example", {}, "the operator does not allow calls to the host other.example"),
    ("SIP/jana@FollowMe.local", {}, "followme.local is this platform; write the line: line NAME"),
    ("IAX2/jana:secret@8.8.8.8/1", {}, "no IAX gateway is configured"),
    ("IAX2/jana:secret@8.8.8.8/1", {"forward_external": False}, NO_FORWARD),
    ("line jana-desk", {"forward_external": False, "voicemail": False}, None),
    ("voicemail", {}, None),
    ("voicemail", {"voicemail": False}, "the number has no voicemail permission"),
])
def test_what_is_not_permitted_is_skipped_and_said_so(
        text: str, changed: dict[str, Any], why: str | None) -> None:
    forward = number(mode=Mode.FORWARD_ONLY, default="day",
                     sequences=(sequence("day", step(text)),), **changed)
    plan = decided(forward, call())
    assert len(plan.steps) == (why is None)
    assert [remark.why for remark in plan.skipped] == ([why] if why else [])
    assert "secret" not in str(plan)


def test_a_skipped_target_leaves_the_others_of_its_step() -> None:
    mixed = (*step("line jana-desk"), Ring(Target(Kind.PSTN, MOBILE), label="mobile"))
    forward = number(mode=Mode.FORWARD_THEN_VOICEMAIL, default="day", forward_external=False,
                     sequences=(sequence("day", step(OFFICE), mixed),))
    plan = decided(forward, call())
    assert [[one.target.text for one in each] for each in plan.steps] == [
        ["line jana-desk"], ["voicemail"]]
    assert plan.skipped == (Remark(OFFICE, NO_FORWARD), Remark(f"{MOBILE} (mobile)", NO_FORWARD))


def test_own_lines_ring_together_before_voicemail() -> None:
    plan = decided(number(lines=(DESK, SOFT), ring_s=33), call())
    assert [[(one.target.text, one.ring_s, one.why) for one in each] for each in plan.steps] == [
        [("line jana-desk", 33, "own lines"), ("line jana-soft", 33, "own lines")],
        [("voicemail", 20, "voicemail")]]


def test_a_line_calls_out_with_its_main_number() -> None:
    plan = outgoing(call(line="jana-desk", cli=PERSONAL), OFFICE)
    assert plan
    assert plan.steps == (
        (Planned(Target(Kind.PSTN, OFFICE), 120, PERSONAL, "dialled by a line"),),)
    assert (plan.number, plan.owner, plan.rule) == (OFFICE, "", "outgoing")


def test_nobody_else_calls_out_through_us() -> None:
    assert outgoing(call(), OFFICE) is None


@given(accepted_numbers(), calls, instants)
def test_whatever_the_writer_accepts_is_decided(
        number: Number, call: Call, now: datetime) -> None:
    plan = decided(number, call, now)
    rungs = [one for each in plan.steps for one in each]
    assert all(plan.steps)  # no step without targets
    assert all(1 <= one.ring_s <= 600 for one in rungs)
    assert all(decision.why_skipped(one.target, number, PLATFORM) is None for one in rungs)
    assert all(one.cli == number.number for one in rungs if one.target.kind.outside)
    assert (MAILBOX in [one.target for one in rungs]) == (plan.access is not None)
    assert plan.access is None or number.voicemail
    assert [one.target for one in rungs[:-1]].count(VOICEMAIL) == 0
    hunt = plan_codec.begin(plan)
    assert plan_codec.decode(plan_codec.encode(hunt)) == hunt


@given(accepted_numbers(), calls, instants)
def test_exactly_one_rule_wins(number: Number, call: Call, now: datetime) -> None:
    plan = decided(number, call, now)
    local = now.astimezone(number.zone)
    won = schedule.winner(number.windows, local)
    if plan.access:
        assert plan.rule == "own mailbox"
    else:
        assert plan.rule == (f"window {won}" if won else "default")
        assert len(plan.lost) == 1 + len(number.windows)
