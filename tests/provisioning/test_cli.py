# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands as a person or a program meets them."""

import json
import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kemi_routing.packed import VERSION
from kemi_routing.redis import keys
from provisioning import cli, output
from provisioning.storage import Storage
from tests.provisioning.conftest import EXAMPLES, LOADED, ROOT, Followme
from tests.support.redis_server import RedisServer

OFFICE = EXAMPLES / "office.yaml"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(OFFICE.read_text().replace("49115234567", "0049115234567"))
    return path


@pytest.mark.parametrize(("arguments", "words"), [
    pytest.param([], "Usage: followme", id="no command"),
    pytest.param(["aply"], "No such command 'aply'", id="a mistyped command"),
    pytest.param(["check"], "Missing argument 'FILES...'", id="no file"),
    pytest.param(["check", "nobody.yaml"], "nobody.yaml:1:1: the file cannot be read", id="file"),
    pytest.param(["check", "tests"], "tests:1:1: the file cannot be read: Is a directory",
                 id="a folder"),
    pytest.param(["check", "-F", "xml", str(OFFICE)], "'xml' is not one of", id="form"),
    pytest.param(["explain"], "explain needs the NUMBER that is dialled", id="no number"),
    pytest.param(["explain", "00420277"], "dialling prefix 00", id="a dialling prefix"),
    pytest.param(["explain", "42027777101", "--from", "me"], "'me' is not a telephone number",
                 id="no caller"),
    pytest.param(["explain", "42027777101", "--at", "soon"], "'soon' is not a time", id="time"),
    pytest.param(["explain", "42027777101", "--via", "lobby"],
                 "'lobby' is neither the address of a trunk nor a line", id="an unknown line"),
    pytest.param(["explain", "--check", "nowhere.yaml"], "the file cannot be read", id="cases"),
    pytest.param(["explain", "--check", "docs"], "there are no cases in docs", id="no cases"),
    pytest.param(["show", "42027777109"], "42027777109: nobody owns this number", id="show"),
    pytest.param(["remove", "42027777109"], "42027777109: nobody owns this number", id="remove"),
    pytest.param(["remove", "42027777101"], "give --yes to write 2 changes", id="nobody to ask"),
    pytest.param(["show", "--redis", "http://localhost"],
                 "http://localhost is not the address of a store; write unix:///", id="address"),
    pytest.param(["show", "--redis", "redis://user:hush@127.0.0.1:1/0"],
                 "the store redis://***@127.0.0.1:1/0 does not answer", id="nobody listens"),
    pytest.param(["explain", "42027777101", "--redis", "unix:///nowhere.sock"],
                 "the store unix:///nowhere.sock does not answer", id="no socket"),
])
def test_a_mistake_is_answered_in_words_and_ends_with_1(
        loaded: Followme, arguments: list[str], words: str) -> None:
    ran = loaded(*arguments)
    assert ran.code == 1
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert "hush" not in ran.err


@pytest.mark.parametrize(("arguments", "errors"), [
    pytest.param(["check"], ["followme: Missing argument 'FILES...'."], id="no file"),
    pytest.param(["explain", "42027777101", "--at", "9"], [
        "followme: '9' is not a time; write 09:30, tomorrow 09:30, yesterday, mon 09:30, "
        "2026-11-23 09:30, or with an offset 2026-11-23T09:30+01:00"], id="no time"),
    pytest.param(["show", "42027777109"], ["followme: 42027777109: nobody owns this number"],
                 id="nobody's"),
    pytest.param(["check", "nobody.yaml"], [
        "nobody.yaml:1:1: the file cannot be read: No such file or directory", "1 error"],
                 id="a file"),
    pytest.param(["explain", "--check", "provisioning/examples/team.yaml"], [
        "provisioning/examples/team.yaml:4:1: this is a file of numbers; a file of cases names it:"
        "  numbers: team.yaml", "1 error"], id="a file of cases"),
])
def test_an_error_begins_with_its_place_in_a_file_or_with_followme(
        followme: Followme, arguments: list[str], errors: list[str]) -> None:
    ran = followme(*arguments)
    assert (ran.code, ran.out, ran.told) == (1, "", errors)


