# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures as SVG 1.1: shapes as values, and one function that writes them.

No script, no font, no file from elsewhere. A picture is one image to a screen reader, which reads
its title and the same in words. What colours tell, patterns and words tell too.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from provisioning.pictures.lettering import clean, wrapped

WIDTH = 800
COLUMN = 8
"""Pixels of a column of text: no common monospaced font is wider than 0.61 em."""
LINE = 18
"""From one line of text to the next."""
MARGIN = 12
_WIDE = (WIDTH - 2 * MARGIN) // COLUMN
_FONT = "13px ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Menlo, monospace"


@dataclass(frozen=True, slots=True)
class Scheme:
    """Colours; the contrasts that WCAG 2.2 AA asks for are tested."""

    paper: str
    ink: str
    """Text."""
    edge: str
    """Edges of boxes, and the lines of the scale."""
    hatch: str
    """Lines and dots on boxes; text may stand on them."""
    mark: str
    """The line that says now, and its words."""
    blue: str
    amber: str
    violet: str
    red: str


LIGHT = Scheme("#ffffff", "#000000", "#5f5f5f", "#7c7c7c", "#b00020",
               "#d4e6ff", "#ffe7bd", "#ecdcfb", "#ffdada")
DARK = Scheme("#111418", "#ffffff", "#9aa0a6", "#747474", "#ff9d9d",
              "#0a2748", "#3a2600", "#2b1745", "#430f12")

PLAIN, SLANTED, DOTTED, CROSSED, EMPTY = "plain", "slanted", "dotted", "crossed", "empty"
"""How a box looks."""
_HATCHES = {
    SLANTED: ("amber", "M-2,2 l4,-4 M0,10 l10,-10 M8,12 l4,-4"),
    DOTTED: ("violet", "M4,5 h2 M9,0 h2 M-1,0 h2 M9,10 h2 M-1,10 h2"),
    CROSSED: ("red", "M0,0 l10,10 M0,10 l10,-10"),
}
"""Look -> its colour, and what is drawn on a tile of 10 pixels."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An element of SVG."""

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    inside: "tuple[Shape, ...]" = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Shapes from (0, 0) to (WIDTH, height), and what they show in words."""

    title: str
    words: str
    """All that it says, as lines of text."""
    height: float
    shapes: tuple[Shape, ...]


class Area(NamedTuple):
    """Where a box is, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


def box(area: Area, look: str, says: str) -> Shape:
    """A box; a pointer that rests on it shows what it says."""
    return Shape("rect", {"class": look, **_numbers(**area._asdict())},
                 inside=(Shape("title", text=says),))


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> Shape:
    """A line that looks like ``scale``, ``mark`` or ``wait``."""
    return Shape("line", {"class": look, **_numbers(x1=x1, y1=y1, x2=x2, y2=y2)})


def on(look: str) -> str:
    """How words look in a box of that look: no line of it runs through them."""
    return f"on-{look}"


def words(x: float, y: float, text: str, look: str = "ink", anchor: str = "start") -> Shape:
    """A line of text whose base is at ``y``; ``anchor`` says where in it ``x`` is."""
    side = {} if anchor == "start" else {"text-anchor": anchor}
    return Shape("text", {"class": look, **_numbers(x=x, y=y), **side}, text)


def paragraph(texts: Iterable[str], y: float, x: float = MARGIN, columns: int = _WIDE,
              ) -> tuple[tuple[Shape, ...], float]:
    """These texts below one another, broken into lines, from ``y`` down; and where they end."""
    return lines([line for text in texts for line in wrapped(text, columns)], y, x)


def lines(texts: Sequence[str], y: float, x: float = MARGIN) -> tuple[tuple[Shape, ...], float]:
    """The same of lines that are short enough."""
    shapes = tuple(words(x, y + LINE * index + 13, text) for index, text in enumerate(texts))
    return shapes, y + LINE * len(texts)


def above(parts: Sequence[tuple[str, Picture]], title: str) -> Picture:
    """Pictures as one, the first on top, each under its own title."""
    shapes: list[Shape] = []
    y = 0.0
    for headline, one in parts:
        top = y + MARGIN
        for text in wrapped(headline, _WIDE):
            shapes.append(words(MARGIN, top + 13, text, "ink title"))
            top += LINE
        shapes.append(Shape("g", {"transform": f"translate(0,{_number(top)})"}, inside=one.shapes))
        y = top + one.height
    every = "\n\n".join(f"{headline}\n{one.words}" for headline, one in parts)
    return Picture(title, every, y, tuple(shapes))


