# SPDX-License-Identifier: GPL-2.0-or-later
"""Points in time, as people write them to commands and in files of calls."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from provisioning.problems import Refused

IN_FILES = "2026-11-23 09:30, or with an offset 2026-11-23T09:30+01:00"
FORMS = f"09:30, tomorrow 09:30, yesterday, mon 09:30, {IN_FILES}"
"""What commands take, for people."""
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}", re.ASCII)
_AHEAD = {"yesterday": -1, "today": 0, "tomorrow": 1}
_WEEKDAYS = {word: index for index, name in enumerate((
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
    for word in (name, name[:3])}


class NoTime(Refused):
    """A text that is none."""


def moment(text: str, zone: ZoneInfo, now: datetime, after: datetime | None = None) -> datetime:
    """The time that a command is given, in UTC; ``now`` where the text is empty. Without an offset
    it is the zone's wall clock: a time alone is today's, a day alone its midnight, a weekday the
    last one or, with ``after``, the first one after that.

    Raises NoTime, and Refused for a wall clock time that a DST change leaves out.
    """
    if not text:
        return now.astimezone(UTC)
    words = sorted(text.lower().split())  # digits come before letters
    clock = words.pop(0) if words and _CLOCK.fullmatch(words[0]) else ""
    day, clock = " ".join(words) or (clock and "today"), f"{clock or '00:00':0>5}"
    try:
        if day in _AHEAD:
            on = now.astimezone(zone) + timedelta(_AHEAD[day])
            return _instant(f"{on:%Y-%m-%d} {clock}", zone)
        if day in _WEEKDAYS:
            return _on_weekday(_WEEKDAYS[day], clock, zone, now, after)
        return _instant(text, zone)
    except (ValueError, OverflowError):
        raise NoTime(f"{text!r} is not a time; write {FORMS}") from None


def of_file(text: str, zone: ZoneInfo) -> datetime:
    """The same in a file, where each time has its date."""
    try:
        return _instant(text, zone)
    except (ValueError, OverflowError):
        raise NoTime(f"{text!r} is not a time; write {IN_FILES}") from None


def is_one(text: str) -> bool:
    """Whether a command takes the text for a time."""
    try:
        moment(text, ZoneInfo("UTC"), datetime(2000, 1, 1, tzinfo=UTC))
    except Refused:
        return False
    return True


def _on_weekday(index: int, clock: str, zone: ZoneInfo, now: datetime, after: datetime | None,
                ) -> datetime:
    first, step = (after or now).astimezone(zone), 1 if after else -1
    days = (first + timedelta(away) for away in range(0, 8 * step, step))
    each = (_instant(f"{day:%Y-%m-%d} {clock}", zone) for day in days if day.weekday() == index)
    return next(at for at in each if (at > first if after else at <= first))


def _instant(text: str, zone: ZoneInfo) -> datetime:
    at = datetime.fromisoformat(text)
    instant = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    clock = instant.astimezone(zone).replace(tzinfo=None)
    if at.tzinfo is None and clock != at:
        raise Refused(f"{at:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks are put forward "
                      f"then, to {clock:%H:%M}")
    return instant