def test_the_version_is_that_of_the_project(followme: Followme) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ran = followme("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"followme {project['version']}\n", "")


@pytest.mark.parametrize(("arguments", "left"), [
    (("--help",), {"redis", "pydantic", "phonenumbers"}), (("aply",), {"redis", "pydantic"}),
    *(((command, "42027777101"), {"pydantic", "holidays", "provisioning.doctor"})
      for command in ("show", "explain", "week", "flow", "history", "override")),
    (("diff", "@yesterday"), {"pydantic"}),
])
def test_a_command_loads_no_package_that_it_does_not_need(
        loaded: Followme, arguments: tuple[str, ...], left: set[str]) -> None:
    assert loaded(*arguments).code == int(arguments == ("aply",))
    run = "import sys; from provisioning.cli import main; main(sys.argv[1:]); " \
          "print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", run, *arguments], cwd=ROOT, capture_output=True,
                         text=True, check=True, timeout=60)
    assert left & set(ran.stdout.splitlines()[-1].split()) == set()


def test_an_operators_mistake_names_the_variable(
        followme: Followme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOWME_EDGE_PROXIES", "sbc")
    ran = followme("show")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("followme: FOLLOWME_EDGE_PROXIES: 'sbc'; write addresses")


def test_a_store_that_hangs_is_not_waited_for(loaded: Followme, redis_server: RedisServer) -> None:
    redis_server.freeze()
    try:
        ran = loaded("explain", "42027777101")
    finally:
        redis_server.thaw()
    assert ran.code == 1
    assert "does not answer" in ran.err


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_an_error_has_a_form_for_programs(followme: Followme, form: str) -> None:
    ran = followme("show", "42027777109", "-F", form)
    assert (ran.code, ran.err) == (1, "")
    assert read(ran.out) == {"error": "42027777109: nobody owns this number"}


def read(text: str) -> Any:
    """JSON is YAML as well."""
    return YAML(typ="safe", pure=True).load(text)


def test_check_lists_what_is_in_the_files(followme: Followme) -> None:
    ran = followme("check", *LOADED)
    assert (ran.code, ran.out.splitlines()) == (0, [
        "number       owner             mode                    aliases      windows  "
        "holidays until  longest setup s",
        "42027777101  acme/jana         forward_then_voicemail               2        "
        "                70             ",
        "42027777100  novak/petr        forward_then_voicemail  42073723123  0        "
        "                20             ",
        "42027777102  workshop/service  forward_only                         0        "
        "                35             ",
        "no errors, 7 warnings, 1 note"])
    assert ran.err.splitlines()[3:6] == [
        f"{OFFICE}:12:7: warning: 42027777101 looks too short for a number of country code 420; "
        "it is taken as it stands",
        "    42027777101:",
        "    ^"]


def test_check_says_errors_and_how_many(followme: Followme, bad: Path) -> None:
    ran = followme("check", bad)
    assert (ran.code, ran.out, ran.err.splitlines()) == (1, "", [
        f"{bad}:20:20: 0049115234567 starts with the dialling prefix 00; write 49115234567",
        "    - {to: 0049115234567, ring: 30, label: office}",
        "           ^",
        "1 error"])


def test_check_for_programs(followme: Followme, bad: Path) -> None:
    ran = followme("check", "-F", "json", bad)
    assert (ran.code, ran.err) == (1, "")
    found = json.loads(ran.out)
    assert found["errors"] == [{
        "file": str(bad), "line": 20, "column": 20,
        "text": "0049115234567 starts with the dialling prefix 00; write 49115234567",
        "source": "            - {to: 0049115234567, ring: 30, label: office}"}]
    assert found["numbers"] == []
    good = json.loads(followme("check", "-F", "json", EXAMPLES / "second-number.yaml").out)
    assert good["errors"] == []
    assert {one["line"] for one in good["warnings"]} == {10, 11, 16}
    assert good["numbers"] == [{
        "number": "42027777100", "owner": "novak/petr", "mode": "forward_then_voicemail",
        "aliases": ["42073723123"], "windows": 0, "holidays_until": "", "longest_setup_s": 20}]


def test_apply_says_what_it_wrote(followme: Followme) -> None:
    ran = followme("apply", "--yes", OFFICE)
    assert (ran.code, ran.things, ran.err) == (0, [
        "number 42027777101 of acme/jana: new",
        "line jana-desk of acme/jana: new",
        "organisation acme: new",
        "3 changes written"], "3 warnings, see followme check\n")


def test_apply_for_programs(followme: Followme, bad: Path) -> None:
    written = json.loads(followme("apply", "--yes", "-F", "json", OFFICE).out)
    assert written == {
        "changes": [
            {"kind": "number", "name": "42027777101", "owner": "acme/jana", "result": "new",
             "revision": 1, "what": [
                 "mode forward_then_voicemail",
                 "mon-fri 08:00-18:00 leads to working_hours",
                 "fri,sat 22:00-04:00 leads to on_call",
                 "sequence working_hours: desk (line jana-desk) 20 s, then office (49115234567) "
                 "30 s, then mobile (42073723101) 20 s",
                 "sequence on_call: mobile (42073723101) 20 s"]},
            {"kind": "line", "name": "jana-desk", "owner": "acme/jana", "result": "new",
             "revision": None, "what": []},
            {"kind": "organisation", "name": "acme", "owner": "acme", "result": "new",
             "revision": 1, "what": []}],
        "brakes": [], "refused": [], "warnings": []}
    ran = followme("apply", "-F", "json", bad)
    assert (ran.code, ran.err, len(json.loads(ran.out)["errors"])) == (1, "", 1)


@pytest.mark.parametrize(("answer", "code", "last"), [
    pytest.param("y\n", 0, "3 changes written", id="yes"),
    pytest.param("n\n", 1, "followme: stopped", id="no"),
    pytest.param("\n", 1, "followme: stopped", id="nothing"),
])
def test_on_a_terminal_apply_asks(storage: Storage, redis_server: RedisServer, answer: str,
                                  code: int, last: str) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, answer.encode())
    ran = subprocess.run(
        [ROOT / "script" / "followme", "apply", "--redis", redis_server.url, OFFICE],
        stdin=terminal, capture_output=True, text=True, check=False, timeout=60)
    os.close(terminal)
    os.close(keyboard)
    assert ran.returncode == code
    _, asked, told = (ran.stderr + ran.stdout).partition("Write 3 changes? [y/N]: ")
    assert asked
    assert told.splitlines()[-1] == last
    assert bool(list(storage.owners())) == (code == 0)


