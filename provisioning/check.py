# SPDX-License-Identifier: GPL-2.0-or-later
"""From files to numbers and lines that the router can route (DESIGN law 3).

All mistakes of all files are found in one pass, and whose is what is compared across them.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from kemi_routing import e164
from kemi_routing.errors import InvalidValue
from kemi_routing.model import CLI_OF_CALLER, DEFAULT_MAX_PHONES, Line, Number, Platform
from kemi_routing.record import LineRecord
from provisioning import (
    codes,
    fitting,
    grants,
    network,
    number,
    organisation,
    rights,
    rows,
    shape,
    source,
    trunking,
    values,
)
from provisioning.checked import Account, Checked, Entry
from provisioning.columns import Headers
from provisioning.organisation import Organisation, Ours, warn_of_number
from provisioning.sequences import Places
from provisioning.source import Spot, Written

File = tuple[Spot, shape.Organisation]

_WHOLE = frozenset({"dial_plan", "redirects", "feature_codes"})
_BY_NAME = {"calendars": "calendar", "schedules": "schedule", "classes": "class",
            "groups": "group"}


def check(paths: Iterable[Path], platform: Platform, now: datetime,
          headers: Headers = Headers()) -> Checked:
    """Everything in these files, as if there were nothing in the store; calendars are expanded
    from the year of ``now`` on, and ``headers`` says what tables call our keys.
    """
    return network.connect(read(paths, platform, now, headers), {}, now)


def check_text(text: str, file: str, platform: Platform, now: datetime) -> Checked:
    """As ``check``, of a text; ``file`` is its name in messages."""
    checked = Checked(platform)
    _add([source.parse(text, file, checked.problems)], checked, now)
    return network.connect(checked, {}, now)


def read(paths: Iterable[Path], platform: Platform, now: datetime,
         headers: Headers = Headers()) -> Checked:
    """As ``check``, but what names other numbers is still to be connected with the store."""
    checked = Checked(platform)
    _add(rows.trees(paths, headers, checked.problems), checked, now)
    return checked


def _add(trees: Iterable[Written | None], checked: Checked, now: datetime) -> None:
    files: list[File] = []
    for tree in filter(None, trees):
        if written := fitting.read(shape.Organisation, tree, checked.problems):
            files.append((Spot(tree, checked.problems), written))
    files = [(spot, written) for spot, written in files
             if not _is_operators(checked, spot, written)]
    checked.platform = trunking.platform_of(checked)
    _refuse_differences(files)
    extensions = Ours(frozenset(
        f"{written.organisation}/{key}" for _, written in files
        for subscriber in written.subscribers.values() for key in subscriber.extensions))
    found = [(spot, written, organisation.read(spot, written, checked.platform, extensions, now))
             for spot, written in files]
    keys = extensions.keys | {key for _, written, home in found for key in _numbers(written, home)}
    for spot, written, home in found:
        _add_file(checked, spot, written, replace(home, ours=Ours(keys)))
    _compare(checked)
    for spot, written, home in found:
        codes.warn_of_sequences(spot / "feature_codes", written.feature_codes, {
            one.name for entry in checked.numbers if entry.number.organisation == home.name
            for one in entry.number.sequences})


def _is_operators(checked: Checked, spot: Spot, written: shape.Organisation) -> bool:
    """Whether this is a file of the operator's; what it says is added then."""
    has = [key for key in shape.OPERATORS if getattr(written, key) is not None]
    if not has:
        return False
    if written.model_fields_set - set(shape.OPERATORS):
        (spot / has[0]).at_key().error(
            f"{has[0]} {'stand' if has[0].endswith('s') else 'stands'} in a file of the "
            f"operator's own, with nothing beside but {', '.join(shape.OPERATORS)}; move "
            f"{'them' if has[0].endswith('s') else 'it'} there")
        return False
    checked.grants |= grants.read(spot / "grants", written.grants or {})
    trunking.read(spot, written, checked)
    return True


def _refuse_differences(files: Iterable[File]) -> None:
    """Files of one organisation may share out what it has in common, but agree where they meet."""
    seen: dict[tuple[str | None, ...], tuple[object, Spot]] = {}
    for spot, written in files:
        for (*path, what), one in _in_common(written):
            where = spot
            for key in path:
                where /= key
            first, before = seen.setdefault((written.organisation, *path), (one, where.at_key()))
            if one != first:
                where.at_key().error(f"{what} of {written.organisation} is not the same in "
                                     f"{before.line}; write it alike, or once")


