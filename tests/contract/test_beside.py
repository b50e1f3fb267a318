# SPDX-License-Identifier: GPL-2.0-or-later
"""What README.md shows for an existing Kamailio is configuration that Kamailio takes."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.contract.server import ROOT

(SHOWN,) = re.findall(r"^```\n(if \(is_method.*?)^```$", (ROOT / "README.md").read_text("utf-8"),
                      re.MULTILINE | re.DOTALL)
MODULES = "".join(f'loadmodule "{name}.so"\n' for name in (
    "tm", "sl", "rr", "pv", "textops", "siputils"))


@pytest.mark.parametrize(("block", "code"), [(SHOWN, 0), (SHOWN.replace("exit", "exeunt"), 255)])
def test_kamailio_takes_the_lines_of_the_readme(tmp_path: Path, block: str, code: int) -> None:
    path = tmp_path / "existing.cfg"
    path.write_text(f"listen=udp:127.0.0.1:5064\n{MODULES}request_route {{\n{block}}}\n", "utf-8")
    ran = subprocess.run(["kamailio", "-c", "-f", path], capture_output=True, check=False)
    assert ran.returncode == code
