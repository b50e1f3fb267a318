# SPDX-License-Identifier: GPL-2.0-or-later
"""Which messages rtpengine sees, on the fake."""

from dataclasses import replace

import pytest

import tests.ksr.edge as product_edge
from kemi_routing.model import Mode
from tests.ksr.edge import SPIRAL, STRANGER, TRUNK, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step, trunk
from tests.support.fake_state import Forwarded
from tests.support.sip_message import Address, Request

MOBILE = "42073723101"
CONTACT, SDP = ("Contact", f"<sip:caller@{TRUNK.ip}:5060>"), ("Content-Type", "application/sdp")
CALLEE = ("Contact", f"<sip:{OFFICE}@127.0.0.40:5060>")
BODY, MIXED = "v=0", ("Content-Type", "multipart/mixed; boundary=part")
DTMF = ("Content-Type", "application/dtmf-relay")
FLAGS = "replace-origin replace-session-connection"
OF_BRANCH, OF_CALL = f"manage {FLAGS} via-branch=auto-next", f"manage {FLAGS}"


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


def called(edge: Product, *headers: tuple[str, str], body: str = BODY) -> Request:
    """The INVITE of a call, with an offer unless its headers and body are others."""
    request = Request(uri=f"sip:{PERSONAL}@127.0.0.1", caller="<sip:42075553333@x>;tag=a",
                      source=TRUNK, headers=(CONTACT, *(headers or (SDP,))), body=body)
    edge.receive(request)
    return request


def answered(edge: Product, *headers: tuple[str, str], body: str = BODY) -> Request:
    request = called(edge, *headers, body=body)
    edge.answer(OFFICE, 200, headers=[CALLEE, SDP, ("To", "<sip:a@b>;tag=t")], body=BODY)
    return request


def within(edge: Product, method: str, *headers: tuple[str, str], body: str = BODY,
           call: Request | None = None, route: str = "") -> Forwarded:
    """A request of the caller's in the answered call."""
    request = call or answered(edge)
    written = ("Route", route or edge.forwarded[0].headers.get("Record-Route") or "")
    edge.receive(Request(method, f"sip:{OFFICE}@127.0.0.40:5060", request.caller, "<sip:a@b>;tag=t",
                         (written, CONTACT, *headers), TRUNK, call_id=request.call_id, body=body))
    return edge.forwarded[-1]


def heard(edge: Product) -> str | None:
    """What rtpengine was told about the last answer that the caller heard."""
    return edge.replies[-1].headers.get("X-Relayed")


def alarms(edge: Product) -> list[str]:
    return [text for level, text in edge.log if level == "err"]


def test_each_branch_is_an_offer_of_its_own(edge: Product) -> None:
    called(edge)
    assert relayed(edge) == [OF_BRANCH, OF_BRANCH]


