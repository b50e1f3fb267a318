# SPDX-License-Identifier: GPL-2.0-or-later
"""Records and state: bounded round trips, one for a call, two for nobody's number.

A cache per worker will stand between callers and ``Store``; it has the same methods.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kemi_routing import record
from kemi_routing.errors import BrokenRecord, StoreUnavailable, UnknownVersion
from kemi_routing.model import Number
from kemi_routing.record import State
from kemi_routing.redis import keys

TIMEOUT_S = 0.05
"""Bound for connecting and for one command, each."""
LAST_CALLER_S = 30 * 24 * 3600
"""How long a number's last caller is known."""
CALLS_S = 10
"""How long the counts of a proxy that says nothing more are believed."""

_REPLACE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
"""Writes a value where the one that was read is still there."""



class Exchanged(NamedTuple):
    """What the store knows of the other proxies and of the network."""

    proxies: frozenset[str]
    """All that ever counted calls."""
    counted: list[bytes]
    """What those that were asked for count."""
    network: bytes | None
    """The record of the operator's network."""


T = TypeVar("T")
Alarm = Callable[[str], object]


def connect(url: str, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """A client that connects at its first command, never retries and sends no greeting."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0), protocol=2, driver_info=None)


class Store:
    """The records behind one Redis.

    A state that cannot be read is told to ``alarm`` and left out: the record routes the call.
    """

    def __init__(self, url: str, alarm: Alarm, timeout_s: float = TIMEOUT_S) -> None:
        self._redis = connect(url, timeout_s)
        self._alarm = alarm

    def close(self) -> None:
        """End all connections; the next command makes a new one."""
        self._redis.close()

    def number(self, key: str) -> Number | None:
        """The number in its state, None where nobody owns it.

        Raises StoreUnavailable, or BrokenRecord that names the key.
        """
        data, state = self._get([keys.number(key), keys.state(key)])
        if data is None:  # to MGET a key of another type is no key, and that is not 404
            data = self._get_one(keys.number(key))
        return self._number(key, data, state)

    def numbers(self, wanted: Iterable[str]) -> dict[str, Number]:
        """The same for many numbers in one round trip; those that nobody owns are left out, those
        that cannot be read too, and told to ``alarm``.
        """
        names = list(wanted)
        found = self._get([make(key) for key in names for make in (keys.number, keys.state)])
        numbers = {}
        for key, data, state in zip(names, found[::2], found[1::2], strict=True):
            try:
                numbers[key] = self._number(key, data, state)
            except BrokenRecord as error:
                self._alarm(str(error))
        return {key: number for key, number in numbers.items() if number}

    def line(self, name: str) -> record.LineRecord | None:
        """The line's record, None where there is no such line; raises as ``number``."""
        key = keys.line(name)
        data = self._get_one(key)
        return None if data is None else _decoded(key, data, record.decode_line)

    def change_state(self, key: str, change: Callable[[Number, State, str | None], tuple[State, T]],
                     ) -> T | None:
        """Give a number a new state; the other result of ``change``, None where nobody owns it.

        ``change`` gets the number in its state, that state, and the last caller. Raises as
        ``number``; StoreUnavailable also where somebody else wrote meanwhile: nothing is written.
        """
        record_, before, caller = self._get(
            [keys.number(key), keys.state(key), keys.last_caller(key)])
        if record_ is None:
            return None
        state = self._state(key, before, keep_unknown=True)
        number = state.applied_to(_decoded(keys.number(key), record_, record.decode_number))
        after, result = change(number, state, None if caller is None else caller.decode())
        if after != state and not self._replace(keys.state(key), before, after):
            raise StoreUnavailable(f"{keys.state(key)}: somebody else changed it meanwhile")
        return result

    def network(self) -> bytes | None:
        """The record of the operator's network, None where there is none; raises as ``number``."""
        return self._get_one(keys.network())

    def exchange(self, proxy: str, calls: bytes, last_callers: Mapping[str, str],
                 others: Iterable[str]) -> Exchanged:
        """Tell what this proxy counts and who called; what the store knows in return.

        For the background process: one round trip, and one to forget proxies that count no more.
        Raises StoreUnavailable.
        """
        pipe = self._redis.pipeline(transaction=False)
        for key, caller in last_callers.items():
            pipe.set(keys.last_caller(key), caller, ex=LAST_CALLER_S)
        pipe.set(keys.calls(proxy), calls, ex=CALLS_S)
        pipe.sadd(keys.proxies(), proxy)
        pipe.smembers(keys.proxies())
        asked = tuple(others)
        pipe.mget([keys.network(), *map(keys.calls, asked)])
        try:
            *_, known, (network, *counted) = pipe.execute()
            gone = [other for other, data in zip(asked, counted, strict=True) if data is None]
            if gone:  # one that comes again says so
                self._redis.srem(keys.proxies(), *gone)
        except RedisError as error:
            raise StoreUnavailable(f"{keys.calls(proxy)}: {error}") from error
        return Exchanged(frozenset(member.decode() for member in known),
                         [data for data in counted if data is not None], network)

    def _number(self, key: str, data: bytes | None, state: bytes | None) -> Number | None:
        if data is None:
            return None
        number = _decoded(keys.number(key), data, record.decode_number)
        return number if state is None else self._state(key, state).applied_to(number)

    def _get_one(self, key: str) -> bytes | None:
        try:
            data = self._redis.get(key)
        except RedisError as error:
            if str(error).startswith("WRONGTYPE"):
                raise BrokenRecord(f"{key}: not a string") from None
            raise StoreUnavailable(f"{key}: {error}") from error
        if data is not None and not isinstance(data, bytes):
            raise StoreUnavailable(f"{key}: the answer is a {type(data).__name__}")
        return data

    def _get(self, wanted: list[str]) -> list[bytes | None]:
        try:
            found = cast(object, self._redis.mget(wanted))
        except RedisError as error:
            raise StoreUnavailable(f"{wanted[0]}: {error}") from error
        if not isinstance(found, list) or len(found) != len(wanted) or not all(
                data is None or isinstance(data, bytes) for data in found):
            raise StoreUnavailable(f"{wanted[0]}: the answer is not {len(wanted)} texts")
        return found

    def _state(self, key: str, data: bytes | None, *, keep_unknown: bool = False) -> State:
        """The state; an empty one for what cannot be read, unless another version may."""
        if data is None:
            return State()
        try:
            return _decoded(keys.state(key), data, record.decode_state)
        except BrokenRecord as error:
            if keep_unknown and isinstance(error, UnknownVersion):
                raise
            self._alarm(str(error))
            return State()

    def _replace(self, key: str, before: bytes | None, after: State) -> bool:
        try:
            return bool(self._redis.eval(
                _REPLACE, 1, key, before or b"", record.encode_state(after)))
        except RedisError as error:
            raise StoreUnavailable(f"{key}: {error}") from error


def _decoded(key: str, data: bytes, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(data)
    except BrokenRecord as error:
        raise type(error)(f"{key}: {error}") from None
