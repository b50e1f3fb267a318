# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing import render, settings, targets
from kemi_routing.errors import InvalidValue
from kemi_routing.plan import Access, Planned
from kemi_routing.targets import MAILBOX

NUMBER, OWNER = "42027777100", "acme/jana"
SETTINGS = settings.from_environment({
    "FOLLOWME_DOMAIN": "voice.example", "FOLLOWME_GATEWAY": "192.0.2.40:5060",
    "FOLLOWME_MEDIA_SERVER": "192.0.2.30:5070"})


def planned(text: str, cli: str | None = None) -> Planned:
    return Planned(MAILBOX if text == "mailbox" else targets.parse(text), 20, cli)


@pytest.mark.parametrize(("text", "uri"), [
    ("49115234567", "sip:49115234567@192.0.2.40:5060"),
    ("line jana-desk", "sip:jana-desk@voice.example"),
    ("SIP/jana@example.net:5061", "sip:jana@example.net:5061"),
    ("sip:jana@[2001:db8::1];transport=tls", "sip:jana@[2001:db8::1];transport=tls"),
    ("voicemail",  # RFC 4458 section 2
     "sip:voicemail@192.0.2.30:5070;target=sip:42027777100%40voice.example;cause=486"),
    ("mailbox", "sip:vm-access@192.0.2.30:5070;target=sip:42027777100%40voice.example"),
])
def test_the_request_uri_of_a_branch(text: str, uri: str) -> None:
    assert render.target_uri(planned(text), NUMBER, SETTINGS, cause=486) == uri


def test_no_iax_password_gets_into_a_sip_message() -> None:
    with pytest.raises(InvalidValue, match=r"IAX2/jana:\*\*\*@pbx.example.com/1: no IAX gateway"):
        render.target_uri(planned("IAX2/jana:hidden@pbx.example.com/1"), NUMBER, SETTINGS, cause=0)


def test_the_from_uri_presents_the_cli() -> None:
    assert render.from_uri(NUMBER, SETTINGS) == "sip:42027777100@voice.example"


ASSERTED = "P-Asserted-Identity: <sip:42027777100@voice.example>"
ACCOUNT = "X-Followme-Account: acme/jana"


@pytest.mark.parametrize(("text", "cli", "access", "headers"), [
    ("49115234567", NUMBER, None, [ASSERTED]),
    ("SIP/jana@example.net", NUMBER, None, [ASSERTED]),
    ("49115234567", None, None, []),  # the caller's own identity stays
    ("line jana-desk", None, None, []),
    ("line jana-desk", "42027777200", None, []),
    ("voicemail", None, None, [ACCOUNT]),
    ("voicemail", "42027777200", Access("A", ask_pin=False), [ACCOUNT]),
    ("mailbox", None, Access("A", ask_pin=False),
     [ACCOUNT, "X-Followme-Grade: A", "X-Followme-Pin: open"]),
    ("mailbox", None, Access("D", ask_pin=True),
     [ACCOUNT, "X-Followme-Grade: D", "X-Followme-Pin: ask"]),
    ("mailbox", None, None, [ACCOUNT]),  # no grade: the media server opens nothing
])
def test_the_headers_that_a_branch_gets(
        text: str, cli: str | None, access: Access | None, headers: list[str]) -> None:
    assert render.branch_headers(planned(text, cli), OWNER, access, SETTINGS) == headers


def test_what_we_set_is_what_we_take_from_strangers() -> None:
    opened = Access("A", ask_pin=False)
    ours = render.branch_headers(planned("mailbox"), OWNER, opened, SETTINGS)
    assert {header.partition(":")[0] for header in ours} == set(render.OUR_HEADERS)
    assert ASSERTED.partition(":")[0] in render.IDENTITY_HEADERS
    assert set(render.IDENTITY_HEADERS) == {
        "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Identity"}
