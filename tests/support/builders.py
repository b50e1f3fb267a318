# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers, calls and times for tests, in the words in which a subscriber writes them."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from kemi_routing import schedule, targets
from kemi_routing.hunt import Outcome
from kemi_routing.model import Call, Line, Number, Ring, Sequence, Step
from kemi_routing.plan import Planned, PlannedStep
from kemi_routing.schedule import Window

PERSONAL = "42027777100"
MOBILE = "42073723123"
OFFICE = "49115234567"
PRAGUE = ZoneInfo("Europe/Prague")
DESK = Line("jana-desk")
SOFT = Line("jana-soft")

JANAS = Number(PERSONAL, "acme/jana", PRAGUE, aliases=(MOBILE,), lines=(DESK,),
               voicemail=True, forward_external=True)


def number(**fields: Any) -> Number:
    """Jana's number: one line, one alias, both permissions, no schedule; and what is changed."""
    return replace(JANAS, **fields)


def call(**fields: Any) -> Call:
    """A call that a trusted trunk hands over from a number that Jana does not own."""
    return replace(Call(ani="42075553333", asserted=True), **fields)


def step(*texts: str, ring_s: int = 20) -> Step:
    """Targets that ring together."""
    return tuple(Ring(targets.parse(text), ring_s) for text in texts)


def sequence(name: str, *steps: Step, **fields: Any) -> Sequence:
    """Steps in order."""
    return Sequence(name, steps, **fields)


def window(days: str, hours: str, name: str = "office") -> Window:
    """``window("mon-fri", "08:00-18:00")``."""
    start, end = hours.split("-")
    return Window(schedule.parse_days(days), *schedule.parse_hours(start, end), name)


def planned(*texts: str, ring_s: int = 20) -> PlannedStep:
    """A step of a plan."""
    return tuple(Planned(targets.parse(text), ring_s) for text in texts)


def outcomes(text: str) -> tuple[Outcome, ...]:
    """``outcomes("busy no_answer")``."""
    return tuple(map(Outcome, text.split()))


def at(text: str, zone: ZoneInfo = PRAGUE) -> datetime:
    """The instant of a wall-clock time; of two, the first."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)
