# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the recording of the real Kamailio's KEMI interface, and the stub made from it."""

import sys
import tempfile
from pathlib import Path

from tests.contract import recording, server, stub

ENTRY = Path(__file__).with_name("probe_entry.py")


def main() -> None:
    """Records the Kamailio of this machine. Exits when it is not the one to be recorded."""
    if server.version() != recording.VERSION:
        sys.exit(f"this is Kamailio {server.version()}; {recording.VERSION} is what we record")
    with tempfile.TemporaryDirectory() as folder, server.running(ENTRY, Path(folder)):
        functions = recording.from_rpc(server.kamcmd(Path(folder), "app_python.api_list"))
    recording.RECORDING.write_text(recording.dump(functions))
    stub.STUB.write_text(stub.render(recording.load()))
    written = f"{recording.RECORDING.name}: {len(functions)} functions; {stub.STUB.name} written"
    sys.stdout.write(f"{written}\n")


if __name__ == "__main__":
    main()
