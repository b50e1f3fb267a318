# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import call_record, plan_codec, trail
from kemi_routing.call_record import Arrival, Decided, Ended, HungUp, Part, Said, Tried
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Outcome
from kemi_routing.plan import Account, Plan, Planned, PlannedStep, Remark
from kemi_routing.targets import Kind, Target
from kemi_routing.trail import Row, Trail
from tests.support.builders import MOBILE, OFFICE, PERSONAL, call, planned

AT_MS = 1_795_000_000_123
PLAN = Plan((Account(PERSONAL, "acme/jana"), Account("acme/201", "acme/petr")),
            (planned("line desk", then=1), planned(OFFICE, MOBILE)), revision=7, rule="default",
            skipped=(Remark("49", "denied"),), handed=(Remark("step 1", "default"),))
CAME = Arrival(call(), "id@x", AT_MS, "+420277", "trunk 192.0.2.20")
DECIDED = Decided("id@x", AT_MS, "+420277", "trunk 192.0.2.20", "42075553333", False, "B",
                  PERSONAL, "acme/jana", "default", 7, (PERSONAL, "acme/201"), PLAN.skipped,
                  PLAN.handed)
DESK = Tried("line desk", "", "", 20, 0, PERSONAL)


def test_a_decision_comes_back() -> None:
    assert call_record.read(call_record.decided(CAME, PLAN)) == DECIDED
    said = Said(603, "Decline")
    assert call_record.read(call_record.decided(CAME, PLAN, said)) == replace(DECIDED, said=said)


def test_the_number_of_the_line_that_calls_is_concerned_too() -> None:
    came = replace(CAME, call=call(line="desk", cli="42027777109"))
    read = call_record.read(call_record.decided(came, PLAN))
    assert isinstance(read, Decided)
    assert read.concerns == (PERSONAL, "acme/201", "42027777109")
    assert read.grade == "A"


def test_a_refusal_comes_back_without_a_plan() -> None:
    said = Said(403, "class premium is denied")
    assert call_record.read(call_record.refused(CAME, PERSONAL, said)) == replace(
        DECIDED, owner="", rule="", revision=0, concerns=(PERSONAL,), skipped=(), handed=(),
        said=said)


def test_what_a_caller_chooses_has_a_bound_and_names_no_key() -> None:
    came = replace(CAME, call_id="i" * 5000, dialled="1" * 5000)
    read = call_record.read(call_record.refused(came, "42\r\nDEL", Said(403, "no" * 5000)))
    assert isinstance(read, Decided)
    assert read.said is not None
    assert {len(text) for text in (read.call_id, read.dialled, read.said.why)} == {256}
    assert read.concerns == ()


def test_what_is_left_of_a_call_id_names_the_same_record() -> None:
    came = replace(CAME, call_id="i" * 5000)
    read = call_record.read(call_record.refused(came, PERSONAL, Said(403, "no")))
    assert isinstance(read, Decided)
    assert call_record.name(read.call_id) == call_record.name(came.call_id)
    assert call_record.name("i" * 255) != call_record.name(came.call_id)


STATE = replace(plan_codec.begin(PLAN), received_ms=AT_MS, began_ms=500)


def test_the_end_tells_the_steps_that_began_and_who_rang() -> None:
    state = replace(STATE.jump_to(0, trail.step(0, 1)), branches=(0,))
    state = state.with_outcome(0, Outcome.BUSY, trail.ended(0, 300, 486, "busy")).step_over()
    state = replace(state.jump_to(1, trail.step(1, 301)), branches=(-1, 0))
    text = call_record.ended(state, 200, 900, trail.rang(1, 850), [0])
    assert call_record.read(text) == Ended(
        PERSONAL, AT_MS, 200, 900,
        Trail((0, 1), (Row(0, 0, 1, "", None, 300, 486, "busy"), Row(1, 0, 301, "", 350))),
        {0: (DESK,), 1: tuple(Tried(one, "", "", 20, 0, PERSONAL, capped=True)
                              for one in (OFFICE, MOBILE))})


def test_a_step_that_was_jumped_over_and_one_that_never_came_are_left_out() -> None:
    state = STATE.jump_to(1, trail.step(1, 0)).step_over()
    read = call_record.read(call_record.ended(state, 480, 1))
    assert isinstance(read, Ended)
    assert list(read.steps) == [1]
    read = call_record.read(call_record.ended(STATE.jump_to(0, trail.step(0, 0)), 487, 1))
    assert isinstance(read, Ended)
    assert read.steps == {0: (DESK,)}


def test_no_password_of_an_iax_target_is_kept() -> None:
    target = Target(Kind.IAX, "user:hush@example.com/100")
    state = replace(STATE, steps=(PlannedStep((Planned(target, 20),)),)).jump_to(0)
    assert "hush" not in call_record.ended(state, 480, 1)


def test_a_second_pass_and_a_bye_come_back() -> None:
    state = replace(STATE, spiral=True, trail=trail.second_pass(1, 0)).jump_to(0, trail.step(0, 9))
    state = replace(state, branches=(0,))
    assert call_record.read(call_record.part(state, trail.rang(0, 510))) == Part(
        AT_MS, Trail((0,), (Row(0, 0, 9, "", 10),), (1, 0)))
    assert call_record.read(call_record.hung_up(AT_MS, "callee")) == HungUp(AT_MS, "callee")


@given(st.text(), st.text(), st.text())
def test_an_entry_is_a_line_that_any_kamailio_string_can_be(
        call_id: str, dialled: str, why: str) -> None:
    came = replace(CAME, call_id=call_id, dialled=dialled)
    text = call_record.decided(came, PLAN, Said(480, why))
    assert text.isascii()
    assert text.isprintable()
    read = call_record.read(text)
    assert isinstance(read, Decided)
    assert (read.call_id, read.dialled, read.said) == (call_id, dialled, Said(480, why))


@pytest.mark.parametrize("text", [
    "", "{}", "[]", "1", '["c2"]', '["c1"]', '["b1"]', '["e1",1]', '["p1",1,";x",";",0]',
    '["b1",1,"caller",2]', '["b1","1","caller"]', '["e1","4",1,200,1,[[0]],"","",0]',
    "[" * 100_000])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="not an entry of a call record"):
        call_record.read(text)


def test_the_time_of_each_kind() -> None:
    ended = call_record.read(call_record.ended(STATE, 480, 900))
    assert [call_record.at_ms(one) for one in (DECIDED, ended, HungUp(5, "caller"))] == [
        AT_MS, AT_MS + 900, 5]
    assert call_record.epoch_ms(datetime(2026, 11, 18, 12, 26, 40, 123_456, UTC)) == 1795004800123


@given(st.text())
def test_a_call_id_has_a_name_that_is_safe_in_a_key(call_id: str) -> None:
    assert len(call_record.name(call_id)) == 32
    assert int(call_record.name(call_id), 16) >= 0
