# SPDX-License-Identifier: GPL-2.0-or-later
"""Timetables for tests, and an oracle that knows nothing but clocks, calendars and comparisons."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from kemi_routing.schedule import Holiday, Override, Timetable, Window

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ODD_ZONES = tuple(map(ZoneInfo, (
    # half-hour and quarter-hour offsets, half an hour and two hours of DST
    "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "Asia/Kolkata", "Asia/Tehran",
    "Australia/Eucla", "America/St_Johns", "Pacific/Marquesas", "Asia/Pyongyang",
    "Antarctica/Troll", "America/Caracas",
    # across the date line: a day left out
    "Pacific/Apia", "Pacific/Fakaofo", "Pacific/Kiritimati", "Pacific/Tongatapu",
    # changes at midnight
    "Asia/Beirut", "Africa/Cairo", "America/Asuncion", "America/Santiago", "America/Havana",
    "America/Sao_Paulo", "Asia/Amman", "Asia/Damascus", "Asia/Gaza", "America/Scoresbysund",
    "Atlantic/Azores",
    # four changes a year, winter time that is negative, offsets that moved for good
    "Africa/Casablanca", "Africa/El_Aaiun", "Europe/Dublin", "Europe/Istanbul", "Europe/Moscow",
    "Europe/Volgograd", "Africa/Juba", "Africa/Windhoek", "Asia/Almaty", "America/Nuuk",
    # the rest of the world
    "Europe/Prague", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Jerusalem",
    "Australia/Sydney", "Pacific/Auckland", "Pacific/Norfolk", "UTC")))


def rule_at(timetable: Timetable, instant: datetime) -> Window | Holiday | Override | None:
    """The rule that must win, found the naive way; None: the default."""
    second = instant.timestamp()
    held = [one for one in timetable.overrides
            if one.start <= second and not (one.until is not None and one.until <= second)]
    if held:
        latest = max(one.set_at for one in held)
        return [one for one in held if one.set_at == latest][-1]
    offset = instant.astimezone(timetable.zone).utcoffset() or timedelta()
    wall = (instant.astimezone(UTC) + offset).replace(tzinfo=None, second=0, microsecond=0)
    dated = [one for one in timetable.windows if one.first or one.last]
    weekly = [one for one in timetable.windows if not one.first and not one.last]
    for rank in (timetable.holidays, dated, weekly):
        for rule in rank:
            if any(start <= wall < end for start, end in times(rule, wall)):
                return rule
    return None


def times(rule: Window | Holiday, wall: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The times of a rule that begin today or yesterday."""
    for midnight in (datetime.combine(wall, time()), datetime.combine(wall, time()) - DAY):
        start, end = midnight + rule.start * MINUTE, midnight + rule.end * MINUTE
        if isinstance(rule, Holiday):
            runs = rule.day == midnight.date()
        else:
            runs = f"{midnight:%u}" in map(str, rule.days)
            runs = runs and not (rule.first and midnight.date() < rule.first)
            runs = runs and not (rule.last and midnight.date() > rule.last)
        if runs:
            yield start, end if start < end else end + DAY


def minutes(start: datetime, end: datetime, step: int = 1) -> Iterator[datetime]:
    """Each minute of ``[start, end)``, or every so many."""
    while start < end:
        yield start
        start += step * MINUTE


def transitions(zone: ZoneInfo, first_year: int, last_year: int) -> Iterator[datetime]:
    """The instants in these years, to the minute, at which the zone's offset changes."""
    start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (first_year, last_year + 1))
    for day in (start + number * DAY for number in range((end - start).days)):
        after = (day + DAY).astimezone(zone).utcoffset()
        if day.astimezone(zone).utcoffset() != after:
            yield next(time for time in minutes(day, day + DAY + MINUTE)
                       if time.astimezone(zone).utcoffset() == after)


def around(transition: datetime, zone: ZoneInfo) -> Timetable:
    """Rules of every rank that begin and end shortly before, at and after this transition."""
    before, after = (transition - MINUTE).astimezone(zone), transition.astimezone(zone)
    last = before.hour * 60 + before.minute

    def window(start: int, length: int, *, dated: bool = False) -> Window:
        dates = (before.date() - DAY, before.date()) if dated else (None, None)
        return Window(frozenset(range(1, 8)), (last + start) % 1440, (last + start + length) % 1440
                      or 1440, f"from {start}", *dates)

    start = min(after.hour * 60 + after.minute + 45, 1430)
    second = int(transition.timestamp())
    return Timetable(
        zone, (window(-100, 55), window(-45, 46), window(1, 20), window(41, 85),
               window(-5, 13, dated=True), window(1390, 10, dated=True)),
        (Holiday(after.date(), "part of the day", start=start, end=start + 10),),
        (Override("later", 2, second - 1200, second - 900), Override("soon", 2, second + 900,
                                                                     second + 1000)))


def weekly_windows(step: int = 1) -> st.SearchStrategy[Window]:
    """Windows that begin and end at multiples of so many minutes."""
    start, end = (st.integers(low, high).map(lambda count: count * step)
                  for low, high in ((0, 1440 // step - 1), (1, 1440 // step)))
    days = st.frozensets(st.integers(1, 7), min_size=1) | st.just(frozenset(range(1, 8)))
    return st.builds(Window, days, start, end, st.sampled_from("abc")).filter(
        lambda window: window.start != window.end)


@st.composite
def timetables(draw: st.DrawFn, step: int = 1) -> tuple[Timetable, datetime]:
    """A timetable whose rules of equal rank may overlap, and an instant amidst its dates.

    Rules begin and end at multiples of so many minutes, of the wall clock or of UTC.
    """
    zone = draw(st.sampled_from(ODD_ZONES))
    changes = list(transitions(zone, 2010, 2012))
    now = draw(st.sampled_from(changes) if changes else st.just(datetime(2012, 2, 28, tzinfo=UTC)))
    now += draw(st.integers(-40, 40)) * HOUR
    clock = st.integers(0, 1440 // step).map(lambda count: count * step)
    day = st.integers(-4, 4).map(lambda days: (now + days * DAY).date())
    second = st.integers(-4320 // step, 4320 // step).map(
        lambda count: int(now.timestamp()) + count * step * 60)
    weekly = weekly_windows(step)
    dated = st.builds(lambda window, first, last: replace(window, first=first, last=last),
                      weekly, st.none() | day, st.none() | day)
    part = st.tuples(clock, clock).filter(lambda hours: hours[0] < hours[1]) | st.just((0, 1440))
    holiday = st.builds(lambda day, hours, name: Holiday(day, name, "", *hours),
                        day, part, st.sampled_from("abc"))
    override = st.builds(Override, st.sampled_from("abc"), st.integers(1, 3), second | st.just(0),
                         st.none() | second)
    return Timetable(
        zone, tuple(draw(st.lists(weekly | dated, max_size=5))),
        tuple(draw(st.lists(holiday, max_size=3))), tuple(draw(st.lists(override, max_size=3))),
        draw(st.sampled_from([None, "d"]))), now
