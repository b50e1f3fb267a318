# SPDX-License-Identifier: GPL-2.0-or-later
from typing import Any

import pytest

from kemi_routing import sequence as sequences
from kemi_routing import targets
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Line, Mode, Step
from tests.support.builders import (
    DESK,
    MOBILE,
    OFFICE,
    PERSONAL,
    SOFT,
    number,
    sequence,
    step,
    window,
)

FORWARD = sequence("day", step(OFFICE), step(MOBILE, "line jana-desk"))


@pytest.mark.parametrize(("mode", "steps"), [
    (Mode.RING_THEN_VOICEMAIL, ["own lines", "voicemail"]),
    (Mode.FORWARD_ONLY, ["step 1 of day", "step 2 of day"]),
    (Mode.FORWARD_THEN_VOICEMAIL, ["step 1 of day", "step 2 of day", "voicemail"]),
    (Mode.VOICEMAIL_ONLY, ["voicemail"]),
])
def test_a_mode_names_the_parts_that_run(mode: Mode, steps: list[str]) -> None:
    own, other = number(mode=mode), number(mode=Mode.VOICEMAIL_ONLY)
    by_number = sequences.compile_steps(own, FORWARD)
    by_sequence = sequences.compile_steps(other, sequence("day", *FORWARD.steps, mode=mode))
    assert [why for why, _ in by_number] == steps
    assert by_sequence == by_number  # the sequence's own mode wins


def test_every_mode_has_its_parts() -> None:
    assert set(sequences.PARTS) == set(Mode)


def test_what_each_part_rings() -> None:
    own = number(lines=(DESK, SOFT), ring_s=33, mode=Mode.FORWARD_THEN_VOICEMAIL)
    lines = step("line jana-desk", "line jana-soft", ring_s=33)
    assert sequences.own_lines(own) == lines
    assert [one for _, one in sequences.compile_steps(own, FORWARD)] == [
        *FORWARD.steps, step("voicemail")]


@pytest.mark.parametrize(("fields", "steps", "compiled"), [
    ({"lines": (), "mode": Mode.RING_THEN_VOICEMAIL}, [], ["voicemail"]),
    ({"mode": Mode.FORWARD_ONLY}, [], []),
    ({"mode": Mode.FORWARD_THEN_VOICEMAIL}, [step(OFFICE), step("voicemail")],
     ["step 1 of day", "step 2 of day"]),  # a part already there is not added again
])
def test_parts_that_are_empty_or_there_already(
        fields: dict[str, Any], steps: list[Step], compiled: list[str]) -> None:
    found = sequences.compile_steps(number(**fields), sequence("day", *steps))
    assert [why for why, _ in found] == compiled


PHONES_12 = tuple(Line(name, 4) for name in ("one", "two", "three"))
LINES_12 = step("line one", "line two", "line three")
PSTN_2, SIP_1 = step(OFFICE), step("SIP/jana@sip.example.net")
LINE = "(a line counts as its phones, an outside number as two)"


@pytest.mark.parametrize(("steps", "fields"), [
    ([LINES_12], {"lines": PHONES_12}),
    ([step(*["49115234567"] * 6)], {}),
    ([LINES_12, LINES_12, PSTN_2, PSTN_2, SIP_1], {"lines": PHONES_12}),  # and voicemail: 30
    ([*[step("line jana-desk", ring_s=72)] * 5], {}),  # 5 steps with 3 phones each, 6 minutes
    ([step(OFFICE, ring_s=1), step(MOBILE, ring_s=600)], {}),
    ([LINES_12, LINES_12, LINES_12], {"lines": PHONES_12, "mode": Mode.VOICEMAIL_ONLY}),
    ([step("IAX2/jana@pbx.example.com/1"), step("voicemail")], {}),
    ([], {"ring_s": 600, "lines": PHONES_12, "mode": Mode.RING_THEN_VOICEMAIL}),
])
def test_what_can_be_routed_is_accepted(steps: list[Step], fields: dict[str, Any]) -> None:
    wanted = {"mode": Mode.FORWARD_THEN_VOICEMAIL, "default": "day", **fields}
    sequences.check(number(**wanted, sequences=(sequence("day", *steps),)))


