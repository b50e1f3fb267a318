# SPDX-License-Identifier: GPL-2.0-or-later
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import hunt
from kemi_routing.hunt import BUSY_HERE, OUTCOMES, UNAVAILABLE, End
from kemi_routing.model import Outcome
from kemi_routing.plan import END, Planned, PlannedStep
from kemi_routing.targets import Kind, Target
from tests.support.builders import MOBILE, OFFICE, outcomes, planned
from tests.support.strategies import hunted, planned_steps


@pytest.mark.parametrize(("status", "outcome"), [
    (486, "busy"),
    (408, "no_answer"), (480, "no_answer"), (487, "no_answer"),
    (600, "declined"), (603, "declined"), (604, "declined"), (606, "declined"), (699, "declined"),
    (302, "unreachable"), (400, "unreachable"), (403, "unreachable"), (404, "unreachable"),
    (407, "unreachable"), (410, "unreachable"), (484, "unreachable"), (488, "unreachable"),
    (500, "unreachable"), (503, "unreachable"), (599, "unreachable"),
])
def test_the_outcome_of_a_final_answer(status: int, outcome: str) -> None:
    assert hunt.classify(status) == hunt.classify(status, replied=False) == outcome


@pytest.mark.parametrize("status", [408, 486, 603])
@pytest.mark.parametrize(("replied", "outcome"), [(True, "no_answer"), (False, "unreachable")])
def test_the_outcome_of_our_own_timer(status: int, replied: bool, outcome: str) -> None:
    assert hunt.classify(status, timed_out=True, replied=replied) == outcome
    assert hunt.classify(status, timed_out=True) == "no_answer"


@pytest.mark.parametrize("outcome", Outcome)
def test_a_second_pass_answers_with_its_outcome(outcome: Outcome) -> None:
    assert hunt.classify(OUTCOMES[outcome].status) is outcome


@pytest.mark.parametrize(("status", "timed_out", "replied", "does"), [
    (500, False, True, False), (503, False, False, False), (599, False, True, False),
    (408, True, False, False), (408, True, True, True), (408, False, True, True),
    (404, False, True, True), (486, False, True, True), (603, False, True, True)])
def test_a_gateway_that_fails_or_is_silent_does_not_serve(
        status: int, timed_out: bool, replied: bool, does: bool) -> None:
    outcome = hunt.classify(status, timed_out=timed_out, replied=replied)
    assert hunt.is_out_of_service(status, outcome) is not does


@pytest.mark.parametrize(("status", "timed_out", "replied", "is_dead"), [
    (430, False, True, True), (408, True, False, True), (408, True, True, False),
    (408, False, True, False), (480, False, True, False), (486, False, True, False),
    (500, False, True, False), (503, False, True, False), (603, False, True, False)])
def test_a_flow_that_is_silent_or_said_to_have_failed_is_dead(
        status: int, timed_out: bool, replied: bool, is_dead: bool) -> None:
    outcome = hunt.classify(status, timed_out=timed_out, replied=replied)
    assert hunt.is_flow_dead(status, outcome) is is_dead


def test_the_outcome_table() -> None:
    assert [(outcome, rule.status, rule.cause) for outcome, rule in OUTCOMES.items()] == [
        ("declined", 603, 480), ("no_answer", 408, 408), ("busy", 486, 486),
        ("unreachable", 503, 404)]


@pytest.mark.parametrize(("several", "speaks"), [
    ("", "unreachable"),
    ("unreachable busy", "busy"),
    ("busy no_answer unreachable", "no_answer"),
    ("no_answer declined busy", "declined"),
])
def test_the_outcome_that_speaks_for_several(several: str, speaks: str) -> None:
    assert hunt.strongest(outcomes(several)) == speaks


# The own line, then the office with the mobile of a colleague, then voicemail.
DESK = planned("line jana-desk", then=1, end=2)
TO_OFFICE = planned(OFFICE, MOBILE, then=2, end=2)
TO_VOICEMAIL = planned("voicemail")
RING_FORWARD_VOICEMAIL = [DESK, TO_OFFICE, TO_VOICEMAIL]
RING_FORWARD = [planned("line jana-desk", then=1), planned(OFFICE, MOBILE)]


