# SPDX-License-Identifier: GPL-2.0-or-later
"""The product as a process: started as an operator starts it, watched, ended by its pid."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support.loopback import NotReady, wait_until
from tests.support.processes import end, tied
from tests.support.raw_sip import RawSip

ROOT = Path(__file__).parents[2]
EXIT_TIMEOUT_S = 10
"""That of kamailio.cfg."""
START = (str(ROOT / "kamailio" / "start"),)


@dataclass(frozen=True)
class Memory:
    """Memory of an edge: used shared memory, and per SIP worker its private memory, in bytes."""

    shared: int
    workers: dict[int, int]


def assumed_time(at: datetime) -> dict[str, str]:
    """Environment that lets a process believe it starts at this instant; ``at`` is aware.

    The clock runs on from there. It is not moved while Kamailio runs: its timer process adjusts
    its ticks to the wall clock every few seconds and would cut ring times short. Timers use the
    monotonic clock, which is left alone. Raises NotReady without Debian's libfaketime.
    """
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        raise NotReady("libfaketime is missing: apt-get install faketime")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"@{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }


class Edge:
    """One edge proxy; ``settings`` are the FOLLOWME_ variables without their prefix."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str], *,
        environment: Mapping[str, str] | None = None, command: Sequence[str] = START,
    ) -> None:  # fmt: skip
        self.folder = folder
        self._settings = settings
        self._environment = environment or {}
        self._command = command
        self._log = folder / "kamailio.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.proxy = (settings["ADDRESS"], int(settings["PORT"]))

    @property
    def tls_port(self) -> int:
        """Where it speaks TLS, if it was told to."""
        return int(self._settings["TLS_PORT"])

    @property
    def certificate(self) -> str:
        """Its TLS certificate, if it has one."""
        return self._settings["TLS_CERTIFICATE"]

    @property
    def log(self) -> str:
        """What it logged so far."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it; returns when OPTIONS is answered 200. Raises NotReady with its last words."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ours = {f"FOLLOWME_{name}": value for name, value in self._settings.items()}
        ours["FOLLOWME_RUN_DIR"] = str(self.folder)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                tied(self._command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **ours, **self._environment},
                # Its workers are its process group: what a crash leaves behind can be ended.
                start_new_session=True,
            )
        wait_until(self._answers, "the edge answering OPTIONS", timeout_s=45)

    def stop(self) -> int:
        """End it and return its exit code, 0 when clean; a second stop does nothing.

        A process that ends while it holds the lock of the timers has the main one wait for it in
        vain, when all is written (core/timer.c): after ``exit_timeout`` it aborts, which is clean.
        """
        if self._process is None:
            return 0
        since = time.monotonic()
        try:
            code = end(self._process, "the edge")
            waited = time.monotonic() - since > EXIT_TIMEOUT_S - 0.5
            return 0 if code == -signal.SIGABRT and waited else code
        except NotReady as error:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)
            raise NotReady(f"{error}: {self.last_words()}") from None

    def kill(self) -> None:
        """End all its processes as a crash would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)
            self._process = None

    def last_words(self) -> str:
        """The end of its log, for messages to people."""
        return self.log[-3000:]

    def kamcmd(self, *command: str) -> str:
        """Ask it over its control socket (module ctl). Raises NotReady when it refuses."""
        socket = f"unixs:{self.folder}/kamailio_ctl"
        asked = subprocess.run(
            ["kamcmd", "-s", socket, *command], capture_output=True, text=True, check=False
        )
        if asked.returncode or asked.stdout.startswith("error"):
            raise NotReady(f"kamcmd {' '.join(command)}: {asked.stdout}{asked.stderr}")
        return asked.stdout

    def counters(self, command: str) -> dict[str, int]:
        """The ``name: number`` lines of a kamcmd answer such as ``tm.stats``."""
        rows = (line.partition(":") for line in self.kamcmd(command).splitlines())
        pairs = ((name.strip(), value.strip()) for name, _, value in rows)
        return {name: int(value) for name, value in pairs if value.isdecimal()}

    def memory(self) -> Memory:
        """What it holds now, transactions included."""
        shared = self.counters("core.shmmem")["used"]
        return Memory(shared, {pid: _private_bytes(pid) for pid in self.worker_pids()})

    def worker_pids(self) -> list[int]:
        """Process ids of the workers that receive SIP over UDP."""
        lines = self.kamcmd("core.ps").splitlines()
        pairs = zip(lines[::2], lines[1::2], strict=False)
        return [int(pid) for pid, name in pairs if "udp receiver" in name]

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise NotReady(f"the edge ended at start: {self.last_words()}")
        with RawSip(self.proxy[0], self.proxy) as probe:
            try:
                answer = probe.ask(probe.request("OPTIONS", f"sip:{self.proxy[0]}"), 0.1)
            except ConnectionRefusedError:
                return False
        return answer is not None and answer.code == 200


def _private_bytes(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    kilobytes = [int(row.split()[1]) for row in rows if row.startswith("Private_")]
    return 1024 * sum(kilobytes)
