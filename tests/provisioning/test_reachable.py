# SPDX-License-Identifier: GPL-2.0-or-later
"""Steps and continuations that can never come are warned of when they are written (SPEC F6, M1)."""

import pytest

from kemi_routing.model import Platform
from provisioning.check import check_text
from tests.support.builders import NOW

FRAME = """\
organisation: acme
time_zone: Europe/Prague
subscribers:
  petr:
    extensions: {{202: {{}}}}
  jana:
    permissions: [voicemail]
    lines: {{desk: {{password: "blue-kettle"}}, soft: {{password: "blue-kettle"}}}}
    numbers:
      420277771000:
        mode: {mode}
        on: {{{on}}}
        sequences:
{sequences}
"""
DESK, SOFT, PSTN = "{to: line desk}", "{to: line soft}", "{to: 49115234567}"
MENU = "{to: menu main}"
THREE = "busy: second, no_answer: second, unreachable: second"
FOUR = f"{THREE}, declined: second"
SECOND = f"second: [{DESK}]"


def never(*sequences: str, mode: str = "forward_only", on: str = "") -> list[tuple[int, str]]:
    """What is said to come never: the line, of which the sequences begin with 1, and the words up
    to what is to be written.
    """
    lines = "\n".join(f"          {one}" for one in sequences)
    text = FRAME.format(mode=mode, on=on, sequences=lines)
    problems = check_text(text, "a.yaml", Platform(), NOW).problems
    assert problems.errors == []
    return [(one.place.line - 13, one.text.partition(";")[0]) for one in problems.warnings
            if "never" in one.text and "202" not in one.text]


CUT_OFF = ("this step never rings: each outcome of what rings before it leads to another sequence "
           "by on, or to the end where an own line declines")
NOTHING_BEFORE = "second never comes here: nothing rings before it"


@pytest.mark.parametrize(("steps", "on", "silent"), [
    pytest.param([DESK, SOFT], "busy: second", [], id="one outcome"),
    pytest.param([DESK, SOFT], FOUR, [2], id="every outcome"),
    pytest.param([DESK, SOFT], THREE, [2], id="what the own line declines goes to the end"),
    pytest.param([f"{{together: [{DESK}, {{to: 202}}]}}", SOFT], THREE, [],
                 id="what another phone declines goes on"),
    pytest.param([DESK, SOFT, DESK], FOUR, [2, 3], id="and all that comes after it"),
    pytest.param([DESK, SOFT, "{to: voicemail}"], THREE, [2],
                 id="but the end, to which the own line leads"),
    pytest.param([DESK, SOFT, "{to: voicemail}"], FOUR, [2, 3], id="which it may not"),
    pytest.param([PSTN, SOFT], FOUR, [], id="what is not permitted leads nowhere"),
    pytest.param([PSTN, DESK, SOFT], FOUR, [3], id="the next one does"),
    pytest.param([f"{{together: [{PSTN}, {DESK}]}}", SOFT], THREE, [2],
                 id="nor does it decline"),
    pytest.param(["{to: 202}", SOFT], FOUR, [], id="a number that may have no lines"),
    pytest.param([DESK], FOUR, [], id="nothing comes after it"),
])
def test_a_step_to_which_no_outcome_leads_is_warned_of(
        steps: list[str], on: str, silent: list[int]) -> None:
    lines = [f"    - {step}" for step in steps]
    assert never("all:", f"  on: {{{on}}}", "  steps:", *lines, SECOND) == [
        (3 + index, CUT_OFF) for index in silent]
    # The number's own continuations are as good.
    assert never("all:", *lines, SECOND, on=on) == [(1 + index, CUT_OFF) for index in silent]


