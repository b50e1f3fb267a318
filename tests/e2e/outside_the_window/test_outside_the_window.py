# SPDX-License-Identifier: GPL-2.0-or-later
"""Both sides of office hours, of midnight and of a change of daylight saving time."""

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.phones import answer
from tests.support.planned import assert_as_explained

OFFICE_HOURS, FRIDAY_NIGHT, NIGHT_OF_THE_CHANGE = "42027777101", "42027777102", "42027777103"
MOBILE, CALLER = "42073723101", "42075553333"

# The instants lie 30 seconds from a border: the edge starts there, the call comes a little later.
INSIDE = [
    ("2026-11-23T08:00:00+01:00", OFFICE_HOURS),
    ("2026-11-23T17:59:30+01:00", OFFICE_HOURS),
    ("2026-11-27T22:00:00+01:00", FRIDAY_NIGHT),
    ("2026-11-27T23:59:30+01:00", FRIDAY_NIGHT),
    ("2026-11-28T00:00:00+01:00", FRIDAY_NIGHT),
    ("2026-11-28T05:59:30+01:00", FRIDAY_NIGHT),
    ("2026-03-29T03:00:00+02:00", NIGHT_OF_THE_CHANGE),
    ("2026-10-25T02:59:30+02:00", NIGHT_OF_THE_CHANGE),
    ("2026-10-25T02:30:00+01:00", NIGHT_OF_THE_CHANGE),
]
OUTSIDE = [
    ("2026-11-23T07:59:30+01:00", OFFICE_HOURS),
    ("2026-11-23T18:00:00+01:00", OFFICE_HOURS),
    ("2026-11-28T10:00:00+01:00", OFFICE_HOURS),
    ("2026-11-27T00:00:00+01:00", FRIDAY_NIGHT),
    ("2026-11-28T06:00:00+01:00", FRIDAY_NIGHT),
    ("2026-03-29T01:59:30+01:00", NIGHT_OF_THE_CHANGE),
    ("2026-10-25T02:00:00+01:00", NIGHT_OF_THE_CHANGE),
    ("2026-10-25T03:30:00+01:00", NIGHT_OF_THE_CHANGE),
]


@pytest.mark.parametrize(("at", "number"), INSIDE)
def test_inside_the_window_the_mobile_rings(arrange: Arrangements, at: str, number: str) -> None:
    situation = arrange(at)
    mobile = situation.outside_phone(MOBILE, answer())
    media = situation.media_server()

    heard = situation.call(number, CALLER)

    assert heard.code == 200
    assert (len(mobile.invites), len(media.invites)) == (1, 0)
    assert_as_explained(situation.explain(number, CALLER), situation, heard)


@pytest.mark.parametrize(("at", "number"), OUTSIDE)
def test_outside_the_window_voicemail_answers(
    arrange: Arrangements, at: str, number: str
) -> None:
    situation = arrange(at)
    mobile = situation.outside_phone(MOBILE, answer())
    media = situation.media_server()

    heard = situation.call(number, CALLER)

    assert heard.code == 200
    assert mobile.invites == []
    assert [invite.uri for invite in media.invites] == [situation.voicemail_uri(number, cause=302)]
    assert_as_explained(situation.explain(number, CALLER), situation, heard)
