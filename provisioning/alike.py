# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers that differ by digits and names alone: what is found in one is found in all of them.

Of a million numbers few are unlike all others; only those are looked into.
"""

from collections.abc import Callable, Hashable

from kemi_routing import targets
from kemi_routing.forwarding import why_skipped
from kemi_routing.model import CLI_OF_CALLER, CLI_OF_NUMBER, Number, Platform
from kemi_routing.targets import VOICEMAIL, Kind
from provisioning.problems import Problems
from provisioning.written import Spot

_NAMED_ALONE = frozenset({Kind.PSTN, Kind.NUMBER, Kind.LINE})
"""Targets whose address is digits or a name."""
_KEPT = 10_000
_MOST_PARTS = 300
"""The record of a number with more of them may be too long because of its names alone."""



class Sound:
    """Looks into numbers, but not into one that is like another in which nothing was found."""

    def __init__(self, find: Callable[[Spot, Number, Platform], None]) -> None:
        """``find`` notes what is wrong with a number, or dubious; whose it is, and what its digits
        and names are, makes no difference to it beyond which of them are the same, and which
        targets are skipped.
        """
        self._find = find
        self._known: set[Hashable] = set()

    def look(self, spot: Spot, number: Number, platform: Platform) -> None:
        """Note what there is to be noted."""
        key = _likeness(number, platform)
        if key in self._known:
            return
        before = _noted(spot.problems)
        self._find(spot, number, platform)
        if _noted(spot.problems) == before and len(key) <= _MOST_PARTS:
            if len(self._known) == _KEPT:
                self._known.clear()
            self._known.add(key)


def _noted(problems: Problems) -> int:
    return len(problems.errors) + len(problems.warnings) + len(problems.notes)


def _likeness(number: Number, platform: Platform) -> tuple[Hashable, ...]:
    """All of a number but what does not matter; an address is the place where it comes first."""
    places: dict[str, int] = {number.number: 0}
    rights = number.rights
    key: list[Hashable] = [
        "/" in number.number, number.owner.isprintable(), len(number.aliases),
        number.timetable, number.mode, number.ring_s, rights, number.on, number.screens,
        number.callers, number.mailbox, number.dial_plan,
        number.cli if number.cli in (CLI_OF_NUMBER, CLI_OF_CALLER) else None,
        why_skipped(VOICEMAIL, rights, platform)]
    for line in number.lines:
        key += (places.setdefault(f"line {line.name}", len(places)), line.max_phones,
                targets.is_name(line.name))
    for one in number.sequences:
        key += (one.name, one.mode, one.on, len(one.steps))
        for step in one.steps:
            key.append(len(step))
            for ring in step:
                target = ring.target
                name = f"line {target.address}" if target.kind is Kind.LINE else target.address
                key += (target.kind, ring.ring_s, ring.label, ring.delay_s, ring.confirm,
                        name if target.kind not in _NAMED_ALONE else
                        places.setdefault(name, len(places)),
                        why_skipped(target, rights, platform) is None)
    return tuple(key)
