# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme explain`` as a person or a program meets it."""

import json
from pathlib import Path

import pytest

from tests.provisioning.conftest import EXAMPLES, Followme

MONDAY = ("--at", "2026-11-23 09:30")


def test_explain(loaded: Followme) -> None:
    ran = loaded("explain", "42027777101", "--from", "+420 755 533 33", *MONDAY)
    expected = (Path(__file__).parent / "shown" / "explain.txt").read_text()
    assert (ran.code, [line.rstrip() for line in ran.out.splitlines()]) == (
        0, expected.splitlines())


@pytest.mark.parametrize(("verdict", "grade"), [
    ("none", {"grade": "B", "ask_pin": False}), ("attested", {"grade": "C", "ask_pin": False}),
    ("failed", {"grade": "D", "ask_pin": True})])
def test_explain_of_what_a_trunk_reports(
        loaded: Followme, verdict: str, grade: dict[str, object]) -> None:
    ran = loaded("explain", "42027777100", "--from", "42073723123", "--verdict", verdict,
                 *MONDAY, "-F", "json")
    assert json.loads(ran.out)["access"] == grade | {"outgoing": "no"}


def test_explain_for_programs(loaded: Followme) -> None:
    ran = loaded("explain", "42027777100", "--from", "42073723123", "--via", "192.0.2.22", *MONDAY,
                 "-F", "json")
    explained = json.loads(ran.out)
    assert explained["access"] == {"grade": "D", "ask_pin": True, "outgoing": "no"}
    assert explained["at"] == "2026-11-23T09:30:00+01:00"


@pytest.mark.parametrize(("arguments", "status"), [
    pytest.param(["42027777109"], 404, id="nobody's number"),
    pytest.param(["42027777100", "--via", "192.0.2.66"], 403, id="no trunk"),
])
def test_explain_of_a_rejected_call_ends_with_1(
        loaded: Followme, arguments: list[str], status: int) -> None:
    ran = loaded("explain", *arguments)
    assert (ran.code, ran.out.partition(":")[0]) == (1, str(status))
    ran = loaded("explain", *arguments, "-F", "json")
    assert (ran.code, json.loads(ran.out)["rejected"]) == (1, status)


def test_explain_follows_a_line_to_an_outside_number(loaded: Followme) -> None:
    ran = loaded("explain", "49115234567", "--via", "jana-desk")
    assert ran.code == 0
    assert "rule     outgoing" in ran.out
    assert "shows 42027777101" in ran.out


def test_explain_runs_cases(followme: Followme) -> None:
    ran = followme("explain", "--check", "tests/cases/team.yaml", "--redis", "unix:///nowhere")
    assert (ran.code, ran.out) == (0, "7 cases, all as expected\n")


def test_explain_names_the_cases_that_are_wrong(followme: Followme, tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(f"numbers: {EXAMPLES / 'team.yaml'}\ncases:\n"
                    "  - case: nobody\n    dialled: 42027777109\n    at: 2026-11-23 12:00\n"
                    "    rings: [line desk 20 s]\n    ends: voicemail\n")
    ran = followme("explain", "--check", path)
    assert (ran.code, ran.out, ran.told) == (1, "1 case, 1 not as expected\n", [
        f"{path}:6:12: nobody, at 2026-11-23 12:00: rings is [], not ['line desk 20 s']",
        f"{path}:7:11: nobody, at 2026-11-23 12:00: ends is 404, not voicemail"])
    assert json.loads(followme("explain", "--check", path, "-F", "json").out)["cases"] == 1


def test_explain_says_all_errors_of_a_file_of_cases(followme: Followme, tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text("tests: []\nuse: team.yaml\n")
    texts = [f"there is no key {key!r}; known are: cases, numbers, settings, written"
             for key in ("tests", "use")]
    assert followme("explain", "--check", path).told == [
        f"{path}:1:1: {texts[0]}", f"{path}:2:1: {texts[1]}", "2 errors"]
    ran = followme("explain", "--check", path, "-F", "json")
    assert [one["text"] for one in json.loads(ran.out)["errors"]] == texts
    assert (ran.code, ran.err) == (1, "")
