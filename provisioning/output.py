# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands print: for people, or the same as JSON and YAML for programs."""

import io
import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from ruamel.yaml import YAML

_WIDE = 400
"""Where nobody looks, a table is never folded."""


def document(data: Any, form: str) -> str:
    """The data as JSON or YAML."""
    if form == "json":
        return json.dumps(data, indent=2, ensure_ascii=False)
    text = io.StringIO()
    yaml = YAML()
    yaml.width = _WIDE
    yaml.dump(data, text)
    return text.getvalue().rstrip()


def counted(count: int, thing: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headings; coloured on a terminal, unless NO_COLOR is set."""
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    drawn = Table(box=None, pad_edge=False, header_style="cyan")
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(str(cell)) for cell in row))
    console.print(drawn)
