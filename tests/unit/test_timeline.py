# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kemi_routing import schedule, timeline
from kemi_routing.schedule import Holiday, Override, Timetable, Window
from kemi_routing.timeline import Segment
from tests.support.builders import PRAGUE, at, holiday, window
from tests.support.timetables import (
    DAY,
    HOUR,
    MINUTE,
    ODD_ZONES,
    around,
    minutes,
    rule_at,
    timetables,
    transitions,
)

OFFICE = window("mon-fri", "08:00-18:00")
NIGHT = window("daily", "22:00-06:00", "night")
ALWAYS = window("daily", "00:00-24:00", "always")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
HAVANA = ZoneInfo("America/Havana")


def timetable(*rules: Window | Holiday | Override, zone: ZoneInfo = PRAGUE,
              default: str | None = "evening") -> Timetable:
    return Timetable(zone, tuple(one for one in rules if isinstance(one, Window)),
                     tuple(one for one in rules if isinstance(one, Holiday)),
                     tuple(one for one in rules if isinstance(one, Override)), default)


def override(start: str, until: str = "") -> Override:
    return Override("away", 1, int(at(start).timestamp()),
                    int(at(until).timestamp()) if until else None)


def shown(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %d %H:%M%z}".lower()


@pytest.mark.parametrize(("one", "start", "end", "expected"), [
    (timetable(), "2026-03-02 12:00", "2026-03-04 12:00", ["mon 02 12:00+0100 default"]),
    (timetable(OFFICE), "2026-03-06 07:00", "2026-03-09 08:01", [
        "fri 06 07:00+0100 default", "fri 06 08:00+0100 window mon-fri 08:00-18:00",
        "fri 06 18:00+0100 default", "mon 09 08:00+0100 window mon-fri 08:00-18:00"]),
    (timetable(OFFICE), "2026-03-06 08:00", "2026-03-06 18:00", [
        "fri 06 08:00+0100 window mon-fri 08:00-18:00"]),
    (timetable(ALWAYS), "2026-03-06 07:00", "2026-04-09 08:01", [  # one rule, one segment
        "fri 06 07:00+0100 window daily 00:00-24:00"]),
    (timetable(NIGHT), "2026-03-28 12:00", "2026-03-30 05:00", [
        "sat 28 12:00+0100 default", "sat 28 22:00+0100 window daily 22:00-06:00",
        "sun 29 06:00+0200 default", "sun 29 22:00+0200 window daily 22:00-06:00"]),
    (timetable(window("daily", "02:00-03:00")), "2026-03-28 12:00", "2026-03-30 12:00", [
        "sat 28 12:00+0100 default",  # left out on Sunday
        "mon 30 02:00+0200 window daily 02:00-03:00", "mon 30 03:00+0200 default"]),
    (timetable(window("daily", "02:30-02:45")), "2026-10-25 00:00", "2026-10-25 12:00", [
        "sun 25 00:00+0200 default", "sun 25 02:30+0200 window daily 02:30-02:45",  # twice
        "sun 25 02:45+0200 default", "sun 25 02:30+0100 window daily 02:30-02:45",
        "sun 25 02:45+0100 default"]),
    (timetable(window("daily", "01:15-01:45"), zone=LORD_HOWE),  # 02:00 is 01:30 again
     "2026-04-05 00:00", "2026-04-05 12:00", [
        "sun 05 00:00+1100 default", "sun 05 01:15+1100 window daily 01:15-01:45",
        "sun 05 01:45+1100 default", "sun 05 01:30+1030 window daily 01:15-01:45",
        "sun 05 01:45+1030 default"]),
    (timetable(holiday("2026-03-08", "closed"), zone=HAVANA),  # its midnight is left out
     "2026-03-07 12:00", "2026-03-09 12:00", [
        "sat 07 12:00-0500 default", "sun 08 01:00-0400 holiday 2026-03-08",
        "mon 09 00:00-0400 default"]),
    (timetable(OFFICE, holiday("2026-03-03", "closed", hours="12:00-24:00")),
     "2026-03-03 00:00", "2026-03-04 12:00", [
        "tue 03 00:00+0100 default", "tue 03 08:00+0100 window mon-fri 08:00-18:00",
        "tue 03 12:00+0100 holiday 2026-03-03 12:00-24:00", "wed 04 00:00+0100 default",
        "wed 04 08:00+0100 window mon-fri 08:00-18:00"]),
    (timetable(OFFICE, override("2026-03-01 00:00", "2026-03-02 09:00"),
               override("2026-03-02 17:30")), "2026-03-02 08:00", "2026-03-03 12:00", [
        "mon 02 08:00+0100 override away until 2026-03-02 09:00",
        "mon 02 09:00+0100 window mon-fri 08:00-18:00",
        "mon 02 17:30+0100 override away for ever"]),
])
def test_the_rules_follow_one_another(
        one: Timetable, start: str, end: str, expected: list[str]) -> None:
    found = list(timeline.segments(one, at(start, one.zone), at(end, one.zone)))
    assert [f"{shown(segment.start, one.zone)} {segment.applied.text}"
            for segment in found] == expected
    assert_whole(found, at(start, one.zone), at(end, one.zone))


