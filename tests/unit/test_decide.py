# SPDX-License-Identifier: GPL-2.0-or-later
import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from kemi_routing import decide as decision
from kemi_routing import plan_codec
from kemi_routing.decide import decide, outgoing
from kemi_routing.model import (
    Call,
    Line,
    Mode,
    Number,
    Outcome,
    Platform,
    Ring,
    Step,
)
from kemi_routing.plan import Access, Caller, Plan, Planned, PlannedStep, Remark
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
NO_MEDIA = Platform("followme.local", media_server=False)
MONDAY_NOON = at("2026-03-02 12:00")
DAY, NIGHT, REST = (sequence(name, step(OFFICE)) for name in ("day", "night", "rest"))


def decided(number: Number, call: Call, now: datetime = MONDAY_NOON) -> Plan:
    return decide(call, number, now, PLATFORM)


def test_the_owner_who_calls_is_handed_to_the_mailbox_alone() -> None:
    plan = decided(number(revision=3), call(ani=MOBILE, anonymous=True))
    assert [each.targets for each in plan.steps] == [(Planned(
        MAILBOX, 20, None, "grade D: the alias is claimed, but anonymous, not asserted or failed "
                           "verification"),)]
    assert (plan.access, plan.rule, plan.revision) == (Access("D", ask_pin=True), "own mailbox", 3)
    assert plan.lost == (Remark("default", "own mailbox comes first"),)


def test_without_a_media_server_there_is_no_mailbox() -> None:
    plan = decide(call(ani=MOBILE), number(), MONDAY_NOON, NO_MEDIA)
    assert (plan.access, plan.lost[0]) == (
        None, Remark("own mailbox", "no media server is configured"))


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
    assert plan.steps[0].targets[0].why == f"step 1 of {won}"


def test_an_hour_that_dst_leaves_out_or_repeats() -> None:
    """02:00 to 03:00 in Prague, in minutes of UTC around each change."""
    early = number(mode=Mode.FORWARD_ONLY, sequences=(DAY,),
                   windows=(window("sun", "02:00-03:00", "day"),))
    for change, minutes in ((datetime(2026, 3, 29, 1, tzinfo=UTC), 0),
                            (datetime(2026, 10, 25, 1, tzinfo=UTC), 120)):
        times = (change + timedelta(minutes=minute) for minute in range(-180, 180))
        assert sum(bool(decided(early, call(), time).steps) for time in times) == minutes


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
    assert decided(forward, call()).steps[0].targets[0].cli == of_a_trunk
    assert decided(forward, CALLER_FROM_A_LINE).steps[0].targets[0].cli == of_a_line


def test_line_and_outside_number_in_one_step_see_different_callers() -> None:
    together = (Ring(Target(Kind.LINE, "jana-desk"), 25, "desk"),
                Ring(Target(Kind.PSTN, MOBILE), 30, "mobile"))
    forward = number(mode=Mode.FORWARD_THEN_VOICEMAIL, default="day", revision=7,
                     sequences=(sequence("day", together),))
    plan = decided(forward, call())
    assert plan.steps == (
        PlannedStep((
            Planned(Target(Kind.LINE, "jana-desk"), 25, None, "step 1 of day", "desk", own=True),
            Planned(Target(Kind.PSTN, MOBILE), 30, PERSONAL, "step 1 of day", "mobile")), 1, 1),
        PlannedStep((Planned(VOICEMAIL, 20, None, "voicemail"),)))
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
    assert [[one.target.text for one in each.targets] for each in plan.steps] == [
        ["line jana-desk"], ["voicemail"]]
    assert plan.skipped == (Remark(OFFICE, NO_FORWARD), Remark(f"{MOBILE} (mobile)", NO_FORWARD))


def test_own_lines_ring_together_before_voicemail() -> None:
    plan = decided(number(lines=(DESK, SOFT), ring_s=33), call())
    assert [[(one.target.text, one.ring_s, one.why) for one in each.targets]
            for each in plan.steps] == [
        [("line jana-desk", 33, "own lines"), ("line jana-soft", 33, "own lines")],
        [("voicemail", 20, "voicemail")]]


def test_a_line_calls_out_with_its_main_number() -> None:
    plan = outgoing(call(line="jana-desk", cli=PERSONAL), OFFICE)
    assert plan
    assert plan.steps == (
        PlannedStep((Planned(Target(Kind.PSTN, OFFICE), 120, PERSONAL, "dialled by a line"),)),)
    assert (plan.number, plan.owner, plan.rule) == (OFFICE, "", "outgoing")


def test_nobody_else_calls_out_through_us() -> None:
    assert outgoing(call(), OFFICE) is None
    assert outgoing(call(line="jana-desk", cli="acme/201"), OFFICE) is None  # what would it show?


