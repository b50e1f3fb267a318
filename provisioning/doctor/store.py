# SPDX-License-Identifier: GPL-2.0-or-later
"""Redis: whether it answers in time, keeps what is written, and lets the edge do what it must."""

import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

from redis import Redis
from redis.exceptions import NoPermissionError, ReadOnlyError, RedisError

from kemi_routing.redis import keys, store
from provisioning.desk import masked
from provisioning.doctor.finding import Finding, Patient, fail, ok, warn
from provisioning.storage import TIMEOUT_S

ABOUT = "redis"
ACL = "give the edge the user of docs/operators.md"
OLDEST = (6, 2)
"""What Debian 11 had; the commands used are older."""
SLOW_MS = 10
MOST_SKEW_S = 1
NOBODY = "doctor"
"""Key of no number: with it every command below changes nothing (``XX``: only what exists)."""
_MAY_PUSH = """
if redis.acl_check_cmd and not redis.acl_check_cmd('RPUSH', KEYS[1], '') then
    return redis.error_reply('NOPERM RPUSH')
end
return 0
"""
"""RPUSH makes a key where there is none, so it is only asked for (Redis 7)."""
NEEDS: tuple[tuple[str | int, ...], ...] = (
    ("GET", keys.line(NOBODY)),
    ("MGET", keys.number(NOBODY), keys.state(NOBODY)),
    ("EVAL", "return 0", 1, keys.state(NOBODY)),
    ("SET", keys.state(NOBODY), "", "XX"),
    ("SET", keys.last_caller(NOBODY), "", "XX"),
    ("SET", keys.calls(NOBODY), "", "XX"),
    ("SMEMBERS", keys.proxies()),
    ("SREM", keys.proxies(), ""),
    ("MGET", keys.network()),
    ("EVAL", _MAY_PUSH, 1, keys.story(NOBODY)),
    ("LTRIM", keys.story(NOBODY), 0, 0),
    ("EXPIRE", keys.story(NOBODY), 1),
    ("UNLINK", keys.story(NOBODY)),
    ("ZADD", keys.stories(NOBODY), "XX", 0, ""),
    ("ZREMRANGEBYSCORE", keys.stories(NOBODY), 0, 0),
    ("ZRANGE", keys.stories(NOBODY), 0, 0),
    ("ZREMRANGEBYRANK", keys.stories(NOBODY), 0, 0),
    ("EXPIRE", keys.stories(NOBODY), 1),
)
"""What the edge does there."""
TOO_MUCH = ("SET", keys.number(NOBODY), "", "XX")
"""What only the write side does."""
_TRIES = 20


def redis(patient: Patient) -> Iterator[Finding]:
    """All about the store; one line where it does not answer."""
    try:
        client = store.connect(patient.redis, TIMEOUT_S)
        yield from _rights(client)
        yield _latency(client, patient.redis)
        yield from _settings(client)
    except NoPermissionError as error:
        yield fail(ABOUT, f"{masked(patient.redis)}: {error}", ACL)
    except (RedisError, ValueError) as error:
        yield fail(ABOUT, f"{masked(patient.redis)}: {error}",
                   "start it, or set FOLLOWME_REDIS; calls get 503 until it answers")


def _latency(client: Redis, url: str) -> Finding:
    client.get(keys.line(NOBODY))  # connects
    times_ms = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        client.get(keys.line(NOBODY))
        times_ms.append(1000 * (time.perf_counter() - began))
    median_ms, bound_ms = statistics.median(times_ms), 1000 * store.TIMEOUT_S
    said = f"{masked(url)} answers in {median_ms:.2g} ms"
    if median_ms > bound_ms:
        return fail(ABOUT, f"{said}, the edge waits {bound_ms:.0f} ms", "put a replica nearer")
    if median_ms > SLOW_MS:
        return warn(ABOUT, said, "put a replica nearer")
    return ok(ABOUT, said)