def assert_whole(found: list[Segment], start: datetime, end: datetime) -> None:
    """Gapless, from start to end, in UTC, each as long as possible."""
    assert [one.start for one in found] == [start, *(one.end for one in found[:-1])]
    assert found[-1].end == end
    assert all(one.start < one.end for one in found)
    assert all(instant.tzinfo is UTC for one in found for instant in (one.start, one.end))
    rules = [one.applied.rule for one in found]
    assert all(one != other for one, other in pairwise(rules))


@pytest.mark.parametrize("length", [timedelta(), -MINUTE, -DAY])
def test_no_time_has_no_rules(length: timedelta) -> None:
    start = datetime(2026, 3, 2, 12, 0, 0, 5, UTC)
    assert list(timeline.segments(timetable(OFFICE), start, start + length)) == []


def test_fractions_of_a_second_are_kept() -> None:
    start = datetime(2026, 3, 2, 6, 59, 59, 999_999, UTC)
    end = start + 2 * timedelta(microseconds=1)
    found = list(timeline.segments(timetable(OFFICE), start, end))
    assert [one.applied.rank for one in found] == ["default", "weekly window"]
    assert_whole(found, start, end)


@settings(max_examples=40)
@given(timetables())
def test_each_minute_lies_in_the_segment_of_its_winner(drawn: tuple[Timetable, datetime]) -> None:
    one, now = drawn
    assert_as_the_oracle(one, now - 20 * HOUR, now + 20 * HOUR)


@settings(max_examples=40)
@given(timetables(15))
def test_each_quarter_of_three_weeks_lies_in_the_segment_of_its_winner(
        drawn: tuple[Timetable, datetime]) -> None:
    one, now = drawn
    assert_as_the_oracle(one, now - 6 * DAY, now + 15 * DAY, 15)


def assert_as_the_oracle(one: Timetable, start: datetime, end: datetime, step: int = 1) -> None:
    found = list(timeline.segments(one, start, end))
    assert_whole(found, start, end)
    for segment in found:
        for time in minutes(segment.start, segment.end, step):
            assert segment.applied.rule == rule_at(one, time), (one.zone, time)
        assert segment.applied == schedule.winner(one, segment.start)
        assert segment.applied == schedule.winner(one, segment.end - MINUTE)


def assert_segments_around_transitions(zone: ZoneInfo, first_year: int, last_year: int) -> None:
    for transition in transitions(zone, first_year, last_year):
        assert_as_the_oracle(around(transition, zone), transition - 2 * HOUR,
                             transition + 2 * HOUR)


@pytest.mark.parametrize("zone", ODD_ZONES, ids=str)
def test_segments_around_a_dst_change_as_the_oracle_says(zone: ZoneInfo) -> None:
    assert_segments_around_transitions(zone, 2011, 2012)


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
def test_segments_around_each_dst_change_of_every_zone_in_ten_years(part: int) -> None:
    for name in sorted(available_timezones())[part::20]:
        assert_segments_around_transitions(ZoneInfo(name), 2020, 2029)