def test_show_lists_all_numbers(loaded: Followme) -> None:
    ran = loaded("show")
    assert (ran.code, [line.split()[0] for line in ran.out.splitlines()]) == (
        0, ["number", "42027777101", "42027777100", "42027777102"])


def test_show_of_an_empty_store(followme: Followme) -> None:
    assert followme("show").out == "there are no numbers\n"
    assert json.loads(followme("show", "-F", "json").out) == []


def test_show_of_a_number(loaded: Followme) -> None:
    assert loaded("show", "+420 277 771 00").out == """\
42027777100 of novak/petr, revision 1
time zone    Europe/Prague
permissions  voicemail, forward_external
lines        none
forwards to  42073723123

"+420 277 771 00":
  aliases: [42073723123@pstn]
  mode: forward_then_voicemail
  default: mobile
  sequences:
    mobile:
      - {to: "+420 737 231 23", ring: 20, label: mobile}
"""


def test_show_gives_back_what_was_written(loaded: Followme) -> None:
    written = read(OFFICE.read_text())["subscribers"]["jana"]["numbers"]
    assert read(loaded("show", "42027777101", "-F", "yaml").out) == written


def shown_target(to: str) -> dict[str, object]:
    return {"to": to, "ring_s": 20, "delay_s": 0, "confirm": False, "label": ""}


def test_show_for_programs(loaded: Followme) -> None:
    shown = json.loads(loaded("show", "42027777102", "-F", "json").out)
    assert shown == {
        "number": "42027777102", "owner": "workshop/service", "revision": 1,
        "time_zone": "Europe/Prague", "permissions": ["voicemail", "forward_external"],
        "classes": [], "max_calls": None, "max_calls_per_hour": None, "redirects": "ignore",
        "aliases": [],
        "lines": [{"name": "bench-one", "max_phones": 3}, {"name": "bench-two", "max_phones": 3},
                  {"name": "back-office", "max_phones": 1}],
        "mode": "forward_only", "ring_s": 20, "cli": "personal number",
        "mailbox": "pin_unless_trusted", "screening": [], "callers": [], "on": {},
        "schedule": [], "holidays": [], "overrides": [], "last_caller": None,
        "default": "everybody",
        "sequences": {"everybody": {"mode": None, "on": {}, "steps": [
            [shown_target("line bench-one"), shown_target("line bench-two")],
            [shown_target("line back-office") | {"ring_s": 15}]]}}}
    assert json.loads(loaded("show", "42027777101", "-F", "json").out)["schedule"] == [
        {"days": "mon-fri", "from": "08:00", "to": "18:00", "sequence": "working_hours"},
        {"days": "fri,sat", "from": "22:00", "to": "04:00", "sequence": "on_call"}]


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_show_masks_the_password_of_an_iax_target(
        followme: Followme, tmp_path: Path, form: str) -> None:
    path = tmp_path / "iax.yaml"
    path.write_text("organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n    numbers:\n"
                    "      12125550123:\n        sequences:\n"
                    "          all: [{to: IAX2/jana:hush@pbx.example.net/100}]\n")
    assert followme("apply", "--yes", path).code == 0
    shown = followme("show", "12125550123", "-F", form).out
    assert "IAX2/jana:***@pbx.example.net/100" in shown
    assert "hush" not in shown


