# SPDX-License-Identifier: GPL-2.0-or-later
"""Schedules, holidays and vacations of a file: what becomes of them, and what is warned of."""

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kemi_routing.model import Number, Platform
from kemi_routing.schedule import Holiday, Override, Window
from provisioning.check import check, check_text
from provisioning.checked import Checked
from tests.provisioning.conftest import ROOT
from tests.support.builders import NOW

DAILY = frozenset(range(1, 8))
FRAME = """\
organisation: acme
time_zone: {zone}
{shared}
subscribers:
  jana:
    lines: {{desk: {{password: "blue-kettle"}}}}
    numbers:
      420277771000:
        mode: {mode}
        {times}
        sequences:
          day: [{{to: line desk}}]
          night: [{{to: line desk, ring: 60}}]
"""


def framed(times: str, shared: str = "", *, zone: str = "Europe/Prague", mode: str = "forward_only",
           now: datetime = NOW) -> Checked:
    text = FRAME.format(times=times, shared=shared, zone=zone, mode=mode)
    return check_text(text, "a.yaml", Platform(), now)


def number(times: str, shared: str = "", *, zone: str = "Europe/Prague", now: datetime = NOW,
           ) -> Number:
    """The number with these times, which are without an error."""
    checked = framed(times, shared, zone=zone, now=now)
    assert list(map(str, checked.problems.errors)) == []
    return checked.numbers[0].number


def test_a_window_with_dates_is_a_dated_window() -> None:
    assert number("schedule: [{from: 10:00, to: 14:00, first: 2026-12-20, last: 2027-01-03, "
                  "sequence: night}, {days: sat-mon, from: 22:00, to: 06:00, sequence: day},"
                  " {days: tue, from: 08:00, to: 09:00, last: 2026-12-31, sequence: day}]"
                  ).windows == (
        Window(DAILY, 600, 840, "night", date(2026, 12, 20), date(2027, 1, 3)),
        Window(frozenset({6, 7, 1}), 1320, 360, "day"),
        Window(frozenset({2}), 480, 540, "day", None, date(2026, 12, 31)))


SHARED = """\
calendars:
  works: {add: [2026-12-24, {day: 2026-12-31, from: 12:00, name: Party}, 2025-01-01]}
  shop: {add: [{day: 2026-12-24, from: 08:00, to: 10:00, name: Sale}, 2027-04-05]}
schedules:
  office: [{days: mon-fri, from: 08:00, to: 18:00, sequence: day}]
  factory:
    windows: [{days: daily, from: 06:00, to: 22:00, sequence: night}]
    holidays: [{calendar: works, sequence: day}]
"""
OFFICE = Window(frozenset(range(1, 6)), 480, 1080, "day")


def test_a_schedule_is_shared_by_its_name() -> None:
    assert number("schedule: office", SHARED).windows == (OFFICE,)
    factory = number("schedule: factory", SHARED)
    assert factory.windows == (Window(DAILY, 360, 1320, "night"),)
    assert factory.holidays == (
        Holiday(date(2025, 1, 1), "day", "works"),
        Holiday(date(2026, 12, 24), "day", "works"),
        Holiday(date(2026, 12, 31), "day", "Party", 720, 1440))


def test_a_schedule_has_windows_and_holidays_beside_them() -> None:
    found = number("schedule: {windows: [{days: mon-fri, from: 08:00, to: 18:00, sequence: day}],"
                   " holidays: [{calendar: shop, sequence: night}]}", SHARED)
    assert found.windows == (OFFICE,)
    assert [str(one) for one in found.holidays] == ["Sale 2026-12-24 08:00-10:00",
                                                    "shop 2027-04-05"]


def test_calendars_with_one_sequence_may_have_the_same_day() -> None:
    found = number("holidays: [{calendar: shop, sequence: day}, {calendar: works, sequence: day}]",
                   SHARED)
    assert [str(one) for one in found.holidays] == [
        "works 2025-01-01", "works 2026-12-24", "Party 2026-12-31 12:00-24:00", "shop 2027-04-05"]


