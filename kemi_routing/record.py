# SPDX-License-Identifier: GPL-2.0-or-later
"""How numbers, their state and lines stand in the store: each one packed array.

Reader and writer share this module. Reading checks every field, so a decoded value can be
routed without further looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from kemi_routing import feature_codes, limits, screening, targets
from kemi_routing.dialplan import NO_PLAN, DialPlan
from kemi_routing.errors import BrokenRecord, InvalidValue
from kemi_routing.feature_codes import FeatureCode
from kemi_routing.model import (
    CLI_OF_CALLER,
    CLI_OF_NUMBER,
    Continuations,
    Line,
    MailboxPolicy,
    Mode,
    Number,
    Outcome,
    Ring,
    Sequence,
    Step,
)
from kemi_routing.packed import pack, unpack
from kemi_routing.permissions import NumberClass, Rights
from kemi_routing.schedule import DAY_MINUTES, Holiday, Override, Window
from kemi_routing.screening import Action, CallerRule, Screen
from kemi_routing.values import (
    Fields,
    read_day,
    read_digits,
    read_each,
    read_flag,
    read_ha1,
    read_ha1_sha256,
    read_integer,
    read_key,
    read_line_name,
    read_number,
    read_phones,
    read_second,
    read_text,
)

_FIELDS_BEFORE_SHA_256 = 7
"""A line that an older program wrote is read: it has no digest by SHA-256."""


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A SIP account: digest secret and whose it is (SPEC N3)."""

    name: str
    owner: str
    ha1: str
    """MD5 of ``name:realm:password`` (RFC 2617 section 3.2.2.2)."""
    number: str
    """The line's main number, its CLI; empty where the owner has none."""
    max_phones: int
    dial_plan: DialPlan = NO_PLAN
    """Its organisation's (SPEC P3)."""
    codes: tuple[FeatureCode, ...] = ()
    ha1_sha256: str = ""
    """The same by SHA-256 (RFC 7616 section 3.4.2); empty where an older program wrote the line."""


@dataclass(frozen=True, slots=True)
class State:
    """What calls and commands set for a number, beside its record (SPEC S7, S8, P4)."""

    overrides: tuple[Override, ...] = ()
    screens: tuple[Screen, ...] = ()

    def applied_to(self, number: Number) -> Number:
        """The number in this state; what names a sequence that it has no more is left out."""
        names = {one.name for one in number.sequences}
        overrides = tuple(one for one in self.overrides if one.sequence in names)
        screens = tuple(one for one in self.screens
                        if one.action is not Action.SEQUENCE or one.name in names)
        return replace(number, overrides=(*number.overrides, *overrides),
                       screens=(*number.screens, *screens))


class Records(Protocol):
    """Where records come from; raises StoreUnavailable or BrokenRecord."""

    def number(self, key: str) -> Number | None:
        """The number in its present state; None where nobody owns it."""

    def numbers(self, wanted: Iterable[str]) -> dict[str, Number]:
        """Those of the numbers that somebody owns."""

    def line(self, name: str) -> LineRecord | None:
        """The line; None where there is none."""


def encode_number(number: Number) -> bytes:
    """The stored form of a number."""
    return pack([
        number.number, number.owner, number.zone.key, number.revision, number.aliases,
        [[line.name, line.max_phones] for line in number.lines],
        number.mode, number.ring_s, list(map(_window_fields, number.windows)),
        [[one.name, one.mode, [list(map(_ring_fields, step)) for step in one.steps], one.on]
         for one in number.sequences],
        number.default, _rights_fields(number.rights), _holiday_fields(number.holidays),
        list(map(_override_fields, number.overrides)), number.on,
        list(map(_screen_fields, number.screens)),
        [[rule.pattern.text, rule.sequence] for rule in number.callers],
        number.cli, number.mailbox,
        None if number.dial_plan == NO_PLAN else _dial_plan_fields(number.dial_plan),
    ])