def _rights(client: Redis) -> Iterator[Finding]:
    about = "redis rights"
    refused = [f"{'RPUSH' if _MAY_PUSH in need else need[0]} "
               f"{next(word for word in need if str(word).startswith(keys.PREFIX))}"
               for need in (*NEEDS, *_again(client))
               if isinstance(_error(client, need), NoPermissionError)]
    read_only = isinstance(_error(client, TOO_MUCH), ReadOnlyError)
    if refused:
        yield fail(about, f"the user may not: {', '.join(refused)}",
                   ACL)
    elif read_only:
        yield warn(about, "a replica: what calls change, as feature codes do, cannot be stored",
                   "let FOLLOWME_REDIS name the primary, or a proxy to it")
    elif _error(client, TOO_MUCH) is None:
        yield warn(about, "the user may write numbers, which the edge never does",
                   ACL)
    else:
        yield ok(about, "all that the edge needs, and no more")


def _again(client: Redis) -> Iterator[tuple[str | int, ...]]:
    """A proxy joins the others: one that has done so is added without a change."""
    with suppress(NoPermissionError):
        for member in list(client.smembers(keys.proxies()))[:1]:
            yield "SADD", keys.proxies(), cast(str, member)


def _error(client: Redis, command: tuple[str | int, ...]) -> RedisError | None:
    try:
        cast(Any, client).execute_command(*command)
    except (NoPermissionError, ReadOnlyError) as error:
        return error
    return None


def _settings(client: Redis) -> Iterator[Finding]:
    try:
        said = client.info()
    except NoPermissionError:
        yield warn("redis settings", "the user may not look at them", "give it +info +time")
        return
    yield _version(str(said["redis_version"]))
    yield _eviction(int(said["maxmemory"]), str(said["maxmemory_policy"]))
    yield _persistence(client, said)
    if said["role"] == "slave" and said.get("master_link_status") != "up":
        yield fail("redis role", "a replica that has lost its primary", "look at its log")
    yield from _skew(client)


def _version(version: str) -> Finding:
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        return warn("redis version", version, "upgrade to {}.{} or newer".format(*OLDEST))
    return ok("redis version", version)


def _eviction(limit: int, policy: str) -> Finding:
    about = "redis memory"
    if not limit:
        return ok(about, "no limit, nothing is evicted")
    said = f"{policy} at {limit / 2**20:.0f} MiB"
    if policy.startswith("allkeys"):
        return fail(about, f"{said}: full, it forgets numbers, and their callers hear 404",
                    "CONFIG SET maxmemory-policy noeviction")
    return ok(about, said)


def _persistence(client: Redis, said: dict[str, Any]) -> Finding:
    about = "redis disk"
    failed = [name for name in ("rdb_last_bgsave_status", "aof_last_write_status")
              if said.get(name, "ok") != "ok"]
    if failed:
        return fail(about, f"cannot write: {', '.join(failed)}", "look at its log and its disk")
    if said["aof_enabled"]:
        return ok(about, "appendonly")
    try:
        points = cast(dict[str, str], client.config_get("save"))["save"]
    except NoPermissionError:
        return warn(about, "no appendonly, and the user may not ask for save points",
                    "give it +config|get")
    if points:
        return warn(about, "save points only: a crash loses the last minutes",
                    "CONFIG SET appendonly yes")
    if said["role"] == "slave":
        return ok(about, "none, but a replica gets all from its primary")
    return fail(about, "none: a restart forgets all numbers", "CONFIG SET appendonly yes")


def _skew(client: Redis) -> Iterator[Finding]:
    try:
        seconds, micro = client.time()
    except NoPermissionError:
        return
    ahead_s = time.time() - seconds - micro / 1_000_000
    if abs(ahead_s) > MOST_SKEW_S:
        yield warn("redis clock", f"this machine is {ahead_s:+.1f} s off from it",
                   "let both follow one time server")
    else:
        yield ok("redis clock", f"within {MOST_SKEW_S} s of this machine's")
