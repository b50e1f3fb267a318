# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of calls, by the settings that are planned."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kemi_routing import call_record
from kemi_routing.call_record import Arrival
from kemi_routing.decide import decide, outgoing
from kemi_routing.model import Call, Number, Platform, Verdict
from kemi_routing.record import decode_number
from kemi_routing.redis import keys
from kemi_routing.redis.call_store import CallStore
from provisioning import past_calls
from provisioning.replay import Past
from provisioning.storage import Storage
from tests.provisioning.conftest import EXAMPLES, ROOT, Edit, Followme, Write
from tests.support.builders import call
from tests.support.redis_server import RedisServer

PRAGUE = ZoneInfo("Europe/Prague")
JANA, PETR, ALIAS = "42027777101", "42027777100", "42073723123"
NO_OFFICE = ("            - {to: 49115234567, ring: 30, label: office}\n", "")
OFFICE = EXAMPLES / "office.yaml"
HEADING = "number,from,at\n"


@pytest.fixture
def plan(edited: Edit) -> Path:
    """Calls to Jana's number pass over the office, and Petr's alias is gone."""
    edited("second-number.yaml", ("aliases: [42073723123@pstn]", "aliases: []"))
    return edited("office.yaml", NO_OFFICE).parent


def replayed(followme: Followme, plan: Path, calls: Path) -> dict[str, Any]:
    ran = followme("plan", "-F", "json", "--replay", calls, *sorted(plan.glob("*.yaml")))
    assert ran.code == 2, ran.out
    found: dict[str, Any] = json.loads(ran.out)["replay"]
    return found


@pytest.mark.parametrize("text", [
    f"{HEADING}{JANA},42075553333,2026-11-23 10:00\n",
    f"{HEADING}+420 277 771 01,+420 755 533 33,2026-11-23T09:00:00.5Z\n",
    f"Received;Number;Caller;Via;Result\n2026-11-23T10:00+01:00;{JANA};42075553333;trunk x;busy\n",
])
def test_a_row_needs_number_caller_and_time(
        loaded: Followme, plan: Path, write: Write, text: str) -> None:
    found = replayed(loaded, plan, write("calls.csv", text))
    assert found == {"total": 1, "unowned": 0, "moved": [{
        "at": "Mon 2026-11-23 10:00", "number": JANA, "caller": "42075553333",
        "before": "desk, then office, then mobile, then voicemail",
        "after": "desk, then mobile, then voicemail"}]}


def test_the_file_of_the_page_is_replayed(loaded: Followme, plan: Path, write: Write) -> None:
    records = (ROOT / "docs/operators.md").read_text().partition("\n## Call records\n")[2]
    text = records.partition("```csv\n")[2].partition("```")[0]
    found = replayed(loaded, plan, write("calls.csv", text))
    assert (found["total"], [one["at"] for one in found["moved"]]) == (2, ["Mon 2026-11-23 10:00"])


@pytest.mark.parametrize(("fields", "expected"), [
    ({"caller": ALIAS}, Call(ALIAS, asserted=True)),
    ({"caller": "+420 73 723 123"}, Call(ALIAS, asserted=True)),
    ({"caller": ALIAS, "grade": "C"}, Call(ALIAS, asserted=True, verdict=Verdict.ATTESTED)),
    ({"caller": ALIAS, "grade": "D"}, Call(ALIAS)),
    ({"caller": f"{ALIAS} (anonymous)"}, Call(ALIAS, anonymous=True)),
    ({"caller": "anonymous"}, Call(anonymous=True)),
    ({"caller": "acme/201", "grade": "A", "via": "line jana-desk"},
     Call("acme/201", line="jana-desk")),
])
def test_who_called_and_how_sure_that_is_counts(
        write: Write, fields: dict[str, str], expected: Call) -> None:
    line = json.dumps({"number": PETR, "received": "2026-11-23T09:00Z", "status": 200, **fields})
    assert past_calls.read(write("calls.jsonl", f"{line}\n\n"), lambda _: PRAGUE) == [
        Past(PETR, datetime(2026, 11, 23, 9, tzinfo=UTC), expected)]


def test_calls_to_what_does_not_change_count_and_those_to_new_numbers_go_elsewhere(
        loaded: Followme, edited: Edit, write: Write) -> None:
    path = edited("office.yaml", (f"      {JANA}:", "      42027777111: {mode: ring_only}\n"
                                                     f"      {JANA}:"))
    calls = write("calls.csv", HEADING + "".join(
        f"{number},42075553333,2026-11-23T09:00Z\n"
        for number in (JANA, PETR, "42027777111", "42027777199", "42027777199")))
    found = replayed(loaded, path.parent, calls)
    assert (found["total"], found["unowned"], [
        (one["number"], one["before"], one["after"]) for one in found["moved"]]) == (
        5, 2, [("42027777111", "404 nobody's number", "line jana-desk")])
    ran = loaded("plan", "--replay", calls, path)
    assert ("replay: 1 of 5 calls would have gone elsewhere; 2 went to numbers that nobody owns"
            in ran.out.splitlines())


def test_a_call_that_is_handed_over_to_what_changes_counts(
        followme: Followme, write: Write) -> None:
    text = ("organisation: acme\ntime_zone: Europe/Prague\nsubscribers:\n"
            "  ida: {numbers: {42027777110: {mode: forward_only, default: all, sequences: "
            "{all: [{to: 42027777111}]}}}}\n"
            "  eva: {lines: {eva: {password: long-enough}}, numbers: {42027777111: "
            "{mode: ring_only}}}\n")
    assert followme("apply", "--yes", write("team.yaml", text)).code == 0
    write("team.yaml", text.replace("ring_only", "reject"))
    calls = write("calls.csv", f"{HEADING}42027777110,42075553333,2026-11-23T09:00Z\n")
    assert [one["after"] for one in replayed(followme, calls.parent, calls)["moved"]] == [
        "603 Decline"]


