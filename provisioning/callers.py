# SPDX-License-Identifier: GPL-2.0-or-later
"""Allow and block lists, and rules by caller, as they are written (SPEC P4)."""

from collections.abc import Callable
from typing import TypeVar

from kemi_routing import dialplan, e164, screening, targets
from kemi_routing.errors import InvalidValue
from kemi_routing.screening import Action, CallerRule, Pattern, Screen
from provisioning import shape
from provisioning.organisation import Organisation
from provisioning.problems import suggest
from provisioning.written import Spot

T = TypeVar("T", Screen, CallerRule)

Known = Callable[[str], str]
"""Reads the name of a sequence."""

_NAMED = (Action.ANNOUNCEMENT, Action.SEQUENCE)
_ACTIONS = ("reject", "voicemail", "announcement NAME", "sequence NAME")


def screens(spot: Spot, written: shape.Number, organisation: Organisation, known: Known,
            ) -> tuple[Screen, ...]:
    """The allow list and the block list of a number."""
    found: list[tuple[Screen, Spot]] = []
    for index, text in enumerate(written.allow):
        where = spot / "allow" / index
        if allowed := where.read(pattern, text, organisation):
            found.append((Screen(allowed, Action.ALLOW), where))
    for index, one in enumerate(written.block):
        where = spot / "block" / index
        blocked = where.required(
            "from", one.callers, lambda text: pattern(text, organisation), "42075*")
        action, name = where.optional("action", one.action, lambda text: _action(text, known),
                                      (Action.REJECT, ""))
        if blocked:
            found.append((Screen(blocked, action, name), where / "from"))
    return tuple(_each_once(found))


def rules(spot: Spot, written: list[shape.CallerRule], organisation: Organisation, known: Known,
          ) -> tuple[CallerRule, ...]:
    """The sequences that callers get."""
    found: list[tuple[CallerRule, Spot]] = []
    for index, one in enumerate(written):
        where = spot / index
        name = where.required("sequence", one.sequence, known, "NAME")
        if not one.callers:
            where.error("from is missing; write  from: [42075553333, 42077*]")
        for position, text in enumerate(one.callers):
            place = where / "from" / position
            if callers := place.read(pattern, text, organisation):
                found.append((CallerRule(callers, name or ""), place))
    return tuple(_each_once(found))


def pattern(text: str, organisation: Organisation) -> Pattern:
    """The callers that a person names, short forms in full (SPEC P3)."""
    written = text.strip()
    if written.endswith("*"):
        start = e164.without_separators(written[:-1])
        return screening.pattern(
            (dialplan.without_prefix(organisation.plan, start) or start) + "*")
    if written[:1] in "+(" or written[:1].isdigit():
        return Pattern(organisation.digits(written))
    return screening.pattern(written)


def _action(text: str, known: Known) -> tuple[Action, str]:
    word, _, name = text.strip().partition(" ")
    if text in (Action.REJECT, Action.VOICEMAIL):
        return Action(text), ""
    if word in _NAMED and (name := name.strip()):
        action = Action(word)
        return action, known(name) if action is Action.SEQUENCE else targets.parse(text).address
    raise InvalidValue(f"there is no action {text!r}; {suggest(text, _ACTIONS)}")


def _each_once(found: list[tuple[T, Spot]]) -> list[T]:
    """The entries, each pattern once: a second one is noted as an error."""
    left = list(found)
    while conflict := screening.first_conflict([entry for entry, _ in left]):
        first, second, what = conflict
        left[second][1].error(f"{what} ({left[first][1].line})")
        del left[second]
    return [entry for entry, _ in left]
