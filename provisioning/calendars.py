# SPDX-License-Identifier: GPL-2.0-or-later
"""Holiday calendars of an organisation, expanded to dates when they are written (SPEC S4)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kemi_routing import schedule
from kemi_routing.errors import InvalidValue
from kemi_routing.schedule import DAY_MINUTES, Holiday
from provisioning import ics, shape_times, values
from provisioning.ics import Event
from provisioning.problems import suggest
from provisioning.written import Spot

YEARS_AHEAD = 2


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The days of a calendar, which lead to no sequence yet."""

    name: str
    public: tuple[Holiday, ...] = ()
    events: tuple[Event, ...] = ()
    added: tuple[Holiday, ...] = ()
    removed: frozenset[date] = frozenset()
    """Days of which only what is added is left."""
    expanded: dict[ZoneInfo, tuple[Holiday, ...]] = field(default_factory=dict)
    """What was worked out already."""

    def in_zone(self, zone: ZoneInfo) -> tuple[Holiday, ...]:
        """All of it on that zone's wall clock, in order; no two overlap."""
        if zone not in self.expanded:
            found = [one for one in self.found(zone) if one.day not in self.removed]
            self.expanded[zone] = disjoint([*self.added, *found])
        return self.expanded[zone]

    def found(self, zone: ZoneInfo) -> list[Holiday]:
        """What the country and the file of events have."""
        events = (day for event in self.events for day in ics.days(event, zone))
        return [*self.public, *(replace(one, name=one.name or self.name) for one in events)]


def disjoint(days: Iterable[Holiday]) -> tuple[Holiday, ...]:
    """In order, what overlaps shortened; of two that begin together the longer one stays."""
    ordered = sorted(days, key=lambda one: (one.day, one.start, -one.end))
    left: list[Holiday] = []
    for one in ordered:
        before = left[-1] if left and left[-1].day == one.day else None
        start = max(one.start, before.end) if before else one.start
        if start < one.end:
            left.append(one if start == one.start else replace(one, start=start))
    return tuple(left)


def read(spot: Spot, name: str, written: shape_times.Calendar, zone: ZoneInfo, today: date,
         ) -> Calendar:
    """The calendar of that name, from this year on; mistakes and doubts are noted."""
    errors_before = len(spot.problems.errors)
    spot.at_key().read(values.words, name)
    years = range(today.year, today.year + YEARS_AHEAD + 1)
    events = spot.optional("ics", written.ics, _events(spot, years), None)
    added = list(_added(spot / "add", written.add, name))
    removed = list(_removed(spot / "remove", written.remove))
    calendar = Calendar(name, tuple(_public(spot, written, years)), tuple(events or ()),
                        tuple(day for day, _ in added), frozenset(day for day, _ in removed))
    if len(spot.problems.errors) == errors_before:
        _warn_of_days(calendar, zone, [one for one in removed if one[0].year in years], added)
        _warn_of_end(spot.at_key(), calendar, zone, today)
    return calendar


def _public(spot: Spot, written: shape_times.Calendar, years: range) -> Iterator[Holiday]:
    if written.country is None:
        if written.region is not None:
            (spot / "region").at_key().error("a region needs its country; write  country: DE")
        return
    code = (spot / "country").read(_country, written.country)
    if code is None:
        return
    packaged = _packaged().country_holidays(code)
    regions = {one: one for one in packaged.subdivisions} | packaged.subdivisions_aliases
    region = spot.optional("region", written.region, _region(code, regions), None)
    # The language would follow the environment of whoever writes.
    language = "en_US" if "en_US" in packaged.supported_languages else packaged.default_language
    found = _packaged().country_holidays(code, subdiv=region, years=years, language=language)
    for day, names in sorted(found.items()):
        yield Holiday(day, "", min(names.split("; "), key=len)[:values.MAX_TEXT])


