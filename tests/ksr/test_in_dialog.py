# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests within a call whose sender writes what a telephone would not."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kemi_routing.ksr import parties
from kemi_routing.model import Mode
from tests.ksr import edge as product_edge
from tests.ksr.edge import PROXY, SETTINGS, STRANGER, TRUNK, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Address, Request

GATEWAY = Address("127.0.0.40", 5060)
CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")
AT_OFFICE = f"sip:{OFFICE}@127.0.0.40:5060"
CALLEE = (("Contact", f"<{AT_OFFICE}>"), ("To", "<sip:a@b>;tag=t"))
AT_CALLER = "sip:caller@127.0.0.20:5060"


class Ringing(Product):
    """A call that rings in the office."""

    began_s = 1_795_000_000

    def __init__(self, asked: Sequence[tuple[str, str]] = (), **caps: int) -> None:
        super().__init__(number(mode=Mode.FORWARD_ONLY, default="all",
                                sequences=(sequence("all", step(OFFICE)),), **caps))
        self.at(self.began_s)
        self.request = self.call(PERSONAL, "42075553333", CONTACT, *asked)
        self.record_route = self.forwarded[0].headers.get("Record-Route") or ""
        self.route = ("Route", self.record_route)

    def send(self, method: str, uri: str, *routes: tuple[str, str], source: Address | None = None,
             tags: tuple[str, str] = ("a", "t"), cseq: int = 2, received: Address = PROXY,
             ) -> Request:
        source = source or (TRUNK if tags[0] == "a" else GATEWAY)
        caller, callee = (f"<sip:a@b>;tag={tag}" for tag in tags)
        request = Request(method=method, uri=uri, call_id=self.request.call_id, source=source,
                          caller=caller, callee=callee, headers=(self.route, *routes), cseq=cseq,
                          received=received)
        self.receive(request)
        return request

    def restart(self) -> None:
        """A moment after the call began."""
        self.htable.tables[parties.PARTIES].clear()
        self.start = "0000000b"


class Answered(Ringing):
    """A call that the office has answered."""

    def __init__(self, proxies: str = "", asked: Sequence[tuple[str, str]] = (), **caps: int,
                 ) -> None:
        super().__init__(asked, **caps)
        between = [("Record-Route", f"{proxies}, {self.record_route}")] if proxies else []
        self.answer(OFFICE, 200, headers=[*CALLEE, *between])

    @property
    def byes(self) -> list[str]:
        return [one.uri for one in self.forwarded if one.method == "BYE"]


class TestConnections:
    @pytest.mark.parametrize(("host", "opened"), [
        ("192.168.1.5", True), ("192.168.1.5:6379", False)])
    def test_are_not_opened_to_our_machinery(self, host: str, *, opened: bool) -> None:
        edge = Answered()
        edge.restart()
        edge.send("INFO", f"sip:x@{host};transport=tcp")
        assert [one.connects for one in edge.forwarded] == [True, opened]


