# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that the media server makes for an account, and what others get by pretending to be it."""

from dataclasses import replace
from typing import Any

import pytest

from kemi_routing.dialplan import DialPlan
from kemi_routing.ksr import names
from kemi_routing.model import Line, Mode, Number
from kemi_routing.record import LineRecord
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, STRANGER, TRUNK, Product, in_network
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step, trunk
from tests.support.sip_message import Address, Headers, Request, ha1

MEDIA_SERVER = Address("127.0.0.30")
PHONE = Address("127.0.0.51")
GATEWAY = "127.0.0.40:5060"
CALLER = "42075553333"
CONTACT = ("Contact", "<sip:media@127.0.0.30:5060>")
JANA = number(outgoing=True, dial_plan=DialPlan("420", international_prefix="00", local_digits=9,
                                                emergency=("112",)))
PETR = number(number="42027777102", owner="acme/petr", aliases=(), lines=(Line("petr-desk"),))
EVA = number(number="acme/201", owner="acme/eva", aliases=(), lines=(Line("eva-desk"),),
             voicemail=False)


def leg(uri: str, service: str, *headers: tuple[str, str | bytes], account: str = PERSONAL,
        caller: str = PERSONAL, source: Address = MEDIA_SERVER) -> Request:
    """An INVITE as the media server makes it."""
    ours = (("X-Followme-Account", account), ("X-Followme-Service", service))
    return Request(uri=uri, caller=f"<sip:{caller}@{DOMAIN}>;tag=m", source=source,
                   headers=(CONTACT, *ours, *headers))


def number_shown(headers: Headers) -> str:
    """The user part of From."""
    return (headers.get("From") or "").partition("sip:")[2].partition("@")[0]


class TestFromTheMenu:
    @staticmethod
    def product(**fields: Any) -> Product:
        edge = Product(replace(JANA, rights=replace(JANA.rights, **fields)), PETR, EVA)
        edge.register("petr-desk", "sip:petr@127.0.0.52")
        edge.register("eva-desk", "sip:eva@127.0.0.53")
        return edge

    @staticmethod
    def dial(edge: Product, user: str, *headers: tuple[str, str | bytes], **changes: Any) -> None:
        edge.receive(leg(f"sip:{user}@{DOMAIN}", "outgoing", *headers, **changes))

    @pytest.mark.parametrize("user", ["0049115234567", "+49115234567", OFFICE])
    def test_an_outside_number_sees_the_personal_number_and_hears_nothing_of_us(
            self, user: str) -> None:
        edge = self.product()
        self.dial(edge, user, ("P-Asserted-Identity", f"<sip:{MOBILE}@x>"),
                  ("Diversion", "<sip:42@x>"), caller=MOBILE)
        sent = edge.branch(OFFICE).headers
        assert edge.uris == [f"sip:{OFFICE}@{GATEWAY}"]
        assert number_shown(sent) == PERSONAL
        assert sent.all("P-Asserted-Identity") == [f"<sip:{PERSONAL}@{DOMAIN}>"]
        assert sent.get("Diversion") is None
        assert [one.name for one in sent if one.name.startswith("X-Followme")] == []

    def test_the_menu_hears_what_the_gateway_answers(self) -> None:
        edge = self.product()
        self.dial(edge, OFFICE)
        edge.answer(OFFICE, 404)
        assert edge.codes == [404]

    def test_who_asks_for_privacy_keeps_it(self) -> None:
        edge = self.product()
        self.dial(edge, OFFICE, ("Privacy", "id"))
        sent = edge.branch(OFFICE).headers
        assert (number_shown(sent), sent.get("Privacy")) == ("anonymous", "id")
        assert sent.all("P-Asserted-Identity") == [f"<sip:{PERSONAL}@{DOMAIN}>"]

    @pytest.mark.parametrize(("user", "phone"), [
        (PETR.number, "petr"), ("027777102", ""), ("201", "eva")])
    def test_a_number_of_ours_rings_by_its_own_rules(self, user: str, phone: str) -> None:
        edge = self.product()
        self.dial(edge, user, caller=MOBILE)
        assert edge.codes == ([] if phone else [404])
        assert not phone or number_shown(edge.branch(phone).headers) == PERSONAL

    def test_and_takes_a_message_for_the_caller(self) -> None:
        edge = self.product()
        self.dial(edge, PETR.number)
        edge.answer("petr", 486)
        assert f"target=sip:{PETR.number}%40{DOMAIN};cause=486" in edge.uris[-1]
        assert number_shown(edge.branch("voicemail").headers) == PERSONAL

    def test_ones_own_number_is_an_ordinary_call(self) -> None:
        edge = self.product()
        edge.register("jana-desk", "sip:jana@127.0.0.51")
        self.dial(edge, PERSONAL, caller=MOBILE)
        assert edge.uris == ["sip:jana@127.0.0.51"]

    @pytest.mark.parametrize(("rights", "user", "why"), [
        ({"outgoing": False}, OFFICE, "permission outgoing is not granted"),
        ({"outgoing": False}, PETR.number, "permission outgoing is not granted"),
        ({}, "112", "emergency number"),
        ({}, "420900123456", "premium"),
    ])
    def test_what_is_denied_is_403_with_a_line_in_the_log(
            self, rights: dict[str, Any], user: str, why: str) -> None:
        edge = self.product(**rights)
        self.dial(edge, user)
        assert (edge.codes, edge.uris) == ([403], [])
        assert why in edge.log[-1][1]

    def test_a_call_beyond_the_cap_is_403(self) -> None:
        edge = self.product(max_calls=1)
        self.dial(edge, OFFICE)
        self.dial(edge, OFFICE)
        assert (edge.codes, len(edge.uris)) == ([403], 1)
        assert "42027777100: a cap is reached" in edge.log[-1][1]

    @pytest.mark.parametrize(("user", "code"), [
        ("*33", 404), ("203", 404), (f"{OFFICE}@else.where", 404)])
    def test_what_is_nobodys_is_not_found(self, user: str, code: int) -> None:
        edge = self.product()
        edge.receive(leg(f"sip:{user if '@' in user else f'{user}@{DOMAIN}'}", "outgoing"))
        assert (edge.codes, edge.uris) == ([code], [])

    def test_a_retransmission_changes_nothing(self) -> None:
        edge = self.product()
        request = leg(f"sip:{OFFICE}@{DOMAIN}", "outgoing")
        edge.receive(request)
        edge.receive(request)
        assert (len(edge.uris), edge.codes) == (1, [])