def _country(text: str) -> str:
    known = _packaged().registry.COUNTRIES
    codes: dict[str, str] = {code: codes[0] for _, *codes in known.values() for code in codes}
    if found := codes.get(text.strip().upper()):
        return found
    near = get_close_matches(text.lower().replace(" ", "_"), known, n=1, cutoff=0.75)
    right = known[near[0]][1] if near else "CZ"
    raise InvalidValue(f"there are no holidays of a country {text!r}; "
                       f"write its code of two letters (ISO 3166): {right}")


def _region(code: str, known: dict[str, str]) -> Callable[[str], str]:
    def read_region(text: str) -> str:
        if text in known:
            return known[text]
        raise InvalidValue(f"{code} has no region {text!r}; {suggest(text, set(known.values()))}")
    return read_region


def _packaged() -> Any:
    """The package ``holidays``; loaded here, since most files have no use for it."""
    return import_module("holidays")


def _events(spot: Spot, years: range) -> Callable[[str], list[Event]]:
    def read_file(name: str) -> list[Event]:
        if not name.isprintable():
            raise InvalidValue(f"{name!r} is not the name of a file; write  closures.ics")
        if Path(name).name != name:
            raise InvalidValue(f"{name!r} is not the name of a file beside this one; "
                               f"write it without folders: {Path(name).name or 'closures.ics'}")
        if Path(name).suffix.lower() != ".ics":  # an export has other files beside it
            raise InvalidValue(f"the name of a file of events ends with .ics, that of {name!r} "
                               "does not; give it such a name")
        try:
            data = spot.written.beside(name)
        except OSError as error:
            raise InvalidValue(f"the file {name} cannot be read: {error.strerror}; "
                               "put it beside this one") from None
        return ics.read(name, data, date(years[0], 1, 1), date(years[-1], 12, 31))
    return read_file


def _added(spot: Spot, written: list[shape_times.Day], calendar: str,
           ) -> Iterator[tuple[Holiday, Spot]]:
    for index, one in enumerate(written):
        where = spot / index
        day = where.required("day", one.day, values.day, "2026-12-24")
        hours = where.read(_hours, one.start or "00:00", one.end or "24:00")
        name = where.optional("name", one.name, values.words, calendar)
        if day and hours:
            yield Holiday(day, "", name, *hours), where


def _hours(start: str, end: str) -> tuple[int, int]:
    first, last = schedule.parse_hours(start, end)
    if first < last:
        return first, last
    raise InvalidValue(f"a part of a day from {start} to {end} would end on the next day; "
                       "write to: 24:00, and the rest as a part of that day")


def _removed(spot: Spot, written: list[str]) -> Iterator[tuple[date, Spot]]:
    for index, text in enumerate(written):
        if day := (spot / index).read(values.day, text):
            yield day, spot / index


def _warn_of_days(calendar: Calendar, zone: ZoneInfo, removed: list[tuple[date, Spot]],
                  added: list[tuple[Holiday, Spot]]) -> None:
    found = {one.day: one for one in calendar.found(zone)}
    for day, spot in removed:
        if day not in found:
            spot.warning(f"{day} is no holiday of this calendar, so there is nothing to remove")
    for one, spot in added:
        whole = found.get(one.day)
        if whole and one.day not in calendar.removed and whole.end - whole.start == DAY_MINUTES:
            spot.warning(f"{one.day} is a holiday already ({whole.name}); where only what is "
                         "added shall be left of it, write it under remove too")


def _warn_of_end(spot: Spot, calendar: Calendar, zone: ZoneInfo, today: date) -> None:
    days = calendar.in_zone(zone)
    if not days:
        spot.warning(f"calendar {calendar.name} has no day; write  add: [2026-12-24]")
    elif days[-1].day < today + timedelta(days=values.RUNS_OUT_DAYS):
        spot.warning(f"the last day of calendar {calendar.name} is {days[-1].day}; "
                     "add those that come after it")
