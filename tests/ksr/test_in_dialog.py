# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests within a call whose sender writes what a telephone would not."""

from dataclasses import replace

import pytest

from kemi_routing.ksr import parties
from kemi_routing.model import Mode
from tests.ksr import edge as product_edge
from tests.ksr.edge import STRANGER, TRUNK, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Address, Request

GATEWAY = Address("127.0.0.40", 5060)
CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")
AT_OFFICE = f"sip:{OFFICE}@127.0.0.40:5060"
CALLEE = (("Contact", f"<{AT_OFFICE}>"), ("To", "<sip:a@b>;tag=t"))
AT_CALLER = "sip:caller@127.0.0.20:5060"


class Answered(Product):
    """A call that the office has answered."""

    def __init__(self, proxies: str = "", **caps: int) -> None:
        super().__init__(number(mode=Mode.FORWARD_ONLY, default="all",
                                sequences=(sequence("all", step(OFFICE)),), **caps))
        self.request = self.call(PERSONAL, "42075553333", CONTACT)
        between = [("Record-Route", proxies)] if proxies else []
        self.answer(OFFICE, 200, headers=[*CALLEE, *between])
        self.route = ("Route", self.forwarded[0].headers.get("Record-Route") or "")

    def send(self, method: str, uri: str, *routes: tuple[str, str], source: Address = STRANGER,
             tags: tuple[str, str] = ("a", "t")) -> Request:
        caller, callee = (f"<sip:a@b>;tag={tag}" for tag in tags)
        request = Request(method=method, uri=uri, call_id=self.request.call_id, source=source,
                          caller=caller, callee=callee, headers=(self.route, *routes))
        self.receive(request)
        return request

    def forget(self) -> None:
        """As after a restart."""
        self.htable.tables[parties.PARTIES].clear()

    @property
    def byes(self) -> list[str]:
        return [one.uri for one in self.forwarded if one.method == "BYE"]


class TestConnections:
    @pytest.mark.parametrize(("host", "opened"), [
        ("192.168.1.5", True), ("127.0.0.30", True),
        ("127.0.0.1:6379", False), ("192.168.1.5:6379", False)])
    def test_are_not_opened_to_our_machinery(self, host: str, *, opened: bool) -> None:
        edge = Answered()
        edge.forget()
        edge.send("INFO", f"sip:x@{host};transport=tcp")
        assert edge.forwarded[-1].connects is opened

    def test_are_not_opened_by_a_second_route_either(self) -> None:
        edge = Answered()
        edge.forget()
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

    @pytest.mark.parametrize(("source", "uri", "tags"), [
        (TRUNK, AT_OFFICE, ("a", "t")), (GATEWAY, AT_CALLER, ("t", "a"))], ids=["trunk", "callee"])
    def test_of_others_is_passed_on(self, source: Address, uri: str, tags: tuple[str, str]) -> None:
        edge = Answered(max_calls=1)
        edge.send("BYE", uri, source=source, tags=tags)
        assert edge.byes == [uri]

    def test_that_no_cap_counts_is_passed_on(self) -> None:
        edge = Answered()
        edge.send("BYE", AT_OFFICE)
        assert edge.byes == [AT_OFFICE]

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


ELSEWHERE = "sip:x@192.0.2.66:9"


