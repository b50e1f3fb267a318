# SPDX-License-Identifier: GPL-2.0-or-later
"""One SIPp process: started with a scenario and a message log, watched, ended by its pid."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path

from tests.support import loopback, trace, wire
from tests.support.loopback import NotReady
from tests.support.processes import tied


class Sipp:
    """A SIPp process bound to one address and port, with its own folder for scenario and logs."""

    def __init__(
        self, name: str, scenario: str, address: str, port: int, folder: Path, *,
        traced: bool = True,
    ) -> None:  # fmt: skip
        self.name = name
        self.address = address
        self.port = port
        self._folder = folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._scenario = self._folder / "scenario.xml"
        self._scenario.write_text(scenario, encoding="utf-8")
        self._log = self._folder / "messages.log"
        self._traced = traced
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def messages(self) -> list[trace.Message]:
        """What went over the wire so far, oldest first, both directions."""
        return trace.read(self._log, partial(wire.left_at, self.address))

    def start(self, *arguments: str) -> None:
        """Start SIPp with more arguments, the remote address last where it has one."""
        command = ["sipp", "-sf", str(self._scenario), "-i", self.address, "-p", str(self.port)]
        # Control and media sockets would otherwise compete for 8888 and 6000 on every address.
        command += ["-ci", self.address, "-mi", self.address]
        command += ["-nostdin", "-nd", "-deadcall_wait", "0"]
        if self._traced:
            command += ["-trace_msg", "-message_file", str(self._log)]
        with (self._folder / "screen.log").open("wb") as screen:
            self._process = subprocess.Popen(
                tied([*command, *arguments]),
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={**os.environ, "TZ": "UTC", "TERM": "dumb"},
            )

    def wait_bound(self) -> None:
        """Return when SIPp listens. Raises NotReady with SIPp's words when it ended instead."""

        def bound() -> bool:
            if self.process.poll() is not None:
                raise NotReady(f"{self.name}: {self.screen()}")
            return loopback.is_udp_bound(self.address, self.port)

        loopback.wait_until(bound, f"{self.name} listening on {self.address}:{self.port}")

    def wait(self, timeout_s: float) -> int:
        """Exit code of SIPp once all its calls are over: 0 when every one went as its scenario, 1
        when one did not. Raises NotReady where SIPp itself failed, with its words.
        """
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise NotReady(f"{self.name}: its calls did not end in {timeout_s:g} s") from None
        if code not in (0, 1):
            raise NotReady(f"{self.name} ended with {code}: {self.screen()}")
        return code

    def stop(self) -> None:
        """End the process; a second stop does nothing."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(5)

    def screen(self) -> str:
        """What SIPp printed, for messages to people."""
        return (self._folder / "screen.log").read_text("utf-8", "replace")[-2000:]

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process. Raises NotReady before ``start``."""
        if self._process is None:
            raise NotReady(f"{self.name}: not started")
        return self._process
