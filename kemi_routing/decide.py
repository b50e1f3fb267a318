# SPDX-License-Identifier: GPL-2.0-or-later
"""The one place where routing is decided (DESIGN law 1): the rule that wins, made into a plan."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from kemi_routing import e164, permissions, rules, sequence, steps
from kemi_routing.model import (
    CLI_OF_CALLER,
    CLI_OF_NUMBER,
    DEFAULT_RING_S,
    Call,
    Mode,
    Number,
    Platform,
    Ring,
)
from kemi_routing.permissions import Rights
from kemi_routing.plan import Access, Account, Caller, Plan, Planned, PlannedStep, Remark
from kemi_routing.rules import Choice
from kemi_routing.steps import Key, PlannedBlock
from kemi_routing.targets import MAILBOX, VOICEMAIL, Kind, Target

LOOPED = "loop"
OUTGOING = "outgoing"
OUTGOING_RING_S = 120
DECLINE = (603, "Decline")
LOOP = (482, "Loop Detected")
MAX_HOPS = 10
"""Numbers of ours that one call may be handed over to."""


def decide(call: Call, number: Number, now: datetime, platform: Platform,
           others: Mapping[str, Number] | None = None) -> Plan:
    """Where this call goes, and why. Pure and total; ``now`` is aware.

    ``others`` are numbers of ours that targets name (SPEC T5); ``Plan.wanted`` asks for those
    that are missing.
    """
    grade, no_access = rules.mailbox_grade(call, number)
    choice = rules.choose(call, number, now)
    if grade and (missing := why_skipped(MAILBOX, number.rights, platform)):
        grade, no_access = "", missing
    if number.number in call.diverters:
        return Plan((Account(number.number, number.owner),), (), _caller(call), reject=LOOP,
                    revision=number.revision, rule=LOOPED,
                    lost=(Remark(choice.rule, "the call has come through this number already"),))
    if grade:
        return _mailbox_plan(grade, call, number, platform, choice)
    hunt = _Hunt(call, now, platform, others or {})
    blocks = hunt.blocks(number, choice)
    planned = steps.link(blocks)
    return Plan(
        accounts=tuple(hunt.accounts), steps=planned, caller=_caller(call),
        reject=None if planned else hunt.reject, revision=number.revision, rule=choice.rule,
        lost=(Remark(rules.OWN_MAILBOX, no_access), *choice.lost), skipped=tuple(hunt.skipped),
        handed=tuple(hunt.handed), wanted=frozenset(hunt.wanted))


LookUp = Callable[[Call, frozenset[str]], tuple[Call, Mapping[str, Number]]]
"""What is known of these numbers of ours: that the call came through them, and their records."""


def decide_whole(call: Call, number: Number, now: datetime, platform: Platform, look_up: LookUp,
                 ) -> tuple[Call, Plan]:
    """The plan with all numbers of ours that it leads to, and the call as it is known then.

    ``look_up`` is asked for those that the plan wants, never twice for one.
    """
    others: dict[str, Number] = {}
    asked: frozenset[str] = frozenset()
    plan = decide(call, number, now, platform)
    while missing := plan.wanted - asked:
        call, found = look_up(call, missing)
        others |= found
        asked |= missing
        plan = decide(call, number, now, platform, others)
    return call, plan


def outgoing(call: Call, dialled: str) -> Plan | None:
    """The plan of a call to a number that is nobody's: a line reaches it outside.

    None where the caller may not: a trunk, or a line without a number to present.
    """
    if call.cli is None or not e164.is_number(call.cli):
        return None
    target = Planned(Target(Kind.PSTN, dialled), OUTGOING_RING_S, call.cli, "dialled by a line")
    return Plan(accounts=(Account(dialled, ""),), steps=(PlannedStep((target,)),),
                caller=_caller(call), rule=OUTGOING)


def present_cli(target: Target, number: Number, call: Call) -> str | None:
    """The CLI of a branch (SPEC V5): outside what the number's owner chose, inside the caller."""
    if not target.kind.outside or number.cli == CLI_OF_CALLER:
        return call.cli
    chosen = number.number if number.cli == CLI_OF_NUMBER else number.cli
    return chosen if e164.is_number(chosen) else call.cli


def why_skipped(target: Target, rights: Rights, platform: Platform) -> str | None:
    """Why this target is left out, or None where it may be rung (SPEC M2, P1, P2, P6, T3)."""
    kind = target.kind
    for missing, why in (
            (target in (VOICEMAIL, MAILBOX) and not rights.voicemail,
             "the number has no voicemail permission"),
            (kind.answers and not platform.media_server, "no media server is configured"),
            (kind.outside and not rights.forward_external,
             "permission forward_external is not granted"),
            (kind is Kind.IAX, "no IAX gateway is configured")):
        if missing:
            return why
    if kind is Kind.PSTN:
        return permissions.why_denied(target.address, rights)
    return platform.refused_host(target.host) if kind is Kind.SIP else None


