# SPDX-License-Identifier: GPL-2.0-or-later
"""Points in time as commands take them, and files of calls."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from provisioning import moments
from provisioning.moments import NoTime, moment, of_file
from provisioning.problems import Refused
from tests.provisioning.conftest import Followme
from tests.provisioning.test_calls import JANA

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # in Prague it is Monday already


@pytest.mark.parametrize(("text", "instant"), [
    pytest.param("", "2026-11-22T23:30+00:00", id="now"),
    pytest.param("2026-11-23 09:30", "2026-11-23T08:30+00:00", id="the number's clock"),
    pytest.param("2026-07-01T09:30:15", "2026-07-01T07:30:15+00:00", id="in summer"),
    pytest.param("2026-11-23T09:30+05:45", "2026-11-23T03:45+00:00", id="with an offset"),
    pytest.param("2026-11-23T09:30Z", "2026-11-23T09:30+00:00", id="in UTC"),
    pytest.param("2026-11-23", "2026-11-22T23:00+00:00", id="midnight"),
    pytest.param("2026-10-25 02:30", "2026-10-25T00:30+00:00", id="of two the first"),
    pytest.param("2026-10-25 02:30+01:00", "2026-10-25T01:30+00:00", id="the second"),
    pytest.param("9:05", "2026-11-23T08:05+00:00", id="today, where the number is"),
    pytest.param("today", "2026-11-22T23:00+00:00", id="the midnight of today"),
    pytest.param("tomorrow", "2026-11-23T23:00+00:00", id="that of tomorrow"),
    pytest.param("yesterday", "2026-11-21T23:00+00:00", id="that of yesterday"),
    pytest.param("08:00 tomorrow", "2026-11-24T07:00+00:00", id="as it is said"),
    pytest.param("Tomorrow  8:00", "2026-11-24T07:00+00:00", id="the other way round"),
    pytest.param("yesterday 18:00", "2026-11-22T17:00+00:00", id="the evening of yesterday"),
    pytest.param("mon", "2026-11-22T23:00+00:00", id="a weekday that is today"),
    pytest.param("mon 00:30", "2026-11-22T23:30+00:00", id="this minute"),
    pytest.param("monday 00:31", "2026-11-15T23:31+00:00", id="a minute that comes today"),
    pytest.param("09:30 sun", "2026-11-22T08:30+00:00", id="a weekday that was yesterday"),
    pytest.param("tue", "2026-11-16T23:00+00:00", id="a weekday that is tomorrow"),
])
def test_a_time_is_read_on_the_numbers_clock(text: str, instant: str) -> None:
    assert moment(text, PRAGUE, NOW) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(("text", "instant"), [
    ("mon 00:31", "2026-11-22T23:31+00:00"), ("mon 00:30", "2026-11-29T23:30+00:00"),
    ("sun 23:59", "2026-11-29T22:59+00:00"), ("fri", "2026-11-26T23:00+00:00"),
    ("yesterday 09:00", "2026-11-22T08:00+00:00"),
])
def test_a_weekday_to_come_is_the_next_one(text: str, instant: str) -> None:
    assert moment(text, PRAGUE, NOW, NOW) == datetime.fromisoformat(instant)


NO_TIMES = ["soon", " ", "25:00", "2026-13-01", "2026-11-23 9:30 am", "0001-01-01 00:00",
            "9999-12-31T23:59-12:00"]


@pytest.mark.parametrize("text", [
    *NO_TIMES, "tomorrow 25:00", "mon 24:60", "08:00 09:00", "mon tue", "tomorrow mon 09:30",
])
def test_what_is_no_time_is_refused_with_the_right_forms(text: str) -> None:
    with pytest.raises(NoTime) as refused:
        moment(text, PRAGUE, NOW)
    assert str(refused.value) == f"{text!r} is not a time; write {moments.FORMS}"


@pytest.mark.parametrize("text", [*NO_TIMES, "09:30", "yesterday", "mon 09:30"])
def test_a_time_in_a_file_has_its_date(text: str) -> None:
    with pytest.raises(NoTime) as refused:
        of_file(text, PRAGUE)
    assert str(refused.value) == f"{text!r} is not a time; write {moments.IN_FILES}"


def test_a_time_that_dst_leaves_out_is_refused() -> None:
    eve = datetime(2026, 3, 28, tzinfo=UTC)
    for text, now in (("2026-03-29 02:30", NOW), ("02:30 tomorrow", eve)):
        with pytest.raises(Refused,
                           match=r"2026-03-29 02:30 does not exist in Europe/Prague.*03:30"):
            moment(text, PRAGUE, now)


@pytest.mark.parametrize(("command", "said"), [
    (("explain", JANA, "--at", "tomorrow 09:30"), "at       Tue 2026-11-24 09:30 +01:00"),
    (("explain", JANA, "--at", "mon 09:30"), "at       Mon 2026-11-30 09:30 +01:00"),
    (("week", JANA, "--at", "fri 23:00"), "now      Fri 2026-11-27 23:00 +01:00"),
    (("override", JANA, "on_call", "--until", "08:00 tomorrow"),
     "on_call until 2026-11-24 08:00, since 2026-11-23 10:30, in force"),
    (("override", JANA, "on_call", "--from", "fri 22:00", "--until", "sat 04:00"),
     "on_call until 2026-11-28 04:00, from 2026-11-27 22:00, planned"),
    (("calls", JANA, "--since", "yesterday", "--until", "mon 09:00"), "there are no such calls"),
    (("history", JANA), "revision 1  2026-11-23 10:30"),
    (("diff", f"{JANA}@fri 12:00"), f"{JANA}\n  mode "),
    (("diff", "@yesterday"), f"{JANA}\n  mode "),
])
def test_each_command_takes_them(
        followme: Followme, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], said: str,
        ) -> None:
    at = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    monkeypatch.setattr("provisioning.desk.clock", lambda: at)
    assert followme("apply", "--yes", "provisioning/examples/office.yaml").code == 0
    ran = followme(*command)
    assert (ran.code, ran.err) == (0, "")
    assert said in ran.out
