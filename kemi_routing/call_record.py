# SPDX-License-Identifier: GPL-2.0-or-later
"""Call records as workers put them down (SPEC C1): one short text per thing that happened.

The decision, the end of the set-up, each second pass and the BYE are entries of their own, since
they happen in different processes; ``call_story`` joins those of a Call-ID. Times are UTC epoch
milliseconds, offsets from ``received_ms`` within a call. An entry is ASCII without line ends.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from kemi_routing import rules
from kemi_routing import trail as trails
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Call
from kemi_routing.plan import Plan, PlannedStep, Remark
from kemi_routing.plan_codec import Hunt
from kemi_routing.targets import is_number_key
from kemi_routing.trail import Trail

_DECIDED, _ENDED, _PART, _HUNG_UP = "c1", "e1", "p1", "b1"
"""Kinds with their version."""
MAX_TEXT = 256
"""Characters of what a caller chooses: Call-ID, dialled number; and of why a call was refused."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Said:
    """A final answer of our own, before anything rang."""

    status: int
    why: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that came in."""

    call: Call
    call_id: str
    received_ms: int
    dialled: str
    """The user part of the Request-URI as received."""
    via: str
    """The trunk or line that called."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A call came in and was decided, or refused."""

    call_id: str
    received_ms: int
    dialled: str
    via: str
    ani: str
    anonymous: bool
    grade: str
    """Of the caller's identity, A to D (SPEC V2)."""
    number: str
    """The number that was called; of a call outside the one for which it is made."""
    owner: str
    rule: str
    revision: int
    """Of the settings that decided."""
    concerns: tuple[str, ...]
    """Keys of all numbers of ours in whose lists the call stands."""
    skipped: tuple[Remark, ...] = ()
    handed: tuple[Remark, ...] = ()
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A target that was to ring."""

    target: str
    label: str
    why: str
    ring_s: int
    delay_s: int
    number: str
    """Whose forwarding it is."""
    capped: bool = False
    """A cap kept outside targets of that number from being rung."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The caller got the final answer."""

    number: str
    received_ms: int
    status: int
    after_ms: int
    trail: Trail
    steps: dict[int, tuple[Tried, ...]]
    """The steps that began."""


@dataclass(frozen=True, slots=True)
class Part:
    """A second pass is over."""

    received_ms: int
    trail: Trail


@dataclass(frozen=True, slots=True)
class HungUp:
    """An answered call ended."""

    at_ms: int
    by: str
    """``caller`` or ``callee``."""


Entry = Decided | Ended | Part | HungUp


def name(call_id: str) -> str:
    """What stands for a Call-ID in keys, as far as records have that: 32 hexadecimal digits,
    whatever a caller wrote.
    """
    return sha256(call_id[:MAX_TEXT].encode(errors="surrogateescape")).hexdigest()[:32]


def epoch_ms(at: datetime) -> int:
    """UTC epoch milliseconds of an aware time."""
    return int(at.timestamp() * 1000)


def decided(came: Arrival, plan: Plan, said: Said | None = None) -> str:
    """The entry of a call that was decided; ``said`` where we answered it at once."""
    concerns = dict.fromkeys(one.number for one in plan.accounts)
    if came.call.cli:
        concerns[came.call.cli] = None
    return _encode([
        _DECIDED, *_came(came), plan.number, plan.owner, plan.rule, plan.revision, list(concerns),
        _rows(plan.skipped), _rows(plan.handed), said and _said(said)])


def refused(came: Arrival, number: str, said: Said) -> str:
    """The entry of a call for which no plan could be made; ``number`` is the key of one of ours,
    as far as is known.
    """
    return _encode([_DECIDED, *_came(came), number, "", "", 0, [number], [], [], _said(said)])


def ended(state: Hunt, status: int, after_ms: int, ringing: str = "",
          capped: Sequence[int] = ()) -> str:
    """The entry of the end of a call's set-up; ``ringing`` as ``trail.rang`` writes it, by the
    clock of ``Hunt.began_ms``; ``capped`` are accounts that a cap held back.
    """
    steps = [[index, [_tried(state, step, one, capped) for one in range(len(step.targets))]]
             for index, step in enumerate(state.steps[:len(state.tried) + bool(state.outcomes)])
             if index >= len(state.tried) or state.tried[index]]
    return _encode([_ENDED, state.number, state.received_ms, status, after_ms, steps,
                    *_told(state, ringing)])


def part(state: Hunt, ringing: str = "") -> str:
    """The entry of a second pass that is over."""
    return _encode([_PART, state.received_ms, *_told(state, ringing)])


def hung_up(at_ms: int, by: str) -> str:
    """The entry of a BYE."""
    return _encode([_HUNG_UP, at_ms, by])


def read(text: str) -> Entry:
    """The entry of such a text; raises InvalidValue for any other."""
    try:
        kind, *fields = json.loads(text)
        entry = _READERS[kind](fields)
        if not isinstance(at_ms(entry), int):
            raise TypeError(fields)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise InvalidValue(f"not an entry of a call record: {text[:80]!r}: {error!r}") from None
    return entry


def at_ms(entry: Entry) -> int:
    """When it happened."""
    if isinstance(entry, HungUp):
        return entry.at_ms
    return entry.received_ms + (entry.after_ms if isinstance(entry, Ended) else 0)


def _came(came: Arrival) -> list[Any]:
    call = came.call
    return [came.call_id[:MAX_TEXT], came.received_ms, came.dialled[:MAX_TEXT], came.via,
            call.ani or "", call.anonymous, rules.identity_grade(call)]


def _said(said: Said) -> list[Any]:
    return [said.status, said.why[:MAX_TEXT]]


def _told(state: Hunt, ringing: str) -> tuple[str, str, int]:
    trail = state.trail + (trails.who(state.branches) if state.outcomes else "")
    return trail, ringing, state.began_ms


def _tried(state: Hunt, step: PlannedStep, index: int, capped: Sequence[int]) -> list[Any]:
    one = step.targets[index]
    return [str(one.target), one.label, one.why, one.ring_s, one.delay_s,
            state.accounts[one.account].number,
            one.account in capped and one.target.kind.outside]


def _rows(remarks: Sequence[Remark]) -> list[list[str]]:
    return [[one.what, one.why] for one in remarks]


def _remarks(rows: list[list[str]]) -> tuple[Remark, ...]:
    return tuple(Remark(what, why) for what, why in rows)


def _read_decided(fields: list[Any]) -> Decided:
    *simple, concerns, skipped, handed, said = fields
    others: list[Any] = [tuple(filter(is_number_key, concerns)), _remarks(skipped),
                         _remarks(handed), Said(*said) if said else None]
    return Decided(*[*simple, *others])


def _read_ended(fields: list[Any]) -> Ended:
    number, received_ms, status, after_ms, steps, *told = fields
    return Ended(number, received_ms, status, after_ms, trails.read(*told),
                 {index: tuple(Tried(*one) for one in targets) for index, targets in steps})


def _read_part(fields: list[Any]) -> Part:
    received_ms, *told = fields
    return Part(received_ms, trails.read(*told))


def _read_hung_up(fields: list[Any]) -> HungUp:
    return HungUp(*fields)


_READERS: dict[str, Callable[[list[Any]], Entry]] = {
    _DECIDED: _read_decided, _ENDED: _read_ended, _PART: _read_part, _HUNG_UP: _read_hung_up}