@pytest.mark.parametrize(("steps", "fields", "refused"), [
    ([], {"default": "night"}, "there is no sequence 'night'; known are: day"),
    ([], {"windows": (window("mon", "08:00-18:00", "late"),)},
     "there is no sequence 'late'; known are: day"),
    ([], {"default": "night", "sequences": ()}, "there is no sequence 'night'; there are none"),
    ([], {"ring_s": 0}, "a ring time is 1 to 600 seconds, not 0"),
    ([], {"ring_s": 601}, "a ring time is 1 to 600 seconds, not 601"),
    ([step(OFFICE, ring_s=601)], {}, "a ring time is 1 to 600 seconds, not 601"),
    ([step(OFFICE), step(MOBILE, ring_s=0)], {}, "a ring time is 1 to 600 seconds, not 0"),
    ([step(PERSONAL)], {}, f"{PERSONAL} would forward to itself"),
    ([step("line petr-desk")], {}, "has no line 'petr-desk'; known are: jana-desk"),
    ([step("line petr-desk")], {"lines": ()}, "has no line 'petr-desk'; there are none"),
    ([step("voicemail"), step(OFFICE)], {}, "sequence day: voicemail answers at once"),
    ([step(OFFICE, "voicemail")], {}, "sequence day: voicemail answers at once"),
    ([(*LINES_12, *SIP_1)], {"lines": PHONES_12},
     "sequence day: step 1 of day makes 13 branches, at most 12 are possible"),
    ([SIP_1, step(*["49115234567"] * 7)], {},
     "sequence day: step 2 of day makes 14 branches, at most 12 are possible"),
    ([LINES_12, LINES_12, PSTN_2, PSTN_2, PSTN_2], {"lines": PHONES_12},
     "sequence day: the whole call makes 31 branches, at most 30 are possible"),
    ([], {"lines": (*PHONES_12, DESK), "mode": Mode.RING_THEN_VOICEMAIL},
     "own lines makes 15 branches, at most 12 are possible " + LINE),
])
def test_what_cannot_be_routed_is_refused(
        steps: list[Step], fields: dict[str, Any], refused: str) -> None:
    wanted = {"mode": Mode.FORWARD_THEN_VOICEMAIL, "sequences": (sequence("day", *steps),)}
    with pytest.raises(InvalidValue) as error:
        sequences.check(number(**{**wanted, **fields}))
    assert refused in str(error.value)


def test_the_counts_of_a_number_without_sequences_name_none() -> None:
    crowded = number(lines=(*PHONES_12, DESK))
    with pytest.raises(InvalidValue, match=r"^own lines makes 15"):
        sequences.check(crowded)


@pytest.mark.parametrize(("text", "accepted"), [
    (PERSONAL, False), (OFFICE, True), ("line jana-desk", True), ("line jana-soft", False),
    (f"SIP/{PERSONAL}@sip.example.net", True), ("voicemail", True),
])
def test_the_targets_of_a_subscriber(text: str, accepted: bool) -> None:
    target = targets.parse(text)
    if accepted:
        sequences.check_target(target, PERSONAL, {"jana-desk"})
    else:
        with pytest.raises(InvalidValue):
            sequences.check_target(target, PERSONAL, {"jana-desk"})


@pytest.mark.parametrize(("mode", "seconds"), [
    (Mode.FORWARD_THEN_VOICEMAIL, 30 + 40),  # the longest of each step; voicemail answers at once
    (Mode.FORWARD_ONLY, 30 + 40),
    (Mode.RING_THEN_VOICEMAIL, 25),
    (Mode.VOICEMAIL_ONLY, 0),
])
def test_the_longest_set_up(mode: Mode, seconds: int) -> None:
    mixed = (*step(MOBILE, ring_s=40), *step("line jana-desk", ring_s=10))
    forward = sequence("day", step(OFFICE, ring_s=30), mixed)
    assert sequences.longest_setup_s(number(mode=mode, ring_s=25), forward) == seconds


