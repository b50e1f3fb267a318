# SPDX-License-Identifier: GPL-2.0-or-later
"""Patterns of callers, and the lists that let them in or keep them out (SPEC P4).

The longest pattern wins: a whole number, then prefixes by their length, then ``anonymous`` and
``unverified``, then ``*``. Of equals allow beats block, else the first wins. Numbers can be forged:
where ``unverified`` is blocked, no allowed number helps an unverified caller.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kemi_routing import e164
from kemi_routing.errors import InvalidValue

ANONYMOUS = "anonymous"
UNVERIFIED = "unverified"
ALL = "*"

_PREFIX = re.compile(r"[1-9][0-9]{0,13}", re.ASCII)
_RANKS = {ANONYMOUS: 0, UNVERIFIED: 0, ALL: -1}
_RANK_OF_NUMBER = 16
"""More than any prefix has digits."""

Reasons = tuple[tuple[str, str], ...]
"""What lost, and why, in words."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Callers by number: ``42075553333``, by prefix: ``42075*``, ``*`` for all; or by what is
    known of them: ``anonymous``, ``unverified``. ``text`` is the written form.
    """

    text: str


class Action(StrEnum):
    """What happens to a caller on a list."""

    ALLOW = "allow"
    REJECT = "reject"
    VOICEMAIL = "voicemail"
    ANNOUNCEMENT = "announcement"
    SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True)
class Screen:
    """An entry of the allow or block list; ``name`` is that of the announcement or sequence."""

    pattern: Pattern
    action: Action
    name: str = ""


@dataclass(frozen=True, slots=True)
class CallerRule:
    """Callers that get a sequence of their own."""

    pattern: Pattern
    sequence: str


def pattern(text: str) -> Pattern:
    """The pattern that a person writes: ``+420 755 533 33``, ``42075*``, ``*``, ``anonymous``,
    ``unverified``. Raises InvalidValue that names the right form.
    """
    written = text.strip().lower()
    if written in _RANKS:
        return Pattern(written)
    if not written.endswith(ALL):
        return Pattern(_whole_number(text))
    digits = e164.without_separators(written[:-1]).removeprefix("+")
    if _PREFIX.fullmatch(digits):
        return Pattern(digits + ALL)
    right = digits.lstrip("0")
    raise InvalidValue(f"{text!r} is not a prefix of callers; write 1 to 14 digits, the country "
                       f"code first, and *: {right if _PREFIX.fullmatch(right) else 42075}*")


def holds(pattern: Pattern, ani: str | None, anonymous: bool, verified: bool) -> bool:
    """Whether the caller is one of these. A number is compared whole or from its start."""
    text = pattern.text
    if text == ANONYMOUS:
        return anonymous
    if text == UNVERIFIED:
        return not verified
    if text.endswith(ALL):
        return text == ALL or (ani is not None and ani.startswith(text[:-1]))
    return ani == text


def screen(screens: Sequence[Screen], ani: str | None, anonymous: bool, verified: bool,
           ) -> tuple[Screen | None, Reasons]:
    """The block entry that applies to this caller, or None where he is let in; and the entries
    that hold for him and lost.
    """
    holding = [entry for entry in screens if holds(entry.pattern, ani, anonymous, verified)]
    if not holding:
        return None, ()
    forgeable = any(map(_blocks_unverified, holding))
    useless = [entry for entry in holding if forgeable and _allows_number(entry)]
    entries = [entry for entry in holding if entry not in useless]
    won = max(entries, key=_strength)
    reasons = (*((_name(entry), "an allowed number does not help an unverified caller")
                 for entry in useless), *_beaten(entries, won))
    return None if won.action is Action.ALLOW else won, reasons


def caller_rule(rules: Sequence[CallerRule], ani: str | None, anonymous: bool, verified: bool,
                ) -> tuple[CallerRule | None, Reasons]:
    """The rule for this caller, or None; and the rules that hold for him and lost. A number needs
    no verification here.
    """
    holding = [rule for rule in rules if holds(rule.pattern, ani, anonymous, verified)]
    if not holding:
        return None, ()
    won = max(holding, key=lambda rule: _rank(rule.pattern))
    return won, _beaten(holding, won)


def first_conflict(entries: Sequence[Screen | CallerRule]) -> tuple[int, int, str] | None:
    """The indexes of two entries with one pattern, and what is wrong with that."""
    seen: dict[Pattern, int] = {}
    for index, entry in enumerate(entries):
        first = seen.setdefault(entry.pattern, index)
        if first != index:
            return first, index, _conflict(entries[first], entry)
    return None


def _whole_number(text: str) -> str:
    try:
        return e164.normalise(text)
    except InvalidValue as error:
        raise InvalidValue(f"{error}; or 42075* for all that start so, * for all callers, "
                           f"{ANONYMOUS}, {UNVERIFIED}") from error


def _rank(pattern: Pattern) -> int:
    text = pattern.text
    if text in _RANKS:
        return _RANKS[text]
    return len(text) - 1 if text.endswith(ALL) else _RANK_OF_NUMBER


def _strength(entry: Screen) -> tuple[int, bool]:
    return _rank(entry.pattern), entry.action is Action.ALLOW


def _allows_number(entry: Screen) -> bool:
    return entry.action is Action.ALLOW and _rank(entry.pattern) > 0


def _blocks_unverified(entry: Screen) -> bool:
    return entry.action is not Action.ALLOW and entry.pattern.text == UNVERIFIED


def _beaten(entries: Sequence[Screen | CallerRule], won: Screen | CallerRule) -> Reasons:
    return tuple((_name(entry), f"{_name(won)} {_advantage(won, entry)}")
                 for entry in entries if entry is not won)


def _advantage(won: Screen | CallerRule, lost: Screen | CallerRule) -> str:
    if _rank(won.pattern) > _rank(lost.pattern):
        return "is more exact"
    return "comes first" if _list_of(won) == _list_of(lost) else "lets him in"


def _conflict(one: Screen | CallerRule, other: Screen | CallerRule) -> str:
    first, second = _list_of(one), _list_of(other)
    if first == second:
        return f"{one.pattern.text} stands twice in {first}; keep one"
    return f"{one.pattern.text} stands in {first} and in {second}; keep one"


def _list_of(entry: Screen | CallerRule) -> str:
    if isinstance(entry, CallerRule):
        return "callers"
    return "allow" if entry.action is Action.ALLOW else "block"


def _name(entry: Screen | CallerRule) -> str:
    return f"{_list_of(entry)} {entry.pattern.text}"
