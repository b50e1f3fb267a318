# SPDX-License-Identifier: GPL-2.0-or-later
"""Who calls, read from the message by the adapter."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import pytest

from kemi_routing import settings
from kemi_routing.ksr import caller
from kemi_routing.ksr.edge import Edge
from kemi_routing.model import Call, Verdict
from kemi_routing.network import Network, Server
from kemi_routing.record import LineRecord
from kemi_routing.trunks import Asserts, Trunk
from tests.ksr import edge as product_edge
from tests.ksr.edge import SECRET, Product, Records, in_network
from tests.support.builders import PERSONAL, number, trunk
from tests.support.fake_ksr import FakeKamailio
from tests.support.fake_variables import OF_MESSAGE
from tests.support.sip_message import Address, Headers, Request

if TYPE_CHECKING:
    from KSR import Api

SETTINGS = settings.from_environment({}).with_network(
    Network(media_servers=(Server("127.0.0.30:5060"),)))
MEDIA_SERVER, STRANGER = Address("127.0.0.30"), Address("127.0.0.66")
ANI = "42075553333"
PAI, FROM = Trunk(Asserts.PAI, "P-Asserted-Identity"), Trunk(Asserts.FROM, "X-Verdict")
ASSERTED = ("P-Asserted-Identity", f"<sip:+{ANI};verstat=TN-Validation-Passed@carrier.example>")

T = TypeVar("T")


def read(request: Request, question: Callable[[Edge], T]) -> tuple[T, Headers]:
    """The answer about a request, and its headers as they go on."""
    answers: list[T] = []

    class Handler:
        def __init__(self, ksr: "Api") -> None:
            self._edge = Edge(ksr, SETTINGS, Records(), SECRET)

        def ksr_request_route(self, _message: object) -> int:
            answers.append(question(self._edge))
            self._edge.ksr.seturi("sip:phone@127.0.0.51")
            return self._edge.ksr.tm.t_relay()

    kamailio = FakeKamailio(Handler)
    kamailio.receive(request)
    return answers[0], kamailio.forwarded[0].headers


def from_trunk(trunk: Trunk, *headers: tuple[str, str | bytes]) -> Call:
    request = Request(caller=f"<sip:{ANI}@x>;tag=a", headers=headers)
    return read(request, partial(caller.from_trunk, trunk=trunk))[0]


@pytest.mark.parametrize(("trunk", "headers", "call"), [
    (FROM, (), Call(ANI, asserted=True)),
    (PAI, (), Call(ANI)),
    (PAI, (ASSERTED,), Call(ANI, asserted=True, verdict=Verdict.ATTESTED)),
    (Trunk(Asserts.PAI), (ASSERTED,), Call(ANI, asserted=True)),
    (FROM, (ASSERTED, ("X-Verdict", "TN-Validation-Failed")),
     Call(ANI, asserted=True, verdict=Verdict.FAILED)),
    (FROM, (("X-Verdict", b"A\xff"),), Call(ANI, asserted=True, verdict=Verdict.FAILED)),
    (FROM, (("Diversion", "<sip:42073723123@x>"), ("diversion", "<sip:49115234567@x>")),
     Call(ANI, asserted=True, diverters=("42073723123", "49115234567"), diverted=True)),
    (FROM, (("History-Info", "<sip:42073723123@x>;index=1"),),
     Call(ANI, asserted=True, history="1")),
    (FROM, (("History-Info", ""), ("History-Info", "<sip:42073723123@x>;index=1"),
            ("History-Info", "<sip:49115234567@x>;index=1.1"),
            ("History-Info", "<sip:42027777100@x>;index=1.1.1;mp=1.1")),
     Call(ANI, asserted=True, diverters=("49115234567", "42073723123"), diverted=True,
          history="1.1.1")),
    (FROM, (("Diversion", b"\xff <sip:42073723123@x>"),),
     Call(ANI, asserted=True, diverted=True)),
    (FROM, (("History-Info", ""),) * 30, Call(ANI, asserted=True, diverted=True)),
    (FROM, (("Privacy", "none"),) * 30, Call(ANI, asserted=True, anonymous=True)),
])
def test_a_call_of_a_trunk(
        trunk: Trunk, headers: tuple[tuple[str, str | bytes], ...], call: Call) -> None:
    assert from_trunk(trunk, *headers) == call


OURS = (("X-Followme-Account", " acme/201 "), ("X-FOLLOWME-PIN", "open"),
        ("X-Followme-Service", "confirm"), ("x-followme-outgoing", "yes"))


@pytest.mark.parametrize(("source", "headers", "leg"), [
    (MEDIA_SERVER, OURS, ("acme/201", "confirm")),
    (MEDIA_SERVER, (("x-followme-account", "42027777100"),), ("42027777100", "")),
    (MEDIA_SERVER, (("x-followme-account", "42027777100"), ("X-Followme-Service", b"\xff")),
     ("42027777100", "unreadable")),
    (MEDIA_SERVER, (("X-Followme-Account", "acme/jana"),), None),
    (MEDIA_SERVER, (("X-Followme-Account", b"\xff"),), None),
    (MEDIA_SERVER, (), None),
    (STRANGER, OURS, None),
])
def test_for_whom_the_media_server_calls(
        source: Address, headers: tuple[tuple[str, str | bytes], ...],
        leg: tuple[str, str] | None) -> None:
    assert read(Request(source=source, headers=headers), caller.from_media_server)[0] == leg


JANA_DESK = LineRecord("jana-desk", "acme/jana", "0" * 32, "42027777100", 1)


@pytest.mark.parametrize("who", [
    partial(caller.from_trunk, trunk=PAI), partial(caller.from_line, line=JANA_DESK),
    partial(caller.from_menu, number=number()), caller.from_prompt])
def test_our_headers_do_not_go_on(who: Callable[[Edge], Call]) -> None:
    _, sent = read(Request(headers=OURS), who)
    assert [header for header in sent if header.name.lower().startswith("x-followme")] == []


@pytest.mark.parametrize(("headers", "anonymous"), [((), False), ((("Privacy", "id"),), True)])
def test_a_call_from_the_menu_is_the_numbers_whatever_it_says(
        headers: tuple[tuple[str, str], ...], anonymous: bool) -> None:
    written = (ASSERTED, ("Diversion", "<sip:a@b>"), ("History-Info", "<sip:a@b>;index=1"))
    found, sent = read(Request(caller=f"<sip:{ANI}@x>;tag=a", headers=(*written, *headers)),
                       partial(caller.from_menu, number=number()))
    assert found == Call(PERSONAL, asserted=True, anonymous=anonymous, cli=PERSONAL)
    assert [header.name for header in sent if header.name in dict(written)] == []


def test_who_waits_for_a_prompt_is_told_by_from() -> None:
    diverted = ("Diversion", "<sip:42027777100@x>;reason=no-answer")
    found, sent = read(Request(caller=f"<sip:{ANI}@x>;tag=a", headers=(ASSERTED, diverted)),
                       caller.from_prompt)
    assert found == Call(ANI, asserted=True, diverted=True, diverters=("42027777100",))
    assert (sent.get("P-Asserted-Identity"), bool(sent.get("Diversion"))) == (None, True)


def test_a_request_uri_alone_may_tell_that_a_call_was_forwarded() -> None:
    request = Request(uri="sip:42027777101@127.0.0.1;cause=302", headers=(ASSERTED,))
    found, _ = read(request, partial(caller.from_trunk, trunk=PAI))
    assert found.diverted


def test_what_a_trunk_may_not_assert_goes() -> None:
    headers = (ASSERTED, ("Remote-Party-ID", "<sip:1@x>"), ("Diversion", "<sip:a@b>"))
    kept, gone = (
        read(Request(headers=headers), partial(caller.from_trunk, trunk=trunk))[1]
        for trunk in (PAI, FROM))
    names = ("P-Asserted-Identity", "Remote-Party-ID", "Diversion")
    assert [bool(kept.get(name)) for name in names] == [True, True, True]
    assert [bool(gone.get(name)) for name in names] == [False, False, True]


@pytest.mark.parametrize(("address", "written"), [
    ("127.0.0.20", "127.0.0.20"), ("2001:db8:0:0:0:0:0:20", "2001:db8::20")])
def test_the_source_address_is_written_as_in_the_settings(address: str, written: str) -> None:
    assert read(Request(source=Address(address)), caller.source)[0] == written


@pytest.mark.parametrize(("proto", "verified", "names", "status"), [
    ("tls", 1, ("SBC.carrier.example", ""), 404), ("tls", "1", ("", "sbc.carrier.example"), 404),
    ("tls", 1, ("other.example", "sbc.carrier.example"), 403),
    ("tls", 1, ("other.example", "other.example"), 403),
    ("tls", 0, ("sbc.carrier.example", ""), 403), ("tls", None, ("sbc.carrier.example", ""), 403),
    ("udp", 1, ("sbc.carrier.example", ""), 403),
])
def test_a_trunk_by_its_certificate(
        monkeypatch: pytest.MonkeyPatch, proto: str, verified: str | int | None,
        names: tuple[str, str], status: int) -> None:
    known = trunk("192.0.2.1", certificate="sbc.carrier.example")
    monkeypatch.setattr(product_edge, "SETTINGS", in_network(trunks=(known,)))
    for name, value in (("proto", proto), ("tls_peer_verified", verified),
                        ("tls_peer_san_hostname", names[0]), ("tls_peer_subject_cn", names[1])):
        monkeypatch.setitem(OF_MESSAGE, name, partial(_said, value))
    product = Product()
    product.call("42027777199", source=STRANGER)
    assert product.codes == [status]


def _said(value: str | int | None, _message: object) -> str | int | None:
    return value


@pytest.mark.parametrize("read_as", [
    partial(caller.from_line, line=JANA_DESK), partial(caller.from_menu, number=number())])
@pytest.mark.parametrize(("sender", "privacy", "sent"), [
    ("sip:jana-desk@followme.local", (), []),
    ("sip:jana-desk@followme.local", ("none",), ["none"]),
    ("sip:jana-desk@followme.local", ("id",), ["id"]),
    ("sip:jana-desk@followme.local", ("header", "user"), ["header;id;user"]),
    ("sip:anonymous@followme.local", (), ["id"]),
    ("sip:anonymous@anonymous.invalid", ("none",), ["id"]),
])
def test_an_anonymous_caller_of_ours_asks_the_gateway_for_privacy(
        read_as: Callable[[Edge], Call], sender: str, privacy: tuple[str, ...], sent: list[str],
        ) -> None:
    asked = tuple(("Privacy", value) for value in privacy)
    call, headers = read(Request(caller=f"<{sender}>;tag=a", headers=asked), read_as)
    assert call.anonymous is (sent not in ([], ["none"]))
    assert headers.all("Privacy") == sent
