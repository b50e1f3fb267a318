# SPDX-License-Identifier: GPL-2.0-or-later
"""Weeks and flows of a number before and after a change."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kemi_routing.model import Line, Mode, Number
from kemi_routing.schedule import Override
from provisioning.pictures import comparison, week
from provisioning.pictures.comparison import Comparison
from tests.provisioning.conftest import EXAMPLES, ROOT, Edit, Followme, Write
from tests.provisioning.drawn import SETTINGS, check_picture, known, parsed, texts, unsaid
from tests.provisioning.test_pictures import HOSTILE
from tests.provisioning.test_plan import people
from tests.provisioning.test_week import OFFICE_HOURS
from tests.support.builders import at, holiday, number, sequence, step, window

NOW = at("2026-11-25 10:00")
"""A Wednesday."""
LATER = replace(OFFICE_HOURS, windows=(window("mon-fri", "08:00-17:00"),))
OVER = int(at("2026-11-24 13:00").timestamp())


def compared(old: Number, new: Number, *others: tuple[Number, Number]) -> Comparison | None:
    """How the pictures of a number change, and of others with it."""
    return comparison.of((old, replace(new, revision=2)), NOW, (
        known(*(one for one, _ in others)), known(*(one for _, one in others))), SETTINGS)


def found(old: Number, new: Number) -> Comparison:
    """The same where they do."""
    one = compared(old, new)
    assert one
    return one


@pytest.mark.parametrize("change", [
    pytest.param({}, id="nothing"),
    pytest.param({"owner": "acme/other"}, id="the owner"),
    pytest.param({"aliases": ("42073723199",)}, id="an alias"),
    pytest.param({"holidays": (holiday("2026-11-22", "closed"),)}, id="a day of last week"),
    pytest.param({"holidays": (holiday("2028-12-24", "closed"),)}, id="a day in three years"),
    pytest.param({"overrides": (Override("night", 1, OVER - 90_000, OVER - 86_400 * 7),)},
                 id="an override that is over"),
])
def test_what_no_picture_shows_has_none(change: dict[str, Any]) -> None:
    assert compared(OFFICE_HOURS, replace(OFFICE_HOURS, **change)) is None


@pytest.mark.parametrize(("change", "monday", "mark"), [
    pytest.param({"windows": LATER.windows}, "2026-11-23", "now Wed 10:00", id="each week"),
    pytest.param({"holidays": (holiday("2026-11-23", "closed"),)}, "2026-11-23", "now Wed 10:00",
                 id="a day of this week that is over"),
    pytest.param({"holidays": (holiday("2026-11-23", "closed", "", "00:00-00:01"),)}, "2026-11-23",
                 "now Wed 10:00", id="the first minute of this week"),
    pytest.param({"holidays": (holiday("2026-12-24", "closed", "", "12:00-24:00"),)},
                 "2026-12-21", "change Thu 12:00", id="a day in a month"),
    pytest.param({"default": "night"}, "2026-11-23", "now Wed 10:00", id="the default"),
    pytest.param({"zone": ZoneInfo("Europe/London")}, "2026-11-23", "now Wed 09:00", id="zone"),
    pytest.param({"windows": (*OFFICE_HOURS.windows,
                              window("sat", "09:00-12:00", "night", "2027-02-01", "2027-02-28"))},
                 "2027-02-01", "change Sat 09:00", id="a dated window"),
])
def test_the_week_of_now_is_shown_or_the_first_one_that_differs(
        change: dict[str, Any], monday: str, mark: str) -> None:
    one = found(OFFICE_HOURS, replace(OFFICE_HOURS, **change))
    assert one.weeks
    before, after = one.weeks
    assert f"{after.days[0].day} {after.mark} {after.at:%a %H:%M}" == f"{monday} {mark}"
    assert (before.days[0].day, before.mark) == (after.days[0].day, after.mark)
    rules = [[(span.text, span.hours) for day in each.days for span in day.spans]
             for each in one.weeks]
    assert rules[0] != rules[1] or before.number.zone != after.number.zone


@pytest.mark.parametrize("order", [1, -1], ids=["comes", "goes"])
def test_the_only_rule_there_is_makes_a_difference(order: int) -> None:
    never = replace(OFFICE_HOURS, windows=())
    once = replace(never, holidays=(holiday("2026-12-24", "closed"),))
    one = found(*(never, once)[::order])
    assert one.weeks
    assert [each.mark for each in one.weeks] == [week.CHANGE] * 2


@pytest.mark.parametrize(("new", "expected"), [
    ({"sequences": (sequence("office", step("line jana-desk", ring_s=25)),
                    *OFFICE_HOURS.sequences[1:])}, [("office", "office")]),
    ({"mode": Mode.FORWARD_ONLY}, [("no sequence", "no sequence"), ("night", "night"),
                                     ("office", "office")]),
    ({"sequences": (*OFFICE_HOURS.sequences, sequence("more", step("42073723199")))},
     [(None, "more")]),
    ({"sequences": OFFICE_HOURS.sequences[:2]}, [("closed", None)]),
    ({"lines": (Line("other"),), "mailbox": OFFICE_HOURS.mailbox}, []),
])
def test_flows_are_those_of_sequences_that_differ(
        new: dict[str, Any], expected: list[tuple[str | None, str | None]]) -> None:
    one = compared(OFFICE_HOURS, replace(OFFICE_HOURS, **new))
    rules = [[each and each["rule"].removeprefix("sequence ") for each in both]
             for both in (one.flows if one else ())]
    assert rules == [list(names) for names in expected]
    assert not (one and one.weeks)


def test_a_number_that_another_one_leads_to_is_that_of_its_time() -> None:
    jana = number(mode=Mode.FORWARD_ONLY, default="all", sequences=(
        sequence("all", step("number 42027777111"), step("42073723101")),))
    eva = number(number="42027777111", owner="acme/eva", lines=(Line("eva"),))
    assert compared(jana, jana, (eva, eva)) is None
    one = compared(jana, jana, (eva, replace(eva, lines=(Line("eva"), Line("eva-soft")))))
    assert one
    (both,) = one.flows
    assert [len(each["steps"][0]["targets"]) for each in both if each] == [1, 2]


@pytest.mark.parametrize("label", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_pictures_say_all_of_it_one_above_the_other(label: str) -> None:
    other = replace(LATER, owner=f"acme/{label}", sequences=(
        *LATER.sequences[1:], sequence(label or "x", step("line jana-desk"))))
    each = [found(OFFICE_HOURS, LATER), found(OFFICE_HOURS, other)]
    picture = comparison.picture(each)
    root = check_picture(picture, "\n\n".join(map(comparison.as_text, each)))
    assert [one.what for one in texts(root)].count("before") == 3


def test_the_text_is_drawn_and_names_the_instant() -> None:
    closed = replace(OFFICE_HOURS, holidays=(holiday("2026-12-24", "closed"),))
    text = comparison.as_text(found(OFFICE_HOURS, closed))
    assert text.splitlines()[:4] == [
        "before", "42027777100 of acme/jana, revision 1",
        "week     Mon 2026-12-21 to Sun 2026-12-27 (Europe/Prague)",
        "change   Thu 2026-12-24 00:00 +01:00, gap, no sequence"]
    rows = [line for line in text.splitlines() if line.startswith("Thu 2026-12-24")]
    assert rows == [f"Thu 2026-12-24  {'.' * 16}{'#' * 20}{'.' * 12}",
                    f"Thu 2026-12-24  {'*' * 48}"]
    assert text.count("^ change") == 2


def test_programs_get_week_and_flows() -> None:
    one = found(OFFICE_HOURS, replace(LATER, mode=Mode.FORWARD_ONLY))
    data = comparison.as_dict(one)
    assert one.weeks
    assert data["week"] == {"before": week.as_dict(one.weeks[0]),
                            "after": week.as_dict(one.weeks[1])}
    assert [flow["after"]["rule"] for flow in data["flows"]] == [
        "no sequence", "sequence night", "sequence office"]
    assert comparison.as_dict(found(OFFICE_HOURS, LATER))["flows"] == []


EARLIER = ("to: 18:00", "to: 17:00")
NOTHING = "there is nothing to draw: no week and no flow of a number changes\n"


class TestAPlan:
    def test_shows_them_below_what_changes(self, loaded: Followme, edited: Edit) -> None:
        path = edited("office.yaml", EARLIER)
        plain = loaded("plan", path)
        ran = loaded("plan", "--pictures", path)
        assert ran.code == 2
        rows, said = ran.out.splitlines(), plain.out.splitlines()
        assert rows[:3] + rows[-1:] == said[:3] + said[-1:]
        assert [row for row in rows if row in ("before", "after")] == ["before", "after"]
        assert {row[48:].rstrip(".") for row in rows if row.startswith("Mon 2")} == {
            "####", "##"}

    def test_draws_them_in_one_file(self, loaded: Followme, edited: Edit) -> None:
        ran = loaded("plan", edited("office.yaml", EARLIER), "-F", "svg")
        assert ran.code == 2
        text = loaded("plan", "--pictures", edited("office.yaml", EARLIER)).out
        assert ran.out.startswith("<svg ")
        assert ran.out.count("<svg ") == 1
        assert unsaid("\n".join(text.splitlines()[4:-2]), ran.out) <= {"half", "hours"}

    def test_has_them_for_programs(self, loaded: Followme, edited: Edit) -> None:
        path = edited("office.yaml", EARLIER)
        (one,) = json.loads(loaded("plan", "--pictures", "-F", "json", path).out)["pictures"]
        assert (one["week"]["before"]["gap_minutes"], one["week"]["after"]["gap_minutes"]) == (
            106 * 60, 111 * 60)
        assert "pictures" not in json.loads(loaded("plan", "-F", "json", path).out)

    def test_draws_no_more_than_programs_show(self, followme: Followme, write: Write) -> None:
        assert followme("apply", "--yes", write("all.yaml", people(21))).code == 0
        changed = write("all.yaml", people(21, "ring_then_voicemail"))
        ran = followme("plan", changed, "-F", "svg")
        assert len(set(re.findall(r">Flow of a call to (\d+) ", ran.out))) == 20
        assert "the first 20 numbers are drawn; --pictures shows all as text\n" in ran.err
        assert len(json.loads(followme("plan", "--pictures", "-F", "json", changed).out)[
            "pictures"]) == 21

    def test_says_so_where_there_is_nothing_to_draw(self, loaded: Followme, edited: Edit) -> None:
        path = edited("office.yaml", ("blue-kettle-7391", "blue-kettle-7392"))
        ran = loaded("plan", path, "-F", "svg")
        assert (ran.code, ran.out, ran.err.endswith(NOTHING)) == (2, "", True)

    def test_tells_a_mistake_of_a_file_with_its_row_in_words(
            self, loaded: Followme, edited: Edit) -> None:
        ran = loaded("plan", edited("office.yaml", ("ring: 30", "ring: 3000")), "-F", "svg")
        assert (ran.code, ran.out) == (1, "")
        assert "ring: 3000" in ran.err


def test_a_plan_in_a_file_is_shown(loaded: Followme, edited: Edit, tmp_path: Path) -> None:
    office, plan = edited("office.yaml", EARLIER), tmp_path / "monday.plan"
    planned = loaded("plan", "-o", plan, office, EXAMPLES / "team.yaml")
    office.write_text("nobody reads this any more")
    for options in ((), ("--pictures",), ("-F", "svg"), ("-F", "json"), ("--replay", "9")):
        ran = loaded("plan", plan, *options)
        assert (ran.code, ran.err) == (2, "")
    assert loaded("plan", plan).out == planned.out
    assert loaded("apply", "--yes", plan).code == 0
    assert loaded("plan", plan).out == "nothing to do\n"
    assert loaded("plan", plan).code == 0


def test_a_plan_in_a_file_names_what_has_moved_since(
        loaded: Followme, edited: Edit, tmp_path: Path) -> None:
    plan = tmp_path / "monday.plan"
    assert loaded("plan", "-o", plan, edited("office.yaml", EARLIER)).code == 2
    assert loaded("apply", "--yes", edited("office.yaml", ("ring: 30", "ring: 31"))).code == 0
    ran = loaded("plan", plan)
    assert (ran.code, ran.err) == (2, "apply will refuse: changed since the plan was made: number "
                                      "42027777101; make the plan anew\n")
    assert json.loads(loaded("plan", plan, "-F", "json").out)["moved"] == (
        "changed since the plan was made: number 42027777101")


def test_a_plan_in_a_file_is_shown_alone(loaded: Followme, tmp_path: Path) -> None:
    assert loaded("plan", tmp_path / "a.plan", ROOT / "x.yaml").err == (
        "followme: one plan at a time, and no files beside it\n")


def test_words_stand_clear_of_hatches_and_columns_stay() -> None:
    half = replace(OFFICE_HOURS, holidays=(holiday("2026-11-25", "closed"),))
    root = parsed(comparison.picture([found(OFFICE_HOURS, half)]))
    assert root.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"
    (look,) = {one.get("class") for one in root.iter() if (one.text or "").endswith(" closed")}
    assert look == "ink on-dotted"
