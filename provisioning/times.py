# SPDX-License-Identifier: GPL-2.0-or-later
"""What decides by time, as it is written: schedules, holidays, vacations (SPEC S1-S7)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import combinations
from zoneinfo import ZoneInfo

from kemi_routing import overlap, schedule, sequence, timeline
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Number
from kemi_routing.schedule import (
    DAY_MINUTES,
    WEEK_MINUTES,
    Holiday,
    Override,
    Rank,
    Timetable,
    Window,
)
from kemi_routing.timeline import Gap, Unreachable
from provisioning import calendars, shape, shape_times, values
from provisioning.calendars import Calendar
from provisioning.problems import suggest
from provisioning.written import Spot

VACATION = "vacation"

Known = Callable[[str], str]
"""Takes the name of a sequence; raises InvalidValue for one that a number does not have."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A calendar whose days lead to a sequence."""

    calendar: Calendar
    sequence: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows and holidays, and where they stand; the sequences are not looked for yet."""

    spot: Spot
    windows: tuple[tuple[Window, Spot], ...] = ()
    closings: tuple[Closing, ...] = ()


@dataclass(frozen=True, slots=True)
class Shared:
    """What the numbers of an organisation have in common (SPEC S4, S6)."""

    now: datetime
    """When the files are written."""
    calendars: dict[str, Calendar] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Times:
    """What decides by time in a number."""

    timetable: Timetable
    windows: dict[Window, Spot]
    """Where each window stands; one of a shared schedule, where that is named."""


def read_shared(spot: Spot, written: shape.Organisation, zone: ZoneInfo, now: datetime) -> Shared:
    """The calendars and schedules of an organisation; ``now`` is when the files are written."""
    today = now.astimezone(zone).date()
    shared = Shared(now, {
        name: calendars.read(spot / "calendars" / name, name, one, zone, today)
        for name, one in written.calendars.items()})
    for name, one in written.schedules.items():
        where = spot / "schedules" / name
        where.at_key().read(values.words, name)
        shared.schedules[name] = _schedule(where, one, shared)
    return shared


def read(spot: Spot, written: shape.Number, number: Number, known: Known, shared: Shared) -> Times:
    """What decides by time in a number, of which the key and the zone are known."""
    own = _own_schedule(spot / "schedule", written.schedule, number, known, shared)
    closings = own.closings + _closings(spot / "holidays", written.holidays, shared, known)
    timetable = Timetable(
        number.zone, tuple(window for window, _ in own.windows),
        calendars.disjoint(_holidays(closings, number.zone)),
        tuple(_vacations(spot / VACATION, written.vacation, number.zone, known, shared.now)),
        spot.optional("default", written.default, known, None))
    return Times(timetable, dict(own.windows))


def warn(spot: Spot, number: Number, times: Times, now: datetime) -> None:
    """Say what a number's rules do that is probably not meant, in the two years from ``now``."""
    timetable = times.timetable
    if timetable.overrides:
        timetable = replace(timetable, overrides=())
    unreachable, gap = _proof(timetable, _today(now, number.zone))
    for one in unreachable:
        if isinstance(one.rule, Window):
            times.windows[one.rule].warning(
                f"{schedule.window_text(one.rule)} never applies: {one.why}")
        else:
            (spot / "holidays").at_key().warning(f"holiday {one.rule} never applies: {one.why}")
    if gap and times.timetable.windows:
        _say_gap((spot / "schedule").at_key(), number, gap)


@lru_cache(maxsize=64)
def _today(now: datetime, zone: ZoneInfo) -> datetime:
    """The midnight before."""
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


@lru_cache(maxsize=1024)
def _proof(timetable: Timetable, start: datetime) -> tuple[tuple[Unreachable, ...], Gap | None]:
    """The findings of ``timeline.proof``, in much less time for the timetables of most numbers."""
    gap = None
    if _hides_nothing(timetable):
        covered = sum(len(one.days) * ((one.end - one.start) % DAY_MINUTES or DAY_MINUTES)
                      for one in timetable.windows)
        if timetable.default is not None or covered == WEEK_MINUTES:
            return (), None
        gap = next((Gap(one.start.astimezone(timetable.zone), WEEK_MINUTES - covered)
                    for one in timeline.segments(timetable, start, start + timedelta(days=15))
                    if one.applied.rank is Rank.DEFAULT), None)
    if gap:
        return (), gap
    proof = timeline.proof(timetable, start)
    return proof.unreachable, proof.gap


def _hides_nothing(timetable: Timetable) -> bool:
    """Whether each rule applies for sure: a weekly window starts on 104 days of two years, and
    holidays and DST changes take no more than one start each.
    """
    return (len(timetable.holidays) < 90
            and all((one.start, one.end) == (0, DAY_MINUTES) for one in timetable.holidays)
            and not any(one.dated for one in timetable.windows))


def _say_gap(spot: Spot, number: Number, gap: Gap) -> None:
    """A warning only where the caller gets nothing at all: what else there is may be meant."""
    blocks = sequence.compile_blocks(number, number.sequence(None))
    silent = not any(block.steps or block.last for block in blocks)
    hours, minutes = divmod(gap.minutes_a_week, 60)
    what = "nothing rings" if silent else "nothing is forwarded"
    (spot.warning if silent else spot.note)(
        f"{what} from {gap.first:%a %Y-%m-%d %H:%M} on, {hours} h {minutes} min a week: there is "
        "no window then and no default; write  default: NAME")


