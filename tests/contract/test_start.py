# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kamailio/start` says to an operator who wrote a setting wrongly."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.edge import START


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs it with `-c`, where nothing is started, and these FOLLOWME_ variables."""
    ours = {f"FOLLOWME_{name}": text for name, text in environment.items()}
    told = {name: text for name, text in os.environ.items() if not name.startswith("FOLLOWME_")}
    return subprocess.run(
        [*START, "-c"], capture_output=True, text=True, check=False,
        env={**told, "FOLLOWME_RUN_DIR": str(folder), **ours},
    )  # fmt: skip


@pytest.mark.parametrize(("name", "text", "words"), [
    ("MAILBOX", "open", "FOLLOWME_MAILBOX: 'open'; write pin_unless_trusted, "
     "pin_unless_attested, always_pin"),
    ("DOMAINS", "voice.example",
     "FOLLOWME_DOMAINS: there is no such setting; did you mean FOLLOWME_DOMAIN?"),
    ("PORT", "sip", "FOLLOWME_PORT: 'sip' is not a port; write 1 to 65535"),
    ("WORKERS", "many", "FOLLOWME_WORKERS: 'many'; write a whole number, 1 to 1000000"),
    ("REDIS", "redis://edge:hush@127.0.0.1:x/0", "FOLLOWME_REDIS: not the address of a store; "
     "write unix:///path/redis.sock or redis://host:port/db"),
])
def test_a_wrong_setting_is_one_line_and_nothing_starts(
        tmp_path: Path, name: str, text: str, words: str) -> None:
    ran = start(tmp_path / "run", **{name: text})
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"followme: {words}\n")
    assert not (tmp_path / "run").exists()


def test_a_file_for_tls_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = start(tmp_path / "run", TLS_PORT="5061", TLS_CERTIFICATE=str(__file__), TLS_KEY="/none")
    assert ran.stderr == ("followme: FOLLOWME_TLS_KEY: '/none' cannot be read; write the path of "
                          "a PEM file that the edge's user may read\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("journal", [True, False])
def test_the_journal_gets_the_log_by_syslog(tmp_path: Path, *, journal: bool) -> None:
    (tmp_path / "kamailio").write_text('#!/bin/sh\necho "$@"\n', encoding="ascii")
    (tmp_path / "kamailio").chmod(0o755)
    with (tmp_path / "stderr").open("wb") as stderr:
        about = os.fstat(stderr.fileno())
        stream = f"{about.st_dev}:{about.st_ino if journal else about.st_ino + 1}"
        ran = subprocess.run(
            START, stdout=subprocess.PIPE, stderr=stderr, text=True, check=True,
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "JOURNAL_STREAM": stream,
                 "FOLLOWME_RUN_DIR": str(tmp_path)},
        )  # fmt: skip
    assert ("-E" in ran.stdout.split()) is not journal


def test_right_settings_reach_kamailio(tmp_path: Path) -> None:
    ran = start(tmp_path / "run", PORT="5070", DATA_CENTRE="vienna")
    assert ran.returncode == 0
    assert "config file ok, exiting..." in ran.stderr
