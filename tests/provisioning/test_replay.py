# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of the past, by the settings that are planned."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kemi_routing import call_record
from kemi_routing.call_record import Arrival, Said
from kemi_routing.decide import outgoing
from kemi_routing.model import Number, Verdict
from kemi_routing.permissions import Rights
from kemi_routing.redis import keys
from kemi_routing.redis.call_store import CallStore
from provisioning import both_ways
from provisioning.storage import Storage
from tests.provisioning.conftest import EXAMPLES, Edit, Followme
from tests.support.builders import call
from tests.support.redis_server import RedisServer

OFFICE, SECOND = EXAMPLES / "office.yaml", EXAMPLES / "second-number.yaml"
JANA, PETR, ALIAS = "42027777101", "42027777100", "42073723123"
MONDAY_10 = datetime(2026, 11, 23, 9, tzinfo=UTC)
NIGHT = MONDAY_10 + timedelta(hours=12)
NO_OFFICE = ("            - {to: 49115234567, ring: 30, label: office}\n", "")


class Calls:
    """Puts calls into the store as a proxy does."""

    def __init__(self, url: str) -> None:
        self._store = CallStore(url, 30)
        self._count = 0

    def put(self, at: datetime, number: str = JANA, via: str = "trunk 192.0.2.20",
            **fields: Any) -> None:
        self._count += 1
        ms = call_record.epoch_ms(at)
        call_id = f"{self._count}@192.0.2.20"
        came = Arrival(call(**fields), call_id, ms, number, via)
        text = call_record.refused(came, number, Said(480, "whatever it was"))
        assert self._store.keep([(call_record.name(call_id), text)], ms) == 0


@pytest.fixture
def put(loaded: Followme, redis_server: RedisServer) -> Calls:
    return Calls(redis_server.url)


def replayed(followme: Followme, *arguments: Any, most: int = 100) -> dict[str, Any]:
    ran = followme("plan", "-F", "json", "--replay", str(most), *arguments)
    found: dict[str, Any] = json.loads(ran.out)["replay"]
    return found


def test_the_calls_that_go_elsewhere_are_counted_and_named(
        loaded: Followme, put: Calls, edited: Edit) -> None:
    for minute in range(7):
        put.put(MONDAY_10 + timedelta(minutes=minute))
    put.put(NIGHT)
    ran = loaded("plan", "--replay", "100", edited("office.yaml", NO_OFFICE))
    at = ran.out.splitlines().index("replay: 7 of 8 calls would have gone elsewhere")
    assert ran.code == 2
    assert ran.out.splitlines()[at + 1] == (
        f"  Mon 2026-11-23 10:06 {JANA} from 42075553333: desk, then office, then mobile, then "
        "voicemail → desk, then mobile, then voicemail")
    assert ran.out.splitlines()[at + 6:] == ["  and 2 more"]


def test_ring_times_and_labels_send_no_call_elsewhere(
        loaded: Followme, put: Calls, edited: Edit) -> None:
    put.put(MONDAY_10)
    path = edited("office.yaml", ("ring: 30, label: office", "ring: 25, label: lab"))
    assert replayed(loaded, path) == {"total": 1, "unowned": 0, "moved": []}


def test_other_targets_with_the_same_labels_are_told_apart(
        loaded: Followme, put: Calls, edited: Edit) -> None:
    put.put(MONDAY_10)
    (moved,) = replayed(loaded, edited("office.yaml", (
        "to: 49115234567", "to: 49115234568")))["moved"]
    assert [moved[key].split(", then ")[1] for key in ("before", "after")] == [
        "office (49115234567)", "office (49115234568)"]


def test_only_calls_to_what_changes_are_replayed_the_last_ones(
        loaded: Followme, put: Calls, edited: Edit) -> None:
    for minute in range(5):
        put.put(MONDAY_10 + timedelta(minutes=minute))
        put.put(MONDAY_10, PETR)
    found = replayed(loaded, edited("office.yaml", NO_OFFICE), SECOND, most=3)
    assert found["total"] == 3
    assert [one["at"] for one in found["moved"]] == [
        f"Mon 2026-11-23 10:0{minute}" for minute in (4, 3, 2)]


def test_of_many_numbers_few_are_held(
        loaded: Followme, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both_ways, "_MOST_HELD", 1)
    asked: list[str] = []
    read = storage.read

    def noted(wanted: Iterable[str]) -> dict[str, bytes]:
        names = list(wanted)
        asked.extend(names)
        return read(names)
    monkeypatch.setattr(storage, "read", noted)
    numbers = both_ways.BothWays([], storage)
    for name in (JANA, JANA, PETR, "42027777102", JANA):
        assert numbers.both(name)[0]
    assert asked.count(keys.number(JANA)) == 2


@pytest.mark.parametrize(("fields", "before"), [
    ({"ani": ALIAS}, "mailbox"),
    ({"ani": ALIAS, "verdict": Verdict.ATTESTED}, "mailbox"),
    ({"ani": "42075553333"}, "mobile, then voicemail"),
])
def test_who_called_counts(loaded: Followme, put: Calls, edited: Edit, fields: dict[str, Any],
                           before: str) -> None:
    put.put(MONDAY_10, PETR, **fields)
    path = edited("second-number.yaml", ("aliases: [42073723123@pstn]", "aliases: []"),
                  ("to: \"+420 737 231 23\"", "to: 42073723199"), ("label: mobile", "label: m"))
    assert [one["before"] for one in replayed(loaded, path)["moved"]] == [before]


def test_a_line_that_called_its_own_number_came_to_its_mailbox(
        loaded: Followme, put: Calls, edited: Edit) -> None:
    put.put(MONDAY_10, via="line jana-desk", line="jana-desk", ani=None)
    assert replayed(loaded, edited("office.yaml", NO_OFFICE))["moved"] == []


def test_a_call_that_the_owner_made_is_not_one_to_him(
        loaded: Followme, put: Calls, edited: Edit, redis_server: RedisServer) -> None:
    put.put(MONDAY_10)
    ms = call_record.epoch_ms(MONDAY_10)
    came = Arrival(call(line="jana-desk", cli=JANA), "out@192.0.2.20", ms, "49115234567",
                   "line jana-desk")
    plan = outgoing(came.call, Number(JANA, "acme/jana", ZoneInfo("Europe/Prague"),
                                      rights=Rights(forward_external=True)), "49115234567")
    entry = (call_record.name(came.call_id), call_record.decided(came, plan))
    assert CallStore(redis_server.url, 30).keep([entry], ms) == 0
    assert replayed(loaded, edited("office.yaml", NO_OFFICE))["total"] == 1


def test_an_override_holds_before_and_after(loaded: Followme, put: Calls, edited: Edit) -> None:
    assert loaded("override", JANA, "on_call", "--until", "for ever").code == 0
    monday = next(day for day in (datetime.now(UTC) + timedelta(days=one) for one in range(8, 15))
                  if day.isoweekday() == 1)
    put.put(monday.replace(hour=10))
    assert replayed(loaded, edited("office.yaml", NO_OFFICE)) == {
        "total": 1, "unowned": 0, "moved": []}


def test_a_plan_of_nothing_replays_nothing(loaded: Followme, put: Calls) -> None:
    put.put(MONDAY_10)
    assert replayed(loaded, OFFICE) == {"total": 0, "unowned": 0, "moved": []}
