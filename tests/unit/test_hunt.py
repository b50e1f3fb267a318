# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import hunt
from kemi_routing.hunt import BUSY_HERE, OUTCOMES, UNAVAILABLE, End, Outcome
from kemi_routing.plan import PlannedStep
from kemi_routing.targets import VOICEMAIL, Kind
from tests.support.builders import MOBILE, OFFICE, outcomes, planned
from tests.support.strategies import planned_steps


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


def test_the_outcome_table() -> None:
    assert [(outcome, rule.own_line_stops, rule.status, rule.cause)
            for outcome, rule in OUTCOMES.items()] == [
        ("declined", True, 603, 480), ("no_answer", False, 408, 408), ("busy", False, 486, 486),
        ("unreachable", False, 503, 404)]


@pytest.mark.parametrize(("several", "speaks"), [
    ("", "unreachable"),
    ("unreachable busy", "busy"),
    ("busy no_answer unreachable", "no_answer"),
    ("no_answer declined busy", "declined"),
])
def test_the_outcome_that_speaks_for_several(several: str, speaks: str) -> None:
    assert hunt.strongest(outcomes(several)) == speaks


DESK, OFFICE_AND_DESK = planned("line jana-desk"), planned(OFFICE, "line jana-desk")
TO_OFFICE, TO_MOBILE, TO_VOICEMAIL = planned(OFFICE), planned(MOBILE), planned("voicemail")


@pytest.mark.parametrize(("steps", "tried", "coming"), [
    ([], [], UNAVAILABLE),
    ([TO_OFFICE], [], 0),
    ([DESK, TO_OFFICE, TO_VOICEMAIL], [], 0),
    ([DESK, TO_OFFICE, TO_VOICEMAIL], ["busy"], 1),
    ([DESK, TO_OFFICE, TO_VOICEMAIL], ["no_answer"], 1),
    ([DESK, TO_OFFICE, TO_VOICEMAIL], ["unreachable"], 1),
    ([DESK, TO_OFFICE, TO_VOICEMAIL], ["declined"], 2),  # own line: the end of the sequence
    ([DESK, TO_OFFICE, TO_MOBILE], ["declined"], UNAVAILABLE),
    ([DESK, TO_VOICEMAIL], ["declined"], 1),
    ([OFFICE_AND_DESK, TO_MOBILE, TO_VOICEMAIL], ["busy declined"], 2),
    ([OFFICE_AND_DESK, TO_MOBILE, TO_VOICEMAIL], ["declined busy"], 1),  # somebody else's phone
    ([TO_OFFICE, DESK, TO_VOICEMAIL], ["declined"], 1),
    ([DESK, TO_OFFICE, TO_VOICEMAIL], ["busy", "busy"], 2),
    ([DESK, TO_OFFICE, TO_VOICEMAIL], ["declined", "", "unreachable"], UNAVAILABLE),
    ([TO_OFFICE, DESK], ["busy", "declined"], UNAVAILABLE),
    ([DESK, TO_OFFICE], ["busy", "busy"], BUSY_HERE),
    ([OFFICE_AND_DESK], ["busy busy"], BUSY_HERE),
    ([OFFICE_AND_DESK], ["busy unreachable"], UNAVAILABLE),
    ([DESK, TO_OFFICE], ["busy", "no_answer"], UNAVAILABLE),
])
def test_what_comes_after_the_steps_that_were_tried(
        steps: list[PlannedStep], tried: list[str], coming: int | End) -> None:
    assert hunt.next_step(steps, tuple(map(outcomes, tried))) == coming


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
    tried: tuple[tuple[Outcome, ...], ...] = ()
    rung: list[int] = []
    while not isinstance(coming := hunt.next_step(steps, tried), End):
        assert not rung or rung[-1] < coming < len(steps)
        rung.append(coming)
        ended = data.draw(st.tuples(*(st.sampled_from(Outcome) for _ in steps[coming])))
        tried = (*tried, *((),) * (coming - len(tried)), ended)
    left_out = set(range(len(steps))) - set(rung)
    declined = [one.target.kind is Kind.LINE and outcome is Outcome.DECLINED
                for index in rung for one, outcome in zip(steps[index], tried[index], strict=True)]
    assert not left_out or any(declined)
    assert not left_out or steps[max(left_out)][0].target != VOICEMAIL or (
        max(left_out) < len(steps) - 1)  # the voicemail at the end is never left out
    assert (coming == BUSY_HERE) == (bool(rung) and {one for end in tried for one in end} == {
        Outcome.BUSY})
