# SPDX-License-Identifier: GPL-2.0-or-later
"""Six minutes of ringing."""

import pytest

from tests.support.caller import Dialling
from tests.support.phones import ring
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"
RING_S = {"49115230023": 60, "49115230042": 30}
PHONES = [f"491152300{step}{phone}" for step in range(1, 6) for phone in range(1, 4)]


@pytest.mark.long
@pytest.mark.timeout(500)
def test_five_steps_of_three_phones_ring_for_six_minutes(situation: Situation) -> None:
    phones = [situation.outside_phone(number, ring()) for number in PHONES]

    calls = situation.dial(Dialling(NUMBER, CALLER, asserted=CALLER))
    heard = calls.outcome(timeout_s=400)

    assert heard.code == 480
    assert heard.took_s == pytest.approx(360, abs=0.5)
    assert [phone.rang_s for phone in phones] == pytest.approx(
        [RING_S.get(number, 72) for number in PHONES], abs=0.2
    )
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)
