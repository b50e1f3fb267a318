# SPDX-License-Identifier: GPL-2.0-or-later
"""The flow of a call as a model and as text."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from kemi_routing import limits
from kemi_routing.model import Mode, Number, Ring
from kemi_routing.targets import parse
from provisioning.pictures import flow, flow_text
from provisioning.preview import ordinary
from tests.provisioning.drawn import SETTINGS, explained, flow_of
from tests.support import strategies
from tests.support.builders import DESK, SOFT, at, number, on, sequence, step, window

MONDAY_TEN = at("2026-11-23 10:00")
NIGHT = sequence("night", step("announcement closed"))
MIXED = number(
    mode=Mode.FORWARD_THEN_VOICEMAIL, lines=(DESK, SOFT), default="day", sequences=(
        sequence("day",
                 (Ring(parse("line jana-desk"), 20, "desk"),
                  Ring(parse("49115234567"), 30, "office", delay_s=5, confirm=True)),
                 step("42073723101", ring_s=15),
                 on=on(busy="colleague", unreachable="night")),
        sequence("colleague", step("line jana-soft"), step("42073723102", ring_s=25)),
        NIGHT))


def test_steps_bars_and_continuations_of_a_decision() -> None:
    found = flow_of(MIXED, "day", MONDAY_TEN)
    assert [(stage.title, stage.when, stage.start_s, stage.aside, stage.after)
            for stage in found.stages] == [
        ("step 1 of day", (), 0, False,
         ("if busy: step 1 of colleague", "if unreachable: step 1 of night",
          "if the own line declines: voicemail")),
        ("step 2 of day", (), 50, False,
         ("if busy: step 1 of colleague", "if unreachable: step 1 of night",
          "otherwise: voicemail")),
        ("step 1 of colleague", ("if busy in step 1 of day", "if busy in step 2 of day"), 0, True,
         ("if the own line declines: voicemail",)),
        ("step 2 of colleague", (), 20, True, ()),
        ("voicemail", (), 65, False, ()),
        ("step 1 of night", ("if unreachable in step 1 of day", "if unreachable in step 2 of day"),
         0, True, ())]
    assert [[(bar.target, bar.label, bar.rings_from_s, bar.rings_to_s, bar.end_s)
             for bar in stage.bars] for stage in found.stages[:4]] == [
        [("line jana-desk", "desk", 0, 20, 20), ("pstn 49115234567", "office", 5, 35, 50)],
        [("pstn 42073723101", "", 50, 65, 65)],
        [("line jana-soft", "", 0, 20, 20)], [("pstn 42073723102", "", 20, 45, 45)]]
    assert (found.longest_s, found.axis_s) == (50 + 15 + 45, 65)


def test_the_text_has_words_before_each_bar() -> None:
    assert flow_text.as_text(flow_of(MIXED, "day", MONDAY_TEN)).splitlines() == [
        "42027777100 of acme/jana, revision 1",
        "at       Mon 2026-11-23 10:00 +01:00 (Europe/Prague)",
        "rule     sequence day",
        "at 0 s: step 1 of day",
        "  0-20 s     =======                   line jana-desk, if registered (desk)",
        "  5-35 s     ..===========+++++        pstn 49115234567, 5 s later, or as soon",
        "                                       as nothing else rings, then 15 s to press",
        "                                       1 (office)",
        "  then     if busy: step 1 of colleague",
        "  then     if unreachable: step 1 of night",
        "  then     if the own line declines: voicemail",
        "at 50 s: step 2 of day",
        "  50-65 s                      ======  pstn 42073723101",
        "  then     if busy: step 1 of colleague",
        "  then     if unreachable: step 1 of night",
        "  then     otherwise: voicemail",
        "if busy in step 1 of day or if busy in step 2 of day: step 1 of colleague,",
        "seconds from then on",
        "  0-20 s     =======                   line jana-soft, if registered",
        "  then     if the own line declines: voicemail",
        "20 s after that: step 2 of colleague",
        "  20-45 s           ==========         pstn 42073723102",
        "at 65 s: voicemail",
        "  answers                           >  voicemail",
        "if unreachable in step 1 of day or if unreachable in step 2 of day: step 1 of",
        "night, seconds from then on",
        "  answers    >                         announcement closed",
        "longest  110 s until the end where nobody answers",
        "end      voicemail, or 480 where it cannot be reached",
    ]


@pytest.mark.parametrize(("number", "lines"), [
    pytest.param(number(mode=Mode.FORWARD_ONLY, forward_external=False, default="out", sequences=(
        sequence("out", step("49115234567"), step("line jana-desk")),)), [
            "at 0 s: step 2 of out",
            "  0-20 s     ========================  line jana-desk, if registered",
            "skipped  49115234567: permission forward_external is not granted",
            "longest  20 s until the end where nobody answers",
            "end      480, or 486 where all were busy"], id="a skipped target"),
    pytest.param(number(mode=Mode.REJECT), [
        "longest  0 s until the end where nobody answers", "end      603"], id="reject"),
    pytest.param(number(mode=Mode.FORWARD_ONLY, default="far", sequences=(
        sequence("far", step("49115234567", ring_s=200)),)), [
            "at 0 s: step 1 of far",
            "  0-200 s    ========================  pstn 49115234567",
            "longest  200 s until the end where nobody answers; many networks give a call up",
            "         after 180 s",
            "end      480, or 486 where all were busy"], id="longer than networks wait"),
    pytest.param(number(default="all", sequences=(sequence(
        "all", step("line jana-desk"), step("49115234567"), step("voicemail"),
        on=on(no_answer="late")), sequence("late", step("42073723101")))), [
            "at 0 s: step 1 of all",
            "  0-20 s     ============              line jana-desk, if registered",
            "  then     if no answer: step 1 of late",
            "  then     if the own line declines: step 3 of all",
            "otherwise: step 2 of all, seconds from then on",
            "  0-20 s     ============              pstn 49115234567",
            "  then     if no answer: step 1 of late",
            "  then     otherwise: step 3 of all",
            "at 20 s: step 1 of late; also if no answer in step 1 of all or if no answer in",
            "step 2 of all",
            "  20-40 s                ============  pstn 42073723101",
            "  then     otherwise: voicemail",
        ], id="no answer leads elsewhere"),
])
def test_what_is_left_out_how_it_ends_and_other_ways(number: Number, lines: list[str]) -> None:
    found = ordinary(replace(number, mode=number.mode if number.mode is not Mode.RING_THEN_VOICEMAIL
                             else Mode.FORWARD_THEN_VOICEMAIL), MONDAY_TEN, lambda keys: {},
                     SETTINGS)
    assert flow_text.as_text(flow.of(found)).splitlines()[3:][:len(lines)] == lines


def test_a_hand_over_says_whose_steps_follow() -> None:
    other = number(number="42027777101", owner="acme/petr", lines=(SOFT,), ring_s=25)
    first = number(mode=Mode.FORWARD_ONLY, sequences=(
        sequence("day", step("line jana-desk"), step("number 42027777101")),))
    found = explained(first, "day", MONDAY_TEN, {other.number: other})
    text = flow_text.as_text(flow.of(found)).splitlines()
    assert text[6:9] == [
        "at 20 s: own lines of 42027777101",
        "  20-45 s               =============  line jana-soft, if registered",
        "at 45 s: voicemail of 42027777101"]
    assert "handed   step 2 of day, to 42027777101: default" in text
    assert flow.in_a_line(found) == (
        "line jana-desk 20 s, then handed over (step 2 of day, to 42027777101)")


def test_lines_of_another_number_do_not_decline_for_the_owner() -> None:
    other = number(number="42027777101", owner="acme/petr", lines=(SOFT,))
    first = number(mode=Mode.FORWARD_THEN_VOICEMAIL, sequences=(
        sequence("day", step("number 42027777101"), step("49115234567")),))
    found = flow.of(explained(first, "day", MONDAY_TEN, {other.number: other}))
    assert [(stage.title, stage.after) for stage in found.stages] == [
        ("step 1 of day", ()), ("step 2 of day", ()), ("voicemail", ())]


def test_what_holds_now_is_decided_now() -> None:
    timed = replace(MIXED, windows=(window("mon", "08:00-18:00", "night"),))
    assert [ordinary(timed, at(text), lambda keys: {}, SETTINGS)["rule"]
            for text in ("2026-11-23 17:59", "2026-11-23 18:00")] == [
        "window mon 08:00-18:00", "default"]


@given(strategies.accepted_numbers())
@settings(max_examples=50, deadline=None)
def test_every_step_and_target_of_a_decision_is_in_its_flow(one: Number) -> None:
    for name in (None, *(each.name for each in one.sequences)):
        found = explained(one, name, MONDAY_TEN)
        seen = flow.of(found)
        assert [[bar.target for bar in stage.bars] for stage in seen.stages] == [
            [f"{target['kind']} {target['address']}".rstrip() for target in step["targets"]]
            for step in found["steps"]]
        # What is skipped does not ring, so the validator's figure is never the smaller one.
        assert seen.longest_s <= limits.longest_setup_s(one, one.sequence(name))
        assert seen.longest_s >= max((bar.end_s for stage in seen.stages for bar in stage.bars
                                      if not stage.aside), default=0)


def test_the_longest_set_up_is_that_of_the_validator_where_nothing_is_skipped() -> None:
    for one in MIXED.sequences:
        assert flow_of(MIXED, one.name, MONDAY_TEN).longest_s == limits.longest_setup_s(MIXED, one)


def test_before_and_after_as_text_have_one_axis() -> None:
    before, after = (flow_of(MIXED, name, MONDAY_TEN) for name in ("colleague", "day"))
    text = flow_text.before_and_after(before, after)
    assert text == (f"before\n{flow_text.as_text(before, 65)}\n\n"
                    f"after\n{flow_text.as_text(after)}")
    bars: dict[str, Any] = {line.split()[-1]: line for line in text.splitlines() if "==" in line}
    assert bars["42073723102"] == "  20-45 s           ==========         pstn 42073723102"
