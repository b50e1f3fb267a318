# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of an organisation as one: what it has in common is written once, or alike.

What files do not say of their organisation is as it is kept in the store, and where they change
it for subscribers that stand in no file, these are read again from there. Only files that hold
all its subscribers take away what they do not say.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from textwrap import indent

from provisioning import shape, shape_base
from provisioning.kept import NUMBERS, Kept, Shared
from provisioning.problems import Problems
from provisioning.source import parse
from provisioning.written import Spot, Written
from provisioning.yaml_text import block, scalar

SUBSCRIBERS = "subscribers"
BY_NAME = {"calendars": "calendar", "schedules": "schedule", "classes": "class",
           "groups": "group"}
"""Keys below which each name stands for itself, and what it is."""
FOR_EDITORS = re.compile(r"^# yaml-language-server:.*\n", re.MULTILINE)
"""Where the schema lies is no setting; exports name it anew."""
_SHARED = [key for key in shape_base.keys(shape.Organisation)
           if key not in {SUBSCRIBERS, *shape.OPERATORS}]


@dataclass(slots=True)
class Section(Written):
    """What several files say together; ``source`` is its key."""

    above: tuple[str, ...] = ()
    """The comments of the first one."""

    @property
    def comments(self) -> list[str]:
        return list(self.above)

    @property
    def text(self) -> str:
        below = "".join(child.text for child in self.content.values())
        return "\n".join((*self.above, f"{scalar(self.source)}:", indent(below, "  ")))


@dataclass(slots=True)
class Whole:
    """All that files say of an organisation."""

    name: str
    """Empty: it is not to be read."""
    tree: Written
    in_rows: bool
    """Whether only rows of tables say it, which have no settings of organisations."""
    shared: Shared = field(default_factory=Shared)
    """What is kept of it from now on."""
    changed: tuple[str, ...] = ()
    """What is different in that, for people; empty: at most comments."""


def join(files: Iterable[Written], rows: Iterable[Written], kept: Kept, problems: Problems,
         ) -> list[Whole]:
    """One tree for each organisation; what does not agree is noted. Raises Refused where what the
    store has cannot be read.
    """
    wholes: list[Whole] = []
    for file in files:
        _add(wholes, Whole(_name(file), file, in_rows=False), problems)
    for row in _rows(rows, wholes, kept, problems):
        _add(wholes, row, problems)
    for whole in wholes:
        if whole.name:
            _settle(whole, kept, problems)
    return wholes


def _name(tree: Written) -> str:
    """The organisation of a file, empty where that is not to be read."""
    written = tree.content.get("organisation") if isinstance(tree.content, dict) else None
    return written.content if written and isinstance(written.content, str) else ""


def _add(wholes: list[Whole], more: Whole, problems: Problems) -> None:
    whole = next((one for one in wholes if one.name and one.name == more.name), None)
    if whole is None:
        wholes.append(more)
        return
    content = dict(whole.tree.content)
    for key, value in more.tree.content.items():
        before = content.setdefault(key, value)
        if before is not value and key != "organisation":
            content[key] = _both(whole.name, key, before, value, problems)
    whole.tree = replace(whole.tree, content=content)


def _both(organisation: str, key: str, before: Written, value: Written, problems: Problems,
          ) -> Written:
    """What two files say; where both say something they must agree."""
    named = key == SUBSCRIBERS or key in BY_NAME
    if not (named and isinstance(before.content, dict) and isinstance(value.content, dict)):
        if before.plain() != value.plain():
            elsewhere = "; numbers elsewhere have a time_zone of their own"
            _refuse(value, f"{key} of {organisation} is not the same in {_line(before)}; "
                           f"write it alike, or once{elsewhere * (key == 'time_zone')}", problems)
        return before
    content: dict[str, Written] = dict(before.content)
    for name, one in value.content.items():
        first = content.setdefault(name, one)
        if first is one:
            continue
        if key == SUBSCRIBERS:
            _refuse(one, f"subscriber {organisation}/{name} stands in {_line(first)} already; "
                         "write it once", problems)
        elif first.plain() != one.plain():
            _refuse(one, f"{BY_NAME[key]} {name} of {organisation} is not the same in "
                         f"{_line(first)}; write it alike, or once", problems)
    return section(key, before, content) if len(content) > len(before.content) else before


