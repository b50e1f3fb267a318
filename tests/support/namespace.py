# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of one's own (network_namespaces(7)).

The thread that makes it moves there, and so does all that it starts from then on. It has no name
and is not written down, so it ends with the processes in it.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.loopback import NotReady

OWN = Path("/proc/thread-self/ns/net")
_CLONE_NEWNET = 0x40000000


@contextmanager
def own_network(*addresses: str) -> Iterator[None]:
    """It has a loopback with these addresses of IPv6 too. Raises NotReady where the process may
    not make it.
    """
    with ExitStack() as made:
        before = os.open(OWN, os.O_RDONLY)
        made.callback(os.close, before)
        _call("unshare", _CLONE_NEWNET)
        made.callback(enter, before)
        _ip("link set lo up", *(f"address add {one}/128 dev lo nodad" for one in addresses))
        yield


def enter(network: int) -> None:
    """Move this thread into the network of an open file of /proc/PID/ns/net."""
    _call("setns", network, _CLONE_NEWNET)


def _ip(*lines: str) -> None:
    """Run commands of ip(8) here. Raises NotReady with what it said."""
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), capture_output=True,
                          text=True, check=False)  # fmt: skip
    if done.returncode:
        raise NotReady(f"ip: {done.stderr.strip()}")


def _call(name: str, *arguments: int) -> None:
    """A system call of the C library. Raises NotReady where it is refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments):
        why = os.strerror(ctypes.get_errno())
        raise NotReady(f"{name}: {why}; network namespaces need root (CAP_SYS_ADMIN)")
