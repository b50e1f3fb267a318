# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme week`` and ``followme flow``, and ``explain`` as a picture."""

import json
import xml.etree.ElementTree as ET

import pytest
from ruamel.yaml import YAML

from tests.provisioning.conftest import Followme
from tests.provisioning.drawn import SPACE, said

MONDAY = ("--at", "2026-11-23 10:00")


def test_week(loaded: Followme) -> None:
    ran = loaded("week", "+420 277 771 01", *MONDAY)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:7] == [
        "42027777101 of acme/jana, revision 1",
        "week     Mon 2026-11-23 to Sun 2026-11-29 (Europe/Prague)",
        "now      Mon 2026-11-23 10:00 +01:00, working_hours: window mon-fri 08:00-18:00",
        "gaps     106 h outside every window",
        "",
        "Mon 2026-11-23  00:00-08:00  gap, no sequence",
        "Mon 2026-11-23  08:00-18:00  working_hours: window mon-fri 08:00-18:00, now"]


def test_week_shows_the_override_that_holds(loaded: Followme) -> None:
    assert loaded("override", "42027777101", "on_call", "--from", "2099-11-23 09:00",
                  "--until", "2099-11-23 12:00").code == 0
    assert "Mon 2099-11-23  09:00-12:00  on_call: override" in (
        loaded("week", "42027777101", "--at", "2099-11-25 10:00").out)


def test_flow_is_that_of_now_or_of_a_sequence(loaded: Followme) -> None:
    ran = loaded("flow", "42027777102")
    assert (ran.code, ran.err) == (0, "")
    assert [line for line in ran.out.splitlines() if not line.startswith("at  ")] == [
        "42027777102 of workshop/service, revision 1",
        "rule     default",
        "at 0 s: step 1 of everybody",
        "  0-20 s     ==============            line bench-one, if registered",
        "  0-20 s     ==============            line bench-two, if registered",
        "  then     if the own line declines: end",
        "at 20 s: step 2 of everybody",
        "  20-35 s                  ==========  line back-office, if registered",
        "longest  35 s until the end where nobody answers",
        "end      480, or 486 where all were busy"]
    ran = loaded("flow", "42027777101", "--sequence", "on_call")
    assert "  0-20 s     ========================  pstn 42073723101 (mobile)" in ran.out


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_for_programs(loaded: Followme, form: str) -> None:
    def read(*arguments: str) -> dict[str, object]:
        found = YAML(typ="safe", pure=True).load(loaded(*arguments, "-F", form).out)
        assert isinstance(found, dict)
        return found

    week = read("week", "42027777101", *MONDAY)
    assert week["gap_minutes"] == 106 * 60
    flow = read("flow", "42027777101", "--sequence", "on_call")
    assert (flow["rule"], flow["longest_setup_s"]) == ("sequence on_call", 20)


@pytest.mark.parametrize(("arguments", "name", "title"), [
    pytest.param(("week", "42027777101", *MONDAY), "week",
                 "Week of 42027777101 from Mon 2026-11-23 to Sun 2026-11-29, now Mon 10:00",
                 id="week"),
    pytest.param(("flow", "42027777101", "--sequence", "on_call"), "flow",
                 "Flow of a call to 42027777101 of acme/jana, revision 1: sequence on_call",
                 id="flow"),
    pytest.param(("explain", "42027777101", *MONDAY), "flow",
                 "Flow of a call to 42027777101 of acme/jana, revision 1: "
                 "window mon-fri 08:00-18:00", id="explain"),
    pytest.param(("explain", "42027777100", "--from", "42073723123"), "flow",
                 "Flow of a call to 42027777100 of novak/petr, revision 1: own mailbox",
                 id="the owner calls"),
])
def test_as_a_picture(loaded: Followme, arguments: tuple[str, ...], name: str, title: str) -> None:
    ran = loaded(*arguments, "-F", "svg")
    assert (ran.code, ran.err) == (0, "")
    root = ET.fromstring(ran.out)
    assert (root.get("id"), root.findtext(f"{SPACE}title")) == (name, title)
    assert said(title) <= said(" ".join(root.itertext()))


@pytest.mark.parametrize(("arguments", "words"), [
    pytest.param(("week", "42027777109"), "42027777109: nobody owns this number", id="nobody's"),
    pytest.param(("week", "42027777101", "--at", "soon"), "'soon' is not a time", id="no time"),
    pytest.param(("week", "42027777101", "--at", "9999-12-31 10:00"),
                 "no week is known of the year 9999", id="the end of the calendar"),
    pytest.param(("flow", "201"), "201 is an extension; write it with its organisation",
                 id="an extension"),
    pytest.param(("flow", "42027777101", "--sequence", "oncall"),
                 "42027777101 has no sequence 'oncall'; did you mean on_call?", id="no sequence"),
    pytest.param(("week",), "Missing argument 'NUMBER'", id="no number"),
])
@pytest.mark.parametrize("form", ["table", "svg"])
def test_a_mistake_is_answered_in_words(loaded: Followme, arguments: tuple[str, ...], words: str,
                                        form: str) -> None:
    ran = loaded(*arguments, "-F", form)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("followme: ")
    assert words in ran.err


def test_a_mistake_has_a_form_for_programs(loaded: Followme) -> None:
    ran = loaded("flow", "42027777109", "-F", "json")
    assert (ran.code, ran.err) == (1, "")
    assert json.loads(ran.out) == {"error": "42027777109: nobody owns this number"}


@pytest.mark.parametrize(("arguments", "words"), [
    pytest.param(("42027777109",), "404: nobody owns 42027777109", id="a rejected call"),
    pytest.param(("--check", "tests/cases"), "routing cases have no picture", id="cases"),
])
def test_what_has_no_picture_is_told_in_words(loaded: Followme, arguments: tuple[str, ...],
                                              words: str) -> None:
    ran = loaded("explain", *arguments, "-F", "svg")
    assert (ran.code, ran.out) == (1, "")
    assert words in ran.err


def test_only_what_can_be_drawn_has_that_form(loaded: Followme) -> None:
    ran = loaded("show", "-F", "svg")
    assert (ran.code, ran.out) == (1, "")
    assert "'svg' is not one of 'table', 'json', 'yaml'" in ran.err