@pytest.mark.parametrize(("one", "now", "change"), [
    (timetable(), "2026-03-02 12:00", None),
    (timetable(ALWAYS), "2026-03-02 12:00", None),
    (timetable(window("mon-fri", "00:00-24:00"), window("sat,sun", "00:00-24:00", "weekend")),
     "2026-03-02 12:00", "2026-03-07 00:00"),
    (timetable(OFFICE), "2026-03-02 07:59:59.5", "2026-03-02 08:00"),
    (timetable(OFFICE), "2026-03-02 08:00", "2026-03-02 18:00"),
    (timetable(OFFICE), "2026-03-06 18:00", "2026-03-09 08:00"),
    (timetable(OFFICE, override("2026-03-01 00:00")), "2026-03-02 12:00", "2026-03-02 18:00"),
    (timetable(OFFICE, window("mon", "18:00-20:00")), "2026-03-02 12:00", "2026-03-02 18:00"),
    (timetable(ALWAYS, holiday("2027-12-24", "closed")), "2026-03-02 12:00", "2027-12-24 00:00"),
    (timetable(ALWAYS, holiday("2026-03-02", "closed")), "2026-03-02 12:00", "2026-03-03 00:00"),
    (timetable(ALWAYS, holiday("2026-03-01", "closed")), "2026-03-02 12:00", None),
    (timetable(window("daily", "22:00-06:00", first="2031-05-01")), "2026-03-02 12:00",
     "2031-05-01 22:00"),
    (timetable(window("daily", "00:00-24:00", last="2031-05-01")), "2026-03-02 12:00",
     "2031-05-02 00:00"),
    (timetable(window("daily", "00:00-24:00", last="9999-12-31")), "2026-03-02 12:00", None),
    (timetable(window("sun", "02:00-03:00")), "2026-03-22 03:00", "2026-04-05 02:00"),  # left out
    (timetable(window("mon-sun", "03:00-02:00"), zone=PRAGUE), "2026-03-28 03:00",
     "2026-03-30 02:00"),
    (timetable(window("fri", "00:00-24:00"), zone=ZoneInfo("Pacific/Apia")), "2011-12-24 00:00",
     "2012-01-06 00:00"),  # there was no Friday
])
def test_the_next_change_of_the_schedule(one: Timetable, now: str, change: str | None) -> None:
    found = timeline.next_change(one, at(now, one.zone))
    assert found == (at(change, one.zone) if change else None)
    assert found is None or found.tzinfo is UTC


@settings(max_examples=40)
@given(timetables(15), st.integers(-5000, 5000))
def test_the_next_change_as_the_oracle_says(
        drawn: tuple[Timetable, datetime], offset: int) -> None:
    one, now = Timetable(drawn[0].zone, drawn[0].windows, drawn[0].holidays), drawn[1]
    now += offset * MINUTE
    quarter = now - now.minute % 15 * MINUTE
    later = minutes(quarter + 15 * MINUTE, quarter + 32 * DAY, 15)
    rule = rule_at(one, now)
    assert timeline.next_change(drawn[0], now) == next(
        (time for time in later if rule_at(one, time) != rule), None)


SUMMER = window("daily", "00:00-24:00", "summer", "2026-07-01", "2026-08-31")


@pytest.mark.parametrize(("one", "expected"), [
    (timetable(), []),
    (timetable(OFFICE, NIGHT, SUMMER, holiday("2026-12-24", "closed")), []),
    (timetable(OFFICE, override("2026-01-01 00:00")), []),  # an override is not for good
    (timetable(window("daily", "08:00-09:00", last="2026-03-01")), ["its dates are over"]),
    (timetable(window("sat", "08:00-09:00", last="2026-03-05")), ["its dates are over"]),
    (timetable(window("daily", "08:00-09:00", last="2026-03-02")), ["its dates are over"]),
    (timetable(window("daily", "22:00-12:01", last="2026-03-01")), []),  # on for a minute
    (timetable(window("daily", "08:00-09:00", first="2029-05-01")),
     ["its dates begin 2029-05-01"]),
    (timetable(window("daily", "08:00-09:00", first="2029-05-01", last="2029-05-02")),
     ["its dates begin 2029-05-01"]),
    (timetable(window("tue", "08:00-09:00", first="2028-03-10", last="2028-03-31")),
     ["its dates begin 2028-03-10"]),  # a Friday; on Monday the proof ends
    (timetable(window("sat", "08:00-09:00", first="2026-05-04", last="2026-05-08")),
     ["none of its days lies within its dates"]),
    (timetable(window("sun", "02:15-02:45", first="2026-03-28", last="2026-03-30")),
     ["a DST change leaves its minutes out"]),
    (timetable(holiday("2026-03-29", "closed", hours="02:00-03:00")),
     ["a DST change leaves its minutes out"]),
    (timetable(holiday("2026-03-01", "closed"), holiday("2029-01-01", "closed")), []),
    (timetable(holiday("2026-12-24", "closed"), holiday("2026-12-24", "closed", "Eve"),
               holiday("2026-12-24", "closed", hours="12:00-24:00")), []),  # the same twice
    (timetable(OFFICE, window("daily", "00:00-24:00", first="2026-01-01")),
     ["hidden by dated window daily 00:00-24:00 2026-01-01.., first on 2026-03-02 12:00"]),
    (timetable(window("thu", "10:00-11:00", "a", "2026-12-20", "2026-12-31"),
               holiday("2026-12-24", "closed", "Eve"), holiday("2026-12-31", "closed")),
     ["hidden by holiday Eve 2026-12-24, holiday 2026-12-31, first on 2026-12-24 10:00"]),
    (timetable(window("thu", "10:00-24:00", "a", "2026-12-24", "2026-12-24"),
               holiday("2026-12-24", "closed"), holiday("2026-12-25", "closed")),
     ["hidden by holiday 2026-12-24, first on 2026-12-24 10:00"]),
    (timetable(window("daily", "10:00-11:00", "a", "2026-12-20", "2026-12-24"),
               *(holiday(f"2026-12-{day}", "closed") for day in range(20, 25))),
     ["hidden by holiday 2026-12-20, holiday 2026-12-21, holiday 2026-12-22 and 2 more, "
      "first on 2026-12-20 10:00"]),
])
def test_rules_that_never_apply_are_found_and_why(one: Timetable, expected: list[str]) -> None:
    proof = timeline.proof(one, at("2026-03-02 12:00"))
    assert [found.why for found in proof.unreachable] == expected
    rules = (*one.windows, *one.holidays)
    assert all(found.rule in rules for found in proof.unreachable)