# SPEC F6: continuations

ASSISTANT = sequence("assistant", step("SIP/ann@sip.example.net"))
FALLBACK = sequence("fallback", step(MOBILE), step("menu main"))


def shape(plan: Plan) -> list[tuple[str, int, int, dict[str, int]]]:
    """Targets of each step, what comes then, the end of the sequence, the continuations."""
    return [(" + ".join(one.target.text for one in each.targets), each.then, each.end,
             dict(each.on)) for each in plan.steps]


def test_each_outcome_may_lead_to_a_sequence_of_its_own() -> None:
    own = number(mode=Mode.RING_THEN_FORWARD, default="day", sequences=(
        sequence("day", step(OFFICE), on=((Outcome.BUSY, "assistant"),)), ASSISTANT, FALLBACK),
        on=((Outcome.BUSY, "day"), (Outcome.NO_ANSWER, "fallback")))
    assert shape(decided(own, call())) == [
        ("line jana-desk", 1, -1, {"busy": 2, "no_answer": 3}),
        (OFFICE, -1, -1, {"busy": 2, "no_answer": 3}),
        ("sip:ann@sip.example.net", -1, -1, {}),
        (MOBILE, 4, 4, {}),
        ("menu main", -1, -1, {}),
    ]


def test_where_no_target_of_a_sequence_may_be_rung_it_goes_on_as_unreachable() -> None:
    own = number(mode=Mode.FORWARD_ONLY, default="day", forward_external=False, sequences=(
        sequence("day", step(OFFICE)), sequence("inside", step("line jana-desk"))),
        on=((Outcome.UNREACHABLE, "inside"),))
    assert shape(decided(own, call())) == [("line jana-desk", -1, -1, {})]


def test_mode_reject_declines() -> None:
    plan = decided(number(mode=Mode.REJECT), call())
    assert (plan.steps, plan.reject, plan.rule) == ((), (603, "Decline"), "default")


# SPEC T5: other numbers of ours

ANNA = number(number="42027777102", owner="acme/anna", lines=(Line("anna-desk"), Line("anna-soft")),
              aliases=(), revision=3)
ACCOUNTANT = number(number="acme/201", owner="acme/dan", lines=(Line("dan-desk"),), aliases=(),
                    mode=Mode.FORWARD_ONLY, default="day", cli="42027777100",
                    sequences=(sequence("day", step(OFFICE)),))
OTHERS = {one.number: one for one in (ANNA, ACCOUNTANT)}


def forwarding(*steps: Step, mode: Mode = Mode.FORWARD_ONLY, **fields: Any) -> Number:
    return number(mode=mode, default="day", sequences=(sequence("day", *steps),), **fields)


def with_others(number: Number, others: Mapping[str, Number] = OTHERS, **fields: Any) -> Plan:
    return decide(call(**fields), number, MONDAY_NOON, PLATFORM, others)


def test_in_the_middle_only_the_lines_of_another_number_ring() -> None:
    plan = with_others(forwarding(step("number 42027777102", OFFICE, ring_s=15), step(MOBILE)))
    assert shape(plan)[0] == (f"line anna-desk + line anna-soft + {OFFICE}", 1, -1, {})
    desk = plan.steps[0].targets[0]
    assert (desk.ring_s, desk.why, desk.own, desk.account, desk.cli) == (
        15, "step 1 of day, line of 42027777102", False, 0, None)
    assert [account.number for account in plan.accounts] == [PERSONAL]


@pytest.mark.parametrize(("steps", "mode"), [
    ([step("number 42027777102")], Mode.FORWARD_THEN_VOICEMAIL),
    ([step("number 42027777102", OFFICE)], Mode.FORWARD_ONLY),
    ([step("number 42027777102"), step("voicemail")], Mode.FORWARD_ONLY),
])
def test_before_voicemail_or_beside_others_is_in_the_middle(steps: list[Step], mode: Mode) -> None:
    plan = with_others(forwarding(*steps, mode=mode))
    assert len(plan.accounts) == 1
    assert shape(plan)[0][0].startswith("line anna-desk + line anna-soft")


def test_as_the_only_target_of_the_last_step_the_call_is_decided_anew() -> None:
    plan = with_others(forwarding(step(OFFICE), step("number 42027777102")), ani="42075553333")
    assert shape(plan) == [(OFFICE, 1, -1, {}), ("line anna-desk + line anna-soft", 2, 2, {}),
                           ("voicemail", -1, -1, {})]
    assert [one.account for each in plan.steps for one in each.targets] == [0, 1, 1, 1]
    assert [account.owner for account in plan.accounts] == ["acme/jana", "acme/anna"]
    assert plan.handed == (Remark("step 2 of day, to 42027777102", "default"),)
    assert (plan.number, plan.rule, plan.wanted) == (PERSONAL, "default", frozenset())


