# SPDX-License-Identifier: GPL-2.0-or-later
"""How the rules of a timetable follow one another, and what is wrong with them (SPEC S2-S7).

Nothing is tried minute by minute. Between two changes of the zone's offset the wall clock runs
evenly, so there a rule begins at an hour that is written in some rule, or at midnight.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from math import ceil, floor
from zoneinfo import ZoneInfo

from kemi_routing import schedule
from kemi_routing.schedule import (
    DAY_MINUTES,
    WEEK_MINUTES,
    Applied,
    Holiday,
    Rank,
    Timetable,
    Window,
)

_DAY_S = 86_400
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_SCAN_DAYS = 20
"""From two days before a day on which other rules come into force (zones are up to a day apart)
to two whole weeks after it: no zone leaves the same minutes out of both.
"""
_LAST_S = 253_370_764_800
"""The year 9999: nothing is looked for later."""

_WEEK = timedelta(weeks=1)
_LEFT_OUT = "a DST change leaves its minutes out"

_Rule = Window | Holiday
_Piece = tuple[int, int, Applied]
"""``[from, to)`` in epoch seconds, or minutes of a day, and the rule that holds."""


@dataclass(frozen=True, slots=True)
class Segment:
    """``[start, end)`` in UTC in which one rule holds."""

    start: datetime
    end: datetime
    applied: Applied


def segments(timetable: Timetable, start: datetime, end: datetime) -> Iterator[Segment]:
    """The rules that hold from ``start`` to before ``end``, without a hole; aware instants.

    Neighbours have different rules. Each instant inside has the ``schedule.winner`` of then.
    """
    if start >= end:
        return
    first, last = floor(start.timestamp()), ceil(end.timestamp())
    for begin, over, applied in _merged(_pieces(timetable, first, last)):
        yield Segment(max(start, _instant(begin)).astimezone(UTC),
                      min(end, _instant(over)).astimezone(UTC), applied)


def next_change(timetable: Timetable, now: datetime) -> datetime | None:
    """The first instant after ``now`` (UTC) at which another window, holiday or the default
    begins, whatever the overrides say ("until the next window", SPEC S7); None: never.
    """
    second = floor(now.timestamp())
    plain = replace(timetable, overrides=())
    rule = schedule.winner(plain, now).rule
    for day in _turning_days(timetable, second // _DAY_S):
        begin = max(second, (day - 2) * _DAY_S)
        end = min(begin + _SCAN_DAYS * _DAY_S, _LAST_S)
        for start, _, applied in _pieces(plain, begin, end):
            if applied.rule != rule:
                return _instant(start)
    return None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A window or holiday that never wins, and why."""

    rule: Window | Holiday
    why: str


@dataclass(frozen=True, slots=True)
class Gap:
    """No rule and no default: nothing is forwarded."""

    first: datetime
    """When it begins first, in the timetable's zone."""
    minutes_a_week: int
    """On average, rounded."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a timetable does between two instants, overrides aside."""

    start: datetime
    end: datetime
    unreachable: tuple[Unreachable, ...]
    gap: Gap | None
    last_holiday: date | None
    """After this day it knows of no holiday; None: it has none at all."""


def proof(timetable: Timetable, start: datetime, years: int = 2) -> Proof:
    """What is odd about a timetable in the years after ``start``, every DST change included."""
    plain = replace(timetable, overrides=())
    end = start + timedelta(weeks=53 * years)
    found = tuple(segments(plain, start, end))
    return Proof(start, end, tuple(_unreachable(plain, found)), _gap(plain, found),
                 max((one.day for one in timetable.holidays), default=None))


def _pieces(timetable: Timetable, start: int, end: int) -> Iterator[_Piece]:
    """Gapless, from epoch second to epoch second; neighbours may have the same rule."""
    if start >= end:
        return
    bounds = {bound for one in timetable.overrides for bound in (one.start, one.until)
              if bound is not None and start < bound < end}
    for first, last in pairwise(sorted({start, *bounds, end})):
        override = schedule.override_at(timetable.overrides, first)
        if override:
            yield first, last, schedule.applied(override, timetable.zone)
        else:
            yield from _by_wall_clock(timetable, first, last)


