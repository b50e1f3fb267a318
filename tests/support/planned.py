# SPDX-License-Identifier: GPL-2.0-or-later
"""What was seen on the wire, and whether it is what ``explain`` had said beforehand."""

import itertools
from collections import defaultdict
from dataclasses import dataclass

from kemi_routing.explain import CALLER, Explained
from tests.support import trace
from tests.support.caller import Outcome
from tests.support.phones import Phone
from tests.support.situation import MEDIA, Situation

TOLERANCE_S = 0.2


@dataclass(frozen=True)
class Rang:
    """One phone that was rung; times are seconds, ``began_s`` counts from the caller's INVITE."""

    target: str
    """As in ``Plugged.target``."""
    began_s: float
    lasted_s: float | None
    """None when neither side ended it: the phone sent no reply."""
    cli: str
    end: str
    """``answered``, ``cancelled``, ``answered elsewhere``, the code of a refusal, or ``silent``."""


@dataclass(frozen=True)
class _Expected:
    step: int
    target: str
    ring_s: int
    cli: str


_Pair = tuple[_Expected, Rang]


def what_rang(situation: Situation, heard: Outcome) -> list[Rang]:
    """All phones that one call rang, in the order in which they were rung."""
    rang = [
        each
        for plugged in situation.plugged
        for each in _rings(plugged.phone, plugged.target, heard)
    ]
    return sorted(rang, key=lambda each: each.began_s)


def _rings(phone: Phone, target: str, heard: Outcome) -> list[Rang]:
    # By Call-ID, not by time: SIPp may note what it sent later than another what it received.
    by_branch: dict[str, list[trace.Message]] = defaultdict(list)
    for message in trace.once(phone.messages):
        by_branch[message.branch].append(message)
    return [
        _ring(invite, by_branch[invite.branch], target, heard.invited_at)
        for invite in phone.invites
        if invite.call_id == heard.invite.call_id
    ]


def _ring(
    invite: trace.Message, branch: list[trace.Message], target: str, since: float
) -> Rang:  # fmt: skip
    cancels = [m for m in branch if m.code is None and m.method == "CANCEL"]
    finals = [m for m in branch if (m.code or 0) >= 200 and m.method == "INVITE"]
    ended = (cancels or finals)[:1]
    lasted_s = ended[0].at - invite.at if ended else None
    return Rang(
        target, invite.at - since, lasted_s, invite.caller_number, _end(cancels, finals)
    )  # fmt: skip


def _end(cancels: list[trace.Message], finals: list[trace.Message]) -> str:
    if cancels:
        elsewhere = "completed elsewhere" in (cancels[0].header("Reason") or "")
        return "answered elsewhere" if elsewhere else "cancelled"
    if finals:
        return "answered" if finals[0].code == 200 else str(finals[0].code)
    return "silent"


def differences(explained: Explained, situation: Situation, heard: Outcome) -> list[str]:
    """In what the call was not as explained; empty when it was.

    Compared are the order, the CLI, the ring times of those that rang out, the starts of the
    steps, and the end.
    """
    expected = _expected(explained, situation, heard.invite.caller_number)
    rang = what_rang(situation, heard)
    found, matched = _match(expected, rang)
    for planned, each in matched:
        found += _ring_differs(planned, each, hung_up=heard.code == 487)
    found += _gaps(expected, matched)
    found += _starts_differ(matched)
    found += _end_differs(explained, rang, heard)
    return found


def assert_as_explained(explained: Explained, situation: Situation, heard: Outcome) -> None:
    """Fail with the differences, the plan and what rang."""
    found = differences(explained, situation, heard)
    story = [*map(str, explained["steps"]), *map(str, what_rang(situation, heard))]
    assert not found, "\n".join([*found, *story])


def _expected(explained: Explained, situation: Situation, caller: str) -> list[_Expected]:
    """The planned targets that somebody is plugged in for, one entry per phone."""
    phones = [plugged.target for plugged in situation.plugged]
    planned = [
        _Expected(
            index, _target(one["kind"], one["address"]), one["ring_s"],
            caller if one["cli"] == CALLER else one["cli"],
        )
        for index, step in enumerate(explained["steps"])
        for one in step["targets"]
    ]  # fmt: skip
    return [each for each in planned for _ in range(phones.count(each.target))]


def _target(kind: str, address: str) -> str:
    if kind == "line":
        return f"line {address}"
    return MEDIA if kind in ("voicemail", "mailbox") else address


def _match(expected: list[_Expected], rang: list[Rang]) -> tuple[list[str], list[_Pair]]:
    """Each phone that rang with the first entry of the plan that is left for it."""
    found, matched, left = [], [], list(expected)
    for each in rang:
        planned = next((one for one in left if one.target == each.target), None)
        if planned is None:
            found.append(f"{each.target} rang and is not planned")
            continue
        left.remove(planned)
        matched.append((planned, each))
    return found, matched


def _ring_differs(planned: _Expected, each: Rang, *, hung_up: bool) -> list[str]:
    found = []
    if each.cli.lstrip("+") != planned.cli.lstrip("+"):
        found.append(f"{each.target} saw {each.cli}, planned was {planned.cli}")
    if each.lasted_s is None or planned.target == MEDIA:
        return found
    rang_out = each.end == "cancelled" and not hung_up
    too_long = each.lasted_s > planned.ring_s + TOLERANCE_S
    if too_long or (rang_out and each.lasted_s < planned.ring_s - TOLERANCE_S):
        found.append(f"{each.target} rang {each.lasted_s:.3f} s, planned were {planned.ring_s}")
    return found


def _gaps(expected: list[_Expected], matched: list[_Pair]) -> list[str]:
    """Targets that should have rung: those of each step begun, and of each step passed over."""
    found = []
    steps = [planned.step for planned, _ in matched]
    if steps != sorted(steps):
        found.append(f"the steps came in the order {[step + 1 for step in steps]}")
    for step in sorted(set(steps)):
        wanted = sum(one.step == step for one in expected)
        if steps.count(step) != wanted:
            found.append(f"of step {step + 1} rang {steps.count(step)}, planned were {wanted}")
    passed = {one.step for one in expected if one.step < max(steps, default=0)} - set(steps)
    declined = any(one.target.startswith("line ") and one.end[0] == "6" for _, one in matched)
    if passed and not declined:
        found.append(f"steps {sorted(step + 1 for step in passed)} were passed over")
    return found


def _starts_differ(matched: list[_Pair]) -> list[str]:
    """A step starts when the one before it is over."""
    found = []
    steps = sorted({planned.step for planned, _ in matched})
    for before, step in itertools.pairwise(steps):
        began_s = min(one.began_s for planned, one in matched if planned.step == step)
        rings = [one for planned, one in matched if planned.step == before]
        if any(one.lasted_s is None for one in rings):
            continue
        over_s = max(one.began_s + (one.lasted_s or 0) for one in rings)
        if abs(began_s - over_s) > TOLERANCE_S:
            found.append(f"step {step + 1} began at {began_s:.3f} s, not at {over_s:.3f} s")
    return found


def _end_differs(explained: Explained, rang: list[Rang], heard: Outcome) -> list[str]:
    answered = [each for each in rang if each.end == "answered"]
    if heard.code == 200:
        return [] if len(answered) == 1 else [f"{len(answered)} phones answered one call"]
    if heard.code == 487:
        return []
    all_busy = bool(rang) and all(each.end == "486" for each in rang)
    wanted = 486 if all_busy else int(explained["end"]["otherwise"])
    return [] if heard.code == wanted else [f"the end was {heard.code}, planned was {wanted}"]
