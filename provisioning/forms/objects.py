# SPDX-License-Identifier: GPL-2.0-or-later
"""A file as JSON lines, an object for each number; subscribers without numbers stand in none.

What a subscriber has beside his numbers stands with the first of them, as rows are joined.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from kemi_routing import dialplan
from provisioning import fitting, shape
from provisioning.columns import Headers
from provisioning.kept import NUMBERS
from provisioning.organisation import read_dial_plan
from provisioning.problems import Problems
from provisioning.written import Spot, Written


@dataclass(frozen=True, slots=True)
class Place:
    """A number of a file."""

    organisation: str
    subscriber: str
    number: str
    """As a row writes it."""
    own: Written
    """What stands below it."""
    common: dict[str, Written]
    """What its subscriber has beside numbers, where it is the first one."""


def numbers(tree: Written) -> Iterator[Place]:
    """The numbers of an organisation's file which has no errors, in order."""
    digits = _reader(tree)
    for name, subscriber in _subscribers(tree).items():
        common = {key: one for key, one in subscriber.content.items() if key not in NUMBERS}
        for kind in NUMBERS:
            for key, own in _below(subscriber, kind).items():
                # A row would take short digits for an extension.
                is_short = kind == "numbers" and dialplan.is_extension(key)
                yield Place(tree.content["organisation"].content, name,
                            digits(key) if is_short else key, own, common)
                common = {}


def text(trees: Iterable[Written], headers: Headers = Headers()) -> str:
    """The lines of files which have no errors; raises Refused for headers by which they would be
    read wrong.
    """
    return "".join(map(partial(_line, headers), chain.from_iterable(map(numbers, trees))))


def _line(headers: Headers, place: Place) -> str:
    row: dict[str, Any] = {
        "organisation": place.organisation, "subscriber": place.subscriber, "number": place.number}
    row |= {key: one.plain() for key, one in (place.common | place.own.content).items()}
    return json.dumps({headers.theirs(key): one for key, one in row.items()},
                      ensure_ascii=False) + "\n"


def without_numbers(tree: Written) -> dict[str, Any]:
    """The subscribers that stand in no line, as they are written."""
    return {name: one.plain() for name, one in _subscribers(tree).items()
            if not any(_below(one, kind) for kind in NUMBERS)}


def _reader(tree: Written) -> Callable[[str], str]:
    problems = Problems()
    written = tree.content.get("dial_plan")
    found = fitting.read(shape.DialPlan, written, problems) if written else None
    plan = read_dial_plan(Spot(tree, problems), found or shape.DialPlan(), frozenset())
    return lambda number: f"+{dialplan.read(plan, number)}"


def _subscribers(tree: Written) -> dict[str, Written]:
    return _below(tree, "subscribers")


def _below(written: Written, key: str) -> dict[str, Written]:
    found = written.content.get(key)
    return found.content if found and isinstance(found.content, dict) else {}
