# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from kemi_routing import formats, render, settings, targets
from kemi_routing.caller_id import Dress, SoFar, profile
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Outcome
from kemi_routing.network import Network, Server
from kemi_routing.plan import Access, Account, Caller, Outgoing, Plan, Planned, PlannedStep
from kemi_routing.targets import MAILBOX

NUMBER, EXTENSION = "42027777100", "acme/201"
NETWORK = Network(
    gateways=(Server("192.0.2.40:5060"),
              Server("192.0.2.41:5060", cli=profile("from=caller pai=none"))),
    media_servers=(Server("192.0.2.30:5070"),),
    iax_gateways=(Server("192.0.2.45:5060"),), cli=profile("history=no"))
SETTINGS = settings.from_environment(
    {"FOLLOWME_DOMAIN": "voice.example"}).with_network(NETWORK)
WITHOUT_MEDIA = SETTINGS.with_network(replace(NETWORK, media_servers=(), iax_gateways=()))
WITHOUT_GATEWAY = SETTINGS.with_network(replace(NETWORK, gateways=()))
MEDIA = "192.0.2.30:5070"


def planned(text: str, cli: str | None = None, *, confirm: bool = False) -> Planned:
    return Planned(MAILBOX if text == "mailbox" else targets.parse(text), 20, cli, confirm=confirm)


@pytest.mark.parametrize(("text", "uri"), [
    ("49115234567", "sip:49115234567@192.0.2.40:5060"),
    ("line jana-desk", "sip:jana-desk@voice.example"),
    ("IAX2/jana:hidden@pbx.example.com:4569/100",
     "sip:100@192.0.2.45:5060;peer=jana%40pbx.example.com%3A4569"),
    ("SIP/jana@example.net:5061", "sip:jana@example.net:5061"),
    ("sip:jana@[2001:db8::1];transport=tls", "sip:jana@[2001:db8::1];transport=tls"),
    ("voicemail",  # RFC 4458 section 2
     f"sip:voicemail@{MEDIA};target=sip:42027777100%40voice.example;cause=486"),
    ("mailbox", f"sip:vm-access@{MEDIA};target=sip:42027777100%40voice.example"),
    ("announcement closed", f"sip:annc@{MEDIA};play=closed"),  # RFC 4240 section 3
    ("conference board", f"sip:conf=board@{MEDIA}"),  # RFC 4240 section 5
    ("menu main", f"sip:ivr.main@{MEDIA}"),
    ("queue sales", f"sip:queue.sales@{MEDIA}"),
    ("park", f"sip:park@{MEDIA}"),
])
def test_the_request_uri_of_a_branch(text: str, uri: str) -> None:
    assert render.target_uri(planned(text), NUMBER, SETTINGS, cause=486) == uri


@pytest.mark.parametrize(("text", "target"), [
    ("49115234567", "sip:49115234567%40voice.example"),
    ("line jana-desk", "sip:jana-desk%40voice.example"),
    ("sip:jana@[2001:db8::1]:5061;transport=tls",
     "sip:jana%40[2001:db8::1]:5061%3Btransport%3Dtls"),
])
def test_to_confirm_the_media_server_calls_back(text: str, target: str) -> None:
    asked = planned(text, confirm=True)
    assert render.target_uri(asked, NUMBER, SETTINGS, cause=0) == (
        f"sip:screen@{MEDIA};target={target}")


def test_the_mailbox_of_an_extension() -> None:
    assert render.target_uri(planned("voicemail"), EXTENSION, SETTINGS, cause=302) == (
        f"sip:voicemail@{MEDIA};target=sip:201.acme%40voice.example;cause=302")


@pytest.mark.parametrize(("one", "why"), [
    (planned("IAX2/jana:hidden@pbx.example.com/1"),
     r"IAX2/jana:\*\*\*@pbx.example.com/1: no IAX gateway"),
    (planned("number 42027777200"), "number 42027777200: only its lines can be rung"),
    (planned("voicemail"), "voicemail: no media server"),
    (planned("mailbox"), "mailbox: no media server"),
    (planned("49115234567", confirm=True), "49115234567: no media server"),
])
def test_what_has_no_request_uri(one: Planned, why: str) -> None:
    with pytest.raises(InvalidValue, match=why):
        render.target_uri(one, NUMBER, WITHOUT_MEDIA, cause=0)


def test_an_outside_number_needs_a_gateway() -> None:
    number = planned("49115234567")
    assert render.what_is_missing(number, SETTINGS) == ""
    with pytest.raises(InvalidValue, match="49115234567: no gateway is configured"):
        render.target_uri(number, NUMBER, WITHOUT_GATEWAY, cause=0)


