# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import schedule
from kemi_routing.errors import InvalidValue
from kemi_routing.schedule import DAY_MINUTES, Holiday, Override, Rank, Timetable, Window
from tests.support.builders import PRAGUE, at, holiday, window
from tests.support.timetables import (
    HOUR,
    MINUTE,
    ODD_ZONES,
    around,
    minutes,
    rule_at,
    timetables,
    transitions,
)


def rule(text: str) -> Window | Holiday:
    """``fri 22:00-06:00 [FIRST..LAST]`` or ``holiday DAY [HOURS [NAME]]``."""
    first, second, *rest = text.split(maxsplit=3)
    if first == "holiday":
        return holiday(second, "closed", "".join(rest[1:]), *rest[:1])
    return window(first, second, "office", *(rest[0].split("..") if rest else ()))


def override(name: str, set_at: int, start: str = "", until: str = "") -> Override:
    def second(text: str) -> int:
        return int(at(text).timestamp())
    return Override(name, set_at, second(start) if start else 0, second(until) if until else None)


def timetable(*rules: Window | Holiday | Override, zone: ZoneInfo = PRAGUE) -> Timetable:
    return Timetable(zone, tuple(one for one in rules if isinstance(one, Window)),
                     tuple(one for one in rules if isinstance(one, Holiday)),
                     tuple(one for one in rules if isinstance(one, Override)), "evening")


@pytest.mark.parametrize(("written", "time", "inside"), [
    ("mon-fri 08:00-18:00", "2026-03-02 07:59:59", False),
    ("mon-fri 08:00-18:00", "2026-03-02 08:00", True),
    ("mon-fri 08:00-18:00", "2026-03-06 17:59:59.999999", True),
    ("mon-fri 08:00-18:00", "2026-03-06 18:00", False),
    ("mon-fri 08:00-18:00", "2026-03-07 12:00", False),
    ("mon 00:00-24:00", "2026-03-01 23:59", False),
    ("mon 00:00-24:00", "2026-03-02 00:00", True),
    ("mon 00:00-24:00", "2026-03-02 23:59", True),
    ("mon 00:00-24:00", "2026-03-03 00:00", False),
    ("mon 22:00-00:00", "2026-03-02 23:59", True),
    ("mon 22:00-00:00", "2026-03-03 00:00", False),
    ("fri 22:00-06:00", "2026-03-06 21:59", False),
    ("fri 22:00-06:00", "2026-03-06 22:00", True),
    ("fri 22:00-06:00", "2026-03-07 00:00", True),  # it belongs to Friday
    ("fri 22:00-06:00", "2026-03-07 05:59", True),
    ("fri 22:00-06:00", "2026-03-07 06:00", False),
    ("fri 22:00-06:00", "2026-03-06 05:59", False),  # Thursday's night is not Friday's
    ("sun 22:00-06:00", "2026-03-01 23:59", True),  # the week turns
    ("sun 22:00-06:00", "2026-03-02 05:59", True),
    ("sun 22:00-06:00", "2026-03-02 22:00", False),
    ("tue 00:00-24:00", "2028-02-29 12:00", True),  # leap day
    ("wed 00:00-24:00", "2028-03-01 00:00", True),
    ("thu 22:00-06:00", "2026-12-31 23:59", True),  # the year turns
    ("thu 22:00-06:00", "2027-01-01 05:59", True),
    ("daily 10:00-14:00 2026-12-20..2027-01-03", "2026-12-19 10:00", False),
    ("daily 10:00-14:00 2026-12-20..2027-01-03", "2026-12-20 10:00", True),
    ("daily 10:00-14:00 2026-12-20..2027-01-03", "2026-12-20 09:59", False),
    ("daily 10:00-14:00 2026-12-20..2027-01-03", "2027-01-03 13:59", True),
    ("daily 10:00-14:00 2026-12-20..2027-01-03", "2027-01-03 14:00", False),
    ("daily 10:00-14:00 2026-12-20..2027-01-03", "2027-01-04 10:00", False),
    ("mon 10:00-14:00 2026-12-20..", "2026-12-14 10:00", False),
    ("mon 10:00-14:00 2026-12-20..", "2029-12-24 10:00", True),
    ("mon 10:00-14:00 ..2026-12-20", "2026-12-14 10:00", True),
    ("mon 10:00-14:00 ..2026-12-20", "2026-12-21 10:00", False),
    ("daily 22:00-06:00 2026-12-31..2026-12-31", "2026-12-31 05:59", False),
    ("daily 22:00-06:00 2026-12-31..2026-12-31", "2026-12-31 22:00", True),
    ("daily 22:00-06:00 2026-12-31..2026-12-31", "2027-01-01 05:59", True),  # the year turns
    ("daily 22:00-06:00 2026-12-31..2026-12-31", "2027-01-01 06:00", False),
    ("daily 22:00-06:00 2026-12-31..2026-12-31", "2027-01-01 22:00", False),
    ("daily 22:00-06:00 2028-02-28..2028-02-28", "2028-02-29 05:59", True),  # leap day
    ("daily 22:00-06:00 2028-02-29..2028-02-29", "2028-03-01 05:59", True),
    ("daily 22:00-06:00 2028-02-29..2028-02-29", "2028-02-29 05:59", False),
    ("holiday 2026-12-24", "2026-12-23 23:59", False),
    ("holiday 2026-12-24", "2026-12-24 00:00", True),
    ("holiday 2026-12-24", "2026-12-24 23:59", True),
    ("holiday 2026-12-24", "2026-12-25 00:00", False),
    ("holiday 2026-12-24", "2027-12-24 12:00", False),
    ("holiday 2026-12-24 12:00-24:00", "2026-12-24 11:59", False),
    ("holiday 2026-12-24 12:00-24:00", "2026-12-24 12:00", True),
    ("holiday 2026-12-24 08:00-12:00", "2026-12-24 11:59", True),
    ("holiday 2026-12-24 08:00-12:00", "2026-12-24 12:00", False),
    ("holiday 2028-02-29", "2028-02-29 12:00", True),
])
def test_a_rule_holds_from_its_first_minute_to_before_its_end(
        written: str, time: str, inside: bool) -> None:
    one = rule(written)
    assert schedule.winner(timetable(one), at(time)).rule is (one if inside else None)


