# SPDX-License-Identifier: GPL-2.0-or-later
"""Grants in the store, and what a new one takes away (SPEC A6)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from kemi_routing.redis import keys
from provisioning import grants, reachable
from provisioning.checked import Checked
from provisioning.grants import Grant
from provisioning.storage import Change, Storage, seen
from provisioning.stored import Stored, names


def read(checked: Checked, storage: Storage) -> dict[str, Grant]:
    """What the store says that these organisations are given."""
    organisations = {owner.partition("/")[0] for owner in checked.owners} | checked.grants.keys()
    found = storage.read(map(keys.grant, sorted(organisations)))
    return {name: grants.decode(found.get(keys.grant(name)), name) for name in organisations}


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
