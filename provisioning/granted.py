# SPDX-License-Identifier: GPL-2.0-or-later
"""Grants in the store, and what a new one takes away (SPEC A6)."""

from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from kemi_routing.model import Platform
from kemi_routing.redis import keys
from provisioning import grants, reachable
from provisioning.check import read_tree
from provisioning.checked import Checked
from provisioning.grants import NO_LIMIT, Grant
from provisioning.kept import Kept
from provisioning.problems import Refused
from provisioning.storage import Change, Storage, seen
from provisioning.stored import Stored, names


def read(checked: Checked, storage: Storage) -> dict[str, Grant]:
    """What the store says that these organisations are given."""
    organisations = {owner.partition("/")[0] for owner in checked.owners} | checked.grants.keys()
    found = storage.read(map(keys.grant, sorted(organisations)))
    return {name: grants.decode(found.get(keys.grant(name)), name) for name in organisations}


def let_stand(checked: Checked, stored: Mapping[str, Grant], storage: Storage, now: datetime,
              ) -> None:
    """What was given before the operator took it is a warning: it stays written, and counts for
    nothing. To give it anew is an error.
    """
    limits = {**stored, **{name: grant for name, (grant, _) in checked.grants.items()}}
    if set(limits.values()) <= {NO_LIMIT}:
        return
    wishes, checked.wishes = checked.wishes, []
    texts = [grants.beyond(name := whose.partition("/")[0], limits.get(name, NO_LIMIT), wish)
             for whose, wish in wishes]
    before = set(_given({whose for (whose, _), text in zip(wishes, texts, strict=True) if text},
                        checked.platform, storage, now))
    for (whose, wish), text in zip(wishes, texts, strict=True):
        if text and (whose, wish.key, wish.value, wish.of) in before:
            wish.spot.warning(f"{text}; it was written before that and stays, without effect")
        else:
            checked.wishes.append((whose, wish))


def _given(whose: Set[str], platform: Platform, storage: Storage, now: datetime,
           ) -> Iterator[tuple[str, str, str | int, str]]:
    """What the stored settings of these organisations and subscribers give, for what it is."""
    for organisation in {one.partition("/")[0] for one in whose}:
        kept = Kept(storage)
        with suppress(Refused):
            tree = kept.tree(organisation, kept.subscribers(
                one for one in whose if one.startswith(f"{organisation}/")))
            yield from ((of, wish.key, wish.value, wish.of)
                        for of, wish in read_tree(tree, platform, now, kept).wishes)


def changes(checked: Checked, before: Mapping[str, Grant], storage: Storage, now: datetime,
            ) -> Iterator[Change]:
    """The grants of the files, and the numbers in the store that have more than they give."""
    for name, (grant, _) in checked.grants.items():
        key = keys.grant(name)
        data = storage.read([key]).get(key)
        result = "unchanged" if grant == before[name] else "changed" if data else "new"
        yield Change("grant", name, name, result, expects={key: frozenset([seen(data)])},
                     sets={key: grants.encode(grant)})
        yield from _numbers(name, grant, checked, storage, now)


def _numbers(organisation: str, grant: Grant, checked: Checked, storage: Storage,
             now: datetime) -> Iterator[Change]:
    owners = sorted(set(storage.owners(organisation)) - checked.owners.keys())
    belongings = storage.belongings(owners)
    found = _keys(belongings)
    stored = Stored(storage.read(make(key) for make in (keys.number, keys.authored)
                                 for key in found), belongings)
    for number in filter(None, map(stored.number, found)):
        rights = grants.limited(number.rights, grant)
        if rights != number.rights:
            less = replace(number, rights=rights)
            for target, why in reachable.newly_skipped(number, less, checked.platform).items():
                checked.grants[organisation][1].warning(
                    f"number {number.number} skips {target} from now on: {why}")
            yield replace(stored.rewritten(less, now),
                          goes_silent=reachable.goes_silent(number, less, checked.platform))


def _keys(belongings: Mapping[str, set[str]]) -> list[str]:
    return [key for things in belongings.values() for key in sorted(names(things, "number"))]
