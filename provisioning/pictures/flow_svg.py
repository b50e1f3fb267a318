# SPDX-License-Identifier: GPL-2.0-or-later
"""A flow drawn: steps from top to bottom, their targets as bars on one axis of seconds."""

from collections.abc import Iterator

from provisioning.pictures import flow_text, svg
from provisioning.pictures.flow import Bar, Flow, Stage
from provisioning.pictures.svg import COLUMN, LINE, MARGIN, WIDTH, Area, Picture, Shape

_TEXT = 42
"""Columns for the words of a target, left of its bar."""
_INDENT = 2 * COLUMN
_LEFT = MARGIN + _INDENT + (_TEXT + 2) * COLUMN
_ANSWER = 10 * COLUMN
"""Room for the box of what answers, which has no length in seconds."""
_RIGHT = WIDTH - MARGIN - _ANSWER
_BAR = 14
_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
"""The scale has a line after each of so many seconds: the first of these that leaves it readable.
"""
_MOST_LINES = 6


def picture(flow: Flow, axis_s: int = 0) -> Picture:
    """The flow as a picture; its axis has at least so many seconds."""
    axis_s = max(axis_s, flow.axis_s)
    head, y = svg.lines(flow_text.headlines(flow), MARGIN)
    top = y + 2 * LINE
    stages: list[Shape] = []
    y = top
    for stage in flow.stages:
        shapes, y = _stage(stage, axis_s, y)
        stages += shapes
    scale = _scale(axis_s, top, y) if flow.stages else ()
    foot, y = svg.lines(flow_text.closing(flow), y + LINE)
    title = f"Flow of a call to {flow.title}: {flow.rule}"
    return Picture(title, "\n".join(flow_text.words(flow)), y + MARGIN,
                   (*head, *scale, *stages, *foot))


def before_and_after(before: Flow | None, after: Flow | None) -> Picture:
    """Both flows as one picture, the old one on top, on the same axis; None: there is none."""
    found = flow_text.both(before, after)
    axis_s = max(flow.axis_s for _, flow in found)
    last = found[-1][1]
    return svg.above([(title, picture(flow, axis_s)) for title, flow in found],
                     f"Flow of a call to {last.title}, {last.rule}, before and after")


def _x(second: float, axis_s: int) -> float:
    return _LEFT + second * (_RIGHT - _LEFT) / axis_s


def _scale(axis_s: int, top: float, bottom: float) -> tuple[Shape, ...]:
    step_s = next((one for one in _STEPS_S if axis_s <= one * _MOST_LINES), axis_s)
    return tuple(shape for second in range(0, axis_s + 1, step_s) for shape in (
        svg.words(_x(second, axis_s), top - 5, f"{second} s", anchor="middle"),
        svg.line(_x(second, axis_s), top, _x(second, axis_s), bottom, "scale")))


def _stage(stage: Stage, axis_s: int, y: float) -> tuple[list[Shape], float]:
    heading, y = svg.paragraph([flow_text.heading(stage)], y + 4, columns=_TEXT + 2)
    shapes = list(heading)
    for bar in stage.bars:
        shapes += _bar(bar, axis_s, y)
        lines, y = svg.paragraph([bar.text], y, MARGIN + _INDENT, _TEXT)
        shapes += lines
    after, y = svg.paragraph([f"then {text}" for text in stage.after], y, MARGIN + _INDENT, _TEXT)
    return [*shapes, *after], y + 4


def _bar(bar: Bar, axis_s: int, y: float) -> Iterator[Shape]:
    def x(second: int) -> float:
        return _x(second, axis_s)

    middle = y + 2 + _BAR / 2
    says = f"{flow_text.times(bar)}: {bar.text}"
    if bar.wait_s:
        yield svg.line(x(bar.start_s), middle, x(bar.rings_from_s), middle, "wait")
    if bar.answers:
        yield svg.box(Area(x(bar.rings_from_s), y + 2, _ANSWER, _BAR), svg.DOTTED, says)
        yield svg.words(x(bar.rings_from_s) + 3, y + 13, "answers", f"ink {svg.on(svg.DOTTED)}")
        return
    for start_s, end_s, look, what in (
            (bar.rings_from_s, bar.rings_to_s, svg.PLAIN, says),
            (bar.rings_to_s, bar.end_s, svg.SLANTED, f"{bar.prompt_s} s to press 1")):
        if start_s < end_s:
            yield svg.box(Area(x(start_s), y + 2, x(end_s) - x(start_s), _BAR), look, what)
    yield from _length(bar, axis_s, y)


def _length(bar: Bar, axis_s: int, y: float) -> Iterator[Shape]:
    """The ring time, in the bar where it fits, else behind it."""
    text = f"{bar.ring_s} s"
    x = _x(bar.rings_from_s, axis_s)
    if len(text) * COLUMN + 4 > _x(bar.rings_to_s, axis_s) - x:
        x = _x(bar.end_s, axis_s)
    yield svg.words(x + 3, y + 13, text)