class _Hunt:
    """Collects what a plan is made of, over all numbers that it is handed over to."""

    def __init__(self, call: Call, now: datetime, platform: Platform,
                 others: Mapping[str, Number]) -> None:
        self._call = call
        self._now = now
        self._platform = platform
        self._others = others
        self.accounts: list[Account] = []
        self.skipped: list[Remark] = []
        self.handed: list[Remark] = []
        self.wanted: set[str] = set()
        self.reject: tuple[int, str] | None = None
        """The answer where nothing can be rung, if not the usual one."""

    def blocks(self, number: Number, choice: Choice, by: int = 0) -> list[PlannedBlock]:
        """The blocks of this number, then those of the numbers that it is handed over to."""
        account = len(self.accounts)
        self.accounts.append(Account(number.number, number.owner, number.rights, by,
                                     present_cli(Target(Kind.PSTN), number, self._call)))
        if (choice.sequence.mode or number.mode) is Mode.REJECT:
            self.reject = DECLINE
        own: list[PlannedBlock] = []
        ends: dict[Key, PlannedBlock] = {}
        handed: list[PlannedBlock] = []
        for block in sequence.compile_blocks(number, choice.sequence):
            written, last = block.steps, block.last
            after = end = (account, last[0], True) if last else None
            if last and end and end not in ends:
                ends[end] = PlannedBlock(end, self._kept(number, account, (last,)))
            if other := sequence.hand_over(block):
                written = written[:-1]
                found = self._decided_anew(account, *other)
                handed += found
                after = found[0].key if found else None
            # Where nothing rings before it, the continuations are those of the other number.
            on = {} if after and not end and not written else {
                outcome: (account, name, False) for outcome, name in block.on.items()}
            own.append(PlannedBlock((account, block.name, False),
                                    self._kept(number, account, written), on, after, end))
        return [*own, *ends.values(), *handed]

    def _decided_anew(self, by: int, why: str, ring: Ring) -> list[PlannedBlock]:
        other = self._other(by, ring)
        if other is None:
            return []
        call = self._call
        handed = replace(call, diverted=True, diverters=(self.accounts[by].number, *call.diverters))
        self._call = handed
        choice = rules.choose(handed, other, self._now)
        self.handed.append(Remark(f"{why}, to {other.number}", choice.rule))
        blocks = self.blocks(other, choice, by)
        self._call = call
        return blocks

    def _other(self, account: int, ring: Ring) -> Number | None:
        """The number of a target; None where it is unknown, or on the way to this account."""
        key = ring.target.address
        if key in (self.accounts[account].number, *self._call.diverters):
            self.reject = LOOP
            self.skipped.append(Remark(_named(ring), "the call has come through it already"))
        elif len(self.accounts) > MAX_HOPS:
            self.skipped.append(Remark(_named(ring), f"after {MAX_HOPS} numbers the way ends"))
        elif key not in self._others:
            self.wanted.add(key)
            self.skipped.append(Remark(_named(ring), "nobody owns this number"))
        else:
            return self._others[key]
        return None

    def _kept(self, number: Number, account: int, written: tuple[sequence.Labelled, ...],
              ) -> tuple[tuple[Planned, ...], ...]:
        kept = (tuple(planned for ring in step
                      for planned in self._planned(number, account, why, ring))
                for why, step in written)
        return tuple(filter(None, kept))

    def _planned(self, number: Number, account: int, why: str, ring: Ring) -> list[Planned]:
        reason = why_skipped(ring.target, number.rights, self._platform)
        if ring.confirm and not self._platform.media_server:
            reason = "confirm needs a media server, and none is configured"
        if reason:
            self.skipped.append(Remark(_named(ring), reason))
            return []
        if ring.target.kind is Kind.NUMBER:
            return self._lines_of_other(account, why, ring)
        return [Planned(ring.target, ring.ring_s, present_cli(ring.target, number, self._call), why,
                        ring.label, ring.delay_s, ring.confirm, account,
                        own=ring.target.kind is Kind.LINE)]

    def _lines_of_other(self, account: int, why: str, ring: Ring) -> list[Planned]:
        """In the middle only its lines ring, so its voicemail cannot take the call (SPEC T5)."""
        other = self._other(account, ring)
        if other and not other.lines:
            self.skipped.append(Remark(_named(ring), "it has no lines"))
        return [Planned(Target(Kind.LINE, line.name), ring.ring_s, self._call.cli,
                        f"{why}, line of {other.number}", ring.label, ring.delay_s, ring.confirm,
                        account) for line in other.lines] if other else []


def _mailbox_plan(grade: str, call: Call, number: Number, platform: Platform, choice: Choice,
                  ) -> Plan:
    target = Planned(MAILBOX, DEFAULT_RING_S, why=f"grade {grade}: {rules.GRADES[grade]}")
    lost = (Remark(choice.rule, "own mailbox comes first"), *choice.lost)
    return Plan(
        accounts=(Account(number.number, number.owner, number.rights),),
        steps=(PlannedStep((target,)),), caller=_caller(call),
        access=Access(grade, rules.asks_pin(grade, number, platform),
                      rules.outgoing(grade, number, platform)),
        revision=number.revision, rule=rules.OWN_MAILBOX, lost=lost)


def _caller(call: Call) -> Caller:
    return Caller(call.ani, call.anonymous, call.history, call.cli)


def _named(ring: Ring) -> str:
    return f"{ring.target} ({ring.label})" if ring.label else str(ring.target)