def test_show_of_a_broken_record(loaded: Followme, storage: Storage) -> None:
    storage.client.set(keys.number("42027777101"), bytes([VERSION, 0x90]))
    assert loaded("show", "42027777101").err == (
        "followme: 42027777101: its record cannot be read\n")
    listed = loaded("show")
    assert ("42027777101" in listed.out, listed.code) == (False, 1)
    assert listed.err == (
        "followme: 1 number cannot be read (42027777101); apply their files again\n")
    assert "its record cannot be read; apply its file first" in (
        loaded("remove", "--yes", "42027777101").err)
    assert "fm:1:number:{42027777101}: 0 fields instead of 20" in (
        loaded("explain", "42027777101").err)


def test_no_color_is_obeyed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                            ) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    output.table(["number"], [["42"]])
    assert "\x1b[36m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    output.table(["number"], [["42"]])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("command", ["show", "override", "remove"])
def test_an_extension_is_asked_for_with_its_organisation(followme: Followme, command: str) -> None:
    ran = followme(command, "201")
    assert (ran.code, ran.err) == (
        1, "followme: 201 is an extension; write it with its organisation: acme/201\n")


def test_the_overview_has_a_row_for_each_command(followme: Followme) -> None:
    rows = followme("--help").out.splitlines()
    for names in cli.OVERVIEW.values():
        for name, (_, sentence) in names.items():
            assert [row.split(maxsplit=1)[1] for row in rows if row.startswith(f"  {name} ")] == [
                sentence]


def test_an_option_before_its_command_is_told_where_it_stands(followme: Followme) -> None:
    ran = followme("--redis", "redis://127.0.0.1:1/0", "show")
    assert (ran.code, ran.err) == (1, "followme: No such option '--redis'; options stand behind "
                                      "the command: followme COMMAND --redis\n")


def test_a_column_is_named_as_it_is_written(followme: Followme, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text("subscriber,number,Time  Zones\nu1,201,x\n")
    assert ("theirs.csv:1:19: there is no column 'Time  Zones'; did you mean time_zone? or  "
            "--map 'Time  Zones'=KEY") in followme("check", path).err


def test_of_many_warnings_and_notes_some_are_shown(followme: Followme, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    rows = "".join(f"acme,Europe/Prague,u{index},{201 + index},+49115234567 & 49115{index:06}\n"
                   for index in range(150))
    path.write_text(f"organisation,time_zone,subscriber,number,to_1\n{rows}")
    ran = followme("check", path)
    words = [line.split(": ")[1] for line in ran.err.splitlines() if "many.csv:" in line]
    assert words.count("warning") == 100
    assert "more warnings; -F json tells them all" in ran.err
    assert len(json.loads(followme("check", path, "-F", "json").out)["warnings"]) > 150


@pytest.mark.parametrize("command", [
    ("check", "{}"), ("explain", "--check", "{}"), ("plan", "{}"), ("show", "-c", "{}"),
    ("export", "-o", "{}"),
    ("import", "freepbx", "{}", "--organisation", "acme", "--time-zone", "UTC"),
    ("import", "freepbx", "phones.csv", "--organisation", "acme", "--time-zone", "UTC",
     "-o", "{}"),
], ids=" ".join)
def test_a_name_that_no_file_can_have_is_refused_in_words(
        loaded: Followme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        command: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("phones.csv").write_text("extension,secret\n201,blue-kettle-7\n")
    ran = loaded(*(word.format("x" * 300) for word in command))
    assert (ran.code, "File name too long" in ran.err) == (1, True)
