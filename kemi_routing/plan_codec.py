# SPDX-License-Identifier: GPL-2.0-or-later
"""The state of a running hunt as one text, to ride in an AVP (STYLE rule 7).

The text is its version and JSON: UTF-8 without NUL, as Kamailio's strings want it. What only
explains a plan stays behind.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from kemi_routing import hunt, targets, trail
from kemi_routing.errors import InvalidValue
from kemi_routing.hunt import Tried
from kemi_routing.model import Outcome
from kemi_routing.permissions import NumberClass, Rights
from kemi_routing.plan import Access, Account, Caller, Outgoing, Plan, Planned, PlannedStep
from kemi_routing.targets import MAILBOX, Target

UNKNOWN = "?"
"""In ``Hunt.hops``."""

_VERSION = "4"


@dataclass(frozen=True, slots=True)
class Hunt:
    """How far the execution of a plan has come."""

    accounts: tuple[Account, ...]
    steps: tuple[PlannedStep, ...]
    caller: Caller = Caller()
    access: Access | None = None
    tried: Tried = ()
    """Outcomes of the steps that are over."""
    branches: tuple[int, ...] = ()
    """tm branch index -> target index in the running step; -1 for branches of earlier steps."""
    outcomes: tuple[tuple[Outcome, ...], ...] = ()
    """Outcomes of the running step's branches so far, per target."""
    early_media: bool = False
    """The caller's trunk wants the early media of a target that rings alone (SPEC F11)."""
    spiral: bool = False
    """The second pass of one target: its end tells the first pass the outcome."""
    waiting: tuple[str, ...] = ()
    """Per target of the running step what `start_delay` knows of its delay; "": it rings."""
    contacts: tuple[str, ...] = ()
    """Where a phone of a second pass asks the call to go (302), as Contact values."""
    hops: tuple[str, ...] = ()
    """Per target of the running step the hop that its branch goes to, if it may go to another one
    or by name; ``UNKNOWN``: its second pass waits for the meaning of the name.
    """
    began_ms: int = 0
    """When the call began, by a monotonic clock that all processes share."""
    answered: bool = False
    """An answer went to the caller: what comes now is a repetition."""
    received_ms: int = 0
    """When the call came, UTC epoch: names it in its call record; 0: none is kept."""
    trail: str = ""
    """What happened to its branches."""

    @property
    def number(self) -> str:
        """The number that was called."""
        return self.accounts[0].number

    @property
    def running(self) -> PlannedStep:
        """The step that rings."""
        return self.steps[len(self.tried)]

    def target_of(self, branch: int) -> int | None:
        """Index of a branch's target in the running step; None for branches of earlier steps."""
        target = self.branches[branch] if branch < len(self.branches) else -1
        return target if target >= 0 else None

    def with_outcome(self, branch: int, outcome: Outcome, told: str = "") -> "Hunt":
        """This hunt after a branch of the running step ended; ``told`` goes to its trail."""
        target = self.target_of(branch)
        if target is None:
            return self
        outcomes = list(self.outcomes)
        outcomes[target] = (*outcomes[target], outcome)
        return replace(self, outcomes=tuple(outcomes), trail=self.trail + told)

    def step_over(self) -> "Hunt":
        """This hunt after its running step: a target without an outcome was never sent."""
        ended = tuple(hunt.strongest(outcomes) for outcomes in self.outcomes)
        return replace(self, tried=(*self.tried, ended), outcomes=(),
                       branches=(-1,) * len(self.branches),
                       trail=self.trail + trail.who(self.branches))

    def jump_to(self, index: int, told: str = "") -> "Hunt":
        """This hunt with step ``index`` running, the steps before it left out; ``told`` goes to
        its trail.
        """
        jumped = ((),) * (index - len(self.tried))
        return replace(self, tried=(*self.tried, *jumped),
                       outcomes=((),) * len(self.steps[index].targets), trail=self.trail + told)


def begin(plan: Plan) -> Hunt:
    """The hunt of a plan before its first step."""
    return Hunt(plan.accounts, plan.steps, plan.caller, plan.access)


def encode(state: Hunt) -> str:
    """The text of a hunt."""
    access = state.access and [state.access.grade, state.access.ask_pin, state.access.outgoing]
    return _VERSION + json.dumps(
        [list(map(account_fields, state.accounts)), list(map(_step_fields, state.steps)),
         [state.caller.ani, state.caller.anonymous, state.caller.history, state.caller.cli],
         access, state.tried, state.branches, state.outcomes, state.early_media, state.spiral,
         state.waiting, state.contacts, state.hops, state.began_ms, state.answered,
         state.received_ms, state.trail],
        separators=(",", ":"))


def decode(text: str) -> Hunt:
    """The hunt of a text made by ``encode``; raises InvalidValue for any other version."""
    if text[:1] != _VERSION:
        raise InvalidValue(f"a hunt of version {text[:1]!r}; this program reads {_VERSION}")
    (accounts, steps, caller, access, tried, branches, outcomes, early_media, spiral, waiting,
     contacts, hops, began_ms, answered, *told) = json.loads(text[1:])
    return Hunt(tuple(map(account, accounts)), tuple(map(_step, steps)), Caller(*caller),
                _access(access) if access else None, _outcomes(tried), tuple(branches),
                _outcomes(outcomes), early_media, spiral, tuple(waiting), tuple(contacts),
                tuple(hops), began_ms, answered, *told)


def tried_text(tried: Tried) -> str:
    """Outcomes for people: ``busy,no_answer/unreachable``, steps apart by a slash."""
    return "/".join(",".join(step) for step in tried) or "nothing"


def planned_fields(one: Planned) -> list[Any]:
    """A planned target as JSON values; ``planned`` is the way back."""
    return [one.target.text, one.ring_s, one.cli, one.why, one.label, one.delay_s, one.confirm,
            one.account, one.own, one.redirected]


def planned(fields: list[Any]) -> Planned:
    """The planned target of ``planned_fields``."""
    text, *others = fields
    return Planned(_target(text), *others)


def account_fields(one: Account) -> list[Any]:
    """A number of the plan as JSON values; ``account`` is the way back."""
    rights = one.rights
    return [one.number, one.owner, rights.voicemail, rights.forward_external,
            [[row.prefix, row.name, row.allowed] for row in rights.classes], rights.max_calls,
            rights.max_calls_per_hour, rights.follow_redirects, rights.outgoing, one.by, one.cli]


def account(fields: list[Any]) -> Account:
    """The number of ``account_fields``."""
    number, owner, voicemail, external, classes, *others, by, cli = fields
    rows = tuple(NumberClass(*row) for row in classes)
    return Account(number, owner, Rights(voicemail, external, rows, *others), by, cli)


def _access(fields: list[Any]) -> Access:
    grade, ask_pin, outgoing = fields
    return Access(grade, ask_pin, Outgoing(outgoing))


def _step_fields(step: PlannedStep) -> list[Any]:
    return [list(map(planned_fields, step.targets)), step.then, step.end, step.on]


def _step(fields: list[Any]) -> PlannedStep:
    targets, then, end, on = fields
    return PlannedStep(tuple(map(planned, targets)), then, end,
                       tuple((Outcome(outcome), index) for outcome, index in on))


def _target(text: str) -> Target:
    return MAILBOX if text == MAILBOX.text else targets.parse(text)


def _outcomes(steps: list[list[str]]) -> Tried:
    return tuple(tuple(map(Outcome, step)) for step in steps)
