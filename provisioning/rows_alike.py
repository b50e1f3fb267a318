# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows that say the same but for names: whose they are, numbers, aliases, lines, passwords, and
targets.

The first one of a form is read as any row is; of the others only the names are looked at, by the
same functions, and then the number as a whole. Of a million rows few are unlike all others.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from kemi_routing import dialplan
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Line, Ring
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
_ALIASES = "aliases"
_DIGITS = re.compile("[0-9]+")
_NEEDED = frozenset({"subscriber", "number"})


class Unlike(Exception):
    """A row is not like the first one of its form: all are to be read in full."""


@dataclass(frozen=True, slots=True)
class _Alike:
    """A row, and what it rings, in order."""

    row: Mapping[str, Written]
    targets: tuple[Written, ...]

    @property
    def names(self) -> list[str]:
        """All names in it as YAML has them, the aliases as one."""
        row = self.row
        found = [scalar(row[key].content) for key in _NAMES if key in row]
        if _ALIASES in row:
            found.append(", ".join([scalar(one.content) for one in row[_ALIASES].content]))
        return found + [scalar(one.content) for one in self.targets]


@dataclass(slots=True)
class Form:
    """The first row that says this, and those like it."""

    start: Written
    first: Mapping[str, Written]
    tree: Written | None
    """The first one as a file of its own."""
    others: list[_Alike] = field(default_factory=list)


def forms(rows: Iterable[Row], problems: Problems) -> list[Form]:
    """The forms of these rows, in order; one whose subscriber has several, or in which more than
    texts stands, is like no other.
    """
    found: list[Form] = []
    known: dict[Hashable, Form] = {}
    every = list(rows)
    times = Counter(_whose(row) for _, row in every)
    for start, row in every:
        said, targets = _said(row) if times[_whose(row)] == 1 and _has_texts(row) else (None, ())
        if said in known:
            known[said].others.append(_Alike(row, targets))
            continue
        found.append(Form(start, row, columns.tree(row, start, problems)))
        if said is not None:
            known[said] = found[-1]
    return found


def _whose(row: Mapping[str, Written]) -> Hashable:
    written = row.get("subscriber")
    return written.content if written and isinstance(written.content, str) else None


def _has_texts(row: Mapping[str, Written]) -> bool:
    for key, value in row.items():
        content = value.content
        if not isinstance(content, str) and not (
                key in columns.LISTS and isinstance(content, list)
                and all(isinstance(one.content, str) for one in content)):
            return False
    return row.keys() >= _NEEDED and not dialplan.is_extension(row["number"].content)


def _said(row: Mapping[str, Written]) -> tuple[Hashable, tuple[Written, ...]]:
    """What a row says but for names, and what it rings."""
    texts, of_targets = _layout(keys := tuple(row))
    each = [columns.targets(row[key]) for key in of_targets]
    return ((keys, *(str(row[key].plain()) for key in texts), *map(len, each)),
            tuple(one for many in each for one in many))


