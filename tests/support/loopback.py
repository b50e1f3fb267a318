# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses on loopback that no other test run on this machine uses at the same time."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.support import wire

_GUARD_PORT = 5999


class NotReady(Exception):
    """Something that was started did not become ready, or did not end, in time."""


class Network:
    """The addresses 127.0.N.x of one arrangement, held until ``release``.

    They are reserved by a socket bound to 127.0.N.254, so they are free again when the process
    dies. Raises OSError where somebody holds them.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._guard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._guard.bind((self.address(254), _GUARD_PORT))
        except OSError:
            self._guard.close()
            raise
        wire.listen(number)

    def address(self, last: int) -> str:
        """Address 127.0.N.``last``."""
        return f"127.0.{self.number}.{last}"

    def release(self) -> None:
        """Give the addresses back."""
        wire.forget(self.number)
        self._guard.close()


def reserve_network() -> Network:
    """Reserve the first free network, N from 1 to 250. Raises NotReady when all are taken."""
    taken = _networks_in_use()
    for number in (each for each in range(1, 251) if each not in taken):
        with suppress(OSError):
            return Network(number)
    raise NotReady("all 250 loopback networks are taken")


def free_udp_port(address: str = "127.0.0.1") -> int:
    """A UDP port that nobody is bound to on ``address`` at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def is_udp_bound(address: str, port: int) -> bool:
    """Whether a socket of this machine is bound to exactly this address and port (proc(5))."""
    return (address, port) in _bound("udp")


def _networks_in_use() -> set[int]:
    """N of every 127.0.N.x that a socket is bound to, also one whose guard died before it."""
    parts = (address.split(".") for address, _ in _bound("udp") + _bound("tcp"))
    return {int(third) for first, _, third, _ in parts if first == "127"}


def _bound(transport: str) -> list[tuple[str, int]]:
    lines = Path(f"/proc/net/{transport}").read_text(encoding="ascii").splitlines()[1:]
    written = (line.split()[1].split(":") for line in lines)
    return [(socket.inet_ntoa(bytes.fromhex(a)[::-1]), int(port, 16)) for a, port in written]


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 10.0) -> None:
    """Return as soon as ``condition`` holds. Raises NotReady naming ``what`` when it does not."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.01)
