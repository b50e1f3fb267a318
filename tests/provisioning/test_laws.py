# SPDX-License-Identifier: GPL-2.0-or-later
"""What the writer accepts, the router can route (DESIGN law 3)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kemi_routing import e164
from kemi_routing.decide import decide
from kemi_routing.dialplan import DialPlan
from kemi_routing.model import Call, Number, Platform, Ring, Sequence
from kemi_routing.overlap import first_overlap
from kemi_routing.permissions import NumberClass
from kemi_routing.record import decode_number, encode_number
from kemi_routing.schedule import Override, Window, clock, format_days
from kemi_routing.screening import Action, first_conflict
from provisioning.check import check_text
from provisioning.checked import Checked
from tests.support import strategies
from tests.support.builders import NOW

PLATFORM = Platform(
    sip_hosts=frozenset(["sip.example.net", "192.0.2.1", "2001:db8::1", "a-1.x"]))
DIAL_PLAN = DialPlan("999", emergency=("112",))
CLASSES = (NumberClass("999", "national", False), NumberClass("", "premium", True),
           NumberClass("49115", "partners", True))
SLOW = settings(deadline=None, max_examples=100)


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    """A number that can be written to a file."""
    number = draw(strategies.accepted_numbers())
    windows = tuple(one for one in number.windows
                    if one.first is None or one.last is None or one.first <= one.last)
    screens = tuple(sorted(number.screens, key=lambda one: one.action is not Action.ALLOW))
    callers = number.callers
    while overlap := first_overlap(windows):
        windows = windows[:overlap[1]] + windows[overlap[1] + 1:]
    while conflict := first_conflict(screens):
        screens = screens[:conflict[1]] + screens[conflict[1] + 1:]
    while conflict := first_conflict(callers):
        callers = callers[:conflict[1]] + callers[conflict[1] + 1:]
    aliases = dict.fromkeys(alias for alias in number.aliases if alias != number.number)
    return replace(
        number, owner="acme/jana", revision=1, aliases=tuple(aliases), windows=windows,
        holidays=tuple(replace(one, name=one.name or f"c{index}")
                       for index, one in enumerate(number.holidays)),
        overrides=tuple(draw(st.lists(vacations(number.zone), max_size=1))),
        screens=screens, callers=callers,
        rights=replace(number.rights, classes=CLASSES),
        cli=number.cli if e164.is_number(number.number) else "42027777103",
        dial_plan=DIAL_PLAN if number.rights.outgoing else DialPlan())


@st.composite
def vacations(draw: st.DrawFn, zone: ZoneInfo) -> Override:
    """A vacation of whole days."""
    first = draw(st.dates(date(2026, 1, 1), date(2099, 1, 1)))
    after = first + timedelta(days=draw(st.integers(1, 60)))
    start, end = (int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
                  for day in (first, after))
    name = draw(st.sampled_from(["day", "night"]))
    return Override(name, int(NOW.timestamp()), start, end, "vacation")


def times_as_written(number: Number) -> dict[str, Any]:
    """What decides by time; each holiday has a calendar of its own."""
    def day(second: int) -> str:
        return str(datetime.fromtimestamp(second, number.zone).date())

    return {
        "schedule": [window_as_written(one) for one in number.windows],
        "holidays": [{"calendar": f"c{index}", "sequence": one.sequence}
                     for index, one in enumerate(number.holidays)],
        "vacation": [{"first": day(one.start), "last": day((one.until or 0) - 1),
                      "sequence": one.sequence} for one in number.overrides],
    }


def window_as_written(window: Window) -> dict[str, str]:
    dates = {"first": window.first, "last": window.last}
    return {"days": format_days(window.days), "from": clock(window.start),
            "to": clock(window.end), "sequence": window.sequence} | {
                key: str(day) for key, day in dates.items() if day}


def calendars_as_written(number: Number) -> dict[str, Any]:
    """The calendars of its holidays."""
    return {f"c{index}": {"add": [{"day": str(one.day), "from": clock(one.start),
                                   "to": clock(one.end), "name": one.name}]}
            for index, one in enumerate(number.holidays)}


def as_written(number: Number) -> dict[str, Any]:
    """The file of a number; every scalar is a text."""
    rights = number.rights
    group: dict[str, Any] = {
        "permissions": [name for name in ("voicemail", "forward_external", "outgoing")
                        if getattr(rights, name)],
        "deny": ["national"], "allow": ["premium", "partners"]}
    group |= {name: str(count) for name in ("max_calls", "max_calls_per_hour")
              if (count := getattr(rights, name))}
    entry: dict[str, Any] = {
        "time_zone": number.zone.key,
        "aliases": [f"{alias}@pstn" for alias in number.aliases],
        "mode": str(number.mode),
        "ring": str(number.ring_s),
        **times_as_written(number),
        "sequences": {one.name: sequence_as_written(one) for one in number.sequences},
        "on": {str(outcome): name for outcome, name in number.on},
        "allow": [one.pattern.text for one in number.screens if one.action is Action.ALLOW],
        "block": [{"from": one.pattern.text, "action": f"{one.action} {one.name}".rstrip()}
                  for one in number.screens if one.action is not Action.ALLOW],
        "callers": [{"from": one.pattern.text, "sequence": one.sequence}
                    for one in number.callers],
        "cli": number.cli,
        "mailbox": str(number.mailbox),
    }
    if number.default:
        entry["default"] = number.default
    lines = {line.name: {"password": "blue-kettle", "max_phones": str(line.max_phones)}
             for line in number.lines}
    kind = "numbers" if e164.is_number(number.number) else "extensions"
    jana = {"group": "staff", "lines": lines, kind: {number.number.rpartition("/")[2]: entry}}
    others: dict[str, Any] = {"numbers": {"42027777102": {}}, "extensions": {"201": {}}}
    return {"organisation": "acme", "time_zone": "UTC", "groups": {"staff": group},
            "dial_plan": {"country": "999", "emergency": ["112"]},
            "classes": {"partners": ["49115"]},
            "feature_codes": {"*33": {"action": "toggle", "sequence": "night", "until": "08:00"}},
            "redirects": "follow" if rights.follow_redirects else "ignore",
            "calendars": calendars_as_written(number),
            "subscribers": {"jana": jana, "petr": others}}


def sequence_as_written(sequence: Sequence) -> Any:
    steps: list[Any] = []
    for step in sequence.steps:
        targets = [target_as_written(ring) for ring in step]
        steps.append(targets[0] if len(targets) == 1 else {"together": targets})
    mode = {"mode": str(sequence.mode)} if sequence.mode else {}
    on = {"on": {str(outcome): name for outcome, name in sequence.on}} if sequence.on else {}
    return {**mode, **on, "steps": steps} if mode or on else steps


def target_as_written(ring: Ring) -> dict[str, str]:
    label = {"label": ring.label} if ring.label else {}
    return {"to": ring.target.text, "ring": str(ring.ring_s), "delay": str(ring.delay_s),
            "confirm": "yes" if ring.confirm else "no", **label}


def check(written: object) -> Checked:
    return check_text(json.dumps(written), "a.yaml", PLATFORM, NOW)


def assert_can_be_routed(number: Number, call: Call, now: datetime) -> None:
    assert decode_number(encode_number(number)) == number
    decide(call, number, now, PLATFORM)


@SLOW
@given(numbers(), strategies.calls, strategies.instants)
def test_a_number_survives_being_written(number: Number, call: Call, now: datetime) -> None:
    checked = check(as_written(number))
    assert list(map(str, checked.problems.errors)) == []
    assert checked.numbers[0].number == number
    assert_can_be_routed(number, call, now)


texts = st.one_of(
    st.text(max_size=20), strategies.HOSTILE,
    st.sampled_from(["", "08:00", "24:00", "mon-fri", "day", "voicemail", "line a", "600", "601",
                     "forward_only", "UTC", "42027777100", "0049115234567", "sip:a@8.8.8.8"]))


@SLOW
@given(numbers(), st.data(), strategies.calls, strategies.instants)
def test_whatever_is_accepted_can_be_routed(
        number: Number, data: st.DataObject, call: Call, now: datetime) -> None:
    written = as_written(number)
    places = list(containers(written))
    for _ in range(data.draw(st.integers(1, 3))):
        place, key = data.draw(st.sampled_from(places))
        mutate(place, key, data)
    checked = check(written)
    if not checked.problems.errors:
        for entry in checked.numbers:
            assert_can_be_routed(entry.number, call, now)


def containers(written: Any) -> Iterator[tuple[Any, Any]]:
    """Every list and mapping of the file, with each index or key."""
    steps = written.items() if isinstance(written, dict) else enumerate(written)
    for key, value in steps:
        yield written, key
        if isinstance(value, dict | list):
            yield from containers(value)


def mutate(place: Any, key: Any, data: st.DataObject) -> None:
    """Replace a value or a key, or leave it out."""
    if isinstance(place, dict) and key in place and data.draw(st.booleans()):
        place[data.draw(texts)] = place.pop(key)
    elif not isinstance(place, dict) or key in place:
        place[key] = data.draw(st.one_of(texts, st.just([]), st.just({}), st.just(["x"])))


@SLOW
@given(st.text())
@example("a: \ud800")
@example("\x00")
@example("? - a")
@example("organisation: !!binary x")
@example("&a [*a]")
@example("%YAML 9.9\n---\na")
@example("organisation: {<<: *x}")
@example("'a\n")
def test_no_text_makes_it_fall_over(text: str) -> None:
    assert check_text(text, "a.yaml", PLATFORM, NOW).problems.errors
