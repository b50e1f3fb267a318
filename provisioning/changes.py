# SPDX-License-Identifier: GPL-2.0-or-later
"""What the files say against what the store holds: the changes that are to be made.

A file holds all that its subscribers have. What the store has beyond it is removed where that
is harmless (aliases, lines); a number goes only by ``remove``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from kemi_routing import record
from kemi_routing.errors import BrokenRecord, UnknownVersion
from kemi_routing.model import Number
from kemi_routing.record import LineRecord
from kemi_routing.redis import keys
from provisioning.check import Checked, Entry
from provisioning.problems import Refused
from provisioning.source import Spot
from provisioning.storage import Change, Storage

T = TypeVar("T")


def compare(checked: Checked, storage: Storage) -> list[Change]:
    """All changes, unchanged things included; what belongs to others is noted as an error."""
    given = _given(checked)
    stored = _look(checked, given, storage)
    _refuse_what_others_have(checked, stored)
    surplus = {owner: stored.belongings[owner] - given[owner] for owner in given}
    _refuse_forgotten_numbers(checked, stored, surplus)
    lines = [change for owner in surplus for change in _removed_lines(owner, stored, surplus)]
    return [*(_number_change(entry, stored, surplus) for entry in checked.numbers),
            *(_line_change(account.line, stored) for account in checked.lines), *lines]


def removal(digits: str, storage: Storage) -> list[Change]:
    """The changes that take a number out of the store, its lines too where it was the last.

    Raises Refused where nobody owns it.
    """
    key = keys.number(digits)
    stored = Stored(storage.read([key]), {})
    number = stored.number(digits)
    if number is None:
        raise Refused(f"{digits}: nobody owns this number" if key not in stored.values else
                      f"{digits}: its record cannot be read; apply its file first")
    belongings = storage.belongings([number.owner])
    stored = Stored(storage.read([key, *map(_key, sorted(belongings[number.owner]))]), belongings)
    others = list(stored.numbers_of(number.owner, but=digits))
    return [_number_removal(number, others, stored), *_lines_after(number, others, stored)]


def read_number(data: bytes | None) -> Number | None:
    """The stored number; None also for a record that cannot be read: it is replaced.

    Raises Refused for a record of another version: whose it is cannot be told.
    """
    return _read(data, record.decode_number)


def read_line(data: bytes | None) -> LineRecord | None:
    """The stored line, as ``read_number``."""
    return _read(data, record.decode_line)


def _read(data: bytes | None, decode: Callable[[bytes], T]) -> T | None:
    try:
        return decode(data) if data is not None else None
    except UnknownVersion as error:
        raise Refused(f"the store holds a record of another version ({error}); "
                      "use the followme that wrote it") from None
    except BrokenRecord:
        return None


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store held when we looked."""

    values: dict[str, bytes]
    belongings: dict[str, set[str]]

    def number(self, digits: str) -> Number | None:
        """The number of that key."""
        return read_number(self.values.get(keys.number(digits)))

    def line(self, name: str) -> LineRecord | None:
        """The line of that key."""
        return read_line(self.values.get(keys.line(name)))

    def owner_of(self, kind: str, name: str) -> str | None:
        """Whose that number, line or alias is."""
        if kind == "alias":
            owner = self.values.get(keys.alias(name))
            return owner.decode() if owner is not None else None
        found = self.line(name) if kind == "line" else self.number(name)
        return found.owner if found else None

    def numbers_of(self, owner: str, but: str) -> Iterator[Number]:
        """The other numbers of an owner, in order."""
        for digits in sorted(_names(self.belongings[owner], "number")):
            number = self.number(digits)
            if number and digits != but:
                yield number

    def as_found(self, key: str) -> dict[str, frozenset[bytes | None]]:
        """The key may have the value that was found, no other."""
        return {key: frozenset([self.values.get(key)])}


def _given(checked: Checked) -> dict[str, set[str]]:
    """Owner -> all that the files give, named as in the store's set of belongings."""
    given: dict[str, set[str]] = {owner: set() for owner in checked.owners}
    for entry in checked.numbers:
        given[entry.number.owner] |= _of_number(entry.number)
    for account in checked.lines:
        given[account.line.owner].add(f"line:{account.line.name}")
    return given


def _of_number(number: Number) -> set[str]:
    return {f"number:{number.number}", *(f"alias:{alias}" for alias in number.aliases)}


def _look(checked: Checked, given: dict[str, set[str]], storage: Storage) -> Stored:
    belongings = storage.belongings(list(given))
    wanted = [_key(thing) for owner in given for thing in given[owner] | belongings[owner]]
    for entry in checked.numbers:
        wanted += [keys.authored(entry.number.number), keys.alias(entry.number.number)]
        wanted += map(keys.number, entry.aliases)
    return Stored(storage.read(wanted), belongings)


