# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of the past, decided by the settings as they are and as they will be (DESIGN law 1)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from kemi_routing import record
from kemi_routing.call_record import Decided
from kemi_routing.decide import OUTGOING, decide_whole
from kemi_routing.model import Call, Number, Platform, Verdict
from kemi_routing.plan import Plan
from kemi_routing.record import State
from kemi_routing.redis import keys
from provisioning import calls
from provisioning.calls import Wanted
from provisioning.storage import Change, Storage
from provisioning.stored import read_number, read_state

_LINE = "line "
_SHOWN = 5
_BY_TRUNK = frozenset("BC")
"""Grades of callers whose number a trunk asserts."""


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
    moved: tuple[Moved, ...]

    def lines(self) -> Iterator[str]:
        """For people: how many, and the last of them."""
        yield f"replay: {len(self.moved):,} of {self.total:,} calls would have gone elsewhere"
        yield from (f"  {one}" for one in self.moved[:_SHOWN])
        if len(self.moved) > _SHOWN:
            yield f"  and {len(self.moved) - _SHOWN:,} more"


def replay(changes: Iterable[Change], most: int, platform: Platform, storage: Storage) -> Replayed:
    """The last calls, at most so many, to the numbers that these changes change or remove; those
    that their owners made are decided by the dial plan alone.
    """
    new = {change.name: _new(change) for change in changes
           if change.kind == "number" and change.writes and change.before}
    records = _Records(storage, new)
    total, moved = 0, []
    came = (one for one in calls.find(Wanted(frozenset(new)), storage)
            if one.decided.rule != OUTGOING)
    for chapter in islice(came, most):
        total += 1
        if found := _moved(chapter.decided, records, platform):
            moved.append(found)
    return Replayed(total, tuple(moved))


def _new(change: Change) -> Number | None:
    data = change.sets.get(keys.number(change.name))
    return record.decode_number(data) if data else None


class _Records:
    """Numbers as they are and as they will be, each read once."""

    def __init__(self, storage: Storage, new: Mapping[str, Number | None]) -> None:
        self._storage = storage
        self._new = new
        self._held: dict[str, tuple[Number | None, State]] = {}

    def as_is(self, wanted: Iterable[str]) -> dict[str, Number]:
        """Those that are there now, with what calls and commands have set."""
        return self._known(wanted, {})

    def as_planned(self, wanted: Iterable[str]) -> dict[str, Number]:
        """Those that will be there."""
        return self._known(wanted, self._new)

    def _known(self, wanted: Iterable[str], new: Mapping[str, Number | None]) -> dict[str, Number]:
        names = list(wanted)
        self._read([name for name in names if name not in self._held])
        known = {name: (new.get(name, number), state)
                 for name in names for number, state in [self._held[name]]}
        return {name: state.applied_to(number) for name, (number, state) in known.items()
                if number}

    def _read(self, names: list[str]) -> None:
        found = self._storage.read(make(name) for make in (keys.number, keys.state)
                                   for name in names)
        self._held |= {name: (read_number(found.get(keys.number(name))),
                              read_state(found.get(keys.state(name)))) for name in names}


def _moved(one: Decided, records: _Records, platform: Platform) -> Moved | None:
    """None also where the number was not there before: it is new to all calls."""
    at = datetime.fromtimestamp(one.received_ms / 1000, UTC)
    number = records.as_is([one.number]).get(one.number)
    if number is None:
        return None
    before, after = (_went(one, at, look_up, platform)
                     for look_up in (records.as_is, records.as_planned))
    caller = "anonymous" if one.anonymous else one.ani or "nobody"
    return None if before.targets == after.targets else Moved(
        f"{at.astimezone(number.zone):%a %Y-%m-%d %H:%M}", one.number, caller, before.told,
        after.told)


_LookUp = Callable[[Iterable[str]], dict[str, Number]]


@dataclass(frozen=True, slots=True)
class _Went:
    """Who rings in which order, and what comes then; ring times and labels aside."""

    targets: tuple[object, ...]
    told: str


def _went(one: Decided, at: datetime, look_up: _LookUp, platform: Platform) -> _Went:
    number = look_up([one.number]).get(one.number)
    if number is None:
        return _Went((404,), "404 nobody's number")
    return _told(decide_whole(_call(one), number, at, platform,
                              lambda call, wanted: (call, look_up(wanted)))[1])


def _told(plan: Plan) -> _Went:
    if plan.reject:
        return _Went(plan.reject, " ".join(map(str, plan.reject)))
    steps = [sorted((one.target.text, one.label or str(one.target)) for one in step.targets)
             for step in plan.steps]
    return _Went(tuple(tuple(text for text, _ in step) for step in steps),
                 ", then ".join(" and ".join(label for _, label in step) for step in steps))


def _call(one: Decided) -> Call:
    """The call as far as its record tells: a number that was not asserted, or was diverted, is
    not.
    """
    line = one.via.removeprefix(_LINE) if one.via.startswith(_LINE) else None
    return Call(one.ani or None, asserted=one.grade in _BY_TRUNK, anonymous=one.anonymous,
                verdict=Verdict.ATTESTED if one.grade == "C" else Verdict.NONE, line=line)
