# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands in the store, for people; passwords are masked (SPEC T3)."""

import re
from typing import Any

from kemi_routing.model import Number, Sequence
from kemi_routing.redis import keys
from kemi_routing.schedule import clock, format_days
from kemi_routing.sequence import longest_setup_s
from provisioning.changes import read_number
from provisioning.problems import Refused
from provisioning.storage import Change, Storage
from provisioning.values import PERMISSIONS

_IAX_PASSWORD = re.compile(r"(IAX2/[^\s:@]*):[^\s@]*@", re.IGNORECASE)


def all_numbers(storage: Storage) -> list[Number]:
    """All numbers, by owner."""
    belongings = storage.belongings(storage.owners())
    wanted = [keys.number(thing.removeprefix("number:")) for things in belongings.values()
              for thing in sorted(things) if thing.startswith("number:")]
    found = storage.read(wanted)
    numbers = (read_number(found.get(key)) for key in wanted)
    return [number for number in numbers if number]


def one_number(digits: str, storage: Storage) -> tuple[Number, str]:
    """A number, and what a person wrote for it; raises Refused where nobody owns it."""
    key, authored = keys.number(digits), keys.authored(digits)
    found = storage.read([key, authored])
    number = read_number(found.get(key))
    if number is None:
        raise Refused(f"{digits}: its record cannot be read" if key in found else
                      f"{digits}: nobody owns this number")
    return number, _IAX_PASSWORD.sub(r"\1:***@", found.get(authored, b"").decode().rstrip())


def overview(number: Number) -> dict[str, Any]:
    """A number in a list of numbers."""
    return {
        "number": number.number,
        "owner": number.owner,
        "revision": number.revision,
        "mode": str(number.mode),
        "aliases": list(number.aliases),
        "windows": len(number.windows),
        "longest_setup_s": max(longest_setup_s(number, one) for one in (
            number.sequence(None), *number.sequences)),
    }


def heading(number: Number) -> str:
    """What a number has from its owner, a few lines for people."""
    phones = (f"{line.name} (at most {line.max_phones} at once)" for line in number.lines)
    return "\n".join([
        f"{number.number} of {number.owner}, revision {number.revision}",
        f"time zone    {number.zone.key}",
        f"permissions  {', '.join(permissions(number)) or 'none'}",
        f"lines        {', '.join(phones) or 'none'}",
    ])


def change_as_dict(change: Change) -> dict[str, Any]:
    """A change for programs; ``revision`` is None for a line."""
    return {"kind": change.kind, "name": change.name, "owner": change.owner,
            "result": change.result, "revision": change.revision or None}


def as_dict(number: Number) -> dict[str, Any]:
    """A number for programs; the keys are stable."""
    return {
        "number": number.number,
        "owner": number.owner,
        "revision": number.revision,
        "time_zone": number.zone.key,
        "permissions": permissions(number),
        "aliases": list(number.aliases),
        "lines": [{"name": line.name, "max_phones": line.max_phones} for line in number.lines],
        "mode": str(number.mode),
        "ring_s": number.ring_s,
        "schedule": [{"days": format_days(window.days), "from": clock(window.start),
                      "to": clock(window.end), "sequence": window.sequence}
                     for window in number.windows],
        "default": number.default,
        "sequences": {one.name: _sequence(one) for one in number.sequences},
    }


def permissions(number: Number) -> list[str]:
    """The permissions that a number's owner has."""
    return [name for name in PERMISSIONS if getattr(number, name)]


def _sequence(one: Sequence) -> dict[str, Any]:
    return {
        "mode": str(one.mode) if one.mode else None,
        "steps": [[{"to": str(ring.target), "ring_s": ring.ring_s, "label": ring.label}
                   for ring in step] for step in one.steps],
    }
