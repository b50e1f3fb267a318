# SPDX-License-Identifier: GPL-2.0-or-later
"""Every example in README.md and docs/ is what happens.

The examples of a page are run in order, in one folder and on one store, at NOW by anna@desk:
``console`` as ``pages`` says; ``sh`` by a shell; ``yaml`` must pass check, and where its first row
is ``# NAME.yaml`` it is that file for what follows. What a number has may stand without its file.
All else is named in ELSEWHERE with the test that proves it.
"""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kemi_routing import call_record, plan_codec, trail
from kemi_routing.call_record import Arrival
from kemi_routing.model import Outcome
from kemi_routing.plan import Account, Plan, Planned, PlannedStep
from kemi_routing.targets import parse
from provisioning import columns, shape
from provisioning.storage import Storage
from tests.provisioning import pages
from tests.provisioning.commands import WORDS, options
from tests.provisioning.conftest import EXAMPLES, LOADED, ROOT, Followme, Write
from tests.provisioning.pages import PAGES, Block, blocks
from tests.provisioning.test_calls import Calls
from tests.support.builders import call
from tests.support.redis_server import RedisServer

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""A Monday morning in Prague."""
FROM_NOTHING = {"README.md", "first-day.md"}
"""Pages that write their own numbers; the others begin with the examples."""
ELSEWHERE = {
    "$ script/demo": "script/matrix",
    "# /opt/followme": "tests/contract/test_unit.py",
    "route callid=": "tests/e2e/log_lines",
    "if (is_method": "tests/contract/test_beside.py",
    "subscriber;permissions": "tests/provisioning/test_documents.py",
    '{"subscriber"': "tests/provisioning/test_documents.py",
    "$ script/followme export acme --as csv": "tests/provisioning/test_documents.py",
    "number,from,at": "tests/provisioning/test_past_calls.py",
    "ACL SETUSER edge": "tests/provisioning/test_doctor_store.py",
}
"""How an example begins that is proved by a test of its own, and where: it needs a machine or a
network, or more words than a page has.
"""
FRAME = """\
organisation: acme
time_zone: Europe/Prague
calendars: {cz: {country: CZ}}
subscribers:
  jana:
    permissions: [voicemail, forward_external]
    lines: {desk: {password: blue-kettle-7391}}
    numbers:
      42027777101:
