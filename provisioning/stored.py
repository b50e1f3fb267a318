# SPDX-License-Identifier: GPL-2.0-or-later
"""What the store held when we looked."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from kemi_routing import network_record, record
from kemi_routing.errors import BrokenRecord, UnknownVersion
from kemi_routing.model import Number
from kemi_routing.network import Network
from kemi_routing.record import LineRecord, State
from kemi_routing.redis import keys
from provisioning import difference
from provisioning.revisions import Version, decode_text, encode
from provisioning.storage import Change, Seen, Storage, of_another_version, seen

T = TypeVar("T")
Values = Mapping[str, bytes]
"""Redis key -> what it holds."""
_NOTHING: frozenset[Seen] = frozenset([None])


def read_number(found: Values, name: str) -> Number | None:
    """The number of that key among stored values; None also for a record that cannot be read: it
    is replaced.

    Raises Refused for a record of another version: whose it is cannot be told.
    """
    return _read(found, keys.number(name), record.decode_number)


def read_line(found: Values, name: str) -> LineRecord | None:
    """The line of that name, as ``read_number``."""
    return _read(found, keys.line(name), record.decode_line)


def read_network(found: Values) -> Network | None:
    """The operator's network, as ``read_number``."""
    return _read(found, keys.network(), network_record.decode)


def network_of(storage: Storage) -> Network:
    """The network in the store; an empty one where there is none, or none that can be read."""
    return read_network(storage.read([keys.network()])) or Network()


def read_state(found: Values, name: str) -> State:
    """What calls and commands set for a number, as ``read_number``; empty where nothing is."""
    return _read(found, keys.state(name), record.decode_state) or State()


def _read(found: Values, key: str, decode: Callable[[bytes], T]) -> T | None:
    data = found.get(key)
    try:
        return decode(data) if data is not None else None
    except UnknownVersion as error:
        raise of_another_version(key, error) from None
    except BrokenRecord:
        return None


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store held when we looked."""

    values: dict[str, bytes]
    belongings: dict[str, set[str]]
    last: dict[str, Version] = field(default_factory=dict)
    """The last versions of numbers that are not there."""

    def number(self, digits: str) -> Number | None:
        """The number of that key."""
        return read_number(self.values, digits)

    def line(self, name: str) -> LineRecord | None:
        """The line of that key."""
        return read_line(self.values, name)

    def owner_of(self, kind: str, name: str) -> str | None:
        """Whose that number, line or alias is."""
        if kind == "alias":
            owner = self.values.get(keys.alias(name))
            return owner.decode() if owner is not None else None
        found = self.line(name) if kind == "line" else self.number(name)
        return found.owner if found else None

    def numbers_of(self, owner: str, but: str) -> Iterator[Number]:
        """The other numbers of an owner, in order."""
        for digits in sorted(names(self.belongings[owner], "number")):
            number = self.number(digits)
            if number and digits != but:
                yield number

    def last_revision(self, digits: str) -> int:
        """The one with which a number was removed; 0 where it never was there."""
        return self.last[digits].revision if digits in self.last else 0

    def remembered(self, number: Number | None, settings: bytes = b"") -> dict[str, bytes]:
        """The entry of its history that a number becomes when it is changed or removed, then with
        the ``settings`` of its owner.
        """
        if number is None:
            return {}
        digits = number.number
        return {keys.history(digits): encode(Version(
            number.revision, decode_text(self.values.get(keys.authored(digits))),
            self.values[keys.number(digits)], settings))}

    def rewritten(self, number: Number, now: datetime) -> Change:
        """The change that makes a stored number this, with its text as it is."""
        old, key, text = self.number(number.number), keys.number(number.number), keys.authored(
            number.number)
        before = old.revision if old else 0
        return Change(
            "number", number.number, number.owner, "changed", before, before + 1,
            expects=self.as_found(key),
            sets={key: record.encode_number(replace(number, revision=before + 1))},
            texts={text: decode_text(self.values[text]).text} if text in self.values else {},
            remembers=self.remembered(old),
            what=tuple(difference.of_number(old, number, now)) if old else ())

    def as_found(self, *wanted: str) -> dict[str, frozenset[Seen]]:
        """Those keys may hold what was found, nothing else."""
        return {key: _NOTHING if (value := self.values.get(key)) is None
                else frozenset([seen(value)]) for key in wanted}


def names(things: set[str], kind: str) -> set[str]:
    """The names of the things of a kind: ``line:desk`` is ``desk``."""
    return {thing.split(":", 1)[1] for thing in things if thing.startswith(f"{kind}:")}
