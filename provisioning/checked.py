# SPDX-License-Identifier: GPL-2.0-or-later
"""What files say, before it is compared with the store."""

from dataclasses import dataclass, field
from typing import Any

from kemi_routing.model import Number, Platform
from kemi_routing.record import LineRecord
from provisioning.grants import Grant
from provisioning.kept import Shared, Subscriber
from provisioning.problems import Problems
from provisioning.rights import Wish
from provisioning.sequences import Places
from provisioning.storage import Seen
from provisioning.written import Spot, Written


@dataclass(frozen=True, slots=True)
class Entry:
    """A number as it may be written to the store, where it gets its revision."""

    number: Number
    authored: str
    """What a person wrote, comments included."""
    spot: Spot
    """Where its key stands."""
    aliases: dict[str, Spot]
    """Where each alias stands."""
    places: Places
    """Where each target stands that is a number of ours, or may be one (SPEC T5)."""


@dataclass(frozen=True, slots=True)
class Account:
    """A line as it may be written to the store."""

    line: LineRecord
    spot: Spot


@dataclass(frozen=True, slots=True)
class Home:
    """What an organisation has in common, as it is kept."""

    shared: Shared
    before: Shared | None
    """What the store had when we looked."""
    seen: Seen
    changed: tuple[str, ...]
    """What is different, for people; empty: at most comments."""


@dataclass(slots=True)
class Checked:
    """What the files say; complete only where ``problems`` holds no error."""

    platform: Platform = field(default_factory=Platform)
    """For which they were checked."""
    problems: Problems = field(default_factory=Problems)
    owners: dict[str, Spot] = field(default_factory=dict)
    """``organisation/subscriber`` -> where."""
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    """The same -> what is kept of them beside their numbers."""
    homes: dict[str, Home] = field(default_factory=dict)
    """Organisation -> what its subscribers share."""
    numbers: list[Entry] = field(default_factory=list)
    lines: list[Account] = field(default_factory=list)
    grants: dict[str, tuple[Grant, Spot]] = field(default_factory=dict)
    """Organisation -> what the operator gives it, and where that stands."""
    network: dict[str, Any] = field(default_factory=dict)
    """Fields of the operator's ``Network`` that the files say."""
    operator: dict[str, Written] = field(default_factory=dict)
    """Key of a file of the operator's own -> all that stands below it."""
    wishes: list[tuple[str, Wish]] = field(default_factory=list)
    """Organisation or subscriber, and a right that it gives its subscribers, or he gets (A6)."""
    claims: dict[tuple[str, str], tuple[str, Spot]] = field(default_factory=dict)
    """What stands once on the platform (kind, name) -> its owner and where it stands first."""

    def claim(self, kind: str, name: str, owner: str, spot: Spot) -> None:
        """Note a thing that has one owner; an error where it stands somewhere else already."""
        first_owner, first = self.claims.setdefault((kind, name), (owner, spot))
        if first is spot or (kind == "alias" and owner == first_owner):
            return
        spot.error(f"{kind} {name} stands in {first.line} already; write it once"
                   if owner == first_owner else
                   f"{kind} {name} is {owner}'s here and {first_owner}'s in {first.line}; "
                   "it has one owner: leave it out in one of them")
