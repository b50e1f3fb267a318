# SPDX-License-Identifier: GPL-2.0-or-later
"""Temporary overrides: what the command makes of them, and who sees them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kemi_routing.model import Number, Sequence
from kemi_routing.record import State, decode_number, decode_state, encode_number
from kemi_routing.redis import keys
from kemi_routing.schedule import Override
from kemi_routing.screening import Action, Pattern, Screen
from provisioning import override
from provisioning.override import Found, Wish
from provisioning.problems import Refused
from provisioning.storage import Change, Storage
from tests.provisioning.conftest import Followme
from tests.support.builders import NOW, PERSONAL, at, number, window

DAY, NIGHT, AWAY = (Sequence(name) for name in ("day", "night", "away"))
WEEK = number(windows=(window("mon-fri", "08:00-18:00", "day"),), sequences=(DAY, NIGHT, AWAY),
              default="night")
STATE = keys.state(PERSONAL)
SECOND = int(NOW.timestamp())
ENDS = ("8 hours, next window, for ever, or a time: 09:30, tomorrow 09:30, yesterday, mon 09:30, "
        "2026-11-23 09:30, or with an offset 2026-11-23T09:30+01:00")
BLOCKED = Screen(Pattern("42075553333"), Action.REJECT)


def epoch(text: str) -> int:
    return int(at(text).timestamp())


def found(*overrides: Override, screens: tuple[Screen, ...] = (), of: Number = WEEK) -> Found:
    return Found(of, State(overrides, screens), {})


def state(change: Change | None) -> State:
    assert change is not None
    return decode_state(change.sets[STATE])


@pytest.mark.parametrize(("until", "start", "end"), [
    # NOW is Friday 2026-11-20 13:00 in Prague.
    pytest.param("for ever", "", None, id="for ever"),
    pytest.param("14:00", "", "2026-11-20 14:00", id="a time of today"),
    pytest.param("08:00", "", "2026-11-21 08:00", id="a time that is over today is tomorrow's"),
    pytest.param("13:00", "", "2026-11-21 13:00", id="the time of now is tomorrow's"),
    pytest.param("2026-11-24 08:00", "", "2026-11-24 08:00", id="a date"),
    pytest.param("2026-11-24T08:00+00:00", "", "2026-11-24 09:00", id="with an offset"),
    pytest.param("08:00 tomorrow", "", "2026-11-21 08:00", id="a time of tomorrow"),
    pytest.param("tomorrow", "", "2026-11-21 00:00", id="the midnight that comes"),
    pytest.param("fri 12:59", "", "2026-11-27 12:59", id="a weekday of next week"),
    pytest.param("mon 08:00", "2026-12-24 20:00", "2026-12-28 08:00",
                 id="a weekday after a start"),
    pytest.param("8 hours", "", "2026-11-20 21:00", id="hours"),
    pytest.param("90 minutes", "", "2026-11-20 14:30", id="minutes"),
    pytest.param("next window", "", "2026-11-20 18:00", id="the end of this window"),
    pytest.param("next window", "18:00", "2026-11-23 08:00", id="the next window after a start"),
    pytest.param("08:00", "2026-12-24 20:00", "2026-12-25 08:00", id="a time after a start"),
    pytest.param("03:30", "2026-10-25 00:30", "2026-11-21 03:30", id="a start that is over is now"),
    pytest.param("02:30", "2027-03-28 00:30", "2027-03-28 03:00",
                 id="a time that does not exist that night"),
])
def test_an_override_ends(until: str, start: str, end: str | None) -> None:
    (made,) = state(override.change(found(), Wish("night", start, until), NOW)).overrides
    assert made == Override("night", SECOND, made.start, epoch(end) if end else None)
    assert made.start == (0 if not start else epoch(
        start if "-" in start else f"2026-11-20 {start}"))


@pytest.mark.parametrize(("wish", "words"), [
    pytest.param(Wish("nigth", until="for ever"), f"{PERSONAL} has no sequence 'nigth'; "
                 "did you mean night? known are: away, day, night", id="sequence"),
    pytest.param(Wish("night"), f"--until is missing; write {ENDS}", id="no end"),
    pytest.param(Wish("night", until="soon"), f"--until 'soon' is no end; write {ENDS}",
                 id="no such end"),
    pytest.param(Wish("night", until="yesterday"),
                 "yesterday is over before the override begins", id="the past"),
    pytest.param(Wish("night", "2026-12-02 08:00", "tomorrow 08:00"),
                 "tomorrow 08:00 is over before the override begins", id="tomorrow is that of now"),
    pytest.param(Wish("night", until="2026-11-20 12:59"),
                 "2026-11-20 12:59 is over before the override begins", id="an end that is over"),
    pytest.param(Wish("night", "2026-12-02 08:00", "2026-12-01 08:00"),
                 "2026-12-01 08:00 is over before the override begins", id="end before start"),
    pytest.param(Wish("night", until="2026-02-30 08:00"),
                 f"--until '2026-02-30 08:00' is no end; write {ENDS}", id="no such day"),
    pytest.param(Wish("night", until="2027-03-28 02:30"),
                 "2027-03-28 02:30 does not exist in Europe/Prague", id="no such minute"),
    pytest.param(Wish("night", "soon", "for ever"), "'soon' is not a time", id="no start"),
    pytest.param(Wish("night", clear=True), "--clear ends all that was set; it takes no SEQUENCE",
                 id="clear and set"),
    pytest.param(Wish(until="for ever"), "--until and --from need the SEQUENCE", id="no sequence"),
    pytest.param(Wish(start="08:00"), "--until and --from need the SEQUENCE", id="only a start"),
])
def test_what_cannot_be_done_is_answered_in_words(wish: Wish, words: str) -> None:
    with pytest.raises(Refused) as refused:
        override.change(found(), wish, NOW)
    assert str(refused.value).startswith(words)


def test_without_windows_there_is_no_next_one() -> None:
    with pytest.raises(Refused, match="has no next window; write a time, or: for ever"):
        override.change(found(of=replace(WEEK, windows=())), Wish("night", "", "next window"), NOW)


def test_nothing_asked_for_changes_nothing() -> None:
    assert override.change(found(), Wish(), NOW) is None


@pytest.mark.parametrize(("old", "wish", "left"), [
    pytest.param(Override("day", SECOND - 9, 0, SECOND), Wish("night", "", "for ever"), False,
                 id="what is over is dropped"),
    pytest.param(Override("day", SECOND - 9, 0, SECOND + 1), Wish("night", "", "for ever"), False,
                 id="what can never win again is dropped"),
    pytest.param(Override("day", SECOND - 9), Wish("night", "", "for ever"), False,
                 id="one for ever replaces another"),
    pytest.param(Override("day", SECOND - 9), Wish("night", "", "14:00"), True,
                 id="what ends later comes back"),
    pytest.param(Override("day", SECOND - 9, 0, SECOND + 3601), Wish("night", "", "14:00"), True,
                 id="also when it is a second"),
    pytest.param(Override("day", SECOND - 9, 0, SECOND + 3600), Wish("night", "", "14:00"), False,
                 id="but not when it ends with it"),
    pytest.param(Override("day", SECOND - 9, 0, SECOND + 60), Wish("night", "14:00", "15:00"), True,
                 id="what holds before it stays"),
    pytest.param(Override("day", SECOND - 9, SECOND + 9), Wish("night", "", "for ever"), False,
                 id="what was planned and is covered is dropped"),
])
def test_an_older_override_stays_as_long_as_it_can_hold(
        old: Override, wish: Wish, left: bool) -> None:
    overrides = state(override.change(found(old), wish, NOW)).overrides
    assert (old in overrides, overrides[-1].sequence) == (left, "night")


@pytest.mark.parametrize("of", [
    pytest.param(found(Override("day", SECOND + 99)), id="beside the record"),
    pytest.param(found(of=replace(WEEK, overrides=(Override("away", SECOND + 99),))), id="in it"),
])
def test_the_one_set_last_wins_whatever_the_clock_said(of: Found) -> None:
    made = state(override.change(of, Wish("night", until="14:00"), NOW)).overrides[-1]
    assert made.set_at == SECOND + 100


def test_blocked_callers_stay() -> None:
    old = found(Override("night", 1), screens=(BLOCKED,))
    assert state(override.change(old, Wish("day", until="for ever"), NOW)).screens == (BLOCKED,)
    assert state(override.change(old, Wish(clear=True), NOW)) == State(screens=(BLOCKED,))


def test_to_clear_the_last_one_leaves_nothing() -> None:
    change = override.change(found(Override("night", 1)), Wish(clear=True), NOW)
    assert change is not None
    assert (change.sets, change.deletes) == ({}, (STATE,))


def test_overrides_in_words() -> None:
    since = epoch("2026-05-01 08:00")
    of = found(
        Override("night", since, name="*33 by line desk"),
        Override("day", SECOND - 60, 0, epoch("2026-11-21 08:00")),
        Override("day", SECOND - 90, 0, SECOND),
        of=replace(WEEK, overrides=(Override(
            "away", since, epoch("2026-12-20 00:00"), epoch("2027-01-04 00:00"), "vacation"),)))
    rows = override.rows(of.in_force, NOW)
    assert list(map(override.line, rows)) == [
        "day until 2026-11-21 08:00, since 2026-11-20 12:59, in force",
        "away until 2027-01-04 00:00, from 2026-12-20 00:00, planned: vacation",
        "night for ever, since 2026-05-01 08:00 (203 days), beneath another one: *33 by line desk"]
    assert rows[1] == {
        "sequence": "away", "name": "vacation", "from": "2026-12-20T00:00:00+01:00",
        "until": "2027-01-04T00:00:00+01:00", "days": 0, "status": "planned"}


def test_an_override_of_a_sequence_that_is_gone_is_not_in_force() -> None:
    of = found(Override("night", 1), of=replace(WEEK, sequences=(DAY,), default="day"))
    assert override.rows(of.in_force, NOW) == []


OFFICE = "42027777101"


@pytest.fixture
def office(followme: Followme, tmp_path: Path) -> Followme:
    """A number with working hours, a night sequence and a vacation of years."""
    path = tmp_path / "office.yaml"
    path.write_text("""\
