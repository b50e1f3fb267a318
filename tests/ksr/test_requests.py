# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests that come in: who may, what is answered, and what the decision is told."""

from dataclasses import replace
from typing import Any

import pytest

from kemi_routing.errors import BrokenRecord
from kemi_routing.model import Mode
from kemi_routing.record import LineRecord
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, FROM_TRUNK, PROXY, SPIRAL, STRANGER, TRUNK, Product, in_network
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step, trunk
from tests.support.sip_message import Address, Request, ha1

GATEWAY = "127.0.0.40:5060"
PHONE = Address("127.0.0.51")
CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")
PASSWORD = "blue-kettle"
MAILBOX = f"sip:vm-access@127.0.0.30:5060;target=sip:{PERSONAL}%40{DOMAIN}"
DESK = LineRecord("jana-desk", "acme/jana", ha1("jana-desk", DOMAIN, PASSWORD), PERSONAL, 1)
FORWARDED = number(mode=Mode.FORWARD_THEN_VOICEMAIL, default="all",
                   sequences=(sequence("all", step("49115234567")),))


def product() -> Product:
    return Product(FORWARDED, lines=(DESK, replace(DESK, name="no-number", number="")))


def of_line(method: str, uri: str, line: str = "jana-desk", **changes: Any) -> Request:
    address = f"<sip:{line}@{DOMAIN}>"
    request = Request(method=method, uri=uri, caller=f"{address};tag=l", callee=address,
                      source=PHONE, headers=(("Contact", f"<sip:{line}@127.0.0.51:5060>"),))
    return replace(request, **changes)


def authenticated(edge: Product, request: Request, password: str = PASSWORD,
                  user: str = "jana-desk") -> None:
    """The request, and again with the answer to its challenge."""
    edge.receive(request)
    challenge = edge.replies[-1]
    header = "WWW-Authenticate" if challenge.code == 401 else "Proxy-Authenticate"
    edge.receive(request.with_credentials(challenge.headers.get(header) or "", user, password))