def _in_common(written: shape.Organisation) -> Iterator[tuple[tuple[str, ...], object]]:
    """What a file says of its whole organisation: the keys, its name for people, the value."""
    if not written.organisation:
        return
    for key in sorted(written.model_fields_set & _WHOLE):
        yield (key, key), getattr(written, key)
    for key, word in _BY_NAME.items():
        for name, one in getattr(written, key).items():
            yield (key, name, f"{word} {name}"), one


def _numbers(written: shape.Organisation, home: Organisation) -> Iterator[str]:
    for subscriber in written.subscribers.values():
        for key in subscriber.numbers:
            with suppress(InvalidValue):  # it is said where the number is read
                yield home.digits(key)


def _add_file(checked: Checked, spot: Spot, written: shape.Organisation, home: Organisation,
              ) -> None:
    checked.wishes += [(home.name, wish) for group in home.groups.values()
                       for wish in group.wishes]
    for key, subscriber in written.subscribers.items():
        where = spot / "subscribers" / key
        where.at_key().read(values.name, key)
        common = Number("", f"{home.name}/{key}", home.zone)
        _add_subscriber(checked, where, subscriber, common, home)


def _add_subscriber(checked: Checked, spot: Spot, written: shape.Subscriber, common: Number,
                    home: Organisation) -> None:
    owner = common.owner
    checked.claim("subscriber", owner, owner, spot.at_key())
    checked.owners[owner] = spot.at_key()
    group = rights.of_subscriber(spot, written, home.groups, home.follow_redirects)
    checked.wishes += [(home.name, wish) for wish in group.wishes]
    common = replace(
        common, rights=group.rights,
        dial_plan=home.plan if group.rights.outgoing else common.dial_plan,
        lines=tuple(_line(spot / "lines" / name, name, line)
                    for name, line in written.lines.items()))
    entries = [_entry(spot / "numbers" / key, one, _named(common, spot / "numbers" / key,
                                                          home.digits, key), home)
               for key, one in written.numbers.items()]
    main = next((entry.number.number for entry in entries if entry.number.number), "")
    # An extension is no number that the outside could call back: it shows the main number.
    inner = replace(common, cli=main or CLI_OF_CALLER)
    entries += [_entry(spot / "extensions" / key, one, _named(inner, spot / "extensions" / key,
                                                              home.extension, key), home)
                for key, one in written.extensions.items()]
    checked.numbers += entries
    main = main or next((entry.number.number for entry in entries), "")
    for line in common.lines:
        secret = written.lines[line.name].password or ""
        md5, sha256 = values.ha1(line.name, home.platform.domain, secret)
        record = LineRecord(line.name, owner, md5, main, line.max_phones, home.plan, home.codes,
                            sha256)
        checked.lines.append(Account(record, (spot / "lines" / line.name).at_key()))


def _line(spot: Spot, name: str, written: shape.Line) -> Line:
    spot.at_key().read(values.name, name)
    secret = spot.at_key().required("password", written.password, values.password, '"..."')
    if secret and len(secret) < values.SHORT_PASSWORD:
        (spot / "password").warning(
            f"the password is short; {values.SHORT_PASSWORD} characters or more are safer")
    return Line(name, spot.optional("max_phones", written.max_phones, values.max_phones,
                                    DEFAULT_MAX_PHONES))


def _named(common: Number, spot: Spot, read_key: Callable[[str], str], key: str) -> Number:
    name = spot.at_key().read(read_key, key) or ""
    if e164.is_number(name):
        warn_of_number(spot.at_key(), name)
    return replace(common, number=name)


def _entry(spot: Spot, written: shape.Number, common: Number, home: Organisation) -> Entry:
    aliases = number.read_aliases(spot / "aliases", written.aliases, home)
    places: Places = {}
    found = number.read(spot, written, replace(common, aliases=tuple(aliases)), home, places)
    return Entry(found, spot.written.text, spot.at_key(), aliases, places)


def _compare(checked: Checked) -> None:
    for entry in checked.numbers:
        if key := entry.number.number:
            checked.claim("extension" if "/" in key else "number", key, entry.number.owner,
                          entry.spot)
        for alias, spot in entry.aliases.items():
            checked.claim("alias", alias, entry.number.owner, spot)
    for account in checked.lines:
        checked.claim("line", account.line.name, account.line.owner, account.spot)
    _refuse_own_numbers_as_aliases(checked)


def _refuse_own_numbers_as_aliases(checked: Checked) -> None:
    for entry in checked.numbers:
        for alias, spot in entry.aliases.items():
            if taken := checked.claims.get(("number", alias)):
                spot.error(f"{alias} is a personal number ({taken[1].line}); "
                           "an alias is an outside number that identifies the owner; leave it out")
