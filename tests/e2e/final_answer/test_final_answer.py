# SPDX-License-Identifier: GPL-2.0-or-later
"""The last word to the caller."""

import pytest

from tests.support.phones import Behaviour, busy, decline, ring
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"

ENDS = [
    (busy(), busy(), busy(after_ms=200), 486),
    (busy(), busy(), ring(), 480),
    (ring(), busy(), busy(), 480),
    (busy(), busy(404), busy(), 480),
    (busy(), decline(), busy(), 480),
    (decline(), busy(), busy(), 480),
    (busy(), busy(500), busy(503), 480),
]


@pytest.mark.parametrize(("desk", "office", "mobile", "code"), ENDS)
def test_the_final_answer_tells_the_truth(
    situation: Situation, desk: Behaviour, office: Behaviour, mobile: Behaviour, code: int
) -> None:
    situation.line_phone("jana-desk", desk)
    situation.outside_phone("49115234567", office)
    situation.outside_phone("42073723101", mobile)

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == code
    assert len([m for m in heard.responses if (m.code or 0) >= 200]) == 1
