# SPDX-License-Identifier: GPL-2.0-or-later
"""Who changed a number, when and what; and the way back."""

import getpass
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from kemi_routing.packed import VERSION
from kemi_routing.redis import keys
from provisioning import revisions
from provisioning.revisions import Text, Version
from provisioning.storage import Storage
from tests.provisioning.conftest import EXAMPLES, Edit, Followme, Write, dump

OFFICE, SECOND = EXAMPLES / "office.yaml", EXAMPLES / "second-number.yaml"
JANA, PETR = "42027777101", "42027777100"
ME = f"{getpass.getuser()}@{socket.gethostname()}"
STEP = "sequence working_hours, step 2 office (49115234567): ring time"
Ago = Callable[[float], None]


@pytest.fixture
def edits(loaded: Followme, edited: Edit, monkeypatch: pytest.MonkeyPatch) -> Followme:
    """The same, after three more revisions: office rings 25, then 31, then 25 s."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    for seconds in (25, 31, 25):
        path = edited("office.yaml", ("ring: 30, label", f"ring: {seconds}, label"))
        assert loaded("apply", "--yes", path).code == 0
    return loaded


@pytest.fixture
def written(storage: Storage) -> Callable[[str, float], None]:
    """Makes the present version of a number so many hours older."""
    def age(number: str, hours: float) -> None:
        key = keys.authored(number)
        held = revisions.decode_text(storage.read([key])[key])
        at = int((datetime.now(UTC) - timedelta(hours=hours)).timestamp())
        storage.client.set(key, revisions.encode_text(Text(held.text, at, held.by)))
    return age


def test_history_names_who_and_when_and_what_the_newest_first(edits: Followme) -> None:
    rows = json.loads(edits("history", "-F", "json", JANA).out)
    assert [(row["revision"], row["by"], row["what"][0]) for row in rows] == [
        (4, ME, f"{STEP} 31 s → 25 s"), (3, ME, f"{STEP} 25 s → 31 s"),
        (2, ME, f"{STEP} 30 s → 25 s"), (1, ME, "mode forward_then_voicemail")]
    today = datetime.now(UTC)
    assert all(abs(datetime.fromisoformat(row["written"] + "+01:00") - today) < timedelta(hours=2)
               for row in rows)
    assert edits("history", JANA).out.splitlines()[1] == f"  {STEP} 31 s → 25 s"


def test_who_is_behind_sudo_is_named(loaded: Followme, edited: Edit,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "jana")
    assert loaded("apply", "--yes", edited("office.yaml", ("ring: 30", "ring: 31"))).code == 0
    (row, _) = json.loads(loaded("history", "-F", "json", JANA).out)
    assert row["by"] == f"jana@{socket.gethostname()}"


def test_a_revision_is_shown_as_it_was(edits: Followme) -> None:
    assert "ring: 31, label: office" in edits("show", f"{JANA}@3", "-F", "yaml").out
    shown = json.loads(edits("show", f"{JANA}@1", "-F", "json").out)
    assert (shown["revision"], shown["sequences"]["working_hours"]["steps"][1][0]["ring_s"]) == (
        1, 30)
    assert "revision 2" in edits("show", f"{JANA}@2").out


def test_what_was_in_force_at_a_time_is_shown(
        edits: Followme, edited: Edit, written: Callable[[str, float], None]) -> None:
    written(JANA, 60)
    assert edits("apply", "--yes", edited("office.yaml", ("ring: 30", "ring: 40"))).code == 0
    assert json.loads(edits("show", f"{JANA}@yesterday", "-F", "json").out)["revision"] == 4
    at = datetime.now(UTC) - timedelta(hours=1)
    assert json.loads(edits("show", f"{JANA}@{at:%Y-%m-%dT%H:%M}+00:00", "-F", "json").out
                      )["revision"] == 4
    assert edits("diff", f"{JANA}@yesterday").out.splitlines()[:2] == [
        JANA, f"  {STEP} 25 s → 40 s"]


def test_diff_is_against_now(edits: Followme) -> None:
    assert edits("diff", f"{JANA}@3").out.splitlines()[:2] == [JANA, f"  {STEP} 31 s → 25 s"]
    assert edits("diff", f"{JANA}@4").out == "nothing is different\n"
    assert json.loads(edits("diff", "-F", "json", f"{JANA}@3").out)[JANA][0] == (
        f"{STEP} 31 s → 25 s")


def test_diff_of_all_names_what_was_written_since(
        loaded: Followme, edited: Edit, written: Callable[[str, float], None]) -> None:
    for number in (JANA, PETR, "42027777102"):
        written(number, 60)
    assert loaded("apply", "--yes", edited("office.yaml", ("ring: 30", "ring: 31"))).code == 0
    found = json.loads(loaded("diff", "-F", "json", "@yesterday").out)
    assert {key: what[0] for key, what in found.items()} == {JANA: f"{STEP} 30 s → 31 s"}


def test_diff_of_all_is_on_the_clock_of_each_number(
        followme: Followme, edited: Edit, storage: Storage, monkeypatch: pytest.MonkeyPatch,
        ) -> None:
    monday = datetime(2026, 11, 23, 22, 59, tzinfo=UTC)  # in Prague a minute before midnight
    tuesday = monday + timedelta(minutes=2)
    for at, ring in ((monday, 30), (tuesday, 32)):
        monkeypatch.setattr("provisioning.desk.clock", lambda at=at: at)
        path = edited("office.yaml", ("ring: 30", f"ring: {ring}"))
        assert followme("apply", "--yes", path).code == 0
    storage.client.delete(keys.changes())
    storage.client.xadd(keys.changes(), {"number": JANA}, id=int(tuesday.timestamp() * 1000))
    monkeypatch.setattr("provisioning.desk.clock", lambda: monday + timedelta(hours=12))
    assert followme("diff", "@today").out.splitlines()[:2] == [JANA, f"  {STEP} 30 s → 32 s"]


class TestUndo:
    def test_is_a_new_revision_that_is_as_the_one_before(self, edits: Followme,
                                                         storage: Storage) -> None:
        ran = edits("undo", "--yes", JANA)
        assert (ran.code, ran.out.splitlines()[:2]) == (0, [
            f"number {JANA} of acme/jana: changed, revision 4 → 5", f"  {STEP} 25 s → 31 s"])
        assert "ring: 31" in edits("show", JANA, "-F", "yaml").out
        assert edits("undo", "--yes", JANA).code == 0
        assert "ring: 25" in edits("show", JANA, "-F", "yaml").out

    def test_goes_to_any_revision(self, edits: Followme) -> None:
        assert edits("undo", "--yes", f"{JANA}@1").code == 0
        assert edits("plan", OFFICE).code == 0

    def test_says_first_what_it_would_write(self, edits: Followme, storage: Storage) -> None:
        before = dump(storage)
        assert edits("undo", "--dry-run", JANA).code == 0
        assert edits("undo", JANA).code == 1  # nobody to ask
        assert dump(storage) == before

    def test_brings_back_what_was_removed(self, loaded: Followme, storage: Storage) -> None:
        before = dump(storage)
        assert loaded("remove", "--yes", PETR).code == 0
        assert loaded("show", PETR).code == 1
        assert loaded("undo", "--yes", PETR).code == 0
        after = dump(storage)
        left = {"fm:1:authored:{42027777100}", "fm:1:number:{42027777100}", "fm:1:changes",
                "fm:1:history:{42027777100}"}
        assert {key: value for key, value in before.items() if key not in left} == {
            key: value for key, value in after.items() if key not in left}
        assert loaded("plan", SECOND).code == 0
        rows = json.loads(loaded("history", "-F", "json", PETR).out)
        assert [(row["revision"], row["what"][0]) for row in rows] == [
            (3, "mode forward_then_voicemail"), (2, "removed"),
            (1, "mode forward_then_voicemail")]

    def test_needs_the_lines_that_went_with_it(self, loaded: Followme) -> None:
        assert loaded("remove", "--yes", JANA).code == 0
        ran = loaded("undo", "--yes", JANA)
        assert (ran.code, ran.err.splitlines()[0]) == (1, (
            "followme: acme/jana has no line jana-desk any more; apply the file with it"))

    def test_gives_no_right_back_that_the_operator_took(self, edits: Followme, storage: Storage,
                                                        write: Write) -> None:
        operator = write("operator.yaml", "grants:\n  acme: {permissions: [voicemail]}\n")
        assert edits("apply", "--yes", operator).code == 0
        assert edits("undo", "--yes", f"{JANA}@1").code == 0
        assert json.loads(edits("show", "-F", "json", JANA).out)["permissions"] == ["voicemail"]

    def test_takes_no_alias_from_its_new_owner(self, loaded: Followme, edited: Edit) -> None:
        assert loaded("apply", "--yes", edited("second-number.yaml", (
            "aliases: [42073723123@pstn]", "aliases: []"))).code == 0
        assert loaded("apply", "--yes", edited("office.yaml", (
            "        mode:", "        aliases: [42073723123@pstn]\n        mode:"))).code == 0
        ran = loaded("undo", "--yes", PETR)
        assert (ran.code, ran.err.splitlines()[0]) == (1, (
            f"{PETR}@1:10:19: alias 42073723123 is novak/petr's here and acme/jana's in the store; "
            "it has one owner: leave it out here, or take it from there first"))

    def test_drops_an_alias_that_came_since(self, loaded: Followme, storage: Storage,
                                            edited: Edit) -> None:
        assert loaded("apply", "--yes", edited("second-number.yaml", (
            "[42073723123@pstn]", "[42073723123@pstn, 42073723124@pstn]"))).code == 0
        assert loaded("undo", "--yes", PETR).code == 0
        assert storage.client.get(keys.alias("42073723124")) is None
        assert storage.client.get(keys.alias("42073723123")) == b"novak/petr"

    def test_is_asked_for_by_number_and_needs_no_count(
            self, loaded: Followme, write: Write) -> None:
        silent = write("silent.yaml", (
            "organisation: novak\ntime_zone: Europe/Prague\nsubscribers:\n  petr:\n"
            f"    numbers: {{{PETR}: {{mode: ring_only}}}}\n"))
        assert loaded("apply", "--yes", "--unanswered", "1", silent).code == 0
        assert loaded("undo", "--yes", PETR).code == 0
        assert loaded("undo", "--dry-run", PETR).err == ""
        assert loaded("undo", "--yes", PETR).code == 0

    def test_of_a_first_version_is_refused(self, loaded: Followme) -> None:
        assert loaded("undo", "--yes", JANA).err == (
            f"followme: {JANA} has no version before this one\n")


@pytest.mark.parametrize(("command", "said"), [
    (("history", "42027777199"), "42027777199: nobody owns this number, and nobody did"),
    (("show", f"{JANA}@7"), "there is no revision 7; known are: 1"),
    (("show", f"{JANA}@2001-01-01"), f"{JANA}: nobody owned this number then"),
    (("show", f"{JANA}@soon"), "'soon' is no revision and no time; write @3 for a revision, "
     "@yesterday, @2026-11-23T09:30, or \"@mon 09:30\""),
    (("show", f"{JANA}@2026-03-29T02:30"), "2026-03-29 02:30 does not exist in Europe/Prague: the "
     "clocks are put forward then, to 03:30"),
    (("diff", JANA), f"since when? write  {JANA}@yesterday, or {JANA}@3 for a revision"),
    (("diff", "20261123"), "since when? write  20261123@yesterday, or 20261123@3 for a revision"),
    (("diff", "@3"), "@3 is a revision of one number; write  42027777100@3, or a time for all "
     "numbers: @yesterday"),
    (("show", "@3"), "@3 of which number? write  42027777100@3"),
    (("undo", "@yesterday"), "@yesterday of which number? write  42027777100@yesterday"),
])
def test_what_there_is_not_is_said(loaded: Followme, command: tuple[str, ...], said: str) -> None:
    ran = loaded(*command)
    assert (ran.code, ran.err) == (1, f"followme: {said}\n")


def test_the_oldest_versions_go(loaded: Followme, storage: Storage) -> None:
    key = keys.history(JANA)
    storage.client.rpush(key, *[revisions.encode(Version(index, Text(""), b""))
                                for index in range(revisions.KEPT + 20)])
    assert loaded("remove", "--yes", JANA).code == 0
    assert storage.client.llen(key) == revisions.KEPT


@pytest.mark.parametrize("stored", [
    b"42027777101:\n  mode: ring_only\n", bytes([VERSION, 0xC1]), b"\xff\xfe", b"",
    bytes([VERSION]) + b"\x93\x01\x02"])
def test_a_text_that_is_old_or_broken_stops_nothing(loaded: Followme, storage: Storage,
                                                    stored: bytes) -> None:
    storage.client.set(keys.authored(JANA), stored)
    storage.client.rpush(keys.history(JANA), stored)
    for command in ("show", "history"):
        assert loaded(command, JANA).code == 0
    assert loaded("apply", "--yes", OFFICE).code == 0
    assert loaded("plan", OFFICE).code == 0


def test_a_number_that_comes_back_goes_on_counting(loaded: Followme) -> None:
    assert loaded("remove", "--yes", PETR).code == 0
    assert loaded("apply", "--yes", SECOND).code == 0
    assert json.loads(loaded("show", "-F", "json", PETR).out)["revision"] == 3


def test_all_versions_are_told_on_one_clock(
        followme: Followme, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    monkeypatch.setattr("provisioning.desk.clock", lambda: at)
    path = write("lisboa.yaml", (
        "organisation: lisboa\ntime_zone: Asia/Kolkata\nsubscribers:\n"
        "  rui: {permissions: [voicemail], numbers: {351213450001: {}}}\n"))
    assert followme("apply", "--yes", path).code == 0
    assert followme("remove", "--yes", "351213450001").code == 0
    for what in ("lisboa", "351213450001"):
        rows = json.loads(followme("history", "-F", "json", what).out)
        assert {row["written"] for row in rows} == {"2026-07-01 17:30"}


def test_a_time_without_its_at_is_told_with_it(followme: Followme) -> None:
    for when in ("yesterday", "2026-11-23T09:30", "mon 09:30"):
        assert followme("diff", when).err == (
            f"followme: since when? write  @{when} for all numbers\n")


def test_a_version_that_cannot_be_read_does_not_hide_the_others(
        loaded: Followme, storage: Storage) -> None:
    broken = Version(9, Text(""), b"\x02\xff")
    storage.client.rpush(keys.history("organisation acme"), revisions.encode(broken))
    rows = json.loads(loaded("history", "-F", "json", "acme").out)
    assert [row["what"][0] for row in rows] == [
        "its settings, or those before, cannot be read", "organisation: new"]
