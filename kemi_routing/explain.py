# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan for people and programs (SPEC A2): one dictionary, and its text.

The keys of ``Explained`` are stable; ``at`` is ISO 8601, ``_s`` are whole seconds.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypedDict

from kemi_routing import caller_id, hunt, render
from kemi_routing.caller_id import Dress, SoFar
from kemi_routing.decide import OUTGOING
from kemi_routing.model import Outcome
from kemi_routing.plan import END, Plan, Planned, PlannedStep, Remark
from kemi_routing.settings import Settings
from kemi_routing.targets import VOICEMAIL, Kind

CALLER = "caller"
"""In ``cli``: the target sees the number of the caller, as received."""
_CALLS_OUT = {"no": "", "pin": "; calls others with the PIN", "yes": "; calls others"}


class Why(TypedDict):
    """A rule that lost, or a target that was left out."""

    what: str
    why: str


class Grade(TypedDict):
    """How the caller gets into the mailbox (SPEC V2), and whether its menu calls out (V4)."""

    grade: str
    ask_pin: bool
    outgoing: str
    """``no``, ``yes``, or ``pin``: once the PIN was given."""


class Ringing(TypedDict):
    """A target of a step."""

    kind: str
    address: str
    label: str
    delay_s: int
    """Seconds after the step's start; it begins at once where nothing else of it rings."""
    ring_s: int
    over_s: int
    """Seconds after the step's start when it has rung out, its prompt included."""
    confirm: bool
    q: str
    """Preference (RFC 3261 section 20.10): what a Contact says in redirect mode (SPEC F9)."""
    cli: str
    """What the called phone shows, of a ``confirm`` target too."""
    uri: str
    headers: list[str]
    """Header lines that its branch gets beside those of the caller; with ``confirm`` that is the
    branch to the prompt.
    """
    if_registered: bool
    """The target is a line: phones that are not registered are left out at once."""
    why: str


class Together(TypedDict):
    """A step. ``starts_after_s`` counts from the call where all before it rings out; None: then
    it is not reached at all, but by an outcome that ``reached_by`` names.
    """

    starts_after_s: int | None
    reached_by: list[str]
    """``busy in step 1 of day``: the continuations that lead here."""
    account: str
    """The number whose forwarding this is."""
    then: int | str
    """Number of the step that comes next, or ``end``."""
    if_declined: int | str
    """The same where an own line of this step declines."""
    on: dict[str, int | str]
    """The same for each outcome that has a continuation of its own."""
    targets: list[Ringing]


class End(TypedDict):
    """What the caller gets where nobody answers: what the media server plays, otherwise this SIP
    status.
    """

    voicemail: bool
    media: str
    """``voicemail``, ``menu main`` and the like; empty where nothing answers at the end."""
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
    handed_over: list[Why]
    longest_setup_s: int
    """Seconds until the end where all rings out, whatever ends it, on the longest way."""
    end: End


def as_dict(plan: Plan, at: datetime, settings: Settings) -> Explained:
    """The plan made for the time ``at``, which is in the number's zone.

    Headers and causes are those of a call in which all that rings before rings out.
    """
    access = plan.access
    return {
        "number": plan.number,
        "owner": plan.owner,
        "revision": plan.revision,
        "at": at.isoformat(timespec="seconds"),
        "zone": str(at.tzinfo),
        "rule": plan.rule,
        "lost": [_why(remark) for remark in plan.lost],
        "access": {"grade": access.grade, "ask_pin": access.ask_pin,
                   "outgoing": str(access.outgoing)} if access else None,
        "steps": list(_steps(plan, settings)),
        "skipped": [_why(remark) for remark in plan.skipped],
        "handed_over": [_why(remark) for remark in plan.handed],
        "longest_setup_s": _longest_setup_s(plan),
        "end": _end_of(plan),
    }


def as_text(explained: Explained) -> str:
    """The same for a person, several lines."""
    at = datetime.fromisoformat(explained["at"])
    owner = f" of {explained['owner']}" if explained["owner"] else ""
    lines = [
        f"{explained['number']}{owner}, revision {explained['revision']}",
        f"at       {at:%a %Y-%m-%d %H:%M} {explained['at'][-6:]} ({explained['zone']})",
        f"rule     {explained['rule']}",
        *_listed("lost", explained["lost"]),
        *_step_lines(explained),
        *_sent_lines(explained),
        *_listed("handed", explained["handed_over"]),
        *_listed("skipped", explained["skipped"]),
        f"end      {end_text(explained)}",
    ]
    return "\n".join(lines)


def target_text(one: Ringing) -> str:
    """``pstn 49115234567``: a target without its label."""
    return f"{one['kind']} {one['address']}".rstrip()


def end_text(explained: Explained) -> str:
    """What the caller gets where nobody answers, for a person."""
    if access := explained["access"]:
        pin = "the PIN is asked" if access["ask_pin"] else "no PIN"
        return f"the owner's mailbox, {pin}{_CALLS_OUT[access['outgoing']]}"
    otherwise = explained["end"]["otherwise"]
    if media := explained["end"]["media"]:
        return f"{media}, or {otherwise} where it cannot be reached"
    busy = f", or {hunt.BUSY_HERE.status} where all were busy" if explained["steps"] else ""
    return otherwise + busy


