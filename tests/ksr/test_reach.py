# SPDX-License-Identifier: GPL-2.0-or-later
"""Whom a call reaches inside after a restart."""

from dataclasses import replace

import pytest

from kemi_routing.model import Mode
from kemi_routing.record import LineRecord
from tests.ksr.edge import DOMAIN, NETWORK, SETTINGS, STRANGER, TRUNK, Product
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Address, Request, ha1

PASSWORD = "blue-kettle"
DESK = Address("127.0.0.51")
AT_DESK, AT_TRUNK, AT_OFFICE = (
    "sip:desk@127.0.0.51:5060", "sip:caller@127.0.0.20:5060", f"sip:{OFFICE}@127.0.0.40:5060")
LINE = LineRecord("jana-desk", "acme/jana", ha1("jana-desk", DOMAIN, PASSWORD), PERSONAL, 1)
PREMIUM = "sip:00900123456@"
PROXY = "<sip:127.0.0.21:5060;lr>"
ELSEWHERE = "sip:x@192.0.2.9:5060"


class Call(Product):
    """A call that is up, and of which nothing is known any more."""

    def __init__(self, request: Request, callee: str, *more: tuple[str, str]) -> None:
        all_ = sequence("all", step("line jana-desk"))
        super().__init__(number(mode=Mode.FORWARD_ONLY, default="all", outgoing=True,
                                sequences=(all_,)), lines=(LINE,))
        self.register("jana-desk", AT_DESK)
        self.receive(request)
        if challenge := self.replies and self.replies[-1].headers.get("Proxy-Authenticate"):
            request = request.with_credentials(challenge, "jana-desk", PASSWORD)
            self.receive(request)
        invite = self.forwarded[-1]
        self.call_id = request.call_id
        own = invite.headers.get("Record-Route") or ""
        routes = ", ".join([*(value for _, value in more), own])
        self.answer(self.transactions[-1].branches[-1], 200, headers=[
            ("Contact", f"<{callee}>"), ("To", "<sip:a@b>;tag=t"), ("Record-Route", routes)])
        self.callees = own
        heard = self.replies[-1].headers.all("Record-Route")
        self.callers = ", ".join(reversed(", ".join(heard).split(", ")))
        self.start, self.htable.tables["parties"] = "0000000b", {}

    def passes(self, route: str, uri: str, source: Address = STRANGER) -> bool:
        """Whether an INFO with that Route goes to this Request-URI."""
        before, routes = len(self.forwarded), tuple(("Route", one) for one in route.split(", "))
        self.receive(Request("INFO", uri, "<sip:a@b>;tag=x", "<sip:a@b>;tag=y", routes, source,
                             call_id=self.call_id, cseq=9))
        assert self.codes[-1] == 404 or len(self.forwarded) == before + 1
        return len(self.forwarded) > before


def of_trunk(*headers: tuple[str, str], contact: str | bytes = f"<{AT_TRUNK}>") -> Call:
    """From a trunk to a phone."""
    identity = ("P-Asserted-Identity", "<sip:+42075553333@carrier.example>")
    return Call(Request(uri=f"sip:{PERSONAL}@127.0.0.1", caller="<sip:42075553333@x>;tag=x",
                        source=TRUNK, headers=(identity, ("Contact", contact), *headers)), AT_DESK)


def of_line(*routes: tuple[str, str]) -> Call:
    """From a phone to the gateway."""
    address = f"<sip:jana-desk@{DOMAIN}>"
    return Call(Request(uri=f"sip:{OFFICE}@{DOMAIN}", caller=f"{address};tag=x", callee=address,
                        source=DESK, headers=(("Contact", f"<{AT_DESK}>"),)), AT_OFFICE, *routes)


@pytest.mark.parametrize(("uri", "passed"), [
    (AT_TRUNK, True), (AT_TRUNK.replace("5060", "5061"), False), (f"{PREMIUM}127.0.0.20", False),
    (f"{PREMIUM}127.0.0.21", False), (f"{PREMIUM}127.0.0.40", False), ("sip:x@127.0.0.30", False),
    (f"{AT_TRUNK};alias=127.0.0.30~5060~1", False), (f"{AT_TRUNK};maddr=127.0.0.40", False),
    (f"{ELSEWHERE};maddr=127.0.0.40", False), ("sip:x@127.0.0.1:6379", False),
    (ELSEWHERE, True), ("tel:+900123456", False)])
