# SPDX-License-Identifier: GPL-2.0-or-later
"""The state of a running hunt as one text, to ride in an AVP (STYLE rule 7).

The text is its version and JSON: UTF-8 without NUL, as Kamailio's strings want it. What only
explains a plan stays behind.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from kemi_routing import hunt, targets
from kemi_routing.errors import InvalidValue
from kemi_routing.hunt import Outcome, Tried
from kemi_routing.plan import Access, Plan, Planned, PlannedStep
from kemi_routing.targets import MAILBOX, Target

_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Hunt:
    """How far the execution of a plan has come."""

    number: str
    owner: str
    steps: tuple[PlannedStep, ...]
    access: Access | None = None
    tried: Tried = ()
    """Outcomes of the steps that are over."""
    branches: tuple[int, ...] = ()
    """tm branch index -> target index in the running step; -1 for branches of earlier steps."""
    outcomes: tuple[tuple[Outcome, ...], ...] = ()
    """Outcomes of the running step's branches so far, per target."""
    spiral: bool = False
    """The second pass of one target: its end tells the first pass the outcome."""

    @property
    def running(self) -> PlannedStep:
        """The targets of the running step."""
        return self.steps[len(self.tried)]

    def with_outcome(self, branch: int, outcome: Outcome) -> "Hunt":
        """This hunt after a branch of the running step ended."""
        target = self.branches[branch] if branch < len(self.branches) else -1
        if target < 0:
            return self
        outcomes = list(self.outcomes)
        outcomes[target] = (*outcomes[target], outcome)
        return replace(self, outcomes=tuple(outcomes))

    def step_over(self) -> "Hunt":
        """This hunt after its running step: a target without an outcome was never sent."""
        ended = tuple(hunt.strongest(outcomes) for outcomes in self.outcomes)
        return replace(self, tried=(*self.tried, ended), outcomes=(),
                       branches=(-1,) * len(self.branches))

    def jump_to(self, index: int) -> "Hunt":
        """This hunt with step ``index`` running, the steps before it left out."""
        jumped = ((),) * (index - len(self.tried))
        return replace(self, tried=(*self.tried, *jumped),
                       outcomes=((),) * len(self.steps[index]))


def begin(plan: Plan) -> Hunt:
    """The hunt of a plan before its first step."""
    return Hunt(plan.number, plan.owner, plan.steps, plan.access)


def encode(state: Hunt) -> str:
    """The text of a hunt."""
    access = state.access and [state.access.grade, state.access.ask_pin]
    steps = [[planned_fields(one) for one in step] for step in state.steps]
    return _VERSION + json.dumps(
        [state.number, state.owner, steps, access, state.tried, state.branches, state.outcomes,
         state.spiral], separators=(",", ":"))


def decode(text: str) -> Hunt:
    """The hunt of a text made by ``encode``; raises InvalidValue for any other version."""
    if text[:1] != _VERSION:
        raise InvalidValue(f"a hunt of version {text[:1]!r}; this program reads {_VERSION}")
    number, owner, steps, access, tried, branches, outcomes, spiral = json.loads(text[1:])
    return Hunt(number, owner, tuple(tuple(map(planned, step)) for step in steps),
                Access(*access) if access else None, _outcomes(tried), tuple(branches),
                _outcomes(outcomes), spiral)


def tried_text(tried: Tried) -> str:
    """Outcomes for people: ``busy,no_answer/unreachable``, steps apart by a slash."""
    return "/".join(",".join(step) for step in tried) or "nothing"


def planned_fields(one: Planned) -> list[Any]:
    """A planned target as JSON values; ``planned`` is the way back."""
    return [one.target.text, one.ring_s, one.cli, one.why, one.label]


def planned(fields: list[Any]) -> Planned:
    """The planned target of ``planned_fields``."""
    text, ring_s, cli, why, label = fields
    return Planned(_target(text), ring_s, cli, why, label)


def _target(text: str) -> Target:
    return MAILBOX if text == MAILBOX.text else targets.parse(text)


def _outcomes(steps: list[list[str]]) -> Tried:
    return tuple(tuple(map(Outcome, step)) for step in steps)
