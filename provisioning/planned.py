# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan: the changes that somebody looked at, what stops them, and the file that keeps them.

Only that is written which was looked at. Each change says what the store must hold for it to be
made; so a plan whose numbers have moved since is refused, and one that was written in part goes on
where it stopped.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from provisioning.output import counted
from provisioning.problems import Refused
from provisioning.storage import Change, Seen, Storage, seen
from provisioning.stored import names

SUFFIX = ".plan"
_VERSION = 1
_FEW = 10
"""Of fewer numbers any share may change."""
_SHARE = 30
"""Per cent of the numbers of the organisations concerned."""
_OWNERS_AT_ONCE = 500
_OF_BYTES = ("sets", "remembers")


@dataclass(frozen=True, slots=True)
class Brake:
    """What is probably not meant: it is done only where the option has this very count."""

    option: str
    count: int
    text: str

    def __str__(self) -> str:
        return f"{self.text}; if that is meant:  --{self.option} {self.count}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, unchanged things included, and what stops them."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    brakes: tuple[Brake, ...] = ()

    @property
    def writes(self) -> list[Change]:
        """The changes that have anything to do."""
        return [change for change in self.changes if change.writes]

    def release(self, released: dict[str, int | None]) -> None:
        """Let go what is meant: option -> count, or None. Raises Refused for all that is not."""
        held = [brake for brake in self.brakes if released.get(brake.option) != brake.count]
        if held:
            raise Refused("\n".join(map(str, held)))

    def summary(self) -> str:
        """How many things are new, changed and removed; and how many are not."""
        results = [change.result for change in self.changes]
        told = [f"{results.count(result)} {result}"
                for result in ("new", "changed", "removed", "unchanged") if result in results]
        return ", ".join(told) if self.writes else "nothing to do"


def of(changes: Iterable[Change], warnings: Iterable[str], storage: Storage) -> Plan:
    """The plan of these changes."""
    found = tuple(changes)
    return Plan(found, tuple(warnings), tuple(_brakes(found, storage)))


def _brakes(changes: Sequence[Change], storage: Storage) -> Iterable[Brake]:
    moved = [change for change in changes if change.kind == "number" and change.before
             and change.writes and not change.same_calls]
    if len(moved) * 100 > _FEW * _SHARE:
        organisations = {change.owner.partition("/")[0] for change in moved}
        total = _numbers_of(organisations, storage, len(moved) * 100 // _SHARE + 1)
        if total >= _FEW and len(moved) * 100 > total * _SHARE:
            yield Brake("changed", len(moved), f"{len(moved)} of {total} numbers of "
                        f"{', '.join(sorted(organisations))} are changed or removed")
    silent = [change.name for change in changes if change.goes_silent]
    if silent:
        yield Brake("unanswered", len(silent), f"{counted(len(silent), 'number')} would be left "
                    f"without anything that answers: {_listed(silent)}")


def _numbers_of(organisations: set[str], storage: Storage, enough: int) -> int:
    """How many numbers they have; not all are counted where there are ``enough``."""
    found: set[str] = set()
    owners = chain.from_iterable(map(storage.owners, sorted(organisations)))
    while len(found) < enough and (some := list(islice(owners, _OWNERS_AT_ONCE))):
        found = found.union(*(names(things, "number")
                              for things in storage.belongings(some).values()))
    return len(found)


def _listed(each: Sequence[str]) -> str:
    first, rest = each[:5], len(each) - 5
    return ", ".join(first) + (f" and {rest} more" if rest > 0 else "")


def still_to_do(plan: Plan, storage: Storage) -> Plan:
    """The plan without what was written already; raises Refused with the names of what has moved
    since it was made.
    """
    held = storage.digests({key for change in plan.writes for key in change.touched})
    left = [replace(change, result="unchanged") if change.writes and change.is_made(held)
            else change for change in plan.changes]
    moved: list[str] = []
    for change in left:
        if change.writes and not change.may_be_made(held):
            moved.append(change.named)
        elif change.writes:  # a later one may need it
            held |= {key: seen(value) for key, value in change.sets.items()}
    if moved:
        raise Refused(f"changed since the plan was made: {_listed(moved)}; nothing was written, "
                      "make the plan anew")
    return replace(plan, changes=tuple(left))


def save(path: Path, plan: Plan, now: datetime) -> None:
    """Write the plan to a file that only its owner reads: it holds digests of passwords.

    Raises Refused.
    """
    if path.suffix != SUFFIX:
        raise Refused(f"{path}: the name of a plan ends with {SUFFIX}")
    data = {"followme plan": _VERSION, "made": now.isoformat(timespec="seconds"),
            "changes": [_as_json(change) for change in plan.changes],
            "warnings": plan.warnings, "brakes": [asdict(brake) for brake in plan.brakes]}
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise Refused(f"{path}: the plan cannot be written: {error.strerror}") from None


def load(path: Path) -> Plan:
    """The plan in a file; raises Refused where it is none."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["followme plan"] != _VERSION:
            raise Refused(f"{path} is a plan of another version; make it anew")
        return Plan(tuple(map(_from_json, data["changes"])), tuple(data["warnings"]),
                    tuple(Brake(**brake) for brake in data["brakes"]))
    except OSError as error:
        raise Refused(f"{path}: the plan cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Refused(f"{path} is not a plan; make one:  followme plan FILES -o {path}") from None


def _as_json(change: Change) -> dict[str, Any]:
    return {field.name: getattr(change, field.name) for field in fields(change)} | {
        "expects": {key: sorted(seen, key=str) for key, seen in change.expects.items()},
        **{name: {key: base64.b64encode(value).decode() for key, value
                  in getattr(change, name).items()} for name in _OF_BYTES}}


def _from_json(data: dict[str, Any]) -> Change:
    lists = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
    expects: dict[str, frozenset[Seen]] = {
        key: frozenset(seen) for key, seen in data["expects"].items()}
    try:
        records = {name: {key: base64.b64decode(value, validate=True)
                          for key, value in data[name].items()} for name in _OF_BYTES}
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    return Change(**data | lists | records | {"expects": expects})
