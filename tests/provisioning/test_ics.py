# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of events become days and parts of days, right across DST changes."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from kemi_routing.errors import InvalidValue
from provisioning import ics
from tests.support.builders import PRAGUE

UTC = ZoneInfo("UTC")
NEW_YORK = ZoneInfo("America/New_York")


def calendar(*events: str) -> str:
    """A file of events, each with its lines parted by a blank."""
    lines = [line for event in events
             for line in ("BEGIN:VEVENT", f"UID:{event}", *event.split(" "), "END:VEVENT")]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *lines, "END:VCALENDAR", ""])


def days(text: str, zone: ZoneInfo = PRAGUE) -> list[str]:
    """What the file says of the years 2026 to 2028, on the clock of that zone."""
    events = ics.read("closures.ics", text.encode(), date(2026, 1, 1), date(2028, 12, 31))
    return [str(day) for event in events for day in ics.days(event, zone)]


EVENTS = {
    "a whole day": ("SUMMARY:Closed DTSTART;VALUE=DATE:20261224", "Closed 2026-12-24"),
    "whole days; the end is not one of them": (
        "DTSTART;VALUE=DATE:20261224 DTEND;VALUE=DATE:20261226", "2026-12-24, 2026-12-25"),
    "a leap day each year": ("DTSTART;VALUE=DATE:20240229 RRULE:FREQ=YEARLY", "2028-02-29"),
    "a part of a day on whatever clock": (
        "DTSTART:20261224T140000 DTEND:20261224T160000", "2026-12-24 14:00-16:00"),
    "across midnight": (
        "DTSTART:20261224T220000 DURATION:PT5H", "2026-12-24 22:00-24:00, 2026-12-25 00:00-03:00"),
    "until midnight": ("DTSTART:20261224T220000 DTEND:20261225T000000", "2026-12-24 22:00-24:00"),
    "an instant": ("DTSTART:20261224T120000Z DTEND:20261224T130000Z", "2026-12-24 13:00-14:00"),
    "on a clock elsewhere": (
        "DTSTART;TZID=America/New_York:20261224T090000 DURATION:PT1H", "2026-12-24 15:00-16:00"),
    "seconds count as the whole minute": (
        "DTSTART:20261224T120030Z DTEND:20261224T123010Z", "2026-12-24 13:00-13:31"),
    "a moment lasts no time": ("DTSTART:20261224T120000Z", ""),
    "cancelled": ("DTSTART;VALUE=DATE:20261224 STATUS:CANCELLED", ""),
    "past": ("DTSTART;VALUE=DATE:20251224", ""),
    "too far ahead": ("DTSTART;VALUE=DATE:20290101", ""),
    "of centuries": (
        "DTSTART;VALUE=DATE:20281231 DTEND;VALUE=DATE:22991231", "2028-12-31, 2029-01-01"),
    "of millennia": (
        "DTSTART:00010101T000000Z DTEND:20260101T110000Z",
        "2025-12-31 01:00-24:00, 2026-01-01 00:00-12:00"),
    "an hour that the clocks leave out": (
        "DTSTART:20260328T230000Z DTEND:20260329T050000Z",
        "2026-03-29 00:00-02:00, 2026-03-29 03:00-07:00"),
    "an hour that the clocks bring twice": (
        "DTSTART:20261024T220000Z DTEND:20261025T050000Z",
        "2026-10-25 00:00-03:00, 2026-10-25 02:00-06:00"),
    "half of it the first time, half of it the second time": (
        "DTSTART:20261025T003000Z DTEND:20261025T013000Z",
        "2026-10-25 02:30-03:00, 2026-10-25 02:00-02:30"),
    "minutes that do not exist stay what they are": (
        "DTSTART:20260329T020000 DTEND:20260329T023000", "2026-03-29 02:00-02:30"),
    "only what can be printed of a name": (
        "SUMMARY:Half\\nday\x07 DTSTART;VALUE=DATE:20261224", "Halfday 2026-12-24"),
}
"""Situation -> an event, and the days that it covers."""


@pytest.mark.parametrize("situation", EVENTS)
def test_an_event_covers_days(situation: str) -> None:
    event, found = EVENTS[situation]
    assert ", ".join(days(calendar(event))) == found


def test_a_weekly_event_keeps_its_hour_on_the_clock() -> None:
    text = calendar("DTSTART;TZID=Europe/Prague:20261022T140000 DURATION:PT1H "
                    "RRULE:FREQ=WEEKLY;COUNT=3 EXDATE;TZID=Europe/Prague:20261105T140000")
    assert days(text) == ["2026-10-22 14:00-15:00", "2026-10-29 14:00-15:00"]
    # A week before New York changes its clocks too.
    assert days(text, NEW_YORK) == ["2026-10-22 08:00-09:00", "2026-10-29 09:00-10:00"]
    assert days(text, UTC) == ["2026-10-22 12:00-13:00", "2026-10-29 13:00-14:00"]


def test_an_event_of_months_is_there_every_day() -> None:
    found = days(calendar("DTSTART:20260301T110000Z DTEND:20261130T110000Z"))
    parts = [day for day in found if " " in day]
    assert parts == ["2026-03-01 12:00-24:00", "2026-03-29 00:00-02:00", "2026-03-29 03:00-24:00",
                     "2026-10-25 00:00-03:00", "2026-10-25 02:00-24:00", "2026-11-30 00:00-12:00"]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("text", "words"), [
    pytest.param("", "Found no components", id="empty"),
    pytest.param("hello", "Content line", id="words"),
    pytest.param(calendar("SUMMARY:x"), "'DTSTART'",
                 id="no start"),
    pytest.param(calendar("DTSTART;VALUE=DATE:20261240"),
                 "DTSTART: ", id="no date"),
    pytest.param(calendar("DTSTART;VALUE=DATE:20261224 RRULE:FREQ=NEVER"),
                 "RRULE: Expected frequency, got: NEVER",
                 id="no rule"),
    pytest.param(calendar("DTSTART:20261224T120000 RRULE:FREQ=SECONDLY"),
                 "RRULE: an event may repeat each day, but "
                 "not more often", id="each second"),
    pytest.param(calendar("DTSTART:20261224T120000 RRULE:FREQ=DAILY;COUNT=2 "
                          "RRULE:FREQ=MINUTELY;COUNT=2"),
                 "RRULE: an event may", id="two rules"),
    pytest.param(calendar("DTSTART;TZID=Nowhere/X:20261224T120000"),
                 "DTSTART: there is no time zone 'Nowhere/X'",
                 id="no zone"),
])
def test_a_file_that_is_read_in_part_only_is_refused(
        text: str, words: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        days(text)
    assert str(refused.value).startswith(f"closures.ics is no calendar file (RFC 5545): {words}")
    assert "\n" not in str(refused.value)
