# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands in the store, for people; passwords are masked (SPEC T3)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kemi_routing.model import Number, Sequence
from kemi_routing.redis import keys
from kemi_routing.schedule import Window, clock, format_days
from kemi_routing.targets import Kind, mask
from provisioning import override
from provisioning.problems import Refused
from provisioning.revisions import decode_text
from provisioning.storage import Change, Storage
from provisioning.stored import names, read_number, read_state
from provisioning.values import PERMISSIONS, RUNS_OUT_DAYS

if TYPE_CHECKING:
    from provisioning.network import Extents

_OWNERS_AT_ONCE = 500


def all_numbers(storage: Storage, broken: list[str] | None = None) -> Iterator[Number]:
    """All numbers as calls meet them, by owner; those of some owners are held at a time. Keys of
    those that cannot be read are added to ``broken``.
    """
    owners = sorted(set(storage.owners()))
    for first in range(0, len(owners), _OWNERS_AT_ONCE):
        belongings = storage.belongings(owners[first:first + _OWNERS_AT_ONCE])
        wanted = [name for things in belongings.values()
                  for name in sorted(names(things, "number"))]
        found = storage.read(key(name) for key in (keys.number, keys.state) for name in wanted)
        for name in wanted:
            if number := _number(name, found):
                yield number
            elif broken is not None and keys.number(name) in found:
                broken.append(name)


def one_number(digits: str, storage: Storage) -> tuple[Number, str]:
    """A number as calls meet it, and what a person wrote for it; raises Refused where nobody owns
    it.
    """
    key, authored = keys.number(digits), keys.authored(digits)
    found = storage.read([key, authored, keys.state(digits)])
    number = _number(digits, found)
    if number is None:
        raise Refused(f"{digits}: its record cannot be read" if key in found else
                      f"{digits}: nobody owns this number")
    return number, mask(decode_text(found.get(authored)).text.rstrip())


def last_caller(key: str, storage: Storage) -> str:
    """Who called a number last: digits, or ``anonymous``; empty where nobody did of late."""
    last = keys.last_caller(key)
    return storage.read([last]).get(last, b"").decode()


def overview(number: Number, now: datetime, extents: "Extents") -> dict[str, Any]:
    """A number in a list of numbers, of which ``extents`` knows all."""
    return {
        "number": number.number,
        "owner": number.owner,
        "revision": number.revision,
        "mode": str(number.mode),
        "aliases": list(number.aliases),
        "windows": len(number.windows),
        "holidays_until": _last_holiday(number),
        "override": next((override.line(row) for row in override.rows(number, now)
                          if row["status"] == override.IN_FORCE), ""),
        "longest_setup_s": extents.of(number.number).setup_s,
    }


def heading(number: Number, now: datetime) -> str:
    """What a number has from its owner, a few lines for people."""
    phones = (f"{line.name} (at most {line.max_phones} at once)" for line in number.lines)
    overrides = map(override.line, override.rows(number, now))
    return "\n".join([
        f"{number.number} of {number.owner}, revision {number.revision}",
        f"time zone    {number.zone.key}",
        f"permissions  {', '.join(permissions(number)) or 'none'}",
        *(f"calls out    {text}" for text in _limits(number)),
        f"lines        {', '.join(phones) or 'none'}",
        *([f"forwards to  {', '.join(targets)}"] if (targets := _forwards_to(number)) else []),
        *([_holidays(number, now)] if number.holidays else []),
        *(f"{'' if index else 'overrides':<12} {line}" for index, line in enumerate(overrides)),
    ])


def change_as_dict(change: Change) -> dict[str, Any]:
    """A change for programs; ``revision`` is None for a line."""
    return {"kind": change.kind, "name": change.name, "owner": change.owner,
            "result": change.result, "revision": change.revision or None,
            "what": list(change.what)}


