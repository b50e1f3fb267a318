# SPDX-License-Identifier: GPL-2.0-or-later
"""Subscribers whose rows say the same but for names: whose they are, numbers, aliases, lines,
passwords, and targets.

The first one of a form is read as any row is; of the others only the names are looked at, by the
same functions, and then the number as a whole. Of a million rows few are unlike all others.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain

from kemi_routing import dialplan
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Line, Number, Ring
from kemi_routing.model import Sequence as Steps
from provisioning import columns, kept, number, values
from provisioning.checked import Account, Checked, Entry
from provisioning.kept import Subscriber
from provisioning.organisation import Organisation, warn_of_number
from provisioning.problems import Problem, Problems
from provisioning.rows import Row
from provisioning.sequences import Reader
from provisioning.written import Spot, Written
from provisioning.yaml_text import scalar

_NAMES = ("subscriber", "number", "line", "password")
_NAMES_OF_MORE = ("number",)
"""In the further rows of a subscriber, which have no line."""
_ALIASES = "aliases"
_DIGITS = re.compile("[0-9]+")
_NEEDED = frozenset({"subscriber", "number"})


class Unlike(Exception):
    """What looks like the first one of its form is not: all are to be read in full."""


@dataclass(frozen=True, slots=True)
class _Alike:
    """A row, and what it rings, in order."""

    row: Mapping[str, Written]
    targets: tuple[Written, ...]

    def names(self, wanted: Iterable[str]) -> list[str]:
        """All names in it as YAML has them, of these columns and then the others; the aliases are
        one.
        """
        row = self.row
        found = [scalar(row[key].content) for key in wanted if key in row]
        if _ALIASES in row:
            found.append(", ".join([scalar(one.content) for one in row[_ALIASES].content]))
        return found + [scalar(one.content) for one in self.targets]


@dataclass(slots=True)
class Form:
    """The first subscriber whose rows say this, and those like him."""

    first: list[Row]
    trees: list[Written]
    """The same, each as a file of its own."""
    others: list[list[_Alike]] = field(default_factory=list)


def forms(rows: Iterable[Row], problems: Problems) -> list[Form]:
    """The forms of these rows, in order; where more than texts stands, a form has no others."""
    owners: dict[str, list[Row]] = {}
    for start, row in rows:
        whose = str(row["subscriber"].plain()) if "subscriber" in row else ""
        owners.setdefault(whose, []).append((start, row))
    found: list[Form] = []
    known: dict[Hashable, Form] = {}
    for first in owners.values():
        said, alike = _said(first)
        if said in known:
            known[said].others.append(alike)
            continue
        trees = (columns.tree(row, start, problems) for start, row in first)
        found.append(Form(first, list(filter(None, trees))))
        if said is not None:
            known[said] = found[-1]
    return found


def _said(rows: Sequence[Row]) -> tuple[Hashable, list[_Alike]]:
    """What the rows of a subscriber say but for names; None where that is not all texts."""
    said: list[Hashable] = []
    alike: list[_Alike] = []
    for _, row in rows:
        if not _has_texts(row) or (alike and "line" in row):
            return None, []
        texts, of_targets = _layout(keys := tuple(row))
        each = [columns.targets(row[key]) for key in of_targets]
        said += (keys, *(str(row[key].plain()) for key in texts), *map(len, each))
        alike.append(_Alike(row, tuple(one for many in each for one in many)))
    return tuple(said), alike


def _has_texts(row: Mapping[str, Written]) -> bool:
    for key, value in row.items():
        content = value.content
        if not isinstance(content, str) and not (
                key in columns.LISTS and isinstance(content, list)
                and all(isinstance(one.content, str) for one in content)):
            return False
    return row.keys() >= _NEEDED and not dialplan.is_extension(row["number"].content)


@lru_cache(maxsize=1024)
def _layout(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns with other texts than names, and those of targets in the order of steps."""
    targets = sorted(filter(columns.is_target, keys), key=columns.order)
    return tuple(key for key in keys if key not in {*_NAMES, _ALIASES, *targets}), tuple(targets)


def numbers(found: Iterable[Form], homes: Mapping[str, Organisation]) -> Iterator[str]:
    """The digits of the numbers of all but the first rows; raises Unlike."""
    for form in found:
        for one in chain.from_iterable(form.others):
            try:
                yield _home(form, homes).digits(one.row["number"].content)
            except InvalidValue:
                raise Unlike from None


def add(checked: Checked, found: Iterable[Form], homes: Mapping[str, Organisation]) -> None:
    """Add all but the first rows, which are there already; raises Unlike."""
    problems = checked.problems
    if problems.errors:
        raise Unlike
    warned: dict[tuple[str, int], list[Problem]] = {}
    for one in problems.warnings:
        warned.setdefault((one.place.file, one.place.line), []).append(one)
    entries = {entry.spot.place: entry for entry in checked.numbers}
    accounts = {account.line.owner: account for account in checked.lines}
    for form in found:
        if form.others:
            first = [entries[row["number"].value] for _, row in form.first]
            like = _Like(form, first, accounts.get(first[0].number.owner), _home(form, homes))
            places = [start.value for start, _ in form.first]
            told = _told(chain.from_iterable(
                warned.get((place.file, place.line), ()) for place in places))
            for other in form.others:
                before = len(problems.warnings)
                like.add(other, checked)
                if _told(problems.warnings[before:]) != told:
                    raise Unlike
    order = {owner: spot.place for owner, spot in checked.owners.items()}
    checked.numbers.sort(key=lambda entry: order[entry.number.owner])
    checked.lines.sort(key=lambda account: order[account.line.owner])


