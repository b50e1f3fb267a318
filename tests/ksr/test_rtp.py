# SPDX-License-Identifier: GPL-2.0-or-later
"""Which messages rtpengine sees, on the fake."""

from dataclasses import replace

import pytest

import tests.ksr.edge as product_edge
from kemi_routing.ksr import rtp
from kemi_routing.model import Mode
from tests.ksr.edge import STRANGER, TRUNK, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.fake_state import Forwarded
from tests.support.sip_message import Request

MOBILE = "42073723101"
CONTACT, SDP = ("Contact", f"<sip:caller@{TRUNK.ip}:5060>"), ("Content-Type", "application/sdp")
CALLEE = ("Contact", f"<sip:{OFFICE}@127.0.0.40:5060>")
OF_BRANCH = "replace-origin replace-session-connection via-branch=auto-next"
OF_CALL = "replace-origin replace-session-connection"


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Product:
    chosen = replace(product_edge.SETTINGS, rtpengine="udp:127.0.0.9:2223")
    monkeypatch.setattr(product_edge, "SETTINGS", chosen)
    made = made_without()
    made.rtpengine.answers = True
    return made


def made_without() -> Product:
    return Product(number(mode=Mode.FORWARD_ONLY, default="all", sequences=(
        sequence("all", (*step(OFFICE), *step(MOBILE, ring_s=10))),)))


def relayed(edge: Product) -> list[str | None]:
    """How each branch was offered."""
    return [sent.headers.get("X-Relayed") for sent in edge.forwarded if sent.method == "INVITE"]


def answered(edge: Product) -> Request:
    request = edge.call(PERSONAL, "42075553333", CONTACT, SDP)
    edge.answer(OFFICE, 200, headers=[CALLEE, SDP], body="v=0")
    return request


def within(edge: Product, method: str, *headers: tuple[str, str]) -> Forwarded:
    """A request of the caller's in the answered call."""
    request = answered(edge)
    route = ("Route", edge.forwarded[0].headers.get("Record-Route") or "")
    edge.receive(Request(method, f"sip:{OFFICE}@127.0.0.40", request.caller, "<sip:a@b>;tag=t",
                         (route, CONTACT, *headers), TRUNK, call_id=request.call_id))
    return edge.forwarded[-1]


def test_each_branch_is_an_offer_of_its_own(edge: Product) -> None:
    edge.call(PERSONAL, "42075553333", CONTACT, SDP)
    assert relayed(edge) == [OF_BRANCH, OF_BRANCH]


def test_a_second_pass_offers_no_second_time(edge: Product) -> None:
    edge.call(PERSONAL, "42075553333", CONTACT, SDP)
    edge.spiral()
    assert relayed(edge) == [OF_BRANCH, OF_BRANCH, None]


def test_an_invite_without_sdp_is_no_offer(edge: Product) -> None:
    edge.call(PERSONAL, "42075553333", CONTACT)
    assert relayed(edge) == [None, None]


@pytest.mark.parametrize(("code", "headers", "expected"), [
    (200, (CALLEE, SDP), OF_BRANCH), (180, (), None), (183, (SDP,), None), (200, (CALLEE,), None),
    (183, (SDP, ("RSeq", "1")), OF_BRANCH)])
def test_what_the_caller_hears_comes_from_rtpengine(
        edge: Product, code: int, headers: tuple[tuple[str, str], ...],
        expected: str | None) -> None:
    edge.call(PERSONAL, "42075553333", CONTACT, SDP)
    edge.answer(OFFICE, code, headers=headers)
    assert edge.replies[-1].headers.get("X-Relayed") == expected


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "ACK"])
def test_requests_within_the_call_are_seen(edge: Product, method: str) -> None:
    assert within(edge, method, SDP).headers.get("X-Relayed") == OF_CALL


def test_what_they_are_answered_is_seen_too(edge: Product) -> None:
    within(edge, "INVITE", SDP)
    edge.answer(OFFICE, 200, headers=[CALLEE, SDP])
    assert edge.replies[-1].headers.get("X-Relayed") == OF_CALL


def test_a_bye_ends_the_relay(edge: Product) -> None:
    within(edge, "BYE")
    assert edge.rtpengine.deleted == [edge.transactions[0].request.call_id]
    assert edge.htable.tables[rtp.RELAYED] == {}


@pytest.mark.parametrize("method", ["BYE", "INVITE"])
def test_other_calls_are_left_alone(edge: Product, method: str) -> None:
    edge.rtpengine.answers = False
    sent = within(edge, method, SDP)
    edge.rtpengine.answers = True
    assert (sent.headers.get("X-Relayed"), edge.rtpengine.deleted) == (None, [])


def test_a_stranger_ends_no_relay(edge: Product) -> None:
    request = answered(edge)
    edge.receive(Request("BYE", "sip:a@b", request.caller, "<sip:a@b>;tag=t", (), STRANGER,
                         call_id=request.call_id))
    assert (edge.codes[-1], edge.rtpengine.deleted) == (404, [])


@pytest.mark.parametrize("code", [486, 503])
def test_a_call_that_nobody_answers_ends_the_relay(edge: Product, code: int) -> None:
    request = edge.call(PERSONAL, "42075553333", CONTACT, SDP)
    for branch in list(edge.transaction.branches):
        edge.answer(branch, code)
    assert edge.rtpengine.deleted == [request.call_id]


def test_a_caller_who_hangs_up_ends_the_relay(edge: Product) -> None:
    request = edge.call(PERSONAL, "42075553333", CONTACT, SDP)
    invite = edge.transaction
    for branch in list(invite.branches):
        edge.answer(branch, 180)
    edge.receive(request.cancel())
    for branch in list(invite.branches):
        edge.answer(branch, 487)
    assert edge.rtpengine.deleted == [request.call_id]


def test_without_rtpengine_calls_go_on_and_one_line_says_so(edge: Product) -> None:
    edge.rtpengine.answers = False
    answered(edge)
    assert edge.codes == [200]
    assert [text for level, text in edge.log if level == "err"] == [
        f"rtp callid={edge.transaction.request.call_id} why='rtpengine does not answer'\n"]


def test_where_none_is_set_nobody_asks_it() -> None:
    edge = made_without()
    edge.rtpengine.answers = True
    within(edge, "BYE")
    assert (relayed(edge)[:1], edge.rtpengine.deleted) == ([None], [])
