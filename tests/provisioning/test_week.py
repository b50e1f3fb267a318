# SPDX-License-Identifier: GPL-2.0-or-later
"""The week of a number as a model and as text."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from kemi_routing import schedule
from kemi_routing.model import Mode
from kemi_routing.schedule import Override, Window
from kemi_routing.screening import Action, CallerRule, Pattern, Screen
from provisioning.pictures import week, week_text
from provisioning.problems import Refused
from tests.provisioning.drawn import rows, week_of
from tests.support.builders import at, holiday, number, sequence, step, window
from tests.support.timetables import ODD_ZONES

MONDAY_TEN = at("2026-11-23 10:00")
OFFICE_HOURS = number(
    mode=Mode.FORWARD_THEN_VOICEMAIL, windows=(window("mon-fri", "08:00-18:00"),),
    sequences=(sequence("office", step("line jana-desk"), step("49115234567", ring_s=30)),
               sequence("night", step("42073723101")), sequence("closed", step("voicemail"))))


def test_windows_and_gaps_from_monday_to_sunday() -> None:
    seen = week_of(replace(OFFICE_HOURS, windows=(
        window("mon", "08:00-18:00"), window("sun", "22:00-02:00", "night"))), MONDAY_TEN)
    assert rows(seen) == [
        "mon 00:00-02:00 night: window sun 22:00-02:00", "mon 02:00-08:00 gap, no sequence",
        "mon 08:00-18:00 office: window mon 08:00-18:00", "mon 18:00-24:00 gap, no sequence",
        "tue 00:00-24:00 gap, no sequence", "wed 00:00-24:00 gap, no sequence",
        "thu 00:00-24:00 gap, no sequence", "fri 00:00-24:00 gap, no sequence",
        "sat 00:00-24:00 gap, no sequence", "sun 00:00-22:00 gap, no sequence",
        "sun 22:00-24:00 night: window sun 22:00-02:00"]
    assert seen.gaps == timedelta(hours=7 * 24 - 14)


def test_overrides_beat_holidays_beat_dated_beat_weekly_windows_beat_the_default() -> None:
    tuesday = int(at("2026-11-24 11:00").timestamp())
    seen = week_of(replace(
        OFFICE_HOURS, default="night",
        windows=(window("mon-fri", "08:00-18:00"),
                 window("daily", "09:00-17:00", "closed", "2026-11-24", "2026-11-24")),
        holidays=(holiday("2026-11-24", "closed", "Half day", "10:00-15:00"),),
        overrides=(Override("night", 1, tuesday, tuesday + 3630, "by hand"),)), MONDAY_TEN)
    assert [row for row in rows(seen) if row.startswith("tue")] == [
        "tue 00:00-08:00 gap, to night",
        "tue 08:00-09:00 office: window mon-fri 08:00-18:00",
        "tue 09:00-10:00 closed: dated window daily 09:00-17:00 2026-11-24..2026-11-24",
        "tue 10:00-11:00 closed: holiday Half day 2026-11-24 10:00-15:00",
        "tue 11:00-12:00:30 night: override by hand until 2026-11-24 12:00",
        "tue 12:00:30-15:00 closed: holiday Half day 2026-11-24 10:00-15:00",
        "tue 15:00-17:00 closed: dated window daily 09:00-17:00 2026-11-24..2026-11-24",
        "tue 17:00-18:00 office: window mon-fri 08:00-18:00",
        "tue 18:00-24:00 gap, to night"]


@pytest.mark.parametrize(("zone", "day", "windows", "minutes", "turn", "spans"), [
    pytest.param("Europe/Prague", "2025-03-30", "01:30-02:30", 1380, "02:00-03:00 left out",
                 ["00:00-01:30", "01:30-02:00", "03:00-24:00"], id="an hour forward"),
    pytest.param("Europe/Prague", "2025-10-26", "02:15-02:45", 1500, "02:00-03:00 twice",
                 ["00:00-02:15", "02:15-02:45", "02:45-02:15 again", "02:15 again-02:45 again",
                  "02:45 again-24:00"], id="an hour back"),
    pytest.param("Australia/Lord_Howe", "2025-10-05", "01:00-03:00", 1410, "02:00-02:30 left out",
                 ["00:00-01:00", "01:00-03:00", "03:00-24:00"], id="half an hour forward"),
    pytest.param("Australia/Lord_Howe", "2025-04-06", "01:45-02:00", 1470, "01:30-02:00 twice",
                 ["00:00-01:45", "01:45-02:00", "01:30 again-01:45 again",
                  "01:45 again-02:00 again", "02:00-24:00"], id="half an hour back"),
    pytest.param("Pacific/Chatham", "2025-09-28", "02:00-04:00", 1380, "02:45-03:45 left out",
                 ["00:00-02:00", "02:00-04:00", "04:00-24:00"], id="quarters of an hour"),
    pytest.param("Asia/Beirut", "2025-03-30", "00:30-02:00", 1380, "00:00-01:00 left out",
                 ["01:00-02:00", "02:00-24:00"], id="midnight left out"),
    pytest.param("America/Havana", "2025-11-02", "00:30-02:00", 1500, "00:00-01:00 twice",
                 ["00:00-00:30", "00:30-01:00", "00:00 again-00:30 again", "00:30 again-02:00",
                  "02:00-24:00"], id="midnight twice"),
    pytest.param("Africa/Cairo", "2025-10-30", "23:30-24:00", 1500, "23:00-24:00 twice",
                 ["00:00-23:30", "23:30-24:00", "23:00 again-23:30 again",
                  "23:30 again-24:00 again"], id="the last hour twice"),
    pytest.param("America/Nuuk", "2025-03-29", "22:30-24:00", 1380, "23:00-24:00 left out",
                 ["00:00-22:30", "22:30-23:00"], id="the last hour left out"),
    pytest.param("Asia/Kathmandu", "2025-11-24", "08:00-18:00", 1440, "",
                 ["00:00-08:00", "08:00-18:00", "18:00-24:00"], id="no change"),
])
def test_the_days_on_which_clocks_are_changed(
        zone: str, day: str, windows: str, minutes: int, turn: str, *, spans: list[str]) -> None:
    when = at(f"{day} 12:00", ZoneInfo(zone))
    seen = week_of(replace(OFFICE_HOURS, zone=ZoneInfo(zone), windows=(window("daily", windows),)),
                   when)
    found = seen.days[when.weekday()]
    assert str(found.day) == day
    assert (found.end - found.start) == timedelta(minutes=minutes)
    assert [str(one) for one in found.turns] == [turn] * bool(turn)
    assert [span.hours for span in found.spans] == spans


def test_a_day_that_a_zone_left_out_across_the_date_line() -> None:
    apia = ZoneInfo("Pacific/Apia")
    seen = week_of(number(zone=apia), at("2012-01-01 12:00", apia))
    assert [(str(day.day), len(day.spans), *map(str, day.turns)) for day in seen.days[3:6]] == [
        ("2011-12-29", 1), ("2011-12-30", 0, "00:00-24:00 left out"), ("2011-12-31", 1)]
    assert "Fri 2011-12-30  00:00-24:00 left out: the clocks are put forward" in (
        week_text.words(seen))


@pytest.mark.parametrize("zone", ODD_ZONES, ids=str)
def test_each_instant_has_the_winner_of_then_and_no_span_is_lost(zone: ZoneInfo) -> None:
    one = replace(OFFICE_HOURS, zone=zone, default="night", windows=(
        window("daily", "23:15-02:20"), window("sat,sun", "02:20-03:40", "closed")))
    start = datetime(2026, 1, 5, 12, tzinfo=zone)
    for weeks in range(52):
        seen = week_of(one, start + timedelta(weeks=weeks))
        found = [span for day in seen.days for span in day.spans]
        assert (found[0].start, found[-1].end) == (seen.days[0].start, seen.days[-1].end)
        assert all(first.end == second.start for first, second in pairwise(found))
        for day in seen.days:
            hour_s = [(turn.last_s - turn.first_s) * (1 if turn.twice else -1)
                      for turn in day.turns]
            assert day.end - day.start == timedelta(days=1, seconds=sum(hour_s))
            assert all(0 <= turn.first_s < turn.last_s <= week.DAY_S for turn in day.turns)
        for span in found:
            for instant in (span.start, span.end - timedelta(seconds=1)):
                assert schedule.winner(one.timetable, instant) == span.applied
            assert span.end - span.start == sum(
                (timedelta(seconds=piece.last_s - piece.first_s) for piece in span.pieces),
                timedelta())


def test_a_number_without_any_schedule_has_seven_gaps() -> None:
    seen = week_of(number(), MONDAY_TEN)
    assert len(rows(seen)) == 7
    assert {row[4:] for row in rows(seen)} == {"00:00-24:00 gap, no sequence"}
    assert seen.gaps == timedelta(days=7)
    assert seen.leads == ((None, "line jana-desk 20 s, then voicemail"),)


MANY = replace(OFFICE_HOURS, sequences=(*OFFICE_HOURS.sequences, *(
    sequence(f"s{index}", step("42073723101")) for index in range(500))),
    windows=tuple(Window(frozenset([index % 7 + 1]), index // 7 * 20, index // 7 * 20 + 17,
                         f"s{index}") for index in range(500)))


def test_five_hundred_windows() -> None:
    seen = week_of(MANY, MONDAY_TEN)
    assert sum(not span.gap for day in seen.days for span in day.spans) == 500
    assert dict(seen.leads)["s499"] == "pstn 42073723101 20 s, then voicemail"
    assert len(week_text.as_text(seen).splitlines()) > 1000


@pytest.mark.parametrize("year", [2011, 9999])
def test_where_the_calendar_ends_there_is_no_week(year: int) -> None:
    with pytest.raises(Refused, match=f"no week is known of the year {year}; write a time from"):
        week_of(number(), datetime(year, 12, 31, 12, tzinfo=ZoneInfo("UTC")))


def test_what_decides_by_the_caller_is_not_asked() -> None:
    listed = replace(OFFICE_HOURS, callers=(CallerRule(Pattern("*"), "night"),),
                     screens=(Screen(Pattern("anonymous"), Action.REJECT),))
    assert week_of(listed, MONDAY_TEN).leads == week_of(OFFICE_HOURS, MONDAY_TEN).leads


@pytest.mark.parametrize(("fields", "rings"), [
    pytest.param({"mode": Mode.REJECT}, "the answer 603", id="reject"),
    pytest.param({"mode": Mode.RING_ONLY}, "line jana-desk 20 s, then the answer 480, or 486 "
                 "where all were busy", id="no voicemail"),
    pytest.param({"mode": Mode.RING_THEN_VOICEMAIL, "voicemail": False},
                 "line jana-desk 20 s, then the answer 480, or 486 where all were busy",
                 id="no right to it"),
    pytest.param({"mode": Mode.VOICEMAIL_ONLY}, "voicemail", id="voicemail"),
])
def test_what_a_gap_leads_to(fields: dict[str, object], rings: str) -> None:
    assert week_of(number(**fields), MONDAY_TEN).leads == ((None, rings),)


def test_the_text_fits_into_80_columns_and_each_line_of_a_day_names_it() -> None:
    text = week_text.as_text(week_of(OFFICE_HOURS, at("2026-10-25 02:30")))
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[:7] == [
        "42027777100 of acme/jana, revision 1",
        "week     Mon 2026-10-19 to Sun 2026-10-25 (Europe/Prague)",
        "now      Sun 2026-10-25 02:30 +02:00, gap, no sequence",
        "gaps     119 h outside every window",
        "",
        "Mon 2026-10-19  00:00-08:00  gap, no sequence",
        "Mon 2026-10-19  08:00-18:00  office: window mon-fri 08:00-18:00"]
    assert text.splitlines()[-16:] == [
        "Sun 2026-10-25  02:00-03:00 twice: the clocks are put back",
        "Sun 2026-10-25  00:00-24:00  gap, no sequence, now",
        "",
        "no sequence: voicemail",
        "office: line jana-desk 20 s, then pstn 49115234567 30 s, then voicemail",
        "",
        "half hours: # weekly window, . gap",
        "                00    03    06    09    12    15    18    21    24",
        "Mon 2026-10-19  ................####################............",
        "Tue 2026-10-20  ................####################............",
        "Wed 2026-10-21  ................####################............",
        "Thu 2026-10-22  ................####################............",
        "Fri 2026-10-23  ................####################............",
        "Sat 2026-10-24  ................................................",
        "Sun 2026-10-25  ................................................",
        "                     ^ now"]


def test_letters_show_what_holds_for_most_of_a_half_hour_and_leave_out_what_does_not_exist(
        ) -> None:
    seen = week_of(replace(OFFICE_HOURS, windows=(
        window("sun", "00:14-00:46"), window("sun", "03:00-04:00", "closed", "2026-03-29"))),
        at("2026-03-29 23:59"))
    assert week_text.as_text(seen).splitlines()[-2:] == [
        "Sun 2026-03-29  ##..  ==........................................",
        "                                                               ^ now"]


def test_for_programs() -> None:
    found = week.as_dict(week_of(OFFICE_HOURS, at("2026-03-29 12:00")))
    gap = {"rank": "default", "rule": "default", "sequence": None, "gap": True}
    assert {key: value for key, value in found.items() if key != "days"} == {
        "number": "42027777100", "owner": "acme/jana", "revision": 1, "zone": "Europe/Prague",
        "at": "2026-03-29T12:00:00+02:00", "now": gap, "gap_minutes": (7 * 24 - 50 - 1) * 60,
        "leads_to": [
            {"sequence": None, "rings": "voicemail"},
            {"sequence": "office", "rings": "line jana-desk 20 s, then pstn 49115234567 30 s, "
                                            "then voicemail"}]}
    assert found["days"][0]["spans"][1] == {
        "start": "2026-03-23T08:00:00+01:00", "end": "2026-03-23T18:00:00+01:00",
        "rank": "weekly window", "rule": "window mon-fri 08:00-18:00", "sequence": "office",
        "gap": False}
    assert found["days"][6] == {
        "date": "2026-03-29", "day": "sun", "minutes": 1380,
        "clock_changes": [{"from": "02:00", "to": "03:00", "twice": False}],
        "spans": [{"start": "2026-03-29T00:00:00+01:00", "end": "2026-03-30T00:00:00+02:00",
                   **gap}]}


def test_before_and_after_as_text_is_what_is_drawn() -> None:
    each = [week_of(one, MONDAY_TEN) for one in (number(), OFFICE_HOURS)]
    drawn = [week_text.as_text(one).partition("\nhalf hours")[2] for one in each]
    heads = ["\n".join(week_text.headlines(one)) for one in each]
    assert week_text.before_and_after(*each) == (
        f"before\n{heads[0]}\n\nhalf hours{drawn[0]}\n\n"
        f"after\n{heads[1]}\n\nhalf hours{drawn[1]}")
