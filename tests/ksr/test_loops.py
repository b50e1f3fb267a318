# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that come back to a number of ours."""

import re
from dataclasses import replace
from typing import Any

import pytest

from kemi_routing.model import Mode
from tests.ksr import edge as product_edge
from tests.ksr.edge import Product
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Request

OTHER = "49226666666"
PAI = ("P-Asserted-Identity", "<sip:+42075553333@carrier.example>")


def product() -> Product:
    """Jana's number, which hands over to another one; both forward outside."""
    first = sequence("all", step(OFFICE), step(f"number {OTHER}"))
    other = sequence("all", step("49227777777"))
    return Product(
        number(mode=Mode.FORWARD_ONLY, default="all", sequences=(first,)),
        number(number=OTHER, mode=Mode.FORWARD_ONLY, default="all", sequences=(other,)))


def back(edge: Product, sent: Request, dialled: str = PERSONAL, route: str = "",
         **changes: str) -> None:
    """The call comes back, with the route that we left in it unless another is given."""
    left = route or edge.forwarded[0].headers.get("Record-Route") or ""
    edge.receive(Request(uri=f"sip:{dialled}@127.0.0.1",
                         call_id=changes.get("call_id", sent.call_id),
                         caller=changes.get("caller", Request.caller),
                         headers=(PAI, ("Record-Route", "<sip:192.0.2.1;lr>"),
                                  ("Record-Route", f"<sip:192.0.2.2;lr>, {left}"))))


def cycles(edge: Product) -> list[str]:
    return [text.rpartition("cycle=")[2].strip() for _, text in edge.log if text.startswith("loop")]


@pytest.mark.parametrize("dialled", [PERSONAL, OTHER])
def test_our_route_tells_the_numbers_that_a_call_came_through(dialled: str) -> None:
    edge = product()
    back(edge, edge.call(PERSONAL), dialled)
    assert (edge.codes, len(edge.uris)) == ([482], 1)
    assert cycles(edge) == [f"{dialled}>{dialled}"]


def test_the_numbers_are_not_to_be_read_from_the_route() -> None:
    edge = product()
    edge.call(PERSONAL)
    route = edge.forwarded[0].headers.get("Record-Route") or ""
    assert re.search(r";fn=[0-9a-f]{12}\.[0-9a-f]{12};fb=[0-9a-f]{28};fm=o[0-9a-f]{24};fs=", route)


def test_a_call_that_was_elsewhere_is_no_loop() -> None:
    edge = product()
    edge.records.held[OTHER] = number(number=OTHER)
    sent = edge.call(PERSONAL)
    back(edge, sent, MOBILE)
    assert edge.codes == [404]


def test_the_mark_of_another_call_proves_nothing() -> None:
    edge = product()
    back(edge, edge.call(PERSONAL), call_id="another")
    assert (edge.codes, len(edge.uris)) == ([], 2)