class TestBeforeAnythingElse:
    @pytest.mark.parametrize(("request_", "code"), [
        (Request(max_forwards=0), 483),
        (Request(method="OPTIONS", source=STRANGER), 200),
        (Request(method="SUBSCRIBE"), 405),
        (Request(method="MESSAGE", source=STRANGER), 405),
        (Request(method="BYE", callee="<sip:a@b>;tag=unknown"), 404),
        (Request(method="BYE", callee="<sip:a@b>;tag=t", headers=(("Route", b"\xff"),)), 400),
        (Request(headers=(("Expires", "soon"),)), 400),
        (Request(source=STRANGER), 403),
        (Request(uri="sip:42027777199@127.0.0.1"), 404),
        (Request(uri="sip:not-a-number@127.0.0.1"), 404),
        (Request(uri="sip:49115234567@127.0.0.40"), 404),
        (Request(version="SIP/2.0\rX-Evil: 1"), 400),
        (Request(version="SIP/2.0 X SIP/2.0"), 400),
        (Request(version="sip/2.0", source=STRANGER), 403),
        (Request(headers=(("Privacy", b"id"), ("Call-Info", b"\xff")), uri="sip:112@x"), 404),
    ])  # fmt: skip
    def test_is_answered(self, request_: Request, code: int) -> None:
        edge = product()
        edge.receive(request_)
        assert (edge.codes, edge.uris, edge.unanswered) == ([code], [], [])

    def test_nobodys_number_leaves_a_line_in_the_log(self) -> None:
        edge = product()
        edge.call("42027777199")
        assert "nobody's number" in edge.log[-1][1]
        assert "number=42027777199" in edge.log[-1][1]

    def test_a_refused_method_says_what_is_allowed(self) -> None:
        edge = product()
        edge.receive(Request(method="PUBLISH"))
        assert edge.replies[-1].headers.get("Allow") == "INVITE, REGISTER, OPTIONS"

    def test_a_retransmitted_invite_changes_nothing(self) -> None:
        edge = product()
        invite = edge.call(PERSONAL)
        edge.receive(invite)
        assert len(edge.uris) == 1

    def test_requests_within_a_dialog_follow_their_route(self) -> None:
        edge = product()
        call = edge.call(PERSONAL)
        sent = edge.forwarded[0]
        route = sent.headers.get("Record-Route") or ""
        edge.answer(edge.transaction.branches[0], 200)
        edge.receive(Request(
            method="BYE", call_id=call.call_id, uri=sent.uri, caller=call.caller,
            callee="<sip:a@b>;tag=t", headers=(("Route", route), ("X-Followme-Pin", "open"))))
        bye = edge.forwarded[-1]
        assert (bye.method, bye.uri) == ("BYE", sent.uri)
        assert bye.headers.get("X-Followme-Pin") is None

    @pytest.mark.parametrize("route", [
        f"<sip:{PROXY.ip};lr>", f"<sip:{PROXY.ip};lr=on;ftag=a;fm=n{'0' * 24}>",
        f"<sip:{PROXY.ip};lr=on;fm=>"])
    @pytest.mark.parametrize("method", ["INVITE", "BYE", "MESSAGE"])
    def test_a_stranger_does_not_get_through_with_a_tag_and_a_route(
            self, method: str, route: str) -> None:
        edge = product()
        edge.receive(Request(
            method=method, uri=f"sip:49900123456@{GATEWAY}", callee="<sip:a@b>;tag=t",
            source=STRANGER, headers=(("Route", route),)))
        assert (edge.codes, edge.forwarded) == ([404], [])

    def test_a_route_that_the_caller_wrote_does_not_go_on(self) -> None:
        edge = product()
        edge.call(PERSONAL, "42075553333", ("Route", f"<sip:{PROXY.ip};lr>"),
                  ("Route", "<sip:192.0.2.66;lr>"))
        assert edge.forwarded[0].headers.get("Route") is None

    def test_an_ack_that_belongs_to_nothing_is_dropped(self) -> None:
        edge = product()
        edge.receive(Request(method="ACK"))
        edge.receive(Request(method="ACK", callee="<sip:a@b>;tag=t"))
        assert (edge.replies, edge.forwarded) == ([], [])

    def test_an_ack_gets_no_answer_and_is_no_error(self) -> None:
        edge = product()
        edge.receive(Request(method="ACK", max_forwards=0))
        assert edge.replies == []
        assert not any("error" in text for _, text in edge.log)

    def test_who_hung_up_before_we_answered_makes_no_error(
            self, monkeypatch: pytest.MonkeyPatch) -> None:
        edge = product()
        monkeypatch.setattr("tests.support.fake_tm.Tm.send_reply", lambda *_: -1)
        monkeypatch.setattr("tests.support.fake_tm.Tm.t_is_canceled", lambda _: 1)
        edge.call("42027777199")
        assert not any("error" in text for _, text in edge.log)

    def test_a_cancel_that_belongs_to_nothing_is_answered_here(self) -> None:
        edge = product()
        edge.receive(Request(method="CANCEL"))
        assert edge.codes == [481]
        assert edge.forwarded == []


class TestTheStore:
    def test_that_is_down_costs_503_and_not_404(self) -> None:
        edge = product()
        edge.records.down = True
        edge.call(PERSONAL)
        assert edge.codes == [503]
        assert edge.replies[-1].headers.get("Retry-After") == "5"
        assert "status=503" in edge.log[-1][1]

    def test_with_a_broken_record_costs_480_and_one_line(self) -> None:
        edge = product()
        edge.records.held[PERSONAL] = BrokenRecord("fm:1:number:{42027777100}: version 9")
        edge.call(PERSONAL)
        edge.records.held[PERSONAL] = FORWARDED
        lines = [text for _, text in edge.log if "refuse" in text]
        assert edge.codes == [480]
        assert len(lines) == 1
        assert "version 9" in lines[0]
        assert "callid=call-" in lines[0]
        edge.call(PERSONAL)
        assert len(edge.uris) == 1