def test_what_calls_prints_is_such_a_file(
        loaded: Followme, storage: Storage, redis_server: RedisServer, plan: Path, write: Write,
        ) -> None:
    number = decode_number(storage.read([keys.number(JANA)])[keys.number(JANA)])
    at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    for name, came, made in (("a", call(ani=ALIAS, verdict=Verdict.ATTESTED), decide),
                             ("b", call(anonymous=True), decide), ("c", call(cli=JANA), None)):
        entry = call_record.decided(
            Arrival(came, name, call_record.epoch_ms(at), JANA, "trunk 192.0.2.20"),
            _decided(came, number, at) if made else outgoing(came, number, "49115234567"))
        store = CallStore(redis_server.url, 30)
        assert store.keep([(call_record.name(name), entry)], call_record.epoch_ms(at)) == 0
    ran = loaded("calls", "--csv")
    heading, *rows = ran.out.splitlines()
    column = heading.split(",").index("grade")
    assert sorted(row.split(",")[column] for row in rows) == ["B", "C", "D"]
    of_file = replayed(loaded, plan, write("calls.csv", ran.out))
    ran = loaded("plan", "-F", "json", "--replay", "100", *sorted(plan.glob("*.yaml")))
    assert of_file == json.loads(ran.out)["replay"]
    assert of_file["total"] == 2


def _decided(came: Any, number: Number, at: datetime) -> Any:
    return decide(came, number, at, Platform())


@pytest.mark.parametrize(("row", "words"), [
    (f"{JANA},42075553333", "1: this row has 2 values for 5 columns"),
    (f"0027777101,{ALIAS},2026-11-23 10:00,,", "1: 0027777101 starts with the dialling prefix 00"),
    ("201,anonymous,2026-11-23 10:00,,", "1: 201 is an extension; write it with"),
    (f"4.20278E+10,{ALIAS},2026-11-23 10:00,,", "1: 4.20278E+10: a spreadsheet has made"),
    (f"{JANA},me,2026-11-23 10:00,,", "13: 'me' is not a telephone number"),
    (f"{JANA},{ALIAS},yesterday,,", "25: 'yesterday' is not a time; write 2026-11-23 09:30"),
    (f"{JANA},{ALIAS},2026-03-29 02:30,,", "25: 2026-03-29 02:30 does not exist in"),
    (f"{JANA},{ALIAS},,,", "25: received is missing; write one, such as  2026-11-23T09:00Z"),
    (f",{ALIAS},2026-11-23 10:00,,", "1: number is missing"),
    (f"{JANA},,2026-11-23 10:00,,", "13: caller is missing"),
    (f"{JANA},{ALIAS},2026-11-23 10:00,E,", "42: there is no grade 'E'; known are: A, B, C, D"),
])
def test_each_mistake_of_a_file_is_told_at_its_place_and_all_at_once(
        loaded: Followme, plan: Path, write: Write, row: str, words: str) -> None:
    good = f"{JANA},{ALIAS},2026-11-23 10:00,,trunk x"
    path = write("calls.csv", f"number,from,at,grade,via\n{good}\n{row}\nx,y,z,,\n")
    ran = loaded("plan", "--replay", path, plan / "office.yaml")
    told = [line for line in ran.told if line.startswith(str(path))]
    assert (ran.code, ran.out) == (1, "")
    assert told[0].startswith(f"{path}:3:{words}")
    assert [line.partition(": ")[0] for line in told[1:]] == [
        f"{path}:4:{column}" for column in (1, 3)]
    assert ran.told[-1] == "3 errors"


@pytest.mark.parametrize(("name", "text", "words"), [
    ("calls.csv", "number,from\n", "1:1: there is no column received; a file of calls has number, "
                                   "caller, received at least"),
    ("calls.csv", 'number,from,at\n"42', "2:1: the quote that opens here is never closed"),
    ("calls.jsonl", '{"number": 1\n', "this is not JSON"),
    ("calls.jsonl", '{"number": "1"}\n', "1:1: caller is missing"),
    ("calls.json", "[]", "write a count, or a file of calls that ends with .csv, .tsv, .jsonl, "
                         ".ndjson:  followme calls --csv > calls.csv"),
])
def test_what_is_no_file_of_calls_is_refused(
        loaded: Followme, write: Write, name: str, text: str, words: str) -> None:
    arguments = "plan", OFFICE, "--replay", write(name, text)
    ran = loaded(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert words in ran.err
    program = loaded(*arguments, "-F", "json")
    assert (program.code, program.err) == (1, "")
    assert json.loads(program.out).keys() in ({"error"}, {"errors", "warnings", "notes"})


def test_many_calls_tell_how_far_it_is(loaded: Followme, plan: Path, write: Write) -> None:
    calls = write("calls.csv", HEADING + f"{JANA},{ALIAS},2026-11-23 10:00\n" * 1001)
    ran = loaded("plan", "--replay", calls, plan / "office.yaml")
    assert "replayed: 1,000 of 1,001 (99 %), " in ran.err
    assert "\nreplay: 1,001 of 1,001 calls would have gone elsewhere\n" in ran.out


@pytest.mark.parametrize("what", ["0", "-1", "many"])
def test_no_count_and_no_file_is_refused(loaded: Followme, what: str) -> None:
    ran = loaded("plan", "--replay", what, OFFICE)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1] == (
        f"followme: {what}: write a count, or a file of calls that ends with .csv, .tsv, .jsonl, "
        ".ndjson:  followme calls --csv > calls.csv")
