# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that the media server makes for a number, its legs; each is authorised anew.

``outgoing`` is what the owner dials in the mailbox menu (SPEC V4), ``confirm`` the way back from
the prompt to the target that must press 1 (SPEC T8). What is not allowed raises Forbidden.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum

from kemi_routing import dialplan, e164, targets
from kemi_routing.decide import OUTGOING
from kemi_routing.errors import Forbidden, InvalidValue
from kemi_routing.forwarding import present_cli, why_skipped
from kemi_routing.model import Call, Number, Platform, Ring
from kemi_routing.plan import Account, Caller, Plan, Planned, PlannedStep
from kemi_routing.targets import Kind, Target

CONFIRM = "confirm"


class Service(StrEnum):
    """What a leg is for."""

    OUTGOING = OUTGOING
    CONFIRM = CONFIRM


def from_menu(number: Number, *, anonymous: bool = False) -> Call:
    """The call of the owner in the mailbox menu: it comes from the number, an extension's from the
    number that it shows.
    """
    shown = next(filter(e164.is_number, (number.number, number.cli)), None)
    return Call(ani=shown, asserted=True, anonymous=anonymous, cli=shown)


def dialled(number: Number, user: str) -> tuple[str, ...]:
    """Keys of the numbers that digits dialled in the menu can stand for, as ``dialplan.readings``.
    """
    plan = number.dial_plan
    if not number.rights.outgoing:
        raise _forbidden(number, "permission outgoing is not granted")
    if dialplan.is_emergency(plan, user):
        raise _forbidden(number, f"{user} is an emergency number; it is not called from the menu")
    return dialplan.readings(plan, number.organisation, user)


def asked(user: str, uri: str, *, ours: bool) -> frozenset[Target]:
    """What the Request-URI of a ``confirm`` leg can mean; ``ours`` says that its host is this
    platform.
    """
    if ours:
        digits = e164.from_sip_user(user)
        return frozenset({Target(Kind.LINE, user), Target(Kind.PSTN, digits or "")})
    try:
        target = targets.parse(uri)
    except InvalidValue:
        return frozenset()
    return frozenset({target} if target.kind is Kind.SIP else ())


def others_asked(number: Number) -> frozenset[str]:
    """Keys of the numbers of ours whose lines are asked to confirm (SPEC T5)."""
    return frozenset(ring.target.address for ring in _confirmed(number)
                     if ring.target.kind is Kind.NUMBER)


def confirm(call: Call, number: Number, asked: Collection[Target], platform: Platform,
            others: Mapping[str, Number]) -> Plan:
    """The plan that rings the one target of this number that is asked for and must be confirmed.

    ``others`` are the numbers of ``others_asked``. The call is counted already where it was
    forwarded, so no cap counts it here.
    """
    found = [(ring, target) for ring in _confirmed(number) for target in _rung(ring, others)
             if target in asked]
    if not found:
        raise _forbidden(number, "it asks no such target to confirm")
    ring, target = max(found, key=lambda one: one[0].ring_s)
    if why := why_skipped(target, number.rights, platform):
        raise _forbidden(number, why)
    account = Account(
        number.number, number.owner, replace(number.rights, max_calls=0, max_calls_per_hour=0),
        cli=present_cli(Target(Kind.PSTN), number, call))
    planned = Planned(target, ring.ring_s, present_cli(target, number, call), CONFIRM, ring.label)
    return Plan((account,), (PlannedStep((planned,)),),
                Caller(call.ani, call.anonymous, call.history, call.cli),
                revision=number.revision, rule=CONFIRM)


def _confirmed(number: Number) -> Iterator[Ring]:
    return (ring for sequence in number.sequences for step in sequence.steps for ring in step
            if ring.confirm)


def _rung(ring: Ring, others: Mapping[str, Number]) -> Iterator[Target]:
    if ring.target.kind is not Kind.NUMBER:
        yield ring.target
    elif other := others.get(ring.target.address):
        yield from (Target(Kind.LINE, line.name) for line in other.lines)


def _forbidden(number: Number, why: str) -> Forbidden:
    return Forbidden(f"{number.number}: {why}")
