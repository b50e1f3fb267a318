# SPDX-License-Identifier: GPL-2.0-or-later
"""The week of a number: which rule holds when, and what that leads to (SPEC S3, S5).

It is Monday to Sunday of the number's own wall clock. Outside every window there is a gap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from kemi_routing import timeline
from kemi_routing.model import Number
from kemi_routing.schedule import DAYS, Applied, Rank
from kemi_routing.settings import Settings
from kemi_routing.timeline import Segment
from provisioning import preview
from provisioning.pictures import flow
from provisioning.preview import Numbers
from provisioning.problems import Refused

DAY_S = 86_400
NO_SEQUENCE = "no sequence"
NOW, CHANGE = "now", "change"
"""What may be marked: now, or when another rule begins to hold than before a change."""
_EPOCH = date(1970, 1, 1)
_YEARS = range(2012, 9990)
"""Until 2011 Newfoundland put its clocks back at 00:01, so that a day had begun before it came.
"""

_Stretch = tuple[int, int, int]
"""``[from, to)`` in epoch seconds, and the offset of the zone, which is even there."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The clocks are put forward or back: the seconds ``[first_s, last_s)`` of the wall clock's day
    are left out, or come twice.
    """

    first_s: int
    last_s: int
    twice: bool

    def __str__(self) -> str:
        what = "twice" if self.twice else "left out"
        return f"{clock(self.first_s)}-{clock(self.last_s)} {what}"


@dataclass(frozen=True, slots=True)
class Piece:
    """``[first_s, last_s)`` of the wall clock's day in which a rule holds. Of seconds that come
    twice ``turn`` is 1 or 2, otherwise 0.
    """

    first_s: int
    last_s: int
    turn: int


@dataclass(frozen=True, slots=True)
class Span:
    """``[start, end)`` in UTC, within a day, in which one rule holds; its pieces in order."""

    start: datetime
    end: datetime
    applied: Applied
    pieces: tuple[Piece, ...]

    @property
    def gap(self) -> bool:
        """Whether it lies outside every window, holiday and override."""
        return self.applied.rank is Rank.DEFAULT

    @property
    def hours(self) -> str:
        """``08:00-18:00``; of times that come twice the second one is said to come again."""
        first, last = self.pieces[0], self.pieces[-1]
        return (f"{clock(first.first_s)}{' again' * (first.turn == 2)}-"
                f"{clock(last.last_s)}{' again' * (last.turn == 2)}")

    @property
    def text(self) -> str:
        """Where it leads and by which rule, for people."""
        name = self.applied.sequence
        if self.gap:
            return f"gap, to {name}" if name else f"gap, {NO_SEQUENCE}"
        return f"{name}: {self.applied.text}"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the wall clock, ``[start, end)`` in UTC."""

    day: date
    start: datetime
    end: datetime
    spans: tuple[Span, ...]
    turns: tuple[Turn, ...]

    @property
    def text(self) -> str:
        """``Mon 2026-11-23``."""
        return f"{self.day:%a %Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days, and what an ordinary call meets where a sequence holds."""

    number: Number
    at: datetime
    """The instant that is marked, in the number's zone."""
    days: tuple[Day, ...]
    leads: tuple[tuple[str | None, str], ...]
    """Sequence -> what rings, in words."""
    mark: str = NOW
    """What is at that instant, a word."""

    @property
    def today(self) -> Day:
        """The day of that instant."""
        return self.days[self.at.weekday()]

    @property
    def now(self) -> Span:
        """The span of that instant."""
        return next(span for span in self.today.spans if span.start <= self.at < span.end)

    @property
    def now_s(self) -> int:
        """That instant in seconds of the wall clock's day."""
        return self.at.hour * 3600 + self.at.minute * 60 + self.at.second

    @property
    def gaps(self) -> timedelta:
        """How much of it lies outside every window."""
        return sum((span.end - span.start for day in self.days for span in day.spans if span.gap),
                   timedelta())


