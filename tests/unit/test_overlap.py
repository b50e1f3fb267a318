# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kemi_routing import overlap
from kemi_routing.schedule import DAY_MINUTES, DAYS, WEEK_MINUTES, Window
from tests.support.builders import holiday, window
from tests.support.timetables import DAY, minutes, times, weekly_windows


def rule(text: str) -> Window:
    """``fri 22:00-06:00 [FIRST..LAST]``."""
    days, hours, *dates = text.split()
    return window(days, hours, "office", *(dates[0].split("..") if dates else ()))


@pytest.mark.parametrize(("windows", "expected"), [
    ([], None),
    (["mon-fri 08:00-12:00", "mon-fri 12:00-18:00"], None),
    (["mon-fri 18:00-08:00", "mon-fri 08:00-18:00"], None),
    (["daily 00:00-24:00"], None),
    (["mon-fri 08:00-12:01", "wed 12:00-18:00"], (0, 1, "wed 12:00")),
    (["wed 12:00-18:00", "mon-fri 08:00-12:01"], (0, 1, "wed 12:00")),
    (["fri 22:00-06:00", "sat 05:59-06:00"], (0, 1, "sat 05:59")),
    (["sun 22:00-06:00", "mon 00:00-01:00"], (0, 1, "mon 00:00")),  # the week turns
    (["sun 22:00-06:00", "mon 06:00-24:00"], None),
    (["daily 00:00-24:00", "sat 23:59-24:00"], (0, 1, "sat 23:59")),
    (["mon 00:00-24:00", "tue 00:00-24:00", "mon,tue 23:00-24:00"], (0, 2, "mon 23:00")),
    (["daily 00:00-24:00", "daily 00:00-24:00 2026-12-20.."], None),  # not of one rank
    (["daily 08:00-12:00 ..2026-12-19", "daily 08:00-12:00 2026-12-20.."], None),
    (["daily 08:00-12:00 ..2026-12-20", "daily 08:00-12:00 2026-12-20.."],
     (0, 1, "2026-12-20 08:00")),
    (["daily 22:00-06:00 ..2026-12-19", "daily 05:59-12:00 2026-12-20.."],  # Saturday's night
     (0, 1, "2026-12-20 05:59")),
    (["daily 05:59-12:00 2026-12-20..", "daily 22:00-06:00 2026-12-01..2026-12-19"],
     (0, 1, "2026-12-20 05:59")),
    (["daily 22:00-06:00 ..2026-12-19", "daily 06:00-12:00 2026-12-20.."], None),
    (["sat 08:00-12:00 2026-12-20..2027-02-28", "fri,sat 11:00-13:00 2026-11-01.."],
     (0, 1, "2026-12-26 11:00")),
    (["sat 22:00-06:00 2026-12-20..", "sun 05:00-07:00 2026-12-20.."],
     (0, 1, "2026-12-27 05:00")),
    (["sat 08:00-12:00 2026-12-20..2026-12-25", "sat 11:00-13:00 2026-11-01.."], None),
    (["wed 08:00-12:00 ..2026-12-20", "wed 11:00-13:00 ..2026-12-25"], (0, 1, "wed 11:00")),
    (["daily 08:00-09:00 2027-01-01..", "mon 08:00-09:00", "daily 08:00-09:00 2026-12-20..",
      "daily 07:00-09:00 2026-12-21.."], (2, 3, "2026-12-21 08:00")),
    (["daily 08:00-09:00 2026-01-01..", "daily 08:00-09:00 2026-01-01..", "mon 08:00-09:00",
      "mon 08:00-09:00"], (2, 3, "mon 08:00")),
])
def test_windows_of_one_rank_may_touch_but_not_overlap(
        windows: list[str], expected: tuple[int, int, str] | None) -> None:
    found = overlap.first_overlap(list(map(rule, windows)))
    assert (found and (*sorted(found[:2]), found[2])) == expected


@pytest.mark.parametrize(("written", "expected"), [
    ([], None),
    (["2026-12-24 00:00-12:00 a", "2026-12-24 12:00-24:00 b"], None),
    (["2026-12-24 00:00-24:00 a", "2026-12-24 12:00-24:00 a"], None),  # the same twice
    (["2026-12-24 00:00-24:00 a", "2026-12-25 00:00-24:00 b"], None),
    (["2026-12-24 00:00-24:00 a", "2026-12-24 10:00-11:00 b"], (0, 1, "2026-12-24 10:00")),
    (["2026-12-24 00:00-24:00 a", "2026-12-24 01:00-02:00 a", "2026-12-24 03:00-04:00 b"],
     (0, 2, "2026-12-24 03:00")),
    (["2026-12-26 00:00-24:00 a", "2026-12-26 00:00-24:00 b", "2026-12-24 09:00-12:00 b",
      "2026-12-24 08:00-09:01 a"], (2, 3, "2026-12-24 09:00")),
])
def test_holidays_of_one_time_lead_to_one_sequence(
        written: list[str], expected: tuple[int, int, str] | None) -> None:
    holidays = [holiday(day, name, hours=hours) for day, hours, name in map(str.split, written)]
    assert overlap.first_holiday_overlap(holidays) == expected


def minutes_of(one: Window) -> list[int]:
    """Minutes of the week inside, counted on one by one from each start."""
    length = one.end - one.start + (DAY_MINUTES if one.end <= one.start else 0)
    starts = [(day - 1) * DAY_MINUTES + one.start for day in one.days]
    return [minute % WEEK_MINUTES for start in starts for minute in range(start, start + length)]


@settings(max_examples=40)
@given(st.lists(weekly_windows(), max_size=4))
def test_every_minute_of_a_week_has_at_most_one_weekly_window(windows: list[Window]) -> None:
    held: list[list[int]] = [[] for _ in range(WEEK_MINUTES)]
    for index, one in enumerate(windows):
        for minute in minutes_of(one):
            held[minute].append(index)
    found = overlap.first_overlap(windows)
    shared = [minute for minute, by in enumerate(held) if len(by) > 1]
    if found:
        first, second, instant = found
        assert instant == (f"{DAYS[shared[0] // DAY_MINUTES]} "
                           f"{shared[0] % DAY_MINUTES // 60:02}:{shared[0] % 60:02}")
        assert {first, second} <= set(held[shared[0]])
        assert first != second
    else:
        assert not shared


FIRST = datetime(2026, 12, 20, tzinfo=UTC)
days = st.integers(0, 9).map(lambda day: (FIRST + day * DAY).date())
dated = st.builds(lambda one, first, last: replace(one, first=first, last=last),
                  weekly_windows(15), days, st.none() | days)


@settings(max_examples=40)
@given(st.lists(dated, max_size=3))
def test_the_first_minute_shared_by_dated_windows_is_found(drawn: list[Window]) -> None:
    shared = (minute for minute in minutes(FIRST, FIRST + 20 * DAY, 15)
              if sum(held(one, minute.replace(tzinfo=None)) for one in drawn) > 1)
    first = next(shared, None)
    found = overlap.first_overlap(drawn)
    assert (found and found[2]) == (first and f"{first:%Y-%m-%d %H:%M}")
    assert found is None or first is None or all(
        held(drawn[index], first.replace(tzinfo=None)) for index in found[:2])


def held(one: Window, wall: datetime) -> bool:
    return any(start <= wall < end for start, end in times(one, wall))