@pytest.fixture
def hides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Topology is hidden: outside knows a call by another Call-ID."""
    chosen = replace(product_edge.SETTINGS, hides=True)
    monkeypatch.setattr("tests.ksr.edge.SETTINGS", chosen)


@pytest.mark.usefixtures("hides")
class TestWhereTopologyIsHidden:
    @pytest.mark.parametrize("dialled", [PERSONAL, OTHER])
    def test_a_call_comes_back_with_another_call_id(self, dialled: str) -> None:
        edge = product()
        sent = edge.call(PERSONAL)
        back(edge, sent, dialled, call_id="!!:masked", caller=sent.caller)
        assert (edge.codes, len(edge.uris)) == ([482], 1)

    def test_a_call_of_another_caller_is_no_loop(self) -> None:
        edge = product()
        edge.call(PERSONAL)
        left = (edge.forwarded[0].headers.get("Record-Route") or "").replace("ftag=a", "ftag=b")
        edge.receive(Request(uri=f"sip:{PERSONAL}@127.0.0.1", call_id="!!:masked",
                             caller="<sip:42075553333@x>;tag=b",
                             headers=(PAI, ("Record-Route", left))))
        assert (edge.codes, len(edge.uris)) == ([], 2)

    def test_the_last_route_tells_all_numbers(self) -> None:
        edge = product()
        edge.records.held[MOBILE] = number(number=MOBILE, mode=Mode.FORWARD_ONLY, default="all",
                                           sequences=(sequence("all", step("49227777777")),))
        sent = edge.call(PERSONAL)
        back(edge, sent, MOBILE, call_id="!!:1", caller=sent.caller)
        last = edge.forwarded[-1].headers.get("Record-Route") or ""
        back(edge, sent, PERSONAL, last.partition(",")[0], call_id="!!:2",
             caller=sent.caller)
        assert (edge.codes, len(edge.uris)) == ([482], 2)

    def test_a_route_of_many_numbers_stays_short(self) -> None:
        edge = product()
        many = ".".join(f"{index:012x}" for index in range(200))
        back(edge, edge.call(PERSONAL), MOBILE, f"<sip:127.0.0.1;lr;fm=0;fn={many}>")
        back(edge, edge.call(PERSONAL), PERSONAL, f"<sip:127.0.0.1;lr;fm=0;fn={many}>",
             call_id="!!:1")
        assert len((edge.forwarded[-1].headers.get("Record-Route") or "").partition(",")[0]) < 512


@pytest.mark.parametrize("route", [
    f"<sip:127.0.0.1;lr=on;fm={'0' * 24};fn={'0' * 12}>", "<sip:127.0.0.1;lr=on;fm=;fn=>",
    "<sip:127.0.0.1;lr=on;fn=000000000000>"])
def test_a_forged_mark_proves_nothing(route: str) -> None:
    edge = product()
    back(edge, edge.call(PERSONAL), route=route)
    assert (edge.codes, len(edge.uris)) == ([], 2)


@pytest.mark.parametrize(("diversion", "cycle"), [
    (f"<sip:{PERSONAL}@x>", f"{PERSONAL}>{PERSONAL}"),
    (f"<sip:{OTHER}@x>, <sip:{PERSONAL}@x>", f"{PERSONAL}>{OTHER}>{PERSONAL}"),
    (f"<sip:{OTHER}@x>, <sip:{MOBILE}@x>, <sip:{PERSONAL}@x>, <sip:{OFFICE}@x>",
     f"{PERSONAL}>{MOBILE}>{OTHER}>{PERSONAL}"),
])
def test_diversion_tells_the_cycle(diversion: str, cycle: str) -> None:
    edge = product()
    edge.call(PERSONAL, "42075553333", ("Diversion", diversion))
    assert (edge.codes, edge.uris, cycles(edge)) == ([482], [], [cycle])


def test_a_call_that_others_diverted_is_no_loop() -> None:
    edge = product()
    edge.call(PERSONAL, "42075553333", ("Diversion", f"<sip:{MOBILE}@x>, <sip:{OTHER}@x>"))
    assert len(edge.uris) == 1


def test_numbers_that_hand_over_to_each_other_end_with_482() -> None:
    edge = Product(*(
        number(number=own, mode=Mode.FORWARD_ONLY, default="all",
               sequences=(sequence("all", step(f"number {other}")),))
        for own, other in ((PERSONAL, OTHER), (OTHER, PERSONAL))))
    edge.call(PERSONAL)
    assert (edge.codes, edge.uris) == ([482], [])
    assert cycles(edge) == [f"{PERSONAL}>{OTHER}>{PERSONAL}"]


def test_a_call_that_came_back_does_not_block_its_last_caller() -> None:
    edge = product()
    edge.call(PERSONAL, "42075553333", ("Diversion", f"<sip:{PERSONAL}@x>"))
    assert len(edge.mqueue.queues["last_caller"]) == 0


def test_the_same_invite_by_another_way_forks_no_second_time() -> None:
    edge = product()
    sent = edge.call(PERSONAL)
    edge.receive(replace(sent, branch="z9hG4bK-another-way"))
    assert (edge.codes, len(edge.uris)) == ([482], 1)
    assert "another way" in edge.log[-1][1]


@pytest.mark.parametrize("changes", [
    {"cseq": 2}, {"call_id": "another"}, {"caller": "<sip:42075553333@x>;tag=another"},
    {"uri": f"sip:{OTHER}@127.0.0.1"}])
def test_another_invite_is_not_the_same(changes: dict[str, Any]) -> None:
    edge = product()
    sent = edge.call(PERSONAL)
    edge.receive(replace(sent, branch="z9hG4bK-another", **changes))
    assert (edge.codes, len(edge.uris)) == ([], 2)
