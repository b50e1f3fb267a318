# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kemi_routing import schedule
from kemi_routing.errors import InvalidValue
from kemi_routing.schedule import DAY_MINUTES, DAYS, WEEK_MINUTES, Window
from tests.support.builders import at, window
from tests.support.strategies import windows

MINUTE = timedelta(minutes=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTES_OF_A_WEEK = [MONDAY + minute * MINUTE for minute in range(WEEK_MINUTES)]


@pytest.mark.parametrize(("days", "hours", "time", "inside"), [
    ("mon-fri", "08:00-18:00", "2026-03-02 07:59:59", False),
    ("mon-fri", "08:00-18:00", "2026-03-02 08:00", True),
    ("mon-fri", "08:00-18:00", "2026-03-06 17:59:59.999999", True),
    ("mon-fri", "08:00-18:00", "2026-03-06 18:00", False),
    ("mon-fri", "08:00-18:00", "2026-03-07 12:00", False),
    ("mon", "00:00-24:00", "2026-03-01 23:59", False),
    ("mon", "00:00-24:00", "2026-03-02 00:00", True),
    ("mon", "00:00-24:00", "2026-03-02 23:59", True),
    ("mon", "00:00-24:00", "2026-03-03 00:00", False),
    ("mon", "22:00-00:00", "2026-03-02 23:59", True),
    ("mon", "22:00-00:00", "2026-03-03 00:00", False),
    ("fri", "22:00-06:00", "2026-03-06 21:59", False),
    ("fri", "22:00-06:00", "2026-03-06 22:00", True),
    ("fri", "22:00-06:00", "2026-03-07 00:00", True),  # it belongs to Friday
    ("fri", "22:00-06:00", "2026-03-07 05:59", True),
    ("fri", "22:00-06:00", "2026-03-07 06:00", False),
    ("fri", "22:00-06:00", "2026-03-06 05:59", False),  # Thursday's night is not Friday's
    ("sun", "22:00-06:00", "2026-03-01 23:59", True),  # the week turns
    ("sun", "22:00-06:00", "2026-03-02 05:59", True),
    ("sun", "22:00-06:00", "2026-03-02 22:00", False),
    ("tue", "00:00-24:00", "2028-02-29 12:00", True),  # leap day
    ("wed", "00:00-24:00", "2028-03-01 00:00", True),
    ("thu", "22:00-06:00", "2026-12-31 23:59", True),  # the year turns
    ("thu", "22:00-06:00", "2027-01-01 05:59", True),
])
def test_a_window_holds_from_its_first_minute_to_before_its_end(
        days: str, hours: str, time: str, inside: bool) -> None:
    one = window(days, hours)
    assert schedule.winner([one], at(time)) is (one if inside else None)


@pytest.mark.parametrize(("zone", "day", "hours", "minutes"), [
    ("Europe/Prague", "2026-03-28", "02:00-03:00", 60),
    ("Europe/Prague", "2026-03-29", "02:00-03:00", 0),  # left out
    ("Europe/Prague", "2026-03-29", "01:30-03:30", 60),
    ("Europe/Prague", "2026-10-25", "02:00-03:00", 120),  # comes twice
    ("Europe/Prague", "2026-10-25", "01:30-02:30", 90),
    ("America/New_York", "2026-03-08", "02:00-03:00", 0),
    ("Australia/Lord_Howe", "2026-10-04", "02:00-03:00", 30),  # half an hour of DST
    ("Australia/Lord_Howe", "2026-04-05", "01:00-02:00", 90),
    ("Asia/Kathmandu", "2026-03-29", "02:00-03:00", 60),  # +05:45
    ("Pacific/Apia", "2011-12-30", "00:00-24:00", 0),  # a day left out
])
def test_a_dst_change_leaves_minutes_out_or_repeats_them(
        zone: str, day: str, hours: str, minutes: int) -> None:
    weekday = DAYS[datetime.fromisoformat(day).weekday()]
    noon = datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=UTC)
    around = (noon + minute * MINUTE for minute in range(-2160, 2160))
    local = [instant.astimezone(ZoneInfo(zone)) for instant in around]
    assert sum(schedule.winner([window(weekday, hours)], time) is not None
               for time in local) == minutes


@pytest.mark.parametrize(("windows", "overlap"), [
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
])
def test_windows_may_touch_but_not_overlap(
        windows: list[str], overlap: tuple[int, int, str] | None) -> None:
    found = schedule.first_overlap([window(*text.split()) for text in windows])
    assert (found and (*sorted(found[:2]), found[2])) == overlap


def minutes_of(one: Window) -> Iterator[int]:
    """Minutes of the week inside, counted on one by one from each start."""
    length = one.end - one.start + (DAY_MINUTES if one.end <= one.start else 0)
    for day in one.days:
        start = (day - 1) * DAY_MINUTES + one.start
        yield from (minute % WEEK_MINUTES for minute in range(start, start + length))


@settings(max_examples=40)
@given(st.lists(windows, max_size=4))
def test_every_minute_of_a_week_has_at_most_one_winner(windows: list[Window]) -> None:
    held: list[list[int]] = [[] for _ in range(WEEK_MINUTES)]
    for index, one in enumerate(windows):
        for minute in minutes_of(one):
            held[minute].append(index)
    found = schedule.first_overlap(windows)
    shared = [minute for minute, by in enumerate(held) if len(by) > 1]
    if found:
        first, second, instant = found
        assert instant == f"{MINUTES_OF_A_WEEK[shared[0]]:%a %H:%M}".lower()
        assert {first, second} <= set(held[shared[0]])
        assert first != second
    else:
        assert not shared
        assert [schedule.winner(windows, time) for time in MINUTES_OF_A_WEEK] == [
            windows[by[0]] if by else None for by in held]


