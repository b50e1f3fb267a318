# SPDX-License-Identifier: GPL-2.0-or-later
"""A file as a table (CSV, RFC 4180), a row for each number; what no row can hold is refused."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from provisioning.columns import LINES, LISTS, MOST_STEPS, SEQUENCE, Headers, order
from provisioning.delimited import SEPARATORS
from provisioning.forms import objects
from provisioning.problems import Problems, RefusedFiles
from provisioning.written import Spot, Written

_INSTEAD = "; --as jsonl and YAML keep it"
_NO_CELL = {
    "schedule": "a cell holds the name of a shared schedule, no windows",
    "holidays": "a row holds no holidays, but the name of a shared schedule that has some",
    "block": "a cell holds callers, no actions",
}
"""Key -> what is wrong with it; "a row holds no KEY" where it is not among these."""
_AT_ONCE = "a row holds one ring, delay, label and confirm for targets that ring together"
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_IS_A_NUMBER = re.compile(r"\+[0-9 ()./-]*")

_END = "\r\n"

_Cells = Iterator[tuple[str, str]]


def text(trees: Iterable[Written], headers: Headers = Headers()) -> str:
    """The table of files which have no errors. Raises RefusedFiles with all that no row can hold,
    and Refused for headers by which it would be read wrong.
    """
    problems = Problems()
    rows = list(chain.from_iterable(_Rows(problems).of(tree) for tree in trees))
    if problems.errors:
        raise RefusedFiles(problems)
    names = sorted({key for row in rows for key in row}, key=order)
    found = io.StringIO()
    titles = [_guarded(headers.theirs(key)) for key in names]
    is_plain = not any(one in title for title in titles for one in SEPARATORS)
    csv.writer(found, lineterminator=_END,
               quoting=csv.QUOTE_MINIMAL if is_plain else csv.QUOTE_ALL).writerow(titles)
    csv.writer(found, lineterminator=_END).writerows(
        [_guarded(row.get(key, "")) for key in names] for row in rows)
    return found.getvalue()


def _guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; the space in front is not read back."""
    is_formula = cell.startswith(_STARTS_A_FORMULA) and not _IS_A_NUMBER.fullmatch(cell)
    return f" {cell}" if is_formula else cell


@dataclass(slots=True)
class _Rows:
    """Makes rows; what they cannot hold is noted."""

    problems: Problems
    whose: str = ""
    """The number that is looked at."""

    def of(self, tree: Written) -> Iterator[dict[str, str]]:
        left: list[tuple[str, Written]] = []
        before = ""
        for place in objects.numbers(tree):
            if place.subscriber != before:
                self._refuse_lines(left)
                lines, before = place.common.pop(LINES, None), place.subscriber
                left = list(lines.content.items()) if lines else []
            self.whose = place.number
            line = dict(self._line(*left.pop(0))) if left else {}
            own = dict(place.own.content)
            sequences = own.pop("sequences", None)
            row = {"organisation": place.organisation, "subscriber": place.subscriber,
                   "number": place.number, **dict(self._cells(place.common)), **line,
                   **dict(self._cells(own))}
            if sequences and sequences.content:
                row |= self._steps(sequences)
                self._settle(row, sequences)
            yield row
        self._refuse_lines(left)

    def _error(self, written: Written, what: str, *, at_key: bool = True) -> None:
        spot = Spot(written, self.problems)
        (spot.at_key() if at_key else spot).error(f"{self.whose}: {what}{_INSTEAD}")

    def _refuse_lines(self, left: list[tuple[str, Written]]) -> None:
        for name, line in left:
            self.whose = f"line {name}"
            self._error(line, "a row holds one line, and there are fewer numbers than lines")

    def _line(self, name: str, line: Written) -> _Cells:
        yield "line", name
        yield from self._cells(line.content)

    def _cells(self, values: dict[str, Written]) -> _Cells:
        """Texts, and lists of texts; anything else is refused, unless it is empty."""
        for key, value in values.items():
            if isinstance(value.content, str):
                yield key, self._text(key, value)
            elif key in LISTS and all(isinstance(one.content, str) for one in value.content):
                yield key, " ".join("".join(one.content.split()) for one in value.content)
            elif value.content:
                self._error(value, _NO_CELL.get(key, f"a row holds no {key}"))

    def _text(self, key: str, value: Written) -> str:
        found: str = value.content
        if key == "password":
            if found.startswith(_STARTS_A_FORMULA):
                self._error(value, "a spreadsheet takes this password for a formula", at_key=False)
        elif found != found.strip():
            self._error(value, "a cell neither begins nor ends with a space", at_key=False)
        return found

    def _steps(self, sequences: Written) -> _Cells:
        (name, one), *more = sequences.content.items()
        for _, another in more:
            self._error(another, "a row holds one sequence")
        yield "sequence", self._text(name, Written(name, one.key, one.key, "", (0, 0, 0), one.file))
        steps = one.content
        if isinstance(steps, dict):
            for key in ("mode", "on"):
                if key in steps:
                    self._error(steps[key], f"a row holds no {key} of a sequence")
            steps = steps["steps"].content if "steps" in steps else []
        if not 0 < len(steps) <= MOST_STEPS:
            self._error(one, f"a row holds 1 to {MOST_STEPS} steps")
        for index, step in enumerate(steps, 1):
            yield from ((f"{key}_{index}", text) for key, text in self._step(step))

    def _step(self, step: Written) -> _Cells:
        together = step.content.get("together")
        targets = [one.content for one in together.content] if together else [step.content]
        first, *others = [{key: value.plain() for key, value in one.items() if key != "to"}
                          for one in targets]
        if any(one != first for one in others):
            self._error(step, _AT_ONCE, at_key=False)
        for one in targets:
            if "&" in one["to"].content:
                self._error(one["to"], "a cell has & between targets, not in them", at_key=False)
        yield "to", " & ".join(one["to"].content.strip() for one in targets)
        yield from self._cells({key: value for key, value in targets[0].items() if key != "to"})

    def _settle(self, row: dict[str, str], sequences: Written) -> None:
        """Leave out what rows need not say: a sequence of a usual name, in force always."""
        name = row["sequence"]
        if not row.keys() & {"default", "schedule"}:
            self._error(sequences, "a row has a sequence that is in force, by default or schedule")
        if row.get("default") == name and "schedule" not in row:
            del row["default"]
        if name == SEQUENCE:
            del row["sequence"]
