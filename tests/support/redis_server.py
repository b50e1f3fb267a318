# SPDX-License-Identifier: GPL-2.0-or-later
"""A redis-server of our own on a unix socket, without persistence, ended by its pid."""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.support.loopback import NotReady, wait_until
from tests.support.processes import tied


class RedisServer:
    """A redis-server in ``folder``; ``url`` is what FOLLOWME_REDIS wants."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket_path = folder / "redis.sock"
        self.url = f"unix://{self.socket_path}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty; returns when it answers PING."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.socket_path)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                tied(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # As a service it has its own share of the processor (autogroup, sched(7)).
                start_new_session=True,
            )
        # Nor is it late where a test keeps the machine busy: calls have 50 ms for it (sched(7)).
        with suppress(PermissionError):
            os.sched_setscheduler(self._process.pid, os.SCHED_RR, os.sched_param(1))
        wait_until(self._answers, "redis-server answering PING")

    def stop(self) -> None:
        """End it cleanly, also when it is frozen; a second stop does nothing."""
        if self.is_running():
            self.thaw()
            self._signal(signal.SIGTERM)
            self._reap()

    def kill(self) -> None:
        """End it as a crash would."""
        self._signal(signal.SIGKILL)
        self._reap()

    def freeze(self) -> None:
        """Let it hang: connections open, no answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after ``freeze``."""
        self._signal(signal.SIGCONT)

    def is_running(self) -> bool:
        """Whether the process exists, frozen or not."""
        return self._process is not None and self._process.poll() is None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise NotReady("redis-server: not started")
        self._process.send_signal(number)

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(10)

    def _answers(self) -> bool:
        if not self.is_running():
            raise NotReady(f"redis-server: {(self._folder / 'redis.log').read_text()[-1000:]}")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket_path))
                client.sendall(b"PING\r\n")
                return client.recv(64) == b"+PONG\r\n"
            except OSError:
                return False