organisation: acme
time_zone: Europe/Prague
calendars: {cz: {country: CZ}}
subscribers:
  jana:
    lines: {desk: {password: "blue-kettle"}}
    numbers:
      42027777101:
        schedule: [{days: mon-fri, from: 08:00, to: 18:00, sequence: day}]
        holidays: [{calendar: cz, sequence: night}]
        vacation: [{first: 2020-01-01, last: 2099-12-31, sequence: away}]
        default: night
        sequences: {day: [], night: [], away: []}
""")
    assert followme("apply", "--yes", path).code == 0
    return followme


def test_an_override_is_set_shown_and_cleared(office: Followme) -> None:
    ran = office("override", "+420 277 771 01", "night", "--until", "2098-11-24 08:00")
    assert (ran.code, ran.err) == (0, "")
    heading, first, second = ran.out.splitlines()
    assert heading == "42027777101 (Europe/Prague):"
    assert first.startswith("night until 2098-11-24 08:00, since 20")
    assert first.endswith(", in force")
    assert second.startswith("away until 2100-01-01 00:00, since 20")
    assert second.endswith(", beneath another one: vacation")
    assert office("override", OFFICE).out == ran.out
    assert f"overrides    {first}\n             {second}\n" in office("show", OFFICE).out
    assert first in office("show").out
    shown = json.loads(office("show", OFFICE, "-F", "json").out)
    assert [one["sequence"] for one in shown["overrides"]] == ["night", "away"]
    left = office("override", OFFICE, "--clear").out
    assert left.splitlines() == [heading, second.replace("beneath another one", "in force"),
                                 first.replace("in force", "ended by this")]


def test_a_dry_run_says_what_would_be(office: Followme) -> None:
    wish = ("override", OFFICE, "night", "--until", "2098-11-24 08:00")
    heading, *rows = office(*wish, "--dry-run").out.splitlines()
    assert heading == "42027777101 (Europe/Prague) would have:"
    assert [row.partition(",")[0] for row in rows] == [
        "night until 2098-11-24 08:00", "away until 2100-01-01 00:00"]
    assert office(*wish).out.splitlines()[1:] == rows
    assert "night" in office("override", OFFICE, "--clear", "--dry-run").out.splitlines()[-1]
    assert "night" in office("override", OFFICE).out


def test_overrides_for_programs(office: Followme) -> None:
    ran = office("override", OFFICE, "night", "--until", "for ever", "-F", "json")
    assert ran.code == 0
    told = json.loads(ran.out)
    assert told["number"] == OFFICE
    assert [(one["sequence"], one["until"], one["status"]) for one in told["overrides"]] == [
        ("night", None, "in force"),
        ("away", "2100-01-01T00:00:00+01:00", "beneath another one")]


def test_a_number_without_override_says_so(loaded: Followme) -> None:
    for arguments in ([], ["--clear"]):
        assert loaded("override", OFFICE, *arguments).out == (
            f"{OFFICE} (Europe/Prague) has no override\n")


def test_an_override_that_ends_others_names_them(office: Followme) -> None:
    ran = office("override", OFFICE, "day", "--from", "2098-11-24 08:00", "--until",
                 "2098-11-25 08:00")
    assert "ended by this" not in ran.out
    ran = office("override", OFFICE, "night", "--until", "for ever")
    assert [line.split(",")[0] + line.split(",")[-1] for line in ran.out.splitlines()[1:]] == [
        "night for ever in force", "away until 2100-01-01 00:00 beneath another one: vacation",
        "day until 2098-11-25 08:00 ended by this"]
    told = json.loads(office("override", OFFICE, "night", "--until", "for ever", "-F", "json").out)
    assert [(one["sequence"], one["status"]) for one in told["ended"]] == [
        ("night", "ended by this")]


@pytest.mark.parametrize(("arguments", "words"), [
    pytest.param(["42027777109"], "followme: 42027777109: nobody owns this number", id="nobody's"),
    pytest.param([OFFICE, "night", "--until", "soon"], "--until 'soon' is no end; write", id="end"),
])
def test_a_mistake_is_answered_in_words(
        office: Followme, arguments: list[str], words: str) -> None:
    ran = office("override", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert words in ran.err


def test_a_record_that_cannot_be_read_is_not_written_beside(
        office: Followme, storage: Storage) -> None:
    storage.client.set(keys.number(OFFICE), b"\xff")
    ran = office("override", OFFICE, "night", "--until", "for ever")
    assert ran.code == 1
    assert not storage.client.exists(keys.state(OFFICE))


def test_a_state_that_cannot_be_read_is_replaced(office: Followme, storage: Storage) -> None:
    storage.client.set(keys.state(OFFICE), b"\x02garbage")
    assert office("override", OFFICE, "night", "--until", "for ever").code == 0
    data = storage.read([keys.state(OFFICE)])[keys.state(OFFICE)]
    assert [one.sequence for one in decode_state(data).overrides] == ["night"]


@pytest.mark.parametrize("key", [
    pytest.param(keys.state(OFFICE), id="a feature code"),
    pytest.param(keys.number(OFFICE), id="an apply"),
])
def test_a_concurrent_edit_is_refused(
        office: Followme, storage: Storage, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    write = Storage.write

    def late(self: Storage, change: Change) -> None:
        self.client.set(key, b"changed")
        write(self, change)

    monkeypatch.setattr(Storage, "write", late)
    ran = office("override", OFFICE, "night", "--until", "for ever")
    assert ran.code == 1
    assert "was changed by somebody else meanwhile; nothing of it was written" in ran.err
    assert not storage.client.exists(keys.state(OFFICE)) or key == keys.state(OFFICE)


def test_an_override_whose_sequence_goes_is_named(office: Followme, tmp_path: Path) -> None:
    path = tmp_path / "office.yaml"
    assert office("override", OFFICE, "night", "--until", "for ever").code == 0
    assert "left out" not in office("apply", "--yes", path).err
    path.write_text(path.read_text().replace("night", "evening"))
    ran = office("apply", "--yes", path)
    assert ran.code == 0
    assert "warning: the override night is left out: there is no sequence 'night' any more" in (
        ran.err)


def test_remove_takes_the_state_along(office: Followme, storage: Storage) -> None:
    assert office("override", OFFICE, "night", "--until", "for ever").code == 0
    storage.client.set(keys.last_caller(OFFICE), "42075553333")
    assert storage.client.exists(keys.state(OFFICE))
    assert office("remove", OFFICE, "--yes").code == 0
    assert not storage.client.exists(keys.state(OFFICE), keys.last_caller(OFFICE))


def test_an_unchanged_vacation_was_set_when_it_was_written_first(
        office: Followme, storage: Storage, tmp_path: Path) -> None:
    key, path = keys.number(OFFICE), tmp_path / "office.yaml"
    old = decode_number(storage.read([key])[key])
    first = replace(old, overrides=(replace(old.overrides[0], set_at=1),))
    storage.client.set(key, encode_number(first))
    assert office("apply", "--yes", path).out.splitlines()[-1] == "nothing to do"
    path.write_text(path.read_text().replace("vacation: [", "vacation: [{first: 2019-12-24, "
                                             "last: 2019-12-24, sequence: night}, "))
    assert office("apply", "--yes", path).code == 0
    written = decode_number(storage.read([key])[key])
    new, kept = written.overrides
    assert kept == first.overrides[0]
    assert new.set_at > kept.set_at


def test_show_says_until_when_holidays_are_known(office: Followme, storage: Storage) -> None:
    key = keys.number(OFFICE)
    stored = decode_number(storage.read([key])[key])
    last = stored.holidays[-1].day
    assert f"holidays     known until {last}\n" in office("show", OFFICE).out
    assert json.loads(office("show", "-F", "json").out)[0]["holidays_until"] == str(last)
    new_year = stored.holidays[0]  # of this year: it is over, or today
    storage.client.set(key, encode_number(replace(stored, holidays=(new_year,))))
    assert (f"holidays     known until {new_year.day}; apply the file again for more\n"
            in office("show", OFFICE).out)