class TestAnAnswerToNothing:
    def test_of_a_call_that_we_let_in_goes_on_but_opens_no_connection(self) -> None:
        edge = Answered()
        route = ("Record-Route", edge.route[1])
        passed = edge.stray(edge.request.call_id, ("Record-Route", "<sip:192.0.2.1;lr>"), route,
                            caller=edge.request.caller)
        assert passed is not None
        assert passed.connects is False

    @pytest.mark.parametrize("headers", [
        (), (("Record-Route", f"<sip:127.0.0.1;lr=on;fm=n{'0' * 24}>"),),
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
    def test_that_would_go_elsewhere_goes_nowhere_and_counts_on(self) -> None:
        edge = Answered(max_calls=1)
        edge.send("BYE", "sip:x@192.0.2.66:9")
        edge.send("BYE", AT_OFFICE, ("Route", "<sip:192.0.2.66:9;lr>"))
        assert (edge.byes, edge.codes) == ([], [200, 404, 404])
        edge.call(PERSONAL, "42075553333", CONTACT)
        assert edge.codes[-1] == 480

    @pytest.mark.parametrize(("method", "cseq", "late"), [
        ("INFO", 8, True), ("INFO", 9, False), ("ACK", 1, False), ("BYE", 8, True),
        ("BYE", 9, True), ("BYE", 10, False)])
    def test_must_be_the_last_request(self, method: str, cseq: int, *, late: bool) -> None:
        edge = Answered(max_calls=1)
        edge.restart()  # where its sides are is not what this is about
        edge.send("UPDATE", ELSEWHERE, cseq=9, source=STRANGER)
        edge.send("ACK", ELSEWHERE, cseq=1, source=STRANGER)
        edge.send(method, ELSEWHERE, cseq=cseq, source=STRANGER)
        assert (edge.codes[1:] == [500]) is late
        assert (len(edge.forwarded) == 3) is late

    @pytest.mark.parametrize(("uri", "tags"), [(AT_OFFICE, ("a", "t")), (AT_CALLER, ("t", "a"))])
    def test_cannot_be_refused_for_what_it_requires_or_its_last_hop(
            self, uri: str, tags: tuple[str, str]) -> None:
        edge = Answered()
        edge.send("BYE", uri, ("Require", "x"), ("proxy-require", "x"), ("X-One", "kept"),
                  tags=tags)
        kept = edge.forwarded[-1].headers
        assert [kept.get(name) for name in ("Require", "Proxy-Require", "X-One")] == [
            None, None, "kept"]
        assert kept.all("Max-Forwards") == ["70"]

    @pytest.mark.parametrize(("uri", "tags"), [(AT_OFFICE, ("a", "t")), (AT_CALLER, ("t", "a"))],
                             ids=["trunk", "callee"])
    def test_of_others_is_passed_on(self, uri: str, tags: tuple[str, str]) -> None:
        edge = Answered(max_calls=1)
        edge.send("BYE", uri, tags=tags, cseq=1)
        assert edge.byes == [uri]

    @pytest.mark.parametrize(("uri", "tags", "code"), [
        (AT_CALLER, ("t", "a"), 403), (AT_OFFICE, ("a", "t"), 403), (AT_CALLER, ("x", "a"), 481)])
    def test_is_of_a_side_and_not_in_the_name_of_a_server_or_trunk(
            self, uri: str, tags: tuple[str, str], code: int) -> None:
        edge = Answered(max_calls=1)
        for method in ("INVITE", "BYE"):
            edge.send(method, uri, tags=tags, source=STRANGER)
        assert (edge.byes, edge.codes) == ([], [200, code, code])
        edge.call(PERSONAL, "42075553333", CONTACT)
        assert edge.codes[-1] == 480

    @pytest.mark.parametrize("contact", ["", "<tel:+42075553333>", b"<sip:a@b\xff>"])
    def test_of_who_names_no_place_is_passed_on(self, contact: str | bytes) -> None:
        edge = Ringing()
        edge.transaction.request = replace(
            edge.request, headers=(("Contact", contact),) if contact else ())
        edge.answer(OFFICE, 200, headers=CALLEE)
        edge.send("BYE", AT_OFFICE)
        assert (edge.forwarded[-1].method, edge.codes) == ("BYE", [200])

    def test_that_no_cap_counts_is_passed_on(self) -> None:
        edge = Answered()
        edge.send("BYE", AT_OFFICE, cseq=1)
        assert edge.byes == [AT_OFFICE]


ELSEWHERE = "sip:x@192.0.2.66:9"


class TestWhereARequestGoes:
    @pytest.mark.parametrize("method", ["ACK", "BYE", "INFO", "INVITE", "MESSAGE", "REFER"])
    @pytest.mark.parametrize(("uri", "tags"), [
        (ELSEWHERE, ("a", "t")), (AT_CALLER, ("a", "t")), (f"{AT_OFFICE}1", ("a", "t")),
        ("tel:+49900123456", ("a", "t")), (AT_OFFICE, ("a", "x"))])
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

    @pytest.mark.parametrize(("proxies", "uri", "tags"), [
        ("{proxy}, {ours}", AT_CALLER, ("t", "a")), ("{ours}, {proxy}", AT_CALLER, ("t", "a")),
        ("{ours}, {proxy}", AT_OFFICE, ("a", "t"))])
    def test_is_no_proxy_of_the_sender(self, proxies: str, uri: str, tags: tuple[str, str],
                                       ) -> None:
        edge, proxy = Ringing(), "<sip:192.0.2.66;lr>"
        routes = proxies.format(proxy=proxy, ours=edge.record_route)
        edge.answer(OFFICE, 200, headers=[*CALLEE, ("Record-Route", routes)])
        edge.send("INFO", uri, ("Route", proxy), tags=tags, source=TRUNK)
        assert edge.codes == [200, 404]

    def test_is_a_proxy_of_the_caller(self) -> None:
        edge = Answered(asked=[("Record-Route", "<sip:192.0.2.9;lr>")])
        edge.send("INFO", AT_CALLER, ("Route", "<sip:192.0.2.9;lr>"), tags=("t", "a"))
        edge.send("INFO", AT_OFFICE, ("Route", "<sip:192.0.2.9;lr>"))
        assert edge.forwarded[-1].destination == "sip:192.0.2.9;lr"
        assert edge.codes == [200, 404]

    @pytest.mark.parametrize("proxies", ["<sip:192.0.2.9;lr>", ""])
    def test_is_no_proxy_again_and_again(self, proxies: str) -> None:
        edge = Answered(proxies)
        edge.send("INFO", AT_OFFICE, *[("Route", proxies or edge.record_route)] * 3)
        assert edge.codes == [200, 404]

    def test_is_believed_of_our_servers_and_after_a_restart(self) -> None:
        edge = Answered()
        edge.send("INFO", ELSEWHERE, source=GATEWAY)
        edge.restart()
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
        edge.restart()
        edge.send("INVITE", AT_OFFICE, ("Contact", f"<{AT_CALLER}>"))
        assert edge.htable.tables[parties.PARTIES] == {}

    @pytest.mark.parametrize("counted", [False, True])
    def test_is_known_until_a_while_after_the_call(self, *, counted: bool) -> None:
        edge = Answered(max_calls=1) if counted else Answered()
        edge.send("BYE", AT_OFFICE)
        assert edge.byes == [AT_OFFICE]
        (mark,) = edge.htable.tables[parties.PARTIES]
        assert edge.htable.lasting_s[parties.PARTIES, mark] == 64

    def test_after_its_end_is_nowhere(self) -> None:
        edge = Answered()
        edge.send("BYE", AT_OFFICE)
        edge.send("INVITE", AT_OFFICE, ("Contact", f"<{AT_CALLER}>"), cseq=3)
        edge.send("BYE", AT_CALLER, tags=("t", "a"))
        assert edge.byes == [AT_OFFICE, AT_CALLER]
        assert edge.codes == [200, 481]
        assert list(edge.htable.lasting_s.values()) == [64]

    def test_is_known_no_longer_where_the_answer_is_repeated_after_the_end(self) -> None:
        edge = Answered()
        edge.send("BYE", AT_OFFICE)
        edge.answer(edge.transactions[0].branches[0], 200, headers=CALLEE)
        assert list(edge.htable.lasting_s.values()) == [64]

    def test_of_two_calls_is_known_when_the_other_one_ends(self) -> None:
        edge = Answered()
        edge.answer(OFFICE, 200, headers=[
            ("Contact", f"<{ELSEWHERE}>"), ("To", "<sip:a@b>;tag=u"),
            ("Record-Route", edge.record_route)])
        edge.send("BYE", ELSEWHERE, tags=("a", "u"))
        assert (edge.byes, edge.htable.lasting_s) == ([ELSEWHERE], {})
        edge.send("BYE", AT_OFFICE)
        assert edge.byes == [ELSEWHERE, AT_OFFICE]

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


class TestACallOfWhichNothingIsKnown:
    """Whoever has a part in a call could send anything anywhere."""

    @pytest.mark.parametrize("method", ["INVITE", "BYE", "PRACK", "UPDATE", "INFO"])
    def test_is_none_before_the_answer(self, method: str) -> None:
        edge = Ringing()
        edge.send(method, ELSEWHERE)
        assert (edge.codes, [one.method for one in edge.forwarded]) == ([481], ["INVITE"])

    def test_has_sides_once_an_answer_is_to_be_acknowledged(self) -> None:
        edge = Ringing()
        between = ("Record-Route", edge.record_route)
        edge.answer(OFFICE, 183, headers=[*CALLEE, between, ("RSeq", "1")])
        edge.send("PRACK", ELSEWHERE)
        edge.send("PRACK", AT_OFFICE, cseq=3)
        edge.send("UPDATE", AT_CALLER, tags=("t", "a"))
        assert [one.uri for one in edge.forwarded[1:]] == [AT_OFFICE, AT_CALLER]
        assert edge.codes == [404]

    def test_has_none_where_it_need_not_be(self) -> None:
        edge = Ringing()
        edge.answer(OFFICE, 180, headers=[*CALLEE, ("Record-Route", edge.record_route)])
        edge.send("UPDATE", AT_OFFICE)
        assert edge.codes == [481]

    def test_is_none_after_its_end(self) -> None:
        edge = Answered()
        edge.send("BYE", AT_OFFICE)
        edge.htable.tables[parties.PARTIES].clear()  # Kamailio does after a while
        for method in ("BYE", "INVITE", "ACK"):
            edge.send(method, ELSEWHERE, cseq=3)
        assert edge.codes == [200, 481, 481]
        assert len(edge.forwarded) == 2

    @pytest.mark.parametrize(("later_s", "passed"), [(0, True), (parties.KEPT_S, True),
                                                     (parties.KEPT_S + 1, False)])
    def test_goes_on_after_a_restart(self, later_s: int, *, passed: bool) -> None:
        edge = Answered()
        edge.restart()
        edge.at(edge.began_s + later_s)
        edge.send("BYE", ELSEWHERE)
        assert (edge.byes == [ELSEWHERE]) is passed

    def test_is_none_where_it_began_after_that(self) -> None:
        edge = Answered()
        edge.htable.tables[parties.PARTIES].clear()
        edge.send("BYE", AT_OFFICE)
        assert edge.codes == [200, 481]

    @pytest.mark.parametrize(("ours", "theirs"), [
        (";fb=[^;]*", ""), (";fb=........", f";fb={Ringing.began_s - 9:08x}"),
        ("............;fm", f"{'0' * 12};fm")], ids=["no time", "another", "no proof"])
    def test_began_when_we_say_so_only(self, ours: str, theirs: str) -> None:
        edge = Answered()
        edge.restart()
        edge.route = ("Route", re.sub(ours, theirs, edge.record_route))
        edge.send("INFO", ELSEWHERE)
        assert edge.codes == [200, 481]


class TestACallOfAnotherProxy:
    """Which has our secret, and whose address we have taken over."""

    @pytest.mark.parametrize(("address", "received", "passed"), [
        ("127.0.0.2", "127.0.0.2", True), ("127.0.0.2", "127.0.0.1", False),
        ("127.0.0.3", "127.0.0.2", False)])
    def test_goes_on(self, monkeypatch: pytest.MonkeyPatch, address: str, received: str, *,
                     passed: bool) -> None:
        monkeypatch.setattr(product_edge, "SETTINGS", replace(SETTINGS, address=address))
        edge = Answered()
        monkeypatch.setattr(product_edge, "SETTINGS", SETTINGS)
        edge.htable.tables[parties.PARTIES].clear()
        edge.send("BYE", ELSEWHERE, received=Address(received))
        assert (edge.byes == [ELSEWHERE]) is passed
