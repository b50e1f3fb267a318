# SPDX-License-Identifier: GPL-2.0-or-later
"""Call records in a Redis of our own: bounded, kept for a time, written again without harm."""

from dataclasses import replace
from typing import cast

import pytest

from kemi_routing import call_record
from kemi_routing.call_record import Arrival, Said
from kemi_routing.errors import StoreUnavailable
from kemi_routing.redis import call_store, keys
from kemi_routing.redis.call_store import CallStore
from provisioning import calls
from provisioning.storage import Storage
from tests.support.builders import PERSONAL, call
from tests.support.redis_server import RedisServer

DAY_S = 86_400
NOW_MS = 1_795_000_000_000
CAME = Arrival(call(), "a@x", NOW_MS, PERSONAL, "trunk 192.0.2.20")
NAME = call_record.name("a@x")


def decided(at_ms: int = NOW_MS, number: str = PERSONAL) -> str:
    return call_record.refused(replace(CAME, received_ms=at_ms), number, Said(403, "no"))


@pytest.fixture
def kept(storage: Storage, redis_server: RedisServer) -> CallStore:
    """On an empty store, for 30 days."""
    assert not list(storage.owners())
    return CallStore(redis_server.url, 30)


def names(storage: Storage) -> list[str]:
    found = cast(list[bytes], storage.client.zrange(keys.stories(PERSONAL), 0, -1))
    return [name.decode() for name in found]


def test_entries_stand_under_their_call_and_in_the_list_of_the_number(
        kept: CallStore, storage: Storage) -> None:
    bye = call_record.hung_up(NOW_MS + 9000, "caller")
    assert kept.keep([(NAME, bye), (NAME, decided())], NOW_MS) == 0
    story = storage.client.lrange(keys.story(NAME), 0, -1)
    assert story == [bye.encode(), decided().encode()]
    assert names(storage) == [NAME]
    lasts = [storage.client.ttl(key) for key in (keys.story(NAME), keys.stories(PERSONAL))]
    assert all(30 * DAY_S - 60 < one <= 30 * DAY_S for one in lasts)


def test_what_is_written_again_changes_nothing(kept: CallStore, storage: Storage) -> None:
    for _ in range(2):
        kept.keep([(NAME, decided()), (NAME, call_record.hung_up(NOW_MS, "caller"))], NOW_MS)
    assert names(storage) == [NAME]
    assert len(calls.story("a@x", storage)) == 1


def test_a_call_and_a_number_have_a_bound(
        kept: CallStore, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_store, "MOST_ENTRIES", 3)
    monkeypatch.setattr(call_store, "MOST_CALLS", 2)
    byes = [call_record.hung_up(at_ms, "caller") for at_ms in range(1, 9)]
    kept.keep([(NAME, bye) for bye in byes], NOW_MS)
    assert storage.client.lrange(keys.story(NAME), 0, -1) == [bye.encode() for bye in byes[:3]]
    kept.keep([(f"{n}" * 32, decided(NOW_MS + n)) for n in range(5)], NOW_MS)
    assert names(storage) == ["3" * 32, "4" * 32]
    stories = cast(list[bytes], storage.client.keys(keys.story("[0-9]*")))
    assert {*stories} == {keys.story(f"{n}" * 32).encode() for n in (3, 4)}


def test_where_one_may_not_erase_what_falls_out_the_list_has_its_bound_all_the_same(
        storage: Storage, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the edge's user of an older version."""
    monkeypatch.setattr(call_store, "MOST_CALLS", 2)
    storage.client.acl_setuser("old", enabled=True, passwords=["+secret"], keys=["fm:*"], commands=[
        "+eval", "+rpush", "+ltrim", "+expire", "+zadd", "+zremrangebyrank", "+zremrangebyscore"])
    old = CallStore(f"unix://old:secret@{redis_server.socket_path}", 30)
    assert old.keep([(f"{n}" * 32, decided(NOW_MS + n)) for n in range(5)], NOW_MS) == 0
    assert names(storage) == ["3" * 32, "4" * 32]


def test_what_is_too_old_goes_from_the_list_with_the_next_call(
        kept: CallStore, storage: Storage) -> None:
    kept.keep([("a" * 32, decided(NOW_MS))], NOW_MS)
    later_ms = NOW_MS + 31 * DAY_S * 1000
    kept.keep([("b" * 32, decided(later_ms))], later_ms)
    assert names(storage) == ["b" * 32]


@pytest.mark.parametrize("text", ["", "junk", '["c9"]'])
def test_what_cannot_be_read_is_counted_and_holds_up_nothing(
        kept: CallStore, storage: Storage, text: str) -> None:
    assert kept.keep([(NAME, text), (NAME, decided())], NOW_MS) == 1
    assert names(storage) == [NAME]


def test_a_key_that_something_else_has_holds_up_nothing(
        kept: CallStore, storage: Storage) -> None:
    storage.client.set(keys.story("b" * 32), "somebody else's")
    assert kept.keep([("b" * 32, decided()), (NAME, decided())], NOW_MS) > 0
    assert NAME in names(storage)


def test_a_user_without_the_right_keeps_them_for_later(
        storage: Storage, redis_server: RedisServer) -> None:
    storage.client.acl_setuser("poor", enabled=True, passwords=["+secret"], commands=["+get"],
                               keys=["fm:*"])
    path = redis_server.socket_path
    poor = CallStore(f"unix://poor:secret@{path}", 30)
    with pytest.raises(StoreUnavailable, match="permission"):
        poor.keep([(NAME, decided())], NOW_MS)


def test_a_store_that_hangs_is_not_waited_for(kept: CallStore, redis_server: RedisServer) -> None:
    kept.keep([(NAME, decided())], NOW_MS)
    redis_server.freeze()
    try:
        with pytest.raises(StoreUnavailable):
            kept.keep([(NAME, decided())], NOW_MS)
    finally:
        redis_server.thaw()
