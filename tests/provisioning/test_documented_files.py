# SPDX-License-Identifier: GPL-2.0-or-later
"""What docs/operators.md shows of tables, JSON lines and imports is what happens."""

import re
from pathlib import Path

import pytest

from provisioning import columns
from tests.provisioning.conftest import ROOT, Followme

PAGE = (ROOT / "docs/operators.md").read_text()
TABLES = PAGE.partition("\n## Tables and JSON lines\n")[2].partition("\n## ")[0]
IMPORTS = PAGE.partition("\n## From FreePBX and sipXecs\n")[2].partition("\n## ")[0]
FREEPBX = ("extension,secret,findmefollow_strategy,findmefollow_grptime,findmefollow_enabled,"
           "findmefollow_grplist,accountcode\n"
           "201,blue-kettle-7,hunt-prim,20,yes,201-737231010#,x\n")


def example(text: str, language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(found)


def test_the_table_and_the_line_of_the_page_are_numbers(
        followme: Followme, tmp_path: Path) -> None:
    for name, language in (("acme.yaml", "yaml"), ("numbers.csv", "csv"), ("more.jsonl", "json")):
        (tmp_path / name).write_text(example(TABLES, language))
    files = sorted(tmp_path.iterdir())
    assert followme("check", *files).code == 0
    assert followme("apply", "--yes", *files).code == 0
    listed = followme("show").out
    assert re.findall(r"^(\S+) +(acme/\w+)", listed, re.MULTILINE) == [
        ("420277771030", "acme/ida"), ("420277771010", "acme/jana"),
        ("420277771020", "acme/petr"), ("acme/201", "acme/petr")]
    assert "together" in followme("show", "420277771010").out
    assert "nothing to do" in followme("apply", "--yes", *files).out


def test_every_column_is_told(followme: Followme) -> None:
    told = set(re.findall(r"`(\w+)`", TABLES))
    assert {key for key in columns.KEYS if not key.endswith("_1")} - told == {
        "callers", "holidays", "vacation"}  # what no cell can say, besides those of the last lines


@pytest.mark.parametrize("option", ["Phone=number", "Notes="])
def test_the_mappings_of_the_page_are_taken(
        followme: Followme, tmp_path: Path, option: str) -> None:
    assert f"--map {option}" in TABLES
    path = tmp_path / "numbers.csv"
    path.write_text("organisation,time_zone,subscriber,Phone,Notes\n"
                    "acme,Europe/Prague,jana,42027777101,x\n")
    assert followme("check", path, "--map", "Phone=number", "--map", "Notes=").code == 0
    left = [one for one in ("Phone=number", "Notes=") if one != option]
    assert followme("check", path, "--map", *left).code == 1


def test_the_import_of_the_page_says_that(
        followme: Followme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("extensions.csv").write_text(FREEPBX)
    command, *said = example(IMPORTS, "console").splitlines()
    ran = followme(*command.split()[2:])
    assert (ran.err + ran.out).splitlines() == said
    assert followme("check", "acme.yaml").code == 0


def test_a_mapping_that_cannot_be_is_answered_in_words(followme: Followme) -> None:
    ran = followme("check", "x.csv", "--map", "Phone")
    assert (ran.code, ran.err.startswith("followme: 'Phone': write THEIRS=OURS")) == (1, True)
