# SPDX-License-Identifier: GPL-2.0-or-later
"""The routing cases hold, and the runner sees it when one does not."""

from pathlib import Path

import pytest

from provisioning import cases
from provisioning.cases import Result
from provisioning.problems import Refused, RefusedFiles
from provisioning.shape_base import Shape
from tests.provisioning.conftest import EXAMPLES, ROOT

CASES = ROOT / "tests" / "cases"


@pytest.mark.parametrize("result", cases.run(CASES),
                         ids=lambda result: f"{result.name} {result.at}".strip())
def test_case(result: Result) -> None:
    assert [str(problem) for problem in result.wrong] == []


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_file_of_cases_is_without_cases(path: Path) -> None:
    assert cases.run(path)


@pytest.mark.parametrize(("case", "wrong"), [
    pytest.param("dialled: 42027777102, at: 2026-11-23 12:00, ends: '480'",
                 ["3:5: x, at 2026-11-23 12:00: rings is ['line bench-one 20 s + line bench-two "
                  "20 s', 'line back-office 15 s'], not []"], id="what rings"),
    pytest.param("dialled: 42027777109, at: 2026-11-23 12:00, ends: '480'",
                 ["3:65: x, at 2026-11-23 12:00: ends is 404, not 480"], id="how it ends"),
    pytest.param("dialled: 42027777109, at: 2026-11-23 12:00, ends: '404', skipped: {a: b}",
                 ["3:81: x, at 2026-11-23 12:00: skipped is {}, not {'a': 'b'}"], id="skipped"),
    pytest.param("dialled: 42027777109, ends: '404'",
                 ["3:5: x: at is missing; write  at: 2026-11-23 09:30"], id="no time"),
    pytest.param("dialled: 42027777102, at: noon",
                 ["3:5: x: 'noon' is not a time; write 2026-11-23 09:30, or with an offset "
                  "2026-11-23T09:30+01:00"], id="no time of day"),
    pytest.param("dialled: 42027777102, at: mon 09:30",
                 ["3:5: x: 'mon 09:30' is not a time; write 2026-11-23 09:30, or with an offset "
                  "2026-11-23T09:30+01:00"], id="no date"),
    pytest.param("dialled: me, at: 2026-11-23 12:00", ["3:5: x: 'me' is not a telephone number; "
                 "write digits with the country code first: 49115234567"], id="no number"),
    pytest.param("dialled: 42027777109, at: 2026-11-23 12:00, overrides: [{sequence: x}]",
                 ["3:5: x: nobody owns 42027777109, so it has no overrides"], id="nobody's"),
    pytest.param("dialled: 42027777102, at: 2026-11-23 12:00, overrides: [{sequence: x}]",
                 ["3:5: x: set is missing; write  set: 2026-11-20 17:00"], id="no time of setting"),
    pytest.param("dialled: 42027777102, at: 2026-11-23 12:00, "
                 "overrides: [{sequence: x, until: for ever, set: 2026-11-23 11:00}]",
                 ["3:5: x: 42027777102 has no sequence 'x'; known are: everybody"],
                 id="an override without its sequence"),
    pytest.param("dialled: 42027777102, at: 2026-11-23 12:00, diverted: perhaps",
                 ["3:5: x: 'perhaps' is neither yes nor no"], id="neither yes nor no"),
])
def test_a_wrong_expectation_is_named(tmp_path: Path, case: str, wrong: list[str]) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(f"numbers: {EXAMPLES / 'team.yaml'}\ncases:\n  - {{case: x, {case}}}\n")
    (result,) = cases.run(path)
    assert [str(problem) for problem in result.wrong] == [f"{path}:{text}" for text in wrong]


@pytest.mark.parametrize(("text", "words"), [
    pytest.param("cases: [{cas: x}]", "1:10: there is no key 'cas'; did you mean case?", id="key"),
    pytest.param("- x", "1:1: write keys with values; a file starts with  numbers:", id="a list"),
    pytest.param("cases: [x]", "1:9: write keys with values here, such as  {case: WORDS, dialled",
                 id="no keys"),
    pytest.param("cases: [{skipped: x}]", "1:19: write keys with values here, such as  {KEY: VA",
                 id="texts by name"),
    pytest.param("", "1:1: the file is empty", id="empty"),
    pytest.param("cases: []", "1:1: numbers is missing; write  numbers: numbers.yaml",
                 id="of whom"),
    pytest.param("organisation: acme\nsubscribers: {}",
                 "1:1: this is a file of numbers; a file of cases names it:  numbers: cases.yaml",
                 id="of numbers"),
    pytest.param("numbers: nobody.yaml", "nobody.yaml:1:1: the file cannot be read", id="numbers"),
    pytest.param("settings: {MAILBOX: x}", "1:11: FOLLOWME_MAILBOX: 'x'; write", id="settings"),
    pytest.param("written: soon", "1:10: 'soon' is not a time; write 2026-11-23", id="written"),
    pytest.param(f"numbers: {EXAMPLES / 'team.yaml'}", "there are no cases in", id="no case"),
])
def test_a_broken_file_of_cases_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    with pytest.raises(Refused) as refused:
        cases.run(path)
    assert words in str(refused.value)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of cases, with the files of their numbers and of the operator beside them."""
    (tmp_path / "a.yaml").write_text(
        "numbers: team.yaml\ncases:\n"
        "  - {case: x, dialled: 42027777109, at: 2026-11-23 12:00, ends: '404'}\n")
    (tmp_path / "team.yaml").write_text((EXAMPLES / "team.yaml").read_text())
    (tmp_path / "grants.yaml").write_text("grants: {acme: {}}\n")
    return tmp_path


def test_files_of_numbers_beside_the_cases_are_no_cases(mixed: Path) -> None:
    assert [(one.name, one.wrong) for one in cases.run(mixed)] == [("x", ())]


def test_the_errors_of_all_files_of_a_folder_are_said_at_once(mixed: Path) -> None:
    (mixed / "b.yaml").write_text("services: {}\nversion: 3\n")
    (mixed / "c.yaml").write_text("cases: [{cas: x}]\n")
    with pytest.raises(RefusedFiles) as refused:
        cases.run(mixed)
    assert [str(one).removeprefix(f"{mixed}/") for one in refused.value.problems.errors] == [
        "b.yaml:1:1: there is no key 'services'; known are: cases, numbers, settings, written",
        "b.yaml:2:1: there is no key 'version'; known are: cases, numbers, settings, written",
        "c.yaml:1:10: there is no key 'cas'; did you mean case? known are: anonymous, at, case, "
        "dialled, diverted, diverters, ends, from, handed_over, overrides, rings, rule, skipped, "
        "verdict, via"]


@pytest.mark.parametrize("shape", [cases.File, cases.Case])
def test_each_key_of_a_file_of_cases_is_explained(shape: type[Shape]) -> None:
    page = (CASES / "README.md").read_text()
    keys = [field.alias or name for name, field in shape.model_fields.items()]
    assert [key for key in keys if f"\n| `{key}` | " not in page] == []


def test_the_keys_of_an_override_are_explained() -> None:
    keys = [field.alias or name for name, field in cases.SetOverride.model_fields.items()]
    assert f"`{{{', '.join(keys)}}}`" in (CASES / "README.md").read_text()
