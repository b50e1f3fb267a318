# SPDX-License-Identifier: GPL-2.0-or-later
"""Temporary overrides as a person sets, lists and clears them (SPEC S7)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kemi_routing import feature_codes, record, schedule
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Number
from kemi_routing.record import State
from kemi_routing.redis import keys
from kemi_routing.schedule import Override
from provisioning.moments import FORMS, NoTime, moment
from provisioning.problems import Refused, suggest
from provisioning.storage import Change, Storage, seen
from provisioning.stored import read_number, read_state

_ENDS = f"8 hours, next window, for ever, or a time: {FORMS}"

IN_FORCE, BENEATH, PLANNED, ENDED = "in force", "beneath another one", "planned", "ended by this"
"""Status of an override."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for, in the texts of the command; all empty: to see what there is."""

    sequence: str = ""
    start: str = ""
    """A time; empty: now."""
    until: str = ""
    """A time, or what ``feature_codes.parse_end`` takes."""
    clear: bool = False
    """End all that was set; vacations stand in the file and stay."""


@dataclass(frozen=True, slots=True)
class Found:
    """A number as its file has it, what was set beside it, and both as they stand in the store."""

    number: Number
    state: State
    stored: dict[str, bytes]

    @property
    def in_force(self) -> Number:
        """The number as calls meet it."""
        return self.state.applied_to(self.number)


def find(digits: str, storage: Storage) -> Found:
    """The number and its state; raises Refused where nobody owns it."""
    key, state_key = keys.number(digits), keys.state(digits)
    stored = storage.read([key, state_key])
    number = read_number(stored, digits)
    if number is None:
        raise Refused(f"{digits}: its record cannot be read; apply its file first"
                      if key in stored else f"{digits}: nobody owns this number")
    return Found(number, read_state(stored, digits), stored)


def change(found: Found, wish: Wish, now: datetime) -> Change | None:
    """The change that is wished for, None for none; raises Refused."""
    if wish.clear:
        if wish.sequence:
            raise Refused("--clear ends all that was set; it takes no SEQUENCE")
        return _change(found, replace(found.state, overrides=()))
    if not wish.sequence:
        if wish.until or wish.start:
            raise Refused("--until and --from need the SEQUENCE that they put in force")
        return None
    return _change(found, with_override(found.number, found.state, wish, now))


def after(found: Found, made: Change) -> Found:
    """As it is once that change is made."""
    return replace(found, state=read_state(made.sets, found.number.number))


def with_override(of: Number, state: State, wish: Wish, now: datetime) -> State:
    """The state of a number once the override is set; what can hold no more is left out."""
    number = state.applied_to(of)
    begin = moment(wish.start, number.zone, now, now)
    new = Override(
        known_sequence(number, wish.sequence), _set_at(number, now),
        int(begin.timestamp()) if wish.start else 0, _end(number, wish.until, now, max(begin, now)))
    left = [one for one in state.overrides if not _is_over(one, now) and not _hides(new, one)]
    return replace(state, overrides=(*left, new))


def rows(number: Number, now: datetime) -> list[dict[str, Any]]:
    """The overrides that are not over, the one in force first; ISO times of the number's zone."""
    held = schedule.override_at(number.overrides, now.timestamp())
    left = [one for one in number.overrides if not _is_over(one, now)]
    left.sort(key=lambda one: (one is not held, -one.set_at))
    return [_row(one, number, now, IN_FORCE if one is held else BENEATH) for one in left]


def ended(before: Number, after: Number, now: datetime) -> list[dict[str, Any]]:
    """As ``rows``: those that a change of the number has ended before their time."""
    return [_row(one, before, now, "") | {"status": ENDED} for one in before.overrides
            if one not in after.overrides and not _is_over(one, now)]


def line(row: dict[str, Any]) -> str:
    """One of ``rows`` for people: until when and since when."""
    end = f"until {_short(row['until'])}" if row["until"] else "for ever"
    begin = "from" if row["status"] == PLANNED else "since"
    days = f" ({row['days']} days)" if row["days"] > 1 else ""
    return (f"{row['sequence']} {end}, {begin} {_short(row['from'])}{days}, {row['status']}"
            + f": {row['name']}" * bool(row["name"]))


def known_sequence(number: Number, name: str) -> str:
    """The name of one of its sequences; raises Refused for any other."""
    names = [one.name for one in number.sequences]
    if name in names:
        return name
    raise Refused(f"{number.number} has no sequence {name!r}; {suggest(name, names)}")


def _row(one: Override, number: Number, now: datetime, status: str) -> dict[str, Any]:
    def iso(second: int) -> str:
        return datetime.fromtimestamp(second, number.zone).isoformat()

    begins = max(one.start, one.set_at)
    ago = int(now.timestamp()) - begins
    return {"sequence": one.sequence, "name": one.name, "from": iso(begins),
            "until": None if one.until is None else iso(one.until),
            "days": max(0, ago // 86_400),
            "status": PLANNED if one.start > now.timestamp() else status}


def _short(iso: str) -> str:
    return iso[:16].replace("T", " ")


def _set_at(number: Number, now: datetime) -> int:
    """Now, but later than all that was set before, whatever the clock says."""
    return max([int(now.timestamp()), *(one.set_at + 1 for one in number.overrides)])


def _end(number: Number, until: str, now: datetime, begin: datetime) -> int | None:
    if not until:
        raise Refused(f"--until is missing; write {_ENDS}")
    try:
        words = feature_codes.parse_end(until)
    except InvalidValue:
        end: int | None = _time(until, number, now, begin)
    else:
        end = feature_codes.ends_at(words, number.timetable, begin)
        if end is None and words != feature_codes.FOR_EVER:
            raise Refused(f"{number.number} has no next window; write a time, or: for ever")
    if end is not None and end <= begin.timestamp():
        raise Refused(f"{until} is over before the override begins")
    return end


def _time(until: str, number: Number, now: datetime, begin: datetime) -> int:
    try:
        return int(moment(until, number.zone, now, begin).timestamp())
    except NoTime:
        raise Refused(f"--until {until!r} is no end; write {_ENDS}") from None


def _is_over(one: Override, now: datetime) -> bool:
    return one.until is not None and one.until <= now.timestamp()


def _hides(new: Override, one: Override) -> bool:
    """Whether the older one can never win again."""
    ends_first = new.until is None or (one.until is not None and one.until <= new.until)
    return new.start <= one.start and ends_first


def _change(found: Found, state: State) -> Change:
    number, digits = found.number, found.number.number
    key = keys.state(digits)
    expects = {name: frozenset([seen(found.stored.get(name))])
               for name in (keys.number(digits), key)}
    if state == State():
        return Change("override", digits, number.owner, "removed", expects=expects, deletes=(key,))
    return Change("override", digits, number.owner, "changed", expects=expects,
                  sets={key: record.encode_state(state)})