def decode_number(data: bytes) -> Number:
    """The number of a stored record; raises BrokenRecord that says which field is wrong."""
    fields = Fields(unpack(data), 20)
    number = Number(
        number=fields.take("number", read_key),
        owner=fields.take("owner", read_text),
        zone=fields.take("time zone", ZoneInfo),
        revision=fields.take("revision", read_integer),
        aliases=fields.take("aliases", read_each(read_number)),
        lines=fields.take("lines", read_each(_line)),
        mode=fields.take("mode", Mode),
        ring_s=fields.take("ring time", read_integer),
        windows=fields.take("windows", read_each(_window)),
        sequences=fields.take("sequences", read_each(_sequence)),
        default=fields.take("default", lambda value: None if value is None else read_text(value)),
        rights=fields.take("rights", _rights),
        holidays=fields.take("holidays", _holidays),
        overrides=fields.take("overrides", read_each(_override)),
        on=fields.take("continuations", _continuations),
        screens=fields.take("screening", read_each(_screen)),
        callers=fields.take("rules by caller", read_each(_caller_rule)),
        cli=fields.take("cli", _cli),
        mailbox=fields.take("mailbox", MailboxPolicy),
        dial_plan=fields.take(
            "dial plan", lambda value: NO_PLAN if value is None else _dial_plan(value)),
    )
    try:
        limits.check(number)
    except InvalidValue as error:
        raise BrokenRecord(f"sequences: {error}") from None
    return number


def encode_state(state: State) -> bytes:
    """The stored form of a state."""
    return pack([list(map(_override_fields, state.overrides)),
                  list(map(_screen_fields, state.screens))])


def decode_state(data: bytes) -> State:
    """The state of a stored record; raises BrokenRecord."""
    fields = Fields(unpack(data), 2)
    return State(fields.take("overrides", read_each(_override)),
                 fields.take("screening", read_each(_screen)))


def encode_line(line: LineRecord) -> bytes:
    """The stored form of a line."""
    return pack([
        line.name, line.owner, line.ha1, line.number, line.max_phones,
        _dial_plan_fields(line.dial_plan),
        [[code.code, code.action, code.sequence, code.until] for code in line.codes],
        line.ha1_sha256])


def decode_line(data: bytes) -> LineRecord:
    """The line of a stored record; raises BrokenRecord."""
    values = unpack(data)
    if len(values) == _FIELDS_BEFORE_SHA_256:
        values.append("")
    fields = Fields(values, 8)
    return LineRecord(
        name=fields.take("name", read_line_name), owner=fields.take("owner", read_text),
        ha1=fields.take("ha1", read_ha1),
        number=fields.take("number", lambda value: "" if value == "" else read_key(value)),
        max_phones=fields.take("phones", read_phones),
        dial_plan=fields.take("dial plan", _dial_plan),
        codes=fields.take("feature codes", read_each(_feature_code)),
        ha1_sha256=fields.take("ha1 by SHA-256", read_ha1_sha256))


def _ring_fields(ring: Ring) -> list[Any]:
    return [ring.target.text, ring.ring_s, ring.label, ring.delay_s, ring.confirm]


def _window_fields(one: Window) -> list[Any]:
    return [sorted(one.days), one.start, one.end, one.sequence,
            one.first and one.first.toordinal(), one.last and one.last.toordinal()]


def _override_fields(one: Override) -> list[Any]:
    return [one.sequence, one.set_at, one.start, one.until, one.name]


def _screen_fields(screen: Screen) -> list[Any]:
    return [screen.pattern.text, screen.action, screen.name]


def _rights_fields(rights: Rights) -> list[Any]:
    return [rights.voicemail, rights.forward_external,
            [[row.prefix, row.name, row.allowed] for row in rights.classes],
            rights.max_calls, rights.max_calls_per_hour, rights.follow_redirects,
            rights.outgoing]


def _dial_plan_fields(plan: DialPlan) -> list[Any]:
    return [plan.country, plan.area, plan.trunk_prefix, plan.international_prefix,
            plan.local_digits, plan.emergency]


