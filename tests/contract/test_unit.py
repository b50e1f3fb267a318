# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd unit, as far as it can be seen without a systemd that runs."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.contract.server import ROOT

UNIT = ROOT / "kamailio" / "followme.service"
INSTALLED = "/opt/followme"
TEXT = UNIT.read_text(encoding="utf-8").replace(INSTALLED, str(ROOT))


def analysed(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says of a unit with this text."""
    unit = folder / UNIT.name
    unit.write_text(text, encoding="utf-8")
    command = ["systemd-analyze", *arguments, str(unit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_takes_it_as_it_is(tmp_path: Path) -> None:
    said = analysed(tmp_path, TEXT, "verify")
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize(("right", "wrong", "words"), [
    ("Restart=always", "Restart=allways", "Failed to parse "),
    ("ProtectHome=", "ProtectHoome=", "Unknown key 'ProtectHoome' in section [Service]"),
    ("kamailio/start", "kamailio/begin", "is not executable: No such file or directory"),
])
def test_systemd_would_see_a_mistake(
        tmp_path: Path, right: str, wrong: str, words: str) -> None:
    assert TEXT.count(right) == 1
    assert words in analysed(tmp_path, TEXT.replace(right, wrong), "verify").stderr


def test_little_is_left_that_a_break_in_could_do(tmp_path: Path) -> None:
    said = analysed(tmp_path, TEXT, "security", "--offline=true").stdout
    exposure = re.search(r"exposure level for followme\.service: ([\d.]+)", said)
    assert exposure is not None
    assert float(exposure[1]) <= 2.5  # Debian's kamailio.service: 9.2


def test_the_doctor_looks_before_each_start_and_it_never_gives_up() -> None:
    rows = [row for row in TEXT.splitlines() if row and not row.startswith("#")]
    assert f"ExecStartPre={ROOT}/script/followme doctor --before-start" in rows
    assert {"Restart=always", "StartLimitIntervalSec=0"} <= {*rows}
