# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rule wins for a call (SPEC S3), and whether it is the owner who calls (SPEC V1-V3)."""

from dataclasses import dataclass
from datetime import datetime

from kemi_routing import schedule, screening
from kemi_routing.model import Call, MailboxPolicy, Mode, Number, Platform, Ring, Sequence, Verdict
from kemi_routing.plan import Outgoing, Remark
from kemi_routing.screening import Action, Screen
from kemi_routing.targets import VOICEMAIL, Kind, Target

OWN_MAILBOX = "own mailbox"
LISTS = "allow and block list"
BY_CALLER = "rule by caller"

RULES: dict[str, str] = {
    OWN_MAILBOX: "the owner calls: one of the number's lines, or an alias as calling number, the "
                 "call not diverted and voicemail permitted",
    LISTS: "an entry of the block list holds for the caller, and no longer one of the allow list",
    BY_CALLER: "a rule names the caller; the longest pattern counts",
    schedule.Rank.OVERRIDE: "a vacation, or what a command or feature code has set, holds now; "
                            "of several the one set last",
    schedule.Rank.HOLIDAY: "today, or this part of it, is a holiday of the number's calendars",
    schedule.Rank.DATED: "a window with dates holds this minute",
    schedule.Rank.WEEKLY: "a window of the week holds this minute",
    schedule.Rank.DEFAULT: "nothing else does",
}
"""The rules in the order in which they are asked, and when each applies; the first one wins
(SPEC S3).
"""

GRADES: dict[str, str] = {
    "A": "own registered line",
    "B": "trusted trunk asserts the alias",
    "C": "as B, with full attestation (STIR)",
    "D": "the alias is claimed, but anonymous, not asserted or failed verification",
}
"""Grade of the caller's identity -> what it means (SPEC V2)."""

OPEN: dict[MailboxPolicy, str] = {
    MailboxPolicy.PIN_UNLESS_TRUSTED: "ABC",
    MailboxPolicy.PIN_UNLESS_ATTESTED: "AC",
    MailboxPolicy.ALWAYS_PIN: "",
}
"""Policy, the strictest last -> the grades that open a mailbox without PIN (SPEC V2)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The rule that won for a number, and those that lost."""

    rule: str
    sequence: Sequence
    lost: tuple[Remark, ...]


def mailbox_grade(call: Call, number: Number) -> tuple[str, str]:
    """The grade with which the owner calls, or ``""`` and why it is an ordinary call (V1-V3)."""
    if call.line is not None:
        grade = "A" if any(call.line == line.name for line in number.lines) else ""
        why = f"line {call.line} is not one of the owner's"
    elif call.diverted:
        return "", "the call was diverted"
    else:
        grade = identity_grade(call) if call.ani in number.aliases else ""
        why = f"the caller {call.ani or 'without a number'} is no alias of this number"
    return grade, why


def identity_grade(call: Call) -> str:
    """How far the caller's number can be trusted, a key of ``GRADES``; own or not."""
    if call.line is not None:
        return "A"
    if (not call.asserted or call.anonymous or call.diverted
            or call.verdict is Verdict.FAILED):
        return "D"
    return "C" if call.verdict is Verdict.ATTESTED else "B"


def asks_pin(grade: str, number: Number, platform: Platform) -> bool:
    """Whether the mailbox asks this caller for the PIN: the stricter policy counts (SPEC V2)."""
    strictness = list(OPEN)
    policy = max(number.mailbox, platform.mailbox, key=strictness.index)
    return grade not in OPEN[policy]


def outgoing(grade: str, number: Number, platform: Platform) -> Outgoing:
    """Whether the mailbox menu offers this caller calls to others (SPEC V4)."""
    if not number.rights.outgoing:
        return Outgoing.NO
    return Outgoing.YES if grade in platform.outgoing_without_pin else Outgoing.PIN


def choose(call: Call, number: Number, now: datetime, above: str = "") -> Choice:
    """Which sequence runs, the owner's mailbox not looked at; ``above`` is a rule that beats all
    of these, where there is one.
    """
    who = (call.ani, call.anonymous, call.line is not None or (
        call.asserted and call.verdict is not Verdict.FAILED))
    timetable = number.timetable
    applied = schedule.winner(timetable, now)
    screen, spared = screening.screen(number.screens, *who)
    rule, not_meant = screening.caller_rule(number.callers, *who)
    holding = [(str(applied.rank), applied.text, number.sequence(applied.sequence))]
    if rule:
        holding.insert(0, (BY_CALLER, f"{BY_CALLER} {rule.pattern.text}",
                           number.sequence(rule.sequence)))
    if screen:
        holding.insert(0, (LISTS, _listed(screen), _of_screen(screen, number)))
    (rank, text, chosen), *beaten = holding
    above = above or (rank if beaten else "")
    lost = (*spared, *not_meant, *((other, f"{above} comes first") for _, other, _ in beaten),
            *schedule.losers(timetable, now, applied, above))
    return Choice(text, chosen, tuple(Remark(*one) for one in lost))


def _listed(screen: Screen) -> str:
    action = f"{screen.action} {screen.name}".rstrip()
    return f"block list {screen.pattern.text}: {action}"


def _of_screen(screen: Screen, number: Number) -> Sequence:
    match screen.action:
        case Action.SEQUENCE:
            return number.sequence(screen.name)
        case Action.REJECT:
            return Sequence("", mode=Mode.REJECT)
        case Action.ANNOUNCEMENT:
            target = Target(Kind.ANNOUNCEMENT, screen.name)
        case _:
            target = VOICEMAIL
    return Sequence("block list", ((Ring(target),),), Mode.FORWARD_ONLY)
