# SPDX-License-Identifier: GPL-2.0-or-later
"""What a registered line dials: feature codes (SPEC S8, P4) and digits (SPEC P3)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kemi_routing import dialplan, feature_codes
from kemi_routing.feature_codes import AS_SCHEDULED, FeatureCode, Request
from kemi_routing.ksr.edge import Memory
from kemi_routing.model import DEFAULT_RING_S, Number
from kemi_routing.plan import Account, Plan, Planned, PlannedStep
from kemi_routing.record import LineRecord, State
from kemi_routing.targets import Kind, Target

ON, OFF, UNCHANGED = "feature-on", "feature-off", "feature-unchanged"
"""Announcements that confirm a code where a media server is set."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the caller is told: words fit for a SIP reason phrase, and an announcement's name."""

    number: str
    words: str
    announcement: str


def readings(line: LineRecord, dialled: str) -> tuple[str, ...]:
    """Keys of the numbers that the digits can stand for; the first that there is counts."""
    return dialplan.readings(line.dial_plan, line.owner.partition("/")[0], dialled)


def perform(records: Memory, line: LineRecord, code: FeatureCode, behind: str, now: datetime,
            ) -> Confirmation:
    """Do what a code says, for the line's main number or the one dialled ``behind`` the code.

    Raises StoreUnavailable or BrokenRecord where it could not be stored.
    """
    wanted = readings(line, behind) if behind else (line.number,) if line.number else ()
    for key in wanted:
        done = records.change_state(key, _change(line, code, now))
        if done is not None:
            return done
    return Confirmation(behind, "Not your number", UNCHANGED)


def announcing(line: LineRecord, done: Confirmation) -> Plan:
    """The plan of a call that hears the confirmation from the media server."""
    target = Planned(Target(Kind.ANNOUNCEMENT, done.announcement), DEFAULT_RING_S, why=done.words)
    return Plan((Account(done.number, line.owner),), (PlannedStep((target,)),), rule="feature code")


def _change(line: LineRecord, code: FeatureCode, now: datetime,
            ) -> Callable[[Number, State, str | None], tuple[State, Confirmation]]:
    def change(number: Number, state: State, last_caller: str | None,
               ) -> tuple[State, Confirmation]:
        if number.owner != line.owner:
            return state, Confirmation(number.number, "Not your number", UNCHANGED)
        names = frozenset(one.name for one in number.sequences)
        result = feature_codes.apply(code, state.overrides, state.screens, Request(
            number.timetable, names, number.screens, last_caller, now, f"line {line.name}"))
        after = State(result.overrides, result.screens)
        heard = ON if after != state else UNCHANGED
        return after, Confirmation(number.number, result.words,
                                   OFF if result.words == AS_SCHEDULED else heard)
    return change
