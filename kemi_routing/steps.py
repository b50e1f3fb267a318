# SPDX-License-Identifier: GPL-2.0-or-later
"""The steps of a plan: the blocks of sequences in a row, each step linked to what follows it.

All links lead forward, so a hunt ends (SPEC F2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kemi_routing.model import Outcome
from kemi_routing.plan import END, Planned, PlannedStep

Key = tuple[int, str, bool]
"""Name of a block: index of its account, name of its sequence, and whether it is what answers at
the end.
"""


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """A block with the targets that are rung, before its steps have their indexes."""

    key: Key
    steps: tuple[tuple[Planned, ...], ...]
    on: Mapping[Outcome, Key] = field(default_factory=dict)
    after: Key | None = None
    """The block after the last step; None: the final answer."""
    end: Key | None = None
    """The block where a refusal of the subscriber's own line leads."""


def link(blocks: Sequence[PlannedBlock]) -> tuple[PlannedStep, ...]:
    """The steps of all blocks that the first one leads to, in order; the hunt begins with step 0.

    ``on``, ``after`` and ``end`` of a block name later ones only.
    """
    reached = _reached(blocks)
    first: dict[Key, int] = {}
    index = 0
    for block in reached:
        first[block.key] = index
        index += len(block.steps)
    entries: dict[Key | None, int] = {None: END}
    for block in reversed(reached):
        entries[block.key] = first[block.key] if block.steps else entries[_instead(block)]
    return tuple(step for block in reached if block.steps
                 for step in _linked(block, first[block.key], entries))


def _reached(blocks: Sequence[PlannedBlock]) -> list[PlannedBlock]:
    keys: set[Key | None] = {block.key for block in blocks[:1]}
    for block in blocks:
        if block.key in keys:
            keys |= ({*block.on.values(), block.after, block.end} if block.steps
                     else {_instead(block)})
    return [block for block in blocks if block.key in keys]


def _instead(block: PlannedBlock) -> Key | None:
    """What comes instead of a block in which nobody can be rung: that is not reachable (CFNRc)."""
    return block.on.get(Outcome.UNREACHABLE, block.after)


def _linked(block: PlannedBlock, first: int, entries: Mapping[Key | None, int],
            ) -> list[PlannedStep]:
    on = tuple((outcome, entries[key]) for outcome, key in block.on.items())
    last = len(block.steps) - 1
    return [PlannedStep(targets, entries[block.after] if index == last else first + index + 1,
                        entries[block.end], on)
            for index, targets in enumerate(block.steps)]
