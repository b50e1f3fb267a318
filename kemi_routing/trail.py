# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened to the branches of a call, as one short text that grows while they ring.

It rides in the AVP of the hunt, so writing costs a few characters; reading is for later. Times are
milliseconds since the call began, ``branch`` is tm's index, ``step`` and ``target`` those of the
plan.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_APART = ";"
_STEP, _HOPS, _WHO, _ELSEWHERE, _ENDED, _ANSWERED, _PLACE = "shbfeap"


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one branch."""

    step: int
    target: int
    sent_ms: int
    hop: str = ""
    """``host:port`` of the gateway or media server that got it; empty where it needs none."""
    rang_ms: int | None = None
    """When its first 180 or 183 came."""
    over_ms: int | None = None
    """When it ended or answered; None: it had done neither when this was written."""
    status: int = 0
    """Its final answer; 0: none, as where our own timer ended it."""
    outcome: str = ""
    """``answered`` or a value of ``Outcome``; empty where ``over_ms`` is None."""


ANSWERED = "answered"


def step(index: int, at_ms: int) -> str:
    """A step begins: its INVITEs are sent."""
    return f"{_APART}{_STEP}{index},{at_ms}"


def hops(each: Iterable[str]) -> str:
    """Where the targets of the running step are sent to."""
    return f"{_APART}{_HOPS}{'|'.join(map(_place, each))}"


def who(branches: Sequence[int]) -> str:
    """The targets of the running step by branch; -1 for branches of others."""
    return f"{_APART}{_WHO}{','.join(map(str, branches))}"


def elsewhere(branch: int, at_ms: int, hop: str) -> str:
    """A branch is sent later than its step, to another hop."""
    return f"{_APART}{_ELSEWHERE}{branch},{at_ms},{_place(hop)}"


def ended(branch: int, at_ms: int, status: int, outcome: str) -> str:
    """A branch ended without an answer; ``status`` 0: our own timer ended it."""
    return f"{_APART}{_ENDED}{branch},{at_ms},{status},{outcome}"


def answered(branch: int, at_ms: int, status: int) -> str:
    """A branch answered."""
    return f"{_APART}{_ANSWERED}{branch},{at_ms},{status}"


def rang(branch: int, at_ms: int) -> str:
    """A branch rings; these texts stand in a text of their own, whose clock may be another."""
    return f"{_APART}{branch},{at_ms}"


def has_rung(ringing: str, branch: int) -> bool:
    """Whether that text tells of this branch already."""
    return f"{_APART}{branch}," in ringing


def _place(hop: str) -> str:
    """Without the transport."""
    return hop.partition(_APART)[0]


@dataclass(slots=True)
class _Step:
    index: int
    at_ms: int
    hops: list[str] = field(default_factory=list)
    who: dict[int, int] = field(default_factory=dict)

    def hop(self, target: int) -> str:
        return self.hops[target] if target < len(self.hops) else ""


def second_pass(step_: int, target: int) -> str:
    """How the trail of a second pass begins: which target of the first pass it rings."""
    return f"{_APART}{_PLACE}{step_},{target}"


class _Reader:
    def __init__(self) -> None:
        self.place: tuple[int, int] | None = None
        self.steps: list[_Step] = []
        self.elsewhere: dict[int, tuple[int, str]] = {}
        self.ends: dict[int, tuple[int, int, str]] = {}

    def take(self, event: str) -> None:
        """Raises ValueError or IndexError."""
        kind, words = event[:1], event[1:].split(",")
        match kind:
            case "s":
                self.steps.append(_Step(int(words[0]), int(words[1])))
            case "h":
                self.steps[-1].hops = event[1:].split("|")
            case "b":
                targets = ((branch, int(word)) for branch, word in enumerate(words) if word)
                self.steps[-1].who |= {branch: one for branch, one in targets if one >= 0}
            case "f":
                self.elsewhere[int(words[0])] = int(words[1]), words[2]
            case "e":
                self.ends[int(words[0])] = int(words[1]), int(words[2]), words[3]
            case "a":
                self.ends[int(words[0])] = int(words[1]), int(words[2]), ANSWERED
            case "p":
                self.place = int(words[0]), int(words[1])
            case _:
                raise ValueError(event)


@dataclass(frozen=True, slots=True)
class Trail:
    """What such a text tells."""

    steps: tuple[int, ...]
    """The steps that began, in order."""
    rows: tuple[Row, ...]
    """A row for each branch, step by step."""
    place: tuple[int, int] | None = None
    """Of a second pass: step and target of the first pass that it rings."""


def read(trail: str, ringing: str = "", began_ms: int = 0) -> Trail:
    """Raises ValueError for any other text; ``began_ms`` is when the call began by the clock of
    ``ringing``.
    """
    reader = _Reader()
    try:
        for event in filter(None, trail.split(_APART)):
            reader.take(event)
        pairs = (one.split(",") for one in filter(None, ringing.split(_APART)))
        rings = {int(branch): int(at_ms) - began_ms for branch, at_ms in pairs}
    except (IndexError, ValueError) as error:
        raise ValueError(f"not the trail of a call: {trail!r}") from error
    rows = (_row(reader, one, branch, rings) for one in reader.steps for branch in sorted(one.who))
    return Trail(tuple(one.index for one in reader.steps), tuple(rows), reader.place)


def _row(reader: _Reader, one: _Step, branch: int, rings: dict[int, int]) -> Row:
    target = one.who[branch]
    sent_ms, hop = reader.elsewhere.get(branch, (one.at_ms, one.hop(target)))
    over_ms, status, outcome = reader.ends.get(branch, (None, 0, ""))
    return Row(one.index, target, sent_ms, hop, rings.get(branch), over_ms, status, outcome)