def _holiday_fields(holidays: Iterable[Holiday]) -> list[Any]:
    """Holidays in a row that differ by their day alone share one entry: a name is written once."""
    def rest(one: Holiday) -> tuple[str, str, int, int]:
        return one.sequence, one.name, one.start, one.end

    return [[*key, [one.day.toordinal() for one in group]]
            for key, group in groupby(sorted(holidays, key=rest), key=rest)]


def _line(value: Any) -> Line:
    name, max_phones = value
    return Line(read_line_name(name), read_phones(max_phones))


def _window(value: Any) -> Window:
    days, start, end, name, first, last = value
    window = Window(frozenset(map(read_integer, days)), read_integer(start), read_integer(end),
                    read_text(name), _day(first), _day(last))
    in_week = window.days and all(1 <= day <= 7 for day in window.days)
    if not (in_week and window.start < DAY_MINUTES and 1 <= window.end <= DAY_MINUTES
            and window.start != window.end):
        raise InvalidValue(f"{value!r} is not a window")
    return window


def _day(value: object) -> date | None:
    return None if value is None else read_day(value)


def _holidays(value: Any) -> tuple[Holiday, ...]:
    holidays = [Holiday(read_day(day), read_text(name), read_text(title),
                        read_integer(start), read_integer(end))
                for name, title, start, end, days in value for day in days]
    if not all(one.start < one.end <= DAY_MINUTES for one in holidays):
        raise InvalidValue("a holiday is a part of a day, from before to")
    return tuple(sorted(holidays, key=lambda one: (one.day, one.start)))


def _override(value: Any) -> Override:
    name, set_at, start, until, title = value
    return Override(read_text(name), read_second(set_at), read_second(start),
                    None if until is None else read_second(until), read_text(title))


def _continuations(value: Any) -> Continuations:
    return tuple((Outcome(outcome), read_text(name)) for outcome, name in value)


def _screen(value: Any) -> Screen:
    pattern, action, name = value
    screen = Screen(screening.pattern(read_text(pattern)), Action(action), read_text(name))
    if screen.action is Action.ANNOUNCEMENT and not targets.is_name(screen.name):
        raise InvalidValue(f"{name!r} is not the name of an announcement")
    return screen


def _caller_rule(value: Any) -> CallerRule:
    pattern, name = value
    return CallerRule(screening.pattern(read_text(pattern)), read_text(name))


def _rights(value: Any) -> Rights:
    voicemail, external, classes, calls, per_hour, follow, outgoing = value
    rows = tuple(NumberClass(read_digits(prefix), read_text(name), read_flag(allowed))
                 for prefix, name, allowed in classes)
    return Rights(read_flag(voicemail), read_flag(external), rows, read_integer(calls),
                  read_integer(per_hour), read_flag(follow), read_flag(outgoing))


def _cli(value: object) -> str:
    return read_text(value) if value in (CLI_OF_NUMBER, CLI_OF_CALLER) else read_number(value)


def _dial_plan(value: Any) -> DialPlan:
    country, area, trunk, international, local, emergency = value
    return DialPlan(read_digits(country), read_digits(area), read_digits(trunk),
                    read_digits(international), read_integer(local),
                    tuple(map(read_digits, emergency)))


def _feature_code(value: Any) -> FeatureCode:
    code, action, name, until = value
    return FeatureCode(feature_codes.parse_code(read_text(code)), feature_codes.Action(action),
                       read_text(name), feature_codes.parse_end(read_text(until)))


def _sequence(value: Any) -> Sequence:
    name, mode, steps, on = value
    return Sequence(read_text(name), read_each(_step)(steps), None if mode is None else Mode(mode),
                    _continuations(on))


def _step(value: Any) -> Step:
    step = read_each(_ring)(value)
    if not step:
        raise InvalidValue("a step without targets")
    return step


def _ring(value: Any) -> Ring:
    target, ring_s, label, delay_s, confirm = value
    return Ring(targets.parse(read_text(target)), read_integer(ring_s), read_text(label),
                read_integer(delay_s), read_flag(confirm))
