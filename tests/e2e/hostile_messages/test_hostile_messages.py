# SPDX-License-Identifier: GPL-2.0-or-later
"""What a hostile sender can write."""

import base64
import socket

import pytest

from tests.support.caller import Dialling
from tests.support.loopback import wait_until
from tests.support.phones import answer, ring
from tests.support.raw_sip import RawSip
from tests.support.situation import FROM_TRUNK, PAI_TRUNK, STRANGER, Situation

NUMBER, CALLER, MOBILE = "42027777101", "42075553333", "42073723101"

GARBAGE = [
    b"", b"\r\n\r\n", b"\x00" * 500, bytes(range(256)) * 8, b"INVITE",
    b"INVITE sip: SIP/2.0\r\n\r\n", b"INVITE sip:1 2@x SIP/2.0\r\n\r\n",
    b"SIP/2.0 200 OK\r\n\r\n", b"INVITE sip:" + b"9" * 60000 + b"@x SIP/2.0\r\n\r\n",
    b"OPTIONS sip:x SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n"
    b"CSeq: 1 OPTIONS\r\nSubject: " + b"x" * 17000 + b"\r\n\r\n",
]  # fmt: skip
HEADERS = [
    b"X-Note: \xff\xfe\xfd", b"Subject: \xc3\x28", b"Diversion: <sip:\xe9@x>", b"Privacy: \xff",
    b"History-Info: \xff\xff", b"P-Asserted-Identity: <sip:\xff@x>", b"Via: \xff",
    b"Contact: \xff", b"P-Asserted-Identity: " + b"<sip:1@x>," * 3000,
    b"Diversion: " + b'"' * 4000, b"Privacy: " + b";" * 8000,
]  # fmt: skip


@pytest.mark.parametrize("via", [PAI_TRUNK, STRANGER])
@pytest.mark.parametrize("datagram", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_harms_nobody(situation: Situation, datagram: bytes, via: int) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    with RawSip(situation.network.address(via), situation.edge.proxy) as raw:
        raw.send(datagram)

    assert situation.call(NUMBER, CALLER).code == 200
    assert len(mobile.invites) == 1


def test_what_cannot_be_parsed_is_logged_once(situation: Situation) -> None:
    broken = b"SIP/2.0 200 OK\r\nVia: " + b"x" * 8000
    before = len(situation.edge.log)
    with RawSip(situation.network.address(STRANGER), situation.edge.proxy) as raw:
        raw.send(broken)
        wait_until(lambda: len(situation.edge.log) > before, "a word of it")
        assert situation.call(NUMBER, CALLER).code == 480

    assert situation.edge.log[before:].count("x" * 4000) < 3


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_a_hostile_header_harms_only_its_own_call(situation: Situation, header: bytes) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    uri = f"sip:{NUMBER}@{situation.settings['ADDRESS']}"
    with RawSip(situation.network.address(PAI_TRUNK), situation.edge.proxy) as raw:
        request = raw.request("INVITE", uri, ani=CALLER)
        heard = raw.ask(request.replace(b"\r\nContact:", b"\r\n" + header + b"\r\nContact:", 1))

    assert heard is None or heard.code is not None
    assert all(invite.caller_number == NUMBER for invite in mobile.invites)
    assert situation.call(NUMBER, CALLER).code == 200


@pytest.mark.parametrize(
    "user", ["42027777101%0d%0aX-Evil:1", "42027777101;x=1", "%2b42027777101", "$ru", "*33",
             "fm:1:number:{42027777101}"],
)  # fmt: skip
def test_a_strange_user_part_is_no_number_or_the_same_number(
    situation: Situation, user: str
) -> None:
    mobile = situation.outside_phone(MOBILE, answer(5000))
    uri = f"sip:{user}@{situation.settings['ADDRESS']}"
    with RawSip(situation.network.address(PAI_TRUNK), situation.edge.proxy) as raw:
        heard = raw.ask(raw.request("INVITE", uri, ani=CALLER))

    assert heard is not None
    assert heard.code in (180, 400, 404)
    for invite in mobile.invites:
        assert invite.uri == f"sip:{MOBILE}@{situation.gateway_at}"
        assert invite.header("X-Evil") is None


SPELLINGS = [
    "P-Asserted-Identity", "p-asserted-identity", "P-ASSERTED-IDENTITY ", "P-Preferred-Identity",
    "Remote-Party-ID", "X-Followme-Pin", "x-followme-account ", "X-FOLLOWME-GRADE",
]  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_trunk_that_asserts_by_from_sets_no_other_identity(
    situation: Situation, name: str
) -> None:
    desk = situation.line_phone("jana-desk", ring())
    mobile = situation.outside_phone(MOBILE, answer(200))
    forged = Dialling(NUMBER, CALLER, headers=(f"{name}: <sip:42099999999@x>",))

    heard = situation.dial(forged, via=FROM_TRUNK).outcome()

    assert heard.code == 200
    headers = desk.invites[0].headers + mobile.invites[0].headers
    assert [value for _, value in headers if "42099999999" in value] == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_request_within_a_call_opens_no_connection_to_this_machine(
    situation: Situation, host: str
) -> None:
    situation.outside_phone(MOBILE, answer())
    uri = f"sip:{NUMBER}@{situation.settings['ADDRESS']}"
    with (RawSip(situation.network.address(PAI_TRUNK), situation.edge.proxy) as raw,
          socket.create_server(("127.0.0.1", 0)) as service):  # fmt: skip
        invite = raw.request("INVITE", uri, ani=CALLER)
        ok = raw.answered(invite)
        port = service.getsockname()[1]
        heard = raw.ask(raw.within(invite, ok, "INFO", f"sip:x@{host}:{port};transport=tcp"))
        raw.send(raw.within(invite, ok, "BYE", ok["Contact"].strip("<>")))
        service.setblocking(False)  # what connected waits in its queue
        with pytest.raises(BlockingIOError):
            service.accept()

    assert heard is not None
    assert heard.code == 404


def test_a_forged_second_pass_is_refused(situation: Situation) -> None:
    outside = situation.outside_phone("49900123456", answer())
    spiral = ("127.0.0.1", int(situation.settings["SPIRAL_PORT"]))
    load = base64.urlsafe_b64encode(b'["1","x",["pstn","49900123456",5,null,"",""]]').decode()
    users = ["49900123456", f"{'0' * 32}.{load}", f".{load}", load, "%00." + load, "ž." + load]
    answers = []
    with RawSip("127.0.0.1", spiral) as raw:
        for user in users:
            heard = raw.ask(raw.request("INVITE", f"sip:{user}@127.0.0.1:{spiral[1]}"))
            answers.append(heard.code if heard else None)

    assert [code for code in answers if code not in (400, 403, 404)] == []
    assert outside.invites == []
