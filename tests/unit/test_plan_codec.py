# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import plan_codec
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Outcome
from kemi_routing.permissions import NumberClass, Rights
from kemi_routing.plan import Access, Account, Caller, Outgoing, Plan, Planned
from kemi_routing.plan_codec import Hunt
from kemi_routing.targets import MAILBOX
from tests.support.builders import MOBILE, OFFICE, PERSONAL, outcomes, planned
from tests.support.strategies import keys, numbers, planned_steps, rights

some_outcomes = st.lists(st.sampled_from(Outcome), max_size=3).map(tuple)
accounts = st.builds(Account, keys, st.text(), rights, st.integers(0, 3), st.none() | numbers)
hunts = st.builds(
    Hunt, st.lists(accounts, min_size=1, max_size=3).map(tuple), planned_steps,
    caller=st.builds(Caller, st.none() | numbers, st.booleans(), st.text(), st.none() | numbers),
    access=st.none() | st.builds(
        Access, st.sampled_from("ABCD"), st.booleans(), st.sampled_from(Outgoing)),
    tried=st.lists(some_outcomes, max_size=5).map(tuple),
    branches=st.lists(st.integers(-1, 11)).map(tuple),
    outcomes=st.lists(some_outcomes, max_size=4).map(tuple), early_media=st.booleans(),
    spiral=st.booleans(), waiting=st.lists(st.text(), max_size=4).map(tuple),
    contacts=st.lists(st.text(), max_size=4).map(tuple), began_ms=st.integers(0, 2**63),
    answered=st.booleans(), received_ms=st.integers(0, 2**63), trail=st.text())


@given(hunts)
def test_a_hunt_comes_back_from_its_text_which_fits_an_avp(state: Hunt) -> None:
    text = plan_codec.encode(state)
    assert plan_codec.decode(text) == state
    assert text.isascii()
    assert text.isprintable()  # no NUL, no line end


@pytest.mark.parametrize("text", ["", "0[]", "2[]", "None", "[]"])
def test_a_hunt_of_another_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=f"version '{text[:1]}'; this program reads 4".replace(
            "[", r"\[")):
        plan_codec.decode(text)


def test_the_mailbox_which_nobody_can_write_rides_too() -> None:
    one = Planned(MAILBOX, 20, cli=None, why="grade A", label="")
    assert plan_codec.planned(plan_codec.planned_fields(one)) == one


@given(accounts)
def test_a_number_of_the_plan_comes_back_from_its_fields(one: Account) -> None:
    assert plan_codec.account(plan_codec.account_fields(one)) == one


RIGHTS = Rights(classes=(NumberClass("420900", "premium", allowed=False),), max_calls=2)
PLAN = Plan((Account(PERSONAL, "acme/jana", RIGHTS), Account("acme/201", "acme/petr")), (
    planned(OFFICE, "line jana-desk", then=1, busy=2), planned(MOBILE, then=2),
    planned("voicemail")), Caller("42075553333", anonymous=True, history="1.1"),
    Access("B", ask_pin=False), revision=7, rule="default")


def test_a_hunt_begins_with_its_first_step_and_no_outcome() -> None:
    state = plan_codec.begin(PLAN)
    assert state == Hunt(PLAN.accounts, PLAN.steps, PLAN.caller, PLAN.access)
    assert state.number == PERSONAL
    assert state.running == PLAN.steps[0]
    assert not state.spiral


def test_what_only_explains_a_plan_stays_behind() -> None:
    bare = Plan(PLAN.accounts, PLAN.steps, PLAN.caller, PLAN.access)
    assert plan_codec.encode(plan_codec.begin(PLAN)) == plan_codec.encode(plan_codec.begin(bare))


def test_a_hunt_from_step_to_step() -> None:
    """Branches 0 to 2 are the first step: the office, then two phones of the line."""
    state = replace(plan_codec.begin(PLAN).jump_to(0), branches=(0, 1, 1))
    assert [state.target_of(branch) for branch in range(4)] == [0, 1, 1, None]
    assert state.outcomes == ((), ())
    state = state.with_outcome(0, Outcome.BUSY)
    state = state.with_outcome(2, Outcome.UNREACHABLE).with_outcome(1, Outcome.NO_ANSWER)
    assert state.outcomes == (outcomes("busy"), outcomes("unreachable no_answer"))
    over = state.step_over()
    assert (over.tried, over.outcomes) == ((outcomes("busy no_answer"),), ())
    assert over.branches == (-1, -1, -1)
    assert over.target_of(0) is None
    last = over.jump_to(2)
    assert last.running == planned("voicemail")
    assert (last.tried, last.outcomes) == ((outcomes("busy no_answer"), ()), ((),))


@pytest.mark.parametrize("branch", [0, 1, 3])
def test_branches_that_are_not_of_the_running_step_change_nothing(branch: int) -> None:
    state = replace(plan_codec.begin(PLAN).jump_to(1), branches=(-1, -1, 0))
    assert state.with_outcome(branch, Outcome.BUSY) == state


def test_a_target_that_was_never_sent_was_unreachable() -> None:
    state = replace(plan_codec.begin(PLAN).jump_to(0), branches=(0,))
    assert state.with_outcome(0, Outcome.BUSY).step_over().tried == (outcomes("busy unreachable"),)


@pytest.mark.parametrize(("tried", "text"), [
    ([], "nothing"),
    (["busy no_answer", "unreachable"], "busy,no_answer/unreachable"),
    (["declined", "", "busy"], "declined//busy"),
])
def test_outcomes_are_shown_to_people(tried: list[str], text: str) -> None:
    assert plan_codec.tried_text(tuple(map(outcomes, tried))) == text
