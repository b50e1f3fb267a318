# SPDX-License-Identifier: GPL-2.0-or-later
"""Redis hangs, dies and comes back."""

from pathlib import Path

import pytest

from tests.support.caller import Dialling, codes
from tests.support.phones import answer
from tests.support.registration import Line, register
from tests.support.situation import DOMAIN, FIRST_PHONE, PASSWORD, STRANGER, Situation

NUMBER, CALLER = "42027777101", "42075553333"
YAML = Path(__file__).parent / "situation.yaml"


def test_redis_hangs(situation: Situation) -> None:
    situation.media_server()
    situation.redis.freeze()
    try:
        heard = situation.call(NUMBER, CALLER)
    finally:
        situation.redis.thaw()

    assert heard.code == 503
    assert int(heard.final["Retry-After"]) > 0
    assert heard.took_s < 0.2
    assert situation.call(NUMBER, CALLER).code == 200


def test_redis_dies_and_comes_back(situation: Situation) -> None:
    situation.media_server()
    situation.redis.kill()
    try:
        heard = situation.call(NUMBER, CALLER)
        nobodys = situation.call("42027777199", CALLER)
    finally:
        situation.redis.start()
        situation.apply(YAML)

    assert (heard.code, nobodys.code) == (503, 503)
    assert max(heard.took_s, nobodys.took_s) < 0.2
    assert situation.call(NUMBER, CALLER).code == 200


def test_many_calls_while_redis_hangs_are_all_answered(situation: Situation) -> None:
    situation.redis.freeze()
    try:
        calls = situation.caller().dial(Dialling(NUMBER, CALLER), count=100, rate=50)
        heard = calls.outcomes()
    finally:
        situation.redis.thaw()

    assert codes(heard) == {503: 100}
    assert sorted(each.took_s for each in heard)[50] < 0.2


def test_a_line_cannot_be_checked_while_redis_hangs(
    situation: Situation, tmp_path: Path
) -> None:
    address = situation.network.address(FIRST_PHONE)
    line = Line("jana-desk", PASSWORD, DOMAIN)
    contact = f"sip:jana-desk@{address}:5060"
    situation.redis.freeze()
    try:
        code = register(line, contact, address, situation.edge.proxy, tmp_path)
    finally:
        situation.redis.thaw()

    assert code == 503
    assert register(line, contact, address, situation.edge.proxy, tmp_path) == 200


@pytest.mark.parametrize("wait_for", ["answer", "bye"])
def test_a_call_that_is_up_does_not_need_redis(situation: Situation, wait_for: str) -> None:
    media = situation.media_server(answer(hang_up_after_ms=400 if wait_for == "bye" else None))
    hold_ms = None if wait_for == "bye" else 400
    calls = situation.dial(Dialling(NUMBER, CALLER, asserted=CALLER, hold_ms=hold_ms))
    situation.wait_for_answer(media)
    situation.redis.freeze()
    try:
        heard = calls.outcome()
    finally:
        situation.redis.thaw()

    assert heard.was_hung_up


def test_a_stranger_is_still_refused_while_redis_hangs(situation: Situation) -> None:
    situation.redis.freeze()
    try:
        heard = situation.dial(Dialling(NUMBER, CALLER), via=STRANGER).outcome()
    finally:
        situation.redis.thaw()

    assert heard.code == 403
