# SPDX-License-Identifier: GPL-2.0-or-later
"""What the doctor says of a machine in each state; never a traceback."""

import importlib.metadata
import json
import os
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.doctor import examine, kamailio, machine
from provisioning.doctor.finding import Finding, Level, Patient, fail, ok
from tests.provisioning.conftest import Followme, Ran
from tests.provisioning.examined import PATIENT, said

VERSION = "version: kamailio 5.6.3 (x86_64/linux) \nflags: none"
LISTING = """\
\tfunc: {{
\t\tret: int
\t\tmodule: {module}
\t\tname: {name}
\t\tparams: none
\t}}
"""


class TestPython:
    @pytest.mark.parametrize(("linked", "words"), [
        ([b"\0libpython3.9.so.1.0\0"], "FAIL python Kamailio has Python 3.9, our packages are for"),
        ([b"nothing"], "FAIL python Kamailio has Python of no version, our packages are for"),
        ([], "FAIL python Kamailio's module app_python3 is not installed; apt-get install"),
    ])
    def test_of_another_version(self, tmp_path: Path, linked: list[bytes], words: str) -> None:
        modules = [tmp_path / str(index) for index, _ in enumerate(linked)]
        for path, text in zip(modules, linked, strict=True):
            path.write_bytes(text)
        (line,) = said(machine.interpreter, replace(PATIENT, modules=tuple(modules)))
        assert line.startswith(words)

    def test_of_this_machine(self) -> None:
        (line,) = said(machine.interpreter)
        assert line.startswith("OK python 3.")

    def test_of_another_maker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.base_prefix", "/opt/python")
        (line,) = said(machine.interpreter)
        assert "in /opt/python is not the one in Kamailio" in line


class TestPackages:
    def test_as_locked(self) -> None:
        (line,) = said(machine.packages)
        assert line.startswith("OK packages all ")

    @pytest.mark.parametrize(("edge", "every", "lines"), [
        ("no-such==1.0 \\\n", "", ["FAIL packages missing: no-such; run script/setup"]),
        ("", "no-such==1.0 \\\n", ["OK packages all 0 as in requirements.lock"]),
        ("redis==0.1 ; sys_platform == 'linux' \\\n", "",
         ["WARN packages not as tested: redis {redis} (locked: 0.1); run script/setup"]),
        ("old==1 ; python_full_version < '3.0.1' and sys_platform == 'linux' \\\n", "",
         ["OK packages all 0 as in requirements.lock"]),
        ("old==1 ; python_full_version < '9.0.1'\\\n", "",
         ["FAIL packages missing: old; run script/setup"]),
    ])
    def test_other_than_locked(self, tmp_path: Path, edge: str, every: str,
                               lines: list[str]) -> None:
        (tmp_path / machine.EDGE_LOCK).write_text(edge)
        (tmp_path / machine.LOCK).write_text(every)
        version = importlib.metadata.version("redis")
        assert said(machine.packages, replace(PATIENT, root=tmp_path)) == [
            line.replace("{redis}", version) for line in lines]


class TestTime:
    @pytest.mark.parametrize(("kept", "words"), [(True, "synchronised"), (False, "not synchr")])
    def test_clock(self, monkeypatch: pytest.MonkeyPatch, *, kept: bool, words: str) -> None:
        monkeypatch.setattr(machine, "is_synchronised", lambda: kept)
        (line,) = said(machine.clock)
        assert line.startswith(f"{'OK' if kept else 'WARN'} clock 2")
        assert f"UTC, {words}" in line

    def test_clock_of_this_machine(self) -> None:
        assert machine.is_synchronised() in (True, False)

    def test_clock_that_was_never_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine, "package_zones", lambda: "9999a")
        (line,) = said(machine.clock)
        assert line.endswith("is before the release of the time zones; set the clock")

    @pytest.mark.parametrize(("system", "words"), [
        ("# version 2000a\n", "WARN time zones 2000a in {folder} count, though the package"),
        ("# version 9999a\n", "OK time zones 9999a in {folder}"),
        ("", f"OK time zones {machine.package_zones()} of the package tzdata"),
    ])
    def test_zones(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str,
                   words: str) -> None:
        monkeypatch.setattr(zoneinfo, "TZPATH", ("/nowhere", str(tmp_path)))
        if system:
            (tmp_path / "tzdata.zi").write_text(system)
        (line,) = said(machine.zones)
        assert line.startswith(words.replace("{folder}", str(tmp_path)))


