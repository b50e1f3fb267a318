# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of FreePBX's Bulk Handler: what nobody takes out of them is named."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provisioning import delimited, line_by_line
from provisioning.delimited import Cell
from provisioning.importing import Import
from provisioning.output import counted
from provisioning.problems import Place, Problem, RefusedFiles

SAYS_NOTHING = frozenset({"", "0"})
_USUAL = {"findmefollow_ringing": "Ring"}
"""Columns that nobody takes, with the value that says nothing."""


@dataclass(slots=True)
class Row:
    """A row of a table."""

    start: Cell
    cells: dict[str, Cell]
    taken: set[str] = field(default_factory=set)

    def take(self, column: str) -> Cell:
        """The cell of that column; an empty one where there is none."""
        self.taken.add(column)
        cell = self.cells.get(column, self.start._replace(text=""))
        return cell._replace(text=cell.text.strip())


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, in small letters as the Bulk Handler reads them, and rows."""

    path: Path
    columns: Sequence[str]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class _Lines:
    """A file, as messages show it."""

    rows: dict[int, line_by_line.Row] = field(default_factory=dict)
    """Those of each of its lines."""

    def add(self, row: line_by_line.Row) -> None:
        self.rows.update(dict.fromkeys(range(row.line, row.line + len(row.text.splitlines())), row))

    def problem(self, place: Place, text: str) -> Problem:
        return self.rows[place.line].problem(place, text)


def read(paths: Sequence[Path], ours: Import) -> list[Table]:
    """The tables; raises RefusedFiles with all that is wrong with them."""
    tables = [_table(path, ours) for path in paths]
    if ours.problems.errors:
        ours.problems.settle()
        raise RefusedFiles(ours.problems)
    return tables


def _table(path: Path, ours: Import) -> Table:
    found = delimited.rows(path, ours.problems)
    names = next(found, [])
    ours.files[str(path)] = lines = _Lines()
    columns = [name.text.strip().lower() or f"{index} (without a name)"
               for index, name in enumerate(names, 1)]
    errors = ours.problems.errors
    if names and "extension" not in columns:
        errors.append(names[0].problem("there is no column extension; export the extensions by "
                                       "the Bulk Handler of FreePBX"))
    for column, name in zip(columns, names, strict=True):
        if columns.count(column) > 1:
            errors.append(name.problem(f"the column {column} stands here more than once"))
    rows = []
    for row in found:
        lines.add(row[0].row)
        rows.append(Row(row[0], dict(zip(columns, row, strict=True))))
    if not names and not errors:
        errors.append(Problem(Place(str(path)), "the file is empty"))
    return Table(path, columns, rows)


def say_unused(table: Table, ours: Import) -> None:
    """Name each column that has values which nobody took, where the first of them stands."""
    idle, gone = [], []
    for column in table.columns:
        usual = SAYS_NOTHING | {_USUAL.get(column, "")}
        lost = [row.cells[column] for row in table.rows
                if column not in row.taken and row.cells[column].text.strip() not in usual]
        if lost:
            ours.warn(lost[0].place, f"not kept: column {column}, "
                                     f"{counted(len(lost), 'row')} with a value")
            gone.append(column)
        elif not any(column in row.taken for row in table.rows):
            idle.append(column)
    ours.remarks.append(f"From {table.path.name}, of FreePBX")
    for what, columns in (("not kept: columns", gone), ("columns that say nothing:", idle)):
        if columns:
            ours.remarks.append(f"{what} {', '.join(columns)}")
