# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from kemi_routing import start_delay
from kemi_routing.model import Outcome
from kemi_routing.plan import Account
from kemi_routing.plan_codec import Hunt
from kemi_routing.start_delay import MARGIN_MS, Waiting
from tests.support.builders import planned

NAMES = "abcd"
NOW_MS = 7_000_000


def begun(*delays_s: int, branches: tuple[int, ...] = ()) -> Hunt:
    """A step of lines with these start delays, each with one branch unless told otherwise."""
    step = planned(*(f"line {NAMES[index]}" for index in range(len(delays_s))))
    targets = tuple(replace(one, delay_s=delay_s)
                    for one, delay_s in zip(step.targets, delays_s, strict=True))
    state = Hunt((Account("1", "o"),), (replace(step, targets=targets),)).jump_to(0)
    sent = branches or tuple(range(len(delays_s)))
    return start_delay.begin(replace(state, branches=sent))


def waits(name: str, for_ms: int = 3000) -> Waiting:
    return Waiting(NAMES.index(name), -2_000_000_000, NOW_MS + for_ms)


def told(state: Hunt, *events: str) -> tuple[Hunt, list[str]]:
    """``a waits`` or ``a ends``, in order; who was woken. Branches are a, b, c."""
    woken: list[Waiting] = []
    for event in events:
        branch = NAMES.index(event[0])
        if event.endswith("waits"):
            state, ids = start_delay.heard(state, branch, waits(event[0]).text, NOW_MS)
        else:
            state, ids = start_delay.wake(state.with_outcome(branch, Outcome.BUSY), NOW_MS)
        woken += ids
    return state, [NAMES[one.index] for one in woken]


@pytest.mark.parametrize(("delays_s", "events", "woken"), [
    ((0, 5), ["b waits"], []),
    ((0, 5), ["b waits", "a ends"], ["b"]),
    ((0, 5), ["a ends", "b waits"], ["b"]),
    ((0, 0, 5), ["c waits", "a ends"], []),
    ((0, 0, 5), ["c waits", "a ends", "b ends"], ["c"]),
    ((0, 9, 5), ["b waits", "c waits", "a ends"], ["c"]),
    ((0, 9, 5), ["b waits", "c waits", "a ends", "c ends"], ["c", "b"]),
    ((0, 9, 5), ["b waits", "a ends", "c waits"], ["c"]),
    ((0, 5, 5), ["b waits", "c waits", "a ends"], ["b", "c"]),
    ((0, 5, 5), ["b waits", "a ends", "c waits"], ["b", "c"]),
    ((5, 9), ["a waits", "b waits"], ["a"]),
    ((5, 9), ["b waits", "a waits"], ["a"]),
    ((5, 9), ["b waits", "a ends"], ["b"]),
    ((5,), ["a waits"], ["a"]),
    ((0, 5), ["b waits", "a ends", "b ends"], ["b"]),
    ((0, 5), ["b waits", "b waits", "a ends", "b waits"], ["b"]),
    ((0, 5), ["a waits", "b waits", "a ends"], ["b"]),
], ids=str)
def test_the_earliest_that_waits_starts_when_nothing_rings(
        delays_s: tuple[int, ...], events: list[str], woken: list[str]) -> None:
    assert told(begun(*delays_s), *events)[1] == woken


def test_a_line_of_two_phones_rings_until_both_ended() -> None:
    state = begun(0, 5, branches=(0, 0, 1))
    state, _ = start_delay.heard(state, 2, waits("b").text, NOW_MS)
    assert told(state, "a ends")[1] == []
    assert told(state, "a ends", "b ends")[1] == ["b"]


def test_a_line_without_phones_does_not_ring() -> None:
    state = begun(0, 5, branches=(1,))
    assert start_delay.heard(state, 0, waits("b").text, NOW_MS)[1] == (waits("b"),)


def test_a_step_without_delays_has_nothing_to_remember() -> None:
    state = begun(0, 0)
    assert state.waiting == ()
    assert told(state, "a waits", "a ends", "b ends")[1] == []


def test_a_branch_of_an_earlier_step_is_not_believed() -> None:
    state = begun(0, 5, branches=(-1, 0, 1))
    assert start_delay.heard(state, 0, waits("b").text, NOW_MS) == (state, ())


@pytest.mark.parametrize(("for_ms", "woken"), [(MARGIN_MS + 1, 1), (MARGIN_MS, 0), (-50, 0)])
def test_one_that_starts_by_itself_in_a_moment_is_left_alone(for_ms: int, woken: int) -> None:
    state, none = start_delay.heard(begun(0, 5, 9), 1, waits("b", for_ms).text, NOW_MS)
    state, found = start_delay.wake(state.with_outcome(0, Outcome.BUSY), NOW_MS)
    assert (none, len(found)) == ((), woken)
    assert start_delay.heard(state, 2, waits("c").text, NOW_MS)[1] == ()  # b rings


def test_an_unreadable_text_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 3"):
        start_delay.heard(begun(0, 5), 1, "1:2", NOW_MS)


def test_the_second_pass_waits_no_more() -> None:
    state = begun(5)
    assert start_delay.over(state).running.targets == (
        replace(state.running.targets[0], delay_s=0),)
