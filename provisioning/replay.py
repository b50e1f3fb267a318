# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of the past, decided by the settings as they are and as they will be (DESIGN law 1)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from kemi_routing.call_record import Decided
from kemi_routing.decide import OUTGOING, decide_whole
from kemi_routing.model import Call, Number, Platform, Verdict
from kemi_routing.plan import Plan, Planned
from provisioning import calls
from provisioning.both_ways import BothWays
from provisioning.calls import Wanted
from provisioning.storage import Change, Storage

_LINE = "line "
_SHOWN = 5
_AT_ONCE = 500
_BY_TRUNK = frozenset("BC")
"""Grades of callers whose number a trunk asserts."""


@dataclass(frozen=True, slots=True)
class Past:
    """A call that was made to a number."""

    number: str
    at: datetime
    """Aware."""
    call: Call


@dataclass(frozen=True, slots=True)
class Moved:
    """A call that would have gone elsewhere."""

    at: str
    """When it came, on the number's clock."""
    number: str
    caller: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.at} {self.number} from {self.caller}: {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the calls."""

    total: int
    unowned: int
    """Those to numbers that nobody owns, before and after."""
    moved: tuple[Moved, ...]

    def lines(self) -> Iterator[str]:
        """For people: how many, and the first of them."""
        unowned = f"; {self.unowned:,} went to numbers that nobody owns" if self.unowned else ""
        yield (f"replay: {len(self.moved):,} of {self.total:,} calls would have gone elsewhere"
               f"{unowned}")
        yield from (f"  {one}" for one in self.moved[:_SHOWN])
        if len(self.moved) > _SHOWN:
            yield f"  and {len(self.moved) - _SHOWN:,} more"


def recorded(changes: Iterable[Change], most: int, storage: Storage) -> Iterator[Past]:
    """The last calls in the store, at most so many, to the numbers that these changes change or
    remove; those that their owners made are decided by the dial plan alone.
    """
    names = frozenset(change.name for change in changes
                      if change.kind == "number" and change.writes and change.before)
    came = (one.decided for one in calls.find(Wanted(names), storage)
            if one.decided.rule != OUTGOING)
    for one in islice(came, most):
        yield Past(one.number, datetime.fromtimestamp(one.received_ms / 1000, UTC), _call(one))


def replay(past: Iterable[Past], numbers: BothWays, platform: Platform) -> Replayed:
    """Decide these calls both ways."""
    left, total, unowned, moved = iter(past), 0, 0, list[Moved]()
    while batch := list(islice(left, _AT_ONCE)):
        numbers.read({one.number for one in batch})
        total += len(batch)
        unowned += sum(not any(numbers.both(one.number)) for one in batch)
        moved += filter(None, (_moved(one, numbers, platform) for one in batch))
    return Replayed(total, unowned, tuple(moved))


def call_of(caller: str, grade: str, via: str, *, anonymous: bool) -> Call:
    """A call as far as its record tells: a number that was not asserted, or was diverted, is not.
    """
    line = via.removeprefix(_LINE) if via.startswith(_LINE) else None
    return Call(caller or None, asserted=grade in _BY_TRUNK, anonymous=anonymous,
                verdict=Verdict.ATTESTED if grade == "C" else Verdict.NONE, line=line)


def _call(one: Decided) -> Call:
    return call_of(one.ani, one.grade, one.via, anonymous=one.anonymous)


def _moved(one: Past, numbers: BothWays, platform: Platform) -> Moved | None:
    before = _went(one, numbers.as_is, platform)
    if not numbers.changes_any(before.asked):
        return None
    after = _went(one, numbers.as_planned, platform)
    if before.targets == after.targets:
        return None
    caller = "anonymous" if one.call.anonymous else one.call.ani or "nobody"
    local = one.at.astimezone(numbers.zone(one.number))
    told = before.told(), after.told()
    if told[0] == told[1]:  # other targets have the labels now
        told = before.told(numbers=True), after.told(numbers=True)
    return Moved(f"{local:%a %Y-%m-%d %H:%M}", one.number, caller, *told)


_LookUp = Callable[[Iterable[str]], dict[str, Number]]


@dataclass(frozen=True, slots=True)
class _Went:
    """Who rings in which order, and what comes then; ring times and labels aside."""

    targets: tuple[object, ...]
    plan: Plan | None
    """None: there was no such number."""
    asked: frozenset[str]
    """The numbers on which it hangs."""

    def told(self, *, numbers: bool = False) -> str:
        """For people: the labels, with their numbers where wanted."""
        if self.plan is None:
            return "404 nobody's number"
        if self.plan.reject:
            return " ".join(map(str, self.plan.reject))
        return ", then ".join(
            " and ".join(_name(one, numbers=numbers) for one in sorted(
                step.targets, key=lambda one: one.target.text))
            for step in self.plan.steps)


def _name(one: Planned, *, numbers: bool) -> str:
    if not one.label:
        return str(one.target)
    return f"{one.label} ({one.target})" if numbers else one.label


def _went(one: Past, look_up: _LookUp, platform: Platform) -> _Went:
    asked = {one.number}

    def others(call: Call, names: Iterable[str]) -> tuple[Call, dict[str, Number]]:
        asked.update(names)
        return call, look_up(names)

    number = look_up(asked).get(one.number)
    if number is None:
        return _Went((404,), None, frozenset(asked))
    plan = decide_whole(one.call, number, one.at, platform, others)[1]
    return _Went(plan.reject or tuple(tuple(sorted(ring.target.text for ring in step.targets))
                                      for step in plan.steps), plan, frozenset(asked))
