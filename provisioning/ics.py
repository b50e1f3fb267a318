# SPDX-License-Identifier: GPL-2.0-or-later
"""The events of an ``.ics`` file (RFC 5545) as days and parts of days on a wall clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from kemi_routing.errors import InvalidValue
from kemi_routing.schedule import Holiday
from provisioning.values import MAX_TEXT

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_Stretch = tuple[datetime, datetime]
"""From, to: times without zone."""
_DAYS_APART = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID")


@dataclass(frozen=True, slots=True)
class Event:
    """One event, ``[start, end)``: days, a wall clock (no zone), or instants."""

    start: date | datetime
    end: date | datetime
    name: str


def read(name: str, data: bytes, first: date, last: date) -> list[Event]:
    """The events of a file that touch these days, each repetition by itself; cancelled ones are
    left out.

    Raises InvalidValue for a file that can be read only in part.
    """
    # Loaded here: most files have no use for it, and every command would wait.
    icalendar, recurring = map(import_module, ("icalendar", "recurring_ical_events"))
    try:
        calendar = icalendar.Calendar.from_ical(data)
        _refuse_unread(calendar)
        found = [_event(one, first, last)
                 for one in recurring.of(calendar).between(first, last + _DAY)
                 if one.get("STATUS") != "CANCELLED"]
    except (ValueError, LookupError, OverflowError, TypeError, AttributeError) as error:
        # What the two packages let through, depending on what is wrong.
        raise InvalidValue(f"{name} is no calendar file (RFC 5545): {_line(error)}; "
                           "mend it, or leave it out") from None
    return found


def days(event: Event, zone: ZoneInfo) -> Iterator[Holiday]:
    """The event on that zone's wall clock, day by day; the minutes that a DST change brings
    twice are taken whole.
    """
    for start, end in _stretches(event, zone):
        for count in range((end - start) // _DAY + 2):
            midnight = datetime.combine(start.date() + count * _DAY, time())
            first, until = max(start, midnight), min(end, midnight + _DAY)
            if first < until:
                yield Holiday(midnight.date(), "", event.name, (first - midnight) // _MINUTE,
                              (until - midnight) // _MINUTE)


def _stretches(event: Event, zone: ZoneInfo) -> list[_Stretch]:
    """The event on the wall clock."""
    start, end = (one if isinstance(one, datetime) else datetime.combine(one, time())
                  for one in (event.start, event.end))
    whole = start.replace(second=0, microsecond=0)
    full = (end + _MINUTE - timedelta(microseconds=1)).replace(second=0, microsecond=0)
    if start.tzinfo is None:
        return [(whole, full)]
    found: list[_Stretch] = []
    for first, last in _pieces(whole.astimezone(UTC), full.astimezone(UTC), zone):
        begin = found.pop()[0] if found and found[-1][1] == first else first
        found.append((begin, last))
    return found


def _pieces(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[_Stretch]:
    """These instants on the wall clock, cut into days at most and at its DST changes."""
    if start >= end:
        return
    first, last = start.astimezone(zone), (end - _MINUTE).astimezone(zone)
    if end - start <= _DAY and first.utcoffset() == last.utcoffset():
        yield first.replace(tzinfo=None), last.replace(tzinfo=None) + _MINUTE
    else:
        middle = (start + (end - start) / 2).replace(second=0, microsecond=0)
        yield from _pieces(start, middle, zone)
        yield from _pieces(middle, end, zone)


def _event(one: Any, first: date, last: date) -> Event:
    """The event without its days before the first and after the last one, a day more or less."""
    start, end = one.start, one.end
    since, until = first - _DAY, last + 2 * _DAY
    if isinstance(start, datetime):
        since, until = (datetime.combine(day, time(), start.tzinfo) for day in (since, until))
    return Event(max(start, since), min(end, until), _printable(str(one.get("SUMMARY", ""))))


def _refuse_unread(calendar: Any) -> None:
    """Refuse what the package would leave out silently, or work on for hours."""
    for part in calendar.walk():
        rules = part.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if not _DAYS_APART.issuperset(rule.get("FREQ", [])):
                raise InvalidValue("RRULE: an event may repeat each day, but not more often")
        for name, why in part.errors:
            raise InvalidValue(f"{name or part.name}: {why}")
        for name in _TIMES:
            stated = getattr(part.get(name), "params", {}).get("TZID")
            if stated and getattr(part[name].dt, "tzinfo", None) is None:
                raise InvalidValue(f"{name}: there is no time zone {str(stated)!r}")


def _printable(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:MAX_TEXT].strip()


def _line(error: Exception) -> str:
    text = str(error).splitlines()
    return text[0] if text else type(error).__name__
