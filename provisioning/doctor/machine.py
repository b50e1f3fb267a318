# SPDX-License-Identifier: GPL-2.0-or-later
"""The interpreter, its packages, the clock and the time zones."""

import ctypes
import importlib
import importlib.metadata
import os
import re
import sys
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from provisioning.doctor.finding import Finding, Patient, fail, ok, warn

EDGE_LOCK, LOCK = "requirements-edge.lock", "requirements.lock"
SETUP = "run script/setup"
_LINKED = re.compile(rb"libpython(3\.\d+)")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; ([^\\]*))?", re.MULTILINE)
_BEFORE = re.compile(r"python_full_version < '([\d.]+)'")
_STA_UNSYNC = 0x0040
_TIMEX_BYTES, _STATUS_AT = 256, 40
"""``struct timex`` of adjtimex(2) on 64-bit Linux: more than its size, offset of ``status``."""


def interpreter(patient: Patient) -> Iterator[Finding]:
    """Whether our packages are made for the Python inside Kamailio."""
    about, ours = "python", f"{sys.version_info.major}.{sys.version_info.minor}"
    if not patient.modules:
        yield fail(about, "Kamailio's module app_python3 is not installed",
                   "apt-get install kamailio-python3-modules")
        return
    linked = {found.decode() for module in patient.modules
              for found in _LINKED.findall(module.read_bytes())}
    if linked != {ours}:
        yield fail(about, f"Kamailio has Python {' and '.join(sorted(linked)) or 'of no version'}, "
                   f"our packages are for {ours}", "remove .venv and run script/setup")
    elif sys.base_prefix != "/usr":
        yield warn(about, f"Python {ours} in {sys.base_prefix} is not the one in Kamailio",
                   "remove .venv and run script/setup")
    else:
        yield ok(about, f"{sys.version.split()[0]}, as in Kamailio's app_python3")


def packages(patient: Patient) -> Iterator[Finding]:
    """Whether the packages are those of the locks."""
    about = "packages"
    edge, every = (_pinned((patient.root / lock).read_text(encoding="utf-8"))
                   for lock in (EDGE_LOCK, LOCK))
    there = {name: _installed(name) for name in edge | every}
    missing = [name for name in edge if there[name] is None]
    other = [f"{name} {there[name]} (locked: {version})" for name, version in (every | edge).items()
             if there[name] not in (None, version)]
    if missing:
        yield fail(about, f"missing: {', '.join(missing)}", SETUP)
    if other:
        yield warn(about, f"not as tested: {', '.join(other)}", SETUP)
    if not (missing or other):
        count = sum(version is not None for version in there.values())
        yield ok(about, f"all {count} as in {LOCK}")


def clock(_: Patient) -> Iterator[Finding]:
    """Whether the clock is right: windows, overrides and caps hang on it."""
    about, now = "clock", datetime.now(UTC)
    said = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now.year < int(package_zones()[:4]):
        yield fail(about, f"{said} is before the release of the time zones", "set the clock")
    elif not is_synchronised():
        yield warn(about, f"{said}, not synchronised", "apt-get install chrony")
    else:
        yield ok(about, f"{said}, synchronised")


def is_synchronised() -> bool:
    """Whether something keeps the kernel's clock right (adjtimex(2))."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    allowed = ctypes.CDLL(None).adjtimex(timex) >= 0
    return allowed and not ctypes.c_int.from_buffer(timex, _STATUS_AT).value & _STA_UNSYNC


def zones(_: Patient) -> Iterator[Finding]:
    """Which time zones count: zoneinfo takes the system's before those of the package."""
    about, package = "time zones", package_zones()
    system, folder = system_zones(zoneinfo.TZPATH)
    if not system:
        yield ok(about, f"{package} of the package tzdata")
    elif system < package:
        yield warn(about, f"{system} in {folder} count, though the package tzdata has {package}",
                   "apt-get install --only-upgrade tzdata")
    else:
        yield ok(about, f"{system} in {folder}")


def package_zones() -> str:
    """Version of the time zones in the package tzdata, as 2026f; raises ImportError without it."""
    return str(importlib.import_module("tzdata").IANA_VERSION)


def system_zones(folders: tuple[str, ...]) -> tuple[str, str]:
    """Version and folder of the time zones that come first; empty texts where there are none."""
    for folder in folders:
        listing = Path(folder) / "tzdata.zi"
        if listing.exists():
            with listing.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version").strip(), folder
    return "", ""


def run_folder(patient: Patient) -> Iterator[Finding]:
    """Whether Kamailio can write where its control socket and its secret are."""
    about, folder = "folder", patient.run_dir
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    secret = folder / "secret"
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        yield fail(about, f"{there} cannot be written (FOLLOWME_RUN_DIR={folder})",
                   "let the user of Kamailio own it")
    elif secret.exists() and secret.stat().st_mode & 0o077:
        yield warn(about, f"others can read {secret}: who knows it passes for this proxy",
                   f"rm {secret}, and start Kamailio anew")
    else:
        yield ok(about, f"{folder} can be written")


def _pinned(lock: str) -> dict[str, str]:
    """Package -> version, of those that this Python needs."""
    return {name: version for name, version, marker in _PINNED.findall(lock)
            if not (found := _BEFORE.search(marker)) or _is_before(found[1])}


def _is_before(version: str) -> bool:
    return sys.version_info[:3] < tuple(map(int, version.split(".")))


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
