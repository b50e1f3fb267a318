# SPDX-License-Identifier: GPL-2.0-or-later
"""A flow in words, for 80 columns, a pipe or an ear; with bars of letters where wanted."""

from collections.abc import Iterator

from kemi_routing.limits import LONG_SETUP_S
from provisioning.pictures.flow import Bar, Flow, Stage
from provisioning.pictures.lettering import hanging

BAR_COLUMNS = 24


def words(flow: Flow) -> list[str]:
    """All that the pictures of a flow say, line by line."""
    return [*headlines(flow), *_stages(flow, 0), *closing(flow)]


def as_text(flow: Flow, axis_s: int = 0) -> str:
    """The words, with a bar of letters for each target on one axis of at least so many seconds."""
    axis_s = max(axis_s, flow.axis_s)
    return "\n".join([*headlines(flow), *_stages(flow, axis_s), *closing(flow)])


def before_and_after(before: Flow | None, after: Flow | None) -> str:
    """Both flows as text, the old one on top, on the same axis; None: there is none."""
    found = both(before, after)
    axis_s = max(flow.axis_s for _, flow in found)
    return "\n\n".join(f"{title}\n{as_text(flow, axis_s)}" for title, flow in found)


def both(before: Flow | None, after: Flow | None) -> list[tuple[str, Flow]]:
    """Those that there are, under their titles."""
    return [(title, flow) for title, flow in (("before", before), ("after", after)) if flow]


def headlines(flow: Flow) -> list[str]:
    """Whose flow it is, and by which rule."""
    return [*hanging("", flow.title), *hanging("at       ", flow.at),
            *hanging("rule     ", flow.rule)]


def closing(flow: Flow) -> list[str]:
    """What is not rung, and how it ends."""
    return [line for title, texts in (
        ("handed", flow.handed), ("skipped", flow.skipped), ("longest", (longest(flow),)),
        ("end", (flow.end,))) for text in texts for line in hanging(f"{title:<9}", text)]


def longest(flow: Flow) -> str:
    """The longest possible set-up."""
    late = flow.longest_s > LONG_SETUP_S
    warning = f"; many networks give a call up after {LONG_SETUP_S} s" if late else ""
    return f"{flow.longest_s} s until the end where nobody answers{warning}"


def heading(stage: Stage) -> str:
    """When a step comes, and what it is called."""
    ways = " or ".join(stage.when)
    if not stage.aside:
        return f"at {stage.start_s} s: {stage.title}" + (f"; also {ways}" if ways else "")
    if not ways:
        return f"{stage.start_s} s after that: {stage.title}"
    return f"{ways}: {stage.title}, seconds from then on"


def times(bar: Bar) -> str:
    """``20-50 s``, seconds of the axis."""
    return "answers" if bar.answers else f"{bar.rings_from_s}-{bar.rings_to_s} s"


def _stages(flow: Flow, axis_s: int) -> Iterator[str]:
    for stage in flow.stages:
        yield from hanging("", heading(stage))
        for bar in stage.bars:
            drawn = f"{_drawn(bar, axis_s):<{BAR_COLUMNS}}  " if axis_s else ""
            yield from hanging(f"  {times(bar):<10} {drawn}", bar.text)
        for text in stage.after:
            yield from hanging("  then     ", text)


def _drawn(bar: Bar, axis_s: int) -> str:
    """``.`` waits, ``=`` rings, ``+`` is asked to press 1, ``>`` answers."""
    scale = BAR_COLUMNS / axis_s
    drawn = ""
    for second, sign in ((bar.start_s, " "), (bar.rings_from_s, "."), (bar.rings_to_s, "="),
                         (bar.end_s, "+")):
        drawn += sign * (round(second * scale) - len(drawn))
    return drawn[:BAR_COLUMNS - 1] + ">" if bar.answers else drawn
