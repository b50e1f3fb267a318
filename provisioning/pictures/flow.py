# SPDX-License-Identifier: GPL-2.0-or-later
"""The flow of a call: what ``explain`` says of a plan, step by step on one axis of seconds.

A step that only an outcome leads to begins at 0 on the axis: its seconds count from that outcome.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kemi_routing.explain import Explained, Ringing, Together, Why, end_text, target_text
from kemi_routing.model import Outcome
from kemi_routing.targets import Kind

SHORTEST_S = 10
"""An axis is never shorter."""
_OF_OTHERS = ", line of "
"""In ``why`` of a line that is not the owner's."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A target: after ``wait_s`` seconds of its step it rings, and may have to press 1."""

    target: str
    label: str
    start_s: int
    """Where its step begins on the axis."""
    wait_s: int
    ring_s: int
    prompt_s: int
    """What the prompt of ``confirm`` may take after its ring time; 0: there is none."""
    answers: bool
    """The media server answers at once; then there are no times."""
    if_registered: bool

    @property
    def rings_from_s(self) -> int:
        """Where it begins to ring on the axis."""
        return self.start_s + self.wait_s

    @property
    def rings_to_s(self) -> int:
        """Where it has rung out."""
        return self.rings_from_s + self.ring_s

    @property
    def end_s(self) -> int:
        """Where its prompt is over too."""
        return self.rings_to_s + self.prompt_s

    @property
    def text(self) -> str:
        """The target and what holds for it; its label last, whatever the direction of its letters.
        """
        parts = [self.target]
        if self.if_registered:
            parts.append("if registered")
        if self.wait_s:
            parts.append(f"{self.wait_s} s later, or as soon as nothing else rings")
        if self.prompt_s:
            parts.append(f"then {self.prompt_s} s to press 1")
        return ", ".join(parts) + (f" ({self.label})" if self.label else "")


@dataclass(frozen=True, slots=True)
class Stage:
    """A step: its targets ring together."""

    title: str
    when: tuple[str, ...]
    """The ways that lead here beside the step before it: ``if busy in step 1 of day``."""
    start_s: int
    aside: bool
    """Not reached where all rings out: its seconds count from the outcome that leads here."""
    bars: tuple[Bar, ...]
    after: tuple[str, ...]
    """What comes next where that is not simply the next step in the picture."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A decision as a picture shows it."""

    title: str
    at: str
    rule: str
    stages: tuple[Stage, ...]
    handed: tuple[str, ...]
    skipped: tuple[str, ...]
    end: str
    longest_s: int

    @property
    def axis_s(self) -> int:
        """The seconds that the axis must have at least."""
        return max([SHORTEST_S, *(bar.end_s for stage in self.stages for bar in stage.bars)])


def of(explained: Explained) -> Flow:
    """The flow of a decision."""
    owner = f" of {explained['owner']}" if explained["owner"] else ""
    return Flow(
        title=f"{explained['number']}{owner}, revision {explained['revision']}",
        at=f"{datetime.fromisoformat(explained['at']):%a %Y-%m-%d %H:%M} "
           f"{explained['at'][-6:]} ({explained['zone']})",
        rule=explained["rule"],
        stages=tuple(_stages(explained)),
        handed=tuple(map(_remark, explained["handed_over"])),
        skipped=tuple(map(_remark, explained["skipped"])),
        end=end_text(explained),
        longest_s=explained["longest_setup_s"])


def in_a_line(explained: Explained) -> str:
    """What rings where nobody answers, in words; beyond a hand-over others decide."""
    parts = [" and ".join(map(_briefly, step["targets"])) for step in explained["steps"]
             if step["starts_after_s"] is not None and step["account"] == explained["number"]]
    if explained["handed_over"]:
        parts.append(f"handed over ({explained['handed_over'][0]['what']})")
    elif not explained["end"]["media"]:
        parts.append(f"the answer {end_text(explained)}")
    outcomes = dict.fromkeys(_spoken(outcome) for step in explained["steps"]
                             for outcome in step["on"])
    another = f"; another way if {', '.join(outcomes)}" if outcomes else ""
    return ", then ".join(parts) + another


def _briefly(one: Ringing) -> str:
    if Kind(one["kind"]).answers:
        return target_text(one)
    later = f" ({one['delay_s']} s later)" if one["delay_s"] else ""
    return f"{target_text(one)} {one['ring_s']} s{later}"


def _stages(explained: Explained) -> Iterator[Stage]:
    steps = explained["steps"]
    starts: dict[int | str, int] = {}
    for number, step in enumerate(steps, 1):
        aside = step["starts_after_s"] is None
        ways = [f"if {_spoken(way)}" for way in step["reached_by"]]
        if aside and not ways and number not in starts:
            ways = ["otherwise"]
        start_s = step["starts_after_s"] or (0 if ways else starts.get(number, 0))
        if aside:
            over_s = start_s + max(one["over_s"] for one in step["targets"])
            starts[step["then"]] = max(over_s, starts.get(step["then"], 0))
        yield Stage(
            title=_title(explained, step), when=tuple(ways), start_s=start_s, aside=aside,
            bars=tuple(_bar(one, start_s) for one in step["targets"]),
            after=tuple(_after(explained, number, step)))


def _bar(one: Ringing, start_s: int) -> Bar:
    answers = Kind(one["kind"]).answers
    ring_s = 0 if answers else one["ring_s"]
    return Bar(
        target=target_text(one), label=one["label"], start_s=start_s, wait_s=one["delay_s"],
        ring_s=ring_s, prompt_s=0 if answers else one["over_s"] - one["delay_s"] - ring_s,
        answers=answers, if_registered=one["if_registered"])


def _title(explained: Explained, step: Together) -> str:
    """As its row is labelled in ``explain``, but for whose line each target is."""
    label = step["targets"][0]["why"].partition(_OF_OTHERS)[0]
    other = step["account"] != explained["number"]
    return f"{label} of {step['account']}" if other else label


def _after(explained: Explained, number: int, step: Together) -> Iterator[str]:
    steps = explained["steps"]

    def named(following: int | str) -> str:
        return _title(explained, steps[following - 1]) if isinstance(following, int) else "end"

    for outcome, following in step["on"].items():
        yield f"if {_spoken(outcome)}: {named(following)}"
    own = any(one["if_registered"] and _OF_OTHERS not in one["why"] for one in step["targets"])
    if own and Outcome.DECLINED not in step["on"] and step["if_declined"] != step["then"]:
        yield f"if the own line declines: {named(step['if_declined'])}"
    usual = number + 1 if number < len(steps) else "end"
    if step["then"] != usual and not Kind(step["targets"][0]["kind"]).answers:
        yield f"otherwise: {named(step['then'])}"


def _remark(one: Why) -> str:
    return f"{one['what']}: {one['why']}"


def _spoken(outcome: str) -> str:
    """``no answer`` for ``no_answer``."""
    return outcome.replace(Outcome.NO_ANSWER, "no answer", 1)
