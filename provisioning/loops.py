# SPDX-License-Identifier: GPL-2.0-or-later
"""Forwarding that would come back, and when (SPEC P5).

A hand-over leads from one number to the next (SPEC T5), and so does an outside number that has
become one of ours. All of a call is decided at the same instant: only ways that are open at the
same time make a loop. An alias leads nowhere: it is the owner's mobile.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from kemi_routing import sequence, timeline
from kemi_routing.model import Number, Sequence
from kemi_routing.schedule import DAY_MINUTES, clock, format_days
from kemi_routing.screening import Action
from kemi_routing.targets import Kind

HORIZON = timedelta(days=731)
"""Two years, a leap day in them."""
_WEEKS = (0, 1, 26, 52, 78)
"""Weeks that are looked at for what is usual: holidays and vacations change some of them."""

Spans = tuple[tuple[datetime, datetime], ...]
"""``[from, to)`` in UTC, in order."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A call that would come back to the number where it began."""

    way: tuple[str, ...]
    """The numbers in order, the first one again at the end."""
    live: str
    """When, for people."""

    def __str__(self) -> str:
        return f"{' -> '.join(self.way)}, live {self.live}"


@dataclass(frozen=True, slots=True)
class Way:
    """From a number to another one."""

    to: str
    spans: Spans
    only: frozenset[str] = frozenset()
    """What must be so besides, in words: ``for callers 42075*``."""


def find(start: str, numbers: Mapping[str, Number], now: datetime, *, by_hand: bool = False,
         ) -> Loop | None:
    """The shortest loop through the number ``start``, or None; it is looked for over two years.

    With ``by_hand`` sequences are in it too to which nothing leads but overrides that may be set.
    """
    if not _comes_back(start, numbers):
        return None
    always: Spans = ((now.astimezone(UTC), now.astimezone(UTC) + HORIZON),)
    open_ways: dict[str, tuple[Way, ...]] = {}
    been: dict[str, Spans] = {}
    coming: deque[tuple[tuple[str, ...], Spans, frozenset[str]]] = deque(
        [((start,), always, frozenset())])
    while coming:
        way, spans, only = coming.popleft()
        number = numbers[way[-1]]
        if way[-1] not in open_ways:
            open_ways[way[-1]] = tuple(_ways(number, numbers, always[0], by_hand=by_hand))
        for one in open_ways[way[-1]]:
            left = _both(spans, one.spans)
            also = only | one.only
            if left and one.to == start:
                return Loop((*way, start), _live(left, always[0], numbers[start].zone, also))
            left = _without(left, been.get(one.to, ()))
            if left:
                been[one.to] = _either(been.get(one.to, ()), left)
                coming.append(((*way, one.to), left, also))
    return None


def _comes_back(start: str, numbers: Mapping[str, Number]) -> bool:
    """Whether any way leads back, whatever the time."""
    found, left = set[str](), [start]
    while left:
        number = numbers[left.pop()]
        nexts = {to for one in number.sequences for to in leads_to(number, one)} & numbers.keys()
        left += nexts - found
        found |= nexts
    return start in found


def leads_to(number: Number, one: Sequence) -> Iterator[str]:
    """The numbers at which a call is decided anew when this sequence runs."""
    for block in sequence.compile_blocks(number, one):
        for _, step in block.steps:
            yield from (ring.target.address for ring in step if ring.target.kind is Kind.PSTN)
        if handed := sequence.hand_over(block):
            yield handed[1].target.address


def _ways(number: Number, numbers: Mapping[str, Number], horizon: tuple[datetime, datetime], *,
          by_hand: bool) -> Iterator[Way]:
    by_name: dict[str | None, list[tuple[datetime, datetime]]] = {}
    for segment in timeline.segments(number.timetable, *horizon):
        by_name.setdefault(segment.applied.sequence, []).append((segment.start, segment.end))
    found = [(name, tuple(spans), frozenset[str]()) for name, spans in by_name.items()]
    found += [(name, (horizon,), frozenset([f"for callers {pattern}"]))
              for name, pattern in _by_caller(number)]
    if by_hand:
        found += [(name, (horizon,), frozenset([f"with the override {name} of {number.number}"]))
                  for name in _only_by_hand(number, {name for name, _, _ in found})]
    for name, spans, only in found:
        for to in set(leads_to(number, number.sequence(name))) & numbers.keys():
            yield Way(to, spans, only)


def _only_by_hand(number: Number, used: Set[str | None]) -> list[str]:
    continued = {name for on in (number.on, *(one.on for one in number.sequences))
                 for _, name in on}
    return [one.name for one in number.sequences if one.name not in used | continued]


def _by_caller(number: Number) -> Iterator[tuple[str, str]]:
    yield from ((rule.sequence, rule.pattern.text) for rule in number.callers)
    yield from ((screen.name, screen.pattern.text) for screen in number.screens
                if screen.action is Action.SEQUENCE)


def _both(one: Spans, other: Spans) -> Spans:
    found, rest = [], deque(other)
    for start, end in one:
        while rest and rest[0][1] <= start:
            rest.popleft()
        for begin, over in rest:
            if begin >= end:
                break
            found.append((max(start, begin), min(end, over)))
    return tuple(found)


def _without(one: Spans, other: Spans) -> Spans:
    for begin, over in other:
        one = tuple(piece for start, end in one
                    for piece in ((start, min(end, begin)), (max(start, over), end))
                    if piece[0] < piece[1])
    return one


def _either(one: Spans, other: Spans) -> Spans:
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted((*one, *other)):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def _live(spans: Spans, horizon: tuple[datetime, datetime], zone: ZoneInfo,
          only: Iterable[str]) -> str:
    spans = _either(spans, ())
    besides = "".join(f" {text}" for text in sorted(only))
    if spans == (horizon,):
        return f"at any time{besides}"
    begin, over = (instant.astimezone(zone) for instant in spans[0])
    monday = begin.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        days=7 - begin.weekday())
    weeks = Counter(_week(spans, monday + timedelta(weeks=number)) for number in _WEEKS)
    usual, count = weeks.most_common(1)[0]
    if usual and count > len(_WEEKS) // 2:
        return f"{usual}{besides}"
    more = f", the first of {len(spans)} times in two years" if len(spans) > 1 else ""
    return f"from {begin:%Y-%m-%d %H:%M} to {over:%Y-%m-%d %H:%M}{more}{besides}"


def _week(spans: Spans, monday: datetime) -> str:
    """``mon-fri 08:00-18:00, sat 09:00-12:00``, of the week that begins then."""
    days: dict[tuple[int, int], set[int]] = {}
    for number in range(7):
        midnight = monday + timedelta(days=number)
        for start, end in _both(spans, ((midnight.astimezone(UTC),
                                         (midnight + timedelta(days=1)).astimezone(UTC)),)):
            hours = _minute(start, midnight), _minute(end, midnight) or DAY_MINUTES
            days.setdefault(hours, set()).add(number + 1)
    return ", ".join(f"{format_days(frozenset(found))} {clock(first)}-{clock(last)}"
                     for (first, last), found in sorted(days.items(), key=lambda one: min(one[1])))


def _minute(instant: datetime, midnight: datetime) -> int:
    local = instant.astimezone(midnight.tzinfo)
    return local.hour * 60 + local.minute
