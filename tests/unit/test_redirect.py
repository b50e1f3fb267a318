# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from kemi_routing import redirect, settings
from kemi_routing.model import Outcome
from kemi_routing.network import Network, Server
from kemi_routing.permissions import Rights
from kemi_routing.plan import END, Account, Planned, PlannedStep
from kemi_routing.plan_codec import Hunt
from kemi_routing.targets import Kind, Target
from tests.support.builders import MOBILE, OFFICE, PERSONAL, planned

SETTINGS = settings.from_environment({
    "FOLLOWME_ADDRESS": "192.0.2.1", "FOLLOWME_ADDRESS6": "2001:db8::1",
    "FOLLOWME_DOMAIN": "voice.example.com",
    "FOLLOWME_SIP_HOSTS": "sip.example.net"}).with_network(
        Network(gateways=(Server("192.0.2.40:5060"),)))
FOLLOWS = Rights(forward_external=True, follow_redirects=True)
JANA = Account(PERSONAL, "acme/jana", FOLLOWS, cli=PERSONAL)
VOICEMAIL = planned("voicemail")


def ringing(*steps: PlannedStep, account: Account = JANA, sent: int = 1) -> Hunt:
    """A hunt whose first step rings, with a branch per target."""
    state = Hunt((account,), steps or (planned("line desk", ring_s=25),)).jump_to(0)
    return replace(state, branches=tuple(range(sent)))


def redirected(*texts: str) -> tuple[Planned, ...]:
    return tuple(replace(one, redirected=True, own=False) for one in planned(*texts).targets)


def words(contacts: str) -> list[str]:
    """Each contact's target or why it is none."""
    return [found.text if isinstance(found, Target) else found
            for _, found in redirect.read(contacts, SETTINGS)]


def reasons(state: Hunt, contacts: str) -> list[str]:
    return [remark.why for remark in redirect.deflect(state, 0, contacts, SETTINGS)[1]]


@pytest.mark.parametrize(("contacts", "read"), [
    ("<sip:+49115234567@voice.example.com>", [OFFICE]),
    ("sip:49115234567@192.0.2.1", [OFFICE]),
    ("sip:49115234567@[2001:DB8:0::1]", [OFFICE]),
    ("<sip:49115234567@192.0.2.40:5060;user=phone>", [OFFICE]),
    ("<sip:49115234567@192.0.2.40;user=phone;transport=udp>", [OFFICE]),
    ("<sip:jana@sip.example.net:5070;transport=tls>",
     ["sip:jana@sip.example.net:5070;transport=tls"]),
    ('"Jana, at home" <sip:jana@sip.example.net>', ["sip:jana@sip.example.net"]),
    ('"a \\" quote" <sip:jana@sip.example.net>', ["sip:jana@sip.example.net"]),
    ("Jana Mobile <sip:jana@sip.example.net>", ["sip:jana@sip.example.net"]),
    ('<sip:jana@sip.example.net>;expires=60;+sip.instance="<urn:x,y>" ',
     ["sip:jana@sip.example.net"]),
    ("<sip:a@h.com>;q=0.2, <sip:b@h.com>;Q=0.9,sip:c@h.com,<sip:d@h.com>;q=1.0 , ",
     ["sip:c@h.com", "sip:d@h.com", "sip:b@h.com", "sip:a@h.com"]),
    ("sip:a@h.com;q=0,sip:b@h.com;q=0.001", ["sip:b@h.com", "sip:a@h.com"]),
    ("sip:a@h.com;q=0.5,sip:b@h.com;q=2", ["sip:b@h.com", "sip:a@h.com"]),
    ("", []),
])
def test_contacts_are_read_in_the_order_of_q(contacts: str, read: list[str]) -> None:
    assert words(contacts) == read


PLAIN, NO_NUMBER = "not a plain SIP URI", "not a number in international format"


@pytest.mark.parametrize(("contacts", "why"), [
    ("<sip:0049115234567@voice.example.com>", NO_NUMBER),
    ("<sip:201@voice.example.com>", NO_NUMBER),
    ("<sip:jana@192.0.2.1>", NO_NUMBER),
    ("<sip:jana@h.com?Route=x>", PLAIN),
    ("<sip:jana@h.com;lr>", PLAIN),
    ("<sip:jana@h.com;maddr=192.0.2.9>", PLAIN),
    ("<sip:jana%0d@h.com>", PLAIN),
    ("<sip:jana:secret@h.com>", PLAIN),
    ("<sip:h.com>", PLAIN),
    (f"<sip:{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.com>", PLAIN),
    ("<sips:jana@h.com>", "not a SIP URI"),
    ("<tel:+49115234567>", "not a SIP URI"),
    ("<voicemail>", "not a SIP URI"),
    ("<>", "not a SIP URI"),
    ("*", "not a SIP URI"),
    ("<sip:jana@h.com", "not understood"),
    (",", "not understood"),
    ("<sip:jana@h.com> x", "not understood"),
    ("x" * 2049, "more than 2048 characters"),
])
def test_what_is_no_target_says_why(contacts: str, why: str) -> None:
    assert words(contacts) == [why]