def test_the_warning_says_what_to_write() -> None:
    text = FRAME.format(mode="forward_only", on=FOUR, sequences=(
        f"          all: [{DESK}, {SOFT}]\n          {SECOND}"))
    *_, warning = check_text(text, "a.yaml", Platform(), NOW).problems.warnings
    assert str(warning) == (
        f"a.yaml:14:34: {CUT_OFF}; leave busy, no_answer or unreachable out of on, or write the "
        "step into the sequence that on names")


@pytest.mark.parametrize(("sequences", "mode", "on", "said"), [
    pytest.param([f"all: [{SOFT}]", SECOND], "ring_then_forward", FOUR, [],
                 id="a sequence that rings the own line needs no ringing before it"),
    pytest.param(["all: [{to: 202}]", SECOND], "ring_then_forward", FOUR,
                 [(1, CUT_OFF)], id="the own lines ring before it"),
    pytest.param([f"all: {{on: {{{FOUR}}}, steps: [{DESK}, {SOFT}]}}",
                  f"other: {{on: {{busy: all}}, steps: [{DESK}]}}", SECOND], "forward_only", "",
                 [(1, CUT_OFF)], id="a continuation has the same continuations"),
    pytest.param([f"all: [{DESK}, {SOFT}]", f"other: {{on: {{busy: all}}, steps: [{DESK}]}}",
                  SECOND], "forward_only", FOUR, [], id="a continuation has none of the number's"),
    pytest.param([f"second: [{DESK}, {SOFT}]"], "forward_only", FOUR, [(-1, NOTHING_BEFORE)] * 4,
                 id="nothing follows itself"),
])
def test_all_ways_to_a_step_count(
        sequences: list[str], mode: str, on: str, said: list[tuple[int, str]]) -> None:
    assert never(*sequences, mode=mode, on=on) == said


def silent(mode: str, name: str) -> str:
    return f"mode {mode} rings no sequence, so {name} never rings"


@pytest.mark.parametrize(("sequences", "mode", "on", "said"), [
    pytest.param([SECOND], "ring_then_voicemail", "busy: second", [],
                 id="forwarding on busy needs no mode"),
    pytest.param([f"second: {{mode: voicemail_only, steps: [{DESK}]}}"], "ring_only",
                 "busy: second", [(1, silent("voicemail_only", "second"))],
                 id="its own mode never uses it"),
    pytest.param([f"second: {{mode: forward_only, steps: [{DESK}]}}"], "ring_only",
                 "busy: second", [], id="its own mode does"),
    pytest.param([SECOND], "voicemail_only", "busy: second",
                 [(1, silent("voicemail_only", "second"))], id="that of the number never does"),
    pytest.param([SECOND, f"all: {{mode: forward_only, steps: [{DESK}]}}"], "voicemail_only",
                 "busy: second", [], id="but another sequence may lead to it"),
    pytest.param([f"all: [{MENU}]", SECOND], "forward_only", "busy: second",
                 [(-1, NOTHING_BEFORE)], id="a menu has no outcome"),
    pytest.param([f"all: {{on: {{busy: second}}, steps: [{MENU}]}}", f"other: [{DESK}]", SECOND],
                 "forward_only", "no_answer: second",
                 [(1, NOTHING_BEFORE)],
                 id="a menu of one sequence"),
    pytest.param([f"all: {{mode: voicemail_only, on: {{busy: second}}, steps: [{DESK}]}}", SECOND],
                 "forward_only", "", [
                     (1, silent("voicemail_only", "all")),
                     (1, NOTHING_BEFORE)],
                 id="what never rings is never busy"),
    pytest.param([f"all: {{mode: forward_only, on: {{busy: middle}}, steps: [{DESK}]}}",
                  "middle: {mode: voicemail_only, on: {busy: second}}", SECOND],
                 "voicemail_only", "", [(3, silent("voicemail_only", "second"))],
                 id="nor what it would lead to"),
])
def test_a_sequence_that_nothing_uses_is_warned_of(
        sequences: list[str], mode: str, on: str, said: list[tuple[int, str]]) -> None:
    assert never(*sequences, mode=mode, on=on) == said
