# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m provisioning``: what ``script/followme`` runs."""

import os
import sys

for _name, _mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
    if getattr(sys, _name) is None:  # closed by who started us: no connection may take its place
        setattr(sys, _name, os.fdopen(os.open(os.devnull, os.O_RDWR), _mode))

try:
    from provisioning.cli import INTERRUPTED, main
except KeyboardInterrupt:
    sys.exit(130)


def run() -> int:
    """The exit code, whatever becomes of the output."""
    try:
        return main(sys.argv[1:])
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:  # files are answered for where they are read and written
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left is not tried again
        sys.stderr.write(f"followme: the output cannot be written: {error.strerror}\n")
        return 1


sys.exit(run())
