# SPDX-License-Identifier: GPL-2.0-or-later
"""The way back: what was written before is read again, and compared with the store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kemi_routing.model import Platform
from kemi_routing.redis import keys
from provisioning import changes
from provisioning.check import read_tree
from provisioning.checked import Checked
from provisioning.kept import Kept, decode_shared, decode_subscriber
from provisioning.problems import Refused
from provisioning.revisions import Version, decode_text
from provisioning.storage import Change, Storage
from provisioning.written import Written


@dataclass(frozen=True, slots=True)
class Revived:
    """A file as it would be if something in it were what it was."""

    tree: Written
    kept: Kept
    storage: Storage

    def compared(self, platform: Platform, now: datetime) -> tuple[Checked, list[Change]]:
        """The changes that make the store so, within what the operator gives today; what does not
        go together is noted as an error.
        """
        checked = read_tree(self.tree, platform, now, self.kept)
        checked.wishes = []  # what the operator has taken meanwhile is left out, and that is said
        checked.problems.warnings.clear()
        return checked, ([] if checked.problems.errors else
                         changes.compare(checked, self.storage, now))


def of_number(version: Version, all_of_it: Sequence[Version], storage: Storage) -> Revived:
    """A number says again what it said in that version, with what its owner and its organisation
    have today.

    Raises Refused where it says so now, or where the version cannot be read.
    """
    number = version.number
    if number is None:
        raise Refused(f"revision {version.revision} is no number: it was removed then, or its "
                      "record cannot be read")
    key, owner, kept = number.number, number.owner, Kept(storage)
    found = storage.read([keys.number(key), keys.authored(key)])
    if keys.number(key) in found and (
            decode_text(found.get(keys.authored(key))).text == version.source.text):
        raise Refused(f"{key} says now what it said in revision {version.revision}; what is "
                      "different comes from what it shares:  followme history "
                      f"{number.organisation}")
    subscriber = kept.subscribers([owner]).get(owner)
    last = next((decode_subscriber(one.settings, owner) for one in reversed(all_of_it)
                 if one.settings and one.number and one.number.owner == owner), None)
    if subscriber is None:
        if last is None:
            raise Refused(f"{owner} is gone, and no settings of his are kept; apply his file")
        subscriber = replace(last, numbers=())
    if key not in subscriber.numbers:
        subscriber = replace(subscriber, numbers=_with(
            key, subscriber.numbers, last.numbers if last else ()))
    tree = kept.tree_of(kept.known(number.organisation), {owner: subscriber},
                        {key: version.source.text}, f"{key}@{version.revision}")
    return Revived(tree, kept, storage)


def _with(key: str, numbers: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """The numbers with one that was among others before: in front of those that came after it."""
    after = before[before.index(key):] if key in before else ()
    place = next((index for index, one in enumerate(numbers) if one in after), len(numbers))
    return *numbers[:place], key, *numbers[place:]


def of_organisation(version: Version, name: str, storage: Storage) -> Revived:
    """Its subscribers share again what they shared in that version; raises Refused where that
    cannot be read.
    """
    kept = Kept(storage)
    tree = kept.tree_of(decode_shared(version.data, name), kept.subscribers(kept.owners(name)),
                        {}, f"{name}@{version.revision}")
    return Revived(tree, kept, storage)
