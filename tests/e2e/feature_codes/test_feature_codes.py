# SPDX-License-Identifier: GPL-2.0-or-later
"""What a line dials: feature codes (SPEC S8, P4) and digits (SPEC P3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kemi_routing.redis import keys
from kemi_routing.redis.store import connect
from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling, Outcome
from tests.support.loopback import wait_until
from tests.support.other_edge import other_edge
from tests.support.phones import answer, busy
from tests.support.situation import DOMAIN, PASSWORD, STRANGER, Situation

JANA, PETR, SECOND, EVA = "42027777101", "42027777102", "42027777103", "42027777104"
EXTENSION = "acme/201"
MOBILE, CALLER = "42073723101", "42075553333"
MONDAY = "2026-11-23T20:00+01:00"
NO_MEDIA_SERVER: dict[str, Any] = {"media_servers": {}}


@pytest.fixture
def evening(arrange: Arrangements) -> Iterator[Situation]:
    """Monday 20:00 without a media server, nothing set."""
    situation = arrange(MONDAY, operator=NO_MEDIA_SERVER)
    yield situation
    with connect(situation.redis.url, timeout_s=2) as redis:
        for key in (JANA, PETR, SECOND, EXTENSION):
            redis.delete(keys.state(key), keys.last_caller(key))


def dial(situation: Situation, dialled: str, line: str = "jana-desk") -> Outcome:
    password = PASSWORD if line == "jana-desk" else "other-words"
    dialling = Dialling(f"sip:{dialled}@{DOMAIN}", f"{line}@{DOMAIN}", credentials=(line, password))
    return situation.dial(dialling, via=STRANGER).outcome()


def heard(outcome: Outcome) -> tuple[int, str]:
    return outcome.code, outcome.final.reason_phrase


@pytest.mark.parametrize("code", ["*33", "%2A33"])
def test_a_code_switches_to_night_and_back(evening: Situation, code: str) -> None:
    desk = evening.line_phone("jana-desk", busy())
    mobile = evening.outside_phone(MOBILE, busy())

    assert heard(dial(evening, code)) == (480, "Night until 08:00")
    evening.call(JANA, CALLER)
    assert (len(desk.invites), len(mobile.invites)) == (0, 1)
    assert heard(dial(evening, code)) == (480, "As scheduled")
    evening.call(JANA, CALLER)
    assert (len(desk.invites), len(mobile.invites)) == (1, 1)


@pytest.mark.parametrize(("behind", "key"), [
    (SECOND, SECOND), (f"+{SECOND}", SECOND), ("201", EXTENSION)])
def test_a_code_with_a_number_switches_that_one(
    evening: Situation, behind: str, key: str
) -> None:
    assert heard(dial(evening, f"*33{behind}")) == (480, "Night until 08:00")
    with connect(evening.redis.url, timeout_s=2) as redis:
        assert redis.exists(keys.state(key)) == 1
        assert redis.exists(keys.state(JANA)) == 0


@pytest.mark.parametrize("behind", [PETR, "42027777199", "299"])
def test_a_code_does_not_reach_the_numbers_of_others(evening: Situation, behind: str) -> None:
    assert heard(dial(evening, f"*33{behind}")) == (480, "Not your number")


def test_a_code_that_names_no_sequence_of_the_number_says_so(evening: Situation) -> None:
    assert heard(dial(evening, "*34")) == (480, "No sequence Nowhere")


def test_the_next_call_on_another_proxy_sees_it(evening: Situation, tmp_path: Path) -> None:
    mobile = evening.outside_phone(MOBILE, busy())
    with other_edge(evening, tmp_path) as other:
        assert dial(evening, "*33").code == 480
        other.dial(Dialling(JANA, CALLER)).outcome()
        assert len(mobile.invites) == 1


def test_what_cannot_be_stored_is_answered_503(evening: Situation) -> None:
    with connect(evening.redis.url, timeout_s=2) as redis:
        redis.acl_setuser("default", enabled=True, nopass=True, reset=True, keys=["*"],
                          categories=["+@all"], commands=["-eval"])
        try:
            refused = dial(evening, "*33")
        finally:
            redis.acl_setuser("default", enabled=True, nopass=True, reset=True, keys=["*"],
                              categories=["+@all"])
        assert refused.code in (500, 503)  # a proxy may not pass its own 503 on
        assert redis.exists(keys.state(JANA)) == 0


def test_a_state_that_cannot_be_read_does_not_stop_calls(evening: Situation) -> None:
    desk = evening.line_phone("jana-desk", busy())
    with connect(evening.redis.url, timeout_s=2) as redis:
        redis.set(keys.state(JANA), b"\x02what is this")

    ended = evening.call(JANA, CALLER)

    assert len(desk.invites) == 1
    lines = [line for line in evening.edge.log.splitlines() if ended.invite.call_id in line]
    assert any("ERROR" in line and keys.state(JANA) in line for line in lines)
    assert heard(dial(evening, "*33")) == (480, "Night until 08:00")


def test_the_last_caller_is_blocked(evening: Situation) -> None:
    desk = evening.line_phone("jana-desk", busy())
    evening.call(JANA, "42075551111")
    evening.call(JANA, CALLER)
    wait_for_last_caller(evening, CALLER)

    assert heard(dial(evening, "*60")) == (480, f"Blocked {CALLER}")

    rung = len(desk.invites)
    assert evening.call(JANA, CALLER).code == 603
    assert evening.call(JANA, "42075551111").code == 486
    assert len(desk.invites) == rung + 1


def test_there_may_be_nobody_to_block(evening: Situation) -> None:
    assert heard(dial(evening, "*60", "eva-desk")) == (480, "No last caller")
    evening.dial(Dialling(EVA, "anonymous", headers=("Privacy: id",))).outcome()
    wait_for_last_caller(evening, "anonymous", EVA)
    assert heard(dial(evening, "*60", "eva-desk")) == (480, "Last caller withheld the number")


def wait_for_last_caller(situation: Situation, caller: str, called: str = JANA) -> None:
    with connect(situation.redis.url, timeout_s=2) as redis:
        wait_until(lambda: redis.get(keys.last_caller(called)) == caller.encode(), "known", 1)


def test_a_media_server_plays_the_confirmation(situation: Situation) -> None:
    media = situation.media_server(answer())
    assert dial(situation, "*33").code == 200
    assert dial(situation, "*33").code == 200
    uris = [invite.uri for invite in media.invites]
    assert ["feature-on" in uri for uri in uris] == [True, False]
    assert ["feature-off" in uri for uri in uris] == [False, True]


def test_where_it_does_not_answer_the_words_stand_in_a_warning(situation: Situation) -> None:
    situation.media_server(busy(404))
    for words in ("Night until", "As scheduled"):
        ended = dial(situation, "*33")
        assert ended.code == 480
        assert words in (ended.final.header("Warning") or "")


@pytest.mark.parametrize("dialled", [PETR, f"+{PETR}", f"00{PETR}", "7777102"])
def test_digits_are_read_by_the_dial_plan(evening: Situation, dialled: str) -> None:
    desk = evening.line_phone("petr-desk", busy(), password="other-words")
    dial(evening, dialled)
    assert len(desk.invites) == 1


def test_a_local_number_goes_out_in_full(evening: Situation) -> None:
    outside = evening.outside_phone("42027654321", busy())
    assert dial(evening, "7654321").code == 486
    assert len(outside.invites) == 1


def test_an_extension_is_reached_within_the_organisation(evening: Situation) -> None:
    desk = evening.line_phone("jana-desk", busy())
    assert dial(evening, "201", "petr-desk").code == 486
    assert len(desk.invites) == 1
    assert evening.call("201", CALLER).code == 404


def test_an_emergency_number_is_refused_and_reported(evening: Situation) -> None:
    refused = dial(evening, "112")
    assert refused.code == 404
    lines = [line for line in evening.edge.log.splitlines() if "no emergency route" in line]
    assert any("ERROR" in line and "number=112" in line for line in lines)