@pytest.mark.parametrize(("zone", "day", "hours", "count"), [
    ("Europe/Prague", "2026-03-28", "02:00-03:00", 60),
    ("Europe/Prague", "2026-03-29", "02:00-03:00", 0),  # left out
    ("Europe/Prague", "2026-03-29", "01:30-03:30", 60),
    ("Europe/Prague", "2026-10-25", "02:00-03:00", 120),  # comes twice
    ("Europe/Prague", "2026-10-25", "01:30-02:30", 90),
    ("America/New_York", "2026-03-08", "02:00-03:00", 0),
    ("Australia/Lord_Howe", "2026-10-04", "02:00-03:00", 30),  # half an hour of DST
    ("Australia/Lord_Howe", "2026-04-05", "01:00-02:00", 90),
    ("Africa/Cairo", "2026-04-24", "00:00-01:30", 30),  # left out from midnight on
    ("America/Havana", "2025-11-02", "00:00-01:00", 120),  # past: the tz database cannot change it
    ("Asia/Kathmandu", "2026-03-29", "02:00-03:00", 60),  # +05:45
    ("Pacific/Apia", "2011-12-30", "00:00-24:00", 0),  # a day left out
])
@pytest.mark.parametrize("written", ["daily {hours} {day}..{day}", "holiday {day} {hours}"])
def test_a_dst_change_leaves_minutes_out_or_repeats_them(
        zone: str, day: str, hours: str, count: int, written: str) -> None:
    one = timetable(rule(written.format(hours=hours, day=day)), zone=ZoneInfo(zone))
    noon = datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=UTC)
    around_it = minutes(noon - 36 * HOUR, noon + 36 * HOUR)
    assert sum(schedule.winner(one, time).rule is not None for time in around_it) == count


RANKS = timetable(
    rule("mon-fri 08:00-18:00"), rule("fri 22:00-06:00"),
    rule("daily 10:00-14:00 2026-12-20..2027-01-03"), rule("holiday 2026-12-24 12:00-24:00 Eve"),
    rule("holiday 2026-12-25"), override("night", 2, "2026-12-29 20:00", "2026-12-30 08:00"),
    override("away", 1, "2026-12-29 00:00", "2027-01-01 00:00"),
    override("first of two", 3, "2027-02-01 00:00", "2027-02-02 00:00"),
    override("second of two", 3, "2027-02-01 00:00", "2027-02-02 00:00"))


