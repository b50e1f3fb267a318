# SPDX-License-Identifier: GPL-2.0-or-later
"""A real Kamailio on loopback: the product's configuration with a script of our own."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.support.loopback import free_udp_port, wait_until
from tests.support.processes import end

ROOT = Path(__file__).parents[2]
CFG = ROOT / "kamailio" / "kamailio.cfg"
BRANCH_KEY = "nobody knows it"


class Ports(NamedTuple):
    """The product's two UDP sockets."""

    main: int
    spiral: int


@contextmanager
def running(script: Path, folder: Path) -> Iterator[Ports]:
    """Runs Kamailio with this script as long as the block lasts; gives its UDP ports."""
    ports = Ports(_free_port(), free_udp_port())
    hops = folder / "dispatcher.list"
    hops.write_text("1 sip:127.0.0.1:9\n", encoding="ascii")
    registrations = folder / "registrations.sqlite"
    subprocess.run(["/usr/bin/python3", ROOT / "kamailio/keep_registrations.py", registrations],
                   check=True)
    env = {
        **os.environ,
        "FOLLOWME_ADDRESS": "127.0.0.1",
        "FOLLOWME_PORT": str(ports.main),
        "FOLLOWME_SPIRAL_PORT": str(ports.spiral),
        "FOLLOWME_BRANCH_KEY": BRANCH_KEY,
        "FOLLOWME_DIGEST": "MD5",
        "FOLLOWME_DOMAIN": "followme.local",
        "FOLLOWME_WORKERS": "1",
        "FOLLOWME_SOURCE_RATE": "30000",
        "FOLLOWME_CTL": f"unixs:{folder}/ctl",
        "FOLLOWME_ENTRY": str(script),
        "FOLLOWME_HOPS": str(hops),
        "FOLLOWME_PINGER": "sip:ping@followme.local",
        "FOLLOWME_RTPENGINE": f"udp:127.0.0.1:{free_udp_port()}",
        "FOLLOWME_CLUSTER_HOST": "127.0.0.1",
        "FOLLOWME_CLUSTER_ID": "1",
        "FOLLOWME_CLUSTER_PORT": str(cluster := _free_port()),
        "FOLLOWME_CLUSTER_URI": f"sip:127.0.0.1:{cluster};transport=tcp",
        "FOLLOWME_REGISTRATIONS": f"sqlite:///{registrations}",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    memory = ("-x", "tlsf", "-m", "64", "-M", "16")
    command = ["kamailio", *memory, "-f", str(CFG), "-Y", str(folder), "-DD", "-E",
               "-A", "WITH_RTPENGINE"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log,
                                   start_new_session=True)
    try:
        wait_until(lambda: is_answering(folder, process), f"Kamailio, see {folder}/log")
        yield ports
    finally:
        end(process, "Kamailio")


def version() -> str:
    """The version of the Kamailio on this machine."""
    said = subprocess.run(["kamailio", "-v"], check=True, capture_output=True, text=True).stdout
    return said.split()[2]


def kamcmd(folder: Path, *command: str) -> str:
    """What the Kamailio of this folder answers. Raises CalledProcessError when it refuses."""
    call = ["kamcmd", "-s", f"unixs:{folder}/ctl", *command]
    return subprocess.run(call, check=True, capture_output=True, text=True, timeout=10).stdout


def is_answering(folder: Path, process: subprocess.Popen[bytes]) -> bool:
    """Whether Kamailio is ready. Raises RuntimeError with its log when it ended."""
    if process.poll() is not None:
        raise RuntimeError((folder / "log").read_text(errors="replace"))
    if not (folder / "ctl").exists():
        return False
    try:
        kamcmd(folder, "core.uptime")
    except subprocess.CalledProcessError:
        return False
    return True


def _free_port() -> int:
    """A port of 127.0.0.1 that is free in UDP and TCP."""
    while True:
        port = free_udp_port()
        with socket.socket() as tcp, suppress(OSError):
            tcp.bind(("127.0.0.1", port))
            return port
