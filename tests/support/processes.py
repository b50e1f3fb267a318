# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that end with us, also when we are killed."""

import subprocess
from collections.abc import Sequence

from tests.support.loopback import wait_until


def tied(command: Sequence[str]) -> list[str]:
    """The command, told by the kernel to end when the process that starts it is gone.

    setpriv(1) of util-linux does it (PR_SET_PDEATHSIG) and becomes the command: same pid.
    """
    return ["setpriv", "--pdeathsig", "TERM", *command]


def end(process: "subprocess.Popen[bytes]", what: str) -> int:
    """End it by SIGTERM and return its exit code. Raises NotReady after 15 s.

    The signal is repeated: Kamailio looks whether one came, then pauses until one comes, and what
    comes between the two it sees with the next (main.c, as of 5.6.3 and 6.1).
    """
    def ended() -> bool:
        process.terminate()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            return False
        return True

    wait_until(ended, f"the end of {what}", timeout_s=15)
    return process.returncode
