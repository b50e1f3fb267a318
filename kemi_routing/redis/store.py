# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading records: one bounded round trip each.

A cache per worker will stand between callers and ``Store``; it has the same two methods.
"""

from collections.abc import Callable
from typing import TypeVar

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kemi_routing import record
from kemi_routing.errors import BrokenRecord, StoreUnavailable
from kemi_routing.model import Number
from kemi_routing.redis import keys

TIMEOUT_S = 0.05
"""Bound for connecting and for one command, each."""

T = TypeVar("T")


def connect(url: str, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """A client that connects at its first command, never retries and sends no greeting."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0), protocol=2, driver_info=None)


class Store:
    """The records behind one Redis."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._redis = connect(url, timeout_s)

    def number(self, digits: str) -> Number | None:
        """The number's record, None where nobody owns it.

        Raises StoreUnavailable, or BrokenRecord that names the key.
        """
        return self._read(keys.number(digits), record.decode_number)

    def line(self, name: str) -> record.LineRecord | None:
        """The line's record, None where there is no such line; raises as ``number``."""
        return self._read(keys.line(name), record.decode_line)

    def _read(self, key: str, decode: Callable[[bytes], T]) -> T | None:
        try:
            data = self._redis.get(key)
        except RedisError as error:
            if str(error).startswith("WRONGTYPE"):
                raise BrokenRecord(f"{key}: not a string") from None
            raise StoreUnavailable(f"{key}: {error}") from error
        if data is None:
            return None
        if not isinstance(data, bytes):
            raise StoreUnavailable(f"{key}: the answer is a {type(data).__name__}")
        try:
            return decode(data)
        except BrokenRecord as error:
            raise BrokenRecord(f"{key}: {error}") from None