@pytest.mark.parametrize(("one", "first", "minutes_a_week"), [
    (timetable(), None, 0),
    (timetable(OFFICE), None, 0),
    (timetable(default=None), "2026-03-02 12:00", 7 * 1440),
    (timetable(OFFICE, default=None), "2026-03-02 18:00", 7 * 1440 - 5 * 600),
    (timetable(ALWAYS, default=None), None, 0),
    (timetable(window("daily", "02:00-01:59"), default=None), "2026-03-03 01:59", 7),
])
def test_gaps_are_found(one: Timetable, first: str | None, minutes_a_week: int) -> None:
    gap = timeline.proof(one, at("2026-03-02 12:00")).gap
    if first is None:
        assert gap is None
    else:
        assert gap is not None
        assert (gap.first, gap.first.tzinfo) == (at(first), PRAGUE)
        assert gap.minutes_a_week == minutes_a_week


def test_the_proof_says_what_it_looked_at_and_when_the_holidays_run_out() -> None:
    start = at("2026-03-02 12:00")
    proof = timeline.proof(timetable(holiday("2027-12-26", "closed"),
                                     holiday("2026-01-01", "closed")), start)
    assert (proof.start, proof.last_holiday) == (start, date(2027, 12, 26))
    assert proof.end >= at("2028-03-02 12:00")
    assert timeline.proof(timetable(OFFICE), start).last_holiday is None


@settings(max_examples=25)
@given(timetables())
def test_a_rule_is_unreachable_or_wins_some_time(drawn: tuple[Timetable, datetime]) -> None:
    one, now = Timetable(drawn[0].zone, drawn[0].windows), drawn[1]
    proof = timeline.proof(one, now, years=1)
    won = {segment.applied.rule for segment in timeline.segments(one, now, proof.end)}
    never = [found.rule for found in proof.unreachable]
    assert sorted(map(str, never)) == sorted(
        str(rule) for rule in one.windows if rule not in won)
    assert all(found.why for found in proof.unreachable)


@pytest.mark.parametrize(("zone", "day", "expected"), [
    (PRAGUE, "2026-03-28", [(24 * 3600, 3600)]),
    (PRAGUE, "2026-03-29", [(2 * 3600, 3600), (21 * 3600, 7200)]),
    (LORD_HOWE, "2026-04-05", [(2 * 3600, 39_600), (22 * 3600 + 1800, 37_800)]),
])
def test_stretches_have_one_offset_each(zone: ZoneInfo, day: str, expected: list[tuple[int, int]],
                                        ) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = datetime.combine(start + timedelta(days=1), start.time(), zone)
    found = list(timeline.stretches(zone, int(start.timestamp()), int(end.timestamp())))
    assert [(last - first, offset) for first, last, offset in found] == expected
