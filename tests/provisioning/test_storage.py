# SPDX-License-Identifier: GPL-2.0-or-later
"""Many changes in one transaction, and who owns anything."""

from dataclasses import replace
from typing import cast

from kemi_routing.redis import keys
from provisioning.storage import Change, Storage, seen
from tests.provisioning.conftest import dump

JANA = "acme/jana"


def change(name: str) -> Change:
    key = keys.line(name)
    return Change("line", name, JANA, "new", expects={key: frozenset([None])},
                  sets={key: name.encode()})


def written_at_once(storage: Storage) -> int:
    found = cast(dict[str, dict[str, int]], storage.client.info("commandstats"))
    return found["cmdstat_mset"]["calls"]


def test_many_changes_are_one_transaction_and_of_them_only_who_lost_is_told(
        storage: Storage) -> None:
    storage.client.config_resetstat()
    assert [lost for _, lost in storage.write_all(map(change, "abc"))] == [None] * 3
    assert written_at_once(storage) == 1
    again = [bool(lost) for _, lost in storage.write_all(map(change, "xby"))]
    assert again == [False, True, False]
    assert dump(storage) == {keys.line(name): name.encode() for name in "abcxy"}


def test_a_change_sees_what_one_before_it_wrote(storage: Storage) -> None:
    key = keys.alias("420")
    first = Change("line", "a", JANA, "new", sets={key: b"acme/jana"},
                   expects={key: frozenset([None])}, joins=("alias:420",))
    second = Change("line", "b", JANA, "removed", deletes=(key,), leaves=("alias:420",),
                    expects={key: frozenset([seen(b"acme/jana")])})
    third = replace(first, owner="acme/petr", sets={key: b"acme/petr"})
    assert [lost for _, lost in storage.write_all([first, second, third])] == [None] * 3
    assert dump(storage) == {key: b"acme/petr", keys.owner("acme/petr"): {b"alias:420"},
                             keys.owners(): {b"acme/petr"}}


def test_who_has_nothing_any_more_is_no_owner(storage: Storage) -> None:
    joins = replace(change("a"), joins=("line:a",))
    leaves = replace(change("b"), leaves=("line:a",))
    elsewhere = replace(change("c"), joins=("line:c",))
    for batch, owners in (([joins], [JANA]), ([leaves], []), ([joins], [JANA]),
                          ([leaves, elsewhere], [JANA])):
        storage.client.delete(*map(keys.line, "abc"))
        assert [lost for _, lost in storage.write_all(batch)] == [None] * len(batch)
        assert list(storage.owners()) == owners


def test_the_owners_of_an_organisation_are_none_of_a_longer_name(storage: Storage) -> None:
    storage.client.sadd(keys.owners(), "acme/jana", "acme/petr", "acme-2/jana", "2-acme/eva")
    assert sorted(storage.owners("acme")) == ["acme/jana", "acme/petr"]
    assert len(list(storage.owners())) == 4


def test_a_change_may_have_very_many_things(storage: Storage) -> None:
    things = {f"fm:1:alias:{{{index}}}": b"acme/jana" for index in range(20_000)}
    names = tuple(f"alias:{index}" for index in range(20_000))
    one = replace(change("a"), sets=things, joins=names,
                  expects=dict.fromkeys(things, frozenset([None])))
    storage.write(one)
    assert len(dump(storage)) == 20_002
    assert storage.belongings([JANA]) == {JANA: {*names}}
    storage.write(replace(one, sets={}, joins=(), deletes=tuple(things), leaves=names, expects={}))
    assert dump(storage) == {}
