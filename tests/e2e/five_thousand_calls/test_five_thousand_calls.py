# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory before and after five thousand calls, each with two branches."""

import pytest

from kemi_routing.ksr import loops, parties
from tests.support.caller import Dialling, codes
from tests.support.edge import Memory
from tests.support.loopback import wait_until
from tests.support.phones import answer, busy
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"
WARM_UP, CALLS, PER_SECOND = 3000, 5000, 100
"""Until then pages that all processes shared are copied when counts of references change."""
SHARED_SLACK, WORKER_SLACK = 16 << 10, 512 << 10
MOST_LATE = 50


@pytest.mark.timeout(480)
def test_five_thousand_calls_leave_nothing_behind(situation: Situation) -> None:
    situation.line_phone("jana-desk", answer(), traced=False)
    situation.line_phone("busy-desk", busy(), traced=False)

    _make_calls(situation, WARM_UP)
    before = _memory_at_rest(situation)
    _make_calls(situation, CALLS)
    after = _memory_at_rest(situation)

    assert after.shared - before.shared < SHARED_SLACK
    assert after.workers.keys() == before.workers.keys()
    grown = {pid: after.workers[pid] - before.workers[pid] for pid in before.workers}
    assert {pid: more for pid, more in grown.items() if more > WORKER_SLACK} == {}


def _make_calls(situation: Situation, count: int) -> None:
    trunk = situation.caller()
    calls = trunk.dial(Dialling(NUMBER, CALLER, hold_ms=1), count=count, rate=PER_SECOND)
    heard = codes(calls.outcomes(timeout_s=150))
    # On a busy machine Redis may take longer than its bound.
    late = heard.pop(503, 0)
    assert late <= MOST_LATE
    assert heard == {200: count - late}


def _memory_at_rest(situation: Situation) -> Memory:
    def at_rest() -> bool:
        tables = situation.edge.kamcmd("htable.stats")
        remembered = (tables.partition(f"name: {table}\n")[2].partition("all: ")[2]
                      for table in (loops.FORKED, parties.PARTIES))
        return (situation.edge.counters("tm.stats")["current"] == 0
                and all(count.splitlines()[0] == "0" for count in remembered))

    wait_until(at_rest, "nothing is remembered of the calls", timeout_s=120)
    return situation.edge.memory()
