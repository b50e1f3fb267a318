# SPDX-License-Identifier: GPL-2.0-or-later
"""What can ring at all in calls to a number, whichever of its sequences wins (SPEC F6, M1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kemi_routing import sequence
from kemi_routing.forwarding import why_skipped
from kemi_routing.model import Mode, Number, Outcome, Platform, Step
from kemi_routing.sequence import Block, Labelled
from kemi_routing.targets import Kind, Target


@dataclass(frozen=True, slots=True)
class Reachable:
    """The labels of the steps that may come, and pairs of sequences: the second may follow on the
    first one.
    """

    steps: frozenset[str]
    following: frozenset[tuple[str, str]]


def of(number: Number, platform: Platform) -> Reachable:
    """What may come in some call; where that hangs on other numbers it is taken to."""
    steps: set[str] = set()
    following: set[tuple[str, str]] = set()
    for one in (number.sequence(None), *number.sequences):
        first, *others = sequence.compile_blocks(number, one)
        reached = {first.name}
        for block in (first, *others):
            if block.name in reached:
                steps.update(why for why, _ in _steps(block, number, platform))
                reached.update(block.on.values())
                following.update((block.name, name) for name in block.on.values())
    return Reachable(frozenset(steps), frozenset(following))


def newly_skipped(old: Number, new: Number, platform: Platform) -> dict[Target, str]:
    """What both versions of a number would ring or end in, but only the rights of the old one let
    it; and why not.
    """
    if old.rights == new.rights:
        return {}
    left = set(_targets(new))
    return {target: why for target in _targets(old)
            if target in left and not why_skipped(target, old.rights, platform)
            and (why := why_skipped(target, new.rights, platform))}


def goes_silent(old: Number, new: Number, platform: Platform) -> bool:
    """Whether something may answer calls to the old version of a number, and nothing to the new
    one, which does not mean to reject them.
    """
    return is_silent(new, platform) and _is_answered(old, platform)


def is_silent(number: Number, platform: Platform) -> bool:
    """Whether nothing can answer calls to a number, which does not mean to reject them."""
    return number.mode is not Mode.REJECT and not _is_answered(number, platform)


def _is_answered(number: Number, platform: Platform) -> bool:
    return any(not why_skipped(target, number.rights, platform) for target in _targets(number))


def _targets(number: Number) -> Iterator[Target]:
    ways: Iterable[Block] = (
        block for one in (number.sequence(None), *number.sequences)
        for block in sequence.compile_blocks(number, one))
    for block in ways:
        last = (block.last,) if block.last else ()
        yield from (ring.target for _, step in (*block.steps, *last) for ring in step)


def _steps(block: Block, number: Number, platform: Platform) -> Iterator[Labelled]:
    """Those that are not cut off by a step after which every outcome leads elsewhere."""
    goes_on, declined = True, False
    for why, step in block.steps:
        if goes_on:
            yield why, step
            kinds = _kinds(step, number, platform)
            goes_on = _goes_on(kinds, block)
            declined = declined or (Kind.LINE in kinds and Outcome.DECLINED not in block.on)
    if block.last and (goes_on or declined):
        yield block.last


def _goes_on(kinds: set[Kind], block: Block) -> bool:
    """Whether the next step may come after one with targets of these kinds."""
    elsewhere = set(block.on)
    if kinds == {Kind.LINE}:
        elsewhere.add(Outcome.DECLINED)  # by the own line alone: to the end
    # A number of ours may have no lines: then its step is left out.
    return kinds <= {Kind.NUMBER} or not elsewhere.issuperset(Outcome)


def _kinds(step: Step, number: Number, platform: Platform) -> set[Kind]:
    return {ring.target.kind for ring in step
            if not why_skipped(ring.target, number.rights, platform)}
