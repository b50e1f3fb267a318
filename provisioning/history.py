# SPDX-License-Identifier: GPL-2.0-or-later
"""The versions of a number, and of what the subscribers of an organisation share."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from kemi_routing import e164
from kemi_routing.errors import InvalidValue
from kemi_routing.redis import keys
from kemi_routing.targets import is_name
from provisioning import difference, moments, values
from provisioning.kept import decode_shared
from provisioning.problems import Problems, Refused
from provisioning.revisions import Version, decode_text
from provisioning.source import parse
from provisioning.storage import Storage

_FORMS = 'write @3 for a revision, @yesterday, @2026-11-23T09:30, or "@mon 09:30"'
_REVISION = re.compile(r"[0-9]{1,6}", re.ASCII)
_UTC = ZoneInfo("UTC")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class At:
    """A number or an organisation, or all numbers where that is empty; a revision or a time."""

    number: str
    when: str

    @property
    def organisation(self) -> str:
        """The organisation, empty where it is a number."""
        return self.number if is_name(self.number) and not self.number.isdecimal() else ""

    @property
    def key(self) -> str:
        """The key of the number; raises Refused where none is written."""
        if not self.number:
            raise Refused(f"@{self.when} of which number? write  42027777100@{self.when}")
        return values.number_key(self.number)


def is_time(text: str) -> bool:
    """Whether somebody means a time, and forgot the ``@``."""
    return not e164.is_number(text) and moments.is_one(text)


def split(text: str) -> At:
    """``NUMBER@WHEN``, ``NUMBER`` or ``@WHEN``."""
    number, _, when = text.partition("@")
    return At(number, when)


def versions(key: str, storage: Storage) -> list[Version]:
    """All of a number, the present one last, unless it was removed. Raises Refused where there
    never was one.
    """
    record_key, text_key = keys.number(key), keys.authored(key)
    found = storage.read([record_key, text_key])
    past = storage.versions(key)
    if data := found.get(record_key):
        present = Version(0, decode_text(found.get(text_key)), data)
        number = present.number
        past.append(Version(number.revision if number else 0, present.source, data))
    if not past:
        raise Refused(f"{key}: nobody owns this number, and nobody did")
    return past


def of(at: At, storage: Storage) -> list[Version]:
    """All versions of a number or an organisation, as ``versions``."""
    if not at.organisation:
        return versions(at.key, storage)
    found = storage.versions(f"organisation {at.organisation}")
    if not found:
        raise Refused(f"{at.organisation} is no number, and no organisation of which settings are "
                      "kept; write a number:  42027777100")
    return found


def find(found: Sequence[Version], when: str, now: datetime) -> Version | None:
    """The version of that revision, or that was in force at that time; None where there was no
    such number yet. Raises Refused for a revision that is not kept.
    """
    if _REVISION.fullmatch(when):
        for one in found:
            if one.revision == int(when):
                return one
        known = ", ".join(str(one.revision) for one in found)
        raise Refused(f"there is no revision {when}; known are: {known}")
    second = _instant(when, _zone(found), now).timestamp()
    return next((one for one in reversed(found) if one.source.written <= second), None)


def before_last(found: Sequence[Version]) -> Version | None:
    """The version before the last change; None where there is none."""
    return found[-2] if len(found) > 1 else None


def _instant(when: str, zone: ZoneInfo, now: datetime) -> datetime:
    try:
        return moments.moment(when, zone, now)
    except moments.NoTime:
        raise Refused(f"{when!r} is no revision and no time; {_FORMS}") from None


def _zone(found: Sequence[Version]) -> ZoneInfo:
    """That of the number, or of the organisation: all versions are told on one clock."""
    return next(filter(None, map(_zone_of, reversed(found))), _UTC)


def _zone_of(version: Version) -> ZoneInfo | None:
    if version.number:
        return version.number.zone
    try:
        tree = parse(decode_shared(version.data, "").text, "", Problems())
        return values.time_zone(tree.content["time_zone"].content) if tree else None
    except (Refused, InvalidValue, KeyError, TypeError):
        return None


def _written(version: Version, zone: ZoneInfo) -> str:
    at = version.source.written
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}" if at else ""


def between(at: At, old: Version | None, new: Version, now: datetime) -> list[str]:
    """What is different in telephone words."""
    if at.organisation:
        from provisioning import joined

        try:
            shared = decode_shared(old.data, at.organisation) if old else None
            return joined.told(shared, decode_shared(new.data, at.organisation)) or [
                difference.TEXT_ONLY]
        except Refused:
            return ["its settings, or those before, cannot be read"]
    before, after = old.number if old else None, new.number
    if after is None:
        return ["removed"] if not new.data else ["its record cannot be read"]
    if before is None:
        return difference.of_new(after)
    return difference.of_number(before, after, now) or [difference.TEXT_ONLY]


def changed_since(when: str, storage: Storage, now: datetime) -> list[str]:
    """The keys of the numbers that were written since then, in order; raises Refused for a
    revision, which one number has.
    """
    if _REVISION.fullmatch(when):
        raise Refused(f"@{when} is a revision of one number; write  42027777100@{when}, or a time "
                      "for all numbers: @yesterday")
    since = _instant(when, _UTC, now) - _DAY  # clocks of numbers may be ahead of it
    entries = cast(list[tuple[bytes, dict[bytes, bytes]]],
                   storage.client.xrange(keys.changes(), min=str(int(since.timestamp() * 1000))))
    return sorted({entry[b"number"].decode() for _, entry in entries})


@dataclass(frozen=True, slots=True)
class Row:
    """What a version changed."""

    revision: int
    written: str
    """When, on the clock of the number or the organisation; empty where that is not known."""
    by: str
    what: list[str]


def rows(at: At, found: Sequence[Version], now: datetime) -> Iterator[Row]:
    """The newest first."""
    zone = _zone(found)
    for old, new in reversed([*zip([None, *found[:-1]], found, strict=True)]):
        yield Row(new.revision, _written(new, zone), new.source.by, between(at, old, new, now))
