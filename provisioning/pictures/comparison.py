# SPDX-License-Identifier: GPL-2.0-or-later
"""What a change does to a number, in pictures: its week and its flows, before and after."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from kemi_routing import timeline
from kemi_routing.explain import Explained
from kemi_routing.model import Number
from kemi_routing.settings import Settings
from provisioning import preview
from provisioning.pictures import flow, flow_svg, flow_text, svg, week, week_svg, week_text
from provisioning.pictures.flow import Flow
from provisioning.pictures.svg import Picture
from provisioning.pictures.week import Week
from provisioning.preview import Numbers

HORIZON = timedelta(days=731)
"""So far ahead another rule is looked for, if none is there in the week of now."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number before and after a change, as far as pictures of it differ."""

    number: str
    weeks: tuple[Week, Week] | None
    flows: tuple[tuple[Explained | None, Explained | None], ...]
    """Of each sequence that is not what it was; None where there is no such sequence."""


def of(versions: tuple[Number, Number], now: datetime, numbers: tuple[Numbers, Numbers],
       settings: Settings) -> Comparison | None:
    """How a number differs from what it was, where the numbers of ours were and are these; None
    where no picture of it does.
    """
    weeks, flows = (_weeks(versions, now, numbers, settings),
                    tuple(_flows(versions, now, numbers, settings)))
    return Comparison(versions[0].number, weeks, flows) if weeks or flows else None


def as_dict(one: Comparison) -> dict[str, Any]:
    """For programs: ``week`` as ``followme week`` has it, or None, and each of ``flows`` as
    ``followme flow``.
    """
    def both(before: object, after: object) -> dict[str, object]:
        return {"before": before, "after": after}

    return {"number": one.number,
            "week": both(*map(week.as_dict, one.weeks)) if one.weeks else None,
            "flows": [both(*pair) for pair in one.flows]}


def as_text(one: Comparison) -> str:
    """Week and flows as text, an empty line between any two."""
    weeks = [week_text.before_and_after(*one.weeks)] if one.weeks else []
    return "\n\n".join([*weeks, *(flow_text.before_and_after(*pair) for pair in _drawn(one))])


def picture(each: Iterable[Comparison]) -> Picture:
    """Week and flows of all these numbers as one picture."""
    parts = [part for one in each for part in _pictures(one)]
    return svg.above([(part.title, part) for part in parts],
                     "What a plan changes: weeks and flows before and after")


def _pictures(one: Comparison) -> Iterator[Picture]:
    if one.weeks:
        yield week_svg.before_and_after(*one.weeks)
    yield from (flow_svg.before_and_after(*pair) for pair in _drawn(one))


def _drawn(one: Comparison) -> Iterator[tuple[Flow | None, Flow | None]]:
    for before, after in one.flows:
        yield before and flow.of(before), after and flow.of(after)


def _weeks(versions: tuple[Number, Number], now: datetime, numbers: tuple[Numbers, Numbers],
           settings: Settings) -> tuple[Week, Week] | None:
    """The week of now, or the first one in which another rule holds; None: there is none."""
    old, new = versions
    local = now.astimezone(new.zone)
    monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0)
    first = _first_difference(old, new, monday)
    if first is None:
        return None
    later = first >= monday + timedelta(days=7)
    before, after = (week.of(one, first if later else now, known, settings)
                     for one, known in zip(versions, numbers, strict=True))
    if not later:
        return before, after
    return replace(before, mark=week.CHANGE), replace(after, mark=week.CHANGE)


def _first_difference(old: Number, new: Number, start: datetime) -> datetime | None:
    """The first instant from ``start`` on at which another rule holds than before."""
    if old.timetable == new.timetable:
        return None
    both = (timeline.segments(one.timetable, start, start + HORIZON) for one in (old, new))
    for was, now in zip_longest(*both):
        found = [one for one in (was, now) if one]
        if len({(one.start, one.applied.rank, one.applied.text, one.applied.sequence)
                for one in found}) > 1 or len(found) == 1:
            return min(one.start for one in found)
    return None


def _flows(versions: tuple[Number, Number], now: datetime, numbers: tuple[Numbers, Numbers],
           settings: Settings) -> Iterator[tuple[Explained | None, Explained | None]]:
    """Those that differ: of each sequence, and of none where gaps lead to none both ways."""
    names: list[set[str | None]] = [{each.name for each in one.sequences} for one in versions]
    if not any(one.default for one in versions):
        names = [one | {None} for one in names]
    for name in sorted(names[0] | names[1], key=lambda one: one or ""):
        before, after = (
            preview.with_sequence(one, name, now, known, settings) if name in named else None
            for one, known, named in zip(versions, numbers, names, strict=True))
        if _seen(before) != _seen(after):
            yield before, after


def _seen(explained: Explained | None) -> Flow | None:
    """What its picture shows, whatever the revision."""
    return explained and replace(flow.of(explained), title="")