class TestACallerOfATrunk:
    @pytest.mark.parametrize(("source", "headers", "pin"), [
        (TRUNK, (), "open"),
        (TRUNK, (("P-Asserted-Identity", '"x" <tel:+42073723123>'),), "open"),
        (TRUNK, (("Privacy", "id"),), "ask"),
        (TRUNK, (("X-Followme-Pin", "open"), ("Privacy", "user;id")), "ask"),
        (FROM_TRUNK, (), "open"),
        (FROM_TRUNK, (("Privacy", "none"),), "open"),
    ])
    def test_who_is_the_owner_is_in_the_mailbox(
            self, source: Address, headers: tuple[tuple[str, str]], pin: str) -> None:
        edge = product()
        edge.call(PERSONAL, MOBILE, *headers, source=source)
        assert edge.uris == [MAILBOX]
        assert edge.branch("vm-access").headers.all("X-Followme-Pin") == [pin]

    @pytest.mark.parametrize("headers", [
        (("Diversion", "<sip:42073723123@x>;reason=unconditional"),),
        (("Diversion", b"\xff <sip:a@b>"),),
        (("History-Info", "<sip:a@b>;index=1, <sip:c@d>;index=1.1"),),
        (("History-Info", "<sip:a@b>;index=1"), ("History-Info", "<sip:c@d>;index=1.1")),
        (("History-Info", b"\xff <sip:a@b>;index=1"),),
    ])
    def test_whose_call_was_diverted_is_an_ordinary_caller(
            self, headers: tuple[tuple[str, str | bytes]]) -> None:
        edge = product()
        edge.call(PERSONAL, MOBILE, *headers)
        assert edge.uris == [f"sip:49115234567@{GATEWAY}"]

    def test_whose_identity_is_not_asserted_is_asked_for_the_pin(self) -> None:
        edge = product()
        edge.receive(Request(caller=f"<sip:{MOBILE}@x>;tag=a", source=TRUNK))
        assert edge.branch("vm-access").headers.get("X-Followme-Grade") == "D"

    def test_with_an_old_display_name_is_no_error(self) -> None:
        edge = product()
        edge.receive(Request(headers=(("P-Asserted-Identity", b'"Jos\xe9" <sip:+49301@x>'),)))
        assert edge.uris == [f"sip:49115234567@{GATEWAY}"]

    def test_on_a_trunk_without_asserted_identity_cannot_bring_one(self) -> None:
        edge = Product(number())
        edge.register("jana-desk", "sip:desk@127.0.0.51")
        edge.call(PERSONAL, "42075553333", ("Remote-Party-ID", "<sip:1@x>"), source=FROM_TRUNK)
        sent = edge.branch("desk").headers
        assert (sent.get("P-Asserted-Identity"), sent.get("Remote-Party-ID")) == (None, None)


class TestOurOwnAnswer:
    def test_to_a_number_that_rejects_is_603(self) -> None:
        edge = Product(number(mode=Mode.REJECT))
        edge.call(PERSONAL)
        assert (edge.codes, edge.uris) == ([603], [])
        assert edge.replies[-1].reason == "Decline"
        assert "end callid=call-" in edge.log[-1][1]
        assert "status=603" in edge.log[-1][1]

    @pytest.mark.parametrize(("changes", "code"), [
        ({}, 302), ({"mode": Mode.FORWARD_THEN_VOICEMAIL}, 0), ({"max_calls": 1}, 0),
        ({"max_calls_per_hour": 1}, 0), ({"forward_external": False}, 480)])
    def test_to_a_trunk_in_redirect_mode_is_302_where_that_says_it_all(
            self, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], code: int) -> None:
        trunks = (trunk(TRUNK.ip, redirect=True),)
        monkeypatch.setattr(product_edge, "SETTINGS", in_network(trunks=trunks))
        edge = Product(replace(number(**changes), default="all",
                               mode=changes.get("mode", Mode.FORWARD_ONLY),
                               sequences=(sequence("all", step(OFFICE)),)))
        edge.call(PERSONAL, "42075553333", CONTACT)
        assert (edge.codes, len(edge.uris)) == ([code] if code else [], 1 - bool(code))
        contact = edge.replies[-1].headers.get("Contact") if code == 302 else None
        assert contact == (f"<sip:{OFFICE}@{GATEWAY}?Expires=20>;q=0.9" if code == 302 else None)