class TestFolder:
    @pytest.mark.parametrize(("mode", "level"), [(0o600, "OK"), (0o644, "WARN"), (0o660, "WARN")])
    def test_whose_secret_others_read(self, tmp_path: Path, mode: int, level: str) -> None:
        (tmp_path / "secret").touch(mode)
        (tmp_path / "secret").chmod(mode)
        (line,) = said(machine.run_folder, replace(PATIENT, run_dir=tmp_path))
        assert line.startswith(f"{level} folder")

    def test_that_is_not_there_yet(self, tmp_path: Path) -> None:
        patient = replace(PATIENT, run_dir=tmp_path / "a" / "b")
        assert said(machine.run_folder, patient) == [f"OK folder {tmp_path}/a/b can be written"]

    def test_that_cannot_be(self) -> None:
        (line,) = said(machine.run_folder, replace(PATIENT, run_dir=Path("/dev/null/followme")))
        assert line.startswith("FAIL folder /dev/null cannot be written")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a program that prints this on an otherwise empty PATH; "!TEXT" fails with it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def program(name: str, text: str) -> None:
        (tmp_path / f"{name}.txt").write_text(text)
        body = (f'echo "{text[1:]}" >&2; exit 1' if text.startswith("!")
                else f'while read -r row; do echo "$row"; done <"{tmp_path}/{name}.txt"')
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    return program


class TestKamailio:
    def test_that_is_not_installed(self, programs: object) -> None:
        assert programs
        assert said(kamailio.version) == [
            "FAIL kamailio not installed: there is no kamailio; "
            "apt-get install kamailio kamailio-python3-modules kamailio-sqlite-modules"]
        assert said(kamailio.functions) == [
            "WARN functions nobody says which there are: there is no kamailio; "
            "start Kamailio and ask again"]

    @pytest.mark.parametrize(("installed", "runs", "words"), [
        (VERSION, "kamailio 5.6.3 (x86_64/linux)\n", "OK kamailio 5.6.3 runs"),
        ("kamailio 6.0.1 x\n", "kamailio 5.6.3 (x)\n",
         "WARN kamailio 5.6.3 runs, 6.0.1 is installed; restart it"),
        (VERSION, "!no such socket", "FAIL kamailio 5.6.3 is not running: no such socket; start"),
        (VERSION, "error: 500 - no\n", "FAIL kamailio 5.6.3 is not running: error: 500 - no;"),
        (VERSION, "what?\n", "FAIL kamailio 5.6.3 is not running: no version in 'what?"),
        ("kamailio 5.5.9 (x)\n", "", "FAIL kamailio 5.5.9 is older than 5.6.3, the first that"),
        ("!broken", "", "FAIL kamailio not installed: broken; apt-get install kamailio"),
    ])
    def test_that_runs_or_not(self, programs: Callable[[str, str], None], installed: str,
                              runs: str, words: str) -> None:
        programs("kamailio", installed)
        programs("kamcmd", runs)
        (line,) = said(kamailio.version)
        assert line.startswith(words)

    def test_that_hangs(self, tmp_path: Path, programs: Callable[[str, str], None],
                        monkeypatch: pytest.MonkeyPatch) -> None:
        programs("kamailio", VERSION)
        (tmp_path / "kamcmd").write_text("#!/bin/sh\nexec /bin/sleep 9\n")
        (tmp_path / "kamcmd").chmod(0o755)
        monkeypatch.setattr(kamailio, "PATIENCE_S", 0.1)
        (line,) = said(kamailio.version)
        assert "timed out after 0.1 seconds" in line

    def test_before_the_start_nobody_is_asked(self, programs: Callable[[str, str], None]) -> None:
        programs("kamailio", "kamailio 6.0.1 (x)\n")
        patient = replace(PATIENT, before_start=True)
        assert said(kamailio.version, patient) == ["OK kamailio 6.0.1"]
        (line,) = said(kamailio.functions, patient)
        assert line.startswith("OK functions all ")
        assert line.endswith(" that we call are in the recording of 5.6.3")

    def test_whose_functions_were_never_recorded(
            self, tmp_path: Path, programs: Callable[[str, str], None]) -> None:
        programs("kamailio", VERSION)
        (line,) = said(kamailio.functions, replace(PATIENT, root=tmp_path))
        assert line.startswith("WARN functions nobody says which there are: no recording of 5.6.3")

    def test_that_lacks_a_function(self, tmp_path: Path,
                                   programs: Callable[[str, str], None]) -> None:
        (tmp_path / "kamailio").mkdir()
        (tmp_path / "kemi_routing" / "ksr").mkdir(parents=True)
        (tmp_path / "kemi_routing" / "ksr" / "a.py").write_text(
            "def f(ksr):\n    tm = ksr.tm\n    tm.t_relay()\n    ksr.info()\n    ksr.sl.gone()\n")
        programs("kamcmd", "".join(LISTING.format(module=module, name=name) for module, name in (
            ("", "info"), ("tm", "t_relay"), ("sl", "send_reply"))))
        assert said(kamailio.functions, replace(PATIENT, root=tmp_path)) == [
            "FAIL functions not in the Kamailio that runs: KSR.sl.gone (a.py:5); "
            "load their modules in kamailio.cfg, or upgrade Kamailio"]

    @pytest.mark.parametrize(("port", "level"), [(0, "OK"), (5058, "FAIL")])
    def test_that_shares_nothing_needs_no_module_for_it(
            self, tmp_path: Path, programs: Callable[[str, str], None], port: int,
            level: str) -> None:
        (tmp_path / "kemi_routing" / "ksr").mkdir(parents=True)
        (tmp_path / "kemi_routing" / "ksr" / "a.py").write_text(
            "def f(ksr):\n    ksr.info()\n    ksr.dmq.handle_message()\n")
        programs("kamcmd", LISTING.format(module="", name="info"))
        patient = replace(PATIENT, root=tmp_path,
                          settings=replace(PATIENT.settings, cluster_port=port))
        (line,) = said(kamailio.functions, patient)
        assert line.startswith(level)