@pytest.mark.parametrize(("steps", "tried", "coming"), [
    ([], [], UNAVAILABLE),
    (RING_FORWARD_VOICEMAIL, [], 0),
    (RING_FORWARD_VOICEMAIL, ["busy"], 1),
    (RING_FORWARD_VOICEMAIL, ["no_answer"], 1),
    (RING_FORWARD_VOICEMAIL, ["unreachable"], 1),
    (RING_FORWARD_VOICEMAIL, ["declined"], 2),  # own line: the end of the sequence
    (RING_FORWARD_VOICEMAIL, ["busy", "declined declined"], 2),  # somebody else's phones
    (RING_FORWARD_VOICEMAIL, ["declined", "", "unreachable"], UNAVAILABLE),
    (RING_FORWARD, ["declined"], UNAVAILABLE),
    (RING_FORWARD, ["busy", "busy no_answer"], UNAVAILABLE),
    (RING_FORWARD, ["busy", "busy unreachable"], UNAVAILABLE),
    (RING_FORWARD, ["busy", "busy busy"], BUSY_HERE),
])
def test_what_comes_after_the_steps_that_were_tried(
        steps: list[PlannedStep], tried: list[str], coming: int | End) -> None:
    assert hunt.next_step(steps, tuple(map(outcomes, tried))) == coming


LINE_OF_OTHER = PlannedStep((Planned(Target(Kind.LINE, "petr-desk"), 20),), then=1, end=5)
TOGETHER = planned("line jana-desk", OFFICE, then=1, end=5)
CONTINUED = planned("line jana-desk", OFFICE, then=1, end=5, busy=2, unreachable=3)
REFUSAL = planned("line jana-desk", OFFICE, then=1, end=5, declined=4)


@pytest.mark.parametrize(("step", "ended", "index"), [
    (TOGETHER, "declined busy", 5),
    (TOGETHER, "busy declined", 1),  # the office declined: the subscriber did not
    (TOGETHER, "declined declined", 5),
    (LINE_OF_OTHER, "declined", 1),  # nor did he where a line of another number declines
    (CONTINUED, "busy busy", 2),
    (CONTINUED, "unreachable busy", 2),  # the strongest outcome speaks for the step
    (CONTINUED, "unreachable unreachable", 3),
    (CONTINUED, "busy no_answer", 1),
    (CONTINUED, "busy declined", 1),
    (CONTINUED, "declined unreachable", 5),
    (REFUSAL, "declined busy", 4),  # what the subscriber says of refusals beats the end
    (REFUSAL, "no_answer declined", 4),
    (REFUSAL, "no_answer busy", 1),
    (planned(OFFICE), "busy", END),
])
def test_what_follows_a_step(step: PlannedStep, ended: str, index: int) -> None:
    assert hunt.follow(step, outcomes(ended)) == index


def test_the_final_answers() -> None:
    assert (BUSY_HERE.status, BUSY_HERE.phrase) == (486, "Busy Here")
    assert (UNAVAILABLE.status, UNAVAILABLE.phrase) == (480, "Temporarily Unavailable")


@pytest.mark.parametrize(("tried", "cause"), [
    ([], 302),  # forwarded unconditionally
    (["", ""], 302),
    (["busy"], 486),
    (["no_answer"], 408),
    (["unreachable"], 404),
    (["declined"], 480),
    (["busy", "", "unreachable"], 486),
    (["unreachable busy", "no_answer"], 408),
    (["no_answer", "declined"], 480),
])
def test_voicemail_is_told_why(tried: list[str], cause: int) -> None:
    assert hunt.voicemail_cause(tuple(map(outcomes, tried))) == cause


@given(planned_steps, st.data())
def test_the_hunt_ends_and_tries_no_step_twice(
        steps: tuple[PlannedStep, ...], data: st.DataObject) -> None:
    """And each step that runs was linked from the one before it."""
    rung, tried = hunted(steps, data)
    assert rung == sorted(set(rung))
    assert rung[:1] == [0] * bool(steps)
    for index, coming in pairwise([*rung, END]):
        assert coming in {steps[index].then, steps[index].end, *dict(steps[index].on).values()}
    assert (hunt.final_answer(tried) == BUSY_HERE) == (
        {outcome for ended in tried for outcome in ended} == {Outcome.BUSY})