def _own_schedule(spot: Spot, written: shape_times.Schedule, number: Number, known: Known,
                  shared: Shared) -> Schedule:
    if not isinstance(written, shape_times.SharedSchedule):
        return _schedule(spot, written, shared, known)
    found = shared.schedules.get(written.name)
    if found is None:
        instead = f"write one beside subscribers:  schedules: {{NAME: {shape_times.Schedule.form}}}"
        spot.error(f"there is no schedule {written.name!r}; "
                   f"{suggest(written.name, shared.schedules, instead)}")
        return Schedule(spot)
    names = dict.fromkeys([window.sequence for window, _ in found.windows]
                          + [closing.sequence for closing in found.closings])
    for name in filter(None, names):
        try:
            known(name)
        except InvalidValue as error:
            spot.error(f"schedule {written.name} ({found.spot.at_key().line}) does not fit number "
                       f"{number.number}: {error}")
    return replace(found, windows=tuple((window, spot) for window, _ in found.windows))


def _schedule(spot: Spot, written: shape_times.Schedule, shared: Shared, known: Known = str,
              ) -> Schedule:
    windows = []
    for index, one in enumerate(written.windows):
        where = spot / "windows" / index
        if window := _window(where, one, known):
            windows.append((window, where))
    _refuse_overlaps(windows)
    return Schedule(spot, tuple(windows), _closings(spot / "holidays", written.holidays, shared,
                                                    known))


def _window(spot: Spot, written: shape_times.Window, known: Known) -> Window | None:
    first = spot.optional("first", written.first, values.day, None)
    last = spot.optional("last", written.last, values.day, None)
    dated = written.first is not None or written.last is not None
    days = spot.required("days", written.days or ("daily" if dated else None),
                         schedule.parse_days, "mon-fri")
    start = spot.required("from", written.start, schedule.parse_clock, "08:00")
    end = spot.required("to", written.end, schedule.parse_clock, "18:00")
    name = spot.required("sequence", written.sequence, known, "NAME")
    _refuse_backwards(spot, first, last)
    if days is None or start is None or end is None or (dated and first is last is None):
        return None
    hours = spot.read(schedule.parse_hours, str(written.start), str(written.end))
    return Window(days, *hours, name or "", first, last) if hours else None


def _refuse_backwards(spot: Spot, first: date | None, last: date | None) -> None:
    if first and last and last < first:
        (spot / "last").error(f"the last day {last} is before the first day {first}; "
                              f"write a day from {first} on")


def _refuse_overlaps(windows: Sequence[tuple[Window, Spot]]) -> None:
    """Note each overlap at the later window, which is then left out to find the next one."""
    left = list(windows)
    while found := overlap.first_overlap([window for window, _ in left]):
        *indexes, instant = found
        (first, where), (second, spot) = (left[index] for index in sorted(indexes))
        spot.error(f"{schedule.window_text(second)} overlaps {schedule.window_text(first)} "
                   f"({where.line}), first on {instant}; at any time one window may hold: "
                   "end one where the other begins")
        del left[max(indexes)]


def _closings(spot: Spot, written: list[shape_times.Holidays], shared: Shared, known: Known,
              ) -> tuple[Closing, ...]:
    def calendar(text: str) -> Calendar:
        if text in shared.calendars:
            return shared.calendars[text]
        raise InvalidValue(f"there is no calendar {text!r}; " + suggest(
            text, shared.calendars,
            "write one beside subscribers:  calendars: {cz: {country: CZ}}"))

    found = []
    for index, one in enumerate(written):
        where = spot / index
        days = where.required("calendar", one.calendar, calendar, "NAME")
        name = where.required("sequence", one.sequence, known, "NAME")
        if days and name:
            found.append(Closing(days, name, where))
    return tuple(found)


def _holidays(closings: Sequence[Closing], zone: ZoneInfo) -> list[Holiday]:
    """The days of all calendars; two calendars with two sequences for one time are an error."""
    days = [(replace(day, sequence=one.sequence), one)
            for one in closings for day in one.calendar.in_zone(zone)]
    while found := overlap.first_holiday_overlap([day for day, _ in days]):
        *indexes, instant = found
        (_, first), (day, second) = (days[index] for index in sorted(indexes))
        second.spot.error(
            f"calendar {second.calendar.name} leads to {second.sequence} and calendar "
            f"{first.calendar.name} ({first.spot.line}) to {first.sequence}, first on {instant} "
            f"({day.name}); at any time one holiday may hold: write the same sequence, or "
            "remove the day from one of them")
        days = [(day, one) for day, one in days if one is not second]
    return [day for day, _ in days]


def _vacations(spot: Spot, written: list[shape_times.Vacation], zone: ZoneInfo, known: Known,
               now: datetime) -> list[Override]:
    today = _today(now, zone).date()
    found: list[tuple[Override, date, Spot]] = []
    for index, vacation in enumerate(written):
        where = spot / index
        first = where.required("first", vacation.first, values.day, "2026-12-20")
        last = where.required("last", vacation.last, values.day, "2027-01-03")
        name = where.required("sequence", vacation.sequence, known, "NAME")
        _refuse_backwards(where, first, last)
        if first and last and name:
            if last < today:
                where.warning(f"this vacation was over on {last}; is the year right?")
            start, until = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
            found.append((Override(name, int(now.timestamp()), start, until, VACATION), first,
                          where))
    for (one, first, before), (other, second, where) in combinations(found, 2):
        if max(one.start, other.start) < min(one.until or 0, other.until or 0):
            where.error(f"this vacation overlaps the one of {before.line}, first on "
                        f"{max(first, second)}; at any time one vacation may hold: "
                        "end one before the other begins")
    return [one for one, _, _ in found]


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The first second of a day; where a DST change leaves midnight out, that of the change."""
    return int(datetime.combine(day, time(), zone).timestamp())
