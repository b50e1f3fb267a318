# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's rtpengine in user space, and RTP by hand (RFC 3550)."""

import re
import select
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.loopback import free_udp_port, wait_until
from tests.support.processes import tied

_PAYLOAD = b"\xff" * 160
_PORTS = range(30000, 30200)


class Rtpengine:
    """One rtpengine at an address; it takes commands at ``url``."""

    def __init__(self, address: str, folder: Path, *others: str) -> None:
        """``others`` are addresses at which it relays too, of the other family."""
        self.address = address
        self._interfaces = [f"--interface={one}" for one in (address, *others)]
        self._log = folder / "rtpengine.log"
        self._control, self._cli = free_udp_port(address), free_udp_port(address)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As Kamailio's module rtpengine wants it."""
        return f"udp:{self.address}:{self._control}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self.stop()

    def start(self) -> None:
        """Start it; returns when it answers."""
        command = [
            "rtpengine", "--config-file=none", "--table=-1", "--foreground", "--log-stderr",
            *self._interfaces, f"--listen-ng={self.address}:{self._control}",
            f"--listen-cli={self.address}:{self._cli}", "--delete-delay=0", "--num-threads=2",
            f"--port-min={_PORTS.start}", f"--port-max={_PORTS.stop}",
        ]  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(tied(command), stdout=log, stderr=log)
        wait_until(self._answers, "rtpengine")

    def stop(self) -> None:
        """End it; a second time does nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def sessions(self) -> int:
        """How many calls it relays, by its own count."""
        with socket.create_connection((self.address, self._cli), 2) as cli:
            cli.sendall(b"list numsessions\n")
            said = cli.recv(4096).decode()
        found = re.search(r"sessions own: (\d+)", said)
        assert found is not None, said
        return int(found[1])

    def _answers(self) -> bool:
        try:
            return self.sessions() == 0
        except ConnectionRefusedError:
            return False


class Media:
    """One side's RTP: a socket, and where the other side's SDP says that RTP goes."""

    def __init__(self, address: str, at: Callable[[], socket.socket]) -> None:
        self._socket = at()
        self._socket.bind((address, 0))
        self._number = 0
        self.there = ("", 0)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    @property
    def sdp(self) -> str:
        """What this side offers or answers (RFC 8866)."""
        host, port = self._socket.getsockname()[:2]
        at = f"IN IP{6 if ':' in host else 4} {host}"
        lines = ["v=0", f"o=- 1 1 {at}", "s=-", f"c={at}", "t=0 0"]
        lines += [f"m=audio {port} RTP/AVP 0", "a=rtpmap:0 PCMU/8000", ""]
        return "\r\n".join(lines)

    def goes(self, sdp: str) -> None:
        """RTP goes where the other side's SDP says."""
        self.there = where(sdp)

    def hears(self, other: "Media") -> None:
        """Returns when a packet of this side's has reached the other one's socket, both sending as
        in a call. Raises NotReady when none does.
        """
        wait_until(lambda: self._exchanged(other), f"RTP from {other.there}", 15)

    def _exchanged(self, other: "Media") -> bool:
        self._send()
        other._send()
        return bool(select.select([other._socket], [], [], 0.02)[0])

    def forget(self) -> None:
        """Drop what has come so far."""
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(2048)

    def _send(self) -> None:
        self._number += 1
        head = struct.pack("!BBHII", 0x80, 0, self._number, 160 * self._number, id(self) % 2**32)
        self._socket.sendto(head + _PAYLOAD, self.there)


def udp() -> socket.socket:
    """A socket of this network namespace."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def udp6() -> socket.socket:
    """The same for IPv6."""
    return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)


def both_hear(one: Media, other: Media) -> None:
    """Returns when what each side sends from now on reaches the other one. Raises NotReady."""
    for media in (one, other):
        media.forget()
    one.hears(other)
    other.hears(one)


def where(sdp: str) -> tuple[str, int]:
    """The address and port of the first medium in an SDP."""
    host = re.search(r"^c=IN IP[46] (\S+)", sdp, re.M)
    port = re.search(r"^m=audio (\d+)", sdp, re.M)
    assert host is not None
    assert port is not None
    return host[1], int(port[1])