def test_a_phone_reaches_the_trunk_that_called_it(uri: str, *, passed: bool) -> None:
    edge = of_trunk()
    assert edge.passes(edge.callees, uri, DESK) is passed


def test_a_trunk_reaches_the_phone_from_anywhere() -> None:
    edge = of_trunk()
    assert edge.passes(edge.callees, AT_DESK)


@pytest.mark.parametrize(("uri", "passed"), [
    (AT_OFFICE, True), (f"{PREMIUM}127.0.0.40:5060", False), ("sip:x@127.0.0.30:5060", False),
    (AT_TRUNK, False), (ELSEWHERE, True)])
def test_a_phone_reaches_the_gateway_that_it_called(uri: str, *, passed: bool) -> None:
    edge = of_line()
    assert edge.passes(edge.callers, uri, DESK) is passed
    assert edge.passes(edge.callees, AT_OFFICE, DESK) is False


@pytest.mark.parametrize("host", ["127.0.0.20", "127.0.0.21", "127.0.0.30", "127.0.0.40"])
def test_nobody_reaches_them_by_route(host: str) -> None:
    edge = of_trunk()
    assert edge.passes(f"{edge.callees}, <sip:{host};lr>", AT_TRUNK, DESK) is False


def test_but_by_the_proxies_before_them() -> None:
    trunks, lines = of_trunk(("Record-Route", PROXY)), of_line(("Record-Route", PROXY))
    assert trunks.passes(f"{trunks.callees}, {PROXY}", AT_TRUNK, DESK)
    assert PROXY in lines.callers
    assert lines.passes(lines.callers, AT_OFFICE, DESK)


def test_a_proxy_before_phones_is_not_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    before = "192.0.2.7"
    monkeypatch.setattr("tests.ksr.edge.SETTINGS", replace(
        SETTINGS, edge_proxies=frozenset({before})).with_network(NETWORK))
    edge = of_trunk()
    assert edge.passes(f"{edge.callees}, <sip:{before};lr>", AT_TRUNK, DESK)


@pytest.mark.parametrize(("address", "passed"), [("192.0.2.1", False), ("127.0.0.9", True)])
def test_what_listens_beside_us_is_inside(monkeypatch: pytest.MonkeyPatch, address: str, *,
                                          passed: bool) -> None:
    edge = of_trunk()
    monkeypatch.setattr("tests.ksr.edge.SETTINGS", replace(
        SETTINGS, address=address).with_network(NETWORK))
    assert edge.passes(edge.callees, "sip:x@127.0.0.2:11211", DESK) is passed


@pytest.mark.parametrize("contact", [b"\xff", "tel:+42075553333"])
def test_a_contact_that_leads_nowhere_is_not_marked(contact: str | bytes) -> None:
    edge = of_trunk()
    assert ";fp=" in edge.callees
    assert ";fp=" not in of_trunk(contact=contact).callees


def test_of_two_that_answer_at_once_each_has_one_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """The RTP of the second one is not relayed, which its Record-Route says too."""
    chosen = replace(SETTINGS, rtpengine="udp:127.0.0.9:2223")
    monkeypatch.setattr("tests.ksr.edge.SETTINGS", chosen)
    both, karl = sequence("all", step(OFFICE, MOBILE)), LineRecord(
        "karl-desk", "acme/karl", ha1("karl-desk", DOMAIN, PASSWORD), "", 1)
    edge = Product(number(mode=Mode.FORWARD_ONLY, default="all", sequences=(both,)), lines=(karl,))
    edge.rtpengine.answers = True
    address, sdp = f"<sip:karl-desk@{DOMAIN}>", ("Content-Type", "application/sdp")
    request = Request(uri=f"sip:{PERSONAL}@{DOMAIN}", caller=f"{address};tag=x", callee=address,
                      source=DESK, headers=(("Contact", f"<{AT_DESK}>"), sdp), body="v=0")
    edge.receive(request)
    challenge = edge.replies[-1].headers.get("Proxy-Authenticate") or ""
    edge.receive(request.with_credentials(challenge, "karl-desk", PASSWORD))
    for user in (OFFICE, MOBILE):
        edge.answer(user, 200, headers=[sdp], body="v=0")
    first, second = (one.headers.all("Record-Route") for one in edge.replies[-2:])
    assert [len(first), len(second)] == [1, 1]
    assert [";fp=" in first[0], ";fp=" in second[0]] == [True, True]
    assert [";fr=" in first[0], ";fr=" in second[0]] == [True, False]
