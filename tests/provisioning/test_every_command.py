# SPDX-License-Identifier: GPL-2.0-or-later
"""What holds for every command; a new one gets a row in ``commands.WORK``, and no more."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from provisioning.storage import Storage
from tests.provisioning.commands import COMMANDS, EDITED, WORDS, WORK, make_ready, options
from tests.provisioning.conftest import EXAMPLES, LOADED, ROOT, Followme, dump
from tests.provisioning.test_calls import JANA, Calls
from tests.support.loopback import wait_until
from tests.support.redis_server import RedisServer

FORMS = ("table", "json", "yaml")
FOUND_CHANGES = {"plan", "drift"}
STORELESS = {"check", "schema", "doctor", "import freepbx", "import sipxpbx"}


@pytest.fixture
def ready(followme: Followme, redis_server: RedisServer, tmp_path: Path,
          monkeypatch: pytest.MonkeyPatch) -> Followme:
    """Runs a command with what ``WORK`` needs: jana's number is there in two revisions."""
    older = tmp_path / "older.yaml"
    older.write_text((EXAMPLES / "office.yaml").read_text().replace("ring: 30", "ring: 29"))
    for files in ([older], LOADED):
        assert followme("apply", "--yes", *files).code == 0
    make_ready(tmp_path, Calls(redis_server.url))
    monkeypatch.chdir(tmp_path)
    return followme


def read(text: str, form: str) -> Any:
    """What a program gets; raises where it is not one document of that form."""
    return json.loads(text) if form == "json" else YAML(typ="safe", pure=True).load(text)


def test_every_command_has_a_row() -> None:
    assert sorted(WORK) == WORDS


