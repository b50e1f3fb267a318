# SPDX-License-Identifier: GPL-2.0-or-later
"""What a line dials to change its number: ``*33`` for day and night, ``*60`` (SPEC S8, P4)."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from kemi_routing import e164, schedule, timeline
from kemi_routing.errors import InvalidValue
from kemi_routing.schedule import Override, Timetable
from kemi_routing.screening import Action as Treatment
from kemi_routing.screening import Pattern, Screen

FOR_EVER = "for ever"
NEXT_WINDOW = "next window"
AS_SCHEDULED = "As scheduled"
MAX_BLOCKED = 100
"""Callers that a number can block by code; more do not fit into its state."""

_CODE = re.compile(r"[*#][0-9*#]{1,5}", re.ASCII)
_NUMBER = re.compile(r"(?:\+?[0-9]{1,20})?", re.ASCII)
_SPAN = re.compile(r"([1-9][0-9]{0,3}) (hour|minute)s?", re.ASCII)
_SECONDS = {"hour": 3600, "minute": 60}
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+", re.ASCII)
_DAY = timedelta(days=1)
_MAX_NAME = 32


class Action(StrEnum):
    """What a code does to the number."""

    TOGGLE = "toggle"
    """The override on; where it holds already, off."""
    SET = "set"
    CLEAR = "clear"
    """The override off; all of them where no sequence is named."""
    BLOCK_LAST_CALLER = "block_last_caller"


_NEEDS_SEQUENCE = frozenset({Action.TOGGLE, Action.SET})


@dataclass(frozen=True, slots=True)
class FeatureCode:
    """A code and what it does; made by ``parse``."""

    code: str
    action: Action
    sequence: str = ""
    until: str = FOR_EVER
    """As ``parse_end`` gives it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is known when a code is dialled for a number."""

    timetable: Timetable
    """The number's, with the overrides of its record and of its state."""
    sequences: frozenset[str]
    """Names of the number's sequences."""
    screens: tuple[Screen, ...]
    """The number's lists, those of its record and of its state."""
    last_caller: str | None
    """Digits; None: nobody has called. Anything else: the last caller withheld the number."""
    now: datetime
    by: str
    """Who dialled, for people: ``line jana-desk``."""


@dataclass(frozen=True, slots=True)
class Result:
    """The new state of the number, and the words that confirm it: a safe SIP reason phrase."""

    overrides: tuple[Override, ...]
    screens: tuple[Screen, ...]
    words: str


def parse(code: str, action: str, sequence: str = "", until: str = "") -> FeatureCode:
    """A feature code as it is written; raises InvalidValue whose text begins with the key."""
    if action not in list(Action):
        raise InvalidValue(f"action {action!r} is not known; known are: {', '.join(Action)}")
    does = Action(action)
    if does in _NEEDS_SEQUENCE and not sequence:
        raise InvalidValue(f"sequence is missing; {action} needs the name of one: night")
    if does is Action.BLOCK_LAST_CALLER and sequence:
        raise InvalidValue(f"sequence means nothing for {action}; leave it out")
    if until and does not in _NEEDS_SEQUENCE:
        raise InvalidValue(f"until means nothing for {action}; leave it out")
    return FeatureCode(parse_code(code), does, sequence, parse_end(until or FOR_EVER))


def parse_code(text: str) -> str:
    """``*33``: ``*`` or ``#``, then 1 to 5 digits, ``*`` or ``#``; raises InvalidValue."""
    code = text.strip()
    if _CODE.fullmatch(code):
        return code
    raise InvalidValue(f"code {text!r} is not possible; write * or #, then 1 to 5 of 0-9, * and #: "
                       "*33")


def parse_end(text: str) -> str:
    """When an override ends, in its one form: ``for ever``, ``next window``, ``08:00``, ``8 hours``
    or ``90 minutes``; raises InvalidValue.
    """
    words = " ".join(text.lower().split())
    if words in (FOR_EVER, NEXT_WINDOW):
        return words
    if span := _SPAN.fullmatch(words):
        return f"{span[1]} {span[2]}{'' if span[1] == '1' else 's'}"
    try:
        return schedule.clock(schedule.parse_clock(words) % schedule.DAY_MINUTES)
    except InvalidValue:
        raise InvalidValue(f"until {text!r} is no end; write {FOR_EVER}, {NEXT_WINDOW}, a time of "
                           "day (08:00), 8 hours or 90 minutes") from None


