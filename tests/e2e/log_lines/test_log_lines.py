# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operator reads about calls that ended."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling
from tests.support.loopback import wait_until
from tests.support.other_edge import other_edge
from tests.support.phones import Behaviour, Phone, answer, busy, ring
from tests.support.raw_sip import RawSip
from tests.support.situation import (
    DOMAIN,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    STRANGER,
    Situation,
)

NUMBER, CALLER, ABROAD = "42027777101", "42075553333", "33123456789"
DESK, OFFICE, MOBILE = "jana-desk", "49115234567", "42073723101"
FIRST_GATEWAY = 41
MASKED = {"FOLLOWME_LOG_NUMBERS": "masked", "WITH_LOG_PREFIX": "1"}
OF_KAMAILIO = re.compile(r" ?\d+\((?!1\))\d+\) [A-Z]+: ")
"""How each line begins: process, its pid, level. Pid 1 is nobody of ours: it is forged below."""
HOSTILE = [
    b"a\r\n 0(1) ERROR: forged", b"a\r\n\t\x1b[2J 0(1) INFO: end callid=b", b"a\tb\x1b[31m",
    b"%s%n$ci", b"x" * 1500, b"\xff\xfe\r\n \xff", b"\xc2\x9b2J", b"a\x00b",
]  # fmt: skip


def lines(situation: Situation, call_id: str, verb: str) -> list[dict[str, str]]:
    """The values of the lines with this verb about one call."""
    start = re.compile(rf"\b{verb} callid={re.escape(call_id)} ")
    rows = [start.split(row)[1] for row in situation.edge.log.splitlines() if start.search(row)]
    return [dict(re.findall(r"(\w+)=('[^']*'|\S+)", row)) for row in rows]


def line(situation: Situation, call_id: str, verb: str) -> dict[str, str]:
    """The only such line, as soon as it is there."""
    wait_until(lambda: bool(lines(situation, call_id, verb)), f"a line {verb} of {call_id}")
    (values,) = lines(situation, call_id, verb)
    return values


@pytest.mark.parametrize("hold_ms", [50, None], ids=["caller", "callee"])
def test_an_answered_call_and_who_hung_up(situation: Situation, hold_ms: int | None) -> None:
    situation.line_phone(DESK, answer(500, hang_up_after_ms=None if hold_ms else 100))
    heard = situation.call(NUMBER, CALLER, hold_ms=hold_ms)

    call_id = heard.final["Call-ID"]
    end = line(situation, call_id, "end")
    took_ms = int(end.pop("after_ms"))
    assert end == {"number": NUMBER, "status": "200", "tried": "nothing",
                   "answered": "'line jana-desk'"}  # fmt: skip
    assert took_ms == pytest.approx(500, abs=200)
    assert line(situation, call_id, "bye") == {"by": "caller" if hold_ms else "callee"}


def test_the_second_pass_of_a_target_answers(situation: Situation) -> None:
    situation.line_phone(DESK, busy())
    situation.outside_phone(OFFICE, ring())
    situation.outside_phone(MOBILE, answer(300))
    heard = situation.call(NUMBER, CALLER)

    end = line(situation, heard.final["Call-ID"], "end")
    assert (end["status"], end["tried"], end["answered"]) == ("200", "busy", MOBILE)


def test_the_second_gateway_of_a_group_answers(situation: Situation, tmp_path: Path) -> None:
    refusing = situation.network.address(FIRST_GATEWAY)
    situation.outside_phone(OFFICE, answer(200))
    first = Phone("first", refusing, SIP_PORT, busy(503), tmp_path / "first")
    first.start()
    gateways = {"first": {"at": f"{refusing}:{SIP_PORT}"},
                "usual": {"at": situation.gateway_at, "priority": 2}}
    with other_edge(situation, tmp_path, {"gateways": gateways}) as edge:
        heard = edge.dial(Dialling(NUMBER, CALLER, asserted=CALLER)).outcome()
        call_id = heard.final["Call-ID"]
        wait_until(lambda: f"bye callid={call_id}" in edge.edge.log, "a line bye")
    first.stop()

    ended = [row for row in edge.edge.log.splitlines() if f" end callid={call_id}" in row]
    assert len(first.invites) > 0
    assert len(ended) == 1
    assert ended[0].endswith(f" tried=unreachable answered={OFFICE}")


