# SPDX-License-Identifier: GPL-2.0-or-later
"""What the writer accepts, the router can route (DESIGN law 3)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kemi_routing.decide import decide
from kemi_routing.model import Call, Number, Platform, Ring, Sequence
from kemi_routing.record import decode_number, encode_number
from kemi_routing.schedule import clock, first_overlap, format_days
from provisioning.check import Checked, check_text
from tests.support import strategies

PLATFORM = Platform(
    sip_hosts=frozenset(["sip.example.net", "192.0.2.1", "2001:db8::1", "a-1.x"]))
SLOW = settings(deadline=None, max_examples=100)


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    """A number that can be written to a file."""
    number = draw(strategies.accepted_numbers())
    windows = number.windows
    while overlap := first_overlap(windows):
        windows = windows[:overlap[1]] + windows[overlap[1] + 1:]
    aliases = dict.fromkeys(alias for alias in number.aliases if alias != number.number)
    return replace(number, owner="acme/jana", revision=1, aliases=tuple(aliases), windows=windows)


def as_written(number: Number) -> dict[str, Any]:
    """The file of a number; every scalar is a text."""
    permissions = [name for name in ("voicemail", "forward_external") if getattr(number, name)]
    entry: dict[str, Any] = {
        "time_zone": number.zone.key,
        "aliases": [f"{alias}@pstn" for alias in number.aliases],
        "mode": str(number.mode),
        "ring": str(number.ring_s),
        "schedule": [{"days": format_days(window.days), "from": clock(window.start),
                      "to": clock(window.end), "sequence": window.sequence}
                     for window in number.windows],
        "sequences": {one.name: sequence_as_written(one) for one in number.sequences},
    }
    if number.default:
        entry["default"] = number.default
    lines = {line.name: {"password": "blue-kettle", "max_phones": str(line.max_phones)}
             for line in number.lines}
    jana = {"permissions": permissions, "lines": lines, "numbers": {number.number: entry}}
    return {"organisation": "acme", "time_zone": "UTC", "subscribers": {"jana": jana}}


def sequence_as_written(sequence: Sequence) -> Any:
    steps: list[Any] = []
    for step in sequence.steps:
        targets = [target_as_written(ring) for ring in step]
        steps.append(targets[0] if len(targets) == 1 else {"together": targets})
    return {"mode": str(sequence.mode), "steps": steps} if sequence.mode else steps


def target_as_written(ring: Ring) -> dict[str, str]:
    label = {"label": ring.label} if ring.label else {}
    return {"to": ring.target.text, "ring": str(ring.ring_s), **label}


def check(written: object) -> Checked:
    return check_text(json.dumps(written), "a.yaml", PLATFORM)


def assert_can_be_routed(number: Number, call: Call, now: datetime) -> None:
    assert decode_number(encode_number(number)) == number
    decide(call, number, now, PLATFORM)


@SLOW
@given(numbers(), strategies.calls, strategies.instants)
def test_a_number_survives_being_written(number: Number, call: Call, now: datetime) -> None:
    checked = check(as_written(number))
    assert list(map(str, checked.problems.errors)) == []
    assert [entry.number for entry in checked.numbers] == [number]
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
    assert check_text(text, "a.yaml", PLATFORM).problems.errors
