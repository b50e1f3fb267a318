# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes all that is made from the code for people and editors."""

import sys
from collections.abc import Callable
from pathlib import Path

from docs import decisions, files
from provisioning import schema

ROOT = Path(__file__).parent.parent
PAGES: dict[Path, Callable[[], str]] = {
    decisions.PAGE: decisions.page, files.PAGE: files.page,
    ROOT / "provisioning" / "examples" / schema.FILE: schema.text}


def main(arguments: list[str]) -> int:
    """Write the pages; with ``--check`` only compare: 1 where one is out of date."""
    if arguments != ["--check"]:
        for path, text in PAGES.items():
            path.write_text(text(), "utf-8")
        return 0
    stale = [path for path, text in PAGES.items()
             if not path.exists() or path.read_text("utf-8") != text()]
    for path in stale:
        sys.stderr.write(f"{path.relative_to(ROOT)} is not what the code says; run script/docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
