# SPDX-License-Identifier: GPL-2.0-or-later
"""What may be written and routed: the limits of a sequence and of a whole call (SPEC F5, T8).

The counts are those of Kamailio's tm module: 12 branches at a time, 30 in the life of a
transaction (``max_branches``).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType

from kemi_routing.errors import InvalidValue, suggest
from kemi_routing.model import (
    CONFIRM_S,
    DEFAULT_MAX_PHONES,
    Mode,
    Number,
    Ring,
    Sequence,
    Step,
)
from kemi_routing.screening import Action
from kemi_routing.sequence import Block, Labelled, compile_blocks, hand_over
from kemi_routing.targets import Kind, Target

MAX_RING_S = 600
MAX_DELAY_S = 60
MAX_PHONES_AT_ONCE = 12
MAX_BRANCHES = 30
LONG_SETUP_S = 180
"""Networks give a call up after about this time: a longer set-up is worth a warning."""

BRANCHES = {Kind.PSTN: 2, Kind.IAX: 2, Kind.LINE: DEFAULT_MAX_PHONES}
"""Of a target outside a second one is the failover to another gateway; a line makes one for each
of its phones, so many unless it is known better. All others make one.
"""

_NOTHING: Mapping[str, int] = MappingProxyType({})


def check(number: Number) -> None:
    """Refuse what the router could not route: raises InvalidValue that names the sequence."""
    own = {line.name for line in number.lines}
    for name in _names_used(number):
        check_name(number, name)
    check_ring_time(number.ring_s)
    check_continuations(number)
    check_counts(number, number.sequence(None))
    for sequence in number.sequences:
        for ring in itertools.chain(*sequence.steps):
            check_ring_time(ring.ring_s)
            check_delay(ring.delay_s)
            check_target(ring.target, number.number, own)
        check_end(sequence)
        check_unconditional(number, sequence)
        check_counts(number, sequence)


def check_name(number: Number, name: str) -> None:
    """Refuse the name of a sequence that the number does not have; raises InvalidValue."""
    names = [sequence.name for sequence in number.sequences]
    if name not in names:
        raise InvalidValue(f"there is no sequence {name!r}; {suggest(name, names)}")


def check_ring_time(ring_s: int) -> None:
    """Refuse a ring time out of bounds (SPEC T8); raises InvalidValue."""
    if not 1 <= ring_s <= MAX_RING_S:
        raise InvalidValue(f"a ring time is 1 to {MAX_RING_S} seconds, not {ring_s}")


def check_delay(delay_s: int) -> None:
    """Refuse a start delay out of bounds (SPEC T8); raises InvalidValue."""
    if not 0 <= delay_s <= MAX_DELAY_S:
        raise InvalidValue(f"a start delay is 0 to {MAX_DELAY_S} seconds, not {delay_s}")


def check_target(target: Target, number: str, own: Set[str]) -> None:
    """Refuse a target of ``number`` whose owner's lines are ``own``; raises InvalidValue."""
    if target.kind in (Kind.PSTN, Kind.NUMBER) and target.address == number:
        raise InvalidValue(f"{number} would forward to itself; write another target")
    if target.kind is Kind.LINE and target.address not in own:
        raise InvalidValue(f"the subscriber has no line {target.address!r}; "
                           + suggest(
            target.address, own, "there are none; write it under lines"))


def check_end(sequence: Sequence) -> None:
    """Refuse what answers at once anywhere but alone in the last step; raises InvalidValue."""
    for index, step in enumerate(sequence.steps, 1):
        for ring in step:
            if ring.target.kind.answers and (len(step) > 1 or index < len(sequence.steps)):
                raise InvalidValue(f"sequence {sequence.name}: {ring.target} answers at once, "
                                   "so write it alone in the last step")


def check_unconditional(number: Number, sequence: Sequence) -> None:
    """Refuse more than one target where all calls go there (CFU), and what would come after it;
    raises InvalidValue.
    """
    mode = sequence.mode or number.mode
    if mode is Mode.FORWARD_UNCONDITIONALLY and (
            sum(map(len, sequence.steps)) > 1 or sequence.on):
        raise InvalidValue(f"sequence {sequence.name}: mode {mode} has one target and nothing "
                           f"after it; for several write mode: {Mode.FORWARD_ONLY}")