def section(key: str, before: Written, content: dict[str, Written]) -> Written:
    """What stands below a key in several files, with the comments of the first."""
    above = before.above if isinstance(before, Section) else tuple(before.comments)
    return Section(content, before.value, before.key, key, before.span, before.file, above=above)


def _refuse(value: Written, text: str, problems: Problems) -> None:
    problems.errors.append(value.problem(value.key, text))


def _line(value: Written) -> str:
    return f"{value.key.file}:{value.key.line}"


def _rows(rows: Iterable[Written], wholes: list[Whole], kept: Kept, problems: Problems,
          ) -> list[Whole]:
    """The rows of each organisation as one file; those that name none are that of the only other
    file.
    """
    only = {whole.name for whole in wholes if whole.name}
    found: dict[str, Whole] = {}
    for row in rows:
        if "organisation" not in row.content and len(only) == 1:
            (whole,) = (one for one in wholes if one.name in only)
            row.content["organisation"] = whole.tree.content["organisation"]
        name = _name(row)
        if name not in found:
            of_it = next((one.tree for one in wholes if name and one.name == name), None)
            content = _time_zone(of_it or (kept.tree(name) if kept.seen(name) else None))
            found[name] = Whole(name, replace(row, content=content), in_rows=True)
        content = found[name].tree.content
        _keep_time_zone(content, row)
        _merge(content, row.content, problems)
    return list(found.values())


def _time_zone(tree: Written | None) -> dict[str, Written]:
    zone = tree.content.get("time_zone") if tree else None
    return {"time_zone": zone} if zone else {}


def _keep_time_zone(whole: dict[str, Written], row: Written) -> None:
    """A row in another time zone than its organisation has it for its number."""
    zone = row.content.pop("time_zone", None)
    if zone is None or whole.setdefault("time_zone", zone).plain() == zone.plain():
        return
    for subscriber in row.content[SUBSCRIBERS].content.values():
        for kind in NUMBERS:
            if kind in subscriber.content:
                for number in subscriber.content[kind].content.values():
                    number.content["time_zone"] = zone


def _merge(whole: dict[str, Written], more: dict[str, Written], problems: Problems,
           above: tuple[str, ...] = ()) -> None:
    """Add what a row says; where both say something they must agree."""
    is_number = len(above) == 3 and above[2] in NUMBERS  # below subscribers, a subscriber
    for key, value in more.items():
        before = whole.setdefault(key, value)
        if before is value:
            continue
        if is_number:
            _refuse(value, f"{above[2].removesuffix('s')} {key} stands in {_line(before)} already; "
                           "write it once", problems)
        elif isinstance(before.content, dict) and isinstance(value.content, dict):
            _merge(before.content, value.content, problems, (*above, key))
        elif before.plain() != value.plain():
            problems.errors.append(value.problem(value.value, (
                f"{key} is not the same in {_line(before)}; write it alike, or once")))


