# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of one rank that would hold at the same time (SPEC S2): refused when written."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations, groupby, pairwise

from kemi_routing.schedule import DAY_MINUTES, DAYS, WEEK_MINUTES, Holiday, Window, clock


def first_overlap(windows: Sequence[Window]) -> tuple[int, int, str] | None:
    """The indexes of two windows of one rank that overlap (SPEC S2) and the first instant of it:
    ``mon 08:00`` of weekly windows, ``2026-12-24 10:00`` of dated ones.
    """
    weekly = [index for index, window in enumerate(windows) if not window.dated]
    dated = [index for index, window in enumerate(windows) if window.dated]
    pairs = (_dated_overlap(windows, *pair) for pair in combinations(dated, 2))
    return _weekly_overlap(windows, weekly) or min(
        filter(None, pairs), key=lambda found: found[2], default=None)


def first_holiday_overlap(holidays: Sequence[Holiday]) -> tuple[int, int, str] | None:
    """The indexes of two holidays that overlap and lead to different sequences, and the first
    instant of it, as ``2026-12-24 10:00``.
    """
    ordered = sorted(enumerate(holidays), key=lambda item: item[1].day)
    for day, group in groupby(ordered, key=lambda item: item[1].day):
        shared = [(max(one.start, other.start), first, second)
                  for (first, one), (second, other) in combinations(group, 2)
                  if one.sequence != other.sequence
                  and max(one.start, other.start) < min(one.end, other.end)]
        if shared:
            minute, first, second = min(shared)
            return first, second, f"{day} {clock(minute)}"
    return None


def _weekly_overlap(windows: Sequence[Window], indexes: Sequence[int],
                    ) -> tuple[int, int, str] | None:
    spans = sorted((*span, index) for index in indexes for span in _spans(windows[index]))
    for (_, last, one), (first, _, other) in pairwise(spans):
        if first < last:
            return one, other, f"{DAYS[first // DAY_MINUTES]} {clock(first % DAY_MINUTES)}"
    return None


def _dated_overlap(windows: Sequence[Window], one: int, other: int,
                   ) -> tuple[int, int, str] | None:
    firsts = [window.first for window in (windows[one], windows[other]) if window.first]
    if not firsts:  # no first day, so no first instant: each week of the past is as good
        return _weekly_overlap(windows, (one, other))
    # Both start within a week of the later first day; the one across midnight on the eve of it.
    days = [max(firsts) + timedelta(days=day) for day in range(-1, 8)]
    spans = sorted((day.toordinal() * DAY_MINUTES + windows[index].start, index)
                   for index in (one, other) for day in days if windows[index].starts_on(day))
    for (start, early), (first, _) in pairwise(spans):
        if first < start + _length(windows[early]):
            day = date.fromordinal(first // DAY_MINUTES)
            return one, other, f"{day} {clock(first % DAY_MINUTES)}"
    return None


def _spans(window: Window) -> Iterator[tuple[int, int]]:
    """``[first, last)`` minutes of the week; a window across Sunday night is split."""
    for day in window.days:
        first = (day - 1) * DAY_MINUTES + window.start
        last = first + _length(window)
        yield first, min(last, WEEK_MINUTES)
        if last > WEEK_MINUTES:
            yield 0, last - WEEK_MINUTES


def _length(window: Window) -> int:
    """Minutes from its start to its end on the wall clock."""
    return (window.end - window.start) % DAY_MINUTES or DAY_MINUTES
