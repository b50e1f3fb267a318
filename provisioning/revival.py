# SPDX-License-Identifier: GPL-2.0-or-later
"""The way back: what was written for a number before is read again, and compared with the store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kemi_routing.model import Platform
from kemi_routing.redis import keys
from provisioning import changes
from provisioning.check import read_tree
from provisioning.checked import Checked
from provisioning.kept import Kept, decode_subscriber
from provisioning.problems import Refused
from provisioning.revisions import Version, decode_text
from provisioning.storage import Change, Storage


def revive(version: Version, all_of_it: Sequence[Version], platform: Platform, storage: Storage,
           now: datetime) -> tuple[Checked, list[Change]]:
    """The changes that make a number say again what it said in that version, with what its owner
    and its organisation have today; what does not go together is noted as an error.

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
                      "different comes from the settings that it shares: apply a file with these")
    subscriber = kept.subscribers([owner]).get(owner)
    if subscriber is None:
        last = next((one.settings for one in reversed(all_of_it) if one.settings), None)
        if last is None:
            raise Refused(f"{owner} is gone, and no settings of his are kept; apply his file")
        subscriber = replace(decode_subscriber(last, owner), numbers=())
    if key not in subscriber.numbers:
        subscriber = replace(subscriber, numbers=(*subscriber.numbers, key))
    tree = kept.tree(number.organisation, {owner: subscriber}, {key: version.source.text},
                     f"{key}@{version.revision}")
    checked = read_tree(tree, platform, now, kept)
    checked.wishes = []  # what the operator has taken meanwhile is left out, and that is said
    checked.problems.warnings.clear()
    return checked, ([] if checked.problems.errors else changes.compare(checked, storage, now))
