# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mode makes of a sequence (SPEC M1), and the limits of a call (SPEC F5).

The limits are those of Kamailio's tm module: 12 branches at a time, 30 in the life of a
transaction (``max_branches``).
"""

import itertools
from collections.abc import Iterator, Set

from kemi_routing.errors import InvalidValue
from kemi_routing.model import Mode, Number, Ring, Sequence, Step
from kemi_routing.targets import VOICEMAIL, Kind, Target

MAX_RING_S = 600
MAX_PHONES_AT_ONCE = 12
MAX_BRANCHES = 30
LONG_SETUP_S = 180
"""Networks give a call up after about this time: a longer set-up is worth a warning."""

PARTS: dict[Mode, tuple[str, ...]] = {
    Mode.RING_THEN_VOICEMAIL: ("ring", "voicemail"),
    Mode.FORWARD_ONLY: ("forward",),
    Mode.FORWARD_THEN_VOICEMAIL: ("forward", "voicemail"),
    Mode.VOICEMAIL_ONLY: ("voicemail",),
}
"""Mode -> the parts that run, in order."""

Labelled = tuple[str, Step]
"""A step and why it is there, in words."""


def compile_steps(number: Number, sequence: Sequence) -> tuple[Labelled, ...]:
    """All steps of a call in which this sequence won, permissions not yet looked at."""
    steps: list[Labelled] = []
    for part in PARTS[sequence.mode or number.mode]:
        if part == "ring" and number.lines:
            steps.append(("own lines", own_lines(number)))
        elif part == "forward":
            steps += [(f"step {index} of {sequence.name}", step)
                      for index, step in enumerate(sequence.steps, 1)]
        elif part == "voicemail" and not ends_in_voicemail(steps):
            steps.append(("voicemail", (Ring(VOICEMAIL),)))
    return tuple(steps)


def own_lines(number: Number) -> Step:
    """The step that rings all lines of the number's owner at once."""
    return tuple(Ring(Target(Kind.LINE, line.name), number.ring_s) for line in number.lines)


def ends_in_voicemail(steps: list[Labelled]) -> bool:
    """Whether the last step is voicemail already."""
    return bool(steps) and steps[-1][1][0].target == VOICEMAIL


def check(number: Number) -> None:
    """Refuse what the router could not route: raises InvalidValue that names the sequence."""
    own = {line.name for line in number.lines}
    names = [sequence.name for sequence in number.sequences]
    for name in filter(None, (number.default, *(window.sequence for window in number.windows))):
        if name not in names:
            raise InvalidValue(f"there is no sequence {name!r}; {_known(names)}")
    check_ring_time(number.ring_s)
    check_counts(number, number.sequence(None))
    for sequence in number.sequences:
        for ring in itertools.chain(*sequence.steps):
            check_ring_time(ring.ring_s)
            check_target(ring.target, number.number, own)
        check_voicemail(sequence)
        check_counts(number, sequence)


def check_ring_time(ring_s: int) -> None:
    """Refuse a ring time out of bounds (SPEC T8); raises InvalidValue."""
    if not 1 <= ring_s <= MAX_RING_S:
        raise InvalidValue(f"a ring time is 1 to {MAX_RING_S} seconds, not {ring_s}")


def check_target(target: Target, number: str, own: Set[str]) -> None:
    """Refuse a target of ``number`` whose owner's lines are ``own``; raises InvalidValue."""
    if target == Target(Kind.PSTN, number):
        raise InvalidValue(f"{number} would forward to itself")
    if target.kind is Kind.LINE and target.address not in own:
        raise InvalidValue(f"the subscriber has no line {target.address!r}; "
                           f"{_known(sorted(own))}")


def check_voicemail(sequence: Sequence) -> None:
    """Refuse voicemail anywhere but alone in the last step; raises InvalidValue."""
    for index, step in enumerate(sequence.steps, 1):
        if any(ring.target == VOICEMAIL for ring in step) and (
                len(step) > 1 or index < len(sequence.steps)):
            raise InvalidValue(f"sequence {sequence.name}: voicemail answers at once, "
                               "so it stands alone in the last step")


def check_counts(number: Number, sequence: Sequence) -> None:
    """Refuse more branches than tm has (SPEC F5); raises InvalidValue with the count."""
    name = f"sequence {sequence.name}: " if sequence.name else ""
    for what, count, most in _counts(number, sequence):
        if count > most:
            raise InvalidValue(f"{name}{what} makes {count} branches, "
                               f"at most {most} are possible (a line counts as its phones, "
                               "an outside number as two)")


def longest_setup_s(number: Number, sequence: Sequence) -> int:
    """Seconds until voicemail or the final answer when everything rings out."""
    return sum(max(ring.ring_s for ring in step)
               for _, step in compile_steps(number, sequence) if step[0].target != VOICEMAIL)


def _counts(number: Number, sequence: Sequence) -> Iterator[tuple[str, int, int]]:
    phones = {line.name: line.max_phones for line in number.lines}
    total = 0
    for why, step in compile_steps(number, sequence):
        branches = sum(_branches(ring.target, phones) for ring in step)
        yield why, branches, MAX_PHONES_AT_ONCE
        total += branches
    yield "the whole call", total, MAX_BRANCHES


def _branches(target: Target, phones: dict[str, int]) -> int:
    if target.kind is Kind.LINE:
        return phones[target.address]
    return 2 if target.kind in (Kind.PSTN, Kind.IAX) else 1


def _known(names: list[str]) -> str:
    return f"known are: {', '.join(names)}" if names else "there are none"