def ends_at(until: str, timetable: Timetable, now: datetime) -> int | None:
    """The epoch second at which an override that is set now ends; None: never.

    A time of day is the next time that the wall clock of the zone shows it or, at a DST change,
    jumps over it.
    """
    if until == FOR_EVER:
        return None
    if until == NEXT_WINDOW:
        change = timeline.next_change(timetable, now)
        return int(change.timestamp()) if change else None
    second = int(now.timestamp())
    if span := _SPAN.fullmatch(until):
        return second + int(span[1]) * _SECONDS[span[2]]
    return _next_time(schedule.parse_clock(until), timetable.zone, second)


def match(codes: Iterable[FeatureCode], dialled: str) -> tuple[FeatureCode, str] | None:
    """The code with which the user part of a Request-URI starts, the longest one, and the number
    behind it or ``""``; None where it is none. ``*`` and ``#`` may be escaped (RFC 3261, 19.1.2).
    """
    user = dialled.partition(";")[0].replace("%2a", "*").replace("%2A", "*").replace("%23", "#")
    found = max((code for code in codes if user.startswith(code.code)),
                key=lambda code: len(code.code), default=None)
    if found is None or not _NUMBER.fullmatch(user.removeprefix(found.code)):
        return None
    return found, user.removeprefix(found.code)


def apply(code: FeatureCode, overrides: tuple[Override, ...], screens: tuple[Screen, ...],
          request: Request) -> Result:
    """What a code makes of the state of a number: its overrides and its blocked callers."""
    if code.action is Action.BLOCK_LAST_CALLER:
        blocked, words = _block(screens, request)
        return Result(overrides, blocked, words)
    if code.action in _NEEDS_SEQUENCE and code.sequence not in request.sequences:
        return Result(overrides, screens, f"No sequence {_safe(code.sequence)}")
    second = int(request.now.timestamp())
    known = request.timetable.overrides
    held = schedule.override_at(known, second)
    kept = tuple(one for one in overrides if not _goes(one, code.sequence, second))
    if code.action is Action.SET or (code.action is Action.TOGGLE and not (
            held and held.sequence == code.sequence)):
        latest = max((one.set_at for one in known), default=0)
        until = ends_at(code.until, request.timetable, request.now)
        kept += (Override(code.sequence, max(second, latest + 1), until=until,
                          name=f"{code.code} by {request.by}"),)
    of_record = (one for one in known if one not in overrides)
    return Result(kept, screens, _in_force((*of_record, *kept), request))


def _goes(override: Override, sequence: str, second: int) -> bool:
    """Whether it is over, or holds and is meant; what begins later was planned, and stays."""
    if override.until is not None and override.until <= second:
        return True
    return override.start <= second and sequence in ("", override.sequence)


def _block(screens: tuple[Screen, ...], request: Request) -> tuple[tuple[Screen, ...], str]:
    caller = request.last_caller
    if caller is None:
        return screens, "No last caller"
    if not e164.is_number(caller):
        return screens, "Last caller withheld the number"
    pattern = Pattern(caller)
    listed = {entry.action is Treatment.ALLOW for entry in request.screens
              if entry.pattern == pattern}
    if True in listed:  # allow beats block, so it would have no effect
        return screens, f"Not blocked, {caller} is on the allow list"
    if listed:
        return screens, f"Blocked {caller}"
    if len(screens) >= MAX_BLOCKED:
        return screens, f"Not blocked, {MAX_BLOCKED} callers are"
    return (*screens, Screen(pattern, Treatment.REJECT)), f"Blocked {caller}"


def _in_force(overrides: tuple[Override, ...], request: Request) -> str:
    now, zone = request.now, request.timetable.zone
    held = schedule.override_at(overrides, int(now.timestamp()))
    if held is None:
        return AS_SCHEDULED
    if held.until is None:
        return f"{_safe(held.sequence)} {FOR_EVER}"
    end = datetime.fromtimestamp(held.until, zone)
    ahead = timedelta(seconds=held.until - now.timestamp())
    day = "" if ahead < _DAY else f"{schedule.DAYS[end.weekday()].capitalize()} "
    if ahead > 6 * _DAY:
        day = f"{end:%Y-%m-%d} "
    return f"{_safe(held.sequence)} until {day}{end:%H:%M}"


def _safe(name: str) -> str:
    """A name as a telephone can show it, without what SIP or a display could take for more."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = _UNSAFE.sub(" ", plain).strip()[:_MAX_NAME].strip() or "override"
    return words[0].upper() + words[1:]


def _next_time(minute: int, zone: ZoneInfo, second: int) -> int:
    at = second - second % 60
    before = _wall_clock(at, zone)
    while True:
        at += 60
        after = _wall_clock(at, zone)
        due = before.replace(hour=minute // 60, minute=minute % 60)
        if due <= before:
            due += _DAY
        if due <= after:
            return at
        before = after


def _wall_clock(second: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(second, zone).replace(tzinfo=None)
