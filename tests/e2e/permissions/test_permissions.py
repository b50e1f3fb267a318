# SPDX-License-Identifier: GPL-2.0-or-later
"""A subscriber without any permission."""

import pytest

from tests.support.phones import answer, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"


def test_only_what_is_permitted_rings(situation: Situation) -> None:
    desk = situation.line_phone("jana-desk", ring())
    phones = [situation.outside_phone(n, answer()) for n in ("49115234567", "42073723101")]
    phones += [situation.sip_phone("jana", answer()), situation.media_server()]

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 480
    assert desk.rang_s == pytest.approx(1, abs=0.2)
    assert [phone.name for phone in phones if phone.invites] == []
    assert_as_explained(situation.explain(NUMBER, CALLER), situation, heard)


@pytest.mark.parametrize("ani", [CALLER, "42073723123"])
def test_without_the_permission_there_is_no_mailbox(situation: Situation, ani: str) -> None:
    media = situation.media_server()

    heard = situation.call("42027777102", ani)

    assert heard.code == 480
    assert media.invites == []