"""
"""Where settings of a number stand."""
FREEPBX = ("extension,secret,findmefollow_strategy,findmefollow_grptime,findmefollow_enabled,"
           "findmefollow_grplist,accountcode\n"
           "201,blue-kettle-7,hunt-prim,20,yes,201-737231010#,x\n")
PAGE = (ROOT / "docs/operators.md").read_text()
TABLES = PAGE.partition("\n## Tables and JSON lines\n")[2].partition("\n## ")[0]


def is_of_a_number(block: Block) -> bool:
    """Whether it shows what a number has, without the file around it."""
    keys = re.findall(r"^(\w+):", block.text, re.MULTILINE)
    return block.language == "yaml" and set(keys) <= shape.Number.model_fields.keys()


def framed(block: Block) -> str:
    """The file with a number that has this."""
    return FRAME + re.sub("^", " " * 8, block.text.rstrip(), flags=re.MULTILINE) + "\n"


class Stage:
    """What the pages have at hand: a folder with our files in it, and an empty store."""

    def __init__(self, folder: Path, followme: Followme, url: str) -> None:
        self._folder, self._followme, self._url = folder, followme, url
        for name in ("provisioning", "script", "tests"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "extensions.csv").write_text(FREEPBX)
        shutil.copy(ROOT / "tests/provisioning/refused/bad.yaml", folder)

    def play(self, block: Block) -> None:
        """Raises where a block tells a lie."""
        if any(block.text.startswith(one) for one in ELSEWHERE):
            return
        match block.language:
            case "console":
                pages.check(block)
            case "yaml":
                self._check(block)
            case "sh":
                self._source(block)
            case _:
                pytest.fail(f"{block}: nothing runs a block of {block.language!r}; name it in "
                            "ELSEWHERE with the test that does")

    def _check(self, block: Block) -> None:
        name = re.match(r"# (\S+\.yaml)\n", block.text)
        path = self._folder / (name[1] if name else "block.yaml")
        text, beside = block.text, []
        if is_of_a_number(block):
            text, beside = framed(block), [EXAMPLES / "operator" / "network.yaml"]
        if path.resolve().is_relative_to(ROOT):
            assert path.read_text() == text.partition("\n")[2], f"{block}: {name} is another one"
        else:
            path.write_text(text)
        ran = self._followme("check", path, *beside)
        assert ran.code == 0, f"{block}: {ran.err}"

    def _source(self, block: Block) -> None:
        """As if the checkout were installed."""
        (self._folder / "settings").write_text(f"FOLLOWME_REDIS={self._url}\n")
        text = block.text.replace("/opt/followme", str(ROOT)).replace(
            "/etc/default/followme", "settings")
        ran = subprocess.run(["bash", "-euc", f"{text}complete -p followme; followme show"],
                             capture_output=True, text=True, check=False, timeout=60)
        assert (ran.returncode, ran.stderr) == (0, ""), f"{block}: {ran.stderr}"

    def a_call(self) -> None:
        """The call of which the pages tell: two phones did not take it, the third one did."""
        texts = (("line jana-desk", 20, "desk"), ("49115234567", 30, "office"),
                 ("42073723101", 20, "mobile"))
        steps = [Planned(parse(text), ring, why=f"step {index} of working_hours", label=label)
                 for index, (text, ring, label) in enumerate(texts, 1)]
        plan = Plan((Account("42027777101", "acme/jana"),),
                    (PlannedStep((steps[0],), 1), PlannedStep((steps[1],), 1),
                     PlannedStep((steps[2],))), revision=1, rule="window mon-fri 08:00-18:00")
        begin = call_record.epoch_ms(datetime(2026, 11, 23, 9, 0, 0, 123000, tzinfo=UTC))
        state = replace(plan_codec.begin(plan), received_ms=begin)
        tried = ((0, 20_000, 0, Outcome.NO_ANSWER), (20_000, 20_900, 486, Outcome.BUSY))
        for index, (sent, over, status, outcome) in enumerate(tried):
            told = trail.step(index, sent) + (trail.hops(["192.0.2.40:5060"]) if index else "")
            state = replace(state.jump_to(index, told), branches=(-1,) * index + (0,)).with_outcome(
                index, outcome, trail.ended(index, over, status, str(outcome))).step_over()
        told = trail.step(2, 20_900) + trail.hops(["192.0.2.40:5060"])
        state = replace(state.jump_to(2, told + trail.answered(2, 29_300, 200)),
                        branches=(-1, -1, 0))
        rang = trail.rang(0, 100) + trail.rang(1, 20_300) + trail.rang(2, 23_000)
        came = Arrival(call(ani="42075553333"), "1-3502@192.0.2.20", begin, "42027777101",
                       "trunk carrier")
        Calls(self._url).put("1-3502@192.0.2.20", call_record.decided(came, plan),
                             call_record.ended(state, 200, 29_300, rang),
                             call_record.hung_up(begin + 90_500, "caller"))


@pytest.fixture
def stage(followme: Followme, storage: Storage, redis_server: RedisServer, tmp_path: Path,
          monkeypatch: pytest.MonkeyPatch) -> Stage:
    """On an empty store."""
    storage.client.flushall()
    monkeypatch.setattr("provisioning.desk.clock", lambda: NOW)
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    monkeypatch.setenv("SUDO_USER", "anna")
    monkeypatch.chdir(tmp_path)
    return Stage(tmp_path, followme, redis_server.url)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_of_a_page_is_what_happens(
        stage: Stage, followme: Followme, page: Path) -> None:
    if page.name not in FROM_NOTHING:
        network = EXAMPLES / "operator" / "network.yaml"
        assert followme("apply", "--yes", network, *LOADED).code == 0
    stage.a_call()
    for block in blocks(page):
        stage.play(block)


RECIPES = [block for block in blocks(ROOT / "docs/subscribers.md") if is_of_a_number(block)]
FAMILY, NUISANCE, OTHER = "42060123456", "42075550123", "42075553333"
MONDAY, EVENING, SUNDAY = "2026-11-23 10:00", "2026-11-23 21:59", "2026-11-22 10:00"


@pytest.mark.parametrize(("recipe", "asked", "rings"), [
    (0, (OTHER, MONDAY), "desk 20, mobile 20, voicemail"),
    (1, (OTHER, MONDAY), "desk 30 + mobile 25 after 5 press 1, voicemail"),
    (2, (OTHER, MONDAY), "desk 25, voicemail"),
    (2, (OTHER, EVENING), "mobile 20, voicemail"),
    (2, (OTHER, SUNDAY), "voicemail"),
    (3, (OTHER, MONDAY), "desk 25, voicemail"),
    (3, (OTHER, "2026-12-24 10:00"), "voicemail"),
    (3, (OTHER, "2027-08-15 23:59"), "colleague 30, voicemail"),
    (3, (OTHER, "2027-08-16 00:00"), "desk 25, voicemail"),
    (4, (OTHER, MONDAY), "desk 25 busy: 2, colleague 30, voicemail"),
    (5, (OTHER, MONDAY), "desk 25, voicemail"),
    (5, (NUISANCE, MONDAY), "603"),
    (5, ("anonymous", MONDAY), "voicemail"),
    (5, (FAMILY, SUNDAY), "mobile 20, voicemail"),
])
def test_a_recipe_does_what_the_page_says(
        followme: Followme, write: Write, recipe: int, asked: tuple[str, str], rings: str) -> None:
    caller, at = asked
    path = write("a.yaml", framed(RECIPES[recipe]))
    assert followme("apply", "--yes", path, EXAMPLES / "operator" / "network.yaml").code == 0
    ran = followme("explain", "42027777101", "--from", caller, "--at", at, "-F", "json")
    assert rung(json.loads(ran.out)) == rings


def rung(explained: dict[str, Any]) -> str:
    """Who rings for how long, in order."""
    names = {"42073723101": "mobile", "49115234567": "colleague", "": "voicemail"}

    def one(target: dict[str, Any]) -> str:
        name = names.get(target["address"], target["address"])
        return " ".join([
            name, *([str(target["ring_s"])] if target["address"] else []),
            *([f"after {target['delay_s']}"] if target["delay_s"] else []),
            *(["press 1"] if target["confirm"] else [])])
    return ", ".join(" + ".join(map(one, step["targets"])) + "".join(
        f" {outcome}: {then}" for outcome, then in step["on"].items())
        for step in explained["steps"]) or str(explained["end"]["otherwise"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_one(page: Path) -> None:
    named = re.findall(r"`(?:script/)?followme ([a-z][^`]*)`", page.read_text().replace("\n", " "))
    for told in named:
        words = next((one for one in WORDS if f"{told} ".startswith(f"{one} ")), "")
        assert words or told == "import", told
        assert set(re.findall(r"(?<=\s)--?[a-zA-Z][a-z-]*", told)) <= options(words), told


def test_the_table_of_commands_gives_each_the_options_that_it_has() -> None:
    table = (ROOT / "README.md").read_text().partition("| Command | What |\n| --- | --- |\n")[2]
    for row in table.partition("\n\n")[0].splitlines():
        words = [one for one in WORDS if re.search(rf"`{one}[ `]", row.split(" | ")[0])]
        told = set(re.findall(r"(?<=[` ])--?[a-zA-Z][a-z-]*", row))
        assert words, row
        assert told <= set().union(*map(options, words)), row


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for name, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        there = page.parent / name if name else page
        assert there.exists(), name
        assert not anchor or anchor in anchors(there), f"{name}#{anchor}"


def test_each_example_that_is_run_elsewhere_is_on_a_page() -> None:
    texts = [block.text for page in PAGES for block in blocks(page)]
    assert [one for one in ELSEWHERE if not any(text.startswith(one) for text in texts)] == []
    assert [place for place in ELSEWHERE.values() if not (ROOT / place).exists()] == []


@pytest.mark.parametrize(("block", "said"), [
    ("```console\n$ followme check nowhere.yaml\nno errors\n```\n", "page.md:1: $ followme check"),
    ("```console\n$ followme schema\n```\n", "-- printed:"),
    ("```yaml\nmode: loud\n```\n", "there is no mode 'loud'"),
    ("```yaml\ntrunks: 7\n```\n", "page.md:1: "),
    ("```sh\nfalse\n```\n", "page.md:1: "),
    ("```\nrm\n```\n", "nothing runs a block of ''"),
])
def test_an_example_that_lies_is_told(stage: Stage, tmp_path: Path, block: str, said: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(block)
    with pytest.raises((pytest.fail.Exception, AssertionError), match=re.escape(said)):
        stage.play(*blocks(page))


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
    command, *said = example(TABLES, "console").splitlines()
    exported = followme(*command.split()[2:]).out
    assert re.sub("[0-9a-f]{32} [0-9a-f]{64}", "…", exported).splitlines() == said


def test_every_column_is_told(followme: Followme) -> None:
    told = set(re.findall(r"`(\w+)`", TABLES))
    assert {key for key in columns.KEYS if not key.endswith("_1")} - told == set()


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


def test_a_mapping_that_cannot_be_is_answered_in_words(followme: Followme) -> None:
    ran = followme("check", "x.csv", "--map", "Phone")
    assert (ran.code, ran.err.startswith("followme: 'Phone': write THEIRS=OURS")) == (1, True)
