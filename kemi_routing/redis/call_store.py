# SPDX-License-Identifier: GPL-2.0-or-later
"""Where call records go: the entries of each Call-ID, and per number which calls it had.

Every write can be repeated without harm, so nobody has to know whether the last one arrived:
who reads takes what stands there twice for one. A list takes half the memory of a sorted set.
"""

from collections.abc import Iterable
from typing import Any, cast

from redis.exceptions import RedisError

from kemi_routing import call_record
from kemi_routing.call_record import Decided
from kemi_routing.errors import InvalidValue, StoreUnavailable
from kemi_routing.redis import keys
from kemi_routing.redis.store import TIMEOUT_S, connect

MOST_ENTRIES = 200
"""Of one Call-ID; what comes later is dropped."""
MOST_CALLS = 10_000
"""Of one number; the oldest go, from other lists too."""
_FALL_OUT = """
for _, call in ipairs(redis.pcall('ZRANGE', KEYS[1], 0, -ARGV[1] - 1)) do
    redis.pcall('UNLINK', ARGV[2] .. call .. ARGV[3])
end
return redis.pcall('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[1] - 1)
"""
"""Where the user of an older version may not do so, the calls stay until their time is over."""
_BEFORE, _AFTER = keys.story("|").split("|")
_DAY_MS = 86_400_000
_NEVER_MENDS = "WRONGTYPE"
"""An entry for a key that something else has is given up."""


class CallStore:
    """The call records behind one Redis."""

    def __init__(self, url: str, days: int, timeout_s: float = TIMEOUT_S) -> None:
        """Records are kept for ``days``."""
        self._redis = connect(url, timeout_s)
        self._days = days

    def keep(self, entries: Iterable[tuple[str, str]], now_ms: int) -> int:
        """Write entries with the names of their calls, in one round trip; the count of those that
        nobody could read or keep. Raises StoreUnavailable: then all of them are to be sent again.
        """
        pipe = cast(Any, self._redis.pipeline(transaction=False))
        unreadable = 0
        for call, text in entries:
            try:
                self._queue(pipe, call, text, now_ms)
            except InvalidValue:
                unreadable += 1
        try:
            results = pipe.execute(raise_on_error=False)
        except RedisError as error:
            raise StoreUnavailable(f"{keys.story('')}: {error}") from error
        refused = [one for one in results if isinstance(one, RedisError)]
        for one in refused:
            if not str(one).startswith(_NEVER_MENDS):
                raise StoreUnavailable(f"{keys.story('')}: {one}")
        return unreadable + len(refused)

    def _queue(self, pipe: Any, call: str, text: str, now_ms: int) -> None:
        entry = call_record.read(text)
        lasts_s = self._days * 86_400
        key = keys.story(call)
        pipe.rpush(key, text)
        pipe.ltrim(key, 0, MOST_ENTRIES - 1)
        pipe.expire(key, lasts_s)
        for number in entry.concerns if isinstance(entry, Decided) else ():
            key = keys.stories(number)
            pipe.zadd(key, {call: call_record.at_ms(entry)})
            pipe.zremrangebyscore(key, 0, now_ms - self._days * _DAY_MS)
            pipe.eval(_FALL_OUT, 1, key, MOST_CALLS, _BEFORE, _AFTER)
            pipe.expire(key, lasts_s)