class TestWhereARequestGoes:
    @pytest.mark.parametrize("method", ["ACK", "BYE", "INFO", "INVITE", "MESSAGE", "REFER"])
    @pytest.mark.parametrize(("uri", "tags"), [
        (ELSEWHERE, ("a", "t")), (AT_CALLER, ("a", "t")), (f"{AT_OFFICE}1", ("a", "t")),
        ("tel:+49900123456", ("a", "t")), (AT_OFFICE, ("a", "x")), (AT_OFFICE, ("t", "a"))])
    def test_is_the_other_side(self, method: str, uri: str, tags: tuple[str, str]) -> None:
        edge = Answered()
        edge.send(method, uri, tags=tags)
        assert [one.method for one in edge.forwarded] == ["INVITE"]
        assert edge.codes == [200, *([404] if method != "ACK" else [])]

    def test_is_no_other_hop(self) -> None:
        edge = Answered()
        edge.send("INFO", AT_OFFICE, ("Route", "<sip:192.0.2.66:9;lr>"))
        assert edge.codes == [200, 404]

    def test_is_a_proxy_on_the_way(self) -> None:
        edge = Answered("<sip:192.0.2.9;lr>, <sip:192.0.2.10;lr>")
        edge.send("INFO", AT_OFFICE, ("Route", "<sip:192.0.2.10;lr>"))
        assert edge.forwarded[-1].destination == "sip:192.0.2.10;lr"

    def test_is_believed_of_our_servers_and_where_nothing_is_known(self) -> None:
        edge = Answered()
        edge.send("INFO", ELSEWHERE, source=TRUNK)
        edge.forget()
        edge.send("INFO", ELSEWHERE)
        assert [one.uri for one in edge.forwarded[1:]] == [ELSEWHERE] * 2

    @pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
    def test_moves_with_a_side(self, method: str) -> None:
        edge = Answered()
        moved = ("Contact", f"<{ELSEWHERE}>")
        edge.send(method, AT_CALLER, moved, source=GATEWAY, tags=("t", "a"))
        edge.send("INFO", ELSEWHERE)
        edge.send("BYE", AT_OFFICE)
        assert [one.uri for one in edge.forwarded[2:]] == [ELSEWHERE, AT_OFFICE]

    @pytest.mark.parametrize(("code", "passed"), [(200, True), (488, False)])
    def test_moves_with_what_a_side_answers(self, code: int, *, passed: bool) -> None:
        edge = Answered()
        edge.send("INVITE", AT_OFFICE, ("Contact", f"<{AT_CALLER}>"))
        edge.answer(OFFICE, code, headers=[("Contact", f"<{ELSEWHERE}>"),
                                           ("To", "<sip:a@b>;tag=t")])
        edge.send("INFO", ELSEWHERE)
        assert (edge.forwarded[-1].uri == ELSEWHERE) is passed

    def test_that_nothing_is_known_of_stays_so(self) -> None:
        edge = Answered()
        edge.forget()
        edge.send("INVITE", AT_OFFICE, ("Contact", f"<{AT_CALLER}>"))
        assert edge.htable.tables[parties.PARTIES] == {}

    @pytest.mark.parametrize("counted", [False, True])
    def test_is_known_until_the_call_ends(self, *, counted: bool) -> None:
        edge = Answered(max_calls=1) if counted else Answered()
        edge.send("BYE", AT_OFFICE)
        assert edge.byes == [AT_OFFICE]
        assert edge.htable.tables[parties.PARTIES] == {}

    def test_is_no_server_of_ours_that_a_side_only_names(self) -> None:
        edge = Answered()
        named = ("Contact", "<sip:49900123456@127.0.0.40>")
        edge.send("UPDATE", AT_OFFICE, named)
        edge.send("INVITE", "sip:49900123456@127.0.0.40", source=STRANGER, tags=("t", "a"))
        assert [one.method for one in edge.forwarded] == ["INVITE", "UPDATE"]


class TestATransfer:
    @pytest.fixture
    def hides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        chosen = replace(product_edge.SETTINGS, hides=True)
        monkeypatch.setattr("tests.ksr.edge.SETTINGS", chosen)

    @pytest.mark.parametrize(("name", "to", "passes"), [
        ("Refer-To", "<sip:49301234567@followme.local>", True),
        ("Refer-To", "<sip:49301234567@127.0.0.1:5060>", True),
        ("Refer-To", "<sip:x@192.0.2.66?Replaces=1>", False),
        ("r", "<sip:x@192.0.2.66?Replaces=1>", False)])
    @pytest.mark.usefixtures("hides")
    def test_shows_nobody_of_another_call(self, name: str, to: str, *, passes: bool) -> None:
        edge = Answered()
        edge.send("REFER", AT_OFFICE, (name, to))
        assert [one.method for one in edge.forwarded[1:]] == ["REFER"] * passes
        assert edge.codes == [200, *([] if passes else [403])]

    def test_goes_anywhere_where_topology_is_not_hidden(self) -> None:
        edge = Answered()
        edge.send("REFER", AT_OFFICE, ("Refer-To", "<sip:x@192.0.2.66?Replaces=1>"))
        assert edge.forwarded[-1].method == "REFER"
