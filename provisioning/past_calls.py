# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of calls that were made: CSV as ``followme calls --csv`` prints it, and JSON lines."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from kemi_routing.decide import OUTGOING
from kemi_routing.errors import InvalidValue
from kemi_routing.rules import GRADES
from provisioning import columns, delimited, json_lines, moments
from provisioning.problems import Problems, Refused, RefusedFiles, suggest
from provisioning.question import ANONYMOUS
from provisioning.replay import Past, call_of
from provisioning.rows import LINES, TABLES
from provisioning.values import number_key
from provisioning.written import Spot, Written

T = TypeVar("T")
Row = tuple[Written, Mapping[str, Written]]
"""Where it begins, and its values by our names."""

_OTHER_NAMES = {"from": "caller", "at": "received"}
"""As the options of ``explain`` are called -> the column of ``calls``."""
_NEEDED = {"number": "42027777101", "caller": "42075553333", "received": "2026-11-23T09:00Z"}
"""Column -> an example."""
_READ = (*_NEEDED, "via", "grade", "rule")
_HIDDEN = f" ({ANONYMOUS})"
"""Behind a number that its caller did not want to show."""
_BY_TRUNK, _UNKNOWN = "B", "D"


def read(path: Path, zone_of: Callable[[str], ZoneInfo]) -> list[Past]:
    """The calls of a file, but those that owners made. A time without offset is on the clock of
    the number, of which ``zone_of`` tells the zone.

    Raises RefusedFiles with all that is wrong in it.
    """
    forms: dict[str, Callable[[Path, Problems], Iterator[Row]]] = {
        **dict.fromkeys(TABLES, _of_table), **dict.fromkeys(LINES, _of_lines)}
    form = forms.get(path.suffix.lower())
    if form is None:
        raise Refused(f"{path}: write a count, or a file of calls that ends with "
                      f"{', '.join(forms)}:  followme calls --csv > calls.csv")
    problems = Problems()
    reader = _Reader(problems, zone_of)
    found = [one for start, row in form(path, problems) if (one := reader.past(start, row))]
    if problems.errors:
        raise RefusedFiles(problems)
    return found


class _Reader:
    """Reads rows; what stands in many of them is read once."""

    def __init__(self, problems: Problems, zone_of: Callable[[str], ZoneInfo]) -> None:
        self._problems = problems
        self._zone = cache(zone_of)
        self._key = cache(number_key)

    def past(self, start: Written, row: Mapping[str, Written]) -> Past | None:
        """The call of a row; None for one that its owner made, and after its errors were noted."""
        before = len(self._problems.errors)
        texts = {name: row[name].content if name in row else "" for name in _READ}
        for name, example in _NEEDED.items():
            if not texts[name]:
                Spot(row.get(name, start), self._problems).error(
                    f"{name} is missing; write one, such as  {example}")
        if texts["rule"] == OUTGOING:
            return None
        hidden = texts["caller"].endswith(_HIDDEN) or texts["caller"] == ANONYMOUS
        number = self._read(row, "number", self._key)
        caller = self._read(row, "caller", self._caller)
        grade = self._read(row, "grade", _grade) or (_UNKNOWN if hidden else _BY_TRUNK)
        at = number and self._read(row, "received", lambda text: self._at(text, number))
        if not (number and at) or len(self._problems.errors) > before:
            return None
        return Past(number, at, call_of(caller or "", grade, texts["via"], anonymous=hidden))

    def _read(self, row: Mapping[str, Written], name: str, parse: Callable[[str], T]) -> T | None:
        """None also where nothing stands there."""
        value = row.get(name)
        if value is None or not value.content:
            return None
        try:
            return parse(value.content)
        except (InvalidValue, Refused) as error:
            Spot(value, self._problems).error(str(error))
            return None

    def _caller(self, text: str) -> str:
        return "" if text == ANONYMOUS else self._key(text.removesuffix(_HIDDEN))

    def _at(self, text: str, number: str) -> datetime:
        return moments.of_file(text, self._zone(number))


def _grade(text: str) -> str:
    if text in GRADES:
        return text
    raise InvalidValue(f"there is no grade {text!r}; {suggest(text, GRADES)}")


def _of_table(path: Path, problems: Problems) -> Iterator[Row]:
    found = delimited.rows(path, problems)
    first = next(found, None)
    if first is None:
        return
    names = [_ours(cell.text) for cell in first]
    lacking = [name for name in _NEEDED if name not in names]
    for name in lacking:
        problems.errors.append(first[0].problem(
            f"there is no column {name}; a file of calls has {', '.join(_NEEDED)} at least"))
    for row in found if not lacking else ():
        values = [columns.leaf(cell.text.strip(), cell.place, cell.row) for cell in row]
        yield values[0], {name: value for name, value in zip(names, values, strict=True)
                          if name in _READ}


def _of_lines(path: Path, problems: Problems) -> Iterator[Row]:
    for written in json_lines.objects(path, problems):
        row = {_ours(key): value for key, value in written.content.items()}
        yield written, {name: value for name, value in row.items()
                        if name in _READ and isinstance(value.content, str)}


def _ours(heading: str) -> str:
    name = "_".join(heading.lower().split())
    return _OTHER_NAMES.get(name, name)
