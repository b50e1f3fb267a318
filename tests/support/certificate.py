# SPDX-License-Identifier: GPL-2.0-or-later
"""A certificate for our domain."""

import subprocess
from pathlib import Path


def self_signed(folder: Path) -> Path:
    """The certificate in a PEM file of this folder, signed by itself; the key stands beside it with
    the suffix ``.key``.
    """
    made = folder / "edge.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=followme.local", "-addext",
         "subjectAltName=DNS:followme.local", "-keyout", made.with_suffix(".key"), "-out", made],
        check=True, capture_output=True)  # fmt: skip
    return made
