# SPDX-License-Identifier: GPL-2.0-or-later
"""The store as the write side sees it: bounded reads, and changes that are made whole or not."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

import msgpack

from kemi_routing.errors import UnknownVersion
from kemi_routing.redis import keys, store
from provisioning.problems import Refused
from provisioning.revisions import KEPT, Text, Version, decode, encode, encode_text

TIMEOUT_S = 2.0
"""For people who wait, not for calls."""
_BATCH = 500
AT_ONCE = 50
"""So many changes are one transaction at most: Redis does nothing else for 1 ms or so."""
CHANGES_KEPT = 100_000
"""So many writes of numbers are in the stream, or a few more."""

_SCANNED = 1000
_THINGS = 1000
"""So many arguments has a command at most; it is even, for pairs."""
_WRITE = """
for index, may in ipairs(cmsgpack.unpack(ARGV[1])) do
    local value = redis.call('MGET', KEYS[index])[1]
    local held, found = value and redis.sha1hex(value) or '', false
    for _, one in ipairs(may) do
        found = found or one == held
    end
    if not found then
        return KEYS[index]
    end
end
for _, command in ipairs(cmsgpack.unpack(ARGV[2])) do
    redis.call(unpack(command))
end
for _, left in ipairs(cmsgpack.unpack(ARGV[3])) do
    local owners, name, has, wrote = unpack(left)
    if redis.call('EXISTS', has, wrote) == 0 then
        redis.call('SREM', owners, name)
    end
