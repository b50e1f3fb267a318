# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones with several flows (RFC 5626) on the fake: each rings once, over another one where the
newest is dead.
"""

import pytest

from kemi_routing.model import Mode
from kemi_routing.record import LineRecord
from tests.ksr.edge import DOMAIN, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Address, Request, ha1

PASSWORD, DESK, PHONE = "blue-kettle", "desk", Address("127.0.0.51")
AOR = f"<sip:{DESK}@{DOMAIN}>"
ONE, OTHER = "urn:uuid:1", "urn:uuid:2"


@pytest.fixture
def edge() -> Product:
    record = LineRecord(DESK, "acme/jana", ha1(DESK, DOMAIN, PASSWORD), PERSONAL, 2)
    steps = (step(f"line {DESK}"), step(OFFICE))
    rings = number(mode=Mode.FORWARD_ONLY, default="all", lines=(DESK,),
                   sequences=(sequence("all", *steps),))
    return Product(rings, lines=(record,))


def plug(edge: Product, user: str, phone: str = "", flow: int = 0, more: str = "") -> int:
    numbered = f";flow={flow}" if flow else ""
    named = more + (f';+sip.instance="<{phone}{numbered}>"' if phone else "")
    request = Request("REGISTER", f"sip:{DOMAIN}", f"{AOR};tag=1", AOR,
                      (("Contact", f"<sip:{user}@{PHONE.ip}>{named}"),), PHONE)
    edge.receive(request)
    asked = edge.replies[-1].headers.get("WWW-Authenticate") or ""
    edge.receive(request.with_credentials(asked, DESK, PASSWORD))
    return edge.codes[-1]


def rung(edge: Product) -> list[str]:
    """The phones that were rung, in order."""
    return [uri.partition("@")[0].removeprefix("sip:") for uri in edge.uris]


def test_the_newest_flow_of_each_phone_rings(edge: Product) -> None:
    for user, phone, flow in (("a1", ONE, 1), ("b1", OTHER, 1), ("a2", ONE, 2), ("b2", OTHER, 2)):
        assert plug(edge, user, phone, flow) == 200
    edge.call(PERSONAL)
    assert rung(edge) == ["b2", "a2"]


def test_phones_without_a_name_all_ring(edge: Product) -> None:
    for user in "ab":
        plug(edge, user)
    edge.call(PERSONAL)
    assert rung(edge) == ["b", "a"]


@pytest.mark.parametrize("code", [430, 0])
def test_a_dead_flow_gives_way_to_the_other_one(edge: Product, code: int) -> None:
    for user, phone, flow in (("a1", ONE, 1), ("a2", ONE, 2), ("b", OTHER, 1)):
        plug(edge, user, phone, flow)
    edge.call(PERSONAL)
    assert rung(edge) == ["b", "a2"]
    edge.answer("a2", code) if code else edge.time_out("a2")
    assert rung(edge) == ["b", "a2", "a1"]
    edge.answer("a1", 486)
    edge.answer("b", 486)
    assert rung(edge)[3:] == [OFFICE]


@pytest.mark.parametrize("code", [480, 486, 500, 503, 603])
def test_what_a_phone_says_counts_for_all_its_flows(edge: Product, code: int) -> None:
    for flow in (1, 2):
        plug(edge, f"a{flow}", ONE, flow)
    edge.call(PERSONAL)
    edge.answer("a2", code)
    assert "a1" not in rung(edge)


def test_a_phone_without_another_flow_is_not_reachable(edge: Product) -> None:
    plug(edge, "a", ONE, 1)
    edge.call(PERSONAL)
    edge.answer("a", 430)
    assert rung(edge) == ["a", OFFICE]


def test_a_gateway_has_no_flows(edge: Product) -> None:
    edge.call(PERSONAL)
    edge.answer(OFFICE, 430)
    assert (rung(edge), edge.codes) == ([OFFICE], [480])


def test_a_caller_that_hung_up_rings_no_other_flow(edge: Product) -> None:
    for flow in (1, 2):
        plug(edge, f"a{flow}", ONE, flow)
    call = edge.call(PERSONAL)
    edge.answer("a2", 180)
    edge.receive(call.cancel())
    edge.answer("a2", 487)
    assert rung(edge) == ["a2"]


def test_in_a_later_step_the_newest_flow_rings_too() -> None:
    """And of what waited in an earlier step nothing is left."""
    record = LineRecord(DESK, "acme/jana", ha1(DESK, DOMAIN, PASSWORD), PERSONAL, 2)
    steps = (step(f"line {DESK}"), step(OFFICE), step(f"line {DESK}"))
    rings = number(mode=Mode.FORWARD_ONLY, default="all", lines=(DESK,),
                   sequences=(sequence("all", *steps),))
    edge = Product(rings, lines=(record,))
    for flow in (1, 2):
        plug(edge, f"a{flow}", ONE, flow)
    edge.call(PERSONAL)
    edge.answer("a2", 486)
    edge.answer(OFFICE, 486)
    assert rung(edge) == ["a2", OFFICE, "a2"]
    edge.answer(edge.transaction.branches[-1], 430)
    edge.answer("a1", 430)
    assert (rung(edge), edge.codes[-1]) == (["a2", OFFICE, "a2", "a1"], 480)


def test_a_line_has_so_many_phones_and_each_two_flows(edge: Product) -> None:
    codes = [plug(edge, user, phone, flow) for user, phone, flow in (
        ("a1", ONE, 1), ("a2", ONE, 2), ("b1", OTHER, 1), ("a3", ONE, 3), ("c", "", 0),
        ("b2", OTHER, 2), ("d", "urn:uuid:3", 1))]
    assert codes == [200, 200, 200, 403, 403, 200, 403]


def test_a_flow_without_a_number_is_refused(edge: Product) -> None:
    assert plug(edge, "a", ONE, more=";reg-id=0") == 400