@pytest.mark.parametrize(("time", "rank", "text", "name"), [
    ("2026-12-18 07:00", "default", "default", "evening"),
    ("2026-12-18 12:00", "weekly window", "window mon-fri 08:00-18:00", "office"),
    ("2026-12-18 23:00", "weekly window", "window fri 22:00-06:00", "office"),
    ("2026-12-21 12:00", "dated window",  # over the weekly one
     "dated window daily 10:00-14:00 2026-12-20..2027-01-03", "office"),
    ("2026-12-21 14:00", "weekly window", "window mon-fri 08:00-18:00", "office"),
    ("2026-12-24 11:59", "dated window",
     "dated window daily 10:00-14:00 2026-12-20..2027-01-03", "office"),
    ("2026-12-24 12:00", "holiday", "holiday Eve 2026-12-24 12:00-24:00", "closed"),
    ("2026-12-25 08:00", "holiday", "holiday 2026-12-25", "closed"),  # over the week
    ("2026-12-26 05:00", "weekly window", "window fri 22:00-06:00", "office"),
    ("2026-12-29 00:00", "override", "override away until 2027-01-01 00:00", "away"),
    ("2026-12-29 19:59:59.9", "override", "override away until 2027-01-01 00:00", "away"),
    ("2026-12-29 20:00", "override", "override night until 2026-12-30 08:00", "night"),
    ("2026-12-30 07:59:59.9", "override", "override night until 2026-12-30 08:00", "night"),
    ("2026-12-30 08:00", "override", "override away until 2027-01-01 00:00", "away"),
    ("2027-01-01 00:00", "default", "default", "evening"),  # until is exclusive
    ("2027-02-01 12:00", "override", "override second of two until 2027-02-02 00:00",
     "second of two"),
])
def test_the_highest_rank_wins_and_of_overrides_the_one_set_last(
        time: str, rank: str, text: str, name: str) -> None:
    won = schedule.winner(RANKS, at(time))
    assert (won.rank, won.text, won.sequence) == (rank, text, name)


def test_the_ranks_stand_in_their_order() -> None:
    assert list(Rank) == ["override", "holiday", "dated window", "weekly window", "default"]


@pytest.mark.parametrize(("one", "text"), [
    (Override("night", 1), "override night for ever"),
    (Override("night", 1, name="*33 by line jana-desk"), "override *33 by line jana-desk for ever"),
    (override("night", 1, until="2026-10-25 01:00"), "override night until 2026-10-25 01:00"),
])
def test_an_override_says_who_set_it_and_when_it_ends(one: Override, text: str) -> None:
    assert schedule.winner(timetable(one), at("2026-03-02 12:00")).text == text


@pytest.mark.parametrize("written", [
    ["mon 08:00-18:00", "daily 00:00-24:00"],
    ["mon 08:00-18:00 2026-03-02..", "daily 00:00-24:00 2026-03-01.."],
    ["holiday 2026-03-02", "holiday 2026-03-02 08:00-18:00"],
])
def test_of_equals_that_overlap_all_the_same_the_first_holds(written: list[str]) -> None:
    first, second = map(rule, written)
    assert schedule.winner(timetable(first, second), at("2026-03-02 12:00")).rule is first
    assert schedule.winner(timetable(second, first), at("2026-03-02 12:00")).rule is second


def test_without_a_default_there_is_no_sequence() -> None:
    won = schedule.winner(Timetable(PRAGUE), at("2026-03-02 12:00"))
    assert (won.rank, won.text, won.sequence, won.rule) == ("default", "default", None, None)


@pytest.mark.parametrize(("rules", "time", "lost"), [
    ([], "2026-03-02 20:00", []),
    (["mon-fri 08:00-18:00"], "2026-03-02 20:00", [
        "window mon-fri 08:00-18:00: mon 20:00 is outside"]),
    (["mon-fri 08:00-18:00", "sat 08:00-12:00"], "2026-03-02 12:00", [
        "window sat 08:00-12:00: mon 12:00 is outside", "default: a window holds"]),
    (["mon-fri 08:00-18:00", "daily 10:00-14:00 2026-03-01..2026-03-02"], "2026-03-02 12:00", [
        "window mon-fri 08:00-18:00: a dated window holds", "default: a dated window holds"]),
    (["daily 10:00-14:00 2026-12-20..", "daily 10:00-14:00 ..2026-03-01"], "2026-03-02 12:00", [
        "dated window daily 10:00-14:00 2026-12-20..: its dates begin 2026-12-20",
        "dated window daily 10:00-14:00 ..2026-03-01: its dates are over"]),
    (["sat 08:00-12:00 2026-03-01..2026-03-09"], "2026-03-02 09:05", [
        "dated window sat 08:00-12:00 2026-03-01..2026-03-09: mon 09:05 is outside"]),
    (["mon 08:00-18:00", "daily 08:00-18:00 2026-03-02..", "holiday 2026-03-02"],
     "2026-03-02 12:00", [  # in the order of the ranks
        "dated window daily 08:00-18:00 2026-03-02..: a holiday holds",
        "window mon 08:00-18:00: a holiday holds", "default: a holiday holds"]),
    (["holiday 2026-03-02 12:00-24:00 half"], "2026-03-02 11:59", [
        "holiday half 2026-03-02 12:00-24:00: mon 11:59 is outside"]),
    (["holiday 2026-03-02", "holiday 2026-03-02 12:00-24:00"], "2026-03-02 13:00", [
        "holiday 2026-03-02 12:00-24:00: a holiday holds", "default: a holiday holds"]),
    (["holiday 2026-12-25", "holiday 2026-12-24 12:00-24:00 Eve", "holiday 2026-01-01"],
     "2026-03-02 13:00", [
        "3 other holidays: the next is Eve 2026-12-24 12:00-24:00"]),
    (["holiday 2026-01-01"], "2026-03-02 13:00", ["1 other holiday: the last was 2026-01-01"]),
])
def test_those_that_lost_say_why(rules: list[str], time: str, lost: list[str]) -> None:
    one, now = timetable(*map(rule, rules)), at(time)
    found = schedule.losers(one, now, schedule.winner(one, now))
    assert [f"{what}: {why}" for what, why in found] == lost