@pytest.mark.parametrize(("zone", "first", "until"), [
    pytest.param("Europe/Prague", "2026-12-19T23:00Z", "2027-01-03T23:00Z", id="in winter"),
    pytest.param("America/New_York", "2026-12-20T05:00Z", "2027-01-04T05:00Z", id="elsewhere"),
])
def test_a_vacation_is_whole_days_on_the_clock_of_the_number(
        zone: str, first: str, until: str) -> None:
    start, end = (int(datetime.fromisoformat(text).timestamp()) for text in (first, until))
    (vacation,) = number("vacation: [{first: 2026-12-20, last: 2027-01-03, sequence: night}]",
                         zone=zone).overrides
    assert vacation == Override("night", int(NOW.timestamp()), start, end, "vacation")


@pytest.mark.parametrize(("zone", "day", "hours"), [
    pytest.param("Europe/Prague", "2026-03-29", 23, id="into summer time"),
    pytest.param("Europe/Prague", "2026-10-25", 25, id="into winter time"),
    pytest.param("Australia/Lord_Howe", "2027-04-04", 24.5, id="half an hour"),
    pytest.param("Africa/Cairo", "2027-04-30", 23, id="a day without midnight"),
    pytest.param("Atlantic/Azores", "2026-10-25", 25, id="a day with two midnights"),
    pytest.param("America/Havana", "2025-11-02", 25, id="the hour after midnight twice"),
])
def test_a_day_of_vacation_is_as_long_as_the_day(zone: str, day: str, hours: float) -> None:
    (vacation,) = number(f"vacation: [{{first: {day}, last: {day}, sequence: night}}]",
                         zone=zone).overrides
    assert vacation.until is not None
    assert (vacation.until - vacation.start) / 3600 == hours
    clock = datetime.fromtimestamp(vacation.start, ZoneInfo(zone))
    before = datetime.fromtimestamp(vacation.start - 1, ZoneInfo(zone))
    assert (f"{clock.date()}", before.date() < clock.date()) == (day, True)


def days(calendar: str, now: datetime = NOW, zone: str = "Europe/Prague") -> list[str]:
    """The days of a calendar, on the clock of that zone."""
    found = number("holidays: [{calendar: it, sequence: day}]", f"calendars: {{it: {calendar}}}",
                   now=now, zone=zone)
    return [str(one) for one in found.holidays]


def test_the_holidays_of_a_country_are_known_to_the_end_of_the_year_after_next() -> None:
    found = days("{country: CZ}")
    assert len(found) == 3 * 13
    assert found[:3] == ["New Year's Day 2026-01-01", "Good Friday 2026-04-03",
                         "Easter Monday 2026-04-06"]
    assert found[-1] == "Second Day of Christmas 2028-12-26"


@pytest.mark.parametrize(("now", "zone", "year"), [
    pytest.param("2026-12-31T22:59:59Z", "Europe/Prague", "2026", id="the last second"),
    pytest.param("2026-12-31T23:00:00Z", "Europe/Prague", "2027", id="the first second"),
    pytest.param("2027-01-01T04:59:59Z", "America/New_York", "2026", id="elsewhere"),
])
def test_the_year_is_that_of_the_organisation(now: str, zone: str, year: str) -> None:
    assert days("{country: CZ}", datetime.fromisoformat(now), zone)[0].split()[-1][:4] == year


@pytest.mark.parametrize(("written", "has", "has_not"), [
    pytest.param("{country: DE}", "German Unity Day 2026-10-03", "Epiphany 2026-01-06", id="DE"),
    pytest.param("{country: de, region: BY}", "Epiphany 2026-01-06", "x", id="region"),
    pytest.param("{country: DE, region: Bayern}", "Epiphany 2026-01-06", "x", id="its name"),
    pytest.param("{country: DEU, region: SN}", "Reformation Day 2026-10-31", "Epiphany 2026-01-06",
                 id="three letters"),
    pytest.param("{country: CZ, remove: [2026-11-17]}", "Statehood Day 2026-09-28",
                 "Struggle for Freedom and Democracy Day 2026-11-17", id="removed"),
    pytest.param("{country: CZ, add: [{day: 2026-12-31, name: Company day}]}",
                 "Company day 2026-12-31", "x", id="added"),
    pytest.param("{country: CZ, remove: [2026-12-24], add: [{day: 2026-12-24, from: 12:00}]}",
                 "it 2026-12-24 12:00-24:00", "Christmas Eve 2026-12-24", id="only a part is left"),
])
def test_a_calendar_has_these_days(written: str, has: str, has_not: str) -> None:
    found = days(written)
    assert has in found
    assert has_not not in found


