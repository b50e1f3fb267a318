# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan for people and programs (SPEC A2): one dictionary, and its text.

The keys of ``Explained`` are stable; ``at`` is ISO 8601, ``_s`` are whole seconds.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypedDict

from kemi_routing import hunt
from kemi_routing.decide import OUTGOING
from kemi_routing.hunt import Outcome
from kemi_routing.plan import Plan, Planned, Remark
from kemi_routing.targets import VOICEMAIL, Kind

CALLER = "caller"
"""In ``cli``: the target sees the number of the caller, as received."""

UriOf = Callable[[Planned, int], str]
"""Request-URI of a target; the number is the RFC 4458 cause for voicemail."""


class Why(TypedDict):
    """A rule that lost, or a target that was left out."""

    what: str
    why: str


class Grade(TypedDict):
    """How the caller gets into the mailbox (SPEC V2)."""

    grade: str
    ask_pin: bool


class Ringing(TypedDict):
    """A target of a step."""

    kind: str
    address: str
    label: str
    ring_s: int
    cli: str
    uri: str
    if_registered: bool
    """The target is a line: phones that are not registered are left out at once."""
    why: str


class Together(TypedDict):
    """A step; it starts so many seconds after the call where all before it rings out."""

    starts_after_s: int
    targets: list[Ringing]


class End(TypedDict):
    """What the caller gets where nobody answers: voicemail, otherwise this SIP status."""

    voicemail: bool
    otherwise: str


class Explained(TypedDict):
    """A plan."""

    number: str
    owner: str
    revision: int
    at: str
    zone: str
    rule: str
    lost: list[Why]
    access: Grade | None
    steps: list[Together]
    skipped: list[Why]
    end: End


def as_dict(plan: Plan, at: datetime, uri_of: UriOf) -> Explained:
    """The plan made for the time ``at``, which is in the number's zone."""
    access = plan.access
    return {
        "number": plan.number,
        "owner": plan.owner,
        "revision": plan.revision,
        "at": at.isoformat(timespec="seconds"),
        "zone": str(at.tzinfo),
        "rule": plan.rule,
        "lost": [_why(remark) for remark in plan.lost],
        "access": {"grade": access.grade, "ask_pin": access.ask_pin} if access else None,
        "steps": list(_steps(plan, uri_of)),
        "skipped": [_why(remark) for remark in plan.skipped],
        "end": {
            "voicemail": any(one.target == VOICEMAIL for step in plan.steps for one in step),
            "otherwise": "what the gateway answers" if plan.rule == OUTGOING
                         else str(hunt.UNAVAILABLE.status),
        },
    }


def as_text(explained: Explained) -> str:
    """The same for a person, several lines."""
    at = datetime.fromisoformat(explained["at"])
    lines = [
        f"{explained['number']} of {explained['owner']}, revision {explained['revision']}",
        f"at       {at:%a %Y-%m-%d %H:%M} {explained['at'][-6:]} ({explained['zone']})",
        f"rule     {explained['rule']}",
        *_listed("lost", explained["lost"]),
        *_step_lines(explained),
        *_listed("skipped", explained["skipped"]),
        f"end      {_end(explained)}",
    ]
    return "\n".join(lines)


def _steps(plan: Plan, uri_of: UriOf) -> Iterator[Together]:
    starts_after_s = 0
    for index, step in enumerate(plan.steps):
        tried = tuple((Outcome.NO_ANSWER,) * len(before) for before in plan.steps[:index])
        cause = hunt.voicemail_cause(tried)
        yield {"starts_after_s": starts_after_s,
               "targets": [_ringing(one, uri_of(one, cause)) for one in step]}
        starts_after_s += max(one.ring_s for one in step)


def _ringing(one: Planned, uri: str) -> Ringing:
    return {
        "kind": str(one.target.kind),
        "address": str(one.target).removeprefix("line ") if one.target.address else "",
        "label": one.label,
        "ring_s": one.ring_s,
        "cli": one.cli or CALLER,
        "uri": uri,
        "if_registered": one.target.kind is Kind.LINE,
        "why": one.why,
    }


def _why(remark: Remark) -> Why:
    return {"what": remark.what, "why": remark.why}


def _listed(title: str, remarks: list[Why]) -> Iterator[str]:
    for remark in remarks:
        yield f"{title:<8} {remark['what']}: {remark['why']}"
        title = ""


def _step_lines(explained: Explained) -> Iterator[str]:
    rows = [(f"{'+' if step['starts_after_s'] else ' '}{step['starts_after_s']} s",
             *_cells(one, explained["number"]))
            for step in explained["steps"] for one in step["targets"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
                        ).rstrip()


def _cells(one: Ringing, number: str) -> tuple[str, ...]:
    named = f"{one['kind']} {one['address']}".rstrip()
    label = f" ({one['label']})" if one["label"] else ""
    condition = ", if registered" if one["if_registered"] else ""
    answers = one["kind"] in (Kind.VOICEMAIL, Kind.MAILBOX)
    return (named + label + condition, "answers" if answers else f"{one['ring_s']} s",
            f"shows {'personal number ' * (one['cli'] == number)}{one['cli']}",
            one["why"], one["uri"])


def _end(explained: Explained) -> str:
    if access := explained["access"]:
        return "the owner's mailbox, " + ("the PIN is asked" if access["ask_pin"] else "no PIN")
    if explained["end"]["voicemail"]:
        return f"voicemail, or {explained['end']['otherwise']} where it cannot be reached"
    busy = f", or {hunt.BUSY_HERE.status} where all were busy" if explained["steps"] else ""
    return explained["end"]["otherwise"] + busy
