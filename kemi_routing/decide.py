# SPDX-License-Identifier: GPL-2.0-or-later
"""The one place where routing is decided (DESIGN law 1).

Rules in their fixed order (SPEC S3): own mailbox, weekly window, default.
"""

from datetime import datetime

from kemi_routing import sequence
from kemi_routing.model import DEFAULT_RING_S, Call, Number, Platform, Ring, Sequence
from kemi_routing.plan import Access, Plan, Planned, PlannedStep, Remark
from kemi_routing.schedule import DAYS, winner
from kemi_routing.targets import MAILBOX, VOICEMAIL, Kind, Target

OWN_MAILBOX = "own mailbox"
DEFAULT = "default"
OUTGOING = "outgoing"
OUTGOING_RING_S = 120


RULES = (OWN_MAILBOX, "weekly window", DEFAULT)
"""The rules in the order in which they are asked; the first that applies wins."""

GRADES: dict[str, tuple[str, bool]] = {
    "A": ("own registered line", False),
    "B": ("trusted trunk asserts the alias", False),
    "D": ("the alias is claimed, but anonymous or not asserted", True),
}
"""Grade of the caller's identity -> (what it means, whether the PIN is asked) (SPEC V2)."""


def decide(call: Call, number: Number, now: datetime, platform: Platform) -> Plan:
    """Where this call goes, and why. Pure and total; ``now`` is aware."""
    grade, no_access = mailbox_grade(call, number)
    rule, chosen, lost = _pick_sequence(number, now)
    if grade:
        return _mailbox_plan(grade, number, (Remark(rule, "own mailbox comes first"), *lost))
    steps, skipped = _plan_steps(call, number, chosen, platform)
    return Plan(number=number.number, owner=number.owner, steps=steps, revision=number.revision,
                rule=rule, lost=(Remark(OWN_MAILBOX, no_access), *lost), skipped=skipped)


def outgoing(call: Call, dialled: str) -> Plan | None:
    """The plan of a call to a number that is nobody's: a line reaches it outside.

    None where the caller may not: a trunk, or a line without a number to present.
    """
    if call.cli is None:
        return None
    step = (Planned(Target(Kind.PSTN, dialled), OUTGOING_RING_S, call.cli, "dialled by a line"),)
    return Plan(number=dialled, owner="", steps=(step,), rule=OUTGOING)


def mailbox_grade(call: Call, number: Number) -> tuple[str, str]:
    """The grade with which the owner calls, or ``""`` and why it is an ordinary call (V1-V3)."""
    if call.line is not None:
        grade = "A" if any(call.line == line.name for line in number.lines) else ""
        why = f"line {call.line} is not one of the owner's"
    elif call.diverted:
        return "", "the call was diverted"
    else:
        trusted = call.asserted and not call.anonymous
        grade = ("B" if trusted else "D") if call.ani in number.aliases else ""
        why = f"the caller {call.ani or 'without a number'} is no alias of this number"
    if grade and not number.voicemail:
        return "", "the number has no voicemail permission"
    return grade, why


def present_cli(target: Target, number: Number, call: Call) -> str | None:
    """The CLI of a branch (SPEC V5): outside the personal number, inside the caller."""
    return number.number if target.kind.outside else call.cli


def why_skipped(target: Target, number: Number, platform: Platform) -> str | None:
    """Why this target is left out, or None where it may be rung (SPEC M2, P1, P6, T3)."""
    if target == VOICEMAIL and not number.voicemail:
        return "the number has no voicemail permission"
    if target.kind.outside and not number.forward_external:
        return "permission forward_external is not granted"
    if target.kind is Kind.IAX:
        return "no IAX gateway is configured"
    if target.kind is Kind.SIP:
        return platform.refused_host(target.host)
    return None


def _mailbox_plan(grade: str, number: Number, lost: tuple[Remark, ...]) -> Plan:
    meaning, ask_pin = GRADES[grade]
    step = (Planned(MAILBOX, DEFAULT_RING_S, why=f"grade {grade}: {meaning}"),)
    return Plan(number=number.number, owner=number.owner, steps=(step,),
                access=Access(grade, ask_pin), revision=number.revision, rule=OWN_MAILBOX,
                lost=lost)


def _pick_sequence(number: Number, now: datetime) -> tuple[str, Sequence, list[Remark]]:
    local = now.astimezone(number.zone)
    won = winner(number.windows, local)
    at = f"{DAYS[local.isoweekday() - 1]} {local:%H:%M} is outside"
    lost = [Remark(f"window {window}", at) for window in number.windows if window is not won]
    if won is None:
        return DEFAULT, number.sequence(number.default), lost
    lost.append(Remark(DEFAULT, "a window holds"))
    return f"window {won}", number.sequence(won.sequence), lost


def _plan_steps(call: Call, number: Number, chosen: Sequence, platform: Platform,
                ) -> tuple[tuple[PlannedStep, ...], tuple[Remark, ...]]:
    steps: list[PlannedStep] = []
    skipped: list[Remark] = []
    for why, step in sequence.compile_steps(number, chosen):
        kept: list[Planned] = []
        for ring in step:
            if reason := why_skipped(ring.target, number, platform):
                skipped.append(Remark(_named(ring), reason))
            else:
                cli = present_cli(ring.target, number, call)
                kept.append(Planned(ring.target, ring.ring_s, cli, why, ring.label))
        if kept:
            steps.append(tuple(kept))
    return tuple(steps), tuple(skipped)


def _named(ring: Ring) -> str:
    return f"{ring.target} ({ring.label})" if ring.label else str(ring.target)
