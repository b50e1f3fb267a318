# SPDX-License-Identifier: GPL-2.0-or-later
"""Files in which a row, or a line, is one number: CSV and JSON lines, beside files in YAML."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from provisioning import columns, delimited, json_lines, shape, shape_base, source
from provisioning.columns import Headers
from provisioning.delimited import Cell
from provisioning.problems import Place, Problem, Problems
from provisioning.source import Spot, Written

TABLES = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")

_SHARED = [key for key in shape_base.keys(shape.Organisation)
           if key not in {"organisation", "subscribers", *shape.OPERATORS}]
"""What a table takes from the YAML file of its organisation."""
_ONCE = {"numbers": "number", "extensions": "extension"}
_NEEDED = {"subscriber", "number"}


def trees(paths: Iterable[Path], headers: Headers, problems: Problems) -> list[Written]:
    """All files, those in YAML each by itself, all rows of an organisation as one.

    What an organisation has in common (dial plan, groups, schedules, time zone …) holds for its
    rows too, and rows that name no organisation are that of the YAML file, where there is one.
    """
    by_form: dict[bool, list[Path]] = {True: [], False: []}
    for path in paths:
        by_form[path.suffix.lower() in TABLES + LINES].append(path)
    files = list(filter(None, [source.read(path, problems) for path in by_form[False]]))
    found = chain.from_iterable(rows(path, headers, problems) for path in by_form[True])
    return files + _merged((tree for _, tree in found), files, problems)


def rows(path: Path, headers: Headers, problems: Problems) -> Iterator[tuple[Place, Written]]:
    """Each row where it begins, as a file of its own would be; one is held at a time. What cannot
    be read is noted and left out.
    """
    is_table = path.suffix.lower() in TABLES
    errors, any_row = len(problems.errors), False
    for start, row in (_of_table if is_table else _of_lines)(path, headers, problems):
        any_row = True
        if tree := columns.tree(row, start, problems):
            yield start.value, tree
    if not any_row and len(problems.errors) == errors:
        problems.errors.append(Problem(Place(str(path)), "there is no row; a row has "
                                       "organisation, subscriber and number at least"))


Row = tuple[Written, Mapping[str, Written]]
"""Its start, and what stands in it."""


def _of_table(path: Path, headers: Headers, problems: Problems) -> Iterator[Row]:
    found = delimited.rows(path, problems, headers.hides)
    first = next(found, None)
    if first is None:
        return
    names = _names(first, headers, problems)
    if _NEEDED.difference(names):
        return
    for row in found:
        yield columns.leaf("", row[0].place, row[0].row), dict(_values(names, row, problems))


def _names(row: list[Cell], headers: Headers, problems: Problems) -> list[str | None]:
    """Our key of each column; empty for one without a name, None for one that is left out. What
    is wrong is said once, here.
    """
    names: list[str | None] = []
    for cell in row:
        key = headers.key(cell.text)
        if key in names and key:
            what = f"the column {key} stands here twice"
        elif key and not columns.is_key(key):
            what = (f"{columns.unknown(key)}; or  --map {cell.text.strip()!r}=KEY, "
                    "with nothing behind = to leave it out")
            key = ""
        else:
            what = ""
        if what:
            problems.errors.append(cell.problem(what))
        names.append(key or (None if cell.text.strip() else ""))
    for key in sorted(_NEEDED.difference(names)):
        problems.errors.append(row[0].problem(
            f"there is no column {key}; --map THEIRS={key} says which one it is"))
    return names


def _values(names: list[str | None], row: list[Cell], problems: Problems,
            ) -> Iterator[tuple[str, Written]]:
    for name, cell in zip(names, row, strict=False):
        text = cell.text if name == "password" else cell.text.strip()
        if text and name == "":
            problems.errors.append(cell.problem("this column has no name; write one above"))
        elif text and name:
            yield name, columns.one_or_many(name, text, cell.place, cell.row)


def _of_lines(path: Path, headers: Headers, problems: Problems) -> Iterator[Row]:
    for written in json_lines.objects(path, problems, headers):
        row: dict[str, Written] = {}
        for theirs, value in written.content.items():
            key = headers.key(theirs)
            if key and not columns.is_key(key):
                problems.errors.append(value.problem(value.key, columns.unknown(key)))
            elif key in row:
                problems.errors.append(value.problem(value.key, f"{key} stands here twice"))
            elif key:
                is_text = key in columns.LISTS and isinstance(value.content, str)
                row[key] = columns.one_or_many(
                    key, value.content, value.value, value.file) if is_text else value
        yield written, row


def _merged(found: Iterable[Written], files: list[Written], problems: Problems) -> list[Written]:
    known = {name: file for file in reversed(files) if (name := _name(file))}
    merged: dict[str, Written] = {}
    for tree in found:
        if "organisation" not in tree.content and len(known) == 1:
            tree.content["organisation"] = next(iter(known.values())).content["organisation"]
        name = _name(tree)
        if name not in merged:
            merged[name] = Written(
                _in_common(name, files), tree.value, tree.key, "", tree.span, tree.file)
        whole = merged[name].content
        _keep_time_zone(whole, tree)
        _join(whole, tree.content, problems)
    return list(merged.values())


def _name(file: Written) -> str:
    """The organisation of a file, empty where that is not to be read."""
    written = file.content.get("organisation") if isinstance(file.content, dict) else None
    return written.content if written and isinstance(written.content, str) else ""


def _in_common(name: str, files: list[Written]) -> dict[str, Written]:
    of_it = [file.content for file in files if name and _name(file) == name]
    return {key: content[key] for key in _SHARED for content in reversed(of_it) if key in content}


def _keep_time_zone(whole: dict[str, Written], tree: Written) -> None:
    """A row in another time zone than its organisation has it for its number."""
    zone = tree.content.pop("time_zone", None)
    if zone is None or whole.setdefault("time_zone", zone).plain() == zone.plain():
        return
    for subscriber in tree.content["subscribers"].content.values():
        for kind in _ONCE.keys() & subscriber.content.keys():
            for number in subscriber.content[kind].content.values():
                number.content["time_zone"] = zone


def _join(whole: dict[str, Written], more: dict[str, Written], problems: Problems,
          above: tuple[str, ...] = ()) -> None:
    """Add what a row says; where both say something they must agree."""
    kind = _ONCE.get(above[2], "") if len(above) == 3 else ""  # below subscribers, a subscriber
    for key, value in more.items():
        before = whole.setdefault(key, value)
        if before is value:
            continue
        if kind:
            at, text = value.key, (f"{kind} {key} stands in {Spot(before, problems).line} already; "
                                   "write it once")
        elif isinstance(before.content, dict) and isinstance(value.content, dict):
            _join(before.content, value.content, problems, (*above, key))
            continue
        elif before.plain() != value.plain():
            at, text = value.value, (f"{key} is not the same in {Spot(before, problems).line}; "
                                     "write it alike, or once")
        else:
            continue
        problems.errors.append(value.problem(at, text))
