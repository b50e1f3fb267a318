# SPDX-License-Identifier: GPL-2.0-or-later
"""A row of a file as a terminal shows it, with the place that is meant."""

from dataclasses import dataclass
from itertools import accumulate

from rich.cells import cell_len

from provisioning.masking import HIDDEN, MASK

TAB = " " * 4
CUT = "…"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A row, or what is around the place that is meant."""

    text: str
    """Printable."""
    caret: int
    """Terminal columns before that place."""

    def pointed(self) -> tuple[str, str]:
        """The row without its margin, and one with a caret to stand below it."""
        margin = min(len(self.text) - len(self.text.lstrip(" ")), self.caret)
        return self.text[margin:], " " * (self.caret - margin) + "^"


def excerpt(row: str, column: int, width: int) -> Excerpt:
    """What of the row is around ``column`` (in characters, from 1) in at most ``width`` columns of
    a terminal; secrets are masked, and what is not printable is ``?``.
    """
    cells = [_cell(one, before) for one, before in zip(row, " " + row, strict=False)]
    widths = [*map(cell_len, cells), 1]  # a caret may stand behind the last character
    index = min(column - 1, len(row))
    while index and not widths[index]:  # within a secret, or a mark above a letter
        index -= 1
    first, last = 0, len(cells)
    if sum(widths) > width:
        first, last = _around(index, widths, width - 2 * len(CUT))
    cuts = CUT * (first > 0), CUT * (last < len(cells))
    return Excerpt("".join(cells[first:last]).join(cuts),
                   len(cuts[0]) + sum(widths[first:index]))


def _cell(one: str, before: str) -> str:
    if one == HIDDEN:
        return MASK if before != HIDDEN else ""
    if one == "\t":
        return TAB
    return one if one.isprintable() else "?"


def _around(index: int, widths: list[int], room: int) -> tuple[int, int]:
    """First and last cell, ``[first, last)``, that have room with ``index`` in the middle; none
    begins with a mark that belongs to the cell before it.
    """
    def fitting(order: range, space: int) -> int:
        return sum(total <= space for total in accumulate(widths[one] for one in order))

    end = len(widths) - 1
    after = range(index, min(end, index + room))
    before = range(index - 1, max(-1, index - 1 - room), -1)
    half = sum(widths[one] for one in before[:fitting(before, room // 2)])
    last = index + fitting(after, room - half)
    first = index - fitting(before, room - sum(widths[index:last]))
    while first < index and not widths[first]:
        first += 1
    return first, last
