# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests within a call whose sender writes what a telephone would not."""

import pytest

from kemi_routing.model import Mode
from tests.ksr.edge import STRANGER, TRUNK, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Address, Request

CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")
CALLEE = ("Contact", f"<sip:{OFFICE}@127.0.0.40:5060>")


class Answered(Product):
    """A call that the office has answered."""

    def __init__(self, **caps: int) -> None:
        super().__init__(number(mode=Mode.FORWARD_ONLY, default="all",
                                sequences=(sequence("all", step(OFFICE)),), **caps))
        self.request = self.call(PERSONAL, "42075553333", CONTACT)
        self.answer(OFFICE, 200, headers=[CALLEE])
        self.route = ("Route", self.forwarded[0].headers.get("Record-Route") or "")

    def send(self, method: str, uri: str, *routes: tuple[str, str], source: Address = STRANGER,
             caller: str = "") -> Request:
        request = Request(method=method, uri=uri, call_id=self.request.call_id, source=source,
                          caller=caller or self.request.caller, callee="<sip:a@b>;tag=t",
                          headers=(self.route, *routes))
        self.receive(request)
        return request

    @property
    def byes(self) -> list[str]:
        return [one.uri for one in self.forwarded if one.method == "BYE"]


class TestConnections:
    @pytest.mark.parametrize(("host", "opened"), [
        ("192.168.1.5", True), ("127.0.0.30", True),
        ("127.0.0.1:6379", False), ("192.168.1.5:6379", False)])
    def test_are_not_opened_to_our_machinery(self, host: str, *, opened: bool) -> None:
        edge = Answered()
        edge.send("INFO", f"sip:x@{host};transport=tcp")
        assert edge.forwarded[-1].connects is opened

    def test_are_not_opened_by_a_second_route_either(self) -> None:
        edge = Answered()
        edge.send("INFO", "sip:x@192.168.1.5", ("Route", "<sip:127.0.0.1:6379;lr>"))
        assert edge.forwarded[-1].connects is False


class TestAnAnswerToNothing:
    def test_of_a_call_that_we_let_in_goes_on_but_opens_no_connection(self) -> None:
        edge = Answered()
        route = ("Record-Route", edge.route[1])
        passed = edge.stray(edge.request.call_id, ("Record-Route", "<sip:192.0.2.1;lr>"), route)
        assert passed is not None
        assert passed.connects is False

    @pytest.mark.parametrize("headers", [
        (), (("Record-Route", f"<sip:127.0.0.1;lr=on;fm={'0' * 24}>"),),
        (("Record-Route", "<sip:127.0.0.1;lr=on;fm=>"),), (("Record-Route", b"\xff"),)])
    def test_of_others_is_dropped(self, headers: tuple[tuple[str, str | bytes], ...]) -> None:
        edge = Answered()
        before = len(edge.log)
        assert edge.stray(edge.request.call_id, *headers) is None
        assert len(edge.log) == before

    def test_of_another_call_is_dropped(self) -> None:
        edge = Answered()
        assert edge.stray("another", ("Record-Route", edge.route[1])) is None

    def test_is_dropped_where_we_fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        edge = Answered()
        monkeypatch.setattr("kemi_routing.ksr.loops.is_ours", lambda _: 1 / 0)
        assert edge.stray(edge.request.call_id) is None


class TestByeOfACountedCall:
    def test_that_would_go_elsewhere_goes_to_the_other_side(self) -> None:
        edge = Answered(max_calls=1)
        request = edge.send("BYE", "sip:x@192.0.2.66:9")
        edge.receive(request)
        assert edge.byes == [f"sip:{OFFICE}@127.0.0.40:5060"]
        assert edge.codes == [200, 200, 200]

    @pytest.mark.parametrize(("source", "caller"), [
        (TRUNK, ""), (STRANGER, "<sip:a@b>;tag=other")], ids=["trunk", "callee"])
    def test_of_others_is_passed_on(self, source: Address, caller: str) -> None:
        edge = Answered(max_calls=1)
        edge.send("BYE", "sip:x@127.0.0.20", source=source, caller=caller)
        assert edge.byes == ["sip:x@127.0.0.20"]

    def test_that_no_cap_counts_is_passed_on(self) -> None:
        edge = Answered()
        edge.send("BYE", "sip:x@127.0.0.20")
        assert edge.byes == ["sip:x@127.0.0.20"]

    def test_that_crosses_the_end_of_the_call_is_481(self, monkeypatch: pytest.MonkeyPatch) -> None:
        edge = Answered(max_calls=1)
        monkeypatch.setattr("tests.support.fake_dialog.Dialog.dlg_get", lambda *_: -1)
        edge.send("BYE", "sip:x@192.0.2.66:9")
        assert (edge.byes, edge.codes) == ([], [200, 481])

    def test_that_nobody_has_answered_ends_no_count(self) -> None:
        edge = Product(number(mode=Mode.FORWARD_ONLY, default="all", max_calls=1,
                              sequences=(sequence("all", step(OFFICE)),)))
        invite = edge.call(PERSONAL, "42075553333", CONTACT)
        route = edge.forwarded[0].headers.get("Record-Route") or ""
        edge.receive(Request(method="BYE", uri="sip:x@127.0.0.20", call_id=invite.call_id,
                             caller=invite.caller, callee="<sip:a@b>;tag=t", source=STRANGER,
                             headers=(("Route", route),)))
        assert [one.uri for one in edge.forwarded[1:]] == ["sip:x@127.0.0.20"]
