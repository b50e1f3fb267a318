# SPDX-License-Identifier: GPL-2.0-or-later
"""What the doctor says of a Redis in each state."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from provisioning.doctor import store
from provisioning.storage import Storage
from tests.provisioning.conftest import ROOT
from tests.provisioning.examined import PATIENT
from tests.support.redis_server import RedisServer

READ = ("-@all", "+get", "+mget", "+eval", "+set", "+smembers", "+srem", "+rpush", "+ltrim",
        "+unlink", "+expire", "+zadd", "+zrange", "+zremrangebyrank", "+zremrangebyscore",
        "~fm:1:*")
ACL = re.search(r"^ACL (SETUSER edge .*)$", (ROOT / "docs/operators.md").read_text(), re.MULTILINE)


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Any]:
    """A Redis whose settings come back afterwards."""
    client = cast(Any, Storage(redis_server.url).client)
    client.flushall()
    names = ("maxmemory", "maxmemory-policy", "save", "appendonly")
    before = {name: client.config_get(name)[name] for name in names}
    yield client
    for name, value in before.items():
        client.config_set(name, value)
    client.execute_command("ACL", "DELUSER", "edge")
    client.execute_command("REPLICAOF", "NO", "ONE")


def said(url: str) -> dict[str, tuple[str, str]]:
    """What is found: subject -> level and words with the mend."""
    found = list(store.redis(replace(PATIENT, redis=url)))
    assert len({one.about for one in found}) == len(found)
    return {one.about: (str(one.level), f"{one.what}; {one.mend}") for one in found}


def as_edge(server: RedisServer, client: Any, *rules: str) -> str:
    """The address with a user that has these rules."""
    client.execute_command("ACL", "SETUSER", "edge", "reset", "on", ">PASSWORD", *rules)
    return server.url.replace("unix://", "unix://edge:PASSWORD@")


def test_a_redis_as_it_should_be(redis_server: RedisServer, client: Any) -> None:
    client.config_set("appendonly", "yes")
    assert ACL is not None
    client.execute_command("ACL", *ACL[1].split())
    found = said(redis_server.url.replace("unix://", "unix://edge:PASSWORD@"))
    assert {level for level, _ in found.values()} == {"OK"}
    assert list(found) == ["redis rights", "redis", "redis version", "redis memory", "redis disk",
                           "redis clock"]
    assert found["redis"][1].startswith("unix://***@/")
    assert "PASSWORD" not in str(found)


def test_looking_changes_nothing(redis_server: RedisServer, client: Any) -> None:
    client.set("fm:1:line:{doctor}", b"a line of that name")
    client.sadd("fm:1:proxies", "edge-1:192.0.2.1:5060")
    said(redis_server.url)
    assert sorted(client.keys()) == [b"fm:1:line:{doctor}", b"fm:1:proxies"]
    assert client.get("fm:1:line:{doctor}") == b"a line of that name"
    assert client.smembers("fm:1:proxies") == {b"edge-1:192.0.2.1:5060"}


def test_a_proxy_that_may_not_tell_its_name(redis_server: RedisServer, client: Any) -> None:
    client.sadd("fm:1:proxies", "edge-1:192.0.2.1:5060")
    found = said(as_edge(redis_server, client, *READ))
    assert found["redis rights"][1].startswith("the user may not: SADD fm:1:proxies; give")


@pytest.mark.parametrize(("name", "value", "words"), [
    ("save", "", "FAIL none: a restart forgets all numbers; CONFIG SET append"),
    ("save", "60 1", "WARN save points only: a crash loses the last minutes"),
    ("appendonly", "yes", "OK appendonly"),
    ("maxmemory", "0", "OK no limit, nothing is evicted"),
])
def test_what_is_kept(redis_server: RedisServer, client: Any, name: str, value: str,
                      words: str) -> None:
    client.config_set(name, value)
    about = "redis memory" if name == "maxmemory" else "redis disk"
    assert " ".join(said(redis_server.url)[about]).startswith(words)


@pytest.mark.parametrize(("policy", "level"), [
    ("allkeys-lru", "FAIL"), ("allkeys-random", "FAIL"), ("volatile-lru", "OK"),
    ("noeviction", "OK")])
def test_what_is_forgotten_when_it_is_full(
        redis_server: RedisServer, client: Any, policy: str, level: str) -> None:
    client.config_set("maxmemory", "512mb")
    client.config_set("maxmemory-policy", policy)
    found = said(redis_server.url)["redis memory"]
    assert (found[0], found[1].partition(" at 512 MiB")[0]) == (level, policy)


@pytest.mark.parametrize(("rules", "about", "words"), [
    (("allcommands", "~fm:1:*"), "redis rights", "WARN the user may write numbers"),
    (("-@all", "+get", "~fm:1:*"), "redis rights",
     "FAIL the user may not: MGET fm:1:number:{doctor}, EVAL fm:1:state:{doctor}, SET fm:1:state:"),
    (("allcommands", "~fm:1:line:*", "~fm:1:number:*"), "redis rights",
     "FAIL the user may not: MGET fm:1:number:{doctor}, EVAL"),
    (("-@all", "+ping"), "redis", "FAIL unix://***@/"),
    (READ, "redis settings", "WARN the user may not look at them; give it +info"),
    ((*READ, "+info"), "redis disk", "WARN no appendonly, and the user may not ask for save"),
])
def test_rights(redis_server: RedisServer, client: Any, rules: tuple[str, ...], about: str,
                words: str) -> None:
    assert " ".join(said(as_edge(redis_server, client, *rules))[about]).startswith(words)


def test_a_wrong_password_is_told_without_it(redis_server: RedisServer) -> None:
    found = said(redis_server.url.replace("unix://", "unix://edge:hush@"))
    assert found["redis"][0] == "FAIL"
    assert "invalid username-password pair" in found["redis"][1]
    assert "hush" not in str(found)


def test_a_replica_that_lost_its_primary(redis_server: RedisServer, client: Any) -> None:
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    found = said(redis_server.url)
    assert found["redis role"] == ("FAIL", "a replica that has lost its primary; look at its log")
    assert found["redis rights"][0] == "WARN"
    assert found["redis rights"][1].startswith("a replica: what calls change")
    assert found["redis disk"] == ("OK", "none, but a replica gets all from its primary; ")


def test_one_that_hangs_is_told_in_one_line(
        redis_server: RedisServer, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.ping()
    monkeypatch.setattr(store, "TIMEOUT_S", 0.1)
    redis_server.freeze()
    try:
        found = said(redis_server.url)
    finally:
        redis_server.thaw()
    assert list(found) == ["redis"]
    assert found["redis"][0] == "FAIL"


@pytest.mark.parametrize("url", ["unix:///nowhere.sock", "redis://127.0.0.1:1/0", "http://x"])
def test_none(url: str) -> None:
    assert [level for level, _ in said(url).values()] == ["FAIL"]


@pytest.mark.parametrize(("took_ms", "level"), [(1, "OK"), (20, "WARN"), (60, "FAIL")])
def test_how_soon_it_answers(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch,
                             took_ms: int, level: str) -> None:
    readings = iter(range(10_000))
    monkeypatch.setattr("time.perf_counter", lambda: next(readings) * took_ms / 1000)
    assert said(redis_server.url)["redis"][0] == level


def test_a_clock_that_differs(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert said(redis_server.url)["redis clock"][0] == "WARN"


@pytest.mark.parametrize("changed", [
    {"redis_version": "5.0.14"}, {"rdb_last_bgsave_status": "err"},
    {"aof_last_write_status": "err"}])
def test_what_info_says(redis_server: RedisServer, client: Any, changed: dict[str, str],
                        monkeypatch: pytest.MonkeyPatch) -> None:
    info = client.info() | changed
    monkeypatch.setattr("redis.Redis.info", lambda self: info)
    found = said(redis_server.url)
    assert "upgrade to 6.2 or newer" in str(found) or (
        found["redis disk"] == ("FAIL", f"cannot write: {next(iter(changed))}; look at its log "
                                "and its disk"))
