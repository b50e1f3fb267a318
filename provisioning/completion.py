# SPDX-License-Identifier: GPL-2.0-or-later
"""What the shell can complete: numbers, their sequences and revisions, as the store has them."""

import os
import time
from collections.abc import Callable, Iterator
from itertools import islice, takewhile

import click
from redis.exceptions import RedisError

from kemi_routing import settings
from kemi_routing.errors import FollowMeError
from kemi_routing.redis import keys
from provisioning import show, values
from provisioning.problems import Refused
from provisioning.storage import Storage

MOST = 50
WITHIN_S = 0.5
"""Nobody waits longer for a word: of a million numbers not all are looked at."""

_Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _quiet(find: Callable[[click.Context, str, Storage], Iterator[str]]) -> _Complete:
    """Whatever goes wrong, nothing is completed: the command itself will say what it is."""
    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        try:
            url = context.params.get("redis") or settings.from_environment(os.environ).redis
            return sorted(find(context, incomplete, Storage(url)))
        except (RedisError, FollowMeError, Refused, ValueError):
            return []
    return complete


def _numbers(_: click.Context, incomplete: str, storage: Storage) -> Iterator[str]:
    prefix = "".join(one for one in incomplete if one not in " +*?[]\\\\")
    until = time.monotonic() + WITHIN_S
    found = storage.client.scan_iter(match=f"{keys.PREFIX}number:{{{prefix}*", count=2000)
    for key in islice(takewhile(lambda _: time.monotonic() < until, found), MOST):
        yield key.decode().partition("{")[2].removesuffix("}")


def _sequences(context: click.Context, incomplete: str, storage: Storage) -> Iterator[str]:
    number, _ = show.one_number(values.number_key(str(context.params["number"])), storage)
    return (one.name for one in number.sequences if one.name.startswith(incomplete))


numbers = _quiet(_numbers)
"""Numbers and extensions that begin so."""
sequences = _quiet(_sequences)
"""Sequences of the number before it."""
