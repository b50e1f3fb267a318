# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers, calls and times for tests, in the words in which a subscriber writes them."""

from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kemi_routing import schedule, targets, trunks
from kemi_routing.model import (
    Call,
    Continuations,
    Line,
    Number,
    Outcome,
    Platform,
    Ring,
    Sequence,
    Step,
)
from kemi_routing.permissions import Rights
from kemi_routing.plan import END, Planned, PlannedStep
from kemi_routing.schedule import Holiday, Window
from kemi_routing.targets import Kind
from kemi_routing.trunks import Asserts, Trunk

PERSONAL = "42027777100"
MOBILE = "42073723123"
OFFICE = "49115234567"
PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday in winter time, when the files of tests are written."""
DESK = Line("jana-desk")
SOFT = Line("jana-soft")

JANAS = Number(PERSONAL, "acme/jana", PRAGUE, aliases=(MOBILE,), lines=(DESK,),
               rights=Rights(voicemail=True, forward_external=True))


def number(**fields: Any) -> Number:
    """Jana's number: one line, one alias, both permissions, no schedule; and what is changed.

    Fields of her rights stand among the others.
    """
    rights = {one.name: fields.pop(one.name) for one in dataclass_fields(Rights)
              if one.name in fields}
    return replace(JANAS, rights=replace(JANAS.rights, **rights), **fields)


def call(**fields: Any) -> Call:
    """A call that a trusted trunk hands over from a number that Jana does not own."""
    return replace(Call(ani="42075553333", asserted=True), **fields)


def step(*texts: str, ring_s: int = 20) -> Step:
    """Targets that ring together."""
    return tuple(Ring(targets.parse(text), ring_s) for text in texts)


def sequence(name: str, *steps: Step, **fields: Any) -> Sequence:
    """Steps in order."""
    return Sequence(name, steps, **fields)


def on(**names: str) -> Continuations:
    """Continuations: the outcome as it is written -> the name of a sequence."""
    return tuple((Outcome(outcome), name) for outcome, name in names.items())


def window(days: str, hours: str, name: str = "office", first: str = "", last: str = "") -> Window:
    """``window("mon-fri", "08:00-18:00")``; with dates it is a dated window."""
    start, end = hours.split("-")
    return Window(schedule.parse_days(days), *schedule.parse_hours(start, end), name,
                  date.fromisoformat(first) if first else None,
                  date.fromisoformat(last) if last else None)


def holiday(day: str, name: str, title: str = "", hours: str = "00:00-24:00") -> Holiday:
    """``holiday("2026-12-24", "closed", "Christmas Eve")``."""
    start, end = hours.split("-")
    return Holiday(date.fromisoformat(day), name, title, *schedule.parse_hours(start, end))


def planned(*texts: str, ring_s: int = 20, then: int = END, end: int = END, **on: int,
            ) -> PlannedStep:
    """A step of a plan; ``busy=2`` continues there when it was busy. Lines are the owner's."""
    parsed = [targets.parse(text) for text in texts]
    return PlannedStep(
        tuple(Planned(one, ring_s, own=one.kind is Kind.LINE) for one in parsed), then, end,
        tuple((Outcome(outcome), index) for outcome, index in on.items()))


def outcomes(text: str) -> tuple[Outcome, ...]:
    """``outcomes("busy no_answer")``."""
    return tuple(map(Outcome, text.split()))


def at(text: str, zone: ZoneInfo = PRAGUE) -> datetime:
    """The instant of a wall-clock time; of two, the first."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def trunk(*froms: str, asserts: Asserts = Asserts.PAI, **fields: Any) -> Trunk:
    """The trunk of these addresses and networks, named after the first one unless given."""
    fields = {"name": froms[0], **fields}
    return Trunk(asserts, sources=tuple(map(trunks.source, froms)), **fields)


PLATFORM = Platform("followme.local", frozenset({"sip.example.net"}), iax_gateway=False)
NO_MEDIA = Platform("followme.local", media_server=False)
MONDAY_NOON = at("2026-03-02 12:00")
