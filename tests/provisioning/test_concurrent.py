# SPDX-License-Identifier: GPL-2.0-or-later
"""Two files that are applied at the same time: whatever comes first, aliases and personal numbers
stay apart, and an alias is its owner's as long as a number has it, and no longer (SPEC N2).
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest

from kemi_routing.model import Platform
from kemi_routing.record import decode_number
from kemi_routing.redis import keys
from provisioning import changes, source
from provisioning.check import read_tree
from provisioning.kept import Kept
from provisioning.problems import Problems
from provisioning.storage import Change, Conflict, Storage
from provisioning.stored import names
from tests.provisioning.conftest import Followme, Write

ONE, OTHER = "12125550123", "12125550124"
MOBILE = "12125550100"
RING = "ring: 21"
WITH, WITHOUT = f"aliases: [{MOBILE}@pstn]", "aliases: []"


def of_jana(one: str, other: str = "") -> str:
    """A file in which she has these two numbers, or the first one only."""
    second = f"      {OTHER}: {{{other}}}\n" if other else ""
    return ("organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n    numbers:\n"
            f"      {ONE}: {{{one}}}\n{second}")


def of_eva(number: str, rest: str) -> str:
    return ("organisation: other\ntime_zone: UTC\nsubscribers:\n  eva:\n    numbers:\n"
            f"      {number}: {{{rest}}}\n")


def planned(text: str, storage: Storage) -> list[Change]:
    """What applying it would write."""
    now = datetime.now(UTC)
    tree = source.parse(text, "a.yaml", Problems())
    assert tree
    checked = read_tree(tree, Platform(), now, Kept(storage))
    return [change for change in changes.compare(checked, storage, now) if change.writes]


def claimed(storage: Storage) -> set[str]:
    """The aliases that the store knows, after all numbers were found whole."""
    client = storage.client
    records = storage.read(map(bytes.decode, client.scan_iter("fm:1:number:*")))
    held = storage.read(map(bytes.decode, client.scan_iter("fm:1:alias:*")))
    for number in map(decode_number, records.values()):
        assert {held.get(keys.alias(one)) for one in number.aliases} <= {number.owner.encode()}
        assert keys.alias(number.number) not in held
    things = set[str]().union(*storage.belongings(list(storage.owners())).values())
    assert {keys.alias(name) for name in names(things, "alias")} == set(held)
    return set(held)


def written_in_turn(first: list[Change], second: list[Change], storage: Storage,
                    ) -> Iterator[None]:
    """Each order in which two writers can meet: every one leaves the store whole."""
    dump = {key: storage.client.dump(key) or b"" for key in storage.client.scan_iter()}
    steps = range(len(first) + len(second))
    for of_first in combinations(steps, len(first)):
        storage.client.flushall()
        for key, value in dump.items():
            storage.client.restore(key, 0, value)
        mine, theirs = iter(first), iter(second)
        for step in steps:
            with suppress(Conflict):
                storage.write(next(mine if step in of_first else theirs))
            claimed(storage)
        yield


@pytest.mark.parametrize("texts", [
    (of_jana(WITH), of_jana(WITHOUT), of_jana(f"{WITH}, {RING}")),
    (of_jana(WITH), of_jana(WITHOUT), of_jana(f"{WITHOUT}, {RING}")),
    (of_jana(RING, WITH), of_jana("ring: 22", WITHOUT), of_jana("ring: 23", WITH)),
    (of_jana(WITH, RING), of_jana(WITHOUT, "ring: 22"), of_jana(WITH, "ring: 23")),
    (of_jana(WITH, WITH), of_jana(WITHOUT, WITHOUT), of_jana(WITH, f"{WITH}, {RING}")),
    (of_jana(WITH, WITH), of_jana(WITHOUT, WITHOUT), of_jana(f"{WITH}, {RING}", WITH)),
    (of_jana(WITH, WITH), of_jana(WITHOUT, WITHOUT), of_jana(WITHOUT, f"{WITHOUT}, {RING}")),
    (of_jana(WITH, RING), of_jana(WITHOUT, RING), of_jana(WITH, WITH)),
], ids=["edited", "edited and dropped", "on the second", "on the first", "both, second edited",
        "both, first edited", "both dropped twice", "given to the other meanwhile"])
def test_an_alias_that_is_dropped_while_somebody_edits_its_number_is_free_in_the_end(
        followme: Followme, storage: Storage, tmp_path: Path, texts: tuple[str, ...]) -> None:
    """Of what is stored, the file that drops it, and the other one."""
    stored, file, theirs = texts
    path = tmp_path / "a.yaml"
    path.write_text(stored)
    assert followme("apply", "--yes", path).code == 0
    path.write_text(file)
    for _ in written_in_turn(planned(file, storage), planned(theirs, storage), storage):
        assert followme("apply", "--yes", path).code == 0
        assert claimed(storage) == set()
        assert followme("plan", path).code == 0


def test_an_alias_that_a_new_number_gets_while_it_is_dropped_is_whole(
        followme: Followme, storage: Storage, write: Write) -> None:
    assert followme("apply", "--yes", write("a.yaml", of_jana(WITH))).code == 0
    ends = [len(claimed(storage)) for _ in written_in_turn(
        planned(of_jana(WITHOUT), storage), planned(of_jana(WITH, WITH), storage), storage)]
    assert set(ends) == {1}


def test_digits_become_an_alias_or_a_personal_number_never_both(
        followme: Followme, storage: Storage) -> None:
    assert followme("show").code == 0
    alias, number = of_jana(WITH), of_eva(MOBILE, RING)
    for _ in written_in_turn(planned(alias, storage), planned(number, storage), storage):
        assert len(claimed(storage)) + int(str(storage.client.exists(keys.number(MOBILE)))) == 1


def test_a_plan_that_drops_an_alias_of_two_numbers_is_applied_as_it_was_looked_at(
        followme: Followme, storage: Storage, tmp_path: Path) -> None:
    path, plan = tmp_path / "a.yaml", tmp_path / "a.plan"
    path.write_text(of_jana(WITH, WITH))
    assert followme("apply", "--yes", path).code == 0
    path.write_text(of_jana(WITHOUT, WITHOUT))
    assert followme("plan", path, "-o", plan).code == 2
    assert claimed(storage)
    assert followme("apply", "--yes", plan).code == 0
    assert claimed(storage) == set()
    assert followme("plan", path).code == 0


def test_an_alias_that_no_number_has_any_more_goes_with_the_next_apply(
        followme: Followme, storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(of_jana(RING))
    assert followme("apply", "--yes", path).code == 0
    storage.client.set(keys.alias(MOBILE), "acme/jana")
    storage.client.hset(keys.owner("acme/jana"), f"alias:{MOBILE}", "")
    assert followme("apply", "--yes", path).out == (
        f"alias {MOBILE} of acme/jana: removed\n1 change written\n")
    assert claimed(storage) == set()
