# SPDX-License-Identifier: GPL-2.0-or-later
"""From files to numbers and lines that the router can route (DESIGN law 3).

All mistakes of all files are found in one pass, and whose is what is compared across them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from kemi_routing.model import DEFAULT_MAX_PHONES, Line, Number, Platform
from kemi_routing.record import LineRecord
from provisioning import number, shape, source, values
from provisioning.problems import Problems
from provisioning.source import Spot


@dataclass(frozen=True, slots=True)
class Entry:
    """A number as it may be written to the store, where it gets its revision."""

    number: Number
    authored: str
    """What a person wrote, comments included."""
    spot: Spot
    aliases: dict[str, Spot]
    """Where each alias stands."""


@dataclass(frozen=True, slots=True)
class Account:
    """A line as it may be written to the store."""

    line: LineRecord
    spot: Spot


@dataclass(slots=True)
class Checked:
    """What the files say; complete only where ``problems`` holds no error."""

    problems: Problems = field(default_factory=Problems)
    owners: dict[str, Spot] = field(default_factory=dict)
    """``organisation/subscriber`` -> where."""
    numbers: list[Entry] = field(default_factory=list)
    lines: list[Account] = field(default_factory=list)
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
                   "it has one owner")


def check(paths: Iterable[Path], platform: Platform) -> Checked:
    """Everything in these files."""
    checked = Checked()
    for path in paths:
        _add_file(checked, source.read(path, checked.problems), platform)
    return _compared(checked)


def check_text(text: str, file: str, platform: Platform) -> Checked:
    """As ``check``, of a text; ``file`` is its name in messages."""
    checked = Checked()
    _add_file(checked, source.parse(text, file, checked.problems), platform)
    return _compared(checked)


def _add_file(checked: Checked, tree: source.Written | None, platform: Platform) -> None:
    written = shape.read(shape.Organisation, tree, checked.problems) if tree else None
    if tree is None or written is None:
        return
    spot = Spot(tree, checked.problems)
    spot.required("organisation", written.organisation, values.name, "acme")
    zone = spot.required("time_zone", written.time_zone, values.time_zone, "Europe/Prague")
    for key, subscriber in written.subscribers.items():
        where = spot / "subscribers" / key
        where.at_key().read(values.name, key)
        common = Number("", f"{written.organisation}/{key}", zone or ZoneInfo("UTC"))
        _add_subscriber(checked, where, subscriber, common, platform)


def _add_subscriber(checked: Checked, spot: Spot, written: shape.Subscriber, common: Number,
                    platform: Platform) -> None:
    owner = common.owner
    checked.claim("subscriber", owner, owner, spot.at_key())
    checked.owners[owner] = spot.at_key()
    granted = {(spot / "permissions" / index).read(values.permission, text)
               for index, text in enumerate(written.permissions)}
    common = replace(
        common, voicemail="voicemail" in granted, forward_external="forward_external" in granted,
        lines=tuple(_line(spot / "lines" / name, name, line)
                    for name, line in written.lines.items()))
    numbers = [_entry(spot / "numbers" / key, key, one, common, platform)
               for key, one in written.numbers.items()]
    checked.numbers += numbers
    main = numbers[0].number.number if numbers else ""
    for line in common.lines:
        secret = written.lines[line.name].password or ""
        ha1 = values.ha1(line.name, platform.domain, secret)
        record = LineRecord(line.name, owner, ha1, main, line.max_phones)
        checked.lines.append(Account(record, (spot / "lines" / line.name).at_key()))


def _line(spot: Spot, name: str, written: shape.Line) -> Line:
    spot.at_key().read(values.name, name)
    secret = spot.at_key().required("password", written.password, values.password, '"..."')
    if secret and len(secret) < values.SHORT_PASSWORD:
        (spot / "password").warning(
            f"the password is short; {values.SHORT_PASSWORD} characters or more are safer")
    return Line(name, spot.optional("max_phones", written.max_phones, values.max_phones,
                                    DEFAULT_MAX_PHONES))


def _entry(spot: Spot, key: str, written: shape.Number, common: Number, platform: Platform,
           ) -> Entry:
    aliases = number.read_aliases(spot / "aliases", written.aliases)
    read = number.read(spot, key, written, replace(common, aliases=tuple(aliases)), platform)
    return Entry(read, spot.written.text, spot.at_key(), aliases)


def _compared(checked: Checked) -> Checked:
    for entry in checked.numbers:
        if digits := entry.number.number:
            checked.claim("number", digits, entry.number.owner, entry.spot)
        for alias, spot in entry.aliases.items():
            checked.claim("alias", alias, entry.number.owner, spot)
    for account in checked.lines:
        checked.claim("line", account.line.name, account.line.owner, account.spot)
    _refuse_own_numbers_as_aliases(checked)
    checked.problems.errors = sorted(set(checked.problems.errors))
    checked.problems.warnings = sorted(set(checked.problems.warnings))
    return checked


def _refuse_own_numbers_as_aliases(checked: Checked) -> None:
    for entry in checked.numbers:
        for alias, spot in entry.aliases.items():
            if taken := checked.claims.get(("number", alias)):
                spot.error(f"{alias} is a personal number ({taken[1].line}); "
                           "an alias is an outside number that identifies the owner")