@pytest.mark.parametrize(("contact", "why"), [
    (f"<sip:{OFFICE}@voice.example.com>", "followed"),
    ("<sip:jana@sip.example.net>", "followed"),
    (f"<sip:{PERSONAL}@voice.example.com>", "the call has come through this number already"),
    ("<sip:jana@192.168.1.1>", "192.168.1.1 is not a public address"),
    ("<sip:jana@elsewhere.example>",
     "the operator does not allow calls to the host elsewhere.example"),
    ("<tel:1>", "not a SIP URI"),
])
def test_a_contact_is_checked_like_a_target_that_was_written(contact: str, why: str) -> None:
    assert reasons(ringing(), contact) == [why]


def test_the_owner_s_rights_count() -> None:
    jana = replace(JANA, rights=Rights(follow_redirects=True))
    state = ringing(account=jana)
    after, remarks = redirect.deflect(state, 0, f"<sip:{OFFICE}@voice.example.com>", SETTINGS)
    assert (after, remarks[0].why) == (state, "permission forward_external is not granted")


def test_redirects_are_ignored_unless_the_organisation_wants_them() -> None:
    state = ringing(account=replace(JANA, rights=Rights(forward_external=True)))
    after, remarks = redirect.deflect(state, 0, "<sip:jana@sip.example.net>", SETTINGS)
    assert after == state
    assert [(one.what, one.why) for one in remarks] == [
        ("<sip:jana@sip.example.net>", "redirects are ignored")]


def test_what_is_followed_rings_next_as_long_as_the_phone_with_the_owner_s_number() -> None:
    state, _ = redirect.deflect(
        ringing(), 0, f"<sip:{OFFICE}@voice.example.com>;q=0.1, <sip:jana@sip.example.net>",
        SETTINGS)
    assert [step.then for step in state.steps] == [1, END]
    sip, pstn = state.steps[1].targets
    assert (sip.target, pstn.target) == (Target(Kind.SIP, "sip:jana@sip.example.net"),
                                         Target(Kind.PSTN, OFFICE))
    assert (pstn.ring_s, pstn.cli, pstn.why, pstn.own) == (25, PERSONAL, "302 from line desk",
                                                           False)


def test_a_redirected_target_is_not_followed_again() -> None:
    step = replace(planned(), targets=redirected(OFFICE))
    state = ringing(step)
    after, remarks = redirect.deflect(state, 0, "<sip:jana@sip.example.net>", SETTINGS)
    assert (after, remarks[0].why) == (state, "redirected once already")


def test_two_phones_that_redirect_share_a_step_and_a_target_rings_once() -> None:
    state = ringing(planned("line desk", "line soft"), VOICEMAIL, sent=2)
    for index, user in enumerate("ab"):
        contacts = f"<sip:{user}@sip.example.net>, <sip:c@sip.example.net>"
        state, _ = redirect.deflect(state, index, contacts, SETTINGS)
    assert [one.target.address[4] for one in state.steps[1].targets] == ["a", "c", "b"]
    assert state.steps[2] == VOICEMAIL


@pytest.mark.parametrize(("count", "sent", "later", "followed"), [
    (13, 1, 1, 12), (5, 1, 9, 2), (5, 26, 1, 1), (5, 27, 1, 0), (5, 30, 1, 0)])
def test_a_call_has_at_most_12_branches_at_once_and_30_in_all(
        count: int, sent: int, later: int, followed: int) -> None:
    last = planned(*(f"line soft-{index}" for index in range(later)))
    state = ringing(planned("line desk"), last, sent=1)
    state = replace(state, branches=(*[-1] * (sent - 1), 0))
    contacts = ",".join(f"<sip:{index}@sip.example.net>" for index in range(count))
    after, remarks = redirect.deflect(state, 0, contacts, SETTINGS)
    assert [one.why for one in remarks] == [
        *["followed"] * followed, *["the call has too many branches"] * (count - followed)]
    assert sum(len(step.targets) for step in after.steps) == 1 + later + followed


def test_an_inserted_step_goes_on_as_the_one_before_would_have() -> None:
    first = planned("line desk", then=1, end=3, busy=2, declined=3)
    steps = (first, planned(OFFICE, then=2, end=3),
             planned(MOBILE, then=3, end=3), VOICEMAIL)
    state = redirect.insert_step(ringing(*steps), redirected("sip:jana@sip.example.net"))
    links = [(step.then, step.end, dict(step.on)) for step in state.steps]
    assert links == [
        (1, 4, {Outcome.DECLINED: 4}),
        (2, 4, {Outcome.BUSY: 3, Outcome.DECLINED: 4}),
        (3, 4, {}), (4, 4, {}), (END, END, {})]


def test_nothing_is_inserted_for_nothing() -> None:
    assert redirect.insert_step(ringing(), ()) == ringing()


def test_a_second_pass_hands_on_what_it_understood() -> None:
    state = Hunt((JANA,), (planned("line desk"),), spiral=True)
    written = f"<sip:a@sip.example.net>;q=0.1, <sip:+{OFFICE}@192.0.2.1>, <sip:x@h?b=c>"
    assert redirect.pass_on(state, written, SETTINGS).contacts == (
        f"<sip:{OFFICE}@voice.example.com>", "<sip:a@sip.example.net>")
