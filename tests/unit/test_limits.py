# SPDX-License-Identifier: GPL-2.0-or-later
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import limits
from kemi_routing import steps as linked_steps
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Continuations, Line, Mode, Outcome, Ring, Sequence, Step
from kemi_routing.plan import Planned
from kemi_routing.schedule import Holiday, Override
from kemi_routing.screening import Action, CallerRule, Screen, pattern
from kemi_routing.sequence import Block, compile_blocks
from kemi_routing.steps import PlannedBlock
from kemi_routing.targets import Kind, Target
from tests.support.builders import (
    DESK,
    MOBILE,
    NOW,
    OFFICE,
    PERSONAL,
    number,
    on,
    sequence,
    step,
    window,
)
from tests.support.strategies import chained_sequences, continuations, hunted

FORWARD = sequence("day", step(OFFICE), step(MOBILE, "SIP/jana@sip.example.net"))
OTHER, EXTENSION = step("number 42027777102"), step("number acme/201")
PHONES_12 = tuple(Line(name, 4) for name in ("one", "two", "three"))
LINES_12 = step("line one", "line two", "line three")
PSTN_2, SIP_1 = step(OFFICE), step("SIP/jana@sip.example.net")


@pytest.mark.parametrize(("steps", "fields"), [
    ([LINES_12], {"lines": PHONES_12}),
    ([step(*["49115234567"] * 6)], {}),
    ([LINES_12, LINES_12, PSTN_2, PSTN_2, SIP_1], {"lines": PHONES_12}),  # and voicemail: 30
    ([*[step("line jana-desk", ring_s=72)] * 5], {}),  # 5 steps with 3 phones each, 6 minutes
    ([step(OFFICE, ring_s=1), step(MOBILE, ring_s=600)], {}),
    ([LINES_12, LINES_12, LINES_12], {"lines": PHONES_12, "mode": Mode.VOICEMAIL_ONLY}),
    ([step("IAX2/jana@pbx.example.com/1"), step("voicemail")], {}),
    ([], {"ring_s": 600, "lines": PHONES_12, "mode": Mode.RING_THEN_VOICEMAIL}),
    ([step(MOBILE), step(f"menu {PERSONAL}")], {}),  # an alias is the owner's mobile
    ([step(f"SIP/{PERSONAL}@sip.example.net"), OTHER, EXTENSION], {}),
    ([step("conference all")], {"mode": Mode.FORWARD_UNCONDITIONALLY}),
    ([step(OFFICE)], {"mode": Mode.FORWARD_UNCONDITIONALLY, "on": on(busy="day")}),
    ([(Ring(Target(Kind.PSTN, OFFICE), delay_s=60), *step(MOBILE))], {}),
    ([], {"screens": (Screen(pattern("*"), Action.ANNOUNCEMENT, "late"),)}),  # no sequence
])
def test_what_can_be_routed_is_accepted(steps: list[Step], fields: dict[str, Any]) -> None:
    wanted = {"mode": Mode.FORWARD_THEN_VOICEMAIL, "default": "day", **fields}
    limits.check(number(**wanted, sequences=(sequence("day", *steps),)))


