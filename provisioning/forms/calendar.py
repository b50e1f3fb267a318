# SPDX-License-Identifier: GPL-2.0-or-later
"""Holidays and vacations of numbers as a file of events (RFC 5545), which ``ics`` reads too.

Whole days are dates; a part of a day is on the number's clock, and so written in UTC.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import import_module
from itertools import groupby
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from kemi_routing import timeline
from kemi_routing.model import Number
from kemi_routing.schedule import DAY_MINUTES, Holiday, Rank, Timetable
from provisioning.times import VACATION

_HOLIDAY = "holiday"
_DAY = timedelta(days=1)
_Span = tuple[date | datetime, date | datetime]
"""``[start, end)``: dates, or instants in UTC."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that is shown once, for however many numbers it holds."""

    kind: str
    organisation: str
    name: str
    span: _Span

    @property
    def uid(self) -> str:
        """The same in every export."""
        parts = (self.kind, self.organisation, self.name, *map(str, self.span))
        return str(uuid5(NAMESPACE_URL, "\n".join(("followme", *parts))))


def text(name: str, numbers: Iterable[Number], now: datetime) -> bytes:
    """The calendar of that name, written ``now``; what rings then is said in the descriptions."""
    # Loaded here: most commands have no use for it.
    icalendar = import_module("icalendar")
    found: dict[Occasion, dict[str, list[str]]] = {}
    for number in numbers:
        for occasion, sequence in _occasions(number):
            found.setdefault(occasion, {}).setdefault(sequence, []).append(number.number)
    calendar = icalendar.Calendar({"VERSION": "2.0", "PRODID": "-//followme//EN",
                                   "X-WR-CALNAME": name})
    for occasion in sorted(found, key=lambda one: (str(one.span[0]), one.name)):
        event = icalendar.Event()
        start, end = occasion.span
        for key, value in {"uid": occasion.uid, "dtstamp": now.astimezone(UTC), "dtstart": start,
                           "dtend": end, "summary": occasion.name, "categories": occasion.kind,
                           "transp": "TRANSPARENT", "description": "\n".join(
                               f"{sequence}: {', '.join(keys)}"
                               for sequence, keys in sorted(found[occasion].items()))}.items():
            event.add(key, value)
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def _occasions(number: Number) -> Iterator[tuple[Occasion, str]]:
    """Each with the sequence to which it leads."""
    organisation, _, owner = number.owner.partition("/")
    for one, spans in _runs(number.holidays, number.zone):
        for span in spans:
            yield Occasion(_HOLIDAY, organisation, one.name or _HOLIDAY, span), one.sequence
    for override in number.overrides:
        if override.name == VACATION and override.until is not None:
            first, after = (datetime.fromtimestamp(second, number.zone).date()
                            for second in (override.start, override.until))
            yield (Occasion(VACATION, organisation, f"{VACATION} {owner}", (first, after)),
                   override.sequence)


def _runs(holidays: Iterable[Holiday], zone: ZoneInfo) -> Iterator[tuple[Holiday, Iterable[_Span]]]:
    """Whole days in a row that are alike as one; any other holiday by itself."""
    ordered = sorted(holidays, key=lambda one: (one.end - one.start, one.name, one.sequence,
                                                one.day))
    def alike(indexed: tuple[int, Holiday]) -> tuple[object, ...]:
        index, one = indexed
        whole = one.end - one.start == DAY_MINUTES
        return whole, one.name, one.sequence, one.day - index * _DAY if whole else index

    for _, run in groupby(enumerate(ordered), alike):
        days = [one for _, one in run]
        first = days[0]
        whole = first.end - first.start == DAY_MINUTES
        yield first, [(first.day, days[-1].day + _DAY)] if whole else _instants(
            first.day, first.start, first.end, zone)


@lru_cache(maxsize=1024)
def _instants(day: date, start: int, end: int, zone: ZoneInfo) -> tuple[_Span, ...]:
    """A part of a day, as it comes where the clocks change: never, once or twice."""
    part = Timetable(zone, holidays=(Holiday(day, "", "", start, end),))
    midnight = datetime.combine(day, time(), UTC)
    return tuple((one.start, one.end)
                 for one in timeline.segments(part, midnight - _DAY, midnight + 3 * _DAY)
                 if one.applied.rank is Rank.HOLIDAY)
