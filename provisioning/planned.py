# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan: the changes that somebody looked at, what stops them, and the file that keeps them.

Only that is written which was looked at. Each change says what the store must hold for it to be
made; so a plan whose numbers have moved since is refused, and one that was written in part goes on
where it stopped.
"""

import json
from collections import ChainMap, Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from provisioning.output import counted
from provisioning.plan_file import SUFFIX, Changes, Reviewed, Spool, encode, refused
from provisioning.problems import Refused
from provisioning.storage import Change, Seen, Storage, seen
from provisioning.stored import names

_VERSION = 3
_FEW = 10
"""Of fewer numbers any share may change."""
_SHARE = 30
"""Per cent of the numbers of the organisations concerned."""
_NAMED = 5
_AT_ONCE = 500
_NEEDED = 200_000
"""A change looks at keys that an earlier one writes only where these are the last ones."""


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

    changes: Changes
    counts: Mapping[str, int]
    """How many of them are ``new``, ``changed``, ``removed`` and ``unchanged``."""
    warnings: tuple[str, ...] = ()
    brakes: tuple[Brake, ...] = ()

    @property
    def writes(self) -> Iterator[Change]:
        """The changes that have anything to do."""
        return (change for change in self.changes if change.writes)

    @property
    def count(self) -> int:
        """How many those are."""
        return sum(self.counts.values()) - self.counts.get("unchanged", 0)

    def release(self, released: dict[str, int | None]) -> None:
        """Let go what is meant: option -> count, or None. Raises Refused for all that is not."""
        held = [brake for brake in self.brakes if released.get(brake.option) != brake.count]
        if held:
            raise Refused("\n".join(map(str, held)))

    def summary(self) -> str:
        """How many things are new, changed and removed; and how many are not."""
        told = [f"{count} {result}" for result in ("new", "changed", "removed", "unchanged")
                if (count := self.counts.get(result))]
        return ", ".join(told) if self.count else "nothing to do"


def few(changes: Sequence[Change], warnings: Iterable[str] = ()) -> Plan:
    """The plan of changes that nothing stops."""
    return Plan(changes, Counter(change.result for change in changes), tuple(warnings))


@dataclass(slots=True)
class Tally:
    """What is counted of changes, and what stops them."""

    counts: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    """Numbers that are changed or removed, and in which organisations."""
    organisations: set[str] = field(default_factory=set)
    silent: list[str] = field(default_factory=list)
    """The first numbers that nothing answers any more, and how many."""
    silenced: int = 0

    def add(self, change: Change) -> None:
        """Count one more."""
        self.counts[change.result] += 1
        if change.kind == "number" and change.before and change.writes and not change.same_calls:
            self.moved += 1
            self.organisations.add(change.owner.partition("/")[0])
        if change.goes_silent:
            self.silenced += 1
            self.silent += [change.name][:_NAMED - len(self.silent)]

    def __iadd__(self, other: "Tally") -> "Tally":
        self.counts += other.counts
        self.moved += other.moved
        self.organisations |= other.organisations
        self.silent += other.silent[:_NAMED - len(self.silent)]
        self.silenced += other.silenced
        return self

    def brakes(self, storage: Storage) -> Iterator[Brake]:
        """Those that hold what was counted."""
        if self.moved * 100 > _FEW * _SHARE:
            total = _numbers_of(self.organisations, storage, self.moved * 100 // _SHARE + 1)
            if total >= _FEW and self.moved * 100 > total * _SHARE:
                yield Brake("changed", self.moved, f"{self.moved} of {total} numbers of "
                            f"{_listed(sorted(self.organisations))} are changed or removed")
        if self.silenced:
            yield Brake("unanswered", self.silenced,
                        f"{counted(self.silenced, 'number')} would be left without anything that "
                        f"answers: {_listed(self.silent, self.silenced)}")


def _numbers_of(organisations: set[str], storage: Storage, enough: int) -> int:
    """How many numbers they have; not all are counted where there are ``enough``."""
    found: set[str] = set()
    owners = chain.from_iterable(map(storage.owners, sorted(organisations)))
    while len(found) < enough and (some := list(islice(owners, _AT_ONCE))):
        found = found.union(*(names(things, "number")
                              for things in storage.belongings(some).values()))
    return len(found)


def _listed(each: Sequence[str], count: int = 0) -> str:
    first, rest = each[:_NAMED], max(count, len(each)) - _NAMED
    return ", ".join(first) + (f" and {rest} more" if rest > 0 else "")


def still_to_do(plan: Plan, storage: Storage) -> Plan:
    """The plan without what was written already; raises Refused with the names of what has moved
    since it was made.
    """
    left, moved = compared(plan, storage)
    if moved:
        raise Refused(f"{moved}; nothing was written, make the plan anew")
    return left


def compared(plan: Plan, storage: Storage) -> tuple[Plan, str]:
    """The plan without what was written already; and, where anything has moved since it was made,
    a sentence that names it.
    """
    spool, tally, moved, many = Spool(), Tally(), list[str](), 0
    made: dict[str, Seen] = {}  # by one before, and a later one may need it
    changes = iter(plan.changes)
    while some := list(islice(changes, _AT_ONCE)):
        held = storage.digests({key for change in some if change.writes for key in change.touched})
        for change in some:
            left = replace(change, result="unchanged") if (
                change.writes and change.is_made(held)) else change
            if left.writes and not left.may_be_made(ChainMap(made, held)):
                many += 1
                moved += [left.named][:_NAMED - len(moved)]
            elif left.writes:
                made |= {key: seen(value) for key, value in left.sets.items()}
            spool.add(left)
            tally.add(left)
        for key in list(islice(made, max(0, len(made) - _NEEDED))):
            del made[key]
    return (replace(plan, changes=spool, counts=tally.counts),
            f"changed since the plan was made: {_listed(moved, many)}" if many else "")


def save(path: Path, plan: Plan, now: datetime) -> None:
    """Write the plan to a file that only its owner reads: it holds digests of passwords.

    Raises Refused.
    """
    if path.suffix != SUFFIX:
        raise Refused(f"{path}: the name of a plan ends with {SUFFIX}")
    head = {"followme plan": _VERSION, "made": now.isoformat(timespec="seconds"),
            "counts": plan.counts, "warnings": plan.warnings,
            "brakes": [asdict(brake) for brake in plan.brakes]}
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
        with path.open("wb") as file:
            file.write(json.dumps(head, ensure_ascii=False).encode() + b"\n")
            file.writelines(map(encode, plan.changes))
    except OSError as error:
        raise Refused(f"{path}: the plan cannot be written: {error.strerror}") from None


def load(path: Path) -> Plan:
    """The plan in a file; raises Refused where it is none."""
    try:
        with path.open("rb") as file:
            data = json.loads(file.readline())
            start = file.tell()
        if data["followme plan"] != _VERSION:
            raise Refused(f"{path} is a plan of another version; make it anew")
        counts = {str(result): int(count) for result, count in data["counts"].items()}
        return Plan(Reviewed(path, start, sum(counts.values())), counts, tuple(data["warnings"]),
                    tuple(Brake(**brake) for brake in data["brakes"]))
    except OSError as error:
        raise Refused(f"{path}: the plan cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise refused(path) from None
