# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys that hold nothing of ours: each is replaced, or named with a way out that is one."""

import shlex

import pytest

from kemi_routing.redis import keys
from provisioning.storage import Storage
from tests.provisioning.conftest import EXAMPLES, Edit, Followme

OFFICE = EXAMPLES / "office.yaml"
NUMBER, OWNER = "42027777101", "acme/jana"


@pytest.fixture
def office(followme: Followme) -> Followme:
    """An organisation that is stored, in a second revision."""
    assert followme("apply", "--yes", OFFICE).code == 0
    return followme


def is_mended(followme: Followme) -> bool:
    return (followme("apply", "--yes", OFFICE).code == 0
            and followme("plan", OFFICE).out == "nothing to do\n"
            and "working_hours" in followme("export", "acme").out
            and NUMBER in followme("show").out)


@pytest.mark.parametrize("key", [
    keys.number(NUMBER), keys.authored(NUMBER), keys.line("jana-desk"), keys.organisation("acme"),
    keys.subscriber(OWNER), keys.state(NUMBER), keys.last_caller(NUMBER)])
def test_a_list_where_we_have_a_string_is_replaced(
        office: Followme, storage: Storage, key: str) -> None:
    storage.client.delete(key)
    storage.client.rpush(key, "not ours")
    assert is_mended(office)


@pytest.mark.parametrize("key", [
    keys.number(NUMBER), keys.line("jana-desk"), keys.organisation("acme"), keys.subscriber(OWNER),
    keys.state(NUMBER)])
def test_another_first_byte_is_named_with_the_way_out(
        office: Followme, storage: Storage, key: str) -> None:
    storage.client.set(key, b"not ours")
    ran = office("apply", "--yes", OFFICE)
    assert (ran.code, ran.err) == (1, (
        f"followme: {key} holds a record of another version (version 110; this program reads 2); "
        "use the followme that wrote it, or, where none did, take it away and apply its file again:"
        f"  redis-cli DEL '{key}'\n"))
    go(storage, ran.err)
    assert is_mended(office)


@pytest.mark.parametrize(("key", "kind", "command"), [
    (keys.owner(OWNER), "hash", ("apply", "--yes", OFFICE)),
    (keys.owner(OWNER), "hash", ("show",)),
    (keys.owner(OWNER), "hash", ("remove", "--yes", NUMBER)),
    (keys.history(NUMBER), "list", ("history", NUMBER)),
    (keys.history(NUMBER), "list", ("undo", "--yes", NUMBER)),
    (keys.changes(), "stream", ("diff", "@yesterday")),
    (keys.stories(NUMBER), "zset", ("calls", NUMBER)),
])
def test_another_type_is_named_with_the_way_out(
        office: Followme, storage: Storage, key: str, kind: str, command: tuple[str, ...]) -> None:
    storage.client.set(key, "not ours")
    ran = office(*command)
    assert (ran.code, ran.err) == (1, (
        f"followme: {key} is a string, and followme keeps a {kind} there; take it away, then apply "
        f"the files again whose numbers it names:  redis-cli DEL '{key}'\n"))
    go(storage, ran.err)
    assert is_mended(office)


@pytest.mark.parametrize("key", [keys.history(NUMBER), keys.changes()])
def test_what_a_write_meets_is_named_too(
        office: Followme, storage: Storage, edited: Edit, key: str) -> None:
    storage.client.set(key, "not ours")
    path = edited("office.yaml", ("ring: 30", "ring: 31"))
    ran = office("apply", "--yes", path)
    assert (ran.code, f"followme: {key} is a string" in ran.err) == (1, True)
    go(storage, ran.err)
    assert office("apply", "--yes", path).code == 0
    assert office("plan", path).out == "nothing to do\n"


def test_the_first_three_are_named(office: Followme, storage: Storage) -> None:
    others = [keys.owner(f"acme/{name}") for name in ("a", "b", "c")]
    for key in (keys.owner(OWNER), *others):
        storage.client.set(key, "not ours")
    told = office("show").err.splitlines()
    assert (len(told), len({row.partition(" is ")[0] for row in told})) == (3, 3)


def test_without_the_list_of_owners_there_is_no_way_but_a_backup(
        office: Followme, storage: Storage) -> None:
    storage.client.set(keys.owners(), "not ours")
    assert office("show").err == (
        f"followme: {keys.owners()} is a string, and followme keeps a set there; put it back from "
        "a backup of Redis\n")


def go(storage: Storage, told: str) -> None:
    """Do what the way out says."""
    command, key = shlex.split(told.rpartition("redis-cli ")[2])
    assert (command, storage.client.delete(key)) == ("DEL", 1)
