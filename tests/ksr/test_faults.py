# SPDX-License-Identifier: GPL-2.0-or-later
"""A fault at every step: each call to Kamailio and to the store goes wrong once (SPEC R2).

Whichever it is: every request is answered, no lock is kept, nothing is left for other calls, and
the next call is as ever.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from kemi_routing.feature_codes import Action, FeatureCode
from kemi_routing.ksr import parties
from kemi_routing.model import Mode, Number, Step
from kemi_routing.record import LineRecord
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, TRUNK, in_network
from tests.ksr.faults import STORE, Fault, Faulty
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step, trunk
from tests.support.sip_message import Address, Request, ha1

GATEWAY = "127.0.0.40:5060"
CAPPED, OTHER, REDIRECTED = "42027777110", "42027777111", "42027777112"
PASSWORD = "blue-kettle"
PHONE = Address("127.0.0.51")
CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")
CALLEE = ("Contact", f"<sip:{OFFICE}@{GATEWAY}>")
LINE = LineRecord("jana-desk", "acme/jana", ha1("jana-desk", DOMAIN, PASSWORD), PERSONAL, 3,
                  codes=(FeatureCode("*33", Action.TOGGLE, "night"),))
Act = Callable[[Faulty], None]
ANSWERS = {OFFICE: 486, MOBILE: 603, "desk": 486, "voicemail": 486, "announcement": 486}


def of(key: str, *steps: Step, mode: Mode = Mode.FORWARD_ONLY, **more: int) -> Number:
    written = sequence("all", *steps), sequence("night", step(OFFICE))
    return number(number=key, default="all", mode=mode, sequences=written, **more)


def later(text: str, *, delay_s: int = 0, ring_s: int = 20) -> Step:
    return tuple(replace(one, delay_s=delay_s) for one in step(text, ring_s=ring_s))


def line_sends(method: str, uri: str) -> Act:
    """The phone of the line asks, and again with its password."""
    def act(edge: Faulty) -> None:
        address = f"<sip:{LINE.name}@{DOMAIN}>"
        request = Request(method=method, uri=uri, caller=f"{address};tag=l", callee=address,
                          source=PHONE, headers=(("Contact", "<sip:jana-desk@127.0.0.51:5060>"),))
        edge.receive(request)
        last = edge.replies[-1].headers if edge.replies else None
        challenge = last and (last.get("Proxy-Authenticate") or last.get("WWW-Authenticate"))
        if challenge:
            edge.receive(request.with_credentials(challenge, LINE.name, PASSWORD))
        edge.play(ANSWERS)
    return act


def asks(edge: Faulty) -> None:
    edge.receive(Request(method="OPTIONS"))


def calls(dialled: str, *, ani: str = "42075553333") -> Act:
    def act(edge: Faulty) -> None:
        edge.call(dialled, ani, CONTACT)
        edge.play(ANSWERS)
    return act


def hangs_up(edge: Faulty) -> None:
    invite = edge.call(PERSONAL)
    for branch in edge.ringing:
        edge.answer(branch, 180)
    if not edge.codes:
        edge.receive(invite.cancel())
    edge.play(ANSWERS)


def hangs_up_after_the_answer(source: Address) -> Act:
    def act(edge: Faulty) -> None:
        invite = edge.call(CAPPED, "42075553333", CONTACT)
        route = edge.forwarded[-1].headers.get("Record-Route") if edge.forwarded else None
        for branch in edge.ringing:
            for _ in range(2):  # it repeats it until an ACK comes, which passes once both are known
                edge.answer(branch, 200, headers=[CALLEE])
        sides = (invite.caller, "<sip:a@b>;tag=t")
        here, there = sides if source == TRUNK else sides[::-1]
        bye = Request(
            method="BYE", uri=f"sip:{OFFICE}@{GATEWAY}", call_id=invite.call_id, caller=here,
            callee=there, source=source, cseq=2, headers=(("Route", route or ""),))
        for request in (bye, replace(bye, branch="z9hG4bK-again", cseq=3)):
            if edge.counted:
                edge.receive(request)
                edge.play(ANSWERS)
    return act


@dataclass(frozen=True)
class Situation:
    """Numbers, and what happens on them."""

    act: Act
    numbers: tuple[Number, ...] = ()
    phones: tuple[str, ...] = ("sip:desk@127.0.0.51:5060",)


SITUATIONS = {
    "one step": Situation(calls(PERSONAL), (of(PERSONAL, step("line jana-desk", OFFICE)),)),
    "steps, then voicemail": Situation(calls(PERSONAL), (of(
        PERSONAL, step("line jana-desk"), step(OFFICE, MOBILE),
        mode=Mode.FORWARD_THEN_VOICEMAIL),)),
    "nobody registered": Situation(calls(PERSONAL), (
        of(PERSONAL, step("line jana-desk"), step(OFFICE)),), phones=()),
    "ring times of their own": Situation(calls(PERSONAL), (of(PERSONAL, (
        *later(OFFICE, ring_s=5), *later("line jana-desk", ring_s=20))),)),
    "delayed": Situation(calls(PERSONAL), (of(PERSONAL, (
        *later(OFFICE), *later("line jana-desk", delay_s=5)), step(MOBILE)),)),
    "by a name that nobody knows": Situation(calls(PERSONAL), (
        of(PERSONAL, step("sip:jana@sip.example.net", OFFICE), step(MOBILE)),)),
    "handed over": Situation(calls(PERSONAL), (
        of(PERSONAL, step(f"number {OTHER}")), of(OTHER, step("line jana-desk", MOBILE)))),
    "capped": Situation(calls(CAPPED)),
    "302 to the trunk": Situation(calls(REDIRECTED), (of(REDIRECTED, step(OFFICE)),)),
    "rejected": Situation(calls(PERSONAL), (of(PERSONAL, mode=Mode.REJECT),)),
    "own mailbox": Situation(calls(PERSONAL, ani=MOBILE), (of(PERSONAL),)),
    "nobody's number": Situation(calls("42027777199")),
    "a feature code": Situation(line_sends("INVITE", f"sip:*33@{DOMAIN}"),
                                (of(PERSONAL, step(OFFICE)),)),
    "a line calls outside": Situation(line_sends("INVITE", f"sip:+{OFFICE}@{DOMAIN}")),
    "REGISTER": Situation(line_sends("REGISTER", f"sip:{DOMAIN}")),
    "OPTIONS": Situation(asks),
    "CANCEL": Situation(hangs_up, (of(PERSONAL, step("line jana-desk", OFFICE), step(MOBILE)),)),
    "BYE of a trunk": Situation(hangs_up_after_the_answer(TRUNK)),
    "BYE of a gateway": Situation(hangs_up_after_the_answer(Address("127.0.0.40"))),
}


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = trunk(TRUNK.ip, redirect=True, max_calls=9, max_per_second=99)
    monkeypatch.setattr(product_edge, "SETTINGS", in_network(trunks=(limited,)))


def played(situation: Situation, fault: Fault = Fault.RAISES, at: int = -1) -> Faulty:
    """The situation with a fault at a call; -1 is none."""
    edge = Faulty((*situation.numbers, of(CAPPED, step(OFFICE), max_calls=1)), (LINE,),
                  fault=fault, at=at)
    edge.register("jana-desk", *situation.phones)
    situation.act(edge)
    return edge


def harm(edge: Faulty) -> list[str]:
    """What a fault did besides costing its own call."""
    found = [f"no answer to {request.method}" for request in edge.silent]
    found += [f"locked {key}" for key in edge.locked]
    found += [text for _, text in edge.log if "Misuse" in text]
    edge.heal()
    if edge.codes and edge.counted and not edge.htable.tables[parties.PARTIES]:
        return found  # nobody looked at the answer: such a call lasts until dialog ends it
    found += [f"counted for ever: {edge.counted}"] if edge.counted else []
    before = len(edge.uris), len(edge.codes)
    edge.call(CAPPED, "42075553333", CONTACT)
    edge.play(ANSWERS)
    after = edge.uris[before[0]:], edge.codes[before[1]:]
    return found + ([f"next call: {after}"] if after != (
        [f"sip:{OFFICE}@{GATEWAY}"], [486]) else [])


@pytest.mark.parametrize("name", SITUATIONS)
def test_without_a_fault_nothing_is_harmed(name: str) -> None:
    edge = played(SITUATIONS[name])
    assert not [text for level, text in edge.log if "error" in text]
    assert harm(edge) == []


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
@pytest.mark.parametrize("name", SITUATIONS)
def test_a_fault_costs_its_own_call_at_most(name: str, fault: Fault) -> None:
    situation = SITUATIONS[name]
    harmed = {}
    for at, path in enumerate(played(situation).made):
        if fault is Fault.AWAY and not path.startswith(STORE):
            continue
        try:
            found = harm(played(situation, fault, at))
        except AssertionError as misuse:
            found = [str(misuse)]
        if found:
            harmed[f"{at} {path}"] = found
    assert harmed == {}