def _refuse_what_others_have(checked: Checked, stored: Stored) -> None:
    for entry in checked.numbers:
        _refuse_taken(stored, "number", entry.number.number, entry.number.owner, entry.spot)
        for alias, spot in entry.aliases.items():
            _refuse_taken(stored, "alias", alias, entry.number.owner, spot)
            if taken := stored.owner_of("number", alias):
                spot.error(f"{alias} is a personal number of {taken} in the store; "
                           "an alias is an outside number that identifies the owner")
        if taken := stored.owner_of("alias", entry.number.number):
            entry.spot.error(f"{entry.number.number} is an alias of {taken} in the store; "
                             "it cannot be a personal number too")
    for account in checked.lines:
        _refuse_taken(stored, "line", account.line.name, account.line.owner, account.spot)


def _refuse_taken(stored: Stored, kind: str, name: str, owner: str, spot: Spot) -> None:
    has = stored.owner_of(kind, name)
    if has and has != owner:
        spot.error(f"{kind} {name} is {owner}'s here and {has}'s in the store; it has one owner")


def _refuse_forgotten_numbers(checked: Checked, stored: Stored, surplus: dict[str, set[str]],
                              ) -> None:
    for owner, spot in checked.owners.items():
        for digits in sorted(_names(surplus[owner], "number")):
            if stored.owner_of("number", digits) == owner:
                spot.error(f"{owner} has the number {digits} in the store but not in the files; "
                           f"write it, or first: followme remove {digits}")


def _number_change(entry: Entry, stored: Stored, surplus: dict[str, set[str]]) -> Change:
    number, owner = entry.number, entry.number.owner
    authored = entry.authored.encode()
    old = stored.number(number.number)
    before = old.revision if old else 0
    aliases = dict.fromkeys(map(keys.alias, number.aliases), owner.encode())
    key, authored_key = keys.number(number.number), keys.authored(number.number)
    as_it_was = old and replace(old, revision=number.revision) == number
    in_place = {authored_key: authored, **aliases}.items() <= stored.values.items()
    if as_it_was and in_place and _of_number(number) <= stored.belongings[owner]:
        return Change("number", number.number, owner, "unchanged", before, before)
    new = replace(number, revision=before + 1)
    gone = {thing for thing in surplus[owner] if thing.startswith("alias:")}
    surplus[owner] -= gone  # once, with the first number that changes
    return Change(
        "number", number.number, owner, "changed" if old else "new", before, new.revision,
        expects=stored.as_found(key) | {
            alias: frozenset([None, owner.encode()]) for alias in aliases},
        sets={key: record.encode_number(new), authored_key: authored, **aliases},
        deletes=_deletable(gone, owner, stored), leaves=tuple(gone),
        joins=tuple(_of_number(number)))


def _line_change(line: LineRecord, stored: Stored) -> Change:
    key, data = keys.line(line.name), record.encode_line(line)
    thing = f"line:{line.name}"
    if stored.values.get(key) == data and thing in stored.belongings[line.owner]:
        return Change("line", line.name, line.owner, "unchanged")
    return Change("line", line.name, line.owner, "changed" if key in stored.values else "new",
                  expects=stored.as_found(key), sets={key: data}, joins=(thing,))


def _removed_lines(owner: str, stored: Stored, surplus: dict[str, set[str]]) -> Iterator[Change]:
    for name in sorted(_names(surplus[owner], "line")):
        thing = f"line:{name}"
        yield Change("line", name, owner, "removed", expects=stored.as_found(keys.line(name)),
                     deletes=_deletable({thing}, owner, stored), leaves=(thing,))


def _number_removal(number: Number, others: list[Number], stored: Stored) -> Change:
    leaves = _of_number(number).difference(*map(_of_number, others))
    return Change(
        "number", number.number, number.owner, "removed", number.revision,
        expects=stored.as_found(keys.number(number.number)),
        deletes=(keys.authored(number.number), *_deletable(leaves, number.owner, stored)),
        leaves=tuple(leaves))


def _lines_after(number: Number, others: list[Number], stored: Stored) -> Iterator[Change]:
    """The owner's lines get another main number, or go with the last one."""
    if not others:
        lines = {thing for thing in stored.belongings[number.owner] if thing.startswith("line:")}
        yield from _removed_lines(number.owner, stored, {number.owner: lines})
        return
    for name in sorted(_names(stored.belongings[number.owner], "line")):
        line = stored.line(name)
        if line and line.number == number.number:
            yield _line_change(replace(line, number=others[0].number), stored)


def _deletable(things: set[str], owner: str, stored: Stored) -> tuple[str, ...]:
    """The keys of those things, but none that somebody else has by now."""
    return tuple(_key(thing) for thing in sorted(things)
                 if stored.owner_of(*thing.split(":", 1)) in (owner, None))


def _key(thing: str) -> str:
    kind, name = thing.split(":", 1)
    return {"number": keys.number, "alias": keys.alias, "line": keys.line}[kind](name)


def _names(things: set[str], kind: str) -> set[str]:
    return {thing.split(":", 1)[1] for thing in things if thing.startswith(f"{kind}:")}