def _told(warnings: Iterable[Problem]) -> list[str]:
    """What is said, whatever the numbers are."""
    return sorted(_DIGITS.sub("0", one.text) for one in warnings)


def _home(form: Form, homes: Mapping[str, Organisation]) -> Organisation:
    written = form.trees[0].content.get("organisation") if form.trees else None
    home = homes.get(written.content) if written else None
    if home is None:
        raise Unlike
    return home


class _Like:
    """What the first subscriber of a form came to, for those like him."""

    def __init__(self, form: Form, entries: list[Entry], account: Account | None,
                 home: Organisation) -> None:
        self._numbers = [entry.number for entry in entries]
        self._line = account.line if account else None
        self._home = home
        said = str([value.plain() for _, row in form.first for value in row.values()])
        mark = "name"
        while mark in said:
            mark += "x"
        self._of_subscriber, *self._texts = (
            re.split(f"{mark}([0-9]+)_", text) for text in _marked(form, entries, mark))

    def add(self, rows: Sequence[_Alike], checked: Checked) -> None:
        """Add a subscriber; raises Unlike."""
        problems, first = checked.problems, rows[0].row
        names = [*rows[0].names(_NAMES), *(
            name for one in rows[1:] for name in one.names(_NAMES_OF_MORE))]
        try:
            owner = f"{self._home.name}/{values.name(first['subscriber'].content)}"
            keys = [self._home.digits(one.row["number"].content) for one in rows]
            account = self._account(first, owner, keys[0], problems)
            lines = (Line(account.line.name, account.line.max_phones),) if account else ()
            for index, (one, key) in enumerate(zip(rows, keys, strict=True)):
                common = replace(self._numbers[index], number=key, owner=owner, lines=lines)
                checked.numbers.append(self._entry(
                    one, common, _filled(self._texts[index], names), problems))
        except InvalidValue:
            raise Unlike from None
        checked.owners[owner] = Spot(first["subscriber"], problems, first["subscriber"].key)
        checked.subscribers[owner] = Subscriber(_filled(self._of_subscriber, names), tuple(keys))
        if account:
            checked.lines.append(account)

    def _entry(self, one: _Alike, common: Number, text: str, problems: Problems) -> Entry:
        """A number; ``common`` is right but for aliases and targets. Raises InvalidValue."""
        row, home = one.row, self._home
        spot = Spot(row["number"], problems, row["number"].key)
        warn_of_number(spot, common.number)
        aliases = number.read_aliases(Spot(row[_ALIASES], problems), [
            alias.content for alias in row[_ALIASES].content], home) if _ALIASES in row else {}
        reader = Reader(common.number, {line.name for line in common.lines}, common.rights, home,
                        (), {})
        found = replace(common, aliases=tuple(aliases), sequences=_with_targets(
            common.sequences, one.targets, reader, problems))
        number.look(spot, found, home.platform)
        return Entry(found, text, spot, aliases, reader.places)

    def _account(self, row: Mapping[str, Written], owner: str, key: str, problems: Problems,
                 ) -> Account | None:
        if self._line is None:
            return None
        name, secret = values.name(row["line"].content), values.password(row["password"].content)
        if len(secret) < values.SHORT_PASSWORD:
            raise Unlike
        md5, sha256 = values.ha1(name, self._home.platform.domain, secret)
        return Account(replace(self._line, name=name, owner=owner, ha1=md5, number=key,
                               ha1_sha256=sha256), Spot(row["line"], problems, row["line"].key))


def _with_targets(sequences: Iterable[Steps], targets: Iterable[Written], reader: Reader,
                  problems: Problems) -> tuple[Steps, ...]:
    """The same with these targets; raises InvalidValue."""
    left = iter(targets)

    def ring(old: Ring) -> Ring:
        written = next(left)
        new = Ring(reader.target(written.content), old.ring_s, old.label, old.delay_s, old.confirm)
        reader.note(Spot(written, problems), written.content, new)
        return new

    return tuple(Steps(one.name, tuple(tuple(map(ring, step)) for step in one.steps), one.mode,
                       one.on) for one in sequences)


def _marked(form: Form, entries: Sequence[Entry], mark: str) -> list[str]:
    """The texts that are kept of the subscriber and each number, with marks in place of names: each
    has its index among all names.
    """
    count, texts, whole = 0, list[str](), list[Written]()
    for (start, first), entry in zip(form.first, entries, strict=True):
        row = dict(first)
        wanted = _NAMES_OF_MORE if whole else _NAMES
        for key in (*(key for key in (*wanted, _ALIASES) if key in row), *_layout(tuple(row))[1]):
            size = 1 if key == _ALIASES else len(columns.targets(row[key]))
            marks = [f"{mark}{count + index}_" for index in range(size)]
            one = columns.leaf(" & ".join(marks), start.value, start.file)
            row[key] = replace(one, content=[one]) if key == _ALIASES else one
            count += size
        tree = columns.tree(row, start, Problems())
        assert tree is not None
        (subscriber,) = tree.content["subscribers"].content.values()
        (made,) = subscriber.content["numbers"].content.values()
        if "time_zone" in entry.spot.written.content:
            made.content["time_zone"] = entry.spot.written.content["time_zone"]
        texts.append(made.text)
        whole.append(subscriber)
    content: dict[str, Written] = {}
    for key, value in chain.from_iterable(one.content.items() for one in whole):
        content.setdefault(key, value)
    return [kept.of_subscriber(f"{mark}0_", replace(whole[0], content=content), ()).text, *texts]


def _filled(pieces: Sequence[str], names: Sequence[str]) -> str:
    """What stands between the marks, and names for these."""
    found = list(pieces)
    found[1::2] = [names[int(index)] for index in pieces[1::2]]
    return "".join(found)