end
"""
"""Where the keys hold what they may, the commands; the first other key is told, and nothing done.
Who has nothing any more is no owner; who gets something meanwhile is one again.
"""

Seen = str | None
"""What a key held when somebody looked: the digest of its value, or None for nothing."""


def seen(value: bytes | None) -> Seen:
    """The digest of a stored value, as Redis can tell it: it finds changes, and keeps no secret."""
    return None if value is None else hashlib.sha1(value, usedforsecurity=False).hexdigest()


def of_another_version(key: str, error: UnknownVersion) -> Refused:
    """What is to be said where that key holds what nobody here can read, or replace unseen."""
    return Refused(f"{key} holds a record of another version ({error}); use the followme that "
                   "wrote it, or, where none did, take it away and apply its file again:  "
                   f"redis-cli DEL '{key}'")


class Conflict(Exception):
    """Somebody else changed the same thing meanwhile; nothing of the change was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one thing: all of it or nothing."""

    kind: str
    """``number``, ``alias``, ``line``, ``subscriber``, ``organisation``, ``grant``, ``network``,
    ``operator`` (the text of its file) or ``override``.
    """
    name: str
    owner: str
    result: str
    """``new``, ``changed``, ``unchanged`` or ``removed``."""
    before: int = 0
    """Revision before and after, of what has revisions; 0 where there is none."""
    revision: int = 0
    expects: dict[str, frozenset[Seen]] = field(default_factory=dict)
    """Key -> what it may hold for the change to be made."""
    sets: dict[str, bytes] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    """Key -> what a person wrote; stored with who wrote it to the store, and when."""
    remembers: dict[str, bytes] = field(default_factory=dict)
    """Key -> the version that becomes the last of its history."""
    joins: tuple[str, ...] = ()
    """What the owner has from now on, and has no more."""
    leaves: tuple[str, ...] = ()
    what: tuple[str, ...] = ()
    """What is different in it, for people."""
    same_calls: bool = False
    """Whether calls to the number meet what they met before."""
    goes_silent: bool = False
    """Whether nothing answers calls to it any more, and something did."""

    def __str__(self) -> str:
        """For people: what happens to it, and in it."""
        return "\n  ".join((self.head, *self.what))

    @property
    def head(self) -> str:
        """What happens to it, a line."""
        revision = f", revision {self.before or self.revision}" if self.before else ""
        if self.result == "changed" and self.before:
            revision += f" → {self.revision}"
        of = f" of {self.owner}" if self.owner != self.name else ""
        return f"{self.named}{of}: {self.result}{revision}"

    @property
    def named(self) -> str:
        """What it happens to."""
        return f"{self.kind} {self.name}".rstrip()

    @property
    def writes(self) -> bool:
        """Whether there is anything to do."""
        return self.result != "unchanged"

    @property
    def touched(self) -> set[str]:
        """The keys that it looks at or writes."""
        return {*self.expects, *self.sets, *self.deletes}

    def may_be_made(self, held: Mapping[str, Seen]) -> bool:
        """Whether the store, of which these keys hold this, is as the change expects it."""
        return all(held.get(key) in may for key, may in self.expects.items())

    def is_made(self, held: Mapping[str, Seen]) -> bool:
        """Whether the store holds what the change would write."""
        return (all(held.get(key) == seen(value) for key, value in self.sets.items())
                and all(held.get(key) is None for key in self.deletes))


class Storage:
    """One Redis; its errors are RedisError, and ValueError for an address that is none."""

    def __init__(self, url: str, by: str = "", clock: Callable[[], float] = time.time,
                 timeout_s: float = TIMEOUT_S) -> None:
        """``by`` is who writes, as ``user@host``."""
        self.client = store.connect(url, timeout_s)
        self._by = by
        self._clock = clock
        self._change = self.client.register_script(_WRITE)

    def read(self, wanted: Iterable[str]) -> dict[str, bytes]:
        """The values of those keys that exist."""
        names = list(dict.fromkeys(wanted))
        found: dict[str, bytes] = {}
        for first in range(0, len(names), _BATCH):
            batch = names[first:first + _BATCH]
            values = cast(list[bytes | None], self.client.mget(batch))
            found |= {key: value for key, value in zip(batch, values, strict=True)
                      if value is not None}
        return found

    def digests(self, wanted: Iterable[str]) -> dict[str, Seen]:
        """What those keys hold that exist."""
        return {key: seen(value) for key, value in self.read(wanted).items()}

    def owners(self, organisation: str = "") -> Iterator[str]:
        """All owners, or those of an organisation, in no order; some are held at a time, and one
        that comes or goes meanwhile may be left out or come twice.
        """
        found = self.client.sscan_iter(
            keys.owners(), match=f"{organisation}/*" if organisation else None, count=_SCANNED)
        return (name.decode() for name in found)

    def names(self, make: Callable[[str], str]) -> Iterator[str]:
        """The names of all keys that are made like this; some may come twice."""
        before, _, after = make("*").partition("*")
        for key in self.client.scan_iter(match=f"{before}*", count=_SCANNED):
            yield key.decode().removeprefix(before).removesuffix(after)

    def belongings(self, owners: Sequence[str]) -> dict[str, set[str]]:
        """Owner -> all that is theirs: ``number:…``, ``line:…``, ``alias:…``."""
        pipe = self.client.pipeline(transaction=False)
        for owner in owners:
            pipe.hkeys(keys.owner(owner))
        return dict(zip(owners, map(_texts, pipe.execute()), strict=True))

    def write(self, change: Change) -> None:
        """Make the change in one transaction; raises Conflict."""
        self._write([change])

    def write_all(self, changes: Iterable[Change]) -> Iterator[tuple[Change, Conflict | None]]:
        """Make the changes in order, many in one transaction; each comes out when it was made, or
        with the Conflict that it met. That stops none of the others but the settings of the same
        organisation: while a number is not as they say, they are not in the store.
        """
        lost = set[str]()
        for batch in _batches(changes):
            yield from zip(batch, self._conflicts(batch, lost), strict=True)

    def _conflicts(self, batch: Sequence[Change], lost: set[str]) -> list[Conflict | None]:
        try:
            if any(change.kind == "organisation" and change.name in lost for change in batch):
                raise Conflict(f"{batch[0].named} waits for what was not written; try again")
            self._write(batch)
        except Conflict as error:  # one by one then: only who lost is told
            if len(batch) > 1:
                return [found for change in batch for found in self._conflicts([change], lost)]
            lost.add(batch[0].owner.partition("/")[0])
            return [error]
        return [None] * len(batch)

    def _write(self, batch: Sequence[Change]) -> None:
        expects: dict[str, frozenset[Seen]] = {}
        for change in batch:
            for key, may in change.expects.items():
                expects[key] = expects.get(key, may) & may
        lost = self._change(list(expects), list(map(_packed, (
            [[one or "" for one in may] for may in expects.values()],
            list(_commands(batch, int(self._clock()), self._by)), list(_left(batch))))))
        if lost is not None:
            named = next(change.named for change in batch if lost.decode() in change.expects)
            raise Conflict(f"{named} was changed by somebody else meanwhile; nothing of it was "
                           "written, try again")

    def last_versions(self, numbers: Sequence[str]) -> dict[str, Version]:
        """The last version before the present one, of those numbers that have any."""
        pipe = self.client.pipeline(transaction=False)
        for number in numbers:
            pipe.lindex(keys.history(number), -1)
        found = {number: decode(data) for number, data in zip(numbers, pipe.execute(), strict=True)
                 if data is not None}
        return {number: version for number, version in found.items() if version}

    def versions(self, number: str) -> list[Version]:
        """The versions before the present one, the last one last."""
        entries = cast(list[bytes], self.client.lrange(keys.history(number), 0, -1))
        return [version for entry in entries if (version := decode(entry))]


def _batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """In order; none looks at what another one of its batch writes."""
    batch: list[Change] = []
    seen_by, written = set[str](), set[str]()
    for change in changes:
        writes = {*change.sets, *change.deletes}
        if (len(batch) == AT_ONCE or not written.isdisjoint(change.expects)
                or not seen_by.isdisjoint(writes)):
            yield batch
            batch, seen_by, written = [], set(), set()
        batch.append(change)
        seen_by |= change.expects.keys()
        written |= writes
    if batch:
        yield batch


def _packed(value: object) -> bytes:
    return msgpack.packb(value, use_bin_type=False)


_Command = list[str | bytes | int]


def _commands(batch: Sequence[Change], now: int, by: str) -> Iterator[_Command]:
    values: dict[str, bytes] = {}
    for change in batch:
        values |= change.sets
        values |= {key: encode_text(Text(text, now, by)) for key, text in change.texts.items()}
    yield from _many("MSET", (), (one for pair in values.items() for one in pair))
    for change in batch:
        yield from _commands_of(change, now, by)
    yield from _many("SADD", (keys.owners(),), dict.fromkeys(
        change.owner for change in batch if change.joins or change.kind == "subscriber"))


def _commands_of(change: Change, now: int, by: str) -> Iterator[_Command]:
    for key, version in change.remembers.items():
        yield ["RPUSH", key, version]
        if change.result == "removed":
            yield ["RPUSH", key, encode(Version(change.revision, Text("", now, by), b""))]
        yield ["LTRIM", key, -KEPT, -1]
    if change.kind == "number":
        yield ["XADD", keys.changes(), "MAXLEN", "~", CHANGES_KEPT, "*", "number", change.name,
               "revision", change.revision, "by", by]
    if change.kind == "organisation":
        for data in change.sets.values():
            present = Version(change.revision, Text("", now, by), data)
            yield ["RPUSH", keys.history(change.named), encode(present)]
            yield ["LTRIM", keys.history(change.named), -KEPT - 1, -1]
    theirs = (keys.owner(change.owner),)
    yield from _many("DEL", (), change.deletes)
    yield from _many("HSET", theirs, (text for thing in change.joins for text in (thing, "")))
    yield from _many("HDEL", theirs, change.leaves)


def _many(name: str, first: tuple[str, ...], things: Iterable[str | bytes]) -> Iterator[_Command]:
    """The command for all of these things, as often as it takes: Lua has no room for very many."""
    left = iter(things)
    while some := list(islice(left, _THINGS)):
        yield [name, *first, *some]


def _left(batch: Sequence[Change]) -> Iterator[list[str]]:
    """Who may have nothing any more: ``KEY OWNER KEY KEY``."""
    for owner in dict.fromkeys(change.owner for change in batch if change.leaves):
        yield [keys.owners(), owner, keys.owner(owner), keys.subscriber(owner)]


def _texts(members: object) -> set[str]:
    return {member.decode() for member in cast(list[bytes], members)}
