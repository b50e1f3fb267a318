# SPDX-License-Identifier: GPL-2.0-or-later
"""When forwarding would come back (SPEC P5)."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from kemi_routing import screening, targets
from kemi_routing.model import Mode, Number, Outcome, Ring, Sequence
from kemi_routing.schedule import Holiday, Override, Window
from kemi_routing.screening import Action, CallerRule, Screen
from kemi_routing.targets import Kind, Target
from provisioning import loops
from tests.support.builders import at, number, window

NOW = at("2026-11-23 12:00")
A, B, C = "42027777101", "42027777102", "42027777103"


def leading(key: str, *to: str, mode: Mode = Mode.FORWARD_ONLY) -> Number:
    """A number whose sequence ``all``, its default, has these targets one after another."""
    steps = tuple((Ring(Target(Kind.NUMBER, one)),) for one in to)
    return number(number=key, lines=(), mode=mode, default="all",
                  sequences=(Sequence("all", steps), Sequence("other")))


def by_window(one: Number, *windows: Window) -> Number:
    """It leads on in these windows only."""
    return replace(one, windows=tuple(replace(each, sequence="all") for each in windows),
                   default="other")


def live(*numbers: Number, now: datetime = NOW) -> str:
    """When a call to the first of them comes back, ``""`` for never."""
    found = loops.find(numbers[0].number, {one.number: one for one in numbers}, now)
    return found.live if found else ""


OFFICE = window("mon-fri", "08:00-18:00")


@pytest.mark.parametrize(("numbers", "times"), [
    pytest.param([leading(A, B), leading(B, A)], "at any time", id="always"),
    pytest.param([leading(A, A)], "at any time", id="to itself"),
    pytest.param([leading(A, B), leading(B)], "", id="no way back"),
    pytest.param([leading(A, B), leading(B, C), leading(C, B)], "", id="a loop of others"),
    pytest.param([leading(A, B)], "", id="a number that is nowhere"),
    pytest.param([leading(A, B, C), leading(B, A), leading(C)], "",
                 id="in the middle only lines ring"),
    pytest.param([leading(A, B, mode=Mode.FORWARD_THEN_VOICEMAIL), leading(B, A)], "",
                 id="voicemail comes after it"),
    pytest.param([leading(A, B, mode=Mode.RING_ONLY), leading(B, A)], "", id="never rung"),
    pytest.param([leading(A, B), by_window(leading(B, A), OFFICE)], "mon-fri 08:00-18:00",
                 id="in a window"),
    pytest.param([by_window(leading(A, B), OFFICE),
                  by_window(leading(B, A), window("daily", "16:00-20:00"))],
                 "mon-fri 16:00-18:00", id="where two windows meet"),
    pytest.param([by_window(leading(A, B), OFFICE),
                  by_window(leading(B, A), window("daily", "18:00-20:00"))], "",
                 id="windows that only touch"),
    pytest.param([leading(A, B), by_window(leading(B, A), window("fri,sat", "22:00-04:00"))],
                 "fri,sat 22:00-24:00, sat,sun 00:00-04:00",
                 id="across midnight"),
    pytest.param([leading(A, B), by_window(leading(B, A), window("sat,sun", "00:00-24:00"))],
                 "sat,sun 00:00-24:00", id="whole days"),
    pytest.param([leading(A, B), by_window(leading(B, A), replace(
        OFFICE, first=date(2026, 12, 21), last=date(2026, 12, 21)))],
        "from 2026-12-21 08:00 to 2026-12-21 18:00", id="in a dated window"),
    pytest.param([leading(A, B), replace(leading(B, A), default="other", holidays=(
        Holiday(date(2026, 12, 24), "all"), Holiday(date(2027, 12, 24), "all")))],
        "from 2026-12-24 00:00 to 2026-12-25 00:00, the first of 2 times in two years",
        id="on holidays"),
    pytest.param([leading(A, B), replace(leading(B, A), default="other", overrides=(
        Override("all", 0, int(at("2026-12-20 00:00").timestamp()),
                 int(at("2027-01-04 00:00").timestamp())),))],
        "from 2026-12-20 00:00 to 2027-01-04 00:00", id="in a vacation"),
    pytest.param([leading(A, B), replace(leading(B, A), default="other", callers=(
        CallerRule(screening.pattern("42075*"), "all"),))],
        "at any time for callers 42075*", id="for some callers"),
    pytest.param([by_window(leading(A, B), OFFICE), replace(
        leading(B, A), default="other", screens=(
            Screen(screening.pattern("anonymous"), Action.SEQUENCE, "all"),))],
        "mon-fri 08:00-18:00 for callers anonymous", id="for blocked callers"),
])
def test_a_loop_is_found_with_its_times(numbers: list[Number], times: str) -> None:
    assert live(*numbers) == times


@pytest.mark.parametrize(("back", "times"), [
    pytest.param(replace(leading(B, A), default="other"),
                 f"at any time with the override all of {B}", id="nothing else leads to it"),
    pytest.param(replace(leading(B), default="other"), "", id="no way back"),
])
def test_a_loop_of_overrides_that_may_be_set_is_found_where_that_is_asked(
        back: Number, times: str) -> None:
    numbers = {one.number: one for one in (leading(A, B), back)}
    found = loops.find(A, numbers, NOW, by_hand=True)
    assert (found.live if found else "") == times
    assert loops.find(A, numbers, NOW) is None


def test_the_shortest_way_is_named() -> None:
    numbers = [leading(A, B), replace(leading(B, A), sequences=(
        Sequence("all", ((Ring(Target(Kind.NUMBER, C)),),), on=((Outcome.BUSY, "other"),)),
        Sequence("other", ((Ring(Target(Kind.NUMBER, A)),),)))), leading(C, A)]
    found = loops.find(A, {one.number: one for one in numbers}, NOW)
    assert str(found) == f"{A} -> {B} -> {A}, live at any time"


def test_an_outside_number_that_has_become_ours_leads_there_wherever_it_stands() -> None:
    together = (Ring(targets.parse(B)), Ring(targets.parse("49115234567")))
    outside = replace(leading(A), sequences=(
        Sequence("all", (together, (Ring(targets.VOICEMAIL),))),))
    assert live(outside, leading(B, A)) == "at any time"


def test_own_mobile_is_no_loop() -> None:
    mobile = replace(leading(A), aliases=("42073723123",), sequences=(
        Sequence("all", ((Ring(targets.parse("42073723123")),),)),))
    assert live(mobile) == ""


def test_times_are_those_of_the_number_where_it_begins() -> None:
    kathmandu = replace(by_window(leading(B, A), window("mon", "06:00-07:00")),
                        zone=ZoneInfo("Asia/Kathmandu"))
    assert live(leading(A, B), kathmandu, now=at("2026-12-01 00:00")) == "mon 01:15-02:15"


def test_many_ways_are_no_many_searches() -> None:
    """Each number leads to all others of the next rank, by caller: 6^9 ways in all."""
    def name(rank: int, index: int) -> str:
        return f"420277{rank:02}{index:03}"

    numbers = []
    for rank in range(10):
        for index in range(6):
            nexts = [name(rank + 1, other) for other in range(6)]
            numbers.append(number(
                number=name(rank, index), lines=(), mode=Mode.FORWARD_ONLY,
                sequences=tuple(Sequence(to, ((Ring(Target(Kind.NUMBER, to)),),)) for to in nexts),
                callers=tuple(CallerRule(screening.pattern(f"4207{to}"), to) for to in nexts)))
    back = leading(name(10, 0), name(0, 0))
    assert live(*numbers, back).startswith("at any time for callers")
