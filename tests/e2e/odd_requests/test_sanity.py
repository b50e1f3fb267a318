# SPDX-License-Identifier: GPL-2.0-or-later
"""What Kamailio's module sanity refuses of requests that it can parse."""

import pytest

from tests.support.raw_sip import RawSip
from tests.support.situation import STRANGER, Situation


@pytest.mark.parametrize(("written", "instead", "code"), [
    (b" SIP/2.0\r\nVia", b" SIP/3.0\r\nVia", None),
    (b"CSeq: 1 OPTIONS", b"CSeq: 1 INFO", 400),
    (b"CSeq: 1 ", b"CSeq: 99999999999 ", 400),
    (b"Content-Length: 0", b"Content-Length: 9", 400),
    (b"Content-Length", b"Expires: soon\r\nContent-Length", 400),
    (b"Content-Length", b"Proxy-Require: sec-agree\r\nContent-Length", 420),
    (b"\r\nTo: ", b";tag=again\r\nTo: ", 400),
    (b"From: <sip:", b"From: <mailto:", 400),
    (b"\r\nTo: <sip:", b"\r\nTo: <mailto:", 400),
    (b"Contact: <sip:", b"Contact: <mailto:", 400),
    (b"OPTIONS sip:", b"OPTIONS mailto:", 400),
])  # fmt: skip
def test_what_is_not_sane_is_refused(
    situation: Situation, written: bytes, instead: bytes, code: int | None
) -> None:
    with RawSip(situation.network.address(STRANGER), situation.edge.proxy) as raw:
        sane = raw.request("OPTIONS", f"sip:{situation.settings['ADDRESS']}")
        assert written in sane
        heard = raw.ask(sane.replace(written, instead, 1), 0.5)
        assert (heard and heard.code) == code
        answer = raw.ask(sane)
    assert answer is not None
    assert answer.code == 200
