# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme why`` and ``followme calls``."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kemi_routing import call_record, plan_codec, trail
from kemi_routing.call_record import Arrival, Said
from kemi_routing.model import Outcome
from kemi_routing.plan import Account, Plan, Planned, PlannedStep, Remark
from kemi_routing.redis import keys
from kemi_routing.redis.call_store import CallStore
from kemi_routing.targets import parse
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme
from tests.support.builders import call
from tests.support.redis_server import RedisServer

JANA, PETR, OFFICE = "42027777101", "42027777100", "49115234567"
"""Numbers of acme/jana and novak/petr in the examples."""
GATEWAY = "192.0.2.10:5060"
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def at_ms(minutes: int) -> int:
    return call_record.epoch_ms(NINE) + 60_000 * minutes


class Calls:
    """Puts calls into the store as a proxy does."""

    def __init__(self, url: str) -> None:
        self._store = CallStore(url, 30)

    def put(self, call_id: str, *texts: str) -> None:
        name = call_record.name(call_id)
        assert self._store.keep([(name, text) for text in texts], at_ms(0)) == 0

    def refused(self, call_id: str, number: str = JANA, minutes: int = 0, status: int = 403,
                **fields: Any) -> None:
        came = Arrival(call(**fields), call_id, at_ms(minutes), number, "trunk 192.0.2.20")
        self.put(call_id, call_record.refused(came, number, Said(status, "screened")))

    def answered(self, call_id: str, number: str = JANA, minutes: int = 0) -> None:
        """The desk rings for 20 s, the office answers after 3 s, the caller hangs up after 61 s."""
        desk, office = (Planned(parse(text), 20, why=f"step {step} of day", label=label)
                        for step, (text, label) in enumerate(
                            (("line jana-desk", "desk"), (OFFICE, "office")), 1))
        plan = Plan((Account(number, "acme/jana"),), (PlannedStep((desk,), 1),
                                                       PlannedStep((office,))),
                    revision=7, rule="window mon-fri 08:00-18:00",
                    skipped=(Remark("33123456789", "permission forward_external is not granted"),))
        came = Arrival(call(), call_id, at_ms(minutes), number, "trunk 192.0.2.20")
        state = replace(plan_codec.begin(plan), received_ms=at_ms(minutes))
        state = replace(state.jump_to(0, trail.step(0, 0)), branches=(0,)).with_outcome(
            0, Outcome.NO_ANSWER, trail.ended(0, 20_000, 0, "no_answer")).step_over()
        told = trail.step(1, 20_000) + trail.hops([GATEWAY]) + trail.answered(1, 23_000, 200)
        state = replace(state.jump_to(1, told), branches=(-1, 0))
        self.put(call_id, call_record.decided(came, plan),
                 call_record.ended(state, 200, 23_000, trail.rang(0, 100) + trail.rang(1, 21_000)),
                 call_record.hung_up(at_ms(minutes) + 84_500, "caller"))


@pytest.fixture
def put(loaded: Followme, redis_server: RedisServer) -> Calls:
    assert loaded("calls").out == "there are no such calls\n"
    return Calls(redis_server.url)


def test_why_tells_the_story(put: Calls, loaded: Followme) -> None:
    put.answered("a@192.0.2.20")
    ran = loaded("why", "a@192.0.2.20")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "call a@192.0.2.20",
        "42027777101 of acme/jana, revision 7",
        "came     Mon 2026-11-23 09:00:00.000 UTC, trunk 192.0.2.20",
        "caller   42075553333, grade B, dialled 42027777101",
        "rule     window mon-fri 08:00-18:00",
        "skipped  33123456789: permission forward_external is not granted",
        "+0.0 s   line jana-desk (desk)                      rang after 0.1 s  "
        "did not answer after 20.0 s  step 1 of day",
        "+20.0 s  49115234567 (office)   by 192.0.2.10:5060  rang after 1.0 s  "
        "answered (200) after 3.0 s   step 2 of day",
        "answer   200 after 23.0 s: answered by 49115234567",
        "end      the caller hung up after 61.5 s",
    ]


def test_why_tells_chapter_after_chapter(put: Calls, loaded: Followme) -> None:
    put.refused("a@x", PETR, 1, 482)
    put.answered("a@x", JANA)
    told = loaded("why", "a@x").out.split("\n\n")
    assert [one.splitlines()[-1] for one in told] == [
        "end      the caller hung up after 61.5 s", "end      482: screened"]
    (first, second) = json.loads(loaded("why", "a@x", "-F", "json").out)
    assert (first["number"], first["talked_s"], second["refused"]) == (JANA, 61.5, "screened")
    assert [one["outcome"] for one in first["branches"]] == ["no_answer", "answered"]
    assert first["branches"][1]["hop"] == GATEWAY


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_call_that_nobody_knows(loaded: Followme, form: str) -> None:
    ran = loaded("why", "nobody@x", "-F", form)
    assert ran.code == 1
    assert "nobody@x: there is no record of such a call" in ran.out + ran.err


def test_an_entry_that_cannot_be_read_spoils_no_other(
        put: Calls, loaded: Followme, storage: Storage) -> None:
    put.refused("a@x")
    storage.client.rpush(keys.story(call_record.name("a@x")), b"\xff", b'["c9"]')
    assert "end      403: screened" in loaded("why", "a@x").out


def listed(loaded: Followme, *options: str) -> list[str]:
    return [one["call_id"] for one in json.loads(loaded("calls", *options, "-F", "json").out)]


