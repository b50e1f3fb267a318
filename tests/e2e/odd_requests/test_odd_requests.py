# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests sent by hand over UDP."""

import pytest

from tests.support.phones import answer
from tests.support.raw_sip import RawSip
from tests.support.situation import PAI_TRUNK, STRANGER, Situation

NUMBER = "42027777101"


@pytest.fixture(params=[PAI_TRUNK, STRANGER], ids=["trunk", "stranger"])
def source(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def _raw(situation: Situation, source: int) -> RawSip:
    return RawSip(situation.network.address(source), situation.edge.proxy)


def test_options_is_answered_200(situation: Situation, source: int) -> None:
    with _raw(situation, source) as raw:
        heard = raw.ask(raw.request("OPTIONS", f"sip:{situation.settings['ADDRESS']}"))

    assert heard is not None
    assert heard.code == 200
    assert "INVITE" in heard["Allow"]


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "FOLLOWME"])
def test_an_unknown_method_is_405(situation: Situation, source: int, method: str) -> None:
    with _raw(situation, source) as raw:
        heard = raw.ask(raw.request(method, f"sip:{NUMBER}@{situation.settings['ADDRESS']}"))

    assert heard is not None
    assert heard.code == 405
    assert "INVITE" in heard["Allow"]


def test_no_hops_left_is_483(situation: Situation, source: int) -> None:
    media = situation.media_server()
    with _raw(situation, source) as raw:
        uri = f"sip:{NUMBER}@{situation.settings['ADDRESS']}"
        heard = raw.ask(raw.request("INVITE", uri, max_forwards=0))

    assert heard is not None
    assert heard.code == 483
    assert media.invites == []


def test_what_is_longer_than_16_kib_is_513(situation: Situation, source: int) -> None:
    media = situation.media_server()
    with _raw(situation, source) as raw:
        uri = f"sip:{NUMBER}@{situation.settings['ADDRESS']}"
        invite = raw.request("INVITE", uri)
        heard = raw.ask(invite.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 16384 + b"\r\n\r\n", 1))

    assert heard is not None
    assert heard.code == 513
    assert media.invites == []


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "UPDATE"])
def test_a_dialog_that_we_do_not_know_is_refused(
    situation: Situation, source: int, method: str
) -> None:
    outside = situation.outside_phone("49115234567", answer())
    with _raw(situation, source) as raw:
        uri = f"sip:49115234567@{situation.gateway_at}"
        request = raw.request(method, uri).replace(b"\r\nCall-ID", b";tag=unknown\r\nCall-ID")
        heard = raw.ask(request)

    assert heard is not None
    assert heard.code in (403, 404, 481)
    assert outside.messages == []


def test_a_cancel_of_nothing_reaches_nobody(situation: Situation, source: int) -> None:
    media = situation.media_server()
    with _raw(situation, source) as raw:
        heard = raw.ask(raw.request("CANCEL", situation.mailbox_uri(NUMBER)))

    assert heard is not None
    assert heard.code == 481
    assert media.messages == []


def test_a_stray_ack_gets_no_answer(situation: Situation, source: int) -> None:
    with _raw(situation, source) as raw:
        raw.send(raw.request("ACK", f"sip:{NUMBER}@{situation.settings['ADDRESS']}"))
        heard = raw.ask(raw.request("OPTIONS", f"sip:{situation.settings['ADDRESS']}"))

    assert heard is not None
    assert heard["CSeq"] == "1 OPTIONS"


def test_an_invite_of_a_stranger_is_403(situation: Situation) -> None:
    media = situation.media_server()
    with _raw(situation, STRANGER) as raw:
        heard = raw.ask(raw.request("INVITE", f"sip:{NUMBER}@{situation.settings['ADDRESS']}"))

    assert heard is not None
    assert heard.code == 403
    assert media.invites == []
