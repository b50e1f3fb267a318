# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones behind NAT on the fake: registered, called, calling, within a call."""

import re
from dataclasses import replace

import pytest

import tests.ksr.edge as product_edge
from kemi_routing.ksr import flows
from kemi_routing.model import Mode
from kemi_routing.record import LineRecord
from tests.ksr.edge import DOMAIN, STRANGER, TRUNK, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.fake_state import Forwarded
from tests.support.sip_message import Address, Request, ha1

PASSWORD, DESK = "blue-kettle", "desk"
NAT, INSIDE = Address("127.0.0.66", 40123), "sip:desk@192.168.1.10:5060"
SOURCE = f"sip:{NAT.ip}:{NAT.port}"
ALIAS = f";alias={NAT.ip}~{NAT.port}~1"
OTHERS = "42027777105"
AOR = f"<sip:{DESK}@{DOMAIN}>"
OTHER = ("Contact", f"<sip:42075553333@{TRUNK.ip}:5060>")


@pytest.fixture
def edge() -> Product:
    record = LineRecord(DESK, "acme/jana", ha1(DESK, DOMAIN, PASSWORD), PERSONAL, 3)
    rings = number(mode=Mode.FORWARD_ONLY, default="all", lines=(DESK,),
                   sequences=(sequence("all", step(f"line {DESK}")),))
    other = number(number=OTHERS, mode=Mode.FORWARD_ONLY, default="all", lines=(),
                   sequences=(sequence("all", step(OFFICE)),))
    return Product(rings, other, lines=(record,))


def authenticated(edge: Product, request: Request) -> None:
    edge.receive(request)
    headers = edge.replies[-1].headers
    asked = headers.get("WWW-Authenticate") or headers.get("Proxy-Authenticate") or ""
    edge.receive(request.with_credentials(asked, DESK, PASSWORD))


def registered(edge: Product, source: Address = NAT, contact: str = f"<{INSIDE}>") -> None:
    authenticated(edge, Request("REGISTER", f"sip:{DOMAIN}", f"{AOR};tag=1", AOR,
                                (("Contact", contact),), source))
    assert edge.codes[-1] == 200


def called(edge: Product) -> Forwarded:
    edge.call(PERSONAL, "42075553333", OTHER)
    return edge.forwarded[-1]


class TestACalledPhone:
    def test_is_rung_where_it_registered_from(self, edge: Product) -> None:
        registered(edge)
        invite = called(edge)
        assert (invite.uri, invite.destination) == (INSIDE, SOURCE)

    @pytest.mark.parametrize("contact", [f"<sip:desk@{NAT.ip}:{NAT.port}>", f"sip:{NAT.ip}:9"])
    def test_that_names_its_address_is_rung_there(self, edge: Product, contact: str) -> None:
        registered(edge, contact=contact)
        invite = called(edge)
        assert invite.destination == invite.uri == contact.strip("<>")

    def test_answers_with_the_address_that_it_has_outside(self, edge: Product) -> None:
        registered(edge)
        called(edge)
        edge.answer(DESK, 200, headers=[("Contact", f"<{INSIDE}>")])
        assert edge.replies[-1].headers.get("Contact") == f"<{INSIDE}{ALIAS}>"
        assert any("answered" in text for _, text in edge.log)

    def test_that_names_its_address_answers_as_it_says(self, edge: Product) -> None:
        own = f"<sip:desk@{NAT.ip}:{NAT.port}>"
        registered(edge, contact=own)
        called(edge)
        edge.answer(DESK, 200, headers=[("Contact", own)])
        assert edge.replies[-1].headers.get("Contact") == own

    def test_may_be_one_of_several(self, edge: Product) -> None:
        own = Address("127.0.0.51")
        registered(edge)
        registered(edge, own, f"<sip:other@{own.ip}>")
        called(edge)
        edge.answer("other", 180, headers=[("Contact", "<sip:other@127.0.0.99>")])
        edge.answer(DESK, 180, headers=[("Contact", f"<{INSIDE}>")])
        assert [reply.headers.get("Contact") for reply in edge.replies[-2:]] == [
            f"<sip:other@127.0.0.99;alias={own.ip}~5060~1>", f"<{INSIDE}{ALIAS}>"]


class TestACallingPhone:
    def test_is_reached_where_it_calls_from(self, edge: Product) -> None:
        authenticated(edge, Request(uri=f"sip:{OTHERS}@{DOMAIN}", caller=f"{AOR};tag=1",
                                    headers=(("Contact", f"<{INSIDE}>"),), source=NAT))
        assert edge.forwarded[-1].headers.get("Contact") == f"<{INSIDE}{ALIAS}>"

    def test_that_proves_no_password_goes_nowhere(self, edge: Product) -> None:
        edge.receive(Request(uri=f"sip:{PERSONAL}@{DOMAIN}", caller=f"{AOR};tag=1", source=NAT))
        assert edge.codes == [407]


