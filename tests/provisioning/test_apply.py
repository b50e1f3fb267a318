# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``apply`` and ``remove`` leave in the store."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from kemi_routing.model import Platform
from kemi_routing.packed import VERSION
from kemi_routing.record import decode_line, decode_number
from kemi_routing.redis import keys
from provisioning import changes
from provisioning.check import check, read
from provisioning.checked import Checked
from provisioning.kept import Kept
from provisioning.storage import Change, Conflict, Storage
from tests.provisioning.conftest import EXAMPLES, LOADED, Edit, Followme, dump
from tests.support.builders import NOW

SECOND = EXAMPLES / "second-number.yaml"
NUMBER = "42027777100"
ALIAS = "42073723123"


def revision(storage: Storage, digits: str = NUMBER) -> int:
    data = storage.client.get(keys.number(digits))
    assert isinstance(data, bytes)
    return decode_number(data).revision


def test_a_number_is_stored_with_all_that_belongs_to_it(loaded: Followme, storage: Storage) -> None:
    assert loaded("show", NUMBER).code == 0
    held = dump(storage)
    assert sorted(held) == [
        "fm:1:alias:{42073723123}",
        "fm:1:authored:{42027777100}", "fm:1:authored:{42027777101}",
        "fm:1:authored:{42027777102}", "fm:1:changes",
        "fm:1:history:{organisation acme}", "fm:1:history:{organisation novak}",
        "fm:1:history:{organisation workshop}",
        "fm:1:line:{back-office}", "fm:1:line:{bench-one}", "fm:1:line:{bench-two}",
        "fm:1:line:{jana-desk}",
        "fm:1:number:{42027777100}", "fm:1:number:{42027777101}", "fm:1:number:{42027777102}",
        "fm:1:organisation:{acme}", "fm:1:organisation:{novak}", "fm:1:organisation:{workshop}",
        "fm:1:owner:{acme/jana}", "fm:1:owner:{novak/petr}", "fm:1:owner:{workshop/service}",
        "fm:1:owners", "fm:1:subscriber:{acme/jana}", "fm:1:subscriber:{novak/petr}",
        "fm:1:subscriber:{workshop/service}"]
    assert held["fm:1:alias:{42073723123}"] == b"novak/petr"
    assert held["fm:1:owner:{novak/petr}"] == {b"number:42027777100", b"alias:42073723123"}
    assert held["fm:1:owner:{acme/jana}"] == {b"number:42027777101", b"line:jana-desk"}
    assert held["fm:1:owners"] == {b"acme/jana", b"novak/petr", b"workshop/service"}


def test_the_stored_number_is_the_checked_one(loaded: Followme, storage: Storage) -> None:
    assert loaded("check", SECOND).code == 0
    (entry,) = check([SECOND], Platform(), NOW).numbers
    data = storage.client.get(keys.number(NUMBER))
    assert isinstance(data, bytes)
    assert decode_number(data) == entry.number


def test_no_password_of_a_line_is_stored(loaded: Followme, storage: Storage) -> None:
    assert loaded("show").code == 0
    assert not [key for key, value in dump(storage).items()
                if b"kettle" in repr(value).encode() or b"anvil" in repr(value).encode()]
    data = storage.client.get(keys.line("jana-desk"))
    assert isinstance(data, bytes)
    assert decode_line(data).ha1 == "55bcc8688ae99dfbb25096c0e88f36aa"