def _steps(plan: Plan, settings: Settings) -> Iterator[Together]:
    starts = _starts(plan)
    q_values = render.q_values([len(step.targets) for step in plan.steps])
    tried: hunt.Tried = ()
    for index, (step, q) in enumerate(zip(plan.steps, q_values, strict=True)):
        why = caller_id.why_forwarded(len(plan.accounts), plan.steps, tried)
        dress = partial(render.dress, so_far=SoFar(plan.accounts, plan.caller, why),
                        access=plan.access, settings=settings)
        cause = hunt.voicemail_cause(tried)
        yield {"starts_after_s": starts.get(index),
               "reached_by": [f"{outcome} in {_label(earlier)}" for earlier in plan.steps
                              for outcome, following in earlier.on if following == index],
               "account": plan.accounts[step.targets[0].account].number,
               "then": _number_of(step.then),
               "if_declined": _number_of(dict(step.on).get(Outcome.DECLINED, step.end)),
               "on": {str(outcome): _number_of(following) for outcome, following in step.on},
               "targets": [
                   _ringing(one, q, dress(one), dress(replace(one, confirm=False)),
                            render.target_uri(one, plan.accounts[one.account].number, settings,
                                              cause)) for one in step.targets]}
        tried = (*tried, (Outcome.NO_ANSWER,) * len(step.targets) if index in starts else ())


def _starts(plan: Plan) -> dict[int, int]:
    """Step -> seconds after the call where all that rings before it rings out."""
    starts: dict[int, int] = {}
    starts_after_s, index = 0, 0 if plan.steps else END
    while index != END:
        step = plan.steps[index]
        starts[index] = starts_after_s
        starts_after_s += max(one.over_s for one in step.targets)
        index = hunt.follow(step, [Outcome.NO_ANSWER] * len(step.targets))
    return starts


def _longest_setup_s(plan: Plan) -> int:
    """All links lead forward, so what follows a step is known before it."""
    longest = [0] * (len(plan.steps) + 1)  # the last one stands for END
    for index, step in reversed(list(enumerate(plan.steps))):
        answers = step.targets[0].target.kind.answers
        own_s = 0 if answers else max(one.over_s for one in step.targets)
        following = {step.then, step.end, *dict(step.on).values()}
        longest[index] = own_s + max(longest[after] for after in following)
    return longest[0]


def _label(step: PlannedStep) -> str:
    """As its rows are labelled, but for whose line each of them is."""
    return step.targets[0].why.partition(", line of ")[0]


def _number_of(index: int) -> int | str:
    return "end" if index == END else index + 1


def _end_of(plan: Plan) -> End:
    last = [plan.steps[index].targets[0].target for index in _starts(plan)]
    media = next((str(target) for target in last[::-1] if target.kind.answers), "")
    status = plan.reject[0] if plan.reject else hunt.UNAVAILABLE.status
    return {"voicemail": VOICEMAIL in last, "media": media,
            "otherwise": "what the gateway answers" if plan.rule == OUTGOING else str(status)}


def _ringing(one: Planned, q: str, dress: Dress, seen: Dress, uri: str) -> Ringing:
    """``seen`` is the dress without the prompt: whoever must press 1 is called through us again,
    and sees what he would see without it.
    """
    kind = str(one.target.kind)
    return {
        "kind": kind,
        "address": str(one.target).removeprefix(f"{kind} ") if one.target.address else "",
        "label": one.label,
        "delay_s": one.delay_s,
        "ring_s": one.ring_s,
        "over_s": one.over_s,
        "confirm": one.confirm,
        "q": q,
        "cli": _shown(seen),
        "uri": uri,
        "headers": [*dress.on_top, *dress.add],
        "if_registered": one.target.kind is Kind.LINE,
        "why": one.why,
    }


def _shown(dress: Dress) -> str:
    """The user of the new From, as the phone shows it."""
    return dress.from_uri.partition(":")[2].partition("@")[0] if dress.from_uri else CALLER


def _why(remark: Remark) -> Why:
    return {"what": remark.what, "why": remark.why}


def _listed(title: str, remarks: list[Why]) -> Iterator[str]:
    for remark in remarks:
        yield f"{title:<8} {remark['what']}: {remark['why']}"
        title = ""


def _step_lines(explained: Explained) -> Iterator[str]:
    rows = [(_start(step, one), *_cells(one))
            for step in explained["steps"] for one in step["targets"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in rows)
    for step in explained["steps"]:
        if step["reached_by"] and step["starts_after_s"] is None:
            yield f"{', '.join(step['reached_by'])}:"
        yield from islice(lines, len(step["targets"]))


def _sent_lines(explained: Explained) -> Iterator[str]:
    """Where each branch goes, and the headers that it gets."""
    title = "sent"
    for step in explained["steps"]:
        for one in step["targets"]:
            for line in (f"{one['uri']}, q {one['q']}", *one["headers"]):
                yield f"{title:<8} {target_text(one)}: {line}"
                title = ""


def _start(step: Together, one: Ringing) -> str:
    if step["starts_after_s"] is None:
        delay = f" +{one['delay_s']} s" if one["delay_s"] else ""
        return ("then" if step["reached_by"] else "else") + delay
    starts_after_s = step["starts_after_s"] + one["delay_s"]
    return f"{'+' if starts_after_s else ' '}{starts_after_s} s"


def _cells(one: Ringing) -> tuple[str, ...]:
    label = f" ({one['label']})" if one["label"] else ""
    condition = ", if registered" if one["if_registered"] else ""
    answers = Kind(one["kind"]).answers
    ring = f"{one['ring_s']} s" + ", must press 1" * one["confirm"]
    return (target_text(one) + label + condition, "answers" if answers else ring,
            f"shows {one['cli']}", one["why"])
