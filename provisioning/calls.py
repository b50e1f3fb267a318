# SPDX-License-Identifier: GPL-2.0-or-later
"""Call records as they stand in the store: found, filtered, erased (SPEC C1)."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from kemi_routing import call_record
from kemi_routing.call_record import Entry
from kemi_routing.call_story import Chapter, Result, chapters
from kemi_routing.errors import InvalidValue
from kemi_routing.redis import keys
from provisioning.problems import Refused
from provisioning.storage import Storage
from provisioning.stored import names

_AT_ONCE = 500
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls; times are UTC epoch milliseconds, half-open."""

    numbers: frozenset[str]
    since_ms: int = 0
    until_ms: int | None = None
    results: frozenset[Result] = frozenset()
    """Empty: all."""
    caller: str = ""
    """Digits of the calling number, or ``anonymous``; empty: all."""

    def wants(self, chapter: Chapter) -> bool:
        """Whether a call is one of these; its time was looked at."""
        one = chapter.decided
        who = "" if one.anonymous else one.ani
        return (not self.numbers.isdisjoint(one.concerns)
                and (not self.results or chapter.result in self.results)
                and (not self.caller or self.caller in (who or "anonymous", one.ani)))


def numbers_of(owner: str, organisation: str, storage: Storage) -> frozenset[str]:
    """The numbers of an owner, of an organisation, or all where both are empty.

    Raises Refused for one that has none.
    """
    owners = sorted(one for one in set(storage.owners(organisation)) if owner in ("", one))
    found: set[str] = set()
    for first in range(0, len(owners), _AT_ONCE):
        for things in storage.belongings(owners[first:first + _AT_ONCE]).values():
            found |= names(things, "number")
    if not found and (owner or organisation):
        raise Refused(f"{owner or organisation} has no numbers")
    return frozenset(found)


def story(call_id: str, storage: Storage) -> list[Chapter]:
    """All that is known of a Call-ID; one look-up. Raises Refused where that is nothing."""
    call = call_record.name(call_id)
    found = next(_stories([call], storage))
    if not found:
        raise Refused(f"{call_id}: there is no record of such a call")
    return found


def find(wanted: Wanted, storage: Storage) -> Iterator[Chapter]:
    """These calls, the last one first."""
    names_ = _names(wanted, storage)
    for first in range(0, len(names_), _AT_ONCE):
        for found in _stories(names_[first:first + _AT_ONCE], storage):
            yield from filter(wanted.wants, reversed(found))


def forget(calls: Sequence[Chapter], storage: Storage) -> int:
    """Erase the records of these calls, wherever they stand, and the last callers that made them;
    how many they were.
    """
    made = {(number, one.decided.ani) for one in calls for number in one.decided.concerns}
    last = storage.read(keys.last_caller(number) for number, _ in made)
    if known := {keys.last_caller(number) for number, ani in made
                 if last.get(keys.last_caller(number)) == ani.encode()}:
        storage.client.delete(*known)
    left = iter({call_record.name(one.decided.call_id): one for one in calls}.items())
    count = 0
    while batch := list(islice(left, _AT_ONCE)):
        pipe = storage.client.pipeline(transaction=False)
        for call, one in batch:
            pipe.delete(keys.story(call))
            for number in one.decided.concerns:
                pipe.zrem(keys.stories(number), call)
        pipe.execute()
        count += len(batch)
    return count


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def _names(wanted: Wanted, storage: Storage) -> list[str]:
    """Names of the calls of these numbers within the times, the last one first."""
    found: dict[str, float] = {}
    numbers = sorted(wanted.numbers)
    until = "+inf" if wanted.until_ms is None else f"({wanted.until_ms}"
    for first in range(0, len(numbers), _AT_ONCE):
        pipe = storage.client.pipeline(transaction=False)
        for number in numbers[first:first + _AT_ONCE]:
            pipe.zrangebyscore(keys.stories(number), wanted.since_ms, until, withscores=True)
        for rows in pipe.execute():
            found |= {name.decode(): at_ms for name, at_ms in cast(list[tuple[bytes, float]], rows)}
    return sorted(found, key=lambda name: -found[name])


def _stories(calls: Sequence[str], storage: Storage) -> Iterator[list[Chapter]]:
    pipe = storage.client.pipeline(transaction=False)
    for call in calls:
        pipe.lrange(keys.story(call), 0, -1)
    for texts in pipe.execute():
        yield chapters(_entries(cast(list[bytes], texts)))


def _entries(texts: Iterable[bytes]) -> Iterator[Entry]:
    """What this version can read."""
    for text in texts:
        try:
            yield call_record.read(text.decode(errors="replace"))
        except InvalidValue:
            continue
