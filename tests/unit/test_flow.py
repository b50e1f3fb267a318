# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing import flow

PHONE = "sip:desk@192.168.1.10:5060"


@pytest.mark.parametrize(("uri", "plain", "reached"), [
    (f"{PHONE};alias=203.0.113.5~40123~1", PHONE, "sip:203.0.113.5:40123"),
    (f"{PHONE};transport=tcp;alias=203.0.113.5~40123~2;ob", f"{PHONE};transport=tcp;ob",
     "sip:203.0.113.5:40123;transport=tcp"),
    (f"{PHONE};ALIAS=[2001:db8::5]~5~3?a=b", f"{PHONE}?a=b", "sip:[2001:db8::5]:5;transport=tls"),
    ("sip:192.168.1.10;alias=203.0.113.5~9~1", "sip:192.168.1.10", "sip:203.0.113.5:9"),
    (f"{PHONE};alias=192.0.2.1~1~1;alias=203.0.113.5~9~1", f"{PHONE};alias=192.0.2.1~1~1",
     "sip:203.0.113.5:9"),
])  # fmt: skip
def test_a_phone_is_reached_where_its_messages_came_from(
    uri: str, plain: str, reached: str
) -> None:
    assert flow.of_alias(uri) == (plain, reached)


@pytest.mark.parametrize("uri", [
    PHONE, "", "sip:a;alias=203.0.113.5~9~1@192.168.1.10", f"{PHONE};alias=203.0.113.5~9",
    f"{PHONE};alias=203.0.113.5~9~4", f"{PHONE};alias=203.0.113.5~123456~1",
    f"{PHONE};alias=gateway.example~9~1", f"{PHONE};alias=203.0.113.5~9~12",
    f"{PHONE};alias=203.0.113.5\r\nX: y~9~1", f"{PHONE};alias=" + "1" * 60000,
    f"{PHONE};alias=203.0.113.5~\u0665~1",
])  # fmt: skip
def test_what_is_no_alias_of_ours_leads_nowhere(uri: str) -> None:
    assert flow.of_alias(uri) is None


@pytest.mark.parametrize("uri", ["sip:203.0.113.5:9", "sip:[2001:db8::5]:9;transport=tcp"])
def test_a_flow_says_which_proxy_holds_it(uri: str) -> None:
    assert flow.holder(flow.held_by(uri, "10.0.0.1:5058")) == "10.0.0.1:5058"
    assert flow.held_by(uri, "") == uri
    assert flow.holder(uri) == ""


@pytest.mark.parametrize(("at", "uri"), [
    (("udp", "203.0.113.5", 40123), "sip:203.0.113.5:40123"),
    (("tcp", "203.0.113.5", 9), "sip:203.0.113.5:9;transport=tcp"),
    (("tls", "2001:db8::5", 5), "sip:[2001:db8::5]:5;transport=tls"),
])
def test_the_alias_of_a_phone_leads_back_to_it(at: tuple[str, str, int], uri: str) -> None:
    assert flow.of_alias(f"{PHONE}{flow.alias(*at)}") == (PHONE, uri)
