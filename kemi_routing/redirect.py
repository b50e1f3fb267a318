# SPDX-License-Identifier: GPL-2.0-or-later
"""A 302 from a phone: a request to the planner, not an order (SPEC F10).

Its contacts are read strictly (RFC 3261 section 20.10) into targets and checked against the
owner's rights like targets that were written. What is accepted rings in a step of its own, right
after the one that rings now.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from kemi_routing import e164, targets
from kemi_routing.errors import InvalidValue
from kemi_routing.forwarding import why_skipped
from kemi_routing.limits import BRANCHES, MAX_BRANCHES, MAX_PHONES_AT_ONCE
from kemi_routing.model import Outcome
from kemi_routing.plan import Planned, PlannedStep, Remark
from kemi_routing.plan_codec import Hunt
from kemi_routing.settings import Settings
from kemi_routing.targets import Kind, Target

STATUSES = (300, 301, 302)
"""The answers that ask for another contact (RFC 3261 section 21.3)."""

MAX_LENGTH = 2048
"""Characters of all contacts of an answer."""
FOLLOWED = "followed"

_DISPLAY = r"""(?:"(?:[^"\\]|\\.)*"|[\w.!%*+`'~-]+(?:[ \t]+[\w.!%*+`'~-]+)*)?"""
_VALUE = r"""(?:[\w.!%*+`'~:\[\]-]+|"(?:[^"\\]|\\.)*")"""
_CONTACT = re.compile(
    rf"""\s*(?:{_DISPLAY}\s*<(?P<uri>[^<>"\s]*)>|(?P<bare>[^<>",;?\s]+))"""
    rf"(?P<parameters>(?:\s*;\s*[\w.+-]+(?:\s*=\s*{_VALUE})?)*)\s*(?:,|$)", re.ASCII)
_Q = re.compile(r";\s*q\s*=\s*(?P<q>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def deflect(state: Hunt, index: int, contacts: str, settings: Settings,
            ) -> tuple[Hunt, tuple[Remark, ...]]:
    """This hunt after a target of its running step answered 302 with these contacts, and what
    becomes of each.
    """
    planned = state.running.targets[index]
    if planned.redirected:
        return state, (Remark(contacts, "redirected once already"),)
    if not state.accounts[planned.account].rights.follow_redirects:
        return state, (Remark(contacts, "redirects are ignored"),)
    accepted: list[Planned] = []
    remarks: list[Remark] = []
    room = _room(state)
    for written, found in read(contacts, settings):
        why = found if isinstance(found, str) else _why_refused(found, planned, state, settings)
        if isinstance(found, Target) and why is None:
            why = FOLLOWED if len(accepted) < room else "the call has too many branches"
            accepted.append(_planned(found, planned, state))
        remarks.append(Remark(written, str(why)))
    return insert_step(state, accepted[:room]), tuple(remarks)


def pass_on(state: Hunt, contacts: str, settings: Settings) -> Hunt:
    """The hunt of a second pass after a 302: its contacts are for the first pass to judge."""
    found = (one for _, one in read(contacts, settings) if isinstance(one, Target))
    domain = settings.platform.domain
    kept = tuple(f"<sip:{one.address}@{domain}>" if one.kind is Kind.PSTN else f"<{one.address}>"
                 for one in found)
    return replace(state, contacts=(*state.contacts, *kept)[:MAX_PHONES_AT_ONCE])


def read(contacts: str, settings: Settings) -> list[tuple[str, Target | str]]:
    """Each contact as written, with its target or why it is none; the highest q first."""
    if len(contacts) > MAX_LENGTH:
        return [(contacts, f"more than {MAX_LENGTH} characters")]
    rows: list[tuple[float, str, Target | str]] = []
    contacts, end = contacts.strip(), 0
    while end < len(contacts):
        match = _CONTACT.match(contacts, end)
        if match is None:
            rows.append((0, contacts[end:].strip(), "not understood"))
            break
        uri, end = match["uri"] or match["bare"] or "", match.end()
        q = _Q.search(match["parameters"])
        rows.append((float(q["q"]) if q else 1, uri, _target(uri, settings)))
    rows.sort(key=lambda row: -row[0])
    return [(uri, found) for _, uri, found in rows]


def insert_step(state: Hunt, extra: Iterable[Planned]) -> Hunt:
    """This hunt with these targets in a step of their own after the running one, or in that step
    where there is one already; it goes on as the running step would have.
    """
    at = len(state.tried) + 1
    before = _redirected(state)
    known = {one.target for one in before}
    new = tuple({one.target: one for one in extra if one.target not in known}.values())
    if not new:
        return state
    if before:
        joined = replace(state.steps[at], targets=(*before, *new))
        return replace(state, steps=(*state.steps[:at], joined, *state.steps[at + 1:]))
    moved = [_moved(step, at) for step in state.steps]
    running = moved[at - 1]
    refusal = tuple(row for row in running.on if row[0] is Outcome.DECLINED)
    return replace(state, steps=(
        *moved[:at - 1], replace(running, then=at, on=refusal), replace(running, targets=new),
        *moved[at:]))


def _target(uri: str, settings: Settings) -> Target | str:
    if not uri.startswith("sip:"):
        return "not a SIP URI"
    try:
        target = targets.parse(uri.replace(";user=phone", "", 1))
    except InvalidValue:
        return "not a plain SIP URI"
    ours = (settings.platform.domain, settings.address, settings.address6,
            *settings.network.gateway_hosts)
    if target.host not in ours:
        return target
    digits = e164.from_sip_user(target.address.removeprefix("sip:").partition("@")[0])
    return Target(Kind.PSTN, digits) if digits else "not a number in international format"


def _why_refused(target: Target, planned: Planned, state: Hunt, settings: Settings) -> str | None:
    if target.kind is Kind.PSTN and target.address in (one.number for one in state.accounts):
        return "the call has come through this number already"
    return why_skipped(target, state.accounts[planned.account].rights, settings.platform)


def _planned(target: Target, planned: Planned, state: Hunt) -> Planned:
    return replace(planned, target=target, cli=state.accounts[planned.account].cli, label="",
                   why=f"302 from {planned.target}", delay_s=0, own=False, redirected=True)


def _room(state: Hunt) -> int:
    """How many targets a 302 may still add, each later step keeping its branches."""
    later = sum(BRANCHES.get(one.target.kind, 1)
                for step in state.steps[len(state.tried) + 1:] for one in step.targets)
    left = MAX_BRANCHES - len(state.branches) - later
    return max(0, min(left, MAX_PHONES_AT_ONCE - len(_redirected(state))))


def _redirected(state: Hunt) -> tuple[Planned, ...]:
    """The targets to which phones of the running step have redirected the call so far."""
    after = state.steps[len(state.tried) + 1:][:1]
    return tuple(one for step in after for one in step.targets if one.redirected)


def _moved(step: PlannedStep, at: int) -> PlannedStep:
    def shift(index: int) -> int:
        return index + (index >= at)

    return replace(step, then=shift(step.then), end=shift(step.end),
                   on=tuple((outcome, shift(index)) for outcome, index in step.on))