def document(picture: Picture, name: str = "picture") -> str:
    """The file. ``name`` becomes its id: pictures of one page have different ones."""
    height = _number(picture.height)
    ids = f"{name}-title", f"{name}-words"
    whole = Shape("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "id": name, "xml:lang": "en",
        "xml:space": "preserve", "role": "img",
        "aria-labelledby": " ".join(ids), "width": str(WIDTH), "height": height,
        "viewBox": f"0 0 {WIDTH} {height}",
    }, inside=(
        Shape("title", {"id": ids[0]}, picture.title),
        Shape("desc", {"id": ids[1]}, picture.words),
        Shape("style", text=_style(name)),
        Shape("defs", inside=tuple(_tile(name, look, *tile) for look, tile in _HATCHES.items())),
        Shape("rect", {"class": "paper", "width": str(WIDTH), "height": height}),
        *picture.shapes))
    tree = _tree(whole)
    ET.indent(tree)
    return ET.tostring(tree, encoding="unicode")


def _tree(shape: Shape) -> ET.Element:
    """ElementTree escapes what is written in texts and attributes."""
    found = ET.Element(shape.tag, dict(shape.attributes))
    if shape.text:
        found.text = "\n".join(map(clean, shape.text.split("\n")))
    found.extend(map(_tree, shape.inside))
    return found


def _tile(name: str, look: str, colour: str, path: str) -> Shape:
    size = {"width": "10", "height": "10"}
    return Shape("pattern", {"id": f"{name}-{look}", "patternUnits": "userSpaceOnUse", **size},
                 inside=(Shape("rect", {"class": colour, **size}),
                         Shape("path", {"class": "hatch", "d": path})))


def _style(name: str) -> str:
    """The rules hold in this picture only, also where it stands in a page."""
    looks = {
        "text": f"font:{_FONT};white-space:pre",
        ".title": "font-weight:bold",
        "rect": "stroke-width:1",
        f".{EMPTY}": "stroke-dasharray:4 3",
        ".wait": "stroke-dasharray:2 3",
        ".mark": "stroke-width:2",
        ".hatch": "stroke-width:1.2;fill:none",
        **{f".{look}": f"fill:url(#{name}-{look})" for look in _HATCHES},
        ", ".join((".mark-words", *(f".{on(look)}" for look in _HATCHES))):
            "paint-order:stroke;stroke-width:4;stroke-linejoin:round",
    }
    dark = "\n  ".join(_rules(name, _colours(DARK)))
    return "\n".join(["", *_rules(name, looks), *_rules(name, _colours(LIGHT)),
                      f"@media (prefers-color-scheme: dark) {{\n  {dark}\n}}", ""])


def _colours(scheme: Scheme) -> dict[str, str]:
    edges = ", ".join(f".{look}" for look in (PLAIN, *_HATCHES, EMPTY, "scale", "wait"))
    colours = asdict(scheme)
    tiles = {f".{colour}": f"fill:{colours[colour]}" for colour, _ in _HATCHES.values()}
    return {
        ".paper": f"fill:{scheme.paper}", ".ink": f"fill:{scheme.ink}",
        ".mark": f"stroke:{scheme.mark}",
        ".mark-words": f"fill:{scheme.mark};stroke:{scheme.paper}",
        **{f".{on(look)}": f"stroke:{colours[colour]}" for look, (colour, _) in _HATCHES.items()},
        ".hatch": f"stroke:{scheme.hatch}", edges: f"stroke:{scheme.edge}",
        f".{PLAIN}": f"fill:{scheme.blue}", f".{EMPTY}": f"fill:{scheme.paper}", **tiles}


def _rules(name: str, rules: Mapping[str, str]) -> list[str]:
    return [", ".join(f"#{name} {part}" for part in selector.split(", ")) + f" {{{rule}}}"
            for selector, rule in rules.items()]


def _numbers(**values: float) -> dict[str, str]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: float) -> str:
    """Two decimals at most, so that a picture is the same everywhere."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
