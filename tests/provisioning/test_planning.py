# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of rows that are looked at part by part: the plan is that of all files in one piece."""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kemi_routing.redis import keys
from provisioning import parts, planning
from provisioning import planned as planned_
from provisioning.cli import main
from provisioning.columns import Headers
from provisioning.planning import Asked, Found
from provisioning.storage import Change, Storage
from tests.provisioning.conftest import Followme, Write

FORK = multiprocessing.get_context("fork")
SHARED = """\
organisation: acme
time_zone: Europe/Prague
dial_plan: {country: 420, local_digits: 9}
"""
COLUMNS = "subscriber,number,permissions,line,password,aliases,mode,to_1,ring_1"
Rows = list[dict[str, str]]
Written = Callable[[Rows], str]
Edited = Callable[[Rows], object]


def rows(count: int = 20) -> Rows:
    """Every fourth subscriber has two numbers."""
    found = []
    for index in range(count):
        person = index - (index % 4 == 1)
        line = f"line-{person}" if person == index else ""
        found.append({
            "subscriber": f"s{person}", "number": f"2770{index:05}",
            "permissions": "forward_external", "line": line,
            "password": f"words-of-{person}" if line else "",
            "aliases": f"42073{index:07}@pstn", "mode": "forward_only",
            "to_1": f"7311{index:05}", "ring_1": "20"})
    return found


def table(found: Rows) -> str:
    names = COLUMNS.split(",")
    return "\n".join([COLUMNS, *(",".join(one[name] for name in names) for one in found)]) + "\n"


def lines(found: Rows) -> str:
    return "".join(json.dumps({key: text for key, text in one.items() if text}) + "\n"
                   for one in found)


FORMS = pytest.mark.parametrize(("name", "written"), [("a.csv", table), ("a.jsonl", lines)],
                                ids=["table", "lines"])


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Parts have so many rows from then on, and are looked at by two processes."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    return lambda count: monkeypatch.setattr(parts, "ROWS", count)


Few = Callable[[int], None]
Said = tuple[int, list[str], str]
"""Exit code, results in any order, errors."""


Planned = Callable[..., tuple[Said, list[Change]]]


@pytest.fixture
def planned(followme: Followme, few: Few) -> Planned:
    """What ``plan`` says of files in parts of so many rows, and its changes, those of organisations
    last.
    """
    def plan_of(count: int, *files: Path) -> tuple[Said, list[Change]]:
        few(count)
        plan = files[-1].with_suffix(".plan")
        plan.unlink(missing_ok=True)
        ran = followme("plan", "-o", plan, *files)
        said = ran.code, sorted(ran.out.splitlines()), ran.err
        return said, [*planned_.load(plan).changes] if plan.exists() else []
    return plan_of


def in_order(changes: list[Change]) -> list[Change]:
    """In one order, whatever theirs is."""
    return sorted(changes, key=lambda one: (one.kind, one.name))


@FORMS
def test_the_parts_of_a_file_are_all_of_it_and_part_no_subscriber(
        tmp_path: Path, few: Few, name: str, written: Written) -> None:
    few(3)
    path = tmp_path / name
    path.write_text(written(rows()))
    found = list(parts.of(path, Headers()))
    assert [one.rows for one in found] == [3, 3, 4, 4, 4, 2]
    assert sum(one.part.end - one.part.start for one in found) + found[0].part.head == len(
        path.read_bytes())


@FORMS
@pytest.mark.parametrize("edit", [
    lambda found: None,
    lambda found: found.append(found.pop(1)),  # a subscriber in two parts
    lambda found: found[0].update(to_1="277000019"),  # a number of the last part
    lambda found: found[19].update(to_1="201") or found.append(
        found[0] | {"subscriber": "x", "number": "201", "line": "", "password": "",
                    "aliases": ""}),
    lambda found: found[0].update(aliases="420770000019@pstn"),
    lambda found: found[3].update(ring_1="40"),  # a warning: a mobile's own voicemail
    lambda found: found[0].update(aliases=found[19]["aliases"]),
    lambda found: found[0].update(number=found[19]["number"]),
    lambda found: found[0].update(line=found[19]["line"]),
    lambda found: [found[index].update(mode="none", to_1="1") for index in (0, 7, 19)],
    lambda found: found[0].update(to_1="277000019") or found[19].update(to_1="277000000"),
], ids=["sound", "scattered", "target", "extension", "alias", "warning", "alias twice",
        "number twice", "line twice", "errors", "loop"])
def test_a_plan_by_parts_is_the_same(planned: Planned, write: Write, name: str, written: Written,
                                     edit: Edited) -> None:
    found = rows()
    edit(found)
    files = write("acme.yaml", SHARED), write(name, written(found))
    whole, changes = planned(1000, *files)
    parted, same = planned(3, *files)
    assert parted == whole
    assert in_order(same) == in_order(changes)
    assert same[-1:] == changes[-1:]


@pytest.mark.parametrize("edit", [
    lambda found: None,
    lambda found: found[3].update(ring_1="40"),
    lambda found: found[3].update(to_1="277000005"),
], ids=["sound", "warning", "of one part"])
def test_rows_that_have_nothing_to_do_with_others_are_never_held_all(
        followme: Followme, few: Few, write: Write, edit: Edited,
        monkeypatch: pytest.MonkeyPatch) -> None:
    found = rows()
    edit(found)
    monkeypatch.delattr("provisioning.planning.Kept")  # which one piece needs
    few(3)
    assert followme("plan", write("acme.yaml", SHARED), write("a.csv", table(found))).code == 2