class TestALine:
    def test_registers_with_its_password_and_its_limit_of_phones(self) -> None:
        edge = product()
        authenticated(edge, of_line("REGISTER", f"sip:{DOMAIN}"))
        assert edge.location == {"jana-desk": ["sip:jana-desk@127.0.0.51:5060"]}
        authenticated(edge, of_line("REGISTER", f"sip:{DOMAIN}", headers=(
            ("Contact", "<sip:jana-desk@127.0.0.51:5062>"),)))
        assert edge.codes == [401, 200, 401, 403]

    @pytest.mark.parametrize("contacts", [
        ["<sip:x@127.0.0.51>;received=sip:127.0.0.30"], ["<sip:x@127.0.0.51;maddr=127.0.0.30>"],
        ["<sip:x@127.0.0.51> <sip:x@127.0.0.30>"], ["<sip:x@127.0.0.51:5060>"] * 11])
    def test_registers_nothing_that_may_be_read_in_two_ways(self, contacts: list[str]) -> None:
        edge = product()
        authenticated(edge, of_line("REGISTER", f"sip:{DOMAIN}", headers=tuple(
            ("Contact", contact) for contact in contacts)))
        assert (edge.codes, edge.location) == ([401, 403], {})

    @pytest.mark.parametrize("line", ["jana-desk", "nobody", "not a name"])
    def test_that_is_unknown_hears_the_same_as_with_a_wrong_password(self, line: str) -> None:
        edge = product()
        authenticated(edge, of_line("REGISTER", f"sip:{DOMAIN}"), "wrong", line)
        assert (edge.codes, edge.location) == ([401, 401], {})

    def test_cannot_register_elsewhere_or_for_another(self) -> None:
        edge = product()
        edge.receive(of_line("REGISTER", f"sip:{DOMAIN}", callee="<sip:jana-desk@else.where>"))
        authenticated(edge, of_line("REGISTER", f"sip:{DOMAIN}",
                                    callee=f"<sip:petr-desk@{DOMAIN}>"))
        assert (edge.codes, edge.location) == ([403, 401, 403], {})

    def test_cannot_register_while_the_store_is_down(self) -> None:
        edge = product()
        request = of_line("REGISTER", f"sip:{DOMAIN}")
        edge.receive(request)
        edge.records.down = True
        edge.receive(request.with_credentials(
            edge.replies[-1].headers.get("WWW-Authenticate") or "", "jana-desk", PASSWORD))
        assert edge.codes == [401, 503]

    def test_that_calls_its_own_number_is_in_the_mailbox(self) -> None:
        edge = product()
        authenticated(edge, of_line("INVITE", f"sip:{PERSONAL}@{DOMAIN}"))
        sent = edge.branch("vm-access").headers
        assert (sent.get("X-Followme-Grade"), sent.get("X-Followme-Pin")) == ("A", "open")
        assert sent.get("Proxy-Authorization") is None

    def test_calls_outside_as_its_number_and_hears_what_the_gateway_says(self) -> None:
        edge = product()
        authenticated(edge, of_line("INVITE", f"sip:+49226666666@{DOMAIN}"))
        sent = edge.branch("49226666666")
        assert f"sip:{PERSONAL}@{DOMAIN}" in (sent.headers.get("From") or "")
        assert (sent.timers.ring_ms, sent.timers.no_reply_ms) == (120_000, 4000)
        edge.answer("49226666666", 404)
        assert edge.codes == [407, 404]

    @pytest.mark.parametrize(("line", "uri", "code"), [
        ("no-number", f"sip:49226666666@{DOMAIN}", 404),
        ("jana-desk", f"sip:112@{DOMAIN}", 404),
        ("jana-desk", "sip:49226666666@else.where", 404),
    ])
    def test_cannot_call_everything(self, line: str, uri: str, code: int) -> None:
        edge = product()
        edge.records.lines["no-number"] = replace(
            DESK, name="no-number", number="", ha1=ha1("no-number", DOMAIN, PASSWORD))
        authenticated(edge, of_line("INVITE", uri, line), user=line)
        assert (edge.codes, edge.uris) == ([407, code], [])

    def test_makes_no_more_calls_at_once_than_it_may(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(product_edge, "SETTINGS", replace(product_edge.SETTINGS, line_calls=2))
        edge = product()
        for last in range(3):
            authenticated(edge, of_line("INVITE", f"sip:4922666666{last}@{DOMAIN}"))
        assert edge.codes == [407, 407, 407, 403]
        assert [text.partition(" why=")[0].split()[0] for level, text in edge.log
                if level == "err"] == ["limited"]
        edge.answer("49226666660", 486)
        authenticated(edge, of_line("INVITE", f"sip:49226666663@{DOMAIN}"))
        assert len(edge.uris) == 3

    def test_cannot_call_without_a_contact(self) -> None:
        edge = product()
        authenticated(edge, of_line("INVITE", f"sip:49226666666@{DOMAIN}", headers=()))
        assert (edge.codes, edge.uris) == ([407, 403], [])

    def test_cannot_call_as_somebody_else(self) -> None:
        edge = product()
        authenticated(edge, of_line("INVITE", f"sip:49226666666@{DOMAIN}",
                                    caller=f"<sip:petr@{DOMAIN}>;tag=x"))
        assert (edge.codes, edge.uris) == ([407, 403], [])


class TestABugOfOurs:
    @pytest.fixture
    def edge(self) -> Product:
        return product()

    def test_costs_one_call_500_and_names_the_call(self, edge: Product) -> None:
        edge.records.held[PERSONAL] = ZeroDivisionError("a bug")
        edge.call(PERSONAL)
        edge.records.held[PERSONAL] = FORWARDED
        edge.call(PERSONAL)
        (level, text), = [(level, text) for level, text in edge.log if "error" in text]
        assert (edge.codes, len(edge.uris)) == ([500], 1)
        assert level == "err"
        assert "ZeroDivisionError" in text
        assert "callid=call-" in text

    def test_in_the_middle_of_a_hunt_ends_it_with_500(
            self, edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
        edge.call(PERSONAL)
        monkeypatch.setattr("kemi_routing.plan_codec.decode", lambda text: 1 / 0)
        edge.answer("49115234567", 486)
        assert edge.codes == [500]

    def test_without_a_transaction_is_answered_too(
            self, edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.support.fake_tm.Tm.t_newtran", lambda _: -1)
        edge.call(PERSONAL)
        assert (edge.codes, edge.uris) == ([500], [])

    def test_in_a_branch_route_drops_the_branch(
            self, edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kemi_routing.render.dress", lambda *_: 1 / 0)
        edge.call(PERSONAL)
        assert (edge.uris, edge.codes) == ([], [480])

    @pytest.mark.parametrize("request_", [
        Request(caller="<sip:\udcff@x>;tag=a"),
        Request(headers=(("Call-ID", b"\xff"),)),
    ])
    def test_is_not_to_be_had_by_text_that_is_not_utf_8(
            self, edge: Product, request_: Request) -> None:
        edge.receive(request_)
        assert edge.unanswered == []


def test_the_second_pass_is_for_our_own_socket_only() -> None:
    edge = product()
    edge.receive(Request(uri=f"sip:x.y@127.0.0.1:{SPIRAL.port}", received=PROXY))
    assert edge.codes == [404]


@pytest.mark.parametrize("user", ["", "x", f"{'0' * 24}.e30", "e30"])
def test_a_forged_second_pass_is_refused(user: str) -> None:
    edge = product()
    edge.receive(Request(uri=f"sip:{user}@127.0.0.1", received=SPIRAL))
    assert (edge.codes, edge.uris) == ([403], [])
