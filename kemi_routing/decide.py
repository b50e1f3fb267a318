# SPDX-License-Identifier: GPL-2.0-or-later
"""The one place where routing is decided (DESIGN law 1): the rule that wins, made into a plan."""

from collections.abc import Callable, Mapping
from datetime import datetime

from kemi_routing import e164, permissions, rules
from kemi_routing.errors import Forbidden
from kemi_routing.forwarding import LOOP, Forwarding, present_cli, why_skipped
from kemi_routing.model import DEFAULT_RING_S, Call, Number, Platform
from kemi_routing.plan import Access, Account, Caller, Plan, Planned, PlannedStep, Remark
from kemi_routing.rules import Choice
from kemi_routing.targets import MAILBOX, Kind, Target

LOOPED = "loop"
OUTGOING = "outgoing"
OUTGOING_RING_S = 120


def decide(call: Call, number: Number, now: datetime, platform: Platform,
           others: Mapping[str, Number] | None = None) -> Plan:
    """Where this call goes, and why. Pure and total; ``now`` is aware.

    ``others`` are numbers of ours that targets name (SPEC T5); ``Plan.wanted`` asks for those
    that are missing.
    """
    grade, no_access = rules.mailbox_grade(call, number)
    if grade and (missing := why_skipped(MAILBOX, number.rights, platform)):
        grade, no_access = "", missing
    choice = rules.choose(call, number, now, rules.OWN_MAILBOX if grade else "")
    if number.number in call.diverters:
        return Plan((Account(number.number, number.owner),), (), _caller(call), reject=LOOP,
                    revision=number.revision, rule=LOOPED,
                    lost=(Remark(choice.rule, "the call has come through this number already"),))
    if grade:
        return _mailbox_plan(grade, call, number, platform, choice)
    forwarding = Forwarding(call, now, platform, others or {})
    steps = forwarding.steps(number, choice)
    return Plan(
        accounts=tuple(forwarding.accounts), steps=steps, caller=_caller(call),
        reject=None if steps else forwarding.reject, revision=number.revision, rule=choice.rule,
        lost=(Remark(rules.OWN_MAILBOX, no_access), *choice.lost),
        skipped=tuple(forwarding.skipped), handed=tuple(forwarding.handed),
        wanted=frozenset(forwarding.wanted))


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


def outgoing(call: Call, number: Number, dialled: str) -> Plan:
    """The plan of a call outside that the owner of a number makes, from a line or from the mailbox
    menu: with the number's classes, caps and CLI (SPEC V4, V5). Raises Forbidden.
    """
    target = Target(Kind.PSTN, dialled)
    cli = present_cli(target, number, call)
    why = permissions.why_denied(dialled, number.rights)
    if cli is None or not e164.is_number(cli):
        why = "it has no number to show"
    if why:
        raise Forbidden(f"{number.number}: {why}")
    where = "by a line" if call.line else "in the mailbox menu"
    # No owner: who is called by the owner himself is not told of a forwarding.
    return Plan(
        (Account(number.number, "", number.rights, cli=cli),),
        (PlannedStep((Planned(target, OUTGOING_RING_S, cli, f"dialled {where}"),)),),
        Caller(cli, call.anonymous, cli=cli), revision=number.revision, rule=OUTGOING)


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
