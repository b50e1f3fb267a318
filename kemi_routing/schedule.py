# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rule decides by time: overrides, holidays, windows (SPEC S1-S7).

Windows and holidays are compared with the wall clock of the number's zone: minutes that a DST
change leaves out never match, minutes that come twice match both times. Overrides begin and end
at instants. Ranges are half-open, ``[from, to)``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from operator import attrgetter
from zoneinfo import ZoneInfo

from kemi_routing.errors import InvalidValue

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""ISO weekdays 1 to 7, as they are written."""
DAY_MINUTES = 1440
WEEK_MINUTES = 7 * DAY_MINUTES

_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_CLOCK_MEANT = re.compile(r"([01]?[0-9]|2[0-3])(?:[.h]?([0-5][0-9]))?h?", re.ASCII)
_DAYS_SHORT = re.compile("{0}(?:,{0})*".format("(?:{0})(?:-(?:{0}))?".format("|".join(DAYS))))
_ONE_DAY = timedelta(days=1)


class Rank(StrEnum):
    """What decides by time, in the order in which it is asked; the first that holds wins (S3)."""

    OVERRIDE = "override"
    HOLIDAY = "holiday"
    DATED = "dated window"
    WEEKLY = "weekly window"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Window:
    """Days of the week and ``[start, end)`` in minutes of the day, leading to a sequence.

    Where ``end`` is not after ``start`` the window crosses midnight and belongs to the day on
    which it starts.
    """

    days: frozenset[int]
    """ISO weekdays, 1 is Monday."""
    start: int
    """0 to 1439."""
    end: int
    """1 to 1440."""
    sequence: str
    first: date | None = None
    """First and last day on which it may start; None: no bound. With a bound it is a dated
    window, which beats weekly ones (SPEC S3).
    """
    last: date | None = None

    @property
    def dated(self) -> bool:
        """Whether it has a first or a last day."""
        return self.first is not None or self.last is not None

    def __str__(self) -> str:
        text = f"{format_days(self.days)} {clock(self.start)}-{clock(self.end)}"
        return f"{text} {self.first or ''}..{self.last or ''}" if self.dated else text

    def starts_on(self, day: date) -> bool:
        """Whether it starts on that day."""
        return (day.isoweekday() in self.days and (self.first is None or self.first <= day)
                and (self.last is None or day <= self.last))

    def holds(self, day: date, minute: int) -> bool:
        """Whether that minute of that day of the wall clock lies inside."""
        if minute >= self.start:
            return (minute < self.end or self.end <= self.start) and self.starts_on(day)
        return minute < self.end <= self.start and self.starts_on(day - _ONE_DAY)


@dataclass(frozen=True, slots=True)
class Holiday:
    """One day, or the part ``[start, end)`` of it in minutes, leading to a sequence (SPEC S4)."""

    day: date
    sequence: str
    name: str = ""
    start: int = 0
    end: int = DAY_MINUTES

    def __str__(self) -> str:
        part = (self.start, self.end) != (0, DAY_MINUTES)
        hours = f" {clock(self.start)}-{clock(self.end)}" if part else ""
        return f"{self.name} {self.day}{hours}".lstrip()

    def holds(self, day: date, minute: int) -> bool:
        """Whether that minute of that day of the wall clock lies inside."""
        return day == self.day and self.start <= minute < self.end


@dataclass(frozen=True, slots=True)
class Override:
    """A sequence for a time, whatever the schedule says (SPEC S7). Times are epoch seconds."""

    sequence: str
    set_at: int
    """Of several that hold, the one set last wins."""
    start: int = 0
    until: int | None = None
    """The first second at which it holds no more; None: for ever."""
    name: str = ""
    """For people: ``vacation``, ``*33 by line jana-desk``."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """All that decides by time which sequence runs (SPEC S3)."""

    zone: ZoneInfo
    windows: tuple[Window, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    overrides: tuple[Override, ...] = ()
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """The rule that holds and the sequence to which it leads; None: there is no default."""

    rank: Rank
    text: str
    """For people: ``window mon-fri 08:00-18:00``."""
    sequence: str | None
    rule: Window | Holiday | Override | None = None
    """None: the default."""


def winner(timetable: Timetable, now: datetime) -> Applied:
    """The one rule that holds at this aware instant. Total; of equals that must not overlap
    (``overlap``) the first.
    """
    if timetable.overrides:
        override = override_at(timetable.overrides, now.timestamp())
        if override:
            return applied(override, timetable.zone)
    local = now.astimezone(timetable.zone)
    return scheduled(timetable, local.date(), local.hour * 60 + local.minute)


def override_at(overrides: Sequence[Override], second: float) -> Override | None:
    """Of the overrides that hold at this epoch second the one set last; of two, the later one."""
    held = None
    for one in overrides:
        if (one.start <= second and (one.until is None or second < one.until)
                and (held is None or one.set_at >= held.set_at)):
            held = one
    return held


def applied(override: Override, zone: ZoneInfo) -> Applied:
    """An override that holds; it always says when it ends (SPEC S7)."""
    return Applied(Rank.OVERRIDE, _override_text(override, zone), override.sequence, override)


def scheduled(timetable: Timetable, day: date, minute: int) -> Applied:
    """The rule that holds in that minute of the wall clock where no override does."""
    for holiday in timetable.holidays:
        if holiday.day == day and holiday.start <= minute < holiday.end:
            return Applied(Rank.HOLIDAY, f"holiday {holiday}", holiday.sequence, holiday)
    weekly = None
    for window in timetable.windows:
        if window.holds(day, minute):
            if window.dated:
                return Applied(Rank.DATED, window_text(window), window.sequence, window)
            weekly = weekly or window
    if weekly:
        return Applied(Rank.WEEKLY, window_text(weekly), weekly.sequence, weekly)
    return Applied(Rank.DEFAULT, "default", timetable.default)


def window_text(window: Window) -> str:
    """``window mon-fri 08:00-18:00``; a dated one says so and its dates."""
    return f"{'dated ' if window.dated else ''}window {window}"


_HOLDS = {
    Rank.OVERRIDE: "an override holds",
    Rank.HOLIDAY: "a holiday holds",
    Rank.DATED: "a dated window holds",
    Rank.WEEKLY: "a window holds",
}


def losers(timetable: Timetable, now: datetime, won: Applied, above: str = "",
           ) -> tuple[tuple[str, str], ...]:
    """What does not apply now, and why, in the order of the ranks; ``won`` is now's winner.

    ``above`` is the rule that beats the whole timetable, where there is one. Holidays of other
    days share one line.
    """
    local = now.astimezone(timetable.zone)
    first = f"{above} comes first" if above else ""
    beaten = first or _HOLDS.get(won.rank, "")
    return (*_lost_overrides(timetable, now.timestamp(), won, first),
            *_lost_holidays(timetable.holidays, local, won, beaten),
            *_lost_windows(timetable.windows, local, won, beaten),
            *([("default", beaten)] if won.rule else []))


def _lost_overrides(timetable: Timetable, second: float, won: Applied, first: str,
                    ) -> Iterator[tuple[str, str]]:
    zone = timetable.zone
    for one in timetable.overrides:
        if one is won.rule:
            continue
        why = first or "an override set later holds"
        if one.until is not None and one.until <= second:
            why = f"ended {_wall_clock(one.until, zone)}"
        elif second < one.start:
            why = f"begins {_wall_clock(one.start, zone)}"
        yield _override_text(one, zone), why


def _lost_holidays(holidays: Sequence[Holiday], local: datetime, won: Applied, beaten: str,
                   ) -> Iterator[tuple[str, str]]:
    today = local.date()
    for one in holidays:
        if one.day == today and one is not won.rule:
            yield f"holiday {one}", _why_not(one, local, beaten)
    others = [one for one in holidays if one.day != today]
    if others:
        coming = min((one for one in others if one.day > today), key=attrgetter("day"),
                     default=None)
        last = max(others, key=attrgetter("day"))
        why = f"the next is {coming}" if coming else f"the last was {last}"
        yield f"{len(others)} other holiday{'s' if len(others) > 1 else ''}", why


def _lost_windows(windows: Sequence[Window], local: datetime, won: Applied, beaten: str,
                  ) -> Iterator[tuple[str, str]]:
    for one in sorted(windows, key=lambda window: not window.dated):
        if one is not won.rule:
            yield window_text(one), _why_not(one, local, beaten)


def _why_not(rule: Window | Holiday, local: datetime, beaten: str) -> str:
    today = local.date()
    if rule.holds(today, local.hour * 60 + local.minute):
        return beaten
    if isinstance(rule, Window):
        if rule.first and today < rule.first:
            return f"its dates begin {rule.first}"
        if rule.last and rule.last < today:
            return "its dates are over"
    return f"{DAYS[local.weekday()]} {local:%H:%M} is outside"


def _override_text(one: Override, zone: ZoneInfo) -> str:
    end = "for ever" if one.until is None else f"until {_wall_clock(one.until, zone)}"
    return f"override {one.name or one.sequence} {end}"


def _wall_clock(second: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(second, zone):%Y-%m-%d %H:%M}"


def parse_days(text: str) -> frozenset[int]:
    """ISO weekdays of ``mon-fri``, ``sat,sun`` or ``daily``; raises InvalidValue."""
    if text.strip().lower() == "daily":
        return frozenset(range(1, 8))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise InvalidValue(f"{text!r} are not days of the week; write {_days_meant(text)}")
        day, end = DAYS.index(first), DAYS.index(last or first)
        days.update((day + step) % 7 + 1 for step in range((end - day) % 7 + 1))
    return frozenset(days)


def _days_meant(text: str) -> str:
    """The short names of days that stand in full, else the right form."""
    short = re.sub("([a-z]{3})[a-z]*", r"\1", re.sub(" *([,-]) *", r"\1", text.lower()))
    return short if _DAYS_SHORT.fullmatch(short) else "mon-fri, or sat,sun, or daily"


@cache
def format_days(days: frozenset[int]) -> str:
    """The shortest way to write these days: ``mon-fri``, ``mon,wed``, ``daily``."""
    if len(days) == 7:
        return "daily"
    starts = [day for day in sorted(days) if (day - 1 or 7) not in days]
    return ",".join(_run(days, start) for start in starts)


def parse_clock(text: str) -> int:
    """Minutes since midnight of ``08:00``; ``24:00`` is the end of the day; raises InvalidValue."""
    match = _CLOCK.fullmatch(text.strip())
    minute = int(match[1]) * 60 + int(match[2]) if match else DAY_MINUTES + 1
    if minute > DAY_MINUTES:
        meant = _CLOCK_MEANT.fullmatch(text)
        right = f"{int(meant[1]):02}:{meant[2] or '00'}" if meant else "08:00"
        raise InvalidValue(f"{text!r} is not a time of day; write hours and minutes: {right}")
    return minute


def parse_hours(start: str, end: str) -> tuple[int, int]:
    """``[start, end)`` in minutes of a window's wall-clock times; raises InvalidValue."""
    first, last = parse_clock(start), parse_clock(end)
    if first == DAY_MINUTES:
        raise InvalidValue("a window cannot start at 24:00; write 00:00 and the next day")
    if first == last:
        raise InvalidValue(f"a window from {start} to {end} is empty; "
                           "for the whole day write from 00:00 to 24:00")
    return first, last or DAY_MINUTES


@cache
def clock(minute: int) -> str:
    """``08:00`` for 480."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _run(days: frozenset[int], start: int) -> str:
    length = 1
    while (start + length - 1) % 7 + 1 in days:
        length += 1
    if length == 1:
        return DAYS[start - 1]
    return f"{DAYS[start - 1]}{'-' if length > 2 else ','}{DAYS[(start + length - 2) % 7]}"