def test_quoted_cells_with_line_feeds_are_in_one_part(
        planned: Planned, few: Few, write: Write) -> None:
    found = rows()
    for one in found:
        one |= {"to_1": '"' + one["to_1"] + '\n&\n420771000000"'}
    wrong = write("wrong.csv", table([*found[:-1], found[-1] | {"mode": "none"}]))
    assert planned(3, wrong)[0] == planned(1000, wrong)[0]
    files = write("acme.yaml", SHARED), write("a.csv", table(found))
    assert planned(3, *files)[0] == planned(1000, *files)[0]
    assert len(list(parts.of(files[1], Headers()))) == 1
    few(3)
    assert len(list(parts.of(files[1], Headers()))) == 6


def test_rows_without_a_file_of_their_organisation_agree_on_its_time_zone(
        planned: Planned, write: Write) -> None:
    head, *rest = table(rows()).splitlines()
    for zones in (["Europe/Prague"] * 20, ["Europe/Prague"] * 19 + ["Asia/Tokyo"],
                  ["Europe/Prague"] + [""] * 19):
        text = "\n".join([f"organisation,time_zone,{head}", *(
            f"acme,{zone},{one}" for zone, one in zip(zones, rest, strict=True))])
        file = write("a.csv", text.replace(",2770", ",4202770").replace(",7311", ",4207311"))
        whole, changes = planned(1000, file)
        parted, same = planned(3, file)
        assert (parted, in_order(same)) == (whole, in_order(changes))
        assert whole[0] == 2


def test_settings_that_change_for_other_subscribers_are_looked_at_in_one_piece(
        followme: Followme, few: Few, write: Write) -> None:
    few(3)
    table_, shared = write("a.csv", table(rows())), write("acme.yaml", SHARED)
    assert followme("apply", "--yes", shared, table_).code == 0
    fewer = write("b.csv", table(rows()[:16]))
    assert followme("plan", shared, fewer).out == "nothing to do\n"
    shared.write_text(SHARED + "redirects: follow\n")
    told = [row for row in followme("plan", shared, fewer).things if row.startswith("number ")]
    assert [row.endswith(": changed, revision 1 → 2") for row in told] == [True] * 20


def test_very_many_new_things_are_written_by_several_processes_and_what_they_share_last(
        followme: Followme, storage: Storage, few: Few, write: Write,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.writing.MANY", 10)
    monkeypatch.setattr("provisioning.cli_plan.MOST_TOLD", 8)
    few(1000)
    files = write("acme.yaml", SHARED), write("a.csv", table(rows()))
    taken = keys.line("line-19")
    plan = files[0].with_suffix(".plan")
    assert followme("plan", "-o", plan, *files).code == 2
    storage.client.set(keys.organisation("acme"), "theirs")  # which all numbers go by
    lost = followme("apply", "--yes", plan)
    assert (lost.code, storage.client.exists(taken)) == (1, 0)
    storage.client.delete(keys.organisation("acme"))
    ran = followme("apply", "--yes", plan)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[8:] == ["36 changes written"]
    assert followme("plan", *files).out == "nothing to do\n"


def test_of_very_many_new_things_only_who_lost_is_told(
        followme: Followme, storage: Storage, write: Write, monkeypatch: pytest.MonkeyPatch,
        ) -> None:
    monkeypatch.setattr("provisioning.writing.MANY", 10)
    compare = planning.make

    def make_and_interfere(asked: Asked, store: Storage) -> Found:
        found = compare(asked, store)
        storage.client.set(keys.line("line-19"), b"theirs")
        return found
    monkeypatch.setattr(planning, "make", make_and_interfere)
    ran = followme("apply", "--yes", write("acme.yaml", SHARED), write("a.csv", table(rows())))
    assert (ran.code, ran.told) == (1, [
        "followme: line line-19 was changed by somebody else meanwhile; nothing of it was "
        "written, try again"])
    assert ran.out.endswith("35 changes written\n")
    assert storage.client.get(keys.line("line-19")) == b"theirs"


def test_an_import_that_was_killed_goes_on_and_ends_right(
        followme: Followme, storage: Storage, few: Few, write: Write,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.storage.AT_ONCE", 2)
    few(20)
    command = ["apply", "--yes", "-F", "json", *map(str, (
        write("acme.yaml", SHARED), write("a.csv", table(rows(60)))))]
    write_one = Storage._write

    def killed_behind_15(self: Storage, batch: Sequence[Change]) -> None:
        write_one(self, batch)
        if self.client.xlen(keys.changes()) >= 15:
            os.kill(os.getpid(), signal.SIGKILL)
    with monkeypatch.context() as there:
        there.setattr(Storage, "_write", killed_behind_15)
        process = FORK.Process(target=lambda: sys.exit(main(command)))
        process.start()
        process.join()
    assert process.exitcode == -signal.SIGKILL
    assert storage.client.xlen(keys.changes()) in {15, 16}
    assert followme(*command).code == 0
    assert storage.client.xlen(keys.changes()) == 60  # none was written twice
    assert followme("plan", *command[-2:]).out == "nothing to do\n"