@pytest.mark.parametrize(("steps", "fields", "refused"), [
    ([], {"default": "night", "sequences": ()}, "there is no sequence 'night'; there are none"),
    ([], {"ring_s": 0}, "a ring time is 1 to 600 seconds, not 0"),
    ([], {"ring_s": 601}, "a ring time is 1 to 600 seconds, not 601"),
    ([step(OFFICE, ring_s=601)], {}, "a ring time is 1 to 600 seconds, not 601"),
    ([step(OFFICE), step(MOBILE, ring_s=0)], {}, "a ring time is 1 to 600 seconds, not 0"),
    ([(*step(MOBILE), Ring(Target(Kind.PSTN, OFFICE), delay_s=61))], {},
     "a start delay is 0 to 60 seconds, not 61"),
    ([(Ring(Target(Kind.PSTN, OFFICE), delay_s=-1),)], {},
     "a start delay is 0 to 60 seconds, not -1"),
    ([step(PERSONAL)], {}, f"{PERSONAL} would forward to itself; write another"),
    ([step(OFFICE, f"number {PERSONAL}")], {}, f"{PERSONAL} would forward to itself"),
    ([step("line petr-desk")], {}, "has no line 'petr-desk'; known are: jana-desk"),
    ([step("line petr-desk")], {"lines": ()}, "has no line 'petr-desk'; there are none"),
    ([step("voicemail"), step(OFFICE)], {}, "sequence day: voicemail answers at once"),
    ([step(OFFICE, "voicemail")], {}, "sequence day: voicemail answers at once"),
    ([step("menu main"), step(OFFICE)], {},
     "sequence day: menu main answers at once, so write it alone in the last step"),
    ([step(OFFICE), step("queue sales", MOBILE)], {}, "sequence day: queue sales answers at once"),
    ([step("park", "park")], {}, "sequence day: park answers at once"),
    ([(*LINES_12, *SIP_1)], {"lines": PHONES_12},
     "sequence day: step 1 of day makes 13 branches, at most 12 are possible"),
    ([SIP_1, step(*["49115234567"] * 7)], {},
     "sequence day: step 2 of day makes 14 branches, at most 12 are possible"),
    ([LINES_12, LINES_12, PSTN_2, PSTN_2, PSTN_2], {"lines": PHONES_12},
     "sequence day: the whole call makes 31 branches, at most 30 are possible"),
    ([step(OFFICE), step(MOBILE)], {"mode": Mode.FORWARD_UNCONDITIONALLY},
     "sequence day: mode forward_unconditionally has one target and nothing after it; "
     "for several write mode: forward_only"),
    ([step(OFFICE, MOBILE)], {"mode": Mode.FORWARD_UNCONDITIONALLY}, "has one target"),
    ([], {"mode": Mode.FORWARD_UNCONDITIONALLY, "sequences": (
        sequence("day", step(OFFICE), on=on(busy="cell")), sequence("cell"))}, "has one target"),
])
def test_what_cannot_be_routed_is_refused(
        steps: list[Step], fields: dict[str, Any], refused: str) -> None:
    wanted = {"mode": Mode.FORWARD_THEN_VOICEMAIL, "sequences": (sequence("day", *steps),)}
    with pytest.raises(InvalidValue) as error:
        limits.check(number(**{**wanted, **fields}))
    assert refused in str(error.value)


