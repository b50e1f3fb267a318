# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows that say the same but for names: what is made of them is what reading each in full makes."""

import csv
import io
import json
import random
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kemi_routing.model import Platform
from provisioning import planning
from provisioning.columns import Headers
from provisioning.line_by_line import Part
from provisioning.plan_file import decode
from provisioning.planning import Asked
from provisioning.storage import Storage
from tests.provisioning.conftest import Write
from tests.support.builders import NOW
from tests.support.redis_server import RedisServer

SHARED = """\
organisation: acme
time_zone: Europe/Prague
dial_plan: {country: 420, local_digits: 9, emergency: ["112"]}
groups:
  home: {permissions: [voicemail, forward_external]}
schedules:
  office: [{days: mon-fri, from: 08:00, to: 18:00, sequence: forward}]
"""
PLATFORM = Platform(sip_hosts=frozenset({"any"}))
ODD = {
    "time_zone": ("Asia/Tokyo", "", "Mars/Base"),
    "subscriber": ("s1", "two words", "123", "true"),
    "group": ("", "none"),
    "line": ("line-1", "two words", "~", ""),
    "password": ("short", " with spaces ", "name0_name1_", ""),
    "number": ("277000001", "0042027700", "+420 277 000 099", "112", "201", "731000001",
               "+4202770001", "+4202770002"),
    "aliases": ("4207310@pstn", "420731000001@pstn", "420731000101@pstn 420731000102@pstn",
                "731000103@pstn", "420731000104@pstn,420731000104@pstn", "420731000104", ""),
    "label_1": ("", "name0_", "a: b", "#1", "é"),
    "ring_1": ("20", "40", "x"),
    "to_1": ("731000001", "731000001 & 731000002", "voicemail", "112", "extension 201",
             "731000001 &", "number 277000001", "277000002", "SIP/a@example.org",
             "SIP/b@example.org", "+49 115 234567", "900123456", "49115", "731000001&&731000002",
             ""),
    "to_2": ("voicemail", "SIP/a@example.org", "731000777", "announcement hello", ""),
}
"""What stands in a column now and then."""


def draw(chance: random.Random) -> list[dict[str, str]]:
    """Rows like each other in the beginning."""
    count, mobile = chance.randrange(2, 9), chance.choice(["", " & 73{0:07}"])
    mode = chance.choice(["forward_then_voicemail", "forward_only"])
    schedule, zone = chance.choice(["", "", "office"]), chance.choice(["", "Europe/Prague"])
    found = [{
        "time_zone": zone, "subscriber": f"s{index}", "group": "home", "line": f"line-{index}",
        "password": f"words-of-{index}", "number": f"2770{index:05}",
        "aliases": f"42073{index:07}@pstn", "mode": mode, "schedule": schedule,
        "label_1": "desk", "ring_1": "20",
        "to_1": f"line line-{index}{mobile.format(index)}", "to_2": f"4930{index:07}"}
        for index in range(10, 10 + count)]
    if chance.randrange(2):
        for first, row in zip(found[::2], found[1::2], strict=False):  # two numbers each
            row |= {key: first[key] for key in ("subscriber", "to_1")}
            if chance.random() < 0.9:
                row |= {"line": "", "password": ""}
    for _ in range(chance.choice([0, 1, 1, 2, 6])):
        key, row = chance.choice([*ODD, "to_1", "to_1", "to_2"]), chance.choice(found)
        before, row[key] = row[key], chance.choice(ODD[key])
        if key == "line":
            row["to_1"] = row["to_1"].replace(before, row[key])
    every = chance.choice([*ODD])
    if not chance.randrange(3):
        for row in found:
            row[every] = row[every] and chance.choice(ODD[every][:2])
    return found


def table(found: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, found[0])
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()


def lines(found: list[dict[str, str]]) -> str:
    return "".join(json.dumps({key: text for key, text in row.items() if text}) + "\n"
                   for row in found)


@pytest.mark.parametrize("written", [table, lines])
def test_they_come_to_what_each_of_them_comes_to_in_full(
        storage: Storage, redis_server: RedisServer, write: Write,
        written: Callable[[list[dict[str, str]]], str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a.csv" if written is table else "a.jsonl"
    in_full = planning._look
    fell_back = []

    def look(*arguments: Any) -> planning._Looked:
        fell_back.append(arguments)
        return in_full(*arguments)

    monkeypatch.setattr(planning, "_look", look)
    shared, chance, came_through = write("acme.yaml", SHARED), random.Random(name), 0
    for _ in range(400):
        rows = draw(chance)
        part = Part(write(name, written(rows)))
        platform = replace(PLATFORM, gateway=chance.random() < 0.8)  # without it all are skipped
        asked = Asked((shared, part.path), Headers(), platform, NOW, redis_server.url)
        fell_back.clear()
        found = planning._look_at_part(asked, (shared,), part)
        same = in_full(asked, (shared, part), storage, planning._Alone(storage))
        assert told(found) == told(same), part.path.read_text()
        came_through += not fell_back
    assert 100 < came_through < 300


def test_each_of_them_is_looked_at_as_a_whole(
        storage: Storage, redis_server: RedisServer, write: Write) -> None:
    assert not list(storage.owners())
    rows = [{"subscriber": f"s{index}", "number": f"27700000{index}", "group": "home",
             "mode": "forward_only", "to_1": "49115234567", "to_2": f"4911523456{index}"}
            for index in range(3)]
    rows[2]["to_1"] = "voicemail"
    shared, part = write("acme.yaml", SHARED), Part(write("a.csv", table(rows)))
    asked = Asked((shared, part.path), Headers(), PLATFORM, NOW, redis_server.url)
    found = planning._look_at_part(asked, (shared,), part)
    assert [one.text for one in found.errors] == [
        "sequence forward: voicemail answers at once, so write it alone in the last step"]


def told(found: planning._Looked) -> object:
    """All of it, the hashes in one order."""
    return (found.errors, found.warnings, sorted(found.of_files), found.of_rows,
            [decode(line) for line in found.lines], found.tally, found.homes,
            *(sorted(array("q", data)) for data in (found.has, found.names)), found.settles)

