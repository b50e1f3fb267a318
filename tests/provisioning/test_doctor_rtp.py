# SPDX-License-Identifier: GPL-2.0-or-later
"""What the doctor says of rtpengine."""

from dataclasses import replace

import pytest

from provisioning.doctor import asking, rtp
from tests.provisioning.examined import PATIENT, SETTINGS, said
from tests.support.answering import Answer, answering


def lines(*ports: int) -> list[str]:
    chosen = replace(SETTINGS, rtpengine=" ".join(f"udp:127.0.0.1:{port}" for port in ports))
    return said(rtp.rtpengine, replace(PATIENT, settings=chosen))


def pong(ping: bytes) -> list[bytes]:
    """As rtpengine answers, behind what is none of it."""
    cookie, _, command = ping.partition(b" ")
    assert command == b"d7:command4:pinge"
    return [b"\xff", b"other d6:result4:ponge", cookie + b" d6:result4:ponge"]


def test_one_that_answers() -> None:
    with answering(pong) as port:
        (line,) = lines(port)
    assert line.startswith(f"OK rtpengine 127.0.0.1:{port} answers after ")


def test_one_that_is_slower_than_calls_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtp, "KAMAILIO_WAITS_S", 0)
    with answering(pong) as port:
        (line,) = lines(port)
    assert line.startswith(f"WARN rtpengine 127.0.0.1:{port} answers after ")
    assert line.endswith("; let it answer within 0 ms: calls do not wait longer")


@pytest.mark.parametrize("answer", [
    lambda _: [], lambda ping: [ping], lambda ping: [ping[:17] + b"d6:result5:errore"]],
    ids=["silent", "an echo", "an error"])
def test_one_that_does_not(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(asking, "ANSWER_S", 0.1)
    with answering(answer) as port:
        (line,) = lines(port)
    assert line == (f"FAIL rtpengine 127.0.0.1:{port} does not answer a ping within 0.1 s; "
                    "start rtpengine, or mend FOLLOWME_RTPENGINE: calls go on without it")


def test_one_of_several_that_does_not() -> None:
    with answering(pong) as port:
        found = lines(1, port)
    assert [line.partition(" ")[0] for line in found] == ["WARN", "OK"]
    assert "127.0.0.1:1 cannot be asked: Connection refused" in found[0]


def test_none_is_wanted() -> None:
    assert lines() == []
