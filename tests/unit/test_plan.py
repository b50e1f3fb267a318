# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing.plan import END, Account, Plan, Planned, PlannedStep
from kemi_routing.targets import VOICEMAIL


def plan(*targets: Planned) -> Plan:
    return Plan((Account("42027777100", "acme/jana"), Account("acme/201", "acme/petr")),
                (PlannedStep(targets),))


def test_a_plan_is_a_value_that_those_who_execute_it_cannot_change() -> None:
    """Hashable, so frozen all the way down; a target shows the caller unless said otherwise."""
    first, second = (plan(Planned(VOICEMAIL, 20, cli=cli)) for cli in (None, "42027777100"))
    assert len({first, second}) == 2
    assert first == plan(Planned(VOICEMAIL, 20))


def test_a_plan_is_that_of_the_number_that_was_dialled() -> None:
    assert (plan().number, plan().owner) == ("42027777100", "acme/jana")


def test_a_step_of_which_nothing_else_is_said_is_the_last_one() -> None:
    step = PlannedStep((Planned(VOICEMAIL, 20),))
    assert (step.then, step.end, step.on) == (END, END, ())


@pytest.mark.parametrize(("delay_s", "ring_s", "confirm", "over_s"), [
    (0, 20, False, 20), (60, 600, False, 660), (5, 20, True, 40)])
def test_a_target_is_over_when_it_has_rung_after_its_delay_and_its_prompt_is_over(
        delay_s: int, ring_s: int, confirm: bool, over_s: int) -> None:
    assert Planned(VOICEMAIL, ring_s, delay_s=delay_s, confirm=confirm).over_s == over_s
