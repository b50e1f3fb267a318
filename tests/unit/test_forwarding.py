# SPDX-License-Identifier: GPL-2.0-or-later
"""What the numbers of a call ring, seen in the plans that are made of it."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from kemi_routing.decide import decide
from kemi_routing.model import Call, Line, Mode, Number, Outcome, Ring, Step
from kemi_routing.plan import Plan, Planned, PlannedStep, Remark
from kemi_routing.targets import VOICEMAIL, Kind, Target
from tests.support.builders import (
    DESK,
    MOBILE,
    MONDAY_NOON,
    NO_MEDIA,
    OFFICE,
    PERSONAL,
    PLATFORM,
    SOFT,
    call,
    number,
    sequence,
    step,
)


def decided(number: Number, call: Call) -> Plan:
    return decide(call, number, MONDAY_NOON, PLATFORM)


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
                Ring(Target(Kind.PSTN, MOBILE), 30, "mobile", delay_s=5, confirm=True))
    forward = number(mode=Mode.FORWARD_THEN_VOICEMAIL, default="day",
                     sequences=(sequence("day", together),))
    plan = decided(forward, call())
    assert plan.steps == (
        PlannedStep((
            Planned(Target(Kind.LINE, "jana-desk"), 25, None, "step 1 of day", "desk", own=True),
            Planned(Target(Kind.PSTN, MOBILE), 30, PERSONAL, "step 1 of day", "mobile",
                    delay_s=5, confirm=True)), 1, 1),
        PlannedStep((Planned(VOICEMAIL, 20, None, "voicemail"),)))


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
    anna = Ring(Target(Kind.NUMBER, ANNA.number), 15, "anna", delay_s=5, confirm=True)
    plan = with_others(forwarding((anna, *step(OFFICE)), step(MOBILE)))
    assert shape(plan)[0] == (f"line anna-desk + line anna-soft + {OFFICE}", 1, -1, {})
    assert plan.steps[0].targets[0] == Planned(
        Target(Kind.LINE, "anna-desk"), 15, None, "step 1 of day, line of 42027777102", "anna",
        delay_s=5, confirm=True)
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
    assert [(account.owner, account.cli) for account in plan.accounts] == [
        ("acme/jana", PERSONAL), ("acme/anna", "42027777102")]
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


def test_a_number_on_one_way_is_no_loop_on_another() -> None:
    anna = replace(forwarding(step("number acme/201")), number=ANNA.number)
    dan = replace(forwarding(step("number 42027777102")), number=ACCOUNTANT.number)
    own = number(mode=Mode.FORWARD_ONLY, default="day", sequences=(
        sequence("day", step(MOBILE), step("number 42027777102"),
                 on=((Outcome.BUSY, "at once"),)),
        sequence("at once", step("number acme/201"))))
    plan = with_others(own, {one.number: one for one in (anna, dan)})
    assert [account.number for account in plan.accounts] == [
        PERSONAL, "42027777102", "acme/201", "acme/201", "42027777102"]


def test_a_number_that_is_not_known_is_asked_for() -> None:
    plan = with_others(forwarding(step("number 42027777102", OFFICE), step("number acme/201")), {})
    assert plan.wanted == {"42027777102", "acme/201"}
    assert set(plan.skipped) == {Remark(f"number {one}", "nobody owns this number")
                                 for one in plan.wanted}
    assert shape(plan) == [(OFFICE, -1, -1, {})]


def test_a_number_without_lines_does_not_ring_in_the_middle() -> None:
    others = {"42027777102": replace(ANNA, lines=())}
    plan = with_others(forwarding(step("number 42027777102"), step(OFFICE)), others)
    assert plan.skipped == (Remark("number 42027777102", "it has no lines"),)
    assert shape(plan) == [(OFFICE, -1, -1, {})]


def test_numbers_that_hand_over_to_each_other_end_with_a_loop() -> None:
    anna = forwarding(step("number 42027777100"))
    others = {"42027777102": replace(anna, number="42027777102")}
    plan = with_others(forwarding(step("number 42027777102")), others)
    assert (plan.steps, plan.reject) == ((), (482, "Loop Detected"))
    assert plan.skipped == (
        Remark("number 42027777100", "the call has come through it already"),)


def test_ones_own_mobile_is_no_loop() -> None:
    assert with_others(forwarding(step(MOBILE)), ani="42075553333").reject is None


def test_a_call_is_handed_over_ten_times_at_most() -> None:
    keys = [f"4202777720{index}" if index < 10 else f"420277773{index}" for index in range(20)]
    chain = {key: replace(forwarding(step(f"number {after}")), number=key)
             for key, after in itertools.pairwise(keys)}
    plan = with_others(forwarding(step(f"number {keys[0]}")), chain)
    assert [(account.number, account.by) for account in plan.accounts] == [
        (PERSONAL, 0), *((key, by) for by, key in enumerate(keys[:10]))]
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


IAX = replace(PLATFORM, iax_gateway=True, sip_hosts=frozenset({"pbx.example.net"}))


@pytest.mark.parametrize(("peer", "confirm", "why"), [
    ("jana:secret@pbx.example.net/1", False, None), ("jana:secret@8.8.8.8/1", False, None),
    ("jana:secret@pbx.example.net/1", True, "the prompt of confirm cannot call back an IAX target"),
    ("jana:secret@127.0.0.1/1", False, "127.0.0.1 is not a public address"),
    ("jana:secret@other.example/1", False,
     "the operator does not allow calls to the host other.example")])
def test_an_iax_peer_rings_without_its_password(peer: str, why: str | None, *, confirm: bool,
                                                ) -> None:
    ring = Ring(Target(Kind.IAX, peer), confirm=confirm)
    plan = decide(call(), forwarding((ring,)), MONDAY_NOON, IAX)
    rung = [one.target.address for each in plan.steps for one in each.targets]
    assert rung == ([] if why else [peer.replace(":secret", "")])
    assert [one.why for one in plan.skipped] == ([why] if why else [])
    assert "secret" not in repr(plan)


def test_without_a_gateway_outside_numbers_are_left_out() -> None:
    both = forwarding(step(OFFICE, "line jana-desk"))
    plan = decide(call(), both, MONDAY_NOON, replace(PLATFORM, gateway=False))
    assert plan.skipped == (Remark(OFFICE, "no gateway is configured"),)
    assert shape(plan)[0][0] == "line jana-desk"


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
