# SPDX-License-Identifier: GPL-2.0-or-later
"""What the shell completes, and where settings come from."""

import time
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from kemi_routing.redis import keys
from provisioning import completion
from provisioning.cli import followme as command
from provisioning.storage import TIMEOUT_S, Storage
from tests.provisioning.conftest import Followme
from tests.support.redis_server import RedisServer

JANA = "42027777101"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that answers is waited for, however much else the machine does."""
    monkeypatch.setattr(completion, "WITHIN_S", 30.0)


def completed(*words: str, incomplete: str = "") -> list[str]:
    shell = ShellComplete(command, {}, "followme", "_FOLLOWME_COMPLETE")
    return [item.value for item in shell.get_completions(list(words), incomplete)]


@pytest.mark.parametrize(("words", "incomplete", "found"), [
    (("show",), "42027777101", [JANA]),
    (("undo",), "4202777710", ["42027777100", JANA, "42027777102"]),
    (("explain",), "+420 277 771 01", [JANA]),
    (("history",), "49", []),
    (("undo",), "nov", ["novak"]),
    (("override", JANA), "", ["on_call", "working_hours"]),
    (("override", JANA), "w", ["working_hours"]),
    (("override", "42099999999"), "", []),
    ((), "hist", ["history"]),
    (("show",), "*", ["42027777100", JANA, "42027777102"]),
    (("undo",), f"{JANA}@", [f"{JANA}@1"]),
    (("diff",), f"{JANA}@2", []),
    (("flow", JANA, "--sequence"), "on", ["on_call"]),
    (("calls", "--owner"), "", ["acme/jana", "novak/petr", "workshop/service"]),
    (("calls", "--organisation"), "w", ["workshop"]),
])
def test_numbers_and_names_of_the_store_are_completed(
        loaded: Followme, words: tuple[str, ...], incomplete: str, found: list[str]) -> None:
    assert completed(*words, incomplete=incomplete) == found


def test_of_many_numbers_some_are_offered(loaded: Followme, storage: Storage) -> None:
    storage.client.mset({keys.number(f"4203000{index:04}"): b"" for index in range(500)})
    assert len(completed("show", incomplete="4203")) == completion.MOST


ASKED = (("show",), ("override", JANA), ("flow", JANA, "--sequence"), ("calls", "--owner"))


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_without_a_store_nothing_is_completed(
        monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: tuple[str, ...],
        ) -> None:
    for url in ("redis://127.0.0.1:1/0", "nonsense", "redis://\udcff"):
        monkeypatch.setenv("FOLLOWME_REDIS", url)
        assert completed(*words) == []
        assert completed(*words, "-c", "nowhere") == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_a_store_that_hangs_is_not_waited_for(
        loaded: Followme, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch,
        words: tuple[str, ...]) -> None:
    assert completed(*words)
    monkeypatch.setattr(completion, "WITHIN_S", 0.05)
    redis_server.freeze()
    try:
        began = time.monotonic()
        assert completed(*words) == []
    finally:
        redis_server.thaw()
    assert time.monotonic() - began < TIMEOUT_S  # which other commands wait


def test_the_store_of_the_settings_is_asked(
        loaded: Followme, redis_server: RedisServer, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "followme"
    path.write_text(f"FOLLOWME_REDIS={redis_server.url}\n")
    monkeypatch.setenv("FOLLOWME_REDIS", "redis://127.0.0.1:1/0")
    for given in (("-c", str(path)), ("--redis", redis_server.url)):
        assert JANA in completed("show", *given)


class TestSettingsInAFile:
    def test_stand_in_place_of_the_environment(
            self, loaded: Followme, redis_server: RedisServer, tmp_path: Path,
            monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FOLLOWME_REDIS", "redis://127.0.0.1:1/0")
        path = tmp_path / "followme"
        path.write_text(f"# of staging\n\nFOLLOWME_REDIS=\"{redis_server.url}\"\nOTHER=x\n")
        assert loaded("show", JANA).code == 1
        assert loaded("show", "-c", path, JANA).code == 0

    @pytest.mark.parametrize(("text", "said"), [
        ("FOLLOWME_REDIS", ":1: 'FOLLOWME_REDIS' is no setting; write FOLLOWME_NAME=value"),
        ("\nexport A=1", ":2: 'export A=1' is no setting; write FOLLOWME_NAME=value"),
        (None, " cannot be read: "),
    ])
    @pytest.mark.parametrize("verb", ["show", "doctor"])
    def test_that_are_none_are_refused(self, loaded: Followme, tmp_path: Path, text: str | None,
                                       said: str, verb: str) -> None:
        path = tmp_path / "followme"
        if text is not None:
            path.write_text(text)
        ran = loaded(verb, "-c", path)
        assert (ran.code, ran.err.startswith(f"followme: {path}{said}")) == (1, True)


def test_debug_shows_where_an_error_comes_from(loaded: Followme) -> None:
    assert "Traceback" not in loaded("show", "42099999999").err
    ran = loaded("show", "-d", "42099999999")
    assert (ran.code, "Traceback" in ran.err) == (1, True)
    assert ran.err.endswith("followme: 42099999999: nobody owns this number\n")
