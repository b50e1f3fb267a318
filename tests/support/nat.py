# SPDX-License-Identifier: GPL-2.0-or-later
"""A home network behind NAT, made of network namespaces (network_namespaces(7)).

The thread that makes it moves into a namespace of its own, the public network, and so does all that
it starts from then on. Nothing has a name and nothing is written down, so nothing outlives the
process: the namespaces end with the processes that hold them.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.support.loopback import NotReady, wait_until
from tests.support.namespace import OWN, enter, own_network
from tests.support.processes import tied

PUBLIC, ROUTER, OTHER_PUBLIC = "198.18.0.1", "198.18.0.2", "198.18.0.3"
LAN, HOME = "192.168.77.1", "192.168.77.10"
"""Addresses of two proxies, of the router on both sides (RFC 2544, RFC 1918), and of the phones."""

_NAT = """table ip nat {
    chain out {
        type nat hook postrouting priority 100
        oifname "wan" masquerade fully-random
    }
}
"""
"""Each mapping gets a port of its own, so no phone has the one that it believes in."""


class HomeNetwork:
    """The public network with a router behind which phones are; a context that makes and ends it.

    Raises NotReady where the process may not make namespaces.
    """

    def __enter__(self) -> Self:
        with ExitStack() as made:
            made.enter_context(own_network())
            self._public = os.open(OWN, os.O_RDONLY)
            made.callback(os.close, self._public)
            self._router, self._home = made.enter_context(_held()), made.enter_context(_held())
            self._connect()
            self._ends = made.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Sockets that are opened in this block are in the home network."""
        there = os.open(f"/proc/{self._home}/ns/net", os.O_RDONLY)
        try:
            enter(there)
            yield
        finally:
            enter(self._public)
            os.close(there)

    def forget(self) -> None:
        """The router forgets all mappings, as after a restart: its address outside is new."""
        _run(self._router, f"ip address del {ROUTER}/24 dev wan")
        _run(self._router, f"ip address add {ROUTER}/24 dev wan")

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Nothing gets in or out of the home in this block, and nobody is told."""
        _run(self._router, "ip link set lan down")
        yield
        _run(self._router, "ip link set lan up")

    def forgets_after(self, seconds: int) -> None:
        """The router forgets UDP mappings that are not used for so long, from now on."""
        folder = "/proc/sys/net/netfilter/nf_conntrack_udp_timeout"
        for end in ("", "_stream"):
            _run(self._router, f"sh -c 'echo {seconds} >{folder}{end}'")

    def _connect(self) -> None:
        public = os.getpid()
        for line in (
            f"ip link add pub type veth peer name wan netns {self._router}",
            f"ip address add {PUBLIC}/24 dev pub",
            f"ip address add {OTHER_PUBLIC}/24 dev pub",
            "ip link set pub up",
        ):
            _run(public, line)
        for line in (
            f"ip link add lan type veth peer name phones netns {self._home}",
            f"ip address add {ROUTER}/24 dev wan",
            f"ip address add {LAN}/24 dev lan",
            "ip link set wan up",
            "ip link set lan up",
            "sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'",
        ):
            _run(self._router, line)
        for line in (
            f"ip address add {HOME}/24 dev phones",
            "ip link set phones up",
            f"ip route add default via {LAN}",
        ):
            _run(self._home, line)
        _run(self._router, "nft --file -", _NAT)


@contextmanager
def _held() -> Iterator[int]:
    """The process id that holds a namespace of its own."""
    own = OWN.readlink()
    holder = subprocess.Popen(tied(["unshare", "--net", "sleep", "infinity"]))
    try:
        there = Path(f"/proc/{holder.pid}/ns/net")
        wait_until(lambda: there.readlink() != own, "a network namespace")
        yield holder.pid
    finally:
        holder.terminate()
        holder.wait(5)


def _run(holder: int, line: str, text: str = "") -> None:
    """Run a command in the namespace of a process. Raises NotReady with what it said."""
    command = ["nsenter", f"--net=/proc/{holder}/ns/net", *shlex.split(line)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"{line}: {done.stderr.strip()}")