class TestExamination:
    @pytest.fixture(autouse=True)
    def parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(_: Patient) -> Iterator[Finding]:
            yield ok("broken", "so far")
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(examine, "PARTS", (
            examine.Part("broken", broken),
            examine.Part("later", lambda _: iter([fail("later", "no", "yes")]), ("REDIS",),
                         may_come_later=True)))

    def lines(self, environment: dict[str, str], *, before_start: bool = False) -> list[str]:
        found = examine.examine(environment, None, before_start=before_start)
        return [" ".join(str(one).split()) for one in found]

    def test_a_check_that_cannot_look_is_a_line(self) -> None:
        assert self.lines({}) == [
            "OK settings all FOLLOWME_ variables are right",
            "FAIL broken cannot be looked at: PermissionError(13, 'Permission denied'); "
            "mend that first",
            "FAIL later no; yes"]

    def test_before_the_start_what_may_come_later_is_no_failure(self) -> None:
        assert self.lines({}, before_start=True)[-1] == "WARN later no; yes"

    def test_all_wrong_settings_are_told_and_what_hangs_on_them_is_left_out(self) -> None:
        lines = self.lines({"FOLLOWME_REDIS": "x", "FOLLOWME_PORTS": "1", "FOLLOWME_PORT": "0"})
        assert [line.split(":")[0] for line in lines] == [
            "FAIL settings FOLLOWME_PORTS", "FAIL settings FOLLOWME_PORT",
            "FAIL settings FOLLOWME_REDIS", "FAIL broken cannot be looked at"]
        assert lines[0].endswith("did you mean FOLLOWME_PORT?; mend or remove FOLLOWME_PORTS")

    def test_a_default_that_does_not_go_with_what_was_written(self) -> None:
        assert self.lines({"FOLLOWME_PORT": "5059"})[0].startswith(
            "FAIL settings FOLLOWME_SPIRAL_PORT: 5059 is FOLLOWME_PORT too")


class TestCommand:
    def test_says_all_lines_and_how_many(self, followme: Followme) -> None:
        ran = followme("doctor", "--before-start")
        lines = ran.out.splitlines()
        levels = [line.split()[0] for line in lines[:-1]]
        assert lines[-1] == ", ".join(f"{levels.count(level)} {level}" for level in Level)
        assert ran.code == (1 if "FAIL" in levels else 0)
        assert (ran.err, "Traceback" in ran.out) == ("", False)

    def test_for_programs(self, followme: Followme) -> None:
        ran = followme("doctor", "-F", "json")
        found = json.loads(ran.out)
        assert ran.code == 1  # no Kamailio runs here
        assert found["fail"] == sum(one["level"] == "FAIL" for one in found["findings"]) > 0
        assert {tuple(one) for one in found["findings"]} == {("level", "about", "what", "mend")}
        assert all(one["mend"] for one in found["findings"] if one["level"] != "OK")

    @pytest.mark.parametrize("arguments", [(), ("--before-start",)])
    @pytest.mark.parametrize("environment", [
        {"PATH": "/nowhere"},
        {"FOLLOWME_REDIS": "unix:///nowhere.sock", "FOLLOWME_ADDRESS": "192.0.2.1"},
        {"FOLLOWME_RUN_DIR": "/dev/null/x", "FOLLOWME_DATA_CENTRE": "no name"},
        {"FOLLOWME_ADDRESS": "not an address", "FOLLOWME_REDIS": "redis://no-such.invalid:1/0"},
        {"FOLLOWME_ADDRESS": "::1"}, {"FOLLOWME_COLOUR": "red"}, {"FOLLOWME_PEERS": "\udcff"},
    ], ids=str)
    def test_no_state_of_the_machine_is_a_traceback(
            self, followme: Followme, monkeypatch: pytest.MonkeyPatch,
            environment: dict[str, str], arguments: tuple[str, ...]) -> None:
        for name, text in environment.items():
            monkeypatch.setenv(name, text)
        ran = followme("doctor", *arguments)
        assert isinstance(ran, Ran)
        assert ran.code in (0, 1)
        assert all(line[:4] in ("OK  ", "WARN", "FAIL") for line in ran.out.splitlines()[:-1])
        assert "Traceback" not in ran.out + ran.err
        assert os.environ["FOLLOWME_REDIS"]
