# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mode makes of a sequence (SPEC M1): the blocks of a call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kemi_routing.model import Mode, Number, Outcome, Ring, Sequence, Step
from kemi_routing.targets import VOICEMAIL, Kind, Target

PARTS: dict[Mode, tuple[str, ...]] = {
    Mode.RING_ONLY: ("ring",),
    Mode.RING_THEN_VOICEMAIL: ("ring", "voicemail"),
    Mode.RING_THEN_FORWARD: ("ring", "forward"),
    Mode.RING_FORWARD_THEN_VOICEMAIL: ("ring", "forward", "voicemail"),
    Mode.FORWARD_ONLY: ("forward",),
    Mode.FORWARD_THEN_VOICEMAIL: ("forward", "voicemail"),
    Mode.VOICEMAIL_ONLY: ("voicemail",),
    Mode.FORWARD_UNCONDITIONALLY: ("forward",),
    Mode.REJECT: (),
}
"""Mode -> the parts that run, in order."""

Labelled = tuple[str, Step]
"""A step and why it is there, in words."""


@dataclass(frozen=True, slots=True)
class Block:
    """The steps that one sequence gives to a call, and what may follow them."""

    name: str
    """Of the sequence; ``""`` where only the own lines ring."""
    steps: tuple[Labelled, ...]
    last: Labelled | None
    """What answers at the end, where a refusal of the own line leads too; None: nothing does."""
    on: dict[Outcome, str]
    """Outcome -> name of a later block, which comes next instead of the next step."""


def compile_blocks(number: Number, sequence: Sequence) -> tuple[Block, ...]:
    """All steps of a call in which this sequence won, permissions not yet looked at.

    The first block begins the call; the others are its continuations, each after all blocks that
    lead to it.
    """
    mode = sequence.mode or number.mode
    first = _block(sequence.name, _of_mode(number, sequence, mode),
                   {**dict(number.on), **dict(sequence.on)}, mode, won=sequence.name)
    return (first, *(_continuation(number, name, mode, won=sequence.name)
                     for name in _reached(number, sequence.name, first.on.values())))


def hand_over(block: Block) -> tuple[str, Ring] | None:
    """The number of ours that the call is handed over to after all other steps, and why; None
    where it is not: there is none, not alone, or something answers after it (SPEC T5).
    """
    why, last = block.steps[-1] if block.steps and block.last is None else ("", ())
    return (why, last[0]) if len(last) == 1 and last[0].target.kind is Kind.NUMBER else None


def own_lines(number: Number) -> Step:
    """The step that rings all lines of the number's owner at once."""
    return tuple(Ring(Target(Kind.LINE, line.name), number.ring_s) for line in number.lines)


def written(sequence: Sequence) -> tuple[Labelled, ...]:
    """The steps of a sequence as they stand in it."""
    return tuple((f"step {index} of {sequence.name}", step)
                 for index, step in enumerate(sequence.steps, 1))


def _rings_own_lines(steps: Iterable[Labelled]) -> bool:
    return any(ring.target.kind is Kind.LINE for _, step in steps for ring in step)


def _block(name: str, steps: tuple[Labelled, ...], on: Mapping[Outcome, str], mode: Mode, *,
           won: str) -> Block:
    last = None
    if steps and steps[-1][1][0].target.kind.answers:
        *steps_before, last = steps
        steps = tuple(steps_before)
    elif "voicemail" in PARTS[mode]:
        last = ("voicemail", (Ring(VOICEMAIL),))
    # What answers at once has no outcome, and nothing comes after the one target of CFU.
    continued = steps and mode is not Mode.FORWARD_UNCONDITIONALLY
    return Block(name, steps, last, {outcome: following for outcome, following in on.items()
                                     if continued and following != won})


def _continuation(number: Number, name: str, mode: Mode, *, won: str) -> Block:
    """A mode of its own says which parts run; else it forwards, and ends as the call would."""
    sequence = number.sequence(name)
    steps = _of_mode(number, sequence, sequence.mode) if sequence.mode else written(sequence)
    return _block(name, steps, dict(sequence.on), sequence.mode or mode, won=won)


def _of_mode(number: Number, sequence: Sequence, mode: Mode) -> tuple[Labelled, ...]:
    steps = written(sequence) if "forward" in PARTS[mode] else ()
    if "ring" in PARTS[mode] and number.lines and not _rings_own_lines(steps):
        return (("own lines", own_lines(number)), *steps)
    return steps


def _reached(number: Number, first: str, names: Iterable[str]) -> list[str]:
    """The continuations of a sequence, each after all that lead to it, else as they are named."""
    order: list[str] = []
    _visit(number, list(names), {first}, order)
    return order[::-1]


def _visit(number: Number, names: list[str], seen: set[str], order: list[str]) -> None:
    for name in reversed(names):
        if name not in seen:
            seen.add(name)
            _visit(number, [following for _, following in number.sequence(name).on], seen, order)
            order.append(name)
