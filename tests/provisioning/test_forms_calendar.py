# SPDX-License-Identifier: GPL-2.0-or-later
"""Holidays and vacations as calendar programs show them, and as they are read again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from kemi_routing.model import Number
from kemi_routing.schedule import Holiday, Override
from provisioning import ics
from provisioning.forms import calendar
from tests.provisioning.test_laws import numbers
from tests.support.builders import NOW, PRAGUE

CHRISTMAS = date(2026, 12, 24)
JANA = Number("42027777101", "acme/jana", PRAGUE)


def written(*found: Number) -> str:
    return calendar.text("acme", found, NOW).decode()


def lines(text: str) -> list[str]:
    """Unfolded, without those that each event has."""
    return [line for line in text.replace("\r\n ", "").split("\r\n")
            if not line.startswith(("UID:", "DTSTAMP:", "TRANSP:", "BEGIN:", "END:", "VERSION:",
                                    "PRODID:"))]


def vacation(first: str, after: str, zone: ZoneInfo = PRAGUE) -> Override:
    start, end = (int(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp())
                  for day in (first, after))
    return Override("away", 0, start, end, "vacation")


@pytest.mark.parametrize(("holidays", "found"), [
    pytest.param([Holiday(CHRISTMAS, "night", "Christmas Eve")],
                 ["DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261225"], id="a day"),
    pytest.param([Holiday(CHRISTMAS + timedelta(days=count), "night", "Christmas Eve")
                  for count in range(3)],
                 ["DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227"], id="days"),
    pytest.param([Holiday(CHRISTMAS, "night", "Christmas Eve", 720, 1080)],
                 ["DTSTART:20261224T110000Z", "DTEND:20261224T170000Z"], id="a part of a day"),
    pytest.param([Holiday(date(2026, 3, 29), "night", "Christmas Eve", 60, 240)],
                 ["DTSTART:20260329T000000Z", "DTEND:20260329T020000Z"],
                 id="an hour that the clocks leave out"),
])
def test_a_holiday_is_an_event(holidays: list[Holiday], found: list[str]) -> None:
    number = replace(JANA, holidays=tuple(holidays))
    assert sorted(lines(written(number))) == sorted([
        "", "X-WR-CALNAME:acme", "SUMMARY:Christmas Eve", "CATEGORIES:holiday",
        "DESCRIPTION:night: 42027777101", *found])


def test_minutes_that_come_twice_are_two_events() -> None:
    part = Holiday(date(2026, 10, 25), "night", "x", 90, 150)
    assert [line for line in lines(written(replace(JANA, holidays=(part,))))
            if line.startswith("DT")] == [
        "DTSTART:20261024T233000Z", "DTEND:20261025T003000Z",
        "DTSTART:20261025T010000Z", "DTEND:20261025T013000Z"]


def test_a_vacation_is_a_span_of_days_with_the_name_of_who_is_away() -> None:
    number = replace(JANA, overrides=(vacation("2026-12-20", "2027-01-04"),
                                      Override("night", 0, 0, None, "*33")))
    assert sorted(lines(written(number))) == [
        "", "CATEGORIES:vacation", "DESCRIPTION:away: 42027777101", "DTEND;VALUE=DATE:20270104",
        "DTSTART;VALUE=DATE:20261220", "SUMMARY:vacation jana", "X-WR-CALNAME:acme"]


def test_what_holds_for_many_numbers_is_one_event() -> None:
    day = Holiday(CHRISTMAS, "night", "x")
    found = written(replace(JANA, holidays=(day,)),
                    replace(JANA, number="42027777102", holidays=(day,)),
                    replace(JANA, number="42027777103", owner="acme/petr",
                            holidays=(replace(day, sequence="away"),)))
    assert found.count("BEGIN:VEVENT") == 1
    assert "DESCRIPTION:away: 42027777103\\nnight: 42027777101\\, 42027777102" in lines(found)


def test_a_file_is_as_the_rfc_wants_it_and_alike_each_time() -> None:
    name = "Žluťoučký kůň, \\ a; " * 3
    number = replace(JANA, holidays=(Holiday(CHRISTMAS, "night", name),),
                     overrides=(vacation("2026-12-20", "2027-01-04"),))
    text = calendar.text("acme", [number], NOW)
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert b"\n" not in text.replace(b"\r\n", b"")
    assert "SUMMARY:" + name.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;") in lines(
        text.decode())
    assert text.count(f"DTSTAMP:{NOW.astimezone(UTC):%Y%m%dT%H%M%SZ}".encode()) == 2
    later = calendar.text("acme", [number], NOW + timedelta(days=1))
    assert [line for line in text.split(b"\r\n") if line.startswith(b"UID")] == [
        line for line in later.split(b"\r\n") if line.startswith(b"UID")]
    assert len(set(lines(text.decode()))) == len(lines(text.decode()))


def exists(day: date, minute: int, zone: ZoneInfo) -> bool:
    """Whether the clock shows that minute on that day."""
    at = datetime(day.year, day.month, day.day, *divmod(minute, 60), tzinfo=zone)
    return at.astimezone(UTC).astimezone(zone).replace(fold=at.fold) == at.replace(
        fold=at.fold) and at.astimezone(UTC).astimezone(zone).time() == at.time()


def minutes(holidays: list[Holiday], zone: ZoneInfo) -> set[tuple[date, int]]:
    return {(one.day, minute) for one in holidays for minute in range(one.start, one.end)
            if exists(one.day, minute, zone)}


@settings(deadline=None, max_examples=50)
@given(numbers())
def test_what_is_written_is_read_as_the_same_days(number: Number) -> None:
    data = calendar.text("acme", [replace(number, overrides=())], NOW)
    found = [day for event in ics.read("acme.ics", data, date(2024, 12, 1), date(2031, 1, 31))
             for day in ics.days(event, number.zone)]
    assert minutes(found, number.zone) == minutes([*number.holidays], number.zone)
    assert {one.name for one in found} <= {one.name.strip() for one in number.holidays}


def test_a_file_of_closures_comes_back() -> None:
    closures = (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n"
                b"SUMMARY:Stock\\, taking\r\nDTSTART;VALUE=DATE:20261228\r\n"
                b"DTEND;VALUE=DATE:20261231\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\n"
                b"SUMMARY:Party\r\nDTSTART;TZID=Europe/Prague:20261218T150000\r\n"
                b"DTEND;TZID=Europe/Prague:20261219T020000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    days = [day for event in ics.read("a.ics", closures, first, last)
            for day in ics.days(event, PRAGUE)]
    data = calendar.text("acme", [replace(JANA, holidays=tuple(
        replace(day, sequence="night") for day in days))], NOW)
    again = ics.read("b.ics", data, first, last)
    assert sorted(map(str, (day for event in again for day in ics.days(event, PRAGUE)))) == sorted(
        map(str, days))