class TestWithinACall:
    @staticmethod
    def send(edge: Product, method: str, uri: str, source: Address,
             *headers: tuple[str, str]) -> Forwarded:
        """In a call that a phone behind NAT answered."""
        registered(edge)
        invite = called(edge)
        ours = invite.headers.get("Record-Route") or ""
        edge.answer(DESK, 200, source=NAT, headers=[
            ("Contact", f"<{INSIDE}>"), ("To", "<sip:a@b>;tag=t"),
            ("Record-Route", f"<sip:192.0.2.9;lr>, {ours}")])
        route, request = ("Route", ours), edge.transaction.request
        tags = ("t", "a") if source == NAT else ("a", "t")
        caller, callee = (f"<sip:a@b>;tag={tag}" for tag in tags)
        edge.receive(Request(method, uri, caller, callee, (route, *headers), source,
                             call_id=request.call_id))
        return edge.forwarded[-1]

    @pytest.mark.parametrize("method", ["INVITE", "BYE", "ACK", "INFO"])
    def test_the_phone_is_reached_by_its_flow(self, edge: Product, method: str) -> None:
        sent = self.send(edge, method, f"{INSIDE}{ALIAS}", TRUNK)
        assert (sent.method, sent.uri, sent.destination) == (method, INSIDE, SOURCE)

    def test_what_it_answers_to_a_new_invite_is_of_its_flow(self, edge: Product) -> None:
        self.send(edge, "INVITE", f"{INSIDE}{ALIAS}", TRUNK)
        edge.answer(DESK, 200, headers=[("Contact", f"<{INSIDE}>")])
        assert edge.replies[-1].headers.get("Contact") == f"<{INSIDE}{ALIAS}>"

    def test_another_hop_comes_first(self, edge: Product) -> None:
        sent = self.send(edge, "INFO", f"{INSIDE}{ALIAS}", TRUNK, ("Route", "<sip:192.0.2.9;lr>"))
        assert (sent.uri, sent.destination) == (f"{INSIDE}{ALIAS}", "sip:192.0.2.9;lr")

    @pytest.mark.parametrize("where", ["127.0.0.1~6379~2", "192.0.2.9~6379~1", "0.0.0.0~9~3"])
    def test_no_alias_leads_elsewhere(self, edge: Product, where: str) -> None:
        sent = self.send(edge, "INFO", f"{INSIDE};alias={where}", TRUNK)
        assert (sent.method, edge.codes[-1]) == ("INVITE", 404)

    def test_its_own_new_address_is_that_of_its_flow(self, edge: Product) -> None:
        sent = self.send(edge, "INVITE", OTHER[1].strip("<>"), NAT, ("Contact", f"<{INSIDE}>"))
        assert sent.headers.get("Contact") == f"<{INSIDE}{ALIAS}>"

    @pytest.mark.parametrize("headers", [
        (("Contact", "<sip:desk@127.0.0.66:40123>"),), (),
        (("Contact", f"<{INSIDE}>"), ("Via", "SIP/2.0/UDP 192.0.2.9;branch=z")),
    ], ids=["names its source", "none", "came by a proxy"])
    def test_other_contacts_stay(self, edge: Product, headers: tuple[tuple[str, str], ...]) -> None:
        sent = self.send(edge, "INVITE", OTHER[1].strip("<>"), NAT, *headers)
        assert sent.headers.get("Contact") == dict(headers).get("Contact")

    def test_servers_are_where_they_say(self, edge: Product) -> None:
        there = ("Contact", "<sip:x@127.0.0.99>")
        sent = self.send(edge, "INVITE", INSIDE, Address("127.0.0.40", 5999), there)
        assert sent.headers.get("Contact") == there[1]


def test_a_phone_that_is_pinged_is_one_behind_nat(edge: Product) -> None:
    registered(edge)
    registered(edge, Address("127.0.0.51"), "<sip:other@127.0.0.51>")
    flags = [contact.flags for contact in edge.contacts(DESK)]
    assert flags == [frozenset(), frozenset({flows.NAT_FLAG})]  # the newest is first


CLUSTER, PEER = "127.0.0.1:5058", "127.0.0.2:5058"
HELD = f"{SOURCE};at={PEER}"


