# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import feature_codes, schedule, timeline
from kemi_routing.errors import InvalidValue
from kemi_routing.feature_codes import MAX_BLOCKED, Action, FeatureCode, Request, Result
from kemi_routing.schedule import Override, Timetable
from kemi_routing.screening import Action as Treatment
from kemi_routing.screening import Pattern, Screen
from tests.support.strategies import instants

PRAGUE = ZoneInfo("Europe/Prague")
OFFICE = schedule.Window(schedule.parse_days("mon-fri"), 480, 1080, "office")
TIMETABLE = Timetable(PRAGUE, (OFFICE,))
CALLER = "42075553333"


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PRAGUE, fold=fold)


def epoch(text: str, fold: int = 0) -> int:
    return int(at(text, fold).timestamp())


NOW = at("2026-11-23 20:00")  # a Monday
NOW_S = int(NOW.timestamp())
NIGHT = feature_codes.parse("*33", "toggle", "night")
NIGHT_ON = Override("night", NOW_S - 60, name="*33 by line jana-desk")
REQUEST = Request(TIMETABLE, frozenset({"night", "away", "office"}), (), CALLER, NOW,
                  "line jana-desk")


def dial(code: FeatureCode, *state: Override, record: tuple[Override, ...] = (),
         screens: tuple[Screen, ...] = (), **fields: Any) -> Result:
    """What a code makes of this state of a number whose record has these overrides."""
    timetable = replace(TIMETABLE, overrides=(*record, *state))
    return feature_codes.apply(
        code, state, screens, replace(REQUEST, timetable=timetable, screens=screens, **fields))


@pytest.mark.parametrize("text", ["*33", "#9", " *33* ", "*#06#", "*12345"])
def test_a_code_starts_with_star_or_hash(text: str) -> None:
    assert feature_codes.parse_code(text) == text.strip()


@pytest.mark.parametrize("text", [
    "", "*", "33", "*3a", "*123456", "*3\n3", "*\u0663", "%2A33", "*33;", "*33@",
])
def test_what_is_no_code_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^code .* write \* or #, then 1 to 5 .*: \*33$"):
        feature_codes.parse_code(text)


@pytest.mark.parametrize(("text", "stored"), [
    ("for ever", "for ever"), (" For  Ever", "for ever"), ("next window", "next window"),
    ("08:00", "08:00"), ("8:00", "08:00"), ("24:00", "00:00"),
    ("8 hours", "8 hours"), ("1 hours", "1 hour"), ("1 hour", "1 hour"),
    ("90 minutes", "90 minutes"),
])
def test_ends_are_stored_in_one_form(text: str, stored: str) -> None:
    assert feature_codes.parse_end(text) == feature_codes.parse_end(stored) == stored


@pytest.mark.parametrize("text", [
    "", "25:00", "24:01", "8", "0 hours", "10000 hours", "2 days", "8 hourss", "tomorrow",
])
def test_what_is_no_end_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^until .* write for ever, next window, a time of day"):
        feature_codes.parse_end(text)


@pytest.mark.parametrize(("written", "code"), [
    (("*33", "toggle", "night"), FeatureCode("*33", Action.TOGGLE, "night", "for ever")),
    (("*34", "set", "night", "8:00"), FeatureCode("*34", Action.SET, "night", "08:00")),
    (("#33", "clear"), FeatureCode("#33", Action.CLEAR)),
    (("#33", "clear", "night"), FeatureCode("#33", Action.CLEAR, "night")),
    (("*60", "block_last_caller"), FeatureCode("*60", Action.BLOCK_LAST_CALLER)),
])
def test_a_code_and_what_it_does(written: tuple[str, ...], code: FeatureCode) -> None:
    assert feature_codes.parse(*written) == code


