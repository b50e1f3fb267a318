# SPDX-License-Identifier: GPL-2.0-or-later
"""Weekly windows (SPEC S1, S2, S5).

A window is compared with the wall clock of the number's zone: minutes that a DST change leaves
out never match, minutes that come twice match both times. Ranges are half-open, ``[from, to)``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from kemi_routing.errors import InvalidValue

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""ISO weekdays 1 to 7, as they are written."""
DAY_MINUTES = 1440
WEEK_MINUTES = 7 * DAY_MINUTES

_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])", re.ASCII)


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

    def __str__(self) -> str:
        return f"{format_days(self.days)} {clock(self.start)}-{clock(self.end)}"

    def holds(self, weekday: int, minute: int) -> bool:
        """Whether that minute of that ISO weekday lies inside."""
        if self.start < self.end:
            return weekday in self.days and self.start <= minute < self.end
        yesterday = weekday - 1 or 7
        return (weekday in self.days and minute >= self.start) or (
            yesterday in self.days and minute < self.end)

    def spans(self) -> Iterator[tuple[int, int]]:
        """The window as ``[first, last)`` minutes of the week; one across Sunday night is split."""
        length = (self.end - self.start) % DAY_MINUTES or DAY_MINUTES
        for day in self.days:
            first = (day - 1) * DAY_MINUTES + self.start
            last = first + length
            yield first, min(last, WEEK_MINUTES)
            if last > WEEK_MINUTES:
                yield 0, last - WEEK_MINUTES


def winner(windows: Sequence[Window], local: datetime) -> Window | None:
    """The window that holds this wall-clock time; there is at most one (``first_overlap``)."""
    weekday, minute = local.isoweekday(), local.hour * 60 + local.minute
    return next((window for window in windows if window.holds(weekday, minute)), None)


def first_overlap(windows: Sequence[Window]) -> tuple[int, int, str] | None:
    """The indexes of two windows that overlap and the first instant of it, as ``mon 08:00``."""
    spans = sorted((*span, index) for index, window in enumerate(windows)
                   for span in window.spans())
    for (_, last, one), (first, _, other) in pairwise(spans):
        if first < last:
            return one, other, f"{DAYS[first // DAY_MINUTES]} {clock(first % DAY_MINUTES)}"
    return None


def parse_days(text: str) -> frozenset[int]:
    """ISO weekdays of ``mon-fri``, ``sat,sun`` or ``daily``; raises InvalidValue."""
    if text.strip().lower() == "daily":
        return frozenset(range(1, 8))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise InvalidValue(f"{text!r} are not days of the week; "
                               "write mon-fri, or sat,sun, or daily")
        day, end = DAYS.index(first), DAYS.index(last or first)
        days.update((day + step) % 7 + 1 for step in range((end - day) % 7 + 1))
    return frozenset(days)


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
        raise InvalidValue(f"{text!r} is not a time of day; write hours and minutes: 08:00")
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