def _by_wall_clock(timetable: Timetable, start: int, end: int) -> Iterator[_Piece]:
    days = _Days(timetable)
    for first, last, offset in stretches(timetable.zone, start, end):
        for day in range((first + offset) // _DAY_S, (last + offset - 1) // _DAY_S + 1):
            midnight = day * _DAY_S - offset
            for begin, over, applied in days.pieces(day):
                since, until = max(first, midnight + begin * 60), min(last, midnight + over * 60)
                if since < until:
                    yield since, until, applied


def stretches(zone: ZoneInfo, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """``[from, to)`` in epoch seconds, and the zone's offset in seconds, which is even there.

    No zone has ever changed its offset twice within a day.
    """
    begin, offset = start, _offset(zone, start)
    for early, late in pairwise([*range(start, end, _DAY_S), end]):
        if _offset(zone, late) != offset:
            change = _change(zone, early, late)
            yield begin, change, offset
            begin, offset = change, _offset(zone, late)
    yield begin, end, offset


def _change(zone: ZoneInfo, early: int, late: int) -> int:
    """The first second with the offset of ``late``; at ``early`` there is another one."""
    offset = _offset(zone, late)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (early, middle) if _offset(zone, middle) == offset else (middle, late)
    return late


def _offset(zone: ZoneInfo, second: int) -> int:
    return int((datetime.fromtimestamp(second, zone).utcoffset() or timedelta()).total_seconds())


class _Days:
    """The rules of each day of the wall clock; days with weekly windows only are all alike."""

    def __init__(self, timetable: Timetable) -> None:
        self.timetable = timetable
        self.holidays = {one.day for one in timetable.holidays}
        self.dated = [window for window in timetable.windows if window.dated]
        self.weekly: dict[int, list[_Piece]] = {}

    def pieces(self, number: int) -> list[_Piece]:
        """The rules of a day, counted from 1970-01-01, in minutes."""
        day = date.fromordinal(_EPOCH_DAY + number)
        eve = day - timedelta(days=1)
        if day in self.holidays or any(one.starts_on(day) or one.starts_on(eve)
                                       for one in self.dated):
            return self._work_out(day)
        weekday = day.weekday()
        if weekday not in self.weekly:
            self.weekly[weekday] = self._work_out(day)
        return self.weekly[weekday]

    def _work_out(self, day: date) -> list[_Piece]:
        rules: tuple[_Rule, ...] = (
            *self.timetable.windows, *(one for one in self.timetable.holidays if one.day == day))
        minutes = {minute for rule in rules for minute in (rule.start, rule.end)}
        return list(_merged((first, last, schedule.scheduled(self.timetable, day, first))
                            for first, last in pairwise(sorted({0, *minutes, DAY_MINUTES}))))


def _merged(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    for _, group in groupby(pieces, key=lambda piece: piece[2].rule):
        same = list(group)
        yield same[0][0], same[-1][1], same[0][2]


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _turning_days(timetable: Timetable, today: int) -> list[int]:
    """Today and the later days, counted from 1970-01-01, from which on other rules may hold."""
    days = {today, *(one.day.toordinal() - _EPOCH_DAY for one in timetable.holidays)}
    for window in timetable.windows:
        days.update(day.toordinal() - _EPOCH_DAY for day in (window.first, window.last) if day)
    return sorted(day for day in days if day >= today)


def _unreachable(timetable: Timetable, found: Sequence[Segment]) -> Iterator[Unreachable]:
    won = {segment.applied.rule for segment in found}
    days = {(rule.day, rule.sequence) for rule in won if isinstance(rule, Holiday)}
    rules: tuple[_Rule, ...] = (*timetable.windows, *timetable.holidays)
    for rule in rules:
        twice = isinstance(rule, Holiday) and (rule.day, rule.sequence) in days
        if rule not in won and not twice and (why := _why_never(timetable, rule, found)):
            yield Unreachable(rule, why)


def _why_never(timetable: Timetable, rule: _Rule, found: Sequence[Segment]) -> str:
    """Empty where a holiday is over, or too far off to be looked at."""
    start, end = found[0].start, found[-1].end
    alone = (Timetable(timetable.zone, windows=(rule,)) if isinstance(rule, Window)
             else Timetable(timetable.zone, holidays=(rule,)))
    own = [one for one in segments(alone, start, end) if one.applied.rule]
    if own:
        first = f"{own[0].start.astimezone(timetable.zone):%Y-%m-%d %H:%M}"
        return f"hidden by {_listed(_during(own, found))}, first on {first}"
    today, last = (one.astimezone(timetable.zone).date() for one in (start, end))
    if isinstance(rule, Window):
        return _why_no_start(rule, today, last)
    return _LEFT_OUT if today < rule.day < last else ""


def _why_no_start(window: Window, today: date, end: date) -> str:
    later = window.first is not None and today < window.first
    if window.last is None or (window.first and end - _WEEK <= window.first):
        return f"its dates begin {window.first}"
    first = max(window.first or today, today + timedelta(days=1))
    if any(window.starts_on(first + timedelta(days=day)) for day in range(7)):
        return _LEFT_OUT
    return "none of its days lies within its dates" if later else "its dates are over"


def _during(own: Sequence[Segment], found: Sequence[Segment]) -> list[str]:
    """The rules that hold during these times, in the order of their first time."""
    starts = [segment.start for segment in found]
    texts: dict[str, None] = {}
    for one in own:
        index, until = bisect_right(starts, one.start) - 1, bisect_left(starts, one.end)
        texts.update((segment.applied.text, None) for segment in found[index:until])
    return list(texts)


def _listed(texts: Sequence[str]) -> str:
    """At most three of them."""
    more = len(texts) - 3
    return ", ".join(texts[:3]) + (f" and {more} more" if more > 0 else "")


def _gap(timetable: Timetable, found: Sequence[Segment]) -> Gap | None:
    gaps = [segment for segment in found if segment.applied.rank is Rank.DEFAULT]
    if timetable.default is not None or not gaps:
        return None
    total = sum((gap.end - gap.start for gap in gaps), timedelta())
    share = total / (found[-1].end - found[0].start)
    return Gap(gaps[0].start.astimezone(timetable.zone), round(share * WEEK_MINUTES))
