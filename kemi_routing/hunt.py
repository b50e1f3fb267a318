# SPDX-License-Identifier: GPL-2.0-or-later
"""What follows from the outcomes of a step (SPEC F2, F6, F8). Pure, like the decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kemi_routing.model import Outcome
from kemi_routing.plan import END, PlannedStep


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the outcome table."""

    when: str
    status: int
    """What the second pass of an internal branch answers, so that the outcome survives."""
    cause: int
    """RFC 4458 cause that voicemail gets."""


OUTCOMES: dict[Outcome, Rule] = {
    Outcome.DECLINED: Rule("603 or any 6xx", status=603, cause=480),
    Outcome.NO_ANSWER: Rule("the ring time ended after a 1xx, or 408, 480, 487",
                            status=408, cause=408),
    Outcome.BUSY: Rule("486", status=486, cause=486),
    Outcome.UNREACHABLE: Rule("not registered, no route, no reply, any other final answer",
                              status=503, cause=404),
}
"""Outcome -> what it means. The first one in this order speaks for a step of several targets."""

CAUSE_UNCONDITIONAL = 302
"""RFC 4458 cause where nothing was rung before voicemail."""

_BY_STATUS = {486: Outcome.BUSY, 408: Outcome.NO_ANSWER, 480: Outcome.NO_ANSWER,
              487: Outcome.NO_ANSWER}
_ORDER = list(OUTCOMES)


@dataclass(frozen=True, slots=True)
class End:
    """The hunt is over: the final answer to the caller (SPEC F8)."""

    status: int
    phrase: str


BUSY_HERE = End(486, "Busy Here")
UNAVAILABLE = End(480, "Temporarily Unavailable")

Tried = tuple[tuple[Outcome, ...], ...]
"""Outcomes per step and target; ``()`` is a step that was jumped over."""


def classify(status: int, *, timed_out: bool = False, replied: bool = True) -> Outcome:
    """The outcome of a branch from its final status (RFC 3261 section 21).

    ``timed_out`` says that our own timer ended it, ``replied`` that a 1xx had come before.
    """
    if timed_out:
        return Outcome.NO_ANSWER if replied else Outcome.UNREACHABLE
    if status >= 600:
        return Outcome.DECLINED
    return _BY_STATUS.get(status, Outcome.UNREACHABLE)


OF_THE_HOP_ITSELF = (408, 503)
"""Of what ``is_out_of_service`` says: our own time-out, and the one 5xx that proxies do not pass on
(RFC 3261 section 16.7). Others may be the callee's, who must not put a gateway out of use.
"""


FLOW_FAILED = 430
"""What a proxy says whose flow to the phone is gone (RFC 5626 section 11.4)."""


def is_out_of_service(status: int, outcome: Outcome) -> bool:
    """Whether a branch ended so that another gateway may do better: 5xx, or no reply (SPEC B2)."""
    return outcome is Outcome.UNREACHABLE and (status == 408 or 500 <= status < 600)


def is_flow_dead(status: int, outcome: Outcome) -> bool:
    """Whether another flow of a phone may reach it: 430 (RFC 5626 section 5.3), or no reply."""
    return outcome is Outcome.UNREACHABLE and status in (408, FLOW_FAILED)


def strongest(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that speaks for several branches; unreachable where there was none."""
    return min(outcomes, key=_ORDER.index, default=Outcome.UNREACHABLE)


def next_step(steps: Sequence[PlannedStep], tried: Tried) -> int | End:
    """Index of the step that comes next, or the final answer. Each step runs at most once."""
    coming = follow(steps[len(tried) - 1], tried[-1]) if tried else 0 if steps else END
    return final_answer(tried) if coming == END else coming


def follow(step: PlannedStep, outcomes: Sequence[Outcome]) -> int:
    """Index of the step after this one, END where there is none."""
    said = strongest(outcomes)
    for outcome, index in step.on:
        if outcome is said:
            return index
    return step.end if _own_line_declined(step, outcomes) else step.then


def final_answer(tried: Tried) -> End:
    """486 where all that was tried was busy, 480 otherwise (SPEC F8)."""
    outcomes = [outcome for step in tried for outcome in step]
    return BUSY_HERE if set(outcomes) == {Outcome.BUSY} else UNAVAILABLE


def voicemail_cause(tried: Tried) -> int:
    """Why the call goes to voicemail, as an RFC 4458 cause."""
    outcomes = [outcome for step in tried for outcome in step]
    return OUTCOMES[strongest(outcomes)].cause if outcomes else CAUSE_UNCONDITIONAL


def _own_line_declined(step: PlannedStep, outcomes: Sequence[Outcome]) -> bool:
    return any(outcome is Outcome.DECLINED and planned.own
               for planned, outcome in zip(step.targets, outcomes, strict=False))