def test_the_other_number_shows_its_own_cli_outside() -> None:
    plan = with_others(forwarding(step("number acme/201")))
    assert [(one.target.text, one.cli, one.account) for one in plan.steps[0].targets] == [
        (OFFICE, PERSONAL, 1)]


def test_what_is_handed_over_before_anything_rings_has_no_continuation() -> None:
    own = number(mode=Mode.FORWARD_ONLY, default="day", on=((Outcome.UNREACHABLE, "fallback"),),
                 sequences=(sequence("day", step("number acme/201")), FALLBACK))
    assert shape(with_others(own)) == [(OFFICE, -1, -1, {})]


def test_two_ways_to_the_same_number_are_no_loop() -> None:
    own = number(mode=Mode.FORWARD_ONLY, default="day", sequences=(
        sequence("day", step(MOBILE), step("number acme/201"), on=((Outcome.BUSY, "at once"),)),
        sequence("at once", step("number acme/201"))))
    assert shape(with_others(own)) == [
        (MOBILE, 1, -1, {"busy": 2}), (OFFICE, -1, -1, {}), (OFFICE, -1, -1, {})]


def test_a_number_that_is_not_known_is_asked_for() -> None:
    plan = with_others(forwarding(step("number 42027777102", OFFICE), step("number acme/201")), {})
    assert plan.wanted == {"42027777102", "acme/201"}
    assert set(plan.skipped) == {Remark(f"number {one}", "nobody owns this number")
                                 for one in plan.wanted}
    assert shape(plan) == [(OFFICE, -1, -1, {})]


def test_the_whole_plan_knows_every_number_that_it_leads_to_and_asks_for_each_once() -> None:
    third = replace(forwarding(step("number 42027777109")), number="42027777103")
    known = {"42027777102": replace(forwarding(step("number 42027777103")), number="42027777102"),
             "42027777103": third}
    asked: list[frozenset[str]] = []

    def look_up(call: Call, keys: frozenset[str]) -> tuple[Call, Mapping[str, Number]]:
        asked.append(keys)
        return replace(call, diverters=(*call.diverters, "49115550000")), {
            key: known[key] for key in keys if key in known}

    heard, plan = decision.decide_whole(
        call(), forwarding(step("number 42027777102")), MONDAY_NOON, PLATFORM, look_up)
    assert asked == [{"42027777102"}, {"42027777103"}, {"42027777109"}]
    assert [account.number for account in plan.accounts] == [PERSONAL, *known]
    assert plan.wanted == {"42027777109"}
    assert heard.diverters == ("49115550000",) * 3


def test_a_number_without_lines_does_not_ring_in_the_middle() -> None:
    others = {"42027777102": replace(ANNA, lines=())}
    plan = with_others(forwarding(step("number 42027777102"), step(OFFICE)), others)
    assert plan.skipped == (Remark("number 42027777102", "it has no lines"),)
    assert shape(plan) == [(OFFICE, -1, -1, {})]


BACK = "the call has come through it already"


def test_numbers_that_hand_over_to_each_other_end_with_a_loop() -> None:
    anna = forwarding(step("number 42027777100"))
    others = {"42027777102": replace(anna, number="42027777102")}
    plan = with_others(forwarding(step("number 42027777102")), others)
    assert (plan.steps, plan.reject) == ((), (482, "Loop Detected"))
    assert plan.skipped == (Remark("number 42027777100", BACK),)


def test_a_loop_is_left_out_and_the_others_ring() -> None:
    plan = with_others(forwarding(step("number 42027777102"), step(OFFICE)),
                       diverters=("42027777102",), diverted=True)
    assert shape(plan) == [(OFFICE, -1, -1, {})]
    assert plan.skipped == (Remark("number 42027777102", BACK),)
    assert plan.reject is None


def test_a_call_that_comes_back_is_refused_before_it_forks_again() -> None:
    plan = with_others(forwarding(step(OFFICE)), diverters=("49301234567", PERSONAL),
                       diverted=True, ani=MOBILE)
    assert (plan.steps, plan.reject, plan.rule) == ((), (482, "Loop Detected"), "loop")
    assert plan.lost == (Remark("default", "the call has come through this number already"),)


def test_ones_own_mobile_is_no_loop() -> None:
    assert with_others(forwarding(step(MOBILE)), ani="42075553333").reject is None