class TestOnlyTheMediaServer:
    @pytest.mark.parametrize(("account", "service", "why"), [
        ("42027777199", "outgoing", "42027777199: nobody owns this number"),
        (PERSONAL, "free-calls", "there is no service 'free-calls'"),
        (PERSONAL, "", "there is no service ''"),
    ])
    def test_names_an_account_and_a_service(self, account: str, service: str, why: str) -> None:
        edge = Product(JANA)
        edge.receive(leg(f"sip:{OFFICE}@{DOMAIN}", service, account=account))
        assert (edge.codes, edge.uris) == ([403], [])
        assert why in edge.log[-1][1]

    def test_without_an_account_is_a_stranger_too(self) -> None:
        edge = Product(JANA)
        edge.receive(Request(uri=f"sip:{OFFICE}@{DOMAIN}", source=MEDIA_SERVER,
                             headers=(("X-Followme-Service", "outgoing"),)))
        assert (edge.codes, edge.uris) == ([403], [])

    @pytest.mark.parametrize(("source", "code"), [(STRANGER, 403), (TRUNK, 404)])
    @pytest.mark.parametrize("service", ["outgoing", "confirm"])
    def test_calls_out(self, source: Address, code: int, service: str) -> None:
        edge = Product(confirming(OFFICE))
        edge.receive(replace(leg(f"sip:{OFFICE}@{DOMAIN}", service, source=source),
                             caller="<sip:1@x>;tag=a"))
        assert (edge.codes, edge.uris) == ([code], [])

    def test_has_no_trunk_at_its_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever a trunk passes on from its callers is the callers' word."""
        shared = in_network(trunks=(trunk(MEDIA_SERVER.ip),))
        monkeypatch.setattr(product_edge, "SETTINGS", shared)
        edge = Product(JANA)
        edge.receive(leg(f"sip:{OFFICE}@{DOMAIN}", "outgoing"))
        assert (edge.codes, edge.uris) == ([404], [])

    def test_says_what_a_lines_call_is_for(self) -> None:
        desk = LineRecord("jana-desk", "acme/jana", ha1("jana-desk", DOMAIN, "blue"), "", 1)
        edge = Product(JANA, lines=(desk,))
        request = replace(leg(f"sip:{OFFICE}@{DOMAIN}", "outgoing", source=PHONE,
                              caller="jana-desk"), callee=f"<sip:{OFFICE}@{DOMAIN}>")
        edge.receive(request)
        edge.receive(request.with_credentials(
            edge.replies[-1].headers.get("Proxy-Authenticate") or "", "jana-desk", "blue"))
        assert (edge.codes, edge.uris) == ([407, 404], [])


