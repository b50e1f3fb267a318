# SPDX-License-Identifier: GPL-2.0-or-later
"""What a number rings, over all numbers of ours that the call is handed over to (SPEC T5)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from kemi_routing import e164, permissions, rules, sequence
from kemi_routing.model import CLI_OF_CALLER, CLI_OF_NUMBER, Call, Mode, Number, Platform, Ring
from kemi_routing.permissions import Rights
from kemi_routing.plan import Account, Planned, PlannedStep, Remark
from kemi_routing.rules import Choice
from kemi_routing.steps import Key, PlannedBlock, link
from kemi_routing.targets import MAILBOX, VOICEMAIL, Kind, Target

DECLINE = (603, "Decline")
LOOP = (482, "Loop Detected")
MAX_HOPS = 10
"""Numbers of ours that one call may be handed over to."""


def present_cli(target: Target, number: Number, call: Call) -> str | None:
    """The CLI of a branch (SPEC V5): outside what the number's owner chose, inside the caller."""
    if not target.kind.outside or number.cli == CLI_OF_CALLER:
        return call.cli
    chosen = number.number if number.cli == CLI_OF_NUMBER else number.cli
    return chosen if e164.is_number(chosen) else call.cli


def why_skipped(target: Target, rights: Rights, platform: Platform) -> str | None:
    """Why this target is left out, or None where it may be rung (SPEC M2, P1, P2, P6, T3)."""
    if target.kind.outside:
        return _why_not_outside(target, rights, platform)
    if target in (VOICEMAIL, MAILBOX) and not rights.voicemail:
        return "the number has no voicemail permission"
    if target.kind.answers and not platform.media_server:
        return "no media server is configured"
    return None


def _why_not_outside(target: Target, rights: Rights, platform: Platform) -> str | None:
    if not rights.forward_external:
        return "permission forward_external is not granted"
    if target.kind is Kind.PSTN:
        if not platform.gateway:
            return "no gateway is configured"
        return permissions.why_denied(target.address, rights)
    if target.kind is Kind.IAX and not platform.iax_gateway:
        return "no IAX gateway is configured"
    return platform.refused_host(target.host)


class Forwarding:
    """What the plan of one call is made of, collected over all numbers that it leads to."""

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

    def steps(self, number: Number, choice: Choice) -> tuple[PlannedStep, ...]:
        """The steps of a call to this number, in which this rule won; none: nothing can be rung.

        Asked once; the other attributes, named like those of ``Plan``, belong to these steps.
        """
        return link(self._blocks(number, choice))

    def _blocks(self, number: Number, choice: Choice, by: int = 0) -> list[PlannedBlock]:
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
        blocks = self._blocks(other, choice, by)
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
        elif ring.confirm and ring.target.kind is Kind.IAX:
            reason = "the prompt of confirm cannot call back an IAX target"
        if reason:
            self.skipped.append(Remark(_named(ring), reason))
            return []
        if ring.target.kind is Kind.NUMBER:
            return self._lines_of_other(account, why, ring)
        cli = present_cli(ring.target, number, self._call)
        return [Planned(ring.target.public, ring.ring_s, cli, why,
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


def _named(ring: Ring) -> str:
    return f"{ring.target} ({ring.label})" if ring.label else str(ring.target)
