# SPDX-License-Identifier: GPL-2.0-or-later
"""What follows for other numbers where one comes or goes (SPEC T5).

Who names a number has it as one of ours or as an outside one. No index says who that is: it would
take memory and time for each target. So ``remove`` reads all numbers, and for a number that comes
those of its organisation are read; of others ``drift`` tells.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kemi_routing.forwarding import why_skipped
from kemi_routing.model import Number, Platform
from kemi_routing.redis import keys
from kemi_routing.targets import Kind, Target
from provisioning import changes, network, show
from provisioning.check import read_tree
from provisioning.kept import Kept
from provisioning.planned import Plan
from provisioning.problems import Refused
from provisioning.storage import Change, Storage, seen
from provisioning.stored import Stored, names, read_number

MOST = 10_000
"""So many numbers are looked through for those to which one that comes was an outside one."""
_SHORT = frozenset("3456")
"""With so many local digits what may be an extension is an outside number where none is known."""


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
    concerned = {one.number: one for one in show.all_numbers(storage) if one.number != key
                 and (owner == one.owner or key == one.cli or key in network.others(one))}
    owners = {one.owner for one in concerned.values()
              if owner == one.owner or key in network.others(one)}
    for organisation in sorted({one.partition("/")[0] for one in owners}):
        try:
            found.changes.extend(_read_again(
                {one for one in owners if one.startswith(f"{organisation}/")}, organisation,
                (platform, now), after))
        except Refused as error:
            found.warnings.append(f"warning: {error}; until then the numbers of {organisation} "
                                  f"that have to do with {key} stay as they are")
    made = After(storage, found.changes).read(map(keys.number, concerned))
    for left in filter(None, (read_number(made, one) for one in concerned)):
        if key in network.others(left):
            found.warnings.append(f"warning: {_says(left, key, platform)}")
        if left.cli == key:
            found.warnings.append(f"warning: {left.number} shows {key} to outside targets, as its "
                                  "file says")
    return found


def with_arrivals(plan: Plan, storage: Storage, now: datetime) -> Plan:
    """The same with ``arrivals``, where it is no bulk import."""
    if not plan.counts.get("new") or len(plan.changes) > MOST:
        return plan
    found = list(arrivals(plan.changes, storage, now))
    counts = Counter(plan.counts) + Counter(change.result for change in found)
    return replace(plan, changes=[*plan.changes, *found], counts=counts) if found else plan


def arrivals(come: Iterable[Change], storage: Storage, now: datetime) -> Iterator[Change]:
    """The changes of stored numbers to which a number of their organisation was an outside one,
    and which is among those that come.
    """
    written = {change.name: change for change in come if change.kind == "number"}
    new = {key: change for key, change in written.items() if change.result == "new"}
    for organisation in sorted({change.owner.partition("/")[0] for change in new.values()}):
        for number in _numbers_of(organisation, storage):
            if number.number not in written and (named := new.keys() & _outside(number)):
                key = keys.number(number.number)
                change = Stored(storage.read([key, keys.authored(number.number)]), {}).rewritten(
                    network.resolved(number, named), now)
                yield replace(change, expects=change.expects | {
                    one: frozenset([seen(new[name].sets[one])])
                    for name in named if (one := keys.number(name))})


def _numbers_of(organisation: str, storage: Storage) -> Iterator[Number]:
    """All numbers of an organisation in order; none of one that has very many."""
    belongings = storage.belongings(list(storage.owners(organisation)))
    found = sorted(name for things in belongings.values() for name in names(things, "number"))
    few = found if len(found) <= MOST else []
    values = storage.read(map(keys.number, few))
    return filter(None, (read_number(values, key) for key in few))


def _read_again(owners: Iterable[str], organisation: str, asked: tuple[Platform, datetime],
                storage: Storage) -> Iterator[Change]:
    """What applying the stored settings of these subscribers would change; raises Refused."""
    kept = Kept(storage)
    dial_plan = kept.tree(organisation).plain().get("dial_plan", {})
    if dial_plan.get("local_digits") in _SHORT:
        owners = kept.owners(organisation)
    checked = read_tree(kept.tree(organisation, kept.subscribers(owners)), *asked, kept)
    found = [] if checked.problems.errors else changes.compare(checked, storage, asked[1])
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