def test_each_side_is_offered_the_addresses_by_which_it_is_reached(
        edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the second pass reaches somebody the first one does not know."""
    chosen = replace(product_edge.SETTINGS, address6="2001:db8::1")
    monkeypatch.setattr(product_edge, "SETTINGS", chosen)
    edge.records.held[PERSONAL] = number(mode=Mode.FORWARD_ONLY, default="all", sequences=(
        sequence("all", (*step("line jana-desk", OFFICE), *step(MOBILE, ring_s=10))),))
    edge.register("jana-desk", "sip:desk@[2001:db8::40]:5060")
    called(edge)
    assert {sent.uri.partition("@")[2]: how for sent, how in zip(
        edge.forwarded, relayed(edge), strict=True)} == {
            "127.0.0.40:5060": f"{OF_BRANCH} address-family=IP4",
            "[2001:db8::40]:5060": f"{OF_BRANCH} address-family=IP6",
            f"127.0.0.1:{SPIRAL.port}": OF_BRANCH}
    edge.answer(OFFICE, 200, headers=[CALLEE, SDP], body=BODY)
    assert heard(edge) == OF_BRANCH


@pytest.mark.parametrize(("source", "family"), [(TRUNK, "IP4"), (Address("2001:db8::20"), "IP6")])
def test_who_offers_nothing_is_offered_his_own_addresses(
        edge: Product, monkeypatch: pytest.MonkeyPatch, source: Address, family: str) -> None:
    trunks = (trunk(TRUNK.ip), trunk("2001:db8::20"))
    chosen = replace(product_edge.in_network(trunks=trunks), rtpengine="udp:127.0.0.9:2223",
                     address6="2001:db8::1")
    monkeypatch.setattr(product_edge, "SETTINGS", chosen)
    edge.receive(replace(Request(uri=f"sip:{PERSONAL}@127.0.0.1", headers=(CONTACT,)),
                         source=source))
    for _ in range(2):  # repeated, it is an offer again
        edge.answer(OFFICE, 200, headers=[CALLEE, SDP], body=BODY)
        assert heard(edge) == f"{OF_BRANCH} address-family={family}"


def test_a_second_pass_offers_no_second_time(edge: Product) -> None:
    called(edge)
    edge.spiral()
    assert relayed(edge) == [OF_BRANCH, OF_BRANCH, None]


@pytest.mark.parametrize(("headers", "body", "expected"), [
    ((CONTACT,), "", None), ((DTMF,), "Signal=1", None), ((MIXED,), "--part", None),
    ((("Content-Type", "Application/SDP"),), BODY, OF_BRANCH),
    ((MIXED,), "Content-Type: application/sdp\r\n\r\nv=0", OF_BRANCH)])
def test_only_what_has_sdp_is_an_offer(
        edge: Product, headers: tuple[tuple[str, str], ...], body: str, expected: str | None,
        ) -> None:
    called(edge, *headers, body=body)
    assert (relayed(edge), alarms(edge)) == ([expected, expected], [])


@pytest.mark.parametrize(("code", "headers", "expected"), [
    (200, (CALLEE, SDP), OF_BRANCH), (180, (), None), (183, (SDP,), None), (200, (CALLEE,), None),
    (183, (SDP, ("RSeq", "1")), OF_BRANCH)])
@pytest.mark.parametrize("offered", [SDP, CONTACT], ids=["early offer", "late offer"])
def test_what_the_caller_hears_comes_from_rtpengine(
        edge: Product, offered: tuple[str, str], code: int, headers: tuple[tuple[str, str], ...],
        expected: str | None) -> None:
    called(edge, offered, body=BODY if offered == SDP else "")
    edge.answer(OFFICE, code, headers=headers, body=BODY if SDP in headers else "")
    assert (heard(edge), alarms(edge)) == (expected, [])


MANY, TOO_MANY = (BODY + "\r\nm=audio 4000 RTP/AVP 0" * count for count in (8, 9))


def test_what_describes_too_many_streams_is_refused(edge: Product) -> None:
    called(edge, body=TOO_MANY)
    assert (edge.codes, edge.uris) == ([488], [])
    request = called(edge, body=MANY)
    edge.answer(OFFICE, 200, headers=[CALLEE, SDP, ("To", "<sip:a@b>;tag=t")], body=MANY)
    sent = len(edge.forwarded)
    for method in ("INVITE", "UPDATE", "PRACK", "ACK"):
        within(edge, method, SDP, body=TOO_MANY, call=request)
    assert (len(edge.forwarded), edge.codes) == (sent, [488, 200, 488, 488, 488])
    assert within(edge, "UPDATE", SDP, body=MANY, call=request).method == "UPDATE"


def test_an_answer_that_describes_too_many_loses_them(edge: Product) -> None:
    called(edge, CONTACT, body="")
    edge.answer(OFFICE, 200, headers=[CALLEE, SDP], body=TOO_MANY)
    answered = edge.replies[-1]
    assert (answered.code, answered.body, answered.headers.get("Content-Type")) == (200, "", None)
    assert (heard(edge), alarms(edge)) == (None, [])


def test_who_has_no_relay_may_describe_many(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = made_without()
    called(edge, body=TOO_MANY)
    assert edge.codes == []


def test_of_two_that_answer_the_first_is_heard(edge: Product) -> None:
    """The second one's call is not marked, so what ends it takes no RTP away."""
    edge.records.held[PERSONAL] = number(mode=Mode.FORWARD_ONLY, default="all", sequences=(
        sequence("all", step(OFFICE, MOBILE)),))
    request = called(edge)
    others = "<sip:192.0.2.1;lr;fm=0;fr=caller>"
    for user in (OFFICE, MOBILE, OFFICE):
        own = edge.branch(user).headers.get("Record-Route") or ""
        edge.answer(user, 200, body=BODY, headers=[
            CALLEE, SDP, ("Record-Route", others), ("Record-Route", own)])
    assert [one.headers.get("X-Relayed") for one in edge.replies] == [OF_BRANCH, None, OF_BRANCH]
    routes = [one.headers.all("Record-Route") for one in edge.replies]
    sent = [str(edge.branch(user).headers.get("Record-Route")) for user in (OFFICE, MOBILE)]
    assert routes == [[others, sent[0]], [others, sent[1].replace(";fr=caller", "")],
                      [others, sent[0]]]
    for route, ended in ((routes[1][1], []), (routes[0][1], [request.call_id])):
        within(edge, "BYE", call=request, route=route)
        assert edge.rtpengine.deleted == ended


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "ACK"])
def test_requests_within_the_call_are_seen(edge: Product, method: str) -> None:
    assert within(edge, method, SDP).headers.get("X-Relayed") == OF_CALL


