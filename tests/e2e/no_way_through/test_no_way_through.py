# SPDX-License-Identifier: GPL-2.0-or-later
"""Nobody is passed on to an address of his own choice."""

import socket
from pathlib import Path

import pytest

from kemi_routing.ksr import branch_proof
from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling
from tests.support.digest_phone import Account, DigestPhone
from tests.support.phones import answer
from tests.support.raw_sip import RawSip
from tests.support.registration import Line, register
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    STRANGER,
    Situation,
)

NUMBER, CALLER, MOBILE, ABROAD = "42027777101", "42075553333", "42073723101", "49900123456"


@pytest.mark.parametrize("mark", ["", ";ftag=a", f";fm={'0' * 24}", ";fm="])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "BYE"])
def test_a_tag_and_a_route_open_no_way_to_the_gateway(
    situation: Situation, method: str, mark: str
) -> None:
    abroad = situation.outside_phone(ABROAD, answer())
    proxy = situation.settings["ADDRESS"]
    uri = f"sip:{ABROAD}@{situation.gateway_at}"
    with RawSip(situation.network.address(STRANGER), situation.edge.proxy) as raw:
        request = raw.request(method, uri, headers=[f"Route: <sip:{proxy};lr=on{mark}>"])
        heard = raw.ask(request.replace(b"\r\nCall-ID", b";tag=t\r\nCall-ID", 1))

    assert heard is not None
    assert heard.code == 404
    assert abroad.invites == []


def test_a_route_that_the_caller_wrote_stays_here(situation: Situation) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    route = f"Route: <sip:{situation.network.address(STRANGER)};lr>"

    assert situation.dial(Dialling(NUMBER, CALLER, CALLER, headers=(route,))).outcome().code == 200
    assert mobile.invites[0].header("Route") is None


def test_a_line_registers_nothing_that_may_be_read_in_two_ways(
    situation: Situation, tmp_path: Path
) -> None:
    network, proxy = situation.network, situation.edge.proxy
    own = network.address(FIRST_PHONE)
    account = Line("jana-desk", PASSWORD, DOMAIN)
    contacts = [
        f"sip:jana-desk@{own};maddr=127.0.0.1",
        f"sip:jana-desk@{own}> <sip:x@127.0.0.1:6379;transport=tcp",
        f'sip:jana-desk@{own}>;received="sip:127.0.0.1:6379", <sip:jana-desk@{own}',
    ]
    codes = [register(account, each, own, proxy, tmp_path) for each in contacts]

    assert codes == [403, 400, 403]
    kept = situation.edge.kamcmd("ul.dump")
    assert [word for word in ("maddr", "127.0.0.1") if word in kept] == []


@pytest.mark.parametrize("where", ["gateway_at", "media_at"])
def test_a_line_is_rung_where_it_is_whatever_address_it_registers(
    situation: Situation, where: str
) -> None:
    abroad, media = situation.outside_phone(ABROAD, answer()), situation.media_server()
    address = situation.network.address(FIRST_PHONE)
    uri = f"sip:{ABROAD}@{getattr(situation, where)}"
    with DigestPhone(address, situation.edge.proxy, DOMAIN) as phone:
        account = Account("jana-desk", PASSWORD)
        assert phone.register(account, ("Contact", f"<{uri}>")).code == 200
        call = situation.dial(Dialling("42027777102", CALLER, CALLER))
        assert (invite := phone.heard()).uri == uri
        assert invite.method == "INVITE"
        assert call.outcome().code == 480
        situation.edge.kamcmd("ul.rm", "location", "jana-desk")
    assert (abroad.invites, media.invites) == ([], [])


def test_a_line_whose_call_cannot_be_sent_hears_so(arrange: Arrangements) -> None:
    unknown = {"gateways": {"unknown": {"at": "no-such-host.invalid:5060"}}}
    situation = arrange("2026-11-23T10:00+01:00", operator=unknown)
    uri = f"sip:49301234567@{DOMAIN}"
    dialling = Dialling(uri, f"jana-desk@{DOMAIN}", credentials=("jana-desk", PASSWORD))

    assert situation.dial(dialling, via=STRANGER).outcome().code == 503


def stray(
    situation: Situation, via: str, *more: str, body: str = "", tag: str = "a"
) -> bytes:
    """An answer to nothing that we asked, with a Via below ours that proves its branch."""
    own, secret = situation.settings["ADDRESS"], (situation.edge.folder / "secret").read_text()
    proof = branch_proof.proof("z9hG4bK-stray", tag, "1", branch_proof.key(secret))
    lines = ["SIP/2.0 200 OK", f"Via: SIP/2.0/UDP {own}:5060;branch=z9hG4bK-stray.1;fk={proof}",
             f"Via: {via};branch=z9hG4bK-stray", f"From: <sip:a@x>;tag={tag}",
             "To: <sip:b@x>;tag=b", "Call-ID: stray", "CSeq: 1 INVITE", *more,
             f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("mark", ["", f"fm={'0' * 24}", "fm="])
@pytest.mark.parametrize("via", [STRANGER, PAI_TRUNK])
def test_an_answer_to_nothing_is_not_passed_on(situation: Situation, via: int, mark: str) -> None:
    with (RawSip(situation.network.address(via), situation.edge.proxy) as raw,
          socket.create_server(("127.0.0.1", 0)) as service,
          RawSip(situation.network.address(FIRST_PHONE), situation.edge.proxy) as victim):
        route = f"Record-Route: <sip:{situation.settings['ADDRESS']};lr=on;{mark}>"
        host, port = service.getsockname()
        raw.send(stray(situation, f"SIP/2.0/TCP {host}:{port}", route, body="FLUSHALL\r\n"))
        raw.send(stray(situation, "SIP/2.0/UDP {}:{}".format(*victim.address), route))
        assert situation.call("42027777199", CALLER).code == 404
        service.setblocking(False)  # what connected waits in its queue
        with pytest.raises(BlockingIOError):
            service.accept()
        assert victim.receive(0.2) is None


def test_a_200_sent_again_reaches_who_called(situation: Situation) -> None:
    situation.outside_phone(MOBILE, answer())
    with RawSip(situation.network.address(PAI_TRUNK), situation.edge.proxy) as raw:
        invite = raw.request("INVITE", f"sip:{NUMBER}@{situation.settings['ADDRESS']}", ani=CALLER)
        route = raw.answered(invite)["Record-Route"]
        call_id = invite.decode().partition("Call-ID: ")[2].partition("\r\n")[0]
        tag = invite.decode().partition(";tag=")[2].partition("\r\n")[0]
        via = "SIP/2.0/UDP {}:{}".format(*raw.address)
        again = stray(situation, via, f"Record-Route: {route}", tag=tag)
        raw.send(again.replace(b"Call-ID: stray", f"Call-ID: {call_id}".encode()))
        heard = raw.receive()
        while heard is not None and "z9hG4bK-stray" not in heard["Via"]:
            heard = raw.receive()

    assert heard is not None
    assert heard.code == 200