def as_dict(number: Number, now: datetime) -> dict[str, Any]:
    """A number as calls meet it, for programs; the keys are stable."""
    return {
        "number": number.number,
        "owner": number.owner,
        "revision": number.revision,
        "time_zone": number.zone.key,
        "permissions": permissions(number),
        "classes": [{"prefix": row.prefix, "name": row.name, "allowed": row.allowed}
                    for row in number.rights.classes],
        "max_calls": number.rights.max_calls or None,
        "max_calls_per_hour": number.rights.max_calls_per_hour or None,
        "redirects": "follow" if number.rights.follow_redirects else "ignore",
        "aliases": list(number.aliases),
        "lines": [{"name": line.name, "max_phones": line.max_phones} for line in number.lines],
        "mode": str(number.mode),
        "ring_s": number.ring_s,
        "cli": number.cli,
        "mailbox": str(number.mailbox),
        "screening": [{"from": one.pattern.text, "action": f"{one.action} {one.name}".rstrip()}
                      for one in number.screens],
        "callers": [{"from": one.pattern.text, "sequence": one.sequence}
                    for one in number.callers],
        "on": {str(outcome): name for outcome, name in number.on},
        "schedule": [_window(window) for window in number.windows],
        "holidays": [{"day": one.day.isoformat(), "from": clock(one.start), "to": clock(one.end),
                      "name": one.name, "sequence": one.sequence} for one in number.holidays],
        "overrides": override.rows(number, now),
        "default": number.default,
        "sequences": {one.name: _sequence(one) for one in number.sequences},
    }


def permissions(number: Number) -> list[str]:
    """The permissions that a number's owner has."""
    return [name for name in PERMISSIONS if getattr(number.rights, name)]


def _forwards_to(number: Number) -> list[str]:
    """All that calls can be sent to beside own lines, short forms in full (SPEC P3)."""
    return list(dict.fromkeys(
        str(ring.target) for one in number.sequences for step in one.steps for ring in step
        if ring.target.kind is not Kind.LINE))


def _limits(number: Number) -> Iterator[str]:
    """What is denied, allowed and capped beyond what is built in; nothing where all calls stay."""
    rights = number.rights
    if not (rights.forward_external or rights.outgoing):
        return
    for allowed, word in ((False, "denied"), (True, "allowed")):
        rows = [f"{row.name} {row.prefix}".rstrip() for row in rights.classes
                if row.allowed is allowed]
        if rows:
            yield f"{word}: {', '.join(rows)}"
    caps = [f"{count} {what}" for count, what in (
        (rights.max_calls, "at once"), (rights.max_calls_per_hour, "an hour")) if count]
    if caps:
        yield f"at most {', '.join(caps)}"


def _number(digits: str, found: dict[str, bytes]) -> Number | None:
    number = read_number(found, digits)
    return number and read_state(found, digits).applied_to(number)


def _last_holiday(number: Number) -> str:
    return max((one.day.isoformat() for one in number.holidays), default="")


def _holidays(number: Number, now: datetime) -> str:
    last = _last_holiday(number)
    soon = last < (now + timedelta(days=RUNS_OUT_DAYS)).date().isoformat()
    return f"holidays     known until {last}" + "; apply the file again for more" * soon


def _window(window: Window) -> dict[str, Any]:
    dates = {"first": window.first, "last": window.last}
    return {"days": format_days(window.days), "from": clock(window.start),
            "to": clock(window.end), "sequence": window.sequence} | {
                key: day.isoformat() for key, day in dates.items() if day}


def _sequence(one: Sequence) -> dict[str, Any]:
    return {
        "mode": str(one.mode) if one.mode else None,
        "on": {str(outcome): name for outcome, name in one.on},
        "steps": [[{"to": str(ring.target), "ring_s": ring.ring_s, "delay_s": ring.delay_s,
                    "confirm": ring.confirm, "label": ring.label}
                   for ring in step] for step in one.steps],
    }