@pytest.mark.parametrize("method", ["INFO", "MESSAGE", "REFER", "NOTIFY"])
@pytest.mark.parametrize("body", [SDP, DTMF])
def test_others_are_not(edge: Product, method: str, body: tuple[str, str]) -> None:
    sent = within(edge, method, body)
    edge.answer(OFFICE, 200, headers=[SDP], body=BODY)
    assert (sent.method, sent.headers.get("X-Relayed")) == (method, None)
    assert (heard(edge), alarms(edge)) == (None, [])


@pytest.mark.parametrize("offered", [SDP, CONTACT], ids=["early offer", "late offer"])
@pytest.mark.parametrize(("code", "expected"), [(200, OF_CALL), (183, OF_CALL), (488, None)])
def test_what_they_are_answered_is_seen_too(
        edge: Product, code: int, expected: str | None, offered: tuple[str, str]) -> None:
    within(edge, "INVITE", offered, body=BODY if offered == SDP else "")
    edge.answer(OFFICE, code, headers=[CALLEE, SDP], body=BODY)
    assert (heard(edge), edge.rtpengine.deleted) == (expected, [])


@pytest.mark.parametrize(("late", "expected"), [
    (False, (f"offer {FLAGS}", f"answer {FLAGS}")), (True, (f"answer {FLAGS}", None))])
def test_prack_offers_where_the_caller_has_offered_before_and_answers_else(
        edge: Product, expected: tuple[str, str | None], *, late: bool) -> None:
    headers = (CONTACT,) if late else (SDP,)
    request = called(edge, *headers, body="" if late else BODY)
    tagged = ("To", "<sip:a@b>;tag=t")
    edge.answer(OFFICE, 183, headers=[CALLEE, SDP, tagged, ("RSeq", "1")], body=BODY)
    sent = within(edge, "PRACK", SDP, call=request)
    edge.answer(OFFICE, 200, headers=[SDP], body=BODY)
    assert (sent.headers.get("X-Relayed"), heard(edge)) == expected


def test_a_prack_without_sdp_is_no_answer(edge: Product) -> None:
    assert within(edge, "PRACK", body="").headers.get("X-Relayed") is None


def test_a_bye_ends_the_relay(edge: Product) -> None:
    within(edge, "BYE")
    assert edge.rtpengine.deleted == [edge.transactions[0].request.call_id]


def test_a_bye_that_is_refused_does_not(edge: Product) -> None:
    request = answered(edge)
    route = ("Route", edge.forwarded[0].headers.get("Record-Route") or "")
    edge.receive(Request("BYE", "sip:other@127.0.0.99", "<sip:a@b>;tag=t", request.caller, (route,),
                         STRANGER, call_id=request.call_id))
    assert (edge.codes[-1], edge.rtpengine.deleted) == (403, [])


