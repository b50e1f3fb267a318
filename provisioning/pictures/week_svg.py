# SPDX-License-Identifier: GPL-2.0-or-later
"""A week drawn: a row for each day of the wall clock, a box for each span, its rule in the key.

Minutes that come twice are drawn one above the other, those that are left out have no box.
"""

from collections.abc import Iterator, Mapping, Sequence

from kemi_routing.schedule import Rank
from provisioning.pictures import svg, week_text
from provisioning.pictures.lettering import columns
from provisioning.pictures.svg import COLUMN, LINE, MARGIN, WIDTH, Area, Picture, Shape
from provisioning.pictures.week import DAY_S, Day, Piece, Span, Week, clock

LOOKS = {Rank.WEEKLY: svg.PLAIN, Rank.DATED: svg.SLANTED, Rank.HOLIDAY: svg.DOTTED,
         Rank.OVERRIDE: svg.CROSSED, Rank.DEFAULT: svg.EMPTY}

_LEFT = MARGIN + 20 * COLUMN
_SCALE = (WIDTH - MARGIN - _LEFT) / DAY_S
_ROW = 50
_STRIP = 18
"""The upper part of a row, for the words of the line that says now."""
_BOX = _ROW - _STRIP
_HALVES = {0: (0.0, 1.0), 1: (0.0, 0.5), 2: (0.5, 0.5)}
"""Turn of a piece -> where it begins in the height of its row, and how much it has of it."""

Keys = Mapping[tuple[str, str], int]
"""Text of a span and its rank -> its number in the key."""


def picture(week: Week) -> Picture:
    """The week as a picture."""
    keys = _keys(week)
    head, y = svg.lines(week_text.headlines(week), MARGIN)
    rows, y = _rows(week, keys, y + LINE)
    key, y = _key(week, keys, y + LINE)
    leads, y = svg.lines(["What rings", *week_text.leads(week)], y + LINE)
    title = (f"Week of {week.number.number} from {week.days[0].text} to {week.days[-1].text}, "
             f"{week.mark} {week.at:%a %H:%M}")
    return Picture(title, "\n".join(week_text.words(week)), y + MARGIN,
                   (*head, *rows, *key, *leads))


def before_and_after(before: Week, after: Week) -> Picture:
    """Both weeks as one picture, the old one on top."""
    return svg.above((("before", picture(before)), ("after", picture(after))),
                     f"Week of {after.number.number} before and after")


def _keys(week: Week) -> Keys:
    found = dict.fromkeys(_identity(span) for day in week.days for span in day.spans)
    return {identity: index for index, identity in enumerate(found, 1)}


def _identity(span: Span) -> tuple[str, str]:
    return span.text, span.applied.rank


def _x(second: float) -> float:
    return _LEFT + second * _SCALE


def _rows(week: Week, keys: Keys, y: float) -> tuple[tuple[Shape, ...], float]:
    top, bottom = y + LINE, y + LINE + _ROW * len(week.days)
    scale = [shape for hour in range(0, 25, 3) for shape in (
        svg.words(_x(hour * 3600), y + 13, clock(hour * 3600)[:2], anchor="middle"),
        svg.line(_x(hour * 3600), top, _x(hour * 3600), bottom, "scale"))]
    rows = [shape for index, day in enumerate(week.days)
            for shape in _day(day, week, keys, top + _ROW * index)]
    return (*scale, *rows), bottom


def _day(day: Day, week: Week, keys: Keys, y: float) -> Iterator[Shape]:
    yield svg.words(MARGIN, y + _STRIP + 13, day.text)
    for turn in day.turns:
        yield svg.words(MARGIN, y + _ROW - 4, str(turn))
    for span in day.spans:
        for piece in span.pieces:
            yield from _piece(span, piece, day, keys, y + _STRIP)
    if day is week.today:
        yield from _now(week, y)


def _piece(span: Span, piece: Piece, day: Day, keys: Keys, y: float) -> Iterator[Shape]:
    begin, share = _HALVES[piece.turn]
    x, width = _x(piece.first_s), (piece.last_s - piece.first_s) * _SCALE
    area = Area(x, y + _BOX * begin, width, _BOX * share)
    look = LOOKS[span.applied.rank]
    yield svg.box(area, look, f"{day.text} {span.hours}: {span.text}")
    if text := _fitting(span, keys, width):
        yield svg.words(x + 3, area.y + area.height / 2 + 5, text, f"ink {svg.on(look)}")


def _fitting(span: Span, keys: Keys, width: float) -> str:
    """What fits into a box: its number in the key and where it leads, the number, or nothing."""
    number = str(keys[_identity(span)])
    name = "gap" if span.gap else span.applied.sequence or ""
    return next((text for text in (f"{number} {name}", number)
                 if columns(text) * COLUMN <= width - 4), "")


def _now(week: Week, y: float) -> Sequence[Shape]:
    x = _x(week.now_s)
    late = week.now_s > DAY_S / 2
    # It ends above the words of the boxes.
    return (svg.line(x, y + 2, x, y + _STRIP + 5, "mark"),
            svg.words(x + (-4 if late else 4), y + 13, f"{week.mark} {week.at:%H:%M}", "mark-words",
                      "end" if late else "start"))


def _key(week: Week, keys: Keys, y: float) -> tuple[tuple[Shape, ...], float]:
    """Each rule with its box, its number and its words."""
    shapes: list[Shape] = []
    for (text, rank), number in keys.items():
        look, meaning = LOOKS[Rank(rank)], week_text.MEANING[Rank(rank)]
        shapes.append(svg.box(Area(MARGIN, y + 2, 24, 13), look, meaning))
        lines, y = svg.paragraph([f"{number} {text}"], y, MARGIN + 32, 92)
        shapes += lines
    return tuple(shapes), y