def test_a_gateway_gets_numbers_as_it_wants_them() -> None:
    german = Server("192.0.2.42:5060", cli=profile("rpid=personal"),
                    numbers=formats.read("national 49 0"))
    chosen = SETTINGS.with_network(replace(NETWORK, gateways=(german,)))
    so_far = SoFar((Account("49301234567", "acme/jana"),), Caller("42075553333"), (Outcome.BUSY,))
    called = planned("49115234567", "49301234567")
    shown = render.dress(called, so_far, None, chosen)
    assert render.target_uri(called, NUMBER, chosen, 0) == "sip:0115234567@192.0.2.42:5060"
    assert shown.from_uri == "sip:0301234567@voice.example"
    assert [line.count("0301234567") for line in (*shown.on_top, *shown.add)] == [1, 1, 1, 1]
    assert "sip:0115234567@192.0.2.42:5060;cause=486" in shown.add[-1]
    assert render.target_uri(planned("sip:49115234567@h.example"), NUMBER, chosen, 0) == (
        "sip:49115234567@h.example")


def test_a_technical_prefix_stands_before_the_called_number_only() -> None:
    german = Server("192.0.2.42:5060", numbers=formats.read("plus"), prefix="12#*")
    chosen = SETTINGS.with_network(replace(NETWORK, gateways=(german,)))
    called, so_far = planned("49115234567", NUMBER), SoFar((Account(NUMBER, "a/b"),), Caller(), ())
    assert render.target_uri(called, NUMBER, chosen, 0) == (
        "sip:12%23*+49115234567@192.0.2.42:5060")
    shown = render.dress(called, replace(so_far, why=(None,)), None, chosen)
    assert shown.from_uri == f"sip:+{NUMBER}@voice.example"
    assert render.target_uri(planned("sip:1@h.example"), NUMBER, chosen, 0) == "sip:1@h.example"


def test_the_number_in_a_from_that_passes_through_is_written_as_the_gateway_wants_it() -> None:
    plus = Server("192.0.2.42:5060", cli=profile("from=caller"), numbers=formats.read("plus"))
    chosen = SETTINGS.with_network(replace(NETWORK, gateways=(plus,)))
    so_far = SoFar((Account(NUMBER, "a/b"),), Caller("42075553333"), (None,))
    wanted = [render.dress(planned(target, NUMBER), so_far, None, chosen).from_numbers
              for target in ("49115234567", "sip:1@h.example", "line jana-desk")]
    assert wanted == [plus.numbers, None, None]
    line = replace(so_far, caller=Caller("42075553333", cli="42075553333"))
    assert render.dress(planned("49115234567", NUMBER), line, None, chosen).from_numbers is None


def test_a_gateway_by_host_name_is_named_in_the_request_uri() -> None:
    written = replace(NETWORK, gateways=(Server("gw.example:5060"), Server("192.0.2.42:5060")))
    known = written.found({"gw.example:5060": ("192.0.2.1:5060", "192.0.2.2:5060")})
    called = planned("49115234567")
    for network, hop, host in [
            (written, "", "gw.example"), (known, "", "gw.example"),
            (known, "192.0.2.2:5060", "gw.example"), (known, "192.0.2.42:5060", "192.0.2.42"),
            (known, "192.0.2.9:5060", "192.0.2.9"), (written.found({}), "", "gw.example")]:
        chosen = SETTINGS.with_network(network)
        assert render.target_uri(called, NUMBER, chosen, 0, hop) == f"sip:49115234567@{host}:5060"


@pytest.mark.parametrize(("hop", "shown", "told"), [
    ("", f"sip:{NUMBER}@voice.example", ["Diversion", "P-Asserted-Identity"]),
    ("192.0.2.40:5060", f"sip:{NUMBER}@voice.example", ["Diversion", "P-Asserted-Identity"]),
    ("192.0.2.41:5060", None, ["Diversion", "History-Info"]),
    ("192.0.2.99:5060", f"sip:{NUMBER}@voice.example", ["Diversion", "P-Asserted-Identity"]),
])
def test_each_gateway_is_shown_what_it_should_be(
        hop: str, shown: str | None, told: list[str]) -> None:
    so_far = SoFar((Account(NUMBER, "acme/jana"),), Caller("42075553333"), (Outcome.BUSY,))
    found = render.dress(planned("49115234567", NUMBER), so_far, None, SETTINGS, hop)
    assert found.from_uri == shown
    assert [line.partition(":")[0] for line in (*found.on_top, *found.add)] == told
    for line in found.add:
        assert "History-Info" not in line or f"@{hop};" in line


