# SPDX-License-Identifier: GPL-2.0-or-later
"""What the shell can complete: numbers, their sequences and revisions, owners: as in the store."""

import time
from collections.abc import Callable, Iterator
from itertools import chain, islice, takewhile

import click
from redis.exceptions import RedisError

from kemi_routing import settings
from kemi_routing.errors import FollowMeError
from kemi_routing.redis import keys
from provisioning import values
from provisioning.desk import environment
from provisioning.problems import Refused
from provisioning.storage import Storage

MOST = 50
WITHIN_S = 0.5
"""Nobody waits longer for a word: of a million numbers not all are looked at, and a store that
says nothing is none.
"""

_Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _quiet(find: Callable[[click.Context, str, Storage], Iterator[str]]) -> _Complete:
    """Whatever goes wrong, nothing is completed: the command itself will say what it is."""
    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        try:
            given = environment(context.params.get("config"))
            url = context.params.get("redis") or settings.from_environment(given).redis
            storage = Storage(url, timeout_s=WITHIN_S)
            return sorted(islice(find(context, incomplete, storage), MOST))
        except (RedisError, FollowMeError, Refused, ValueError):
            return []
    return complete


def _numbers(_: click.Context, incomplete: str, storage: Storage) -> Iterator[str]:
    if "@" in incomplete:
        from provisioning import history

        number = incomplete.partition("@")[0]
        versions = history.versions(values.number_key(number), storage)
        each = (f"{number}@{version.revision}" for version in versions)
        yield from (one for one in each if one.startswith(incomplete))
        return
    prefix = "".join(one for one in incomplete if one not in " +*?[]\\\\")
    until = time.monotonic() + WITHIN_S
    found = storage.client.scan_iter(match=f"{keys.PREFIX}number:{{{prefix}*", count=2000)
    for key in takewhile(lambda _: time.monotonic() < until, found):
        yield key.decode().partition("{")[2].removesuffix("}")


def _sequences(context: click.Context, incomplete: str, storage: Storage) -> Iterator[str]:
    # After an option that wants its value, click has not sorted the arguments yet.
    from provisioning import show

    number = context.params.get("number") or "".join(context.args[:1])
    found, _ = show.one_number(values.number_key(number), storage)
    return (one.name for one in found.sequences if one.name.startswith(incomplete))


def _owners(_: click.Context, incomplete: str, storage: Storage) -> Iterator[str]:
    return (owner for owner in storage.owners() if owner.startswith(incomplete))


def _organisations(_: click.Context, incomplete: str, storage: Storage) -> Iterator[str]:
    found = {owner.partition("/")[0] for owner in storage.owners()}
    return (one for one in found if one.startswith(incomplete))


numbers = _quiet(_numbers)
"""Numbers and extensions that begin so; after ``@`` the revisions of one."""
owners = _quiet(_owners)
organisations = _quiet(_organisations)
with_history = _quiet(lambda *asked: chain(_numbers(*asked), _organisations(*asked)))
"""Numbers, and organisations."""
sequences = _quiet(_sequences)
"""Sequences of the number before it."""
