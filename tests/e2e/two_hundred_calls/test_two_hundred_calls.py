# SPDX-License-Identifier: GPL-2.0-or-later
"""Five kinds of calls, forty of each, started within a fifth of a second."""

import re
from statistics import median

import pytest

from tests.support.caller import Dialling, codes
from tests.support.loopback import wait_until
from tests.support.phones import Phone, answer, busy, ring
from tests.support.situation import Situation

CALLER, EACH = "42075553333", 40
ANSWERED, VOICEMAIL, RUNG_OUT, SECOND_STEP, NOBODYS = (
    "42027777102", "42027777103", "42027777104", "42027777105", "42027777199",
)  # fmt: skip
ENDS = {ANSWERED: 200, VOICEMAIL: 200, RUNG_OUT: 480, SECOND_STEP: 200, NOBODYS: 404}
REFUSED = re.compile(
    r"^ ?\d+\(\d+\) INFO: \S+ \S+ \S+ refuse callid=\S+ why=\"nobody's number\" number=\d+$", re.M)
TOOK_S = {ANSWERED: 0.5, VOICEMAIL: 0, RUNG_OUT: 2, SECOND_STEP: 1.5, NOBODYS: 0}


def test_two_hundred_calls_at_once_end_as_planned(situation: Situation) -> None:
    desk = situation.line_phone("jana-desk", answer(500))
    occupied = situation.line_phone("busy-desk", busy())
    mobiles = [situation.outside_phone(n, ring()) for n in ("42073723101", "42073723102")]
    first = situation.outside_phone("42073723103", ring())
    media = situation.media_server()
    trunk = situation.caller()

    calls = {n: trunk.dial(Dialling(n, CALLER, hold_ms=500), count=EACH) for n in ENDS}
    heard = {number: under_way.outcomes() for number, under_way in calls.items()}

    assert {n: codes(outcomes) for n, outcomes in heard.items()} == {
        number: {code: EACH} for number, code in ENDS.items()
    }
    took = {n: median(one.took_s for one in outcomes) for n, outcomes in heard.items()}
    # What nobody's number takes is the machine's, not the plan's.
    assert {n: each - took[NOBODYS] for n, each in took.items()} == pytest.approx(TOOK_S, abs=0.5)
    answered = [one for outcomes in heard.values() for one in outcomes if one.code == 200]
    assert all(one.was_hung_up for one in answered)
    assert _median_ring_s(mobiles[1]) == pytest.approx(1, abs=0.2)
    assert _median_ring_s(first) == pytest.approx(1, abs=0.2)
    rung = [len(phone.invites) for phone in (desk, occupied, *mobiles, first, media)]
    assert rung == [2 * EACH, EACH, 2 * EACH, EACH, EACH, EACH]
    wait_until(lambda: _transactions(situation) == 0, "all transactions gone", timeout_s=60)


def test_no_line_of_the_log_is_torn_by_another_process(situation: Situation) -> None:
    before = len(REFUSED.findall(situation.edge.log))
    under_way = situation.caller().dial(Dialling(NOBODYS, CALLER), count=1000, rate=5000)
    assert codes(under_way.outcomes()) == {404: 1000}
    whole = before + 1000
    wait_until(lambda: len(REFUSED.findall(situation.edge.log)) == whole, "1000 whole lines")


def _median_ring_s(phone: Phone) -> float:
    began = {invite.branch: invite.at for invite in phone.invites}
    return median(cancel.at - began[cancel.branch] for cancel in phone.cancels)


def _transactions(situation: Situation) -> int:
    return situation.edge.counters("tm.stats")["current"]
