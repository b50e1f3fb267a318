# SPDX-License-Identifier: GPL-2.0-or-later
"""Plans: what files would change, kept in a file, and what stops them."""

import json
import stat
from pathlib import Path

import pytest

from kemi_routing.redis import keys
from provisioning.storage import Storage
from tests.provisioning.conftest import EXAMPLES, Edit, Followme, Write, dump

OFFICE = EXAMPLES / "office.yaml"
JANA = "42027777101"
SHORTER = ("ring: 30, label: office", "ring: 25, label: office")
HEAD_OF_A_PLAN = b'{"followme plan": 3, "counts": {"new": 1}, "warnings": [], "brakes": []}\n'
HEAD = "number 42027777101 of acme/jana: changed, revision 1 → 2"
SAID = "  sequence working_hours, step 2 office (49115234567): ring time 30 s → 25 s"


def people(count: int, mode: str = "ring_only", name: str = "acme", start: int = 0) -> str:
    return f"organisation: {name}\ntime_zone: Europe/Prague\nsubscribers:\n" + "".join(
        f"  s{index}: {{lines: {{{name}-{index}: {{password: long-enough-{index}}}}}, "
        f"numbers: {{{42027770000 + start + index}: {{mode: {mode}}}}}}}\n"
        for index in range(count))


def test_a_plan_says_in_words_what_would_change_and_writes_nothing(
        loaded: Followme, storage: Storage, edited: Edit) -> None:
    before = dump(storage)
    ran = loaded("plan", edited("office.yaml", SHORTER))
    assert ran.code == 2
    assert ran.out.splitlines()[:2] == [HEAD, SAID]
    assert ran.out.splitlines()[-1] == "1 changed, 1 unchanged"
    assert dump(storage) == before


def test_a_plan_of_what_is_in_force_finds_nothing(loaded: Followme) -> None:
    ran = loaded("plan", OFFICE)
    assert (ran.code, ran.out) == (0, "nothing to do\n")


def test_a_plan_for_programs_has_the_words_too(loaded: Followme, edited: Edit) -> None:
    ran = loaded("plan", "-F", "json", edited("office.yaml", SHORTER))
    number, line = json.loads(ran.out)["changes"]
    assert (ran.code, number["result"], line["result"]) == (2, "changed", "unchanged")
    assert number["what"][0] == SAID.strip()


def test_of_very_many_changes_a_person_is_shown_the_first_and_how_many_more(
        followme: Followme, write: Write) -> None:
    file = write("many.yaml", people(600))
    planned = followme("plan", file)
    assert planned.things[1000:] == ["and 201 more; -F json tells them all", "1201 new"]
    done = followme("apply", "--yes", file)
    assert done.out.splitlines()[1000:] == ["1201 changes written"]
    assert done.err.splitlines()[-1].startswith("written: 1,000 of 1,201 (83 %), ")
    again = followme("apply", "-F", "json", file)
    assert len(json.loads(again.out)["changes"]) == 1200


def test_what_is_wrong_in_files_is_no_plan(loaded: Followme, edited: Edit) -> None:
    ran = loaded("plan", edited("office.yaml", ("ring: 30", "ring: 3000")))
    assert (ran.code, ran.out) == (1, "")
    assert "ring" in ran.err


def test_drift_is_silent_where_there_is_none_and_names_what_drifted(
        loaded: Followme, edited: Edit) -> None:
    assert loaded("drift", OFFICE) .code == 0
    assert loaded("drift", OFFICE).out == loaded("drift", OFFICE).err == ""
    assert loaded("apply", "--yes", edited("office.yaml", SHORTER)).code == 0
    ran = loaded("drift", OFFICE)
    assert (ran.code, ran.out.splitlines()[0]) == (2, HEAD.replace("1 → 2", "2 → 3"))


