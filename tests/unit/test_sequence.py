# SPDX-License-Identifier: GPL-2.0-or-later
from typing import Any

import pytest

from kemi_routing import sequence as sequences
from kemi_routing.model import Mode, Ring, Sequence, Step
from kemi_routing.sequence import Block
from tests.support.builders import (
    DESK,
    MOBILE,
    OFFICE,
    SOFT,
    number,
    on,
    sequence,
    step,
)

FORWARD = sequence("day", step(OFFICE), step(MOBILE, "SIP/jana@sip.example.net"))
OTHER, EXTENSION = step("number 42027777102"), step("number acme/201")
RING, ONE, TWO, VOICEMAIL = "own lines", "step 1 of day", "step 2 of day", "end: voicemail"


def parts(block: Block) -> list[str]:
    end = [f"end: {block.last[0]}"] if block.last else []
    return [why for why, _ in block.steps] + end


@pytest.mark.parametrize(("mode", "compiled"), [
    (Mode.RING_ONLY, [RING]),
    (Mode.RING_THEN_VOICEMAIL, [RING, VOICEMAIL]),
    (Mode.RING_THEN_FORWARD, [RING, ONE, TWO]),
    (Mode.RING_FORWARD_THEN_VOICEMAIL, [RING, ONE, TWO, VOICEMAIL]),
    (Mode.FORWARD_ONLY, [ONE, TWO]),
    (Mode.FORWARD_THEN_VOICEMAIL, [ONE, TWO, VOICEMAIL]),
    (Mode.VOICEMAIL_ONLY, [VOICEMAIL]),
    (Mode.FORWARD_UNCONDITIONALLY, [ONE, TWO]),  # the second is refused when written
    (Mode.REJECT, []),
])
def test_a_mode_names_the_parts_that_run(mode: Mode, compiled: list[str]) -> None:
    own, other = number(mode=mode), number(mode=Mode.VOICEMAIL_ONLY)
    by_number = sequences.compile_blocks(own, FORWARD)
    by_sequence = sequences.compile_blocks(other, sequence("day", *FORWARD.steps, mode=mode))
    assert [parts(block) for block in by_number] == [compiled]
    assert by_sequence == by_number  # the sequence's own mode wins


def test_every_mode_has_its_parts() -> None:
    assert set(sequences.PARTS) == set(Mode)


def test_what_each_part_rings() -> None:
    own = number(lines=(DESK, SOFT), ring_s=33, mode=Mode.RING_FORWARD_THEN_VOICEMAIL)
    lines = step("line jana-desk", "line jana-soft", ring_s=33)
    assert sequences.own_lines(own) == lines
    assert sequences.compile_blocks(own, FORWARD) == (Block(
        "day", ((RING, lines), (ONE, FORWARD.steps[0]), (TWO, FORWARD.steps[1])),
        last=("voicemail", step("voicemail")), on={}),)


@pytest.mark.parametrize(("fields", "steps", "compiled"), [
    ({"lines": (), "mode": Mode.RING_THEN_VOICEMAIL}, [], [VOICEMAIL]),
    ({"mode": Mode.FORWARD_ONLY}, [], []),
    ({"mode": Mode.RING_FORWARD_THEN_VOICEMAIL}, [], [RING, VOICEMAIL]),
    # A part already there is not added again: one of the own lines,
    ({"mode": Mode.RING_THEN_FORWARD, "lines": (DESK, SOFT)},
     [step(OFFICE), step(MOBILE, "line jana-soft")], [ONE, TWO]),
    # but where the sequence does not run they ring,
    ({"mode": Mode.RING_ONLY}, [step("line jana-desk")], [RING]),
    # and lines of another number are no own ones;
    ({"mode": Mode.RING_THEN_FORWARD}, [step("number 42027777102")], [RING, ONE]),
    # nor is voicemail added to what answers at the end.
    ({"mode": Mode.FORWARD_THEN_VOICEMAIL}, [step(OFFICE), step("voicemail")],
     [ONE, f"end: {TWO}"]),
    ({"mode": Mode.RING_THEN_FORWARD}, [step("menu main")], [RING, f"end: {ONE}"]),
    ({"mode": Mode.RING_FORWARD_THEN_VOICEMAIL}, [step("park")], [RING, f"end: {ONE}"]),
    ({"mode": Mode.FORWARD_UNCONDITIONALLY}, [step("queue sales")], [f"end: {ONE}"]),
])
def test_parts_that_are_empty_or_there_already(
        fields: dict[str, Any], steps: list[Step], compiled: list[str]) -> None:
    block, = sequences.compile_blocks(number(**fields), sequence("day", *steps))
    assert parts(block) == compiled


@pytest.mark.parametrize(("mode", "steps", "handed"), [
    (Mode.FORWARD_ONLY, [OTHER], (ONE, OTHER[0])),
    (Mode.FORWARD_ONLY, [step(OFFICE), EXTENSION], (TWO, EXTENSION[0])),
    (Mode.RING_THEN_FORWARD, [EXTENSION], (ONE, EXTENSION[0])),
    (Mode.FORWARD_THEN_VOICEMAIL, [EXTENSION], None),  # voicemail comes after it
    (Mode.FORWARD_ONLY, [EXTENSION, step("menu main")], None),
    (Mode.FORWARD_ONLY, [EXTENSION, step(OFFICE)], None),
    (Mode.FORWARD_ONLY, [(*EXTENSION, *step(OFFICE))], None),
    (Mode.FORWARD_ONLY, [], None),
])
def test_a_call_is_handed_over_to_a_number_that_stands_alone_in_the_last_step(
        mode: Mode, steps: list[Step], handed: tuple[str, Ring] | None) -> None:
    block, = sequences.compile_blocks(number(mode=mode), sequence("day", *steps))
    assert sequences.hand_over(block) == handed


