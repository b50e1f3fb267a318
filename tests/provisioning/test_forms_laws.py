# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever an organisation's file says, its lines and its table say the same."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kemi_routing.model import Number
from kemi_routing.record import LineRecord
from provisioning import source
from provisioning.check import check, check_text
from provisioning.checked import Checked
from provisioning.columns import Headers
from provisioning.forms import objects, table
from provisioning.kept import NUMBERS
from provisioning.problems import Problems, RefusedFiles
from provisioning.written import Written
from tests.provisioning.test_laws import PLATFORM, as_written, numbers
from tests.support.builders import NOW

SLOW = settings(deadline=None, max_examples=40)
MORE = {"42027777105": {"mode": "ring_only"}, "277771060": {}, "2777": {"ring": "7"}}
HEADERS = Headers({"Phone, all": "number", "a;b": "to_1", "Geheim": "password", "=label": "label_1",
                   "Notes": ""})


@st.composite
def organisations(draw: st.DrawFn) -> dict[str, Any]:
    """A file with subscribers who have several numbers and lines, or none."""
    number = draw(numbers())
    written = as_written(number)
    jana = written["subscribers"]["jana"]
    own = {key: entry for kind in ("numbers", "extensions") for key, entry in jana.pop(
        kind, {}).items()}
    more = draw(st.lists(st.sampled_from(sorted(MORE)), unique=True))
    keys = draw(st.permutations([*own, *more]))
    written["dial_plan"] |= {"area": "27", "local_digits": "4"}
    jana |= dict(_kinds({key: (own | MORE)[key] for key in keys}, own))
    written["subscribers"]["ida"] = {"lines": {"ida": {"password": "green-anvil"}}}
    return written


def _kinds(found: dict[str, Any], own: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Short digits that are no extension are a local number."""
    short = {key for key in own if len(key) <= 6}
    yield "numbers", {key: one for key, one in found.items() if key not in short}
    if short:
        yield "extensions", {key: found[key] for key in found if key in short}


def flat(written: dict[str, Any]) -> dict[str, Any]:
    """What rows can hold of it."""
    for subscriber in written["subscribers"].values():
        for kind in NUMBERS:
            subscriber[kind] = {key: _flat(one) for key, one in subscriber.get(kind, {}).items()}
        rows = sum(len(subscriber[kind]) for kind in NUMBERS)
        subscriber["numbers"] |= {f"4202777730{index}": {} for index in range(
            rows and len(subscriber.get("lines", {})) - rows)}
    return written


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {key: one for key, one in entry.items() if key not in {
        "schedule", "holidays", "vacation", "callers", "on", "sequences", "default"}}
    if "block" in kept:
        kept["block"] = [one["from"] for one in kept["block"] if one["action"] == "reject"]
    for name, one in entry.get("sequences", {}).items():
        steps = [_alike(step) for step in (one["steps"] if isinstance(one, dict) else one)]
        if steps:
            kept |= {"default": name, "sequences": {name: steps}}
    return kept


def _alike(step: dict[str, Any]) -> dict[str, Any]:
    targets = step.get("together", [step])
    rest = {key: text.strip() for key, text in targets[0].items() if text.strip()}
    same = [{**rest, "to": one["to"]} for one in targets]
    return {"together": same} if len(same) > 1 else same[0]


def parsed(written: object) -> Written:
    tree = source.parse(json.dumps(written), "acme.yaml", Problems())
    assert tree
    return tree


def said(checked: Checked) -> tuple[list[Number], list[LineRecord]]:
    assert list(map(str, checked.problems.errors)) == []
    return (sorted((entry.number for entry in checked.numbers), key=lambda one: one.number),
            sorted((one.line for one in checked.lines), key=lambda one: one.name))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forms")


def both_ways(folder: Path, written: dict[str, Any], form: str, headers: Headers) -> None:
    """The file, and what it has in common with its numbers in another form, say the same."""
    whole, shared, rows = folder / "whole.yaml", folder / "shared.yaml", folder / f"rows.{form}"
    tree = parsed(written)
    text = (table if form == "csv" else objects).text([tree], headers)
    whole.write_text(json.dumps(written))
    shared.write_text(json.dumps({**written, "subscribers": objects.without_numbers(tree)}))
    rows.write_text(text, encoding="utf-8", newline="")
    assert said(check([shared, rows], PLATFORM, NOW, headers)) == said(
        check([whole], PLATFORM, NOW))


@SLOW
@given(organisations(), st.sampled_from([Headers(), HEADERS]))
def test_lines_say_all_of_an_organisation(
        folder: Path, written: dict[str, Any], headers: Headers) -> None:
    both_ways(folder, written, "jsonl", headers)


@SLOW
@given(organisations(), st.sampled_from([Headers(), HEADERS]))
def test_a_table_says_all_of_what_rows_can_hold(
        folder: Path, written: dict[str, Any], headers: Headers) -> None:
    rest = flat(written)
    # What is left of a sequence may not go together with the mode of its number.
    assume(not check_text(json.dumps(rest), "acme.yaml", PLATFORM, NOW).problems.errors)
    both_ways(folder, rest, "csv", headers)


@SLOW
@given(organisations())
def test_a_table_says_all_or_is_refused(folder: Path, written: dict[str, Any]) -> None:
    with suppress(RefusedFiles):
        both_ways(folder, written, "csv", Headers())
