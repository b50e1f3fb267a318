# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of calls that were made: CSV as ``followme calls --csv`` prints it, and JSON lines."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from kemi_routing.decide import OUTGOING
from kemi_routing.errors import InvalidValue
from kemi_routing.rules import GRADES
from provisioning import delimited, json_lines
from provisioning.delimited import Cell
from provisioning.problems import Place, Problem, Problems, Refused, RefusedFiles, suggest
from provisioning.question import ANONYMOUS, moment
from provisioning.replay import Past, call_of
from provisioning.rows import LINES, TABLES
from provisioning.values import number_key

T = TypeVar("T")
Row = tuple[Place, Mapping[str, Cell]]
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

    def past(self, start: Place, row: Mapping[str, Cell]) -> Past | None:
        """The call of a row; None for one that its owner made, and after its errors were noted."""
        before = len(self._problems.errors)
        texts = {name: row[name].text if name in row else "" for name in _READ}
        for name, example in _NEEDED.items():
            if not texts[name]:
                place = row[name].place if name in row else start
                self._problems.errors.append(
                    Problem(place, f"{name} is missing; write one, such as  {example}"))
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

    def _read(self, row: Mapping[str, Cell], name: str, parse: Callable[[str], T]) -> T | None:
        """None also where nothing stands there."""
        cell = row.get(name)
        if cell is None or not cell.text:
            return None
        try:
            return parse(cell.text)
        except (InvalidValue, Refused) as error:
            self._problems.errors.append(Problem(cell.place, str(error)))
            return None

    def _caller(self, text: str) -> str:
        return "" if text == ANONYMOUS else self._key(text.removesuffix(_HIDDEN))

    def _at(self, text: str, number: str) -> datetime:
        return moment(text, self._zone(number), datetime.now(UTC))


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
        problems.errors.append(Problem(first[0].place, f"there is no column {name}; a file of "
                                       f"calls has {', '.join(_NEEDED)} at least"))
    for row in found if not lacking else ():
        if len(row) == len(names):
            yield row[0].place, {name: Cell(cell.text.strip(), cell.place)
                                 for name, cell in zip(names, row, strict=True) if name in _READ}
        else:
            problems.errors.append(Problem(row[0].place, f"this row has {len(row)} values for "
                                           f"{len(names)} columns"))


def _of_lines(path: Path, problems: Problems) -> Iterator[Row]:
    for written in json_lines.objects(path, problems):
        row = {_ours(key): value for key, value in written.content.items()}
        yield written.value, {name: Cell(value.content, value.value)
                              for name, value in row.items()
                              if name in _READ and isinstance(value.content, str)}


def _ours(heading: str) -> str:
    name = "_".join(heading.lower().split())
    return _OTHER_NAMES.get(name, name)