def test_the_realm_of_the_lines_is_the_domain(followme: Followme, storage: Storage,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOWME_DOMAIN", "sip.example.com")
    assert followme("apply", "--yes", EXAMPLES / "office.yaml").code == 0
    data = storage.client.get(keys.line("jana-desk"))
    assert isinstance(data, bytes)
    assert decode_line(data).ha1 != "55bcc8688ae99dfbb25096c0e88f36aa"


def test_applying_twice_has_nothing_to_do(loaded: Followme, storage: Storage) -> None:
    before = dump(storage)
    ran = loaded("apply", *LOADED)  # needs no --yes
    assert (ran.code, ran.out) == (0, "nothing to do\n")
    assert dump(storage) == before


def test_only_what_changed_is_written(loaded: Followme, storage: Storage, edited: Edit) -> None:
    ran = loaded("apply", "--yes", edited("second-number.yaml", ("ring: 20", "ring: 26")),
                 EXAMPLES / "office.yaml")
    assert ran.things == [
        "number 42027777100 of novak/petr: changed, revision 1 → 2",
        "1 change written"]
    assert revision(storage) == 2
    assert revision(storage, "42027777101") == 1


def test_a_comment_is_worth_a_revision(loaded: Followme, storage: Storage, edited: Edit) -> None:
    path = edited("second-number.yaml", ("default: mobile", "default: mobile  # always"))
    assert loaded("apply", "--yes", path).code == 0
    assert revision(storage) == 2
    assert "default: mobile  # always" in loaded("show", NUMBER, "-F", "yaml").out


def test_an_alias_and_a_line_that_are_written_no_more_are_removed(
        loaded: Followme, storage: Storage, edited: Edit) -> None:
    no_alias = edited("second-number.yaml", ("aliases: [42073723123@pstn]", "aliases: []"))
    no_line = edited("office.yaml", ("lines:\n      jana-desk: {password: \"blue-kettle-7391\"}",
                                     "lines: {}"),
                     ("            - {to: line jana-desk, ring: 20, label: desk}\n", ""))
    ran = loaded("apply", "--yes", no_alias, no_line)
    assert ran.things == [
        "number 42027777100 of novak/petr: changed, revision 1 → 2",
        "number 42027777101 of acme/jana: changed, revision 1 → 2",
        "line jana-desk of acme/jana: removed",
        "3 changes written"]
    held = dump(storage)
    assert "fm:1:alias:{42073723123}" not in held
    assert "fm:1:line:{jana-desk}" not in held
    assert held["fm:1:owner:{novak/petr}"] == {b"number:42027777100"}
    assert held["fm:1:owner:{acme/jana}"] == {b"number:42027777101"}


def test_an_alias_that_moves_to_another_number_of_its_owner_stays(
        loaded: Followme, storage: Storage, edited: Edit) -> None:
    moved = edited("second-number.yaml",
                   ("        aliases: [42073723123@pstn]\n", ""),
                   ("    numbers:\n", "    numbers:\n      42027777105: "
                                      "{aliases: [42073723123@pstn]}\n"))
    assert loaded("apply", "--yes", moved).code == 0
    assert dump(storage)["fm:1:alias:{42073723123}"] == b"novak/petr"
    assert loaded("apply", moved).out.splitlines()[-1] == "nothing to do"


def test_a_changed_password_changes_the_line_only(loaded: Followme, edited: Edit) -> None:
    ran = loaded("apply", "--yes", edited("office.yaml", ("blue-kettle", "red-kettle")))
    assert ran.things == [
        "line jana-desk of acme/jana: changed",
        "1 change written"]


def test_what_somebody_else_has_is_refused_naming_both(
        loaded: Followme, storage: Storage, edited: Edit) -> None:
    before = dump(storage)
    number = edited("second-number.yaml", ("organisation: novak", "organisation: other"))
    line = edited("team.yaml", ("42027777102", "42027777103"), ("workshop", "other"))
    ran = loaded("apply", "--yes", number, line)
    assert ran.code == 1
    assert [one.replace(f"{number.parent}/", "") for one in ran.told] == [
        "second-number.yaml:10:7: number 42027777100 is other/petr's here and novak/petr's in "
        "the store; it has one owner: leave it out here, or take it from there first",
        "second-number.yaml:11:19: alias 42073723123 is other/petr's here and novak/petr's in "
        "the store; it has one owner: leave it out here, or take it from there first",
        *[f"team.yaml:{line}:7: line {name} is other/service's here and workshop/service's in "
          "the store; it has one owner: leave it out here, or take it from there first"
          for line, name in ((10, "bench-one"), (11, "bench-two"), (12, "back-office"))],
        "5 errors"]
    assert dump(storage) == before


def test_a_number_is_no_alias_and_an_alias_no_number(loaded: Followme, edited: Edit) -> None:
    alias = edited("team.yaml", ("mode: forward_only",
                                 "aliases: [42027777101@pstn]\n        mode: forward_only"))
    number = edited("office.yaml", ("      42027777101:", "      42027777101: {}\n"
                                                          "      42073723123:"))
    assert loaded("apply", "--yes", alias).err.splitlines()[0] == (
        f"{alias}:15:19: 42027777101 is a personal number of acme/jana in the store; "
        "an alias is an outside number that identifies the owner; leave it out")
    assert loaded("apply", "--yes", number).err.splitlines()[0] == (
        f"{number}:13:7: 42073723123 is an alias of novak/petr in the store; "
        "it cannot be a personal number too: leave it out here or there")


def test_a_number_that_is_left_out_is_not_removed_silently(
        loaded: Followme, storage: Storage, edited: Edit) -> None:
    before = dump(storage)
    path = edited("office.yaml", ("42027777101", "42027777109"))
    ran = loaded("apply", "--yes", path)
    assert (ran.code, ran.told) == (1, [
        f"{path}:7:3: acme/jana has the number 42027777101 in the store but not in the files; "
        "write it, or first: followme remove 42027777101",
        "1 error"])
    assert dump(storage) == before


def test_a_file_with_an_error_writes_nothing(followme: Followme, storage: Storage,
                                             edited: Edit) -> None:
    bad = edited("office.yaml", ("49115234567", "0049115234567"))
    assert followme("apply", "--yes", SECOND, bad).code == 1
    assert dump(storage) == {}


def planned(path: Path, storage: Storage) -> list[Change]:
    checked = read([path], Platform(), NOW, kept=Kept(storage))
    pending = changes.compare(checked, storage, NOW)
    assert not checked.problems.errors
    return [change for change in pending if change.writes]


def test_a_concurrent_edit_is_refused_by_name_and_not_lost(
        loaded: Followme, storage: Storage, edited: Edit) -> None:
    mine, *_ = planned(edited("second-number.yaml", ("ring: 20", "ring: 40")), storage)
    theirs = edited("second-number.yaml", ("ring: 20", "ring: 30"))
    assert loaded("apply", "--yes", theirs).code == 0
    before = dump(storage)
    with pytest.raises(Conflict, match="number 42027777100 was changed by somebody else"):
        storage.write(mine)
    assert dump(storage) == before


def test_a_number_that_somebody_else_made_meanwhile_is_refused(
        followme: Followme, storage: Storage) -> None:
    mine, *_ = planned(SECOND, storage)
    assert followme("apply", "--yes", SECOND).code == 0
    with pytest.raises(Conflict):
        storage.write(mine)


def test_an_alias_that_somebody_else_took_meanwhile_is_refused(
        followme: Followme, storage: Storage) -> None:
    assert followme("show").code == 0
    mine, *_ = planned(SECOND, storage)
    storage.client.set(keys.alias(ALIAS), "other/eva")
    with pytest.raises(Conflict):
        storage.write(mine)
    assert dump(storage) == {"fm:1:alias:{42073723123}": b"other/eva"}


def test_a_write_between_look_and_write_is_seen(followme: Followme, storage: Storage) -> None:
    assert followme("show").code == 0
    mine, *_ = planned(SECOND, storage)
    storage.client.set(keys.number(NUMBER), b"theirs")
    with pytest.raises(Conflict):
        storage.write(mine)
    assert dump(storage) == {"fm:1:number:{42027777100}": b"theirs"}


def test_a_conflict_does_not_stop_the_others(loaded: Followme, storage: Storage, edited: Edit,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [edited("second-number.yaml", ("ring: 20", "ring: 26")),
             edited("office.yaml", ("ring: 30", "ring: 31"))]
    compare = changes.compare

    def compare_and_interfere(checked: Checked, store: Storage, now: datetime) -> list[Change]:
        pending = compare(checked, store, now)
        storage.client.set(keys.number(NUMBER), b"theirs")
        return pending
    monkeypatch.setattr(changes, "compare", compare_and_interfere)
    ran = loaded("apply", "--yes", *paths)
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == (
        "followme: number 42027777100 was changed by somebody else meanwhile; "
        "nothing of it was written, try again")
    assert ran.things == [
        "number 42027777101 of acme/jana: changed, revision 1 → 2",
        "1 change written"]


def test_a_record_that_cannot_be_read_is_replaced(loaded: Followme, storage: Storage) -> None:
    storage.client.set(keys.number(NUMBER), bytes([VERSION, 0xC1]))
    storage.client.set(keys.line("jana-desk"), bytes([VERSION, 0xC1]))
    ran = loaded("apply", "--yes", SECOND, EXAMPLES / "office.yaml")
    assert ran.code == 0
    assert loaded("show", NUMBER).code == 0
    assert loaded("apply", SECOND, EXAMPLES / "office.yaml").out.endswith("nothing to do\n")


def test_a_record_of_another_version_is_left_alone(loaded: Followme, storage: Storage) -> None:
    newer = bytes([VERSION + 1]) + b"newer"
    storage.client.set(keys.number(NUMBER), newer)
    ran = loaded("apply", "--yes", SECOND)
    assert (ran.code, storage.client.get(keys.number(NUMBER))) == (1, newer)
    assert f"another version (version {VERSION + 1}; this program reads {VERSION})" in ran.err


def test_remove_takes_all_that_was_only_its_own(loaded: Followme, storage: Storage) -> None:
    for number in ("+420 277 771 00", "42027777101", "42027777102"):
        assert loaded("remove", "--yes", number).code == 0
    assert {key.partition("{")[0] for key in dump(storage)} == {
        "fm:1:changes", "fm:1:history:", "fm:1:organisation:"}


def organisation(folder: Path, subscribers: str) -> Path:
    """A file with these subscribers."""
    path = folder / "a.yaml"
    path.write_text(f"organisation: acme\ntime_zone: UTC\nsubscribers:\n{subscribers}")
    return path


def test_remove_leaves_what_another_number_of_the_owner_needs(
        followme: Followme, storage: Storage, tmp_path: Path) -> None:
    path = organisation(
        tmp_path, "  jana:\n"
        "    lines: {desk: {password: blue-kettle}, home: {password: blue-kettle}}\n"
        "    numbers:\n"
        "      12125550124: {aliases: [12125550100@pstn, 12125550101@pstn]}\n"
        "      12125550123: {aliases: [12125550100@pstn]}\n")
    assert followme("apply", "--yes", path).code == 0
    ran = followme("remove", "--yes", "12125550124")
    assert ran.things == [
        "number 12125550124 of acme/jana: removed, revision 1",
        "line desk of acme/jana: changed",
        "line home of acme/jana: changed",
        "3 changes written"]
    held = dump(storage)
    assert held["fm:1:owner:{acme/jana}"] == {
        b"number:12125550123", b"alias:12125550100", b"line:desk", b"line:home"}
    assert "fm:1:alias:{12125550101}" not in held
    data = held["fm:1:line:{desk}"]
    assert isinstance(data, bytes)
    assert decode_line(data).number == "12125550123"


def test_remove_names_the_numbers_whose_file_shows_it(
        followme: Followme, storage: Storage, tmp_path: Path) -> None:
    path = organisation(
        tmp_path, "  jana:\n    numbers: {12125550123: {cli: 12125550123}, 12125550124: {}}\n"
        "    extensions: {201: {}, 202: {cli: caller}}\n"
        "  petr:\n    extensions: {203: {cli: 12125550123}}\n")
    assert followme("apply", "--yes", path).code == 0
    storage.client.delete(keys.authored("acme/203"))  # it has no need to be read again
    ran = followme("remove", "--yes", "12125550123")
    assert ran.err.splitlines() == [
        "warning: acme/203 shows 12125550123 to outside targets, as its file says"]
    shown = [followme("show", f"acme/{key}", "-F", "json").out for key in (201, 202, 203)]
    assert [json.loads(text)["cli"] for text in shown] == ["12125550124", "caller", "12125550123"]


def test_thousands_of_numbers_are_read_in_batches(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    numbers = "".join(f"      {12125550000 + count}: {{}}\n" for count in range(1200))
    path.write_text("organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n"
                    f"    numbers:\n{numbers}")
    written = planned(path, storage)
    for change in written:
        storage.write(change)
    assert len(written) == 1201
    assert planned(path, storage) == []
