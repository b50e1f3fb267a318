# SPDX-License-Identifier: GPL-2.0-or-later
"""A certificate for our domain."""

import os
import subprocess
from datetime import datetime
from pathlib import Path

from tests.support.edge import assumed_time


def self_signed(folder: Path, *, days: int = 2, at: datetime | None = None) -> Path:
    """The certificate in a PEM file of this folder, signed by itself; the key stands beside it with
    the suffix ``.key``. It is good for so many days, from ``at`` or now on.
    """
    made, clock = folder / "edge.pem", assumed_time(at) if at else {}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", str(days), "-subj", "/CN=followme.local", "-addext",
         "subjectAltName=DNS:followme.local", "-keyout", made.with_suffix(".key"), "-out", made],
        check=True, capture_output=True, env={**os.environ, **clock})  # fmt: skip
    return made