@pytest.mark.parametrize("fields", [
    {"default": "late"},
    {"windows": (window("mon", "08:00-18:00", "late"),)},
    {"holidays": (Holiday(NOW.date(), "late"),)},
    {"overrides": (Override("late", set_at=0),)},
    {"callers": (CallerRule(pattern("42075*"), "late"),)},
    {"screens": (Screen(pattern("anonymous"), Action.SEQUENCE, "late"),)},
    {"on": on(busy="late")},
    {"sequences": (sequence("day", step(OFFICE), on=on(busy="late")),)},
])
def test_whatever_names_a_sequence_names_one_of_the_number(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as error:
        limits.check(number(**{"sequences": (sequence("day"),), **fields}))
    assert str(error.value) == "there is no sequence 'late'; known are: day"


def test_the_counts_of_a_number_without_sequences_name_none() -> None:
    with pytest.raises(InvalidValue) as error:
        limits.check(number(lines=(*PHONES_12, DESK)))
    assert str(error.value) == (
        "own lines makes 15 branches, at most 12 are possible "
        "(a line counts as its phones, an outside number as two); let fewer ring")


@pytest.mark.parametrize(("rings", "phones", "branches"), [
    (OTHER, {}, 1),  # not known
    (OTHER, {"42027777102": 12}, 12),
    ((*OTHER, *EXTENSION), {"42027777102": 8, "acme/201": 5}, 13),
    ((*OTHER, *step("line 42027777102")), {"42027777102": 9}, 13),  # a line of that name has 4
    (step("IAX2/jana@pbx.example.com/1", OFFICE), {}, 4),
])
def test_what_a_step_counts(rings: Step, phones: dict[str, int], branches: int) -> None:
    """Filled up with SIP targets to 13: refused with that count, and one less is accepted."""
    own = number(lines=(Line("42027777102", 4),), mode=Mode.FORWARD_ONLY)
    with pytest.raises(InvalidValue, match="step 1 of day makes 13 branches"):
        limits.check_counts(own, sequence("day", (*rings, *(13 - branches) * SIP_1)), phones)
    if branches <= 12:
        limits.check_counts(own, sequence("day", (*rings, *(12 - branches) * SIP_1)), phones)


EITHER = on(busy="assistant", no_answer="mobile")


@pytest.mark.parametrize(("assistant", "cell", "links", "branches"), [
    ([SIP_1 * 9], [SIP_1 * 9], EITHER, 30),  # either of them rings
    ([SIP_1 * 9], [SIP_1 * 10], EITHER, 31),
    ([SIP_1 * 4], [SIP_1 * 5], on(busy="chain"), 30),  # one after the other
    ([SIP_1 * 5], [SIP_1 * 5], on(busy="chain"), 31),
    ([SIP_1 * 9, step("menu main")], [], EITHER, 30),  # no voicemail then
])
def test_the_worst_way_through_all_continuations_counts(
        assistant: list[Step], cell: list[Step], links: Continuations, branches: int) -> None:
    """After 20 branches, the last of which may be busy, and before voicemail."""
    day = sequence("day", SIP_1 * 10, SIP_1 * 10)
    own = number(mode=Mode.FORWARD_THEN_VOICEMAIL, on=links, sequences=(
        sequence("assistant", *assistant), sequence("mobile", *cell),
        sequence("chain", *assistant, on=on(busy="mobile"))))
    if branches <= limits.MAX_BRANCHES:
        limits.check_counts(own, day)
    else:
        with pytest.raises(InvalidValue, match=f"the whole call makes {branches} branches"):
            limits.check_counts(own, day)


@pytest.mark.parametrize(("fields", "seconds"), [
    # the longest of each step; voicemail answers at once
    ({"mode": Mode.FORWARD_THEN_VOICEMAIL}, 30 + 60),
    ({"mode": Mode.RING_THEN_VOICEMAIL}, 25),
    ({"mode": Mode.VOICEMAIL_ONLY}, 0),
    ({"mode": Mode.REJECT}, 0),
    # busy in the last second of the last step, then the longest of the continuations
    ({"mode": Mode.FORWARD_ONLY, "on": on(busy="long", no_answer="short")}, 30 + 60 + 100),
    ({"mode": Mode.RING_ONLY, "on": on(unreachable="short")}, 25 + 10),
    ({"mode": Mode.RING_ONLY, "on": on(declined="chain")}, 25 + 1 + 100),
])
def test_the_longest_set_up(fields: dict[str, Any], seconds: int) -> None:
    delayed = Ring(Target(Kind.PSTN, MOBILE), ring_s=40, delay_s=5, confirm=True)  # 15 s to press 1
    forward = sequence("day", step(OFFICE, ring_s=30), (delayed, *step("SIP/a@b.c", ring_s=50)))
    own = number(**fields, ring_s=25, sequences=(
        sequence("long", step(OFFICE, ring_s=100)), sequence("short", step(MOBILE, ring_s=10)),
        sequence("chain", step(MOBILE, ring_s=1), on=on(busy="long"))))
    assert limits.longest_setup_s(own, forward) == seconds


@pytest.mark.parametrize(("links", "circle"), [
    ({"day": {"busy": "day"}}, "day -> day"),
    ({"day": {"busy": "night"}, "night": {"no_answer": "day"}}, "day -> night -> day"),
    ({"day": {"busy": "night"}, "night": {"declined": "late"}, "late": {"busy": "day"}},
     "day -> night -> late -> day"),
    ({"day": {"busy": "night"}, "night": {"busy": "late"}, "late": {"busy": "night"}},
     "night -> late -> night"),
])
def test_a_circle_of_continuations_is_refused_and_named(
        links: dict[str, dict[str, str]], circle: str) -> None:
    """Also where the number leads into it, before anything is counted along it."""
    own = number(on=on(busy="day"), sequences=tuple(
        sequence(name, step(OFFICE), on=on(**links.get(name, {})))
        for name in ("day", "night", "late")))
    with pytest.raises(InvalidValue) as error:
        limits.check(own)
    assert str(error.value) == (
        f"sequence {circle.partition(' ')[0]}: its continuations come back to it: {circle}; "
        "leave one of them out of on")


def test_many_continuations_are_looked_through_at_once() -> None:
    """60 sequences, each with the next four: more ways through them than could be walked."""
    names = [f"s{index}" for index in range(60)]
    own = number(sequences=tuple(
        sequence(name, on=tuple(zip(Outcome, names[index + 1:], strict=False)))
        for index, name in enumerate(names)))
    limits.check(own)


@given(chained_sequences(circles=True))
def test_circles_are_refused_and_nothing_else(written: tuple[Sequence, ...]) -> None:
    following = {one.name: {name for _, name in one.on} for one in written}
    for _ in written:  # what they lead to, further each time
        following = {name: names.union(*(following[one] for one in names))
                     for name, names in following.items()}
    if circles := [name for name, names in following.items() if name in names]:
        with pytest.raises(InvalidValue, match=f"^sequence ({'|'.join(circles)}): "):
            limits.check_continuations(number(sequences=written))
    else:
        limits.check_continuations(number(sequences=written))


@given(chained_sequences(circles=False), st.sampled_from(Mode), st.data())
def test_no_way_through_a_call_is_longer_than_the_longest_set_up(
        written: tuple[Sequence, ...], mode: Mode, data: st.DataObject) -> None:
    any_of_them = continuations(tuple(one.name for one in written))
    own = number(sequences=written, on=data.draw(any_of_them), mode=mode)
    won = data.draw(st.sampled_from(written))
    blocks = compile_blocks(own, won)
    for index, block in enumerate(blocks):
        assert set(block.on.values()) <= {later.name for later in blocks[index + 1:]}
    steps = linked_steps.link(list(map(_planned_block, blocks)))
    rung, _ = hunted(steps, data)
    assert sum(max(one.over_s for one in steps[index].targets) for index in rung) <= (
        limits.longest_setup_s(own, won))


def _planned_block(block: Block) -> PlannedBlock:
    """Without what answers at the end, which takes no time."""
    rung = tuple(tuple(Planned(ring.target, limits.ends_after_s(ring),
                               own=ring.target.kind is Kind.LINE) for ring in step)
                 for _, step in block.steps)
    following = {outcome: (0, name, False) for outcome, name in block.on.items()}
    return PlannedBlock((0, block.name, False), rung, following)


@pytest.mark.parametrize(("mode", "branches", "seconds"), [
    # two for the office, then the whole call of the other number instead of its lines
    (Mode.FORWARD_ONLY, 2 + 9, 20 + 70),
    # voicemail comes after it, so only the lines of the other ring
    (Mode.FORWARD_THEN_VOICEMAIL, 2 + 4 + 1, 20 + 30),
])
def test_a_hand_over_adds_what_the_other_number_does(
        mode: Mode, branches: int, seconds: int) -> None:
    own = number(mode=mode)
    day = sequence("day", step(OFFICE), step("number 42027777102", ring_s=30))
    assert limits.count_branches(
        own, day, {"42027777102": 4}, {"42027777102": 9}) == branches
    assert limits.longest_setup_s(own, day, {"42027777102": 70}) == seconds


def test_who_is_handed_over_to_rings_as_he_wants_and_not_all_his_lines() -> None:
    own = number(mode=Mode.FORWARD_ONLY)
    phones, handed = {"42027777102": 15}, {"42027777102": 3}
    limits.check_counts(own, sequence("day", OTHER), phones, handed)
    with pytest.raises(InvalidValue, match="step 1 of day makes 15 branches"):
        limits.check_counts(own, sequence("day", OTHER, step(OFFICE)), phones, handed)