def test_drift_tells_no_log_how_far_it_is(followme: Followme, tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text("organisation: acme\ntime_zone: Europe/Prague\n")
    (tmp_path / "rows.csv").write_text("subscriber,number\n" + "".join(
        f"u{index},{10000 + index}\n" for index in range(1001)))
    files = tmp_path / "acme.yaml", tmp_path / "rows.csv"
    assert "checked: 1,000 of 1,001" in followme("plan", *files).err
    ran = followme("drift", *files)
    assert (ran.code, ran.err) == (2, "")


@pytest.mark.parametrize("command", [("apply", OFFICE), ("remove", JANA)], ids=lambda it: it[0])
def test_a_dry_run_says_the_same_and_writes_nothing(
        loaded: Followme, storage: Storage, edited: Edit, command: tuple[str, Path | str]) -> None:
    verb, what = command
    before = dump(storage)
    what = edited("office.yaml", SHORTER) if verb == "apply" else what
    dry = loaded(verb, "--dry-run", what)
    assert (dry.code, dump(storage)) == (0, before)
    done = loaded(verb, "--yes", what)
    assert done.out.splitlines()[:-1] == dry.out.splitlines()[:-1]
    assert dump(storage) != before


class TestThePlanInAFile:
    def plan(self, followme: Followme, path: Path, *files: Path) -> Path:
        assert followme("plan", "-o", path, *files).code == 2
        return path

    def test_is_applied_as_it_was_reviewed(self, loaded: Followme, storage: Storage,
                                           edited: Edit, tmp_path: Path) -> None:
        office = edited("office.yaml", SHORTER)
        plan = self.plan(loaded, tmp_path / "monday.plan", office)
        office.write_text("nobody reads this any more")
        ran = loaded("apply", "--yes", plan)
        assert (ran.code, ran.out.splitlines()[:2]) == (0, [HEAD, SAID])
        held = dump(storage)
        again = loaded("apply", "--yes", plan)
        assert (again.code, again.out, dump(storage)) == (0, "nothing to do\n", held)

    def test_is_for_its_owner_alone(self, loaded: Followme, edited: Edit, tmp_path: Path) -> None:
        plan = tmp_path / "monday.plan"
        plan.touch(mode=0o666)
        self.plan(loaded, plan, edited("office.yaml", SHORTER))
        assert stat.S_IMODE(plan.stat().st_mode) == 0o600

    def test_is_refused_whole_where_a_number_has_moved(
            self, loaded: Followme, storage: Storage, edited: Edit, tmp_path: Path) -> None:
        files = edited("office.yaml", SHORTER), edited("second-number.yaml", ("ring: 20",
                                                                               "ring: 26"))
        plan = self.plan(loaded, tmp_path / "monday.plan", *files)
        assert loaded("apply", "--yes", edited("office.yaml", ("ring: 30", "ring: 31"))).code == 0
        before = dump(storage)
        ran = loaded("apply", "--yes", plan)
        assert (ran.code, dump(storage)) == (1, before)
        assert ran.err == (f"followme: changed since the plan was made: number {JANA}; nothing "
                           "was written, make the plan anew\n")

    def test_goes_on_where_it_stopped(self, loaded: Followme, storage: Storage, edited: Edit,
                                      tmp_path: Path) -> None:
        files = edited("office.yaml", SHORTER), edited("second-number.yaml", ("ring: 20",
                                                                               "ring: 26"))
        plan = self.plan(loaded, tmp_path / "both.plan", *files)
        assert loaded("apply", "--yes", files[0]).code == 0
        ran = loaded("apply", "--yes", plan)
        assert (ran.code, ran.things) == (0, [
            "number 42027777100 of novak/petr: changed, revision 1 → 2", "1 change written"])
        assert loaded("plan", *files).code == 0

    def test_takes_numbers_away_too(self, loaded: Followme, storage: Storage, edited: Edit,
                                    tmp_path: Path) -> None:
        plan = self.plan(loaded, tmp_path / "a.plan", edited(
            "second-number.yaml", ("aliases: [42073723123@pstn]", "aliases: []")))
        assert loaded("apply", "--yes", plan).code == 0
        assert storage.client.get(keys.alias("42073723123")) is None

    @pytest.mark.parametrize("data", [
        b"", b"{}", b"[]", b'{"followme plan": 3}', b"organisation: x", HEAD_OF_A_PLAN, *(
            HEAD_OF_A_PLAN + packed for packed in (
                b"\x81\xa4kind\xa1x", b"\x90", b"\x01", b"\xc1", b"\x97" + b"\xa1x" * 7,
                b"\x96\xa1x", b"\xa1\xff", b"\xdd\xff\xff\xff\xff"))])
    def test_that_is_none_is_refused(self, loaded: Followme, tmp_path: Path, data: bytes) -> None:
        path = tmp_path / "monday.plan"
        path.write_bytes(data)
        ran = loaded("apply", "--yes", path)
        assert (ran.code, ran.err) == (1, f"followme: {path} is not a plan; make one:  followme "
                                          f"plan FILES -o {path}\n")

    def test_of_another_version_is_refused(self, loaded: Followme, tmp_path: Path) -> None:
        path = tmp_path / "monday.plan"
        path.write_text('{"followme plan": 1}')
        assert "another version" in loaded("apply", "--yes", path).err

    @pytest.mark.parametrize("name", ["monday.json", "no/such/folder/monday.plan"])
    def test_that_cannot_be_kept_is_refused(self, loaded: Followme, edited: Edit, name: str,
                                            tmp_path: Path) -> None:
        ran = loaded("plan", "-o", tmp_path / name, edited("office.yaml", SHORTER))
        assert (ran.code, list(tmp_path.glob("*.plan"))) == (1, [])

    def test_goes_alone(self, loaded: Followme, edited: Edit, tmp_path: Path) -> None:
        plan = self.plan(loaded, tmp_path / "a.plan", edited("office.yaml", SHORTER))
        assert loaded("apply", "--yes", plan, OFFICE).err == (
            "followme: one plan at a time, and no files beside it\n")


class TestABrake:
    def test_holds_more_than_thirty_per_cent_of_ten(
            self, followme: Followme, storage: Storage, write: Write) -> None:
        assert followme("apply", "--yes", write("all.yaml", people(10))).code == 0
        four = write("four.yaml", people(4, "ring_then_voicemail"))
        three = write("three.yaml", people(3, "ring_then_forward"))
        before = dump(storage)
        planned = followme("plan", four)
        assert (planned.code, planned.err.splitlines()[-1]) == (
            2, "apply will refuse: 4 of 10 numbers of acme are changed or removed; if that is "
               "meant:  --changed 4")
        for release in ((), ("--changed", "5")):
            ran = followme("apply", "--yes", *release, four)
            assert (ran.code, dump(storage)) == (1, before)
        assert followme("apply", "--yes", three).code == 0
        assert followme("apply", "--yes", "--changed", "4", four).code == 0

    def test_holds_a_plan_in_a_file_too(self, followme: Followme, write: Write,
                                        tmp_path: Path) -> None:
        assert followme("apply", "--yes", write("all.yaml", people(10))).code == 0
        plan = tmp_path / "four.plan"
        assert followme("plan", "-o", plan, write("f.yaml", people(4, "ring_then_voicemail"))
                        ).code == 2
        assert followme("apply", "--yes", plan).code == 1
        assert followme("apply", "--yes", "--changed", "4", plan).code == 0

    @pytest.mark.parametrize("count", [1, 9])
    def test_holds_no_few(self, followme: Followme, write: Write, count: int) -> None:
        assert followme("apply", "--yes", write("all.yaml", people(count))).code == 0
        assert followme("apply", "--yes", write(
            "other.yaml", people(count, "ring_then_voicemail"))).code == 0

    def test_does_not_count_comments_and_new_numbers(self, followme: Followme,
                                                     write: Write) -> None:
        first = people(10).replace("{mode", "{ mode")
        assert followme("apply", "--yes", write("all.yaml", first)).code == 0
        assert followme("apply", "--yes", write("more.yaml", people(30))).code == 0

    def test_holds_a_number_that_nothing_would_answer(
            self, followme: Followme, storage: Storage, write: Write) -> None:
        assert followme("apply", "--yes", write("one.yaml", people(1))).code == 0
        before = dump(storage)
        silent = write("silent.yaml", people(1, "voicemail_only"))
        ran = followme("apply", "--yes", silent)
        assert (ran.code, dump(storage)) == (1, before)
        assert ran.err.splitlines()[-1] == (
            "followme: 1 number would be left without anything that answers: 42027770000; if "
            "that is meant:  --unanswered 1")
        assert followme("apply", "--yes", "--unanswered", "1", silent).code == 0

    def test_does_not_hold_what_rejects_on_purpose(self, followme: Followme,
                                                   write: Write) -> None:
        assert followme("apply", "--yes", write("one.yaml", people(1))).code == 0
        assert followme("apply", "--yes", write("no.yaml", people(1, "reject"))).code == 0