class TestSeveralProxies:
    @pytest.fixture(autouse=True)
    def of_a_cluster(self, monkeypatch: pytest.MonkeyPatch) -> None:
        chosen = replace(product_edge.SETTINGS, cluster=CLUSTER, cluster_port=5058,
                         peers=frozenset({"127.0.0.2"}))
        monkeypatch.setattr(product_edge, "SETTINGS", chosen)

    @staticmethod
    def from_peer(edge: Product, reached: str, source: Address = Address("127.0.0.2")) -> None:
        flow = ("X-Followme-Flow", f"{DESK} {reached}")
        edge.receive(Request(uri=INSIDE, headers=(flow, OTHER), source=source,
                             received=Address("127.0.0.1", 5058)))

    def test_a_registration_says_which_one_reaches_the_phone(self, edge: Product) -> None:
        registered(edge)
        assert [one.received for one in edge.contacts(DESK)] == [f"{SOURCE};at={CLUSTER}"]
        assert called(edge).destination == f"{SOURCE};at={CLUSTER}"

    @pytest.mark.parametrize("ring_s", [20, 10], ids=["alone", "second pass"])
    def test_a_phone_of_another_one_is_rung_through_it(self, edge: Product, ring_s: int) -> None:
        both = number(mode=Mode.FORWARD_ONLY, default="all", lines=(DESK,), sequences=(
            sequence("all", (*step(f"line {DESK}", ring_s=ring_s), *step(OFFICE))),))
        edge.records.held[PERSONAL] = both
        edge.register_elsewhere(DESK, INSIDE, HELD, flows.NAT_FLAG)
        called(edge)
        if ring_s < 20:
            edge.spiral()
        invite = next(one for one in edge.forwarded if one.uri == INSIDE)
        assert (invite.destination, invite.send_socket) == (
            f"sip:{PEER};transport=tcp", f"tcp:{CLUSTER}")
        assert invite.headers.get("X-Followme-Flow") == f"{DESK} {HELD}"
        edge.answer(edge.branch(DESK), 180, headers=[("Contact", f"<{INSIDE};alias=x~1~1>")])
        assert edge.replies[-1].headers.get("Contact") == f"<{INSIDE};alias=x~1~1>"

    def test_our_phone_is_rung_for_another_one(self, edge: Product) -> None:
        registered(edge)
        self.from_peer(edge, f"{SOURCE};at={CLUSTER}")
        invite = edge.forwarded[-1]
        assert (invite.uri, invite.destination) == (INSIDE, f"{SOURCE};at={CLUSTER}")
        assert (invite.connects, invite.headers.get("X-Followme-Flow")) == (False, None)
        edge.answer(DESK, 200, headers=[("Contact", f"<{INSIDE}>")])
        assert edge.replies[-1].headers.get("Contact") == f"<{INSIDE}{ALIAS}>"

    def test_the_route_to_our_phone_is_as_we_wrote_it(self, edge: Product) -> None:
        registered(edge)
        self.from_peer(edge, f"{SOURCE};at={CLUSTER}")
        route = edge.forwarded[-1].headers.get("Record-Route") or ""
        edge.answer(DESK, 200, headers=[("Record-Route", re.sub(";fm=[^>]*", "", route))])
        assert edge.replies[-1].headers.all("Record-Route") == [route]

    @pytest.mark.parametrize(("address", "code"), [("127.0.0.1", 200), ("127.0.0.3", 404)])
    def test_that_route_lets_in_here_only(self, edge: Product, monkeypatch: pytest.MonkeyPatch,
                                          address: str, code: int) -> None:
        registered(edge)
        self.from_peer(edge, f"{SOURCE};at={CLUSTER}")
        route = ("Route", edge.forwarded[-1].headers.get("Record-Route") or "")
        edge.answer(DESK, 200)
        other = replace(product_edge.SETTINGS, address=address)
        monkeypatch.setattr(product_edge, "SETTINGS", other)
        edge.receive(Request(
            "INFO", OTHER[1].strip("<>"), "<sip:a@b>;tag=t", Request.caller, (route,), NAT,
            Address(address), call_id=edge.transactions[-1].request.call_id))
        assert edge.codes[-1] == code

    @pytest.mark.parametrize("reached", ["", "sip:127.0.0.1:6379;transport=tcp", HELD])
    def test_nothing_goes_where_no_phone_is(self, edge: Product, reached: str) -> None:
        registered(edge)
        self.from_peer(edge, reached)
        assert (edge.codes[-1], edge.forwarded) == (430, [])

    def test_a_repetition_rings_once(self, edge: Product) -> None:
        registered(edge)
        for _ in range(2):
            edge.receive(Request(uri=INSIDE, source=Address("127.0.0.2"), branch="z9hG4bKsame",
                                 headers=(("X-Followme-Flow", f"{DESK} {SOURCE};at={CLUSTER}"),),
                                 received=Address("127.0.0.1", 5058)))
        assert edge.uris == [INSIDE]

    def test_a_stranger_rings_nobody(self, edge: Product) -> None:
        registered(edge)
        self.from_peer(edge, f"{SOURCE};at={CLUSTER}", STRANGER)
        assert (edge.codes[-1], edge.forwarded) == (403, [])