def test_names_do_not_depend_on_who_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "cs_CZ.UTF-8")
    monkeypatch.setenv("LANGUAGE", "cs")
    assert days("{country: CZ}")[0] == "New Year's Day 2026-01-01"


ICS = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261228
DTEND;VALUE=DATE:20261231
SUMMARY:Stocktaking
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART:20261207T130000Z
DTEND:20261207T150000Z
END:VEVENT
END:VCALENDAR
"""


def test_a_file_of_events_stands_beside(tmp_path: Path) -> None:
    (tmp_path / "closures.ics").write_text(ICS)
    path = tmp_path / "a.yaml"
    path.write_text(FRAME.format(
        zone="Europe/Prague", mode="forward_only", shared="calendars: {it: {ics: closures.ics, "
        "remove: [2026-12-29], add: [2027-05-01]}}",
        times="holidays: [{calendar: it, sequence: day}]") + """\
      420277771001:
        time_zone: America/New_York
        holidays: [{calendar: it, sequence: day}]
        sequences: {day: []}
""")
    checked = check([path], Platform(), NOW)
    assert checked.problems.errors == []
    assert [[str(one) for one in entry.number.holidays] for entry in checked.numbers] == [
        ["it 2026-12-07 14:00-16:00", "Stocktaking 2026-12-28", "Stocktaking 2026-12-30",
         "it 2027-05-01"],
        ["it 2026-12-07 08:00-10:00", "Stocktaking 2026-12-28", "Stocktaking 2026-12-30",
         "it 2027-05-01"]]


WEEK = "schedule: [{days: mon-fri, from: 08:00, to: 18:00, sequence: day}]"


@pytest.mark.parametrize(("checked", "warnings"), [
    pytest.param(framed(f"{WEEK}\n        default: night"), [], id="nothing odd"),
    pytest.param(framed(WEEK), [
        "a.yaml:10:9: nothing rings from Fri 2026-11-20 00:00 on, 118 h 0 min a week: "
        "there is no window then and no default; write  default: NAME"], id="a gap"),
    pytest.param(framed(WEEK, mode="ring_then_forward"), [],
                 id="a gap in which the own line rings"),
    pytest.param(framed("schedule: [{days: daily, from: 00:00, to: 24:00, sequence: day}]"), [],
                 id="every minute"),
    pytest.param(framed("schedule: [{from: 00:00, to: 24:00, first: 2026-01-01, sequence: day},"
                        " {days: mon, from: 08:00, to: 18:00, sequence: night}]"), [
        "a.yaml:10:80: window mon 08:00-18:00 never applies: hidden by dated window daily "
        "00:00-24:00 2026-01-01.., first on 2026-11-23 08:00"], id="a hidden window"),
    pytest.param(framed("default: day\n        schedule: office", """\
schedules:
  office: [{days: mon, from: 08:00, to: 18:00, first: 2026-11-24, last: 2026-11-29, sequence: day}]