def test_a_call_is_handed_over_ten_times_at_most() -> None:
    keys = [f"4202777720{index}" if index < 10 else f"420277773{index}" for index in range(20)]
    chain = {key: replace(forwarding(step(f"number {after}")), number=key)
             for key, after in itertools.pairwise(keys)}
    plan = with_others(forwarding(step(f"number {keys[0]}")), chain)
    assert [account.number for account in plan.accounts] == [PERSONAL, *keys[:10]]
    assert plan.skipped == (Remark(f"number {keys[10]}", "after 10 numbers the way ends"),)


def test_a_number_that_rejects_rejects_what_is_handed_over_to_it() -> None:
    others = {"42027777102": replace(ANNA, mode=Mode.REJECT)}
    assert with_others(forwarding(step("number 42027777102")), others).reject == (603, "Decline")
    assert with_others(forwarding(step(OFFICE), step("number 42027777102")), others).reject is None


def test_what_is_handed_over_never_opens_a_mailbox() -> None:
    others = {"42027777102": replace(ANNA, aliases=("42075553333",))}
    plan = with_others(forwarding(step("number 42027777102")), others, ani="42075553333")
    assert plan.access is None
    assert shape(plan)[0][0] == "line anna-desk + line anna-soft"


# What needs a media server

@pytest.mark.parametrize(("ring", "why"), [
    (Ring(Target(Kind.MENU, "main")), "no media server is configured"),
    (Ring(VOICEMAIL), "no media server is configured"),
    (Ring(Target(Kind.PSTN, MOBILE), confirm=True),
     "confirm needs a media server, and none is configured"),
    (Ring(Target(Kind.PSTN, MOBILE)), None),
])
def test_what_a_media_server_is_needed_for(ring: Ring, why: str | None) -> None:
    for platform, expected in ((NO_MEDIA, why), (PLATFORM, None)):
        plan = decide(call(), forwarding((ring,)), MONDAY_NOON, platform)
        assert [remark.why for remark in plan.skipped] == ([expected] if expected else [])


def test_without_a_media_server_no_line_of_another_number_is_asked_to_confirm() -> None:
    own = forwarding((Ring(Target(Kind.NUMBER, "42027777102"), confirm=True), *step(OFFICE)))
    asked, plain = (decide(call(), own, MONDAY_NOON, platform, OTHERS)
                    for platform in (PLATFORM, NO_MEDIA))
    assert shape(asked)[0][0] == f"line anna-desk + line anna-soft + {OFFICE}"
    assert shape(plain)[0][0] == OFFICE
    assert plain.skipped == (
        Remark("number 42027777102", "confirm needs a media server, and none is configured"),)


# SPEC V5: what outside targets see

@pytest.mark.parametrize(("number_", "cli", "of_a_trunk", "of_a_line"), [
    (PERSONAL, "personal number", PERSONAL, PERSONAL),
    (PERSONAL, "caller", None, "42027777200"),
    (PERSONAL, "42027777999", "42027777999", "42027777999"),
    ("acme/202", "personal number", None, "42027777200"),
    ("acme/202", "42027777999", "42027777999", "42027777999"),
])
def test_the_owner_chooses_what_outside_targets_see(
        number_: str, cli: str, of_a_trunk: str | None, of_a_line: str | None) -> None:
    forward = forwarding(step(OFFICE), number=number_, cli=cli)
    assert decided(forward, call()).steps[0].targets[0].cli == of_a_trunk
    assert decided(forward, CALLER_FROM_A_LINE).steps[0].targets[0].cli == of_a_line


def test_the_plan_carries_what_outside_targets_are_told_of_the_caller() -> None:
    plan = decided(forwarding(step(OFFICE)), call(ani=None, anonymous=True, history="1.1"))
    assert plan.caller == Caller(None, anonymous=True, history="1.1")


# Laws

@given(accepted_numbers(), calls, instants)
def test_whatever_the_writer_accepts_is_decided(
        number: Number, call: Call, now: datetime) -> None:
    plan = decide(call, number, now, PLATFORM, OTHERS)
    rungs = [one for each in plan.steps for one in each.targets]
    assert all(each.targets for each in plan.steps)
    assert all(1 <= one.ring_s <= 600 for one in rungs)
    assert all(decision.why_skipped(one.target, plan.accounts[one.account].rights, PLATFORM) is None
               for one in rungs)
    assert (MAILBOX in [one.target for one in rungs]) == (plan.access is not None)
    assert plan.access is None or number.rights.voicemail
    assert not (plan.reject and plan.steps)
    assert all(len(each.targets) == 1 and each.then == -1
               for each in plan.steps if each.targets[0].target.kind.answers)
    assert all(index == -1 or position < index < len(plan.steps)
               for position, each in enumerate(plan.steps)
               for index in (each.then, each.end, *dict(each.on).values()))
    hunt = plan_codec.begin(plan)
    assert plan_codec.decode(plan_codec.encode(hunt)) == hunt