@lru_cache(maxsize=1024)
def _layout(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns with other texts than names, and those of targets in the order of steps."""
    targets = sorted(filter(columns.is_target, keys), key=columns.order)
    return tuple(key for key in keys if key not in {*_NAMES, _ALIASES, *targets}), tuple(targets)


def numbers(found: Iterable[Form], homes: Mapping[str, Organisation]) -> Iterator[str]:
    """The digits of the numbers of all but the first rows; raises Unlike."""
    for form in found:
        for one in form.others:
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
            entry = entries.get(form.first["number"].value)
            if entry is None:
                raise Unlike
            like = _Like(form, entry, accounts.get(entry.number.owner), _home(form, homes))
            place = form.start.value
            told = _told(warned.get((place.file, place.line), ()))
            for other in form.others:
                before = len(problems.warnings)
                like.add(other, checked)
                if _told(problems.warnings[before:]) != told:
                    raise Unlike
    places = {owner: spot.place for owner, spot in checked.owners.items()}
    checked.numbers.sort(key=lambda entry: places[entry.number.owner])
    checked.lines.sort(key=lambda account: places[account.line.owner])


def _told(warnings: Iterable[Problem]) -> list[str]:
    """What is said, whatever the numbers are."""
    return sorted(_DIGITS.sub("0", one.text) for one in warnings)


def _home(form: Form, homes: Mapping[str, Organisation]) -> Organisation:
    written = form.tree.content.get("organisation") if form.tree else None
    home = homes.get(written.content) if written else None
    if home is None:
        raise Unlike
    return home


class _Like:
    """What the first row of a form came to, for those like it."""

    def __init__(self, form: Form, entry: Entry, account: Account | None, home: Organisation,
                 ) -> None:
        self._number = entry.number
        self._line = account.line if account else None
        self._home = home
        said = str([value.plain() for value in form.first.values()])
        mark = "name"
        while mark in said:
            mark += "x"
        self._text, self._of_subscriber = (
            re.split(f"{mark}([0-9]+)_", text) for text in _marked(form, entry, mark))

    def add(self, one: _Alike, checked: Checked) -> None:
        """Add a row; raises Unlike."""
        row, problems, home = one.row, checked.problems, self._home
        spot = Spot(row["number"], problems, row["number"].key)
        try:
            owner = f"{home.name}/{values.name(row['subscriber'].content)}"
            key = home.digits(row["number"].content)
            warn_of_number(spot, key)
            aliases = number.read_aliases(Spot(row[_ALIASES], problems), [
                alias.content for alias in row[_ALIASES].content], home) if _ALIASES in row else {}
            account = self._account(row, owner, key, problems)
            lines = (Line(account.line.name, account.line.max_phones),) if account else ()
            reader = Reader(key, {line.name for line in lines}, self._number.rights, home, (), {})
            sequences = self._sequences(reader, one.targets, problems)
        except InvalidValue:
            raise Unlike from None
        found = replace(self._number, number=key, owner=owner, aliases=tuple(aliases), lines=lines,
                        sequences=sequences)
        number.look(spot, found, home.platform)
        names = one.names
        checked.owners[owner] = Spot(row["subscriber"], problems, row["subscriber"].key)
        checked.numbers.append(Entry(found, _filled(self._text, names), spot, aliases,
                                     reader.places))
        checked.subscribers[owner] = Subscriber(_filled(self._of_subscriber, names), (key,))
        if account:
            checked.lines.append(account)

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

    def _sequences(self, reader: Reader, targets: Iterable[Written], problems: Problems,
                   ) -> tuple[Steps, ...]:
        """Those of the first row with other targets; raises InvalidValue."""
        left = iter(targets)

        def ring(old: Ring) -> Ring:
            written = next(left)
            new = Ring(reader.target(written.content), old.ring_s, old.label, old.delay_s,
                       old.confirm)
            reader.note(Spot(written, problems), written.content, new)
            return new

        return tuple(Steps(one.name, tuple(tuple(map(ring, step)) for step in one.steps), one.mode,
                           one.on) for one in self._number.sequences)


def _marked(form: Form, entry: Entry, mark: str) -> tuple[str, str]:
    """The texts that are kept of the number and its subscriber, with marks in place of names: each
    has its index in ``_Alike.names``.
    """
    start, row, count = form.start, dict(form.first), 0
    for key in (*(key for key in (*_NAMES, _ALIASES) if key in row), *_layout(tuple(row))[1]):
        size = 1 if key == _ALIASES else len(columns.targets(row[key]))
        marks = [f"{mark}{count + index}_" for index in range(size)]
        one = columns.leaf(" & ".join(marks), start.value, start.file)
        row[key] = replace(one, content=[one]) if key == _ALIASES else one
        count += size
    tree = columns.tree(row, start, Problems())
    assert tree is not None
    ((name, subscriber),) = tree.content["subscribers"].content.items()
    (made,) = subscriber.content["numbers"].content.values()
    if "time_zone" in entry.spot.written.content:
        made.content["time_zone"] = entry.spot.written.content["time_zone"]
    return made.text, kept.of_subscriber(name, subscriber, ()).text


def _filled(pieces: Sequence[str], names: Sequence[str]) -> str:
    """What stands between the marks, and names for these."""
    found = list(pieces)
    found[1::2] = [names[int(index)] for index in pieces[1::2]]
    return "".join(found)
