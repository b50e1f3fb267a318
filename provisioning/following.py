# SPDX-License-Identifier: GPL-2.0-or-later
"""What follows for other numbers where one comes or goes (SPEC T5).

Who names a number has it as one of ours or as an outside one. No index says who that is: it would
take memory for each target. So ``remove`` reads all numbers, and whoever comes is looked for in his
own organisation alone; of others ``drift`` tells.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from kemi_routing.forwarding import why_skipped
from kemi_routing.model import Number, Platform
from kemi_routing.redis import keys
from kemi_routing.targets import Kind, Target
from provisioning import changes, network, show
from provisioning.check import read_tree
from provisioning.kept import Kept
from provisioning.problems import Refused
from provisioning.storage import Change, Storage
from provisioning.stored import read_number


class After(Storage):
    """A store as it is once these changes are made, which write no texts."""

    def __init__(self, before: Storage, made: Sequence[Change]) -> None:
        self.client = before.client
        self._made = made

    def read(self, wanted: Iterable[str]) -> dict[str, bytes]:
        """As it will be."""
        names = list(wanted)
        found = super().read(names)
        for change in self._made:
            found |= {key: change.sets[key] for key in names if key in change.sets}
            for key in change.deletes:
                found.pop(key, None)
        return found

    def belongings(self, owners: Sequence[str]) -> dict[str, set[str]]:
        """As they will be."""
        found = super().belongings(owners)
        for change in self._made:
            if change.owner in found:
                found[change.owner] = (found[change.owner] | {*change.joins}) - {*change.leaves}
        return found


@dataclass(frozen=True, slots=True)
class Followed:
    """Changes, in order, and what is to be said of them."""

    changes: list[Change]
    warnings: list[str]


def removal(key: str, storage: Storage, platform: Platform, now: datetime) -> Followed:
    """The changes that take a number out of the store, and those of numbers and lines that have to
    do with it: they are read again, so their files say what is in the store then.

    Raises Refused where nobody owns the number.
    """
    found = Followed(changes.removal(key, storage), [])
    after, owner = After(storage, found.changes), found.changes[0].owner
    concerned = {one.number: one.owner for one in show.all_numbers(storage) if one.number != key
                 and (owner == one.owner or key == one.cli or key in network.others(one))}
    owners = set(concerned.values())
    for organisation in sorted({one.partition("/")[0] for one in owners}):
        try:
            found.changes.extend(_read_again(
                {one for one in owners if one.startswith(f"{organisation}/")}, organisation,
                (platform, now), after))
        except Refused as error:
            found.warnings.append(f"warning: {error}; until then the numbers of {organisation} "
                                  f"that have to do with {key} stay as they are")
    made = After(storage, found.changes).read(map(keys.number, concerned))
    for left in filter(None, map(read_number, made.values())):
        if key in network.others(left):
            found.warnings.append(f"warning: {_says(left, key, platform)}")
        if left.cli == key:
            found.warnings.append(f"warning: {left.number} shows {key} to outside targets, as its "
                                  "file says")
    return found


def _read_again(owners: Iterable[str], organisation: str, seen: tuple[Platform, datetime],
                storage: Storage) -> Iterator[Change]:
    """What applying the stored settings of these subscribers would change; raises Refused."""
    kept = Kept(storage)
    subscribers = kept.subscribers(owners)
    checked = read_tree(kept.tree(organisation, subscribers), *seen, kept)
    checked.wishes = []  # what the operator has taken meanwhile is left out
    found = [] if checked.problems.errors else changes.compare(checked, storage, seen[1])
    if checked.problems.errors:
        raise Refused(str(min(checked.problems.errors)))
    return (change for change in found if change.writes)


def _says(number: Number, key: str, platform: Platform) -> str:
    """What becomes of a target that is no number of ours any more."""
    if key not in _outside(number):
        return f"{number.number} forwards to {key}, which will be left out there"
    if why := why_skipped(Target(Kind.PSTN, key), number.rights, platform):
        return f"{number.number} forwards to {key}, which will be left out there: {why}"
    return f"{number.number} forwards to {key}, which is called outside from now on"


def _outside(number: Number) -> set[str]:
    return {ring.target.address for one in number.sequences for step in one.steps
            for ring in step if ring.target.kind is Kind.PSTN}