@pytest.fixture
def four(put: Calls) -> Calls:
    put.answered("a@x", JANA)
    put.refused("b@x", JANA, 10)
    put.refused("c@x", PETR, 20, 486, ani="42073723999")
    put.refused("d@x", JANA, 30, 503, anonymous=True)
    return put


@pytest.mark.parametrize(("options", "found"), [
    ([], "d c b a"), ([JANA], "d b a"), (["+420 27 777 100"], "c"),
    (["--owner", "acme/jana"], "d b a"), (["--organisation", "novak"], "c"),
    (["--since", "2026-11-23 09:10"], "d c b"), (["--until", "2026-11-23T10:10+01:00"], "a"),
    (["--since", "2026-11-23", "--until", "2026-11-24"], "d c b a"),
    (["--result", "answered"], "a"), (["--result", "rejected", "--result", "failed"], "d b"),
    (["--from", "+420 73 723 999"], "c"), (["--from", "anonymous"], "d"),
    (["--from", "42075553333"], "d b a"), (["--limit", "2"], "d c"),
    ([JANA, "--result", "busy"], ""),
])
def test_calls_are_listed_and_filtered(
        four: Calls, loaded: Followme, options: list[str], found: str) -> None:
    assert listed(loaded, *options) == [f"{one}@x" for one in found.split()]


def test_people_see_a_table(four: Calls, loaded: Followme) -> None:
    rows = loaded("calls", JANA).out.splitlines()
    assert rows[0].split() == ["received", "number", "caller", "result", "status", "answered", "by",
                               "setup", "s", "talked", "s", "ended", "by", "call", "id"]
    assert rows[3].split() == ["2026-11-23T09:00:00.000Z", JANA, "42075553333", "answered", "200",
                               OFFICE, "23.0", "61.5", "caller", "a@x"]


def test_a_file_for_spreadsheets_runs_no_formula(put: Calls, loaded: Followme) -> None:
    put.answered('=HYPERLINK("x"),\r\n"a"@x')
    text = loaded("calls", "--csv").out
    heading, row = csv.reader(io.StringIO(text, newline=""))
    assert heading[0] == "received"
    assert row[-1] == "'=HYPERLINK(\"x\"),\r\n\"a\"@x"
    assert text.startswith("received,number,")
    assert text.endswith("\r\n")


@pytest.mark.parametrize(("options", "words"), [
    ([JANA, "--owner", "acme/jana"], "one of them"),
    (["--owner", "acme/nobody"], "acme/nobody has no numbers"),
    (["--since", "soon"], "'soon' is not a time"), (["--from", "me"], "not a telephone number"),
    (["--result", "happy"], "'happy' is not one of"), (["--limit", "0"], "0 is not in the range"),
    (["0049115"], "dialling prefix"),
])
def test_a_mistake_is_answered_in_words(
        put: Calls, loaded: Followme, options: list[str], words: str) -> None:
    ran = loaded("calls", *options)
    assert ran.code == 1
    assert words in ran.err


def test_show_names_the_last_caller(loaded: Followme, storage: Storage) -> None:
    assert "last caller" not in loaded("show", JANA).out
    storage.client.set(keys.last_caller(JANA), "42075553333")
    assert "\nlast caller  42075553333\n\n" in loaded("show", JANA).out
    assert json.loads(loaded("show", JANA, "-F", "json").out)["last_caller"] == "42075553333"


class TestForgetting:
    def test_asks_first(self, four: Calls, loaded: Followme) -> None:
        ran = loaded("calls", JANA, "--forget")
        assert ran.code == 1
        assert "give --yes to erase the records of 3 calls" in ran.err
        assert listed(loaded, JANA) == ["d@x", "b@x", "a@x"]

    def test_a_dry_run_erases_nothing(self, four: Calls, loaded: Followme) -> None:
        dry = ("calls", JANA, "--forget", "--dry-run")
        assert loaded(*dry).out == "the records of 3 calls would be erased\n"
        assert json.loads(loaded(*dry, "-F", "json").out) == {"erased": 0, "found": 3}
        assert listed(loaded, JANA) == ["d@x", "b@x", "a@x"]

    def test_erases_what_is_chosen_and_no_more(self, four: Calls, loaded: Followme) -> None:
        said = loaded("calls", "--from", "42073723999", "--limit", "1", "--forget", "--yes").out
        assert said == "the records of 1 call are erased\n"
        assert listed(loaded) == ["d@x", "b@x", "a@x"]
        assert loaded("why", "c@x").code == 1
        assert json.loads(loaded("calls", JANA, "--forget", "--yes", "-F", "json").out) == {
            "erased": 3}
        assert loaded("calls", JANA, "--forget", "--yes").out == "there are no such calls\n"

    def test_erases_the_last_caller_too(
            self, four: Calls, loaded: Followme, storage: Storage) -> None:
        storage.client.set(keys.last_caller(PETR), "42073723999")
        storage.client.set(keys.last_caller(JANA), "42000000000")
        loaded("calls", "--forget", "--yes")
        assert storage.client.get(keys.last_caller(PETR)) is None
        assert storage.client.get(keys.last_caller(JANA)) == b"42000000000"

    def test_leaves_nothing_behind(self, four: Calls, loaded: Followme, storage: Storage) -> None:
        loaded("calls", "--forget", "--yes")
        assert list(storage.client.scan_iter("fm:1:stor*")) == []
