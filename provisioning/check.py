# SPDX-License-Identifier: GPL-2.0-or-later
"""From files to numbers and lines that the router can route (DESIGN law 3).

All mistakes of all files are found in one pass, and whose is what is compared across them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from kemi_routing import e164
from kemi_routing.dialplan import NO_PLAN
from kemi_routing.errors import InvalidValue
from kemi_routing.model import CLI_OF_CALLER, DEFAULT_MAX_PHONES, Line, Number, Platform
from kemi_routing.record import LineRecord
from provisioning import (
    codes,
    fitting,
    grants,
    joined,
    network,
    number,
    operator_file,
    organisation,
    rights,
    rows,
    rows_alike,
    shape,
    source,
    trunking,
    values,
)
from provisioning.checked import Account, Checked, Entry, Home
from provisioning.columns import Headers
from provisioning.kept import Kept, of_subscriber
from provisioning.line_by_line import File
from provisioning.organisation import Organisation, Ours, warn_of_number
from provisioning.problems import Problems
from provisioning.rows_alike import Form
from provisioning.sequences import Places
from provisioning.written import Spot, Written


def check(paths: Iterable[Path], platform: Platform, now: datetime,
          headers: Headers = Headers()) -> Checked:
    """Everything in these files, as if there were nothing in the store; calendars are expanded
    from the year of ``now`` on, and ``headers`` says what tables call our keys.
    """
    return network.connect(read(paths, platform, now, headers), {}, now)


def check_text(text: str, file: str, platform: Platform, now: datetime) -> Checked:
    """As ``check``, of a text; ``file`` is its name in messages."""
    checked = Checked(platform)
    tree = source.parse(text, file, checked.problems)
    _add(_Trees([tree] if tree else []), checked, now, Kept())
    return network.connect(checked, {}, now)


def read(paths: Iterable[File], platform: Platform, now: datetime, headers: Headers = Headers(),
         kept: Kept | None = None) -> Checked:
    """As ``check``, with what is ``kept`` of organisations, then without notes; what names other
    numbers is still to be connected with the store. Raises Refused where that cannot be read.
    """
    checked = Checked(platform, Problems(without_notes=kept is not None))
    of_yaml, of_rows = rows.split(paths)
    files = filter(None, [source.read(path, checked.problems) for path in of_yaml])
    found = chain.from_iterable(rows.rows(path, headers, checked.problems) for path in of_rows)
    _add(_Trees(files, (tree for _, tree in found)), checked, now, kept or Kept())
    return checked


def read_alike(paths: Iterable[File], platform: Platform, now: datetime, headers: Headers,
               kept: Kept) -> Checked:
    """As ``read``, in less time, of rows whose subscribers stand in no other file. Raises Unlike
    where they are not as alike as they look; problems may stand at other places.
    """
    checked = Checked(platform, Problems(without_notes=True))
    of_yaml, of_rows = rows.split(paths)
    files = filter(None, [source.read(path, checked.problems) for path in of_yaml])
    forms = rows_alike.forms(chain.from_iterable(
        rows.read(path, headers, checked.problems) for path in of_rows), checked.problems)
    _add(_Trees(files, [tree for form in forms for tree in form.trees], forms), checked, now, kept)
    return checked


def read_tree(tree: Written, platform: Platform, now: datetime, kept: Kept) -> Checked:
    """As ``read``, of one file that is read already."""
    checked = Checked(platform)
    _add(_Trees([tree]), checked, now, kept)
    return checked


@dataclass(frozen=True, slots=True)
class _Trees:
    """What is read: files, and rows as files of their own."""

    files: Iterable[Written]
    rows: Iterable[Written] = ()
    forms: Sequence[Form] = ()
    """Of these rows, with more that are like them."""


def _add(trees: _Trees, checked: Checked, now: datetime, kept: Kept) -> None:
    fitted = {id(tree): (tree, written) for tree in trees.files
              if (written := fitting.read(shape.Organisation, tree, checked.problems))
              and not _is_operators(checked, Spot(tree, checked.problems), written)}
    checked.platform = trunking.platform_of(checked)
    wholes = joined.join((tree for tree, _ in fitted.values()), trees.rows, kept, checked.problems)
    homes: list[tuple[Spot, shape.Organisation]] = []
    for whole in wholes:
        _, known = fitted.get(id(whole.tree), (None, None))
        if written := known or fitting.read(shape.Organisation, whole.tree, checked.problems):
            spot = Spot(whole.tree, checked.problems)
            homes.append((spot, written))
            checked.homes[whole.name] = Home(whole.shared, kept.shared(whole.name),
                                             kept.seen(whole.name), whole.changed)
    extensions = Ours(frozenset(
        f"{written.organisation}/{key}" for _, written in homes
        for subscriber in written.subscribers.values() for key in subscriber.extensions))
    found = [(spot, written, organisation.read(spot, written, checked.platform, extensions, now))
             for spot, written in homes]
    keys = extensions.keys | {key for _, written, home in found for key in _numbers(written, home)}
    keys |= set(rows_alike.numbers(trees.forms, _by_name(found)))
    found = [(spot, written, replace(home, ours=Ours(keys))) for spot, written, home in found]
    for spot, written, home in found:
        _add_whole(checked, spot, written, home)
    if trees.forms:
        rows_alike.add(checked, trees.forms, _by_name(found))
    _compare(checked)
    for spot, written, home in found:
        codes.warn_of_sequences(spot / "feature_codes", written.feature_codes, {
            one.name for entry in checked.numbers if entry.number.organisation == home.name
            for one in entry.number.sequences})


def _by_name(found: Iterable[tuple[Spot, shape.Organisation, Organisation]],
             ) -> dict[str, Organisation]:
    return {home.name: home for _, _, home in found}


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
    operator_file.join(checked.operator, {
        key: value for key, value in spot.written.content.items() if key in has})
    return True


def _numbers(written: shape.Organisation, home: Organisation) -> Iterator[str]:
    for subscriber in written.subscribers.values():
        for key in subscriber.numbers:
            with suppress(InvalidValue):  # it is said where the number is read
                yield home.digits(key)


def _add_whole(checked: Checked, spot: Spot, written: shape.Organisation, home: Organisation,
               ) -> None:
    checked.wishes += [(home.name, wish) for group in home.groups.values()
                       for wish in group.wishes]
    for key, subscriber in written.subscribers.items():
        where = spot / "subscribers" / key
        where.at_key().read(values.name, key)
        _add_subscriber(checked, where, subscriber, f"{home.name}/{key}", home)


def _add_subscriber(checked: Checked, spot: Spot, written: shape.Subscriber, owner: str,
                    home: Organisation) -> None:
    checked.owners[owner] = spot.at_key()
    group = rights.of_subscriber(spot, written, home.groups, home.follow_redirects)
    checked.wishes += [(owner, wish) for wish in group.wishes]
    common = Number(
        "", owner, home.zone, rights=group.rights,
        dial_plan=home.plan if group.rights.outgoing else NO_PLAN,
        lines=tuple(_line(spot / "lines" / name, name, line)
                    for name, line in written.lines.items()))
    entries = [_entry(spot / "numbers" / key, one, (home.digits, key), common, home)
               for key, one in written.numbers.items()]
    main = next((entry.number.number for entry in entries if entry.number.number), "")
    # An extension is no number that the outside could call back: it shows the main number.
    entries += [_entry(spot / "extensions" / key, one, (home.extension, key),
                       replace(common, cli=main or CLI_OF_CALLER), home)
                for key, one in written.extensions.items()]
    checked.numbers += entries
    main = main or next((entry.number.number for entry in entries), "")
    for line in common.lines:
        one = written.lines[line.name]
        md5, sha256, *_ = (*one.ha1, "") if one.ha1 else values.ha1(
            line.name, home.platform.domain, one.password or "")
        record = LineRecord(line.name, owner, md5, main, line.max_phones, home.plan, home.codes,
                            sha256)
        checked.lines.append(Account(record, (spot / "lines" / line.name).at_key()))
    if not spot.problems.errors:
        checked.subscribers[owner] = of_subscriber(
            owner.partition("/")[2], spot.written, [entry.number.number for entry in entries])


def _line(spot: Spot, name: str, written: shape.Line) -> Line:
    spot.at_key().read(values.name, name)
    if written.ha1:
        (spot / "ha1").read(values.digests, written.ha1)
        if written.password is not None:
            (spot / "password").at_key().error("a line has a password or ha1, not both")
        secret = None
    else:
        secret = spot.at_key().required("password", written.password, values.password, '"..."')
    if secret and len(secret) < values.SHORT_PASSWORD:
        (spot / "password").warning(
            f"the password is short; {values.SHORT_PASSWORD} characters or more are safer")
    return Line(name, spot.optional("max_phones", written.max_phones, values.max_phones,
                                    DEFAULT_MAX_PHONES))


def _entry(spot: Spot, written: shape.Number, named: tuple[Callable[[str], str], str],
           common: Number, home: Organisation) -> Entry:
    read_key, key = named
    name = spot.at_key().read(read_key, key) or ""
    if e164.is_number(name):
        warn_of_number(spot.at_key(), name)
    aliases = number.read_aliases(spot / "aliases", written.aliases, home)
    places: Places = {}
    found = number.read(spot, written, replace(common, number=name, aliases=tuple(aliases)), home,
                        places)
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
