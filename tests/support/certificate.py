# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates, for our domain unless told otherwise."""

import os
import subprocess
from datetime import datetime
from pathlib import Path

from tests.support.edge import assumed_time


def signed(folder: Path, authority: Path, name: str, *dns_names: str) -> Path:
    """A certificate of this common name, and these DNS names, in a PEM file, signed by that of
    another file, with its key.
    """
    label = "-".join((name, *dns_names))
    made, request = folder / f"{label}.pem", folder / f"{label}.request"
    names = folder / f"{label}.names"
    listed = ",".join(f"DNS:{one}" for one in dns_names)
    names.write_text(f"subjectAltName={listed}\n" * bool(dns_names), encoding="utf-8")
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", f"/CN={name}", "-keyout", made.with_suffix(".key"), "-out", request],
        check=True, capture_output=True)  # fmt: skip
    subprocess.run(
        ["openssl", "x509", "-req", "-in", request, "-CA", authority, "-CAkey",
         authority.with_suffix(".key"), "-set_serial", "2", "-days", "2", "-extfile", names,
         "-out", made],
        check=True, capture_output=True)  # fmt: skip
    return made


def self_signed(
    folder: Path, name: str = "followme.local", *, days: int = 2, at: datetime | None = None
) -> Path:
    """A certificate of this name in a PEM file of the folder, signed by itself; the key stands
    beside it with the suffix ``.key``. It is good for so many days, from ``at`` or now on.
    """
    made, clock = folder / "edge.pem", assumed_time(at) if at else {}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", str(days), "-subj", f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name}", "-keyout", made.with_suffix(".key"), "-out", made],
        check=True, capture_output=True, env={**os.environ, **clock})  # fmt: skip
    return made