def test_a_caller_who_hangs_up(situation: Situation) -> None:
    situation.line_phone(DESK, ring())
    heard = situation.call(NUMBER, CALLER, hang_up_after_ms=300)

    end = line(situation, heard.final["Call-ID"], "end")
    assert (end["status"], end["tried"]) == ("487", "no_answer")


@pytest.mark.parametrize(
    ("phone", "status", "tried"),
    [
        (answer(200), "200", "nothing"),
        (busy(), "486", "busy"),
        (busy(503), "500", "unreachable"),
    ],
)
def test_a_call_of_a_line_to_an_outside_number(
    situation: Situation, phone: Behaviour, status: str, tried: str
) -> None:
    situation.outside_phone(ABROAD, phone)
    dialling = Dialling(f"sip:{ABROAD}@{DOMAIN}", f"{DESK}@{DOMAIN}", credentials=(DESK, PASSWORD))
    heard = situation.dial(dialling, via=STRANGER).outcome()

    end = line(situation, heard.final["Call-ID"], "end")
    assert (end["number"], end["status"], end["tried"]) == (NUMBER, status, tried)
    assert str(heard.code) == status


@pytest.fixture
def masked(arrange: Arrangements) -> Situation:
    return arrange("2026-11-23T10:00+01:00", environment=MASKED)


def test_no_number_is_told_where_they_are_masked(masked: Situation) -> None:
    masked.line_phone(DESK, busy())
    masked.outside_phone(OFFICE, ring())
    masked.outside_phone(MOBILE, answer())
    heard = masked.call(NUMBER, CALLER)
    masked.call("42027777199", CALLER)

    end = line(masked, heard.final["Call-ID"], "end")
    assert (end["number"], end["answered"]) == ("********101", "********101")
    ours = "".join(row for row in masked.edge.log.splitlines() if "callid=" in row)
    assert "ani=********333" in ours
    assert [one for one in (NUMBER, CALLER, OFFICE, MOBILE, "42027777199") if one in ours] == []


def test_a_line_of_kamailio_names_the_call(masked: Situation) -> None:
    with RawSip(masked.network.address(PAI_TRUNK), masked.edge.proxy) as raw:
        request = raw.request("INVITE", f"sip:42027777199@{masked.settings['ADDRESS']}")
        raw.ask(_unreadable(request))
    call_id = request.split(b"Call-ID: ")[1].split(b"\r\n")[0].decode()

    assert f"ERROR: [{call_id}] <core>" in masked.edge.log


@pytest.mark.parametrize("call_id", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_call_id_writes_no_line_of_its_own(masked: Situation, call_id: bytes) -> None:
    before = len(masked.edge.log)
    with RawSip(masked.network.address(PAI_TRUNK), masked.edge.proxy) as raw:
        request = raw.request("INVITE", f"sip:42027777199@{masked.settings['ADDRESS']}")
        begin, _, rest = request.partition(b"Call-ID: ")
        hostile = begin + b"Call-ID: " + call_id + rest[rest.index(b"\r\n") :]
        heard = raw.ask(_unreadable(hostile))

    written = masked.edge.log[before:]
    assert heard is not None
    assert "refuse callid=" in written
    assert "ERROR: [" in written
    assert [row for row in written.split("\n")[:-1] if not OF_KAMAILIO.match(row)] == []
    assert "\x1b" not in written
    assert "\x9b" not in written


@pytest.mark.parametrize("last", [STRANGER, PAI_TRUNK])
def test_a_long_word_of_a_caller_is_cut(situation: Situation, last: int) -> None:
    since, long = len(situation.edge.log), "x" * 7000
    with RawSip(situation.network.address(last), situation.edge.proxy) as raw:
        uri = f"sip:{long}@{situation.settings['ADDRESS']}"
        invite = raw.request("INVITE", uri).decode().replace("Call-ID: ", f"Call-ID: {long}")
        raw.send(invite.replace(f"To: <{uri}>", f"To: <sip:{DOMAIN}>").encode())
        assert raw.receive() is not None
    (written,) = [row for row in situation.edge.log[since:].splitlines() if " refuse " in row]
    assert len(written) < 700


def _unreadable(request: bytes) -> bytes:
    """With an identity that Kamailio complains about."""
    return request.replace(b"\r\nContact:", b'\r\nP-Asserted-Identity: "x <sip:\r\nContact:', 1)
