# SPDX-License-Identifier: GPL-2.0-or-later
"""Planted bugs; the edge has one worker, so the next call meets the one that failed."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling, codes
from tests.support.phones import answer, busy
from tests.support.situation import Situation

FINE, BUG_IN_DECISION, BUG_IN_HUNT, CALLER = (
    "42027777101", "42027777661", "42027777662", "42075553333",
)  # fmt: skip
SABOTAGE = Path(__file__).parent / "sabotage"


@pytest.fixture
def sabotaged(arrange: Arrangements) -> Situation:
    return arrange(environment={"PYTHONPATH": str(SABOTAGE), "FOLLOWME_WORKERS": "1"})


def test_a_bug_while_the_call_is_decided(sabotaged: Situation) -> None:
    sabotaged.outside_phone("42073723101", answer())

    heard = sabotaged.call(BUG_IN_DECISION, CALLER)

    assert heard.code == 500
    assert heard.took_s < 0.2
    assert "planted in the decision" in sabotaged.edge.log
    assert sabotaged.call(FINE, CALLER).code == 200


def test_a_bug_in_the_middle_of_the_hunt(sabotaged: Situation) -> None:
    sabotaged.outside_phone("42073723662", busy(after_ms=200))
    sabotaged.outside_phone("42073723101", answer())

    heard = sabotaged.call(BUG_IN_HUNT, CALLER)

    assert heard.code == 500
    assert "planted in the hunt" in sabotaged.edge.log
    assert sabotaged.call(FINE, CALLER).code == 200


def test_bugs_between_many_calls(sabotaged: Situation) -> None:
    sabotaged.outside_phone("42073723101", answer())
    trunk = sabotaged.caller()
    bad = trunk.dial(Dialling(BUG_IN_DECISION, CALLER), count=50, rate=50)
    good = trunk.dial(Dialling(FINE, CALLER), count=50, rate=50)

    assert codes(bad.outcomes()) == {500: 50}
    assert codes(good.outcomes()) == {200: 50}