@pytest.mark.parametrize("words", WORDS)
def test_every_command_is_in_the_table_of_the_readme(words: str) -> None:
    assert re.search(rf"^\| .*`{words}[ `].* \|", (ROOT / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("words", WORDS)
def test_every_command_has_the_common_options(words: str) -> None:
    assert options(words) >= {"-F", "-c", "-d", "--redis"}
    assert "form" in {one.name for one in COMMANDS[words].params}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("words", WORDS)
def test_results_have_the_form_asked_for(ready: Followme, words: str, form: str) -> None:
    ran = ready(*words.split(), *WORK[words], "-F", form)
    assert ran.code in {2 * (words in FOUND_CHANGES), int(words == "doctor")}
    if form != "table":
        assert (read(ran.out, form) is not None, ran.err) == (True, "")
    assert "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("words", WORDS)
def test_wrong_usage_is_answered_in_the_form_asked_for(
        followme: Followme, words: str, form: str) -> None:
    needed = [one for one in COMMANDS[words].params if one.required]
    for wrong in (["--no-such"], ["-F"], ["--redis"], *([[]] if needed else []),
                  *([] if any(one.nargs < 0 for one in needed) else [["1"] * 9])):
        ran = followme(*words.split(), f"-F{form}", *wrong)
        assert ran.code == 1
        if form == "table":
            assert (ran.out, ran.err.startswith("followme: ")) == ("", True)
        else:
            assert (list(read(ran.out, form)), ran.err) == (["error"], "")


@pytest.mark.parametrize("words", WORDS)
def test_settings_that_cannot_be_read_are_an_error_of_that_form(
        ready: Followme, tmp_path: Path, words: str) -> None:
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / EDITED / "below"):
        ran = ready(*words.split(), *WORK[words], "-c", path, "-F", "json")
        assert ran.code == 1
        assert read(ran.out, "json")["error"].startswith(f"{path} cannot be read: ")


@pytest.mark.parametrize("words", WORDS)
def test_help_is_no_error(followme: Followme, words: str) -> None:
    ran = followme(*words.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()[2].strip()) > 1


@pytest.mark.parametrize("words", WORDS)
def test_what_writes_has_a_dry_run(ready: Followme, storage: Storage, words: str) -> None:
    before, command = dump(storage), (*words.split(), *WORK[words])
    if "--dry-run" in options(words):
        ran = ready(*command, "--dry-run")
        assert (ran.code, dump(storage)) == (0, before)
        assert ran.out
    ready(*command)
    assert (dump(storage) != before) == ("--dry-run" in options(words))


@pytest.mark.parametrize("words", WORDS)
def test_no_color_is_obeyed(ready: Followme, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """https://no-color.org; a terminal is pretended."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    ran = ready(*words.split(), *WORK[words])
    assert not re.search(r"\x1b\[[0-9;]*m", ran.out + ran.err)


@contextmanager
def troubled(trouble: str, storage: Storage, server: RedisServer) -> Iterator[str]:
    """The address of the store, in that trouble."""
    client, path = storage.client, server.socket_path
    urls = {"down": f"unix://{path}.not", "no password": server.url,
            "wrong password": f"unix://poor:wrong@{path}", "no right": f"unix://poor:x@{path}"}
    settings_of = {"no password": ("requirepass", "x", ""), "full": ("maxmemory", "1", "0")}
    try:
        if trouble in settings_of:
            client.config_set(*settings_of[trouble][:2])
        if trouble == "a replica":
            client.replicaof("127.0.0.1", "1")
        if trouble == "no right":
            client.acl_setuser("poor", enabled=True, passwords=["+x"], commands=["+select"])
        yield urls.get(trouble, server.url)
    finally:
        client.replicaof("NO", "ONE")
        for name, _, usual in settings_of.values():
            client.config_set(name, usual)
        client.acl_deluser("poor")


WRITERS = {words for words in WORDS if "--dry-run" in options(words)}
READERS = set(WORDS) - STORELESS


@pytest.mark.parametrize("case", [
    ("down", "does not answer: ", READERS),
    ("no password", "refuses: Authentication required.", READERS),
    ("wrong password", "refuses: invalid username-password pair or user is disabled.", READERS),
    ("no right", "refuses: this user has no permissions to run ", READERS),
    ("a replica", "refuses: You can't write against a read only replica", WRITERS),
    ("full", "refuses: command not allowed when used memory > 'maxmemory'",
     WRITERS - {"calls"}),  # which only erases
], ids=lambda case: str(case[0]))
def test_a_store_in_trouble_is_named(
        ready: Followme, storage: Storage, redis_server: RedisServer,
        case: tuple[str, str, set[str]]) -> None:
    """What is wrong, what is said of it, and by which commands."""
    trouble, said, concerned = case
    for words in sorted(concerned):
        with troubled(trouble, storage, redis_server) as url:
            ran = ready(*words.split(), *WORK[words], "-F", "json", "--redis", url)
        assert (ran.code, ran.err) == (1, "")
        error = read(ran.out, "json")["error"]
        assert re.match(rf"the store unix://\S+ {re.escape(said)}", error), (words, error)


ODD = st.sampled_from([
    "", " ", "-", "--", "-1", "0", "+", "@", "@3", "@yesterday", "NaN", "1e9", "soon", "99" * 40,
    JANA, f"{JANA}@", f"{JANA}@2", f"{JANA}@soon", "0049115234567", "acme/201", "acme/", "network",
    "2026-13-45", "0001-01-01", "9999-12-31 23:59", "25:99", "2026-11-23T10:00+99:00", "%s{}",
    "next window", "9" * 12 + " hours", "line x", "sip:x@[::1", "192.0.2.20", "a=b", "=", "é→",
    "\udcff", "\x1b[31m", "x" * 300, "on_call", EDITED, "nowhere.yaml", "nowhere.plan", "x.plan",
    "x.csv", "docs",
    f"{EDITED}/below", "/proc/self/mem", "/dev/null", "country=1", "acme", "Europe/Prague", "y",
])


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A command, some of its options and any arguments."""
    words = draw(st.sampled_from(WORDS))
    written = list(words.split())
    for one in draw(st.lists(st.sampled_from(COMMANDS[words].params), max_size=4)):
        flag = getattr(one, "is_flag", False)
        written += [*one.opts[:1]] if flag else [] if one.param_type_name == "argument" else [
            one.opts[0], draw(ODD)]
    return words, [*written, *draw(st.lists(ODD, max_size=3))]


@settings(max_examples=200, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=command_lines())
def test_no_command_line_is_answered_with_a_traceback(
        ready: Followme, line: tuple[str, list[str]]) -> None:
    words, arguments = line
    ran = ready(*arguments)
    assert ran.code in ({0, 1, 2} if words in FOUND_CHANGES else {0, 1})
    if ran.code == 1 and not ran.out:
        assert ran.err


def started(*command: str, **more: Any) -> subprocess.Popen[str]:
    """With Ctrl-C as on a terminal: what runs in the background inherits none."""
    return subprocess.Popen(
        ["env", "--default-signal=INT", ROOT / "script" / "followme", *command], text=True,
        stderr=subprocess.PIPE, **more)


@pytest.mark.parametrize("command", [("schema",), ("show",), ("show", JANA, "-F", "json")],
                         ids=" ".join)
def test_a_full_disk_and_a_reader_that_goes_are_no_bug(
        loaded: Followme, redis_server: RedisServer, command: tuple[str, ...]) -> None:
    assert loaded("show").code == 0
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    for sink, said in ((writing, ""), (full, "followme: the output cannot be written: "
                                             "No space left on device\n")):
        process = started(*command, "--redis", redis_server.url, stdout=sink)
        os.close(sink)
        assert (process.communicate(timeout=60)[1], process.returncode) == (said, 1)


@pytest.mark.parametrize(("closed", "code", "said"), [
    ("<&-", 1, "followme: there is nobody to ask; give --yes to write 5 changes\n"),
    (">&- 2>&- <&- --yes", 0, ""),
])
def test_what_is_closed_is_done_without(
        storage: Storage, redis_server: RedisServer, closed: str, code: int, said: str) -> None:
    assert not list(storage.owners())
    path = EXAMPLES / "team.yaml"
    ran = subprocess.run(["bash", "-c", f"exec {ROOT}/script/followme apply {path} {closed}"],
                         env={**os.environ, "FOLLOWME_REDIS": redis_server.url}, text=True,
                         capture_output=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert "".join(ran.stderr.splitlines(keepends=True)[1:]) == said
    assert len(list(storage.owners())) == 1 - code


def test_ctrl_c_at_a_question_ends_with_130(storage: Storage, redis_server: RedisServer) -> None:
    assert not list(storage.owners())
    keyboard, terminal = pty.openpty()
    process = started("apply", "--redis", redis_server.url, str(EXAMPLES / "team.yaml"),
                      stdin=terminal, stdout=subprocess.PIPE)
    assert process.stderr
    said = ""
    while not re.search(r"\nWrite \d changes\? \[y/N\]:", said):
        more = os.read(process.stderr.fileno(), 1000)
        assert more, said
        said += more.decode()
    doing = Path(f"/proc/{process.pid}/syscall")  # a signal just before it reads would be missed
    wait_until(lambda: doing.read_text().split()[1:2] == ["0x0"], "it reads the keyboard")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err.strip(), process.returncode) == ("", "followme: stopped", 130)
    os.close(keyboard)
    os.close(terminal)


def test_ctrl_c_while_the_store_says_nothing_ends_with_130(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        process = started("show", "--redis", f"unix://{tmp_path}/silent.sock?socket_timeout=20",
                          "-F", "json", stdout=subprocess.PIPE)
        with silent.accept()[0] as asking:
            assert asking.recv(1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (json.loads(out), err.strip(), process.returncode) == ({"error": "stopped"}, "", 130)
