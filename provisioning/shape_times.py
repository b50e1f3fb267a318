# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of what decides by time: windows, holidays, vacations, calendars."""

from functools import cache, lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from provisioning import kinds
from provisioning.shape_base import Shape, keys


def _days_in_a_list(value: Any) -> Any:
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return ",".join(value) if is_list else value


class Window(Shape):
    """A window, weekly or dated, and the sequence that it leads to."""

    form = "{days: mon-fri, from: 08:00, to: 18:00, sequence: NAME}"
    needs = ("from", "to", "sequence")
    rules = {"anyOf": [{"required": [key]} for key in ("days", "first", "last")]}
    days: Annotated[
        kinds.Days | None,
        BeforeValidator(_days_in_a_list, json_schema_input_type=kinds.Days | list[kinds.Days]),
    ] = None
    """The days on which it starts: mon-fri, [sat, sun], daily. Of a dated window: daily unless
    given."""
    start: kinds.Clock | None = Field(None, alias="from")
    """Its first minute, on the number's clock."""
    end: kinds.ClockEnd | None = Field(None, alias="to")
    """The first minute after it; before from it crosses midnight, and 24:00 ends a day."""
    first: kinds.Date | None = None
    """The first day on which it starts. With first or last it is a dated window, which beats the
    weekly ones."""
    last: kinds.LastDate | None = None
    """The last day on which it starts."""
    sequence: kinds.SequenceName | None = None
    """What rings then."""


class Holidays(Shape):
    """A calendar and the sequence that its days lead to."""

    form = "{calendar: NAME, sequence: NAME}"
    needs = ("calendar", "sequence")
    calendar: kinds.CalendarName | None = None
    """One of the calendars of the organisation."""
    sequence: kinds.SequenceName | None = None
    """What rings on its days."""


class Schedule(Shape):
    """Windows, written as a list, or with holidays beside them."""

    form = "[{days: mon-fri, from: 08:00, to: 18:00, sequence: NAME}]"
    windows: list[Window] = []
    """The windows; no two of one rank, weekly or dated, may overlap."""
    holidays: list[Holidays] = []
    """They beat windows."""


class SharedSchedule(Schedule):
    """In place of a number's own schedule: the name of one of the organisation's."""

    name: str


def _windows_alone(value: Any) -> Any:
    one_window = isinstance(value, dict) and value.keys() & set(keys(Window))
    if one_window or isinstance(value, str):
        raise PydanticCustomError(
            "schedule", f"write a list of windows here, such as  {Schedule.form}; [] for none")
    return {"windows": value} if isinstance(value, list) else value


no_schedule = cache(Schedule)
"""One for all numbers that say nothing of it; so have all that name the same one."""
_shared = lru_cache(maxsize=1024)(SharedSchedule)


def _name_or_windows(value: Any) -> Any:
    return _shared(name=value) if isinstance(value, str) else _windows_alone(value)


Windows = Annotated[Schedule, BeforeValidator(
    _windows_alone, json_schema_input_type=list[Window] | Schedule)]
"""A schedule that numbers share."""
OwnSchedule = Annotated[Schedule, BeforeValidator(
    _name_or_windows,
    json_schema_input_type=kinds.ScheduleName | list[Window] | Schedule)]
"""The schedule of a number, or the name of one that is shared."""


class Vacation(Shape):
    """A sequence from the first to the last day, whatever the schedule says."""

    form = "{first: 2026-12-20, last: 2027-01-03, sequence: NAME}"
    needs = ("first", "last", "sequence")
    first: kinds.Date | None = None
    """Its first day."""
    last: kinds.LastDate | None = None
    """Its last day, which is included."""
    sequence: kinds.SequenceName | None = None
    """What rings then."""


class Day(Shape):
    """A day of a calendar, or a part of it."""

    form = "{day: 2026-12-24, from: 12:00}"
    needs = ("day",)
    day: kinds.Date | None = None
    """Which day."""
    start: kinds.Clock | None = Field(None, alias="from")
    """The first minute, where it is a part of the day."""
    end: kinds.ClockEnd | None = Field(None, alias="to")
    """The first minute after it; 24:00 unless given."""
    name: kinds.DayName | None = None
    """What the day is called."""


def _day_alone(value: Any) -> Any:
    return {"day": value} if isinstance(value, str) else value


class Calendar(Shape):
    """Holidays of a country and region, more or fewer days, and a file of events. Dates are
    expanded when written, to the end of the second year ahead; followme show says until when they
    are known, and warns 60 days before. Apply the file once a year."""

    form = "{country: CZ}"
    country: kinds.Country | None = None
    """Its public holidays, by the code of two letters (ISO 3166; Python package holidays)."""
    region: kinds.Region | None = None
    """Those of a region of the country too."""
    add: list[Annotated[Day, BeforeValidator(
        _day_alone, json_schema_input_type=kinds.Date | Day)]] = []
    """More days, just dates or with hours and a name."""
    remove: list[kinds.Date] = []
    """Days that are none; this beats country and ics but not add."""
    ics: kinds.FileName | None = None
    """A file of events (RFC 5545) beside this one; its name ends with .ics."""