@given(windows)
def test_the_spans_of_a_window_are_its_minutes(one: Window) -> None:
    spanned = [minute for first, last in one.spans() for minute in range(first, last)]
    assert sorted(spanned) == sorted(minutes_of(one))


@pytest.mark.parametrize(("text", "days"), [
    ("mon-fri", {1, 2, 3, 4, 5}),
    ("sat,sun", {6, 7}),
    ("Fri - Mon", {5, 6, 7, 1}),
    ("sun-mon", {7, 1}),
    (" Daily ", {1, 2, 3, 4, 5, 6, 7}),
    ("tue-mon", {1, 2, 3, 4, 5, 6, 7}),
    ("mon-mon", {1}),
    ("mon-wed, wed-thu ,SUN", {1, 2, 3, 4, 7}),
])
def test_days_of_the_week_are_read(text: str, days: set[int]) -> None:
    assert schedule.parse_days(text) == days


@pytest.mark.parametrize("text", [
    "", "monday", "mon-", "-fri", "mon,,tue", "mon-fri-sun", "mon\u2013fri", "1-5", "mon tue",
    "daily,mon",
])
def test_refused_days_come_with_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match="write mon-fri, or sat,sun, or daily"):
        schedule.parse_days(text)


@pytest.mark.parametrize(("days", "text"), [
    ({1, 2, 3, 4, 5}, "mon-fri"),
    ({1, 3, 5}, "mon,wed,fri"),
    ({6, 7}, "sat,sun"),
    ({1, 2, 4, 5, 6}, "mon,tue,thu-sat"),
    ({5, 6, 7, 1}, "fri-mon"),
    ({1, 7}, "sun,mon"),
    ({1, 2, 3, 4, 5, 6, 7}, "daily"),
])
def test_days_are_written_the_shortest_way(days: set[int], text: str) -> None:
    assert schedule.format_days(frozenset(days)) == text


@given(st.frozensets(st.integers(1, 7), min_size=1))
def test_days_written_are_the_days_read(days: frozenset[int]) -> None:
    assert schedule.parse_days(schedule.format_days(days)) == days


@pytest.mark.parametrize(("text", "minute"), [
    ("00:00", 0), ("8:05", 485), (" 08:05 ", 485), ("23:59", 1439), ("24:00", 1440),
])
def test_a_time_of_day_is_read(text: str, minute: int) -> None:
    assert schedule.parse_clock(text) == minute


@pytest.mark.parametrize("text", [
    "", "8", "24:01", "25:00", "12:60", "12:5", "-1:00", "08.00", "08:00:00", "8 am",
    "\u0660\u0668:\u0660\u0660",
])
def test_a_refused_time_comes_with_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match="write hours and minutes: 08:00"):
        schedule.parse_clock(text)


@given(st.integers(0, DAY_MINUTES))
def test_a_time_written_is_the_time_read(minute: int) -> None:
    assert schedule.parse_clock(schedule.clock(minute)) == minute


@pytest.mark.parametrize(("start", "end", "hours"), [
    ("08:00", "18:00", (480, 1080)),
    ("22:00", "06:00", (1320, 360)),
    ("00:00", "24:00", (0, 1440)),
    ("22:00", "24:00", (1320, 1440)),
    ("22:00", "00:00", (1320, 1440)),  # midnight is the end of the day, whoever writes it
])
def test_hours_are_read(start: str, end: str, hours: tuple[int, int]) -> None:
    assert schedule.parse_hours(start, end) == hours


@pytest.mark.parametrize(("start", "end", "right_form"), [
    ("08:00", "08:00", "for the whole day write from 00:00 to 24:00"),
    ("00:00", "00:00", "for the whole day write from 00:00 to 24:00"),
    ("24:00", "08:00", "write 00:00 and the next day"),
    ("24:00", "24:00", "write 00:00 and the next day"),
    ("08:00", "eight", "write hours and minutes: 08:00"),
])
def test_refused_hours_come_with_the_right_form(start: str, end: str, right_form: str) -> None:
    with pytest.raises(InvalidValue, match=right_form):
        schedule.parse_hours(start, end)


@pytest.mark.parametrize(("days", "hours", "text"), [
    ("mon-fri", "8:00-18:00", "mon-fri 08:00-18:00"),
    ("daily", "22:30-06:00", "daily 22:30-06:00"),
    ("sat", "00:00-24:00", "sat 00:00-24:00"),
])
def test_a_window_is_shown_to_people(days: str, hours: str, text: str) -> None:
    assert str(window(days, hours)) == text


def days_of_change(zone: ZoneInfo) -> Iterator[datetime]:
    """Midnights UTC of ten years after which the zone's offset is another one a day later."""
    midnights = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(3654)]
    for today, tomorrow in pairwise(midnights):
        if today.astimezone(zone).utcoffset() != tomorrow.astimezone(zone).utcoffset():
            yield today


@pytest.mark.long
def test_brute_force_every_zone_ten_years() -> None:
    """On each day of a change, against a wall clock that is nothing but UTC plus the offset."""
    nights = window("thu-sun", "22:15-02:30")
    inside = set(minutes_of(nights))
    for name in available_timezones():
        zone = ZoneInfo(name)
        for day in days_of_change(zone):
            for time in (day + minute * MINUTE for minute in range(DAY_MINUTES)):
                local = time.astimezone(zone)
                offset = local.utcoffset() or timedelta()
                minute = (time - MONDAY + offset) // MINUTE % WEEK_MINUTES
                assert (schedule.winner([nights], local) is not None) is (minute in inside)
