# SPDX-License-Identifier: GPL-2.0-or-later
"""What numbers have to do with each other: hand-overs, lines of others, loops, grants (T5, P5, A6).

``connect`` knows the numbers of the files and those that it is given from the store.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from kemi_routing import limits, sequence
from kemi_routing.model import Number, Platform, Ring
from kemi_routing.redis import keys
from kemi_routing.targets import Kind, Target
from provisioning import grants, loops, reachable
from provisioning.checked import Checked, Entry
from provisioning.grants import NO_LIMIT, Grant
from provisioning.problems import suggest
from provisioning.storage import Storage
from provisioning.stored import read_number
from provisioning.written import Spot

Numbers = Mapping[str, Number]


@dataclass(frozen=True, slots=True)
class Extent:
    """The most branches of a call to a number, and its longest set-up."""

    branches: int = 0
    setup_s: int = 0


@dataclass(frozen=True, slots=True)
class Extents:
    """Those of all these numbers, beyond hand-overs too; a loop counts once."""

    numbers: Numbers
    known: dict[str, Extent] = field(default_factory=dict)

    def of(self, key: str) -> Extent:
        """That of a number; none of one that nobody has."""
        left, begun = [key], set[str]()  # a chain may be longer than Python's stack
        while left:
            one = left[-1]
            number = self.numbers.get(one)
            if one not in self.known:
                self.known[one] = Extent()
                begun.add(one)
                left += [other for other in others(number) if other not in self.known
                         ] if number else []
                continue
            left.pop()
            if number and one in begun:
                begun.remove(one)
                self.known[one] = self._worked_out(number)
        return self.known[key]

    def _worked_out(self, number: Number) -> Extent:
        """What is known of those that it names counts."""
        named = list(others(number))
        phones = {key: _phones(self.numbers[key]) for key in named if key in self.numbers}
        branches = {key: self.known[key].branches for key in phones}
        setup_s = {key: self.known[key].setup_s for key in phones}
        ways = (number.sequence(None), *number.sequences)
        return Extent(
            max(limits.count_branches(number, one, phones, branches) for one in ways),
            max(limits.longest_setup_s(number, one, setup_s) for one in ways))


def connect(checked: Checked, stored: Numbers, now: datetime,
            given: Mapping[str, Grant] | None = None,
            before: Callable[[str], Number | None] = lambda _: None) -> Checked:
    """The same with every target known for what it is; what cannot work is noted.

    ``stored`` and ``given`` are numbers and grants of the store, and ``before`` knows the numbers
    of the files as they stand there: a target that is gone since is no mistake of who wrote it.
    """
    limits = {**(given or {}), **{name: grant for name, (grant, _) in checked.grants.items()}}
    for whose, wish in checked.wishes:
        organisation = whose.partition("/")[0]
        if text := grants.beyond(organisation, limits.get(organisation, NO_LIMIT), wish):
            wish.spot.error(text)
    checked.numbers = [_limited(_resolved(entry, stored), limits, checked.platform)
                       for entry in checked.numbers]
    numbers = {**stored, **{entry.number.number: entry.number for entry in checked.numbers}}
    extents = Extents(numbers)
    for entry in checked.numbers:
        _check_targets(entry, numbers, before)
        alone = numbers.keys().isdisjoint(others(entry.number))
        if not (alone and _is_short(entry.number)):
            _check_whole(entry.spot, entry.number, extents)
    _refuse_loops(checked, numbers, now)
    checked.problems.settle()
    return checked


def neighbours(checked: Checked, storage: Storage) -> dict[str, Number]:
    """The stored numbers to which those of the files lead, directly or through others."""
    seen = {entry.number.number for entry in checked.numbers}
    wanted = {key for entry in checked.numbers for key in others(entry.number)} - seen
    found: dict[str, Number] = {}
    while wanted:
        values = storage.read(map(keys.number, sorted(wanted)))
        level = {key: number for key in wanted if (number := read_number(values, key))}
        found |= level
        seen |= wanted
        wanted = {key for number in level.values() for key in others(number)} - seen
    return found


def others(number: Number) -> Iterator[str]:
    """Keys of the numbers of ours that this number names, or may name."""
    yield from (ring.target.address for one in number.sequences for step in one.steps
                for ring in step if ring.target.kind in (Kind.PSTN, Kind.NUMBER))


def _limited(entry: Entry, limits: Mapping[str, Grant], platform: Platform) -> Entry:
    """The entry within its organisation's limits; what they leave out beyond its own rights is
    noted.
    """
    number = entry.number
    grant = limits.get(number.organisation, NO_LIMIT)
    rights = number.rights if grant is NO_LIMIT else grants.limited(number.rights, grant)
    if rights == number.rights:
        return entry
    less = replace(number, rights=rights)
    for target, why in reachable.newly_skipped(number, less, platform).items():
        entry.places.get(target, entry.spot).warning(f"{target} will be skipped: {why}")
    return replace(entry, number=less)


def resolved(number: Number, ours: Collection[str]) -> Number:
    """The same; outside numbers that are ours become targets of their own kind."""
    def ring_of_ours(ring: Ring) -> Ring:
        return replace(ring, target=_target(ring.target, ours))

    return replace(
        number,
        sequences=tuple(replace(one, steps=tuple(tuple(map(ring_of_ours, step))
                                                 for step in one.steps))
                        for one in number.sequences))


def _resolved(entry: Entry, stored: Numbers) -> Entry:
    if stored.keys().isdisjoint(others(entry.number)):
        return entry
    return replace(entry, number=resolved(entry.number, stored), places={
        _target(target, stored): spot for target, spot in entry.places.items()})


def _target(target: Target, ours: Collection[str]) -> Target:
    is_ours = target.kind is Kind.PSTN and target.address in ours
    return Target(Kind.NUMBER, target.address) if is_ours else target


def _check_targets(entry: Entry, numbers: Numbers, before: Callable[[str], Number | None]) -> None:
    for target, spot in entry.places.items():
        if target.kind is Kind.PSTN:
            continue
        name = target.address.rpartition("/")[2]
        handed = [ring for ring in _handed_over(entry.number) if ring.target == target]
        if target.address not in numbers:
            old = before(entry.number.number)
            if old and target.address in others(old):
                spot.warning(f"{name} is nobody's number any more, so it never rings; write "
                             "another target")
            else:
                spot.error(_unknown(target.address, numbers))
        elif handed:
            spot.note(f"the call is handed over to {name}, whose own settings decide then")
        if any(ring.confirm or ring.delay_s for ring in handed):
            spot.warning(f"the call is handed over to {name}, so confirm and delay mean nothing; "
                         "leave them out")
        if target in set(_in_the_middle(entry.number)) and target.address in numbers and (
                not numbers[target.address].lines):
            spot.warning(f"{name} never rings here: in the middle of a sequence only its lines "
                         "ring, and it has none; let it be the only target of the last step")


def _phones(number: Number) -> int:
    return sum(line.max_phones for line in number.lines)


def _unknown(key: str, numbers: Numbers) -> str:
    organisation, _, name = key.rpartition("/")
    known = [other.rpartition("/")[2] for other in numbers
             if other.rpartition("/")[0] == organisation]
    if not organisation:  # what else there is may be none of the writer's business
        return f"{name} is nobody's number here; leave out the word number to call it outside"
    return (f"{name} is no extension of {organisation}; {suggest(name, known)}; "
            "a number is written with its country code: 49115234567")


def _handed_over(number: Number) -> list[Ring]:
    return [handed[1] for one in number.sequences
            for block in sequence.compile_blocks(number, one)
            if (handed := sequence.hand_over(block))]


def _in_the_middle(number: Number) -> Iterator[Target]:
    for one in number.sequences:
        for block in sequence.compile_blocks(number, one):
            last = sequence.hand_over(block)
            yield from (ring.target for _, step in block.steps for ring in step
                        if ring.target.kind is Kind.NUMBER and not (last and ring is last[1]))


def _check_whole(spot: Spot, number: Number, extents: Extents) -> None:
    """Counts and set-up times, with the lines of others and beyond a hand-over (SPEC F5)."""
    numbers = extents.numbers
    named = [key for key in others(number) if key in numbers]
    phones = {key: _phones(numbers[key]) for key in named}
    branches = {key: extents.of(key).branches for key in named}
    setup_s = {key: extents.of(key).setup_s for key in named}
    for one in number.sequences:
        where = (spot / "sequences" / one.name).at_key()
        if phones and limits.count_branches(number, one) <= limits.MAX_BRANCHES:
            where.read(limits.check_counts, number, one, phones, branches)
        longest_s = limits.longest_setup_s(number, one, setup_s)
        if longest_s > limits.LONG_SETUP_S:
            where.warning(f"sequence {one.name} can ring {longest_s} s; many networks give a call "
                          f"up after {limits.LONG_SETUP_S} s")


def _is_short(number: Number) -> bool:
    """Whether no call to it rings long, even if all that it has rang one after another."""
    rings = [ring for one in number.sequences for step in one.steps for ring in step]
    longest_s = sum(map(limits.ends_after_s, rings)) + number.ring_s * (1 + len(number.sequences))
    return longest_s <= limits.LONG_SETUP_S


def _refuse_loops(checked: Checked, numbers: Numbers, now: datetime) -> None:
    known: set[frozenset[str]] = set()
    for entry in checked.numbers:
        key = entry.number.number
        if numbers.keys().isdisjoint(others(entry.number)):
            continue
        loop = loops.find(key, numbers, now)
        found = loop or loops.find(key, numbers, now, by_hand=True)
        if found and frozenset(found.way) not in known:
            known.add(frozenset(found.way))
            to = found.way[1]
            spot = next((spot for target, spot in entry.places.items() if target.address == to),
                        entry.spot)
            say = spot.error if loop else spot.warning
            say(f"forwarding would come back: {found}; write another target in one of them")
