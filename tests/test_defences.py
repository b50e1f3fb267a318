# SPDX-License-Identifier: GPL-2.0-or-later
"""Every defence test is run once with the defence off, in a copy of the checkout, and must fail.

A defence whose test does not notice that it is gone is not proved.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.defences import DEFENCES

ROOT = Path(__file__).parents[1]
WITHOUT = (".git", ".venv", ".matrix", ".mypy_cache", ".ruff_cache", ".pytest_cache",
           ".hypothesis", "__pycache__")
FAILED = 1
"""pytest's exit code."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The checkout without its history; the environment is the same."""
    made = tmp_path / "copy"
    shutil.copytree(ROOT, made, ignore=shutil.ignore_patterns(*WITHOUT))
    (made / ".venv").symlink_to(ROOT / ".venv")
    return made


@pytest.mark.parametrize("name", DEFENCES)
def test_every_row_names_what_is_there(name: str) -> None:
    off = DEFENCES[name]
    assert (ROOT / off.file).read_text(encoding="utf-8").count(off.text) == 1
    assert all((ROOT / test.partition("::")[0]).exists() for test in off.tests)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", DEFENCES)
def test_without_the_defence_its_tests_fail(name: str, copy: Path) -> None:
    off = DEFENCES[name]
    file = copy / off.file
    file.write_text(file.read_text(encoding="utf-8").replace(off.text, off.instead),
                    encoding="utf-8")
    for test in off.tests:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test], cwd=copy,
            capture_output=True, text=True, check=False)  # fmt: skip
        assert run.returncode == FAILED, f"{test} does not notice it:\n{run.stdout[-2000:]}"
        assert "FAILED " in run.stdout, run.stdout[-2000:]