def of(number: Number, at: datetime, numbers: Numbers, settings: Settings) -> Week:
    """The week in which this aware instant lies; raises Refused where the calendar ends."""
    local = at.astimezone(number.zone)
    if local.year not in _YEARS:
        raise Refused(f"no week is known of the year {local.year}; write a time from "
                      f"{_YEARS[0]} to {_YEARS[-1]}")
    monday = local.date() - timedelta(days=local.weekday())
    starts = [_midnight(monday + timedelta(days=day), number) for day in range(8)]
    found = tuple(timeline.segments(number.timetable, starts[0], starts[-1]))
    days = tuple(_day(monday + timedelta(days=index), first, last, found, number)
                 for index, (first, last) in enumerate(pairwise(starts)))
    names = dict.fromkeys(segment.applied.sequence for segment in found)
    return Week(number, local, days, tuple(
        (name, flow.in_a_line(preview.with_sequence(number, name, at, numbers, settings)))
        for name in names))


def as_dict(week: Week) -> dict[str, Any]:
    """The week for programs; the keys are stable, times are ISO 8601 in the number's zone."""
    number = week.number
    return {
        "number": number.number,
        "owner": number.owner,
        "revision": number.revision,
        "zone": number.zone.key,
        "at": week.at.isoformat(timespec="seconds"),
        "now": _rule(week.now),
        "days": [_day_as_dict(day, week) for day in week.days],
        "gap_minutes": round(week.gaps / timedelta(minutes=1)),
        "leads_to": [{"sequence": name, "rings": rings} for name, rings in week.leads],
    }


def clock(second: int) -> str:
    """``08:00`` for 28,800 seconds of a day; with seconds where there are any."""
    minutes, seconds = divmod(second, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


def _day_as_dict(day: Day, week: Week) -> dict[str, Any]:
    def iso(at: datetime) -> str:
        return at.astimezone(week.number.zone).isoformat(timespec="seconds")

    return {
        "date": day.day.isoformat(),
        "day": DAYS[day.day.weekday()],
        "minutes": round((day.end - day.start) / timedelta(minutes=1)),
        "clock_changes": [{"from": clock(turn.first_s), "to": clock(turn.last_s),
                           "twice": turn.twice} for turn in day.turns],
        "spans": [{"start": iso(span.start), "end": iso(span.end), **_rule(span)}
                  for span in day.spans],
    }


def _rule(span: Span) -> dict[str, Any]:
    applied = span.applied
    return {"rank": str(applied.rank), "rule": applied.text, "sequence": applied.sequence,
            "gap": span.gap}


def _midnight(day: date, number: Number) -> datetime:
    """The first instant of a day; where a DST change leaves midnight out, that of the change."""
    return datetime.combine(day, time(), number.zone).astimezone(UTC)


def _day(day: date, start: datetime, end: datetime, found: Sequence[Segment], number: Number,
         ) -> Day:
    if start == end:  # across the date line
        return Day(day, start, end, (), (Turn(0, DAY_S, twice=False),))
    midnight = (day - _EPOCH).days * DAY_S
    first, last = (int(one.timestamp()) for one in (start, end))
    stretches = [(since - midnight, until - midnight, offset)
                 for since, until, offset in timeline.stretches(number.zone, first, last)
                 if since < until]  # a change at midnight is that of the next day
    turns = tuple(_turns(stretches))
    spans = []
    for one in found:
        since, until = max(start, one.start), min(end, one.end)
        if since < until:
            seconds = [int(each.timestamp()) - midnight for each in (since, until)]
            spans.append(Span(since, until, one.applied,
                              tuple(_pieces(seconds[0], seconds[1], stretches, turns))))
    return Day(day, start, end, tuple(spans), turns)


def _turns(stretches: Sequence[_Stretch]) -> Iterator[Turn]:
    """What the wall clock of the day leaves out or shows twice."""
    ends = 0
    for since, until, offset in stretches:
        begins = since + offset
        if begins != ends:
            yield Turn(min(ends, begins), max(ends, begins), twice=begins < ends)
        ends = until + offset
    if ends < DAY_S:
        yield Turn(ends, DAY_S, twice=False)


def _pieces(since: int, until: int, stretches: Sequence[_Stretch], turns: Sequence[Turn],
            ) -> Iterator[Piece]:
    """A span in seconds from the day's midnight in UTC, as the wall clock shows it."""
    bounds = {bound for turn in turns if turn.twice for bound in (turn.first_s, turn.last_s)}
    for index, (start, end, offset) in enumerate(stretches):
        first, last = max(since, start) + offset, min(until, end) + offset
        inside = {bound for bound in bounds if first < bound < last}
        for begin, over in pairwise(sorted({first, last, *inside})) if first < last else ():
            again = any(turn.twice and turn.first_s <= begin < turn.last_s for turn in turns)
            yield Piece(begin, over, 1 + bool(index) if again else 0)