@pytest.mark.parametrize("method", ["BYE", "INVITE"])
def test_a_call_that_began_without_rtpengine_is_left_alone(edge: Product, method: str) -> None:
    edge.rtpengine.answers = False
    request = answered(edge)
    edge.rtpengine.answers = True
    sent = within(edge, method, SDP, call=request)
    assert (sent.headers.get("X-Relayed"), edge.rtpengine.deleted) == (None, [])


@pytest.mark.parametrize("method", ["BYE", "INVITE"])
def test_a_call_whose_rtp_another_proxy_relays_is_left_alone(edge: Product, method: str) -> None:
    """Its mark of ours is not in the route that names us."""
    request = called(edge)
    route = edge.forwarded[0].headers.get("Record-Route") or ""
    own, others = route.replace(";fr=caller", ""), route.replace("127.0.0.1", "127.0.0.2")
    edge.answer(OFFICE, 200, body=BODY, headers=[
        CALLEE, SDP, ("To", "<sip:a@b>;tag=t"), ("Record-Route", f"{others}, {own}")])
    edge.receive(Request(
        method, f"sip:{OFFICE}@127.0.0.40:5060", request.caller, "<sip:a@b>;tag=t",
        (("Route", own), ("Route", others), CONTACT, SDP), TRUNK,
        call_id=request.call_id, body=BODY))
    assert edge.forwarded[-1].headers.get("X-Relayed") is None
    assert edge.rtpengine.deleted == []


def test_one_branch_may_have_an_offer_that_others_lack(edge: Product) -> None:
    """rtpengine is back for the second step."""
    edge.records.held[PERSONAL] = number(mode=Mode.FORWARD_ONLY, default="all", sequences=(
        sequence("all", step(OFFICE), step(MOBILE)),))
    request = called(edge)
    edge.rtpengine.answers = False
    edge.answer(OFFICE, 486)
    edge.answer(MOBILE, 200, headers=[CALLEE, SDP], body=BODY)
    assert (relayed(edge), heard(edge)) == ([OF_BRANCH, None], None)
    routes = [sent.headers.get("Record-Route") or "" for sent in edge.forwarded[:2]]
    assert [";fr=caller" in route for route in routes] == [True, False]
    edge.rtpengine.answers = True
    within(edge, "BYE", call=request, route=routes[1])
    assert edge.rtpengine.deleted == []


def test_a_stranger_ends_no_relay(edge: Product) -> None:
    request = answered(edge)
    edge.receive(Request("BYE", "sip:a@b", request.caller, "<sip:a@b>;tag=t", (), STRANGER,
                         call_id=request.call_id))
    assert (edge.codes[-1], edge.rtpengine.deleted) == (404, [])


@pytest.mark.parametrize("code", [486, 503])
def test_a_call_that_nobody_answers_ends_the_relay(edge: Product, code: int) -> None:
    request = called(edge)
    for branch in list(edge.transaction.branches):
        edge.answer(branch, code)
    assert edge.rtpengine.deleted == [request.call_id]


def test_a_caller_who_hangs_up_ends_the_relay(edge: Product) -> None:
    request = called(edge)
    invite = edge.transaction
    for branch in list(invite.branches):
        edge.answer(branch, 180)
    edge.receive(request.cancel())
    for branch in list(invite.branches):
        edge.answer(branch, 487)
    assert edge.rtpengine.deleted == [request.call_id]


def test_a_late_offer_that_nobody_made_ends_nothing(edge: Product) -> None:
    called(edge, CONTACT, body="")
    for branch in list(edge.transaction.branches):
        edge.answer(branch, 486)
    assert (edge.codes, edge.rtpengine.deleted) == ([486], [])


def test_without_rtpengine_calls_go_on_and_one_line_says_so(edge: Product) -> None:
    edge.rtpengine.answers = False
    answered(edge)
    assert edge.codes == [200]
    assert alarms(edge) == [
        f"rtp callid={edge.transaction.request.call_id} why='rtpengine does not answer'\n"]


def test_where_none_is_set_nobody_asks_it() -> None:
    edge = made_without()
    edge.rtpengine.answers = True
    within(edge, "BYE")
    assert (relayed(edge)[:1], edge.rtpengine.deleted) == ([None], [])
