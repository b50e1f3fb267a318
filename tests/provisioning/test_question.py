# SPDX-License-Identifier: GPL-2.0-or-later
"""When a question of ``explain`` plays."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from provisioning.problems import Refused
from provisioning.question import moment

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # in Prague it is Monday already


@pytest.mark.parametrize(("text", "instant"), [
    pytest.param("", "2026-11-22T23:30+00:00", id="now"),
    pytest.param("2026-11-23 09:30", "2026-11-23T08:30+00:00", id="the number's clock"),
    pytest.param("2026-07-01T09:30:15", "2026-07-01T07:30:15+00:00", id="in summer"),
    pytest.param("2026-11-23T09:30+05:45", "2026-11-23T03:45+00:00", id="with an offset"),
    pytest.param("2026-11-23T09:30Z", "2026-11-23T09:30+00:00", id="in UTC"),
    pytest.param("9:05", "2026-11-23T08:05+00:00", id="today, where the number is"),
    pytest.param("2026-11-23", "2026-11-22T23:00+00:00", id="midnight"),
    pytest.param("2026-10-25 02:30", "2026-10-25T00:30+00:00", id="of two the first"),
    pytest.param("2026-10-25 02:30+01:00", "2026-10-25T01:30+00:00", id="the second"),
])
def test_a_time_is_read_on_the_numbers_clock(text: str, instant: str) -> None:
    assert moment(text, PRAGUE, NOW) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", [
    "soon", "25:00", "2026-13-01", "2026-11-23 9:30 am", "0001-01-01 00:00",
    "9999-12-31T23:59-12:00",
])
def test_what_is_no_time_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(Refused, match="is not a time; write 2026-11-23 09:30"):
        moment(text, PRAGUE, NOW)


def test_a_time_that_dst_leaves_out_is_refused() -> None:
    with pytest.raises(Refused, match=r"2026-03-29 02:30 does not exist in Europe/Prague.*03:30"):
        moment("2026-03-29 02:30", PRAGUE, NOW)