@pytest.mark.parametrize(("written", "error"), [
    (("33", "toggle", "night"), "code '33' is not possible"),
    (("*33", "night"), "action 'night' is not known; known are: toggle, set, clear, block_last_ca"),
    (("*33", "toggle"), "sequence is missing; toggle needs the name of one: night"),
    (("*33", "set"), "sequence is missing; set needs the name of one: night"),
    (("*33", "toggle", "night", "soon"), "until 'soon' is no end"),
    (("*60", "block_last_caller", "night"), "sequence means nothing for block_last_caller"),
    (("*60", "block_last_caller", "", "08:00"), "until means nothing for block_last_caller"),
    (("#33", "clear", "", "08:00"), "until means nothing for clear; leave it out"),
])
def test_a_refused_code_names_the_key(written: tuple[str, ...], error: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        feature_codes.parse(*written)
    assert str(refused.value).startswith(error)


@pytest.mark.parametrize(("until", "now", "end"), [
    ("for ever", at("2026-11-23 20:00"), None),
    ("8 hours", at("2026-11-23 20:00"), epoch("2026-11-24 04:00")),
    ("1 hour", at("2026-10-25 02:30"), epoch("2026-10-25 02:30", 1)),  # an hour is an hour
    ("90 minutes", at("2026-11-23 20:00"), epoch("2026-11-23 21:30")),
    ("next window", at("2026-11-23 20:00"), epoch("2026-11-24 08:00")),
    ("next window", at("2026-11-23 10:00"), epoch("2026-11-23 18:00")),
    ("08:00", at("2026-11-23 07:59:59"), epoch("2026-11-23 08:00")),
    ("08:00", at("2026-11-23 08:00"), epoch("2026-11-24 08:00")),
    ("08:00", at("2026-11-23 08:00:30"), epoch("2026-11-24 08:00")),
    ("08:00", at("2026-12-31 20:00"), epoch("2027-01-01 08:00")),
    ("00:00", at("2026-11-23 20:00"), epoch("2026-11-24 00:00")),
    ("08:00", at("2026-03-28 20:00"), epoch("2026-03-29 08:00")),  # the night is an hour short
    ("08:00", at("2026-10-24 20:00"), epoch("2026-10-25 08:00")),
    ("02:30", at("2026-03-29 01:59"), epoch("2026-03-29 03:00")),  # the clock jumps over 02:30
    ("02:30", at("2026-03-29 03:00"), epoch("2026-03-30 02:30")),
    ("02:30", at("2026-10-25 02:00"), epoch("2026-10-25 02:30")),  # it comes twice
    ("02:30", at("2026-10-25 02:30"), epoch("2026-10-25 02:30", 1)),
    ("02:30", at("2026-10-25 02:30", 1), epoch("2026-10-26 02:30")),
])
def test_when_an_override_ends(until: str, now: datetime, end: int | None) -> None:
    assert feature_codes.ends_at(until, TIMETABLE, now) == end


def test_without_windows_the_next_window_never_comes() -> None:
    assert feature_codes.ends_at("next window", Timetable(PRAGUE), NOW) is None


def test_the_next_window_is_the_schedules_and_no_end_of_an_override() -> None:
    timetable = replace(TIMETABLE, overrides=(Override("away", NOW_S, until=NOW_S + 60),))
    assert feature_codes.ends_at("next window", timetable, NOW) == epoch("2026-11-24 08:00")
    assert timeline.next_change(TIMETABLE, NOW) == at("2026-11-24 08:00")


@given(st.sampled_from(["Europe/Prague", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Beirut",
                        "America/Havana", "Pacific/Apia"]), instants, st.integers(0, 1439))
def test_a_time_of_day_is_the_next_one_that_the_clock_shows_or_jumps_over(
        name: str, now: datetime, minute: int) -> None:
    zone = ZoneInfo(name)
    end = feature_codes.ends_at(schedule.clock(minute), Timetable(zone), now)
    assert end is not None
    assert 0 < end - now.timestamp() <= timedelta(hours=26).total_seconds()
    before, shown = (datetime.fromtimestamp(second, zone).replace(tzinfo=None)
                     for second in (end - 60, end))
    assert shown.hour * 60 + shown.minute == minute or shown - before > timedelta(minutes=1)


@pytest.mark.parametrize(("dialled", "code", "number"), [
    ("*33", "*33", ""),
    ("*3342027777101", "*33", "42027777101"),
    ("*33+42027777101", "*33", "+42027777101"),
    ("*33201", "*33", "201"),
    ("%2A33", "*33", ""),
    ("%2a33%2342027777101", "*33#", "42027777101"),
    ("*33*", "*33*", ""),  # the longest
    ("*33*201", "*33*", "201"),
    ("*33;phone-context=+420", "*33", ""),
    ("#33", "#33", ""),
])
def test_the_longest_code_and_the_number_behind_it(dialled: str, code: str, number: str) -> None:
    codes = [feature_codes.parse(text, "clear") for text in ("*33", "*33*", "*33#", "#33")]
    found = feature_codes.match(codes, dialled)
    assert found is not None
    assert (found[0].code, found[1]) == (code, number)


@pytest.mark.parametrize("dialled", [
    "", "33", "*3", "*44", "*33a", "*33+", "*33*1", "*33%0D%0A", "*33\n", "*33" + 21 * "1",
    "*33\u0663", "jana",
])
def test_what_is_no_code_of_ours(dialled: str) -> None:
    assert feature_codes.match([NIGHT], dialled) is None


def test_toggle_sets_the_override_and_says_until_when() -> None:
    assert dial(NIGHT) == Result(
        (Override("night", NOW_S, name="*33 by line jana-desk"),), (), "Night for ever")


def test_toggle_again_is_as_scheduled() -> None:
    assert dial(NIGHT, NIGHT_ON) == Result((), (), "As scheduled")


def test_toggle_looks_at_what_holds_now() -> None:
    over = replace(NIGHT_ON, until=NOW_S)
    planned = replace(NIGHT_ON, start=NOW_S + 60)
    away = Override("away", NOW_S - 30, until=NOW_S + 3600)
    assert dial(NIGHT, over).words == "Night for ever"
    assert dial(NIGHT, over).overrides == (Override("night", NOW_S, name=NIGHT_ON.name),)
    assert dial(NIGHT, planned).overrides == (planned, Override("night", NOW_S, name=NIGHT_ON.name))
    # Night is on, but away was set later and wins: who dials *33 wants night.
    assert dial(NIGHT, NIGHT_ON, away).overrides == (
        away, Override("night", NOW_S, name=NIGHT_ON.name))
    assert dial(NIGHT, NIGHT_ON, away).words == "Night for ever"


def test_what_is_left_in_force_is_confirmed() -> None:
    vacation = Override("away", NOW_S - 3600, until=epoch("2027-01-04 00:00"), name="vacation")
    assert dial(NIGHT, NIGHT_ON, record=(vacation,)) == Result(
        (), (), "Away until 2027-01-04 00:00")


def test_what_is_set_now_wins_over_a_clock_that_was_ahead() -> None:
    ahead = Override("away", NOW_S + 5, start=0)
    result = dial(NIGHT, ahead)
    assert result.words == "Night for ever"
    assert schedule.override_at(result.overrides, NOW_S) == Override(
        "night", NOW_S + 6, name=NIGHT_ON.name)


def test_set_again_prolongs() -> None:
    code = feature_codes.parse("*34", "set", "night", "08:00")
    old = Override("night", NOW_S - 60, until=NOW_S + 60)
    assert dial(code, old) == Result(
        (Override("night", NOW_S, until=epoch("2026-11-24 08:00"), name="*34 by line jana-desk"),),
        (), "Night until 08:00")


def test_clear_takes_all_that_holds_or_the_one_that_is_named() -> None:
    away = Override("away", NOW_S - 30)
    planned = Override("night", NOW_S - 30, start=NOW_S + 60)
    assert dial(feature_codes.parse("#33", "clear"), NIGHT_ON, away, planned) == Result(
        (planned,), (), "As scheduled")
    assert dial(feature_codes.parse("#33", "clear", "night"), NIGHT_ON, away, planned) == Result(
        (away, planned), (), "Away for ever")


def test_a_sequence_that_the_number_does_not_have_is_not_set() -> None:
    code = feature_codes.parse("*35", "toggle", "weekend")
    assert dial(code, NIGHT_ON) == Result((NIGHT_ON,), (), "No sequence Weekend")


@pytest.mark.parametrize(("until", "words"), [
    ("2026-11-23 21:00", "Away until 21:00"),
    ("2026-11-24 19:59", "Away until 19:59"),
    ("2026-11-24 20:00", "Away until Tue 20:00"),
    ("2026-11-29 20:00", "Away until Sun 20:00"),
    ("2026-11-29 20:01", "Away until 2026-11-29 20:01"),
])
def test_the_end_is_said_as_far_as_it_needs_a_day(until: str, words: str) -> None:
    away = Override("away", NOW_S - 30, until=epoch(until))
    assert dial(feature_codes.parse("#33", "clear", "night"), away).words == words


BLOCK = feature_codes.parse("*60", "block_last_caller")
BLOCKED = Screen(Pattern(CALLER), Treatment.REJECT)


def test_the_last_caller_is_blocked() -> None:
    assert dial(BLOCK, NIGHT_ON) == Result((NIGHT_ON,), (BLOCKED,), f"Blocked {CALLER}")


@pytest.mark.parametrize(("last_caller", "screens", "words"), [
    (None, (), "No last caller"),
    ("anonymous", (), "Last caller withheld the number"),
    ("", (), "Last caller withheld the number"),
    (CALLER, (BLOCKED,), f"Blocked {CALLER}"),  # once is enough
    (CALLER, (Screen(Pattern(CALLER), Treatment.ALLOW),),
     f"Not blocked, {CALLER} is on the allow list"),
    (CALLER, tuple(Screen(Pattern(str(42_000_000_000 + one)), Treatment.REJECT)
                   for one in range(MAX_BLOCKED)), "Not blocked, 100 callers are"),
])
def test_nobody_is_blocked_in_vain(
        last_caller: str | None, screens: tuple[Screen, ...], words: str) -> None:
    assert dial(BLOCK, screens=screens, last_caller=last_caller) == Result((), screens, words)


@pytest.mark.parametrize(("name", "shown"), [
    ("working_hours", "Working hours for ever"),
    ("no\u010dn\u00ed", "Nocni for ever"),
    ("\u591c", "Override for ever"),
    ("a\r\nVia: x", "A Via x for ever"),
    ('"<sip:%0d>', "Sip 0d for ever"),
    ("x" * 80, f"X{'x' * 31} for ever"),
])
def test_names_are_made_fit_for_a_telephone(name: str, shown: str) -> None:
    code = feature_codes.parse("*33", "set", name)
    assert dial(code, sequences=frozenset({name})).words == shown


@given(st.text(min_size=1), st.sampled_from(["toggle", "set"]), st.sampled_from(
    ["for ever", "next window", "08:00", "8 hours"]))
def test_no_name_gets_out_of_a_reason_phrase(name: str, action: str, until: str) -> None:
    words = dial(feature_codes.parse("*33", action, name, until), sequences=frozenset({name})).words
    assert words.isascii()
    assert words.replace(" ", "").replace(":", "").replace("-", "").replace(".", "").isalnum()
    assert len(words) <= 64