def _settle(whole: Whole, kept: Kept, problems: Problems) -> None:
    name, before = whole.name, kept.shared(whole.name)
    written = whole.tree.content.get(SUBSCRIBERS)
    given = written.content if written and isinstance(written.content, dict) else {}
    others = [owner for owner in kept.owners(name) if owner.partition("/")[2] not in given]
    if before is None and others:
        root = Spot(whole.tree, problems)
        root.error(f"{name} has more subscribers in the store ({', '.join(others[:5])}"
                   f"{' …' if len(others) > 5 else ''}), of whose settings no text is kept; "
                   f"give all files of {name} together once")
        return
    stored = kept.tree(name).content if before else {}
    between = _between(whole.tree)
    if before and (whole.in_rows or others):
        whole.tree = replace(whole.tree, content=dict(_filled(whole.tree.content, stored)))
        between = []  # they are behind what is stored already
    content = whole.tree.content
    text = FOR_EDITORS.sub("", "".join((*_texts(content), *(f"{row}\n" for row in between))))
    whole.shared = Shared(text, _files(content, problems))
    if before:
        whole.changed = (*_differences(stored, content),
                         *_changed("file", before.files, whole.shared.files))
        whole.shared = replace(whole.shared, revision=before.revision)
    if whole.changed and others:
        more = kept.tree(name, kept.subscribers(others)).content[SUBSCRIBERS]
        content[SUBSCRIBERS] = replace(written or more, content={**given, **more.content})


def _filled(given: dict[str, Written], stored: dict[str, Written],
            ) -> Iterator[tuple[str, Written]]:
    """What is given, and what the store has beyond it; the text of what means the same stays."""
    for key, old in stored.items():
        new = given.get(key, old)
        if key in BY_NAME and isinstance(new.content, dict):
            content = {**old.content, **new.content}
            same = {name: old.content[name] for name, one in content.items()
                    if name in old.content and _means(old.content[name]) == _means(one)}
            new = section(key, old, content | same)
            yield key, old if new.content == old.content else new
        else:
            yield key, old if new.plain() == old.plain() else new
    yield from ((key, value) for key, value in given.items() if key not in stored)


def _means(named: Written) -> tuple[object, dict[str, bytes]]:
    """What a calendar, a group or the like says, with the file that it names."""
    return named.plain(), dict(_file(named))


def _between(tree: Written) -> list[str]:
    """The comments between settings and subscribers, and those of a file that is all in braces."""
    content = tree.content
    loose = [] if any(one.around for one in content.values()) else tree.loose
    return [*loose, *(content[SUBSCRIBERS].loose if SUBSCRIBERS in content else ())]


def _texts(content: dict[str, Written]) -> Iterator[str]:
    for key, value in content.items():
        if key in _SHARED and value.content is not None:  # what has no value does not fit, as told
            yield value.text if value.source else "\n".join(block({key: value.plain()})) + "\n"


def _files(content: dict[str, Written], problems: Problems) -> dict[str, bytes]:
    """What calendars are read from; a file that cannot be read is noted where that is done."""
    calendars = content.get("calendars")
    found: dict[str, bytes] = {}
    for one in calendars.content.values() if calendars and calendars.content else ():
        for name, data in _file(one):
            if found.setdefault(name, data) != data:
                _refuse(one, f"another calendar has another file {name}; give one of them another "
                             "name", problems)
    return found


def _file(named: Written) -> Iterator[tuple[str, bytes]]:
    ics = named.content.get("ics") if isinstance(named.content, dict) else None
    if ics and isinstance(ics.content, str):
        with suppress(OSError):
            yield ics.content, ics.beside(ics.content)


def _differences(before: dict[str, Written], after: dict[str, Written]) -> Iterator[str]:
    for key in _SHARED:
        old, new = (one[key].plain() if key in one else None for one in (before, after))
        if key in BY_NAME:
            yield from _changed(BY_NAME[key], old or {}, new or {})
        elif old != new:
            yield f"{key}: {_result(old, new)}"


def told(before: Shared | None, after: Shared) -> list[str]:
    """What is different in the settings of an organisation, for people."""
    old, new = ((tree.content if (tree := parse(one.text, "", Problems())) else {})
                for one in (before or Shared(), after))
    files = before.files if before else {}
    return [*_differences(old, new), *_changed("file", files, after.files)]


def _changed(word: str, before: Mapping[str, object], after: Mapping[str, object],
             ) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{word} {name}: {_result(before.get(name), after.get(name))}"


def _result(before: object, after: object) -> str:
    return "new" if before is None else "removed" if after is None else "changed"