"""), ["a.yaml:13:19: dated window mon 08:00-18:00 2026-11-24..2026-11-29 never applies: "
       "none of its days lies within its dates"], id="a window without a day"),
    pytest.param(framed("vacation: [{first: 2025-12-20, last: 2026-01-03, sequence: day}]"), [
        "a.yaml:10:20: this vacation was over on 2026-01-03; is the year right?"],
        id="a vacation that is over"),
    pytest.param(framed("vacation: [{first: 2026-11-01, last: 2026-11-20, sequence: day}]"), [],
                 id="the last day of a vacation"),
    pytest.param(framed("ring: 20", "calendars: {it: {country: CZ, remove: [2026-11-18, 2027-07-05,"
                        " 2025-02-03, 2040-02-03]}}"), [
        "a.yaml:3:40: 2026-11-18 is no holiday of this calendar, so there is nothing to remove"],
        id="nothing to remove"),
    pytest.param(framed("ring: 20", "calendars: {it: {country: CZ, add: [2026-12-24, "
                        "{day: 2026-12-25, from: 12:00}, 2026-12-31]}}"), [
        "a.yaml:3:37: 2026-12-24 is a holiday already (Christmas Eve); where only what is added "
        "shall be left of it, write it under remove too",
        "a.yaml:3:49: 2026-12-25 is a holiday already (Christmas Day); where only what is added "
        "shall be left of it, write it under remove too"], id="added twice"),
    pytest.param(framed("ring: 20", "calendars: {it: {country: UA}, own: {}}"), [
        *[f"a.yaml:3:{column}: calendar {name} has no day; write  add: [2026-12-24]"
          for column, name in ((13, "it"), (32, "own"))]],
        id="an empty calendar"),
    pytest.param(framed("ring: 20", "calendars: {it: {country: LK}, own: {add: [2027-01-18]},"
                        " good: {add: [2027-01-19]}}"), [
        "a.yaml:3:13: the last day of calendar it is 2026-12-25; add those that come after it",
        "a.yaml:3:32: the last day of calendar own is 2027-01-18; add those that come after it"],
        id="a calendar that runs out"),
    pytest.param(framed("default: day\n        holidays: [{calendar: it, sequence: day}]",
                        "calendars: {it: {add: [{day: 2027-03-28, from: 02:00, to: 03:00}]}}"), [
        "a.yaml:11:9: holiday it 2027-03-28 02:00-03:00 never applies: "
        "a DST change leaves its minutes out"], id="a part of a day that does not exist"),
])
def test_what_is_probably_not_meant_is_a_warning(checked: Checked, warnings: list[str]) -> None:
    assert checked.problems.errors == []
    assert list(map(str, checked.problems.warnings)) == warnings


def test_a_gap_that_may_be_meant_is_a_note() -> None:
    checked = framed(WEEK, mode="ring_then_forward")
    assert list(map(str, checked.problems.notes)) == [
        "a.yaml:10:9: nothing is forwarded from Fri 2026-11-20 00:00 on, 118 h 0 min a week: "
        "there is no window then and no default; write  default: NAME"]


@pytest.mark.parametrize(("schedule", "gap"), [
    pytest.param("{days: daily, from: 12:00, to: 11:59, sequence: day}",
                 "Fri 2026-11-20 11:59 on, 0 h 7 min", id="a minute a day"),
    pytest.param("{days: daily, from: 00:00, to: 24:00, first: 2026-01-01, last: 2028-01-01, "
                 "sequence: day}", "Sun 2028-01-02 00:00 on, 75 h 37 min",
                 id="after the last day of a window"),
    pytest.param("{days: fri, from: 00:00, to: 24:00, sequence: day}",
                 "Sat 2026-11-21 00:00 on, 144 h 0 min", id="all days but one"),
])
def test_a_gap_is_found_to_the_minute(schedule: str, gap: str) -> None:
    (warning,) = framed(f"schedule: [{schedule}]").problems.warnings
    assert f"nothing rings from {gap} a week" in str(warning)


def test_holidays_do_not_fill_a_gap_that_comes_later() -> None:
    filled = ", ".join(f"2026-{day}" for day in (
        *(f"11-{day}" for day in range(20, 31)), *(f"12-{day:02}" for day in range(1, 32))))
    checked = framed("holidays: [{calendar: it, sequence: day}]\n        schedule: "
                     "[{days: mon, from: 08:00, to: 18:00, sequence: day}]",
                     f"calendars: {{it: {{add: [{filled}, 2027-12-24]}}}}")
    (warning,) = checked.problems.warnings
    assert "nothing rings from Fri 2027-01-01 00:00 on, 148 h" in str(warning)


def test_a_file_without_calendars_loads_no_calendar_package() -> None:
    run = "import sys; from provisioning.cli import main; main(['check', sys.argv[1]]); " \
          "print({'holidays', 'icalendar', 'recurring_ical_events'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", run, "provisioning/examples/office.yaml"],
                         cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.splitlines()[-1] == "set()"