def confirming(*texts: str, **fields: Any) -> Number:
    """Jana's number with targets that must press 1."""
    asked = tuple(replace(ring, confirm=True) for ring in step(*texts, ring_s=15))
    return number(default="all", sequences=(sequence("all", asked),), **fields)


class TestToConfirm:
    @staticmethod
    def dial(edge: Product, uri: str, *headers: tuple[str, str | bytes], **changes: Any) -> None:
        edge.receive(leg(uri, "confirm", *headers, **{"caller": CALLER, **changes}))

    def test_an_outside_target_sees_what_it_would_see_without_the_prompt(self) -> None:
        edge = Product(confirming(OFFICE))
        self.dial(edge, f"sip:{OFFICE}@{DOMAIN}")
        sent = edge.branch(OFFICE)
        assert edge.uris == [f"sip:{OFFICE}@{GATEWAY}"]
        assert number_shown(sent.headers) == PERSONAL
        assert sent.headers.all("P-Asserted-Identity") == [f"<sip:{PERSONAL}@{DOMAIN}>"]
        assert sent.headers.all("Diversion") == [
            f"<sip:{PERSONAL}@{DOMAIN}>;reason=unconditional;counter=1;privacy=off"]
        assert [one.name for one in sent.headers if one.name.startswith("X-Followme")] == []
        assert sent.timers.ring_ms == 15_000

    def test_a_sip_target_is_called_where_it_is(self) -> None:
        edge = Product(confirming("sip:ann@sip.example.net;transport=tcp"))
        edge.htable.tables[names.NAMES]["sip.example.net;transport=tcp"] = (
            "192.0.2.9:5060;transport=tcp,1,1")
        self.dial(edge, "sip:ann@sip.example.net;transport=tcp")
        assert edge.uris == ["sip:ann@sip.example.net;transport=tcp"]
        assert number_shown(edge.forwarded[0].headers) == PERSONAL

    @pytest.mark.parametrize(("texts", "line"), [
        (("line jana-desk",), "jana-desk"), (("number acme/201",), "eva-desk")])
    def test_a_line_sees_the_caller(self, texts: tuple[str, ...], line: str) -> None:
        edge = Product(confirming(*texts), EVA)
        edge.register(line, "sip:phone@127.0.0.51")
        self.dial(edge, f"sip:{line}@{DOMAIN}")
        assert number_shown(edge.branch("phone").headers) == CALLER

    @pytest.mark.parametrize(("status", "code"), [(486, 486), (404, 480), (603, 480)])
    def test_it_ends_without_voicemail(self, status: int, code: int) -> None:
        edge = Product(confirming(OFFICE))
        self.dial(edge, f"sip:{OFFICE}@{DOMAIN}")
        edge.answer(OFFICE, status)
        assert (edge.codes, len(edge.uris)) == ([code], 1)

    def test_a_cap_counts_the_call_once(self) -> None:
        edge = Product(confirming(OFFICE, max_calls=1, mode=Mode.FORWARD_ONLY))
        edge.call(PERSONAL, CALLER, CONTACT)
        self.dial(edge, f"sip:{OFFICE}@{DOMAIN}")
        assert [uri.partition("@")[0] for uri in edge.uris] == ["sip:screen", f"sip:{OFFICE}"]

    @pytest.mark.parametrize(("user", "rights", "why"), [
        (MOBILE, {}, "it asks no such target to confirm"),
        ("jana-desk", {}, "it asks no such target to confirm"),
        (OFFICE, {"forward_external": False}, "permission forward_external is not granted"),
    ])
    def test_what_is_denied_is_403_with_a_line_in_the_log(
            self, user: str, rights: dict[str, Any], why: str) -> None:
        edge = Product(confirming(OFFICE, **rights))
        self.dial(edge, f"sip:{user}@{DOMAIN}")
        assert (edge.codes, edge.uris) == ([403], [])
        assert f"{PERSONAL}: {why}" in edge.log[-1][1]

    def test_a_retransmission_changes_nothing(self) -> None:
        edge = Product(confirming(OFFICE))
        request = leg(f"sip:{OFFICE}@{DOMAIN}", "confirm", caller=CALLER)
        edge.receive(request)
        edge.receive(request)
        assert (len(edge.uris), edge.codes) == (1, [])
