# SPDX-License-Identifier: GPL-2.0-or-later
"""What the files say against what the store holds: the changes that are to be made.

A file holds all that its subscribers have. What the store has beyond it is removed where that
is harmless (aliases, lines); a number goes only by ``remove``.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from kemi_routing import record
from kemi_routing.model import Number
from kemi_routing.record import LineRecord
from kemi_routing.redis import keys
from provisioning import difference, granted, kept, network, operator_file, reachable, trunking
from provisioning.checked import Checked, Entry
from provisioning.problems import Refused
from provisioning.revisions import decode_text
from provisioning.storage import Change, Seen, Storage, seen
from provisioning.stored import Stored, names, read_state
from provisioning.written import Spot


def compare(checked: Checked, storage: Storage, now: datetime) -> list[Change]:
    """All changes, unchanged things included; what belongs to others, or does not go together with
    what is stored, is noted as an error.
    """
    given = _given(checked)
    stored = _look(checked, given, storage)
    _refuse_what_others_have(checked, stored)
    _warn_of_lost_overrides(checked, stored, now)
    limits = granted.read(checked, storage)
    granted.let_stand(checked, limits, storage, now)
    network.connect(checked, network.neighbours(checked, storage), now, limits, stored.number)
    surplus = {owner: stored.belongings[owner] - given[owner] for owner in given}
    _refuse_forgotten_numbers(checked, stored, surplus)
    lines = [change for owner in surplus for change in _removed_lines(owner, stored, surplus)]
    found = [*trunking.changes(checked, storage),
             *granted.changes(checked, limits, storage, now),
             *_freeing([_number_change(entry, stored, checked, now)
                        for entry in checked.numbers], surplus, checked, stored),
             *(_line_change(account.line, stored) for account in checked.lines), *lines]
    found = [*operator_file.with_it(found, checked, storage)] if checked.operator else found
    found = [*_with_settings(found, checked, stored), *_organisations(checked)]
    _warn_of_lost_targets(checked, stored)
    checked.problems.settle()
    return found


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
    wanted = [key, keys.authored(digits), keys.subscriber(number.owner),
              *map(_key, sorted(belongings[number.owner]))]
    stored = Stored(storage.read(wanted), belongings)
    others = list(stored.numbers_of(number.owner, but=digits))
    lines = {thing for thing in belongings[number.owner] if thing.startswith("line:")}
    return [_number_removal(number, others, stored), *(
        () if others else _removed_lines(number.owner, stored, {number.owner: lines}))]


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
    wanted += map(keys.subscriber, given)
    for entry in checked.numbers:
        wanted += [make(entry.number.number) for make in (keys.authored, keys.state, keys.alias)]
        wanted += map(keys.number, entry.aliases)
    found = storage.read(wanted)
    unknown = [entry.number.number for entry in checked.numbers
               if keys.number(entry.number.number) not in found]
    return Stored(found, belongings, storage.last_versions(unknown))


def _refuse_what_others_have(checked: Checked, stored: Stored) -> None:
    for entry in checked.numbers:
        _refuse_taken(stored, "number", entry.number.number, entry.number.owner, entry.spot)
        for alias, spot in entry.aliases.items():
            _refuse_taken(stored, "alias", alias, entry.number.owner, spot)
            if taken := stored.owner_of("number", alias):
                spot.error(f"{alias} is a personal number of {taken} in the store; "
                           "an alias is an outside number that identifies the owner; leave it out")
        if taken := stored.owner_of("alias", entry.number.number):
            entry.spot.error(f"{entry.number.number} is an alias of {taken} in the store; "
                             "it cannot be a personal number too: leave it out here or there")
    for account in checked.lines:
        _refuse_taken(stored, "line", account.line.name, account.line.owner, account.spot)


def _refuse_taken(stored: Stored, kind: str, name: str, owner: str, spot: Spot) -> None:
    has = stored.owner_of(kind, name)
    if has and has != owner:
        spot.error(f"{kind} {name} is {owner}'s here and {has}'s in the store; "
                   "it has one owner: leave it out here, or take it from there first")


def _refuse_forgotten_numbers(checked: Checked, stored: Stored, surplus: dict[str, set[str]],
                              ) -> None:
    for owner, spot in checked.owners.items():
        for digits in sorted(names(surplus[owner], "number")):
            if stored.owner_of("number", digits) == owner:
                spot.error(f"{owner} has the number {digits} in the store but not in the files; "
                           f"write it, or first: followme remove {digits}")


def _warn_of_lost_overrides(checked: Checked, stored: Stored, now: datetime) -> None:
    """What was set by command or code, and leads to a sequence that the file has no more."""
    for entry in checked.numbers:
        names = {one.name for one in entry.number.sequences}
        for one in read_state(stored.values, entry.number.number).overrides:
            over = one.until is not None and one.until <= now.timestamp()
            if one.sequence not in names and not over:
                entry.spot.warning(f"the override {one.name or one.sequence} is left out: there is "
                                   f"no sequence {one.sequence!r} any more")


def _warn_of_lost_targets(checked: Checked, stored: Stored) -> None:
    """What calls reached until now, and smaller rights leave out."""
    for entry in checked.numbers:
        if old := stored.number(entry.number.number):
            lost = reachable.newly_skipped(old, entry.number, checked.platform)
            for target, why in lost.items():
                entry.spot.warning(f"from now on {target} is skipped: {why}")


def _number_change(entry: Entry, stored: Stored, checked: Checked, now: datetime) -> Change:
    old = stored.number(entry.number.number)
    number, owner = _with_times_kept(entry.number, old), entry.number.owner
    before = old.revision if old else stored.last_revision(number.number)
    aliases = dict.fromkeys(map(keys.alias, number.aliases), owner.encode())
    key, authored_key = keys.number(number.number), keys.authored(number.number)
    as_it_was = old and replace(old, revision=number.revision) == number
    in_place = (as_it_was and aliases.items() <= stored.values.items()
                and decode_text(stored.values.get(authored_key)).text == entry.authored)
    if in_place and _of_number(number) <= stored.belongings[owner]:
        return Change("number", number.number, owner, "unchanged", before, before)
    new = replace(number, revision=before + 1) if before else number
    what = difference.of_number(old, number, now) if old else difference.of_new(number)
    return Change(
        "number", number.number, owner, "changed" if old else "new", old.revision if old else 0,
        new.revision,
        expects=stored.as_found(key, keys.alias(number.number), *map(keys.number, number.aliases))
        | {alias: frozenset([None, seen(owner.encode())]) for alias in aliases}
        | {keys.organisation(number.organisation):
           frozenset([checked.homes[number.organisation].seen])},
        sets={key: record.encode_number(new), **aliases}, texts={authored_key: entry.authored},
        remembers=stored.remembered(old), joins=tuple(_of_number(number)),
        what=tuple(what) or (difference.TEXT_ONLY,),
        same_calls=not what,
        goes_silent=bool(old and reachable.goes_silent(old, number, checked.platform)))


def _freeing(found: list[Change], surplus: dict[str, set[str]], checked: Checked, stored: Stored,
             ) -> Iterator[Change]:
    """The same changes of numbers, and with them the end of each alias that the files have no more.

    It goes with the last number that had it, or by itself where none has: in either case only
    where all numbers of the owner are by then what we take them for, and there are no others.
    """
    dropped = {owner: dict.fromkeys((f"alias:{name}" for name in gone), "")
               for owner, things in surplus.items() if (gone := names(things, "alias"))}
    for change in found:
        aliases = dropped.get(change.owner, {})
        old = stored.number(change.name) if aliases else None
        aliases |= dict.fromkeys(aliases.keys() & _of_number(old), change.name) if old else {}
    made: dict[str, Seen] = {}
    lists = {keys.subscriber(owner): seen(kept.encode_subscriber(checked.subscribers[owner]))
             for owner in dropped}
    for change in found:
        aliases = dropped.get(change.owner, {})
        gone = {thing for thing, last in aliases.items() if last == change.name}
        yield replace(
            change, expects=_others(change.owner, made, lists, stored) | change.expects,
            deletes=_deletable(gone, change.owner, stored), leaves=tuple(gone)) if gone else change
        made |= {key: seen(data) for key, data in change.sets.items() if aliases}
    for owner, things in dropped.items():
        for thing in sorted(thing for thing, last in things.items() if not last):
            name = thing.partition(":")[2]
            yield Change("alias", name, owner, "removed",
                         expects=_others(owner, made, lists, stored)
                         | stored.as_found(keys.alias(name)),
                         deletes=_deletable({thing}, owner, stored), leaves=(thing,))


def _others(owner: str, made: Mapping[str, Seen], lists: Mapping[str, Seen], stored: Stored,
            ) -> dict[str, frozenset[Seen]]:
    """All numbers of the owner as the changes before make them, else as found; and their list."""
    found = map(keys.number, sorted(names(stored.belongings[owner], "number")))
    key = keys.subscriber(owner)
    return {key: frozenset([lists[key], seen(stored.values.get(key))])} | {
        key: frozenset([made.get(key, seen(stored.values.get(key)))]) for key in found}


def _with_settings(found: Iterable[Change], checked: Checked, stored: Stored) -> Iterator[Change]:
    """The same changes; what subscribers have beside their numbers goes with the first number that
    is written, or by itself.
    """
    left = {owner: data for owner, one in checked.subscribers.items() if kept.has_anything(one)
            and stored.values.get(keys.subscriber(owner)) != (data := kept.encode_subscriber(one))}
    for change in found:
        if change.kind != "number" or not change.writes or change.owner not in left:
            yield change
            continue
        key = keys.subscriber(change.owner)
        yield replace(change, expects=change.expects | stored.as_found(key),
                      sets=change.sets | {key: left.pop(change.owner)})
    for owner, one in checked.subscribers.items():
        key = keys.subscriber(owner)
        if key in stored.values and not kept.has_anything(one):
            yield Change("subscriber", owner, owner, "removed", expects=stored.as_found(key),
                         deletes=(key,), leaves=("subscriber",))
    for owner, data in left.items():
        key = keys.subscriber(owner)
        old, what = stored.values.get(key), list[str]()
        with suppress(kept.Unreadable):
            what += kept.differences(kept.decode_subscriber(old, owner),
                                     checked.subscribers[owner]) if old else ()
        yield Change("subscriber", owner, owner, "changed" if old else "new",
                     expects=stored.as_found(key), sets={key: data},
                     what=tuple(what) or (difference.TEXT_ONLY,) * bool(old))


def _organisations(checked: Checked) -> Iterator[Change]:
    """They come last: until all numbers are written that use them, there is something to do."""
    for name, home in checked.homes.items():
        key = keys.organisation(name)
        if home.shared != home.before:
            new = replace(home.shared, revision=home.shared.revision + 1)
            yield Change("organisation", name, name, "changed" if home.before else "new",
                         home.shared.revision, new.revision,
                         expects={key: frozenset([home.seen])},
                         sets={key: kept.encode_shared(new)},
                         what=home.changed or (difference.TEXT_ONLY,) * bool(home.before))


def _with_times_kept(number: Number, old: Number | None) -> Number:
    """A vacation that is not new was set when it was written first."""
    before = {replace(one, set_at=0): one for one in old.overrides} if old else {}
    return number if not before else replace(number, overrides=tuple(
        before.get(replace(one, set_at=0), one) for one in number.overrides))


def _line_change(line: LineRecord, stored: Stored) -> Change:
    key, data = keys.line(line.name), record.encode_line(line)
    thing = f"line:{line.name}"
    if stored.values.get(key) == data and thing in stored.belongings[line.owner]:
        return Change("line", line.name, line.owner, "unchanged")
    old = stored.line(line.name)
    return Change("line", line.name, line.owner, "changed" if key in stored.values else "new",
                  expects=stored.as_found(key), sets={key: data}, joins=(thing,),
                  what=tuple(difference.of_line(old, line)) if old else ())


def _removed_lines(owner: str, stored: Stored, surplus: dict[str, set[str]]) -> Iterator[Change]:
    for name in sorted(names(surplus[owner], "line")):
        thing = f"line:{name}"
        yield Change("line", name, owner, "removed", expects=stored.as_found(keys.line(name)),
                     deletes=_deletable({thing}, owner, stored), leaves=(thing,))


def _number_removal(number: Number, others: list[Number], stored: Stored) -> Change:
    leaves = _of_number(number).difference(*map(_of_number, others))
    settings = keys.subscriber(number.owner)
    found = stored.values.get(settings)
    sets: dict[str, bytes] = {}
    if found and others:
        left = kept.decode_subscriber(found, number.owner)
        sets = {settings: kept.encode_subscriber(replace(
            left, numbers=tuple(key for key in left.numbers if key != number.number)))}
    return Change(
        "number", number.number, number.owner, "removed", number.revision, number.revision + 1,
        expects=stored.as_found(settings, *(keys.number(one.number) for one in (number, *others))),
        sets=sets,
        deletes=(keys.authored(number.number), keys.state(number.number),
                 keys.last_caller(number.number),  # the next owner's *60 must not block him
                 *(() if others else (settings,)), *_deletable(leaves, number.owner, stored)),
        leaves=tuple(leaves), remembers=stored.remembered(number, found or b""))


def _deletable(things: set[str], owner: str, stored: Stored) -> tuple[str, ...]:
    """The keys of those things, but none that somebody else has by now."""
    return tuple(_key(thing) for thing in sorted(things)
                 if stored.owner_of(*thing.split(":", 1)) in (owner, None))


def _key(thing: str) -> str:
    kind, name = thing.split(":", 1)
    return {"number": keys.number, "alias": keys.alias, "line": keys.line}[kind](name)
