# SPDX-License-Identifier: GPL-2.0-or-later
"""The store is away: records of its calls are there when it is back, a restart or not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kemi_routing.call_record import name
from kemi_routing.redis import keys
from provisioning import calls
from provisioning.problems import Refused
from provisioning.storage import Storage
from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling, Outcome
from tests.support.loopback import wait_until
from tests.support.phones import answer
from tests.support.situation import Situation

NUMBER, CALLER, MOBILE = "42027777106", "42075553333", "42073723102"
BYE = "b1"


@pytest.fixture
def waiting(arrange: Arrangements) -> Iterator[Situation]:
    """A proxy whose records wait in files; its Redis is thawed in any case."""
    situation = arrange()
    yield situation
    situation.redis.thaw()


def spooled(situation: Situation, call_id: str, kind: str = "") -> int:
    """How many entries of a call, of one kind, wait in files."""
    folder: Path = situation.edge.folder / "records"
    text = "".join(file.read_text() for file in folder.glob("*")) if folder.exists() else ""
    return text.count(f'\n{name(call_id)} ["{kind}')


def a_call_whose_end_nobody_stores(situation: Situation) -> Outcome:
    """Redis hangs from the moment at which the call is answered."""
    mobile = situation.outside_phone(MOBILE, answer())
    dialling = Dialling(NUMBER, CALLER, asserted=CALLER, hold_ms=1500)
    calling = situation.dial(dialling)
    situation.wait_for_answer(mobile)
    situation.redis.freeze()
    return calling.outcome()


def is_whole(situation: Situation, call_id: str) -> bool:
    try:
        (one,) = calls.story(call_id, Storage(situation.redis.url))
    except Refused:
        return False
    return one.hung_up is not None


def test_the_end_of_a_call_waits_for_the_store(waiting: Situation) -> None:
    heard = a_call_whose_end_nobody_stores(waiting)
    call_id = heard.final["Call-ID"]
    wait_until(lambda: spooled(waiting, call_id, BYE) == 1, "its BYE in a file")
    waiting.redis.thaw()

    wait_until(lambda: is_whole(waiting, call_id), "the record", timeout_s=15)
    wait_until(lambda: spooled(waiting, call_id) == 0, "the end of the file")


def test_a_call_that_came_while_the_store_was_away(waiting: Situation) -> None:
    waiting.redis.freeze()
    heard = waiting.call(NUMBER, CALLER)
    wait_until(lambda: spooled(waiting, heard.final["Call-ID"]) == 1, "an entry in a file")
    waiting.redis.thaw()

    storage, call = Storage(waiting.redis.url), keys.story(name(heard.final["Call-ID"]))
    wait_until(lambda: bool(storage.client.exists(call)), "the record", timeout_s=15)
    (one,) = calls.story(heard.final["Call-ID"], storage)
    assert heard.code == one.status == 503
    assert one.decided.number == NUMBER


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_while_the_store_is_away(waiting: Situation, end: str) -> None:
    heard = a_call_whose_end_nobody_stores(waiting)
    call_id = heard.final["Call-ID"]
    wait_until(lambda: spooled(waiting, call_id, BYE) == 1, "its BYE in a file")
    getattr(waiting.edge, end)()
    waiting.edge.start()
    assert spooled(waiting, call_id, BYE) == 1
    waiting.redis.thaw()

    wait_until(lambda: is_whole(waiting, call_id), "the record", timeout_s=15)