ACCOUNT = f"X-Followme-Account: {NUMBER}"
DIVERSION = "Diversion: <sip:42027777100@voice.example>;reason=user-busy;counter=1;privacy=off"
OPENED = Access("A", ask_pin=False, outgoing=Outgoing.YES)
ASKED = Access("D", ask_pin=True)


@pytest.mark.parametrize(("one", "access", "dress"), [
    (planned("line jana-desk"), None, Dress()),
    (planned("voicemail"), OPENED, Dress(on_top=(DIVERSION,), add=(ACCOUNT,))),
    (planned("mailbox"), OPENED,
     Dress(add=(ACCOUNT, "X-Followme-Grade: A", "X-Followme-Pin: open",
                "X-Followme-Outgoing: yes"))),
    (planned("mailbox"), ASKED,
     Dress(add=(ACCOUNT, "X-Followme-Grade: D", "X-Followme-Pin: ask",
                "X-Followme-Outgoing: no"))),
    (planned("mailbox"), None, Dress(add=(ACCOUNT,))),  # the media server opens nothing
    (planned("menu main"), None, Dress(add=(ACCOUNT,))),
    # it is not outside yet: whoever calls back from there is told what an outside target is told
    (planned("49115234567", NUMBER, confirm=True), None, Dress(add=(ACCOUNT,))),
    (planned("49115234567", NUMBER), None, Dress(
        "sip:42027777100@voice.example",
        ("Identity", "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID",
         "History-Info"), (DIVERSION,),
        ("P-Asserted-Identity: <sip:42027777100@voice.example>",))),
])
def test_how_a_branch_is_dressed(one: Planned, access: Access | None, dress: Dress) -> None:
    so_far = SoFar((Account(NUMBER, "acme/jana"),), Caller("42075553333"), (Outcome.BUSY,))
    assert render.dress(one, so_far, access, SETTINGS) == dress


def test_what_we_set_is_what_we_take_from_strangers() -> None:
    so_far = SoFar((Account(NUMBER, "acme/jana"),), Caller(), (None,))
    ours = render.dress(planned("mailbox"), so_far, OPENED, SETTINGS).add
    assert {header.partition(":")[0] for header in ours} | {render.SERVICE, render.FLOW} == set(
        render.OUR_HEADERS)


@pytest.mark.parametrize(("entries", "values"), [
    ([], []),
    ([1], ["0.9"]),
    ([1, 2], ["0.95", "0.9"]),
    ([3, 1], ["0.96", "0.92"]),
    ([1, 1, 1, 1, 1], ["0.967", "0.933", "0.9", "0.867", "0.833"]),
])
def test_q_falls_from_step_to_step(entries: list[int], values: list[str]) -> None:
    assert render.q_values(entries) == values


@pytest.mark.parametrize("count", [1, 30, 199])
def test_q_lies_between_1_and_0_8_and_falls(count: int) -> None:
    values = [float(value) for value in render.q_values([1] * count)]
    assert values[0] < 1
    assert values[-1] > 0.8
    assert values == sorted(set(values), reverse=True)


def plan(*steps: PlannedStep) -> Plan:
    return Plan((Account(NUMBER, "acme/jana"),), steps)


def test_a_plan_as_contacts_of_a_redirect() -> None:
    first = (planned("49115234567"), planned("sip:jana@example.net;transport=tls"))
    then = (replace(planned("42073723123"), ring_s=30),)
    assert render.redirect_contacts(plan(PlannedStep(first, 1), PlannedStep(then)), SETTINGS) == [
        "<sip:49115234567@192.0.2.40:5060?Expires=20>;q=0.95",
        "<sip:jana@example.net;transport=tls?Expires=20>;q=0.95",
        "<sip:42073723123@192.0.2.40:5060?Expires=30>;q=0.9",
    ]


@pytest.mark.parametrize("steps", [
    (),
    (PlannedStep((planned("49115234567"), planned("line jana-desk"))),),
    (PlannedStep((planned("49115234567"),), 1), PlannedStep((planned("voicemail"),))),
    (PlannedStep((replace(planned("49115234567"), delay_s=5),)),),
    (PlannedStep((planned("49115234567", confirm=True),)),),
    (PlannedStep((planned("49115234567"),), 1, on=((Outcome.BUSY, 2),)),
     PlannedStep((planned("42073723123"),)), PlannedStep((planned("42073723124"),))),
])
def test_a_plan_that_contacts_cannot_tell(steps: tuple[PlannedStep, ...]) -> None:
    assert render.redirect_contacts(plan(*steps), SETTINGS) is None