@pytest.mark.parametrize(("above", "second", "others"), [
    pytest.param("", "an override set later holds", "an override holds", id="an override wins"),
    pytest.param("own mailbox", *["own mailbox comes first"] * 2, id="a rule above wins"),
])
def test_every_override_that_lost_says_when_it_ends(
        above: str, second: str, others: str) -> None:
    one = timetable(
        rule("daily 00:00-24:00"), rule("holiday 2026-03-02"), override("night", 3),
        override("away", 2, until="2026-03-03 00:00"),
        override("past", 4, until="2026-03-02 12:00"),
        override("to come", 5, "2026-12-20 00:00", "2027-01-04 00:00"))
    now = at("2026-03-02 12:00")
    assert schedule.losers(one, now, schedule.winner(one, now), above) == (
        ("override away until 2026-03-03 00:00", second),
        ("override past until 2026-03-02 12:00", "ended 2026-03-02 12:00"),
        ("override to come until 2027-01-04 00:00", "begins 2026-12-20 00:00"),
        ("holiday 2026-03-02", others),
        ("window daily 00:00-24:00", others),
        ("default", others))


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
    "", "moonday", "mon-", "-fri", "mon,,tue", "mon-fri-sun", "mon\u2013fri", "1-5", "mon tue",
    "daily,mon",
])
def test_refused_days_come_with_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match="write mon-fri, or sat,sun, or daily"):
        schedule.parse_days(text)


@pytest.mark.parametrize(("text", "meant"), [
    ("monday", "mon"), ("Monday - Friday", "mon-fri"), ("Sat, sunday", "sat,sun")])
def test_days_that_stand_in_full_are_told_in_short(text: str, meant: str) -> None:
    with pytest.raises(InvalidValue, match=f"write {meant}$"):
        schedule.parse_days(text)


@pytest.mark.parametrize(("text", "meant"), [
    ("9", "09:00"), ("17.30", "17:30"), ("1730", "17:30"), ("17h30", "17:30"), ("17h", "17:00")])
def test_a_time_that_is_written_otherwise_is_told_as_it_should_be(text: str, meant: str) -> None:
    with pytest.raises(InvalidValue, match=f"hours and minutes: {meant}$"):
        schedule.parse_clock(text)


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


@pytest.mark.parametrize("text", [
    "mon-fri 08:00-18:00", "daily 22:30-06:00", "sat 00:00-24:00",
    "daily 10:00-14:00 2026-12-20..2027-01-03", "daily 10:00-14:00 2026-12-20..",
    "daily 10:00-14:00 ..2027-01-03",
])
def test_a_window_is_shown_to_people(text: str) -> None:
    assert str(rule(text)) == text


@given(timetables(), st.lists(st.integers(-7200, 7200), min_size=1, max_size=50))
def test_any_rules_at_any_time_as_the_oracle_says(
        drawn: tuple[Timetable, datetime], offsets: list[int]) -> None:
    one, now = drawn
    for time in (now + offset * MINUTE for offset in offsets):
        assert schedule.winner(one, time).rule == rule_at(one, time)


def assert_winners_around_transitions(zone: ZoneInfo, first_year: int, last_year: int) -> None:
    for transition in transitions(zone, first_year, last_year):
        one = around(transition, zone)
        for time in minutes(transition - 2 * HOUR, transition + 2 * HOUR):
            assert schedule.winner(one, time).rule == rule_at(one, time), (zone, time)


@pytest.mark.parametrize("zone", ODD_ZONES, ids=str)
def test_each_minute_around_a_dst_change_as_the_oracle_says(zone: ZoneInfo) -> None:
    assert_winners_around_transitions(zone, 2011, 2012)


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
def test_each_minute_around_each_dst_change_of_every_zone_in_ten_years(part: int) -> None:
    for name in sorted(available_timezones())[part::20]:
        assert_winners_around_transitions(ZoneInfo(name), 2020, 2029)