ASSISTANT = sequence("assistant", step("line jana-soft"))
CELL = sequence("mobile", step(MOBILE), on=on(declined="assistant"))
CLOSED = sequence("closed", step("announcement closed"))
BACK = sequence("back", step(OFFICE), on=on(busy="day"))


@pytest.mark.parametrize(("of_number", "of_sequence", "found"), [
    ({}, {}, {}),
    ({"busy": "mobile"}, {}, {"busy": "mobile"}),
    ({}, {"busy": "mobile"}, {"busy": "mobile"}),
    ({"busy": "mobile", "no_answer": "closed"}, {"busy": "assistant"},
     {"busy": "assistant", "no_answer": "closed"}),
    ({"busy": "day", "unreachable": "mobile"}, {}, {"unreachable": "mobile"}),  # it is running
])
def test_the_continuations_of_a_sequence_go_before_those_of_its_number(
        of_number: dict[str, str], of_sequence: dict[str, str], found: dict[str, str]) -> None:
    day = sequence("day", step(OFFICE), on=on(**of_sequence))
    own = number(mode=Mode.FORWARD_ONLY, on=on(**of_number),
                 sequences=(day, ASSISTANT, CELL, CLOSED))
    assert sequences.compile_blocks(own, day)[0].on == found


@pytest.mark.parametrize(("day", "fields", "compiled"), [
    # A continuation rings its steps whatever the mode is; voicemail comes after as the mode says.
    (FORWARD, {"on": on(busy="assistant")},
     {"day": [RING, VOICEMAIL], "assistant": ["step 1 of assistant", VOICEMAIL]}),
    (FORWARD, {"on": on(busy="assistant"), "mode": Mode.FORWARD_ONLY},
     {"day": [ONE, TWO], "assistant": ["step 1 of assistant"]}),
    (FORWARD, {"on": on(busy="quiet"), "mode": Mode.FORWARD_THEN_VOICEMAIL},
     {"day": [ONE, TWO, VOICEMAIL], "quiet": ["step 1 of quiet"]}),  # it has a mode of its own
    (FORWARD, {"on": on(busy="silent"), "mode": Mode.FORWARD_ONLY},
     {"day": [ONE, TWO], "silent": [VOICEMAIL]}),
    (FORWARD, {"on": on(busy="away"), "mode": Mode.FORWARD_ONLY}, {"day": [ONE, TWO], "away": []}),
    (FORWARD, {"on": on(busy="closed")},
     {"day": [RING, VOICEMAIL], "closed": ["end: step 1 of closed"]}),
    # Each after all that lead to it, the first named first; each once.
    (FORWARD, {"on": on(no_answer="assistant", busy="mobile"), "mode": Mode.FORWARD_ONLY},
     {"day": [ONE, TWO], "mobile": ["step 1 of mobile"], "assistant": ["step 1 of assistant"]}),
    (FORWARD, {"on": on(busy="closed", no_answer="assistant"), "mode": Mode.FORWARD_ONLY},
     {"day": [ONE, TWO], "closed": ["end: step 1 of closed"],
      "assistant": ["step 1 of assistant"]}),
    # What comes back to the sequence that won goes on with the next step instead.
    (FORWARD, {"on": on(busy="back"), "mode": Mode.FORWARD_ONLY},
     {"day": [ONE, TWO], "back": ["step 1 of back"]}),
    # Nothing rings that could be busy,
    (sequence("day", step("voicemail")), {"on": on(unreachable="mobile"),
     "mode": Mode.FORWARD_ONLY}, {"day": [f"end: {ONE}"]}),
    (FORWARD, {"on": on(busy="mobile"), "mode": Mode.VOICEMAIL_ONLY}, {"day": [VOICEMAIL]}),
    (FORWARD, {"on": on(busy="mobile"), "mode": Mode.REJECT}, {"day": []}),
    # and nothing comes after the one target where all calls go.
    (sequence("day", step(OFFICE)), {"on": on(busy="mobile"),
     "mode": Mode.FORWARD_UNCONDITIONALLY}, {"day": [ONE]}),
])
def test_continuations_are_blocks_of_their_own(
        day: Sequence, fields: dict[str, Any], compiled: dict[str, list[str]]) -> None:
    quiet, silent, away = (sequence(name, step(OFFICE), mode=mode) for name, mode in (
        ("quiet", Mode.FORWARD_ONLY), ("silent", Mode.VOICEMAIL_ONLY), ("away", Mode.REJECT)))
    own = number(**fields, sequences=(day, ASSISTANT, CELL, CLOSED, BACK, quiet, silent, away))
    blocks = sequences.compile_blocks(own, day)
    assert [(block.name, parts(block)) for block in blocks] == list(compiled.items())
    assert all(name in compiled and name != "day" for block in blocks
               for name in block.on.values())
