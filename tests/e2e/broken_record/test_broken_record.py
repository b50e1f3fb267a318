# SPDX-License-Identifier: GPL-2.0-or-later
"""Records that the edge cannot read."""

from collections.abc import Callable

import pytest

from kemi_routing.redis import keys
from kemi_routing.redis.store import connect
from tests.support.situation import Situation

GOOD, BROKEN, CALLER = "42027777101", "42027777102", "42075553333"

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda record: b"",
    "cut": lambda record: record[: len(record) // 2],
    "text": lambda record: b"forward to my mobile, please",
    "unknown version": lambda record: bytes([record[0] ^ 0x7F]) + record[1:],
    "huge": lambda record: b"\xdd\xff\xff\xff\xff" * 1000,
    "noise": lambda record: bytes(range(256)) * 4,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_record_costs_its_own_call_only(situation: Situation, damage: str) -> None:
    situation.media_server()
    key = keys.number(BROKEN)
    with connect(situation.redis.url, timeout_s=2) as redis:
        whole = redis.get(key)
        assert isinstance(whole, bytes)
        redis.set(key, DAMAGE[damage](whole))
        try:
            heard = situation.call(BROKEN, CALLER)
        finally:
            redis.set(key, whole)

    assert heard.code == 480
    lines = [line for line in situation.edge.log.splitlines() if heard.invite.call_id in line]
    assert [line for line in lines if key in line] == lines
    assert len(lines) == 1
    assert situation.call(GOOD, CALLER).code == 200
    assert situation.call(BROKEN, CALLER).code == 200


def test_a_value_of_the_wrong_type_is_no_record(situation: Situation) -> None:
    situation.media_server()
    with connect(situation.redis.url, timeout_s=2) as redis:
        whole = redis.get(keys.number(BROKEN))
        assert isinstance(whole, bytes)
        redis.delete(keys.number(BROKEN))
        redis.rpush(keys.number(BROKEN), "not a record")
        try:
            heard = situation.call(BROKEN, CALLER)
        finally:
            redis.delete(keys.number(BROKEN))
            redis.set(keys.number(BROKEN), whole)

    assert heard.code == 480
    assert situation.call(GOOD, CALLER).code == 200
