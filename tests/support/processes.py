# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that end with us, also when we are killed."""

from collections.abc import Sequence


def tied(command: Sequence[str]) -> list[str]:
    """The command, told by the kernel to end when the process that starts it is gone.

    setpriv(1) of util-linux does it (PR_SET_PDEATHSIG) and becomes the command: same pid.
    """
    return ["setpriv", "--pdeathsig", "TERM", *command]