def check_continuations(number: Number) -> None:
    """Refuse sequences that continue in a circle; raises InvalidValue with the circle."""
    if not any(sequence.on for sequence in number.sequences):
        return
    try:
        TopologicalSorter({sequence.name: [name for _, name in sequence.on]
                           for sequence in number.sequences}).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        raise InvalidValue(f"sequence {circle[0]}: its continuations come back to it: "
                           f"{' -> '.join(circle)}; leave one of them out of on") from None


def check_counts(number: Number, sequence: Sequence, phones: Mapping[str, int] = _NOTHING,
                 handed: Mapping[str, int] = _NOTHING) -> None:
    """Refuse more branches than tm has (SPEC F5); raises InvalidValue with the count.

    ``phones`` says how many the lines of other numbers (T5) may register; unknown ones count 1.
    ``handed`` is the ``count_branches`` of a number that the call is handed over to.
    """
    weigh = _branches(number, phones)
    name = f"sequence {sequence.name}: " if sequence.name else ""
    found = [(why, weigh(step), MAX_PHONES_AT_ONCE)
             for block in compile_blocks(number, sequence) for why, step in _own_steps(block)]
    whole = count_branches(number, sequence, phones, handed)
    for what, count, most in (*found, ("the whole call", whole, MAX_BRANCHES)):
        if count > most:
            raise InvalidValue(f"{name}{what} makes {count} branches, "
                               f"at most {most} are possible (a line counts as its phones, "
                               "an outside number as two); let fewer ring")


def count_branches(number: Number, sequence: Sequence, phones: Mapping[str, int] = _NOTHING,
                   handed: Mapping[str, int] = _NOTHING) -> int:
    """The most branches of a whole call; for the mappings see ``check_counts``."""
    return _worst(compile_blocks(number, sequence), _branches(number, phones), handed)


def longest_setup_s(number: Number, sequence: Sequence, handed: Mapping[str, int] = _NOTHING,
                    ) -> int:
    """Seconds until something answers by itself, or the final answer, when everything rings out.

    ``handed`` is the same of a number that the call is handed over to.
    """
    def weigh(step: Step) -> int:
        return 0 if step[0].target.kind.answers else max(map(ends_after_s, step))

    return _worst(compile_blocks(number, sequence), weigh, handed)


def ends_after_s(ring: Ring) -> int:
    """Seconds after the start of its step when this target has rung out."""
    return ring.delay_s + ring.ring_s + CONFIRM_S * ring.confirm


def _names_used(number: Number) -> Iterator[str]:
    if number.default is not None:
        yield number.default
    yield from (rule.sequence for rules in (
        number.windows, number.holidays, number.overrides, number.callers) for rule in rules)
    yield from (screen.name for screen in number.screens if screen.action is Action.SEQUENCE)
    yield from (name for _, name in number.on)
    yield from (name for sequence in number.sequences for _, name in sequence.on)


def _own_steps(block: Block) -> tuple[Labelled, ...]:
    """All but a hand-over: what rings then is counted with the other number."""
    if block.last:
        return (*block.steps, block.last)
    return block.steps[:-1] if hand_over(block) else block.steps


def _branches(number: Number, phones: Mapping[str, int]) -> Callable[[Step], int]:
    counts = {Target(Kind.LINE, line.name): line.max_phones for line in number.lines}
    counts |= {Target(Kind.NUMBER, key): count for key, count in phones.items()}

    def weigh(step: Step) -> int:
        return sum(counts.get(ring.target, BRANCHES.get(ring.target.kind, 1)) for ring in step)

    return weigh


def _worst(blocks: tuple[Block, ...], weigh: Callable[[Step], int], handed: Mapping[str, int],
           ) -> int:
    """The greatest sum of weights on any way through the blocks, and on from where it is handed
    over.
    """
    worst: dict[str, int] = {}
    for block in reversed(blocks):
        after = max((worst.get(name, 0) for name in block.on.values()), default=0)
        end = weigh(block.last[1]) if block.last else 0
        own = sum(weigh(step) for _, step in block.steps)
        if over := hand_over(block):
            alone = weigh((over[1],))
            own, end = own - alone, handed.get(over[1].target.address, alone)
        worst[block.name] = own + max(after, end)
    return worst[blocks[0].name]
