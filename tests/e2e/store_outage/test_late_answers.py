# SPDX-License-Identifier: GPL-2.0-or-later
"""Redis answers, but 300 ms late: no call waits for it (DESIGN law 4)."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.caller import Dialling, codes
from tests.support.loopback import wait_until
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.registration import Line, register
from tests.support.situation import DOMAIN, FIRST_PHONE, PASSWORD, Situation
from tests.support.slow_redis import SlowRedis

NUMBER, OTHER, CALLER = "42027777101", "42027777102", "42075553333"
LATE_S = 0.3
CALLS = 10
Slow = tuple[SlowRedis, OtherEdge]


@pytest.fixture
def slow(situation: Situation, tmp_path: Path) -> Iterator[Slow]:
    """A proxy with one worker behind such a Redis; a call that waits holds up all others."""
    with ExitStack() as ends:
        redis = SlowRedis(situation.redis.socket_path, tmp_path)
        ends.callback(redis.stop)
        yield redis, ends.enter_context(
            other_edge(situation, tmp_path, REDIS=redis.url, WORKERS="1"))


def calling(number: str) -> Dialling:
    return Dialling(number, CALLER, asserted=CALLER)


def test_each_call_is_answered_before_redis_would_be(slow: Slow) -> None:
    redis, edge = slow
    redis.late_s = LATE_S

    heard = edge.trunk.dial(calling(NUMBER), count=CALLS, rate=1000).outcomes()

    assert codes(heard) == {503: CALLS}
    assert all(int(each.final["Retry-After"]) > 0 for each in heard)
    began = min(each.invited_at for each in heard)
    assert max(each.final.at for each in heard) - began < CALLS * LATE_S / 2
    wait_until(lambda: edge.edge.counters("tm.stats")["current"] == 0, "no transaction left", 30)


def test_an_answer_that_comes_late_is_nobody_elses(situation: Situation, slow: Slow) -> None:
    redis, edge = slow
    media = situation.media_server()
    redis.late_s = LATE_S
    assert edge.dial(calling(NUMBER)).outcome().code == 503
    redis.late_s = 0

    assert [edge.dial(calling(number)).outcome().code for number in (OTHER, NUMBER)] == [200] * 2

    assert [invite.uri for invite in media.invites] == [
        situation.voicemail_uri(number, cause=302) for number in (OTHER, NUMBER)]


def test_a_phone_that_registers_meanwhile_is_told_to_try_again(
    situation: Situation, slow: Slow, tmp_path: Path
) -> None:
    redis, edge = slow
    address = situation.network.address(FIRST_PHONE)
    line, contact = Line("jana-desk", PASSWORD, DOMAIN), f"sip:jana-desk@{address}:5060"
    redis.late_s = LATE_S
    assert register(line, contact, address, edge.edge.proxy, tmp_path) == 503
    redis.late_s = 0
    assert register(line, contact, address, edge.edge.proxy, tmp_path) == 200
