# SPDX-License-Identifier: GPL-2.0-or-later
"""Kamailio: its version, whether it runs, and whether it has the functions that we call."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from provisioning.doctor.finding import Finding, Patient, fail, ok, warn
from provisioning.doctor.ksr_names import sources, uses

PATIENCE_S = 5
RECORDINGS = Path("tests/contract")
"""Where script/record puts the functions of a Kamailio version, in the checkout."""
API_LIST = "app_python.api_list"
_OF_PEERS = "dmq."
_OF_RTPENGINE = "rtpengine.", "sdpops."
"""What is loaded only where there are other proxies."""
_VERSION = re.compile(r"kamailio (\d+)\.(\d+)\.(\d+)")
_FUNCTION = re.compile(r"module:[ ]?(.*)\n\s*name: (.+)")

Version = tuple[int, ...]


class Silent(Exception):
    """A program that is not there, or says that it cannot; the text is its own."""


def version(patient: Patient) -> Iterator[Finding]:
    """Which Kamailio is installed, and which runs."""
    about = "kamailio"
    try:
        installed = _version(_said("kamailio", "-v"))
    except Silent as error:
        yield fail(about, f"not installed: {error}",
                   "apt-get install kamailio kamailio-python3-modules kamailio-sqlite-modules")
        return
    oldest = min(_recordings(patient.root), default=installed)
    if installed < oldest:
        yield fail(about, f"{_text(installed)} is older than {_text(oldest)}, the first that fits",
                   "upgrade it")
    elif patient.before_start:
        yield ok(about, _text(installed))
    else:
        yield _running(patient, installed)


def functions(patient: Patient) -> Iterator[Finding]:
    """Whether all KSR functions in our source are there: asked of the running one, else looked up
    in what was recorded of the newest one that is not newer than the one installed.
    """
    about = "functions"
    try:
        there, of = _functions(patient)
    except Silent as error:
        yield warn(about, f"nobody says which there are: {error}", "start Kamailio and ask again")
        return
    modules = {path.partition(".")[0] for path in there if "." in path}
    used = {use.path: use.where for source in sources(patient.root)
            for use in uses(source, modules)}
    if not patient.settings.cluster_port:
        used = {path: where for path, where in used.items() if not path.startswith(_OF_PEERS)}
    if not patient.settings.rtpengine:
        used = {path: where for path, where in used.items() if not path.startswith(_OF_RTPENGINE)}
    missing = [f"KSR.{path} ({where})" for path, where in used.items() if path not in there]
    if missing:
        yield fail(about, f"not in {of}: {', '.join(missing)}",
                   "load their modules in kamailio.cfg, or upgrade Kamailio")
    else:
        yield ok(about, f"all {len(used)} that we call are in {of}")


def _running(patient: Patient, installed: Version) -> Finding:
    try:
        running = _version(_kamcmd(patient, "core.version"))
    except Silent as error:
        return fail("kamailio", f"{_text(installed)} is not running: {error}",
                    "start it: systemctl start followme, or kamailio/start")
    if running != installed:
        return warn("kamailio", f"{_text(running)} runs, {_text(installed)} is installed",
                    "restart it")
    return ok("kamailio", f"{_text(running)} runs")


def _functions(patient: Patient) -> tuple[set[str], str]:
    if not patient.before_start:
        try:
            listing = _kamcmd(patient, API_LIST)
        except Silent:
            pass
        else:
            rows = _FUNCTION.findall(listing)
            return {f"{module}.{name}".removeprefix(".") for module, name in rows}, (
                "the Kamailio that runs")
    installed = _version(_said("kamailio", "-v"))
    recordings = _recordings(patient.root)
    fitting = max((one for one in recordings if one <= installed), default=None)
    if fitting is None:
        raise Silent(f"no recording of {_text(installed)} in {patient.root / RECORDINGS}")
    recorded = json.loads(recordings[fitting].read_text(encoding="utf-8"))
    return set(recorded), f"the recording of {_text(fitting)}"


def _recordings(root: Path) -> dict[Version, Path]:
    return {tuple(map(int, path.stem.removeprefix("api-").split("."))): path
            for path in (root / RECORDINGS).glob("api-*.json")}


def _kamcmd(patient: Patient, command: str) -> str:
    return _said("kamcmd", "-s", f"unixs:{patient.run_dir}/kamailio_ctl", command)


def _said(*command: str) -> str:
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except FileNotFoundError:
        raise Silent(f"there is no {command[0]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Silent(str(error)) from error
    if ran.returncode or ran.stdout.startswith("error"):
        said = (ran.stderr or ran.stdout).strip().splitlines() or [f"code {ran.returncode}"]
        raise Silent(said[0])
    return ran.stdout


def _version(text: str) -> Version:
    found = _VERSION.search(text)
    if not found:
        raise Silent(f"no version in {text[:80]!r}")
    return tuple(map(int, found.groups()))


def _text(version: Version) -> str:
    return ".".join(map(str, version))
