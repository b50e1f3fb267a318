# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands print: for people, or the same as JSON and YAML for programs."""

import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from ruamel.yaml import YAML

from provisioning.excerpt import excerpt
from provisioning.problems import Problem

FORMS = ("table", "json", "yaml")
SVG = "svg"
FOR_EYES = ("table", SVG)
"""Forms whose errors are words on the error output."""
_WIDE = 400
"""Where nobody looks, a table is never folded."""
_ROW = 160
"""So long are the rows of files that are shown where nobody looks."""
_MARGIN = " " * 4
_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def document(data: Any, form: str) -> str:
    """The data as JSON or YAML."""
    if form == "json":
        return json.dumps(data, indent=2, ensure_ascii=False)
    text = io.StringIO()
    yaml = YAML()
    yaml.width = _WIDE
    yaml.dump(data, text)
    return text.getvalue().rstrip()


def streamed(data: Mapping[str, Any], form: str) -> Iterator[str]:
    """The same in pieces; a value of the mapping that is an iterator is gone through once, and is a
    list.
    """
    if form != "json":
        for key, value in data.items():
            if not isinstance(value, Iterator):
                yield document({key: value}, form) + "\n"
                continue
            pieces = (document([one], form) + "\n" for one in value)
            first = next(pieces, None)
            yield f"{key}:\n{first}" if first else f"{key}: []\n"
            yield from pieces
        return
    before = "{\n"
    for key, value in data.items():
        yield f"{before}  {json.dumps(key)}: "
        before = ",\n"
        if not isinstance(value, Iterator):
            yield _indented(value, "  ")
            continue
        begin = "["
        for one in value:
            yield f"{begin}\n    {_indented(one, '    ')}"
            begin = ","
        yield "[]" if begin == "[" else "\n  ]"
    yield "\n}\n"


def _indented(data: Any, margin: str) -> str:
    return document(data, "json").replace("\n", f"\n{margin}")


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


def problem(one: Problem, kind: str) -> None:
    """Print an ``error``, ``warning`` or ``note`` of a file on stderr, with its row and a caret
    where it stands; coloured as ``table``.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    word = "" if kind == "error" else f"{kind}: "
    said = Text(str(replace(one, text=word + one.text)))
    said.stylize(_COLOURS[kind], 0, len(str(one.place)) + 1)
    console.print(said)
    if one.row:
        width = console.width if console.is_terminal else _ROW
        row, caret = excerpt(one.row, one.place.column, width - len(_MARGIN)).pointed()
        console.print(Text(_MARGIN + row))
        console.print(Text(_MARGIN + caret, _COLOURS[kind]))


def form_of(arguments: Sequence[str]) -> str:
    """The form that these arguments ask for, also where they cannot be understood."""
    form = FORMS[0]
    for one, following in zip(arguments, (*arguments[1:], ""), strict=True):
        asked = re.fullmatch(r"-d?F(.*)", one)
        if asked and (value := asked[1] or following) in FORMS:
            form = value
    return form


def fail(text: str, form: str = "table") -> int:
    """Print an error that stands in no file, in this form; the exit code."""
    if form in FOR_EYES:
        click.echo(worded(text), err=True)
    else:
        click.echo(document({"error": text}, form))
    return 1


def worded(text: str) -> str:
    """An error that stands in no file, for people."""
    return f"followme: {text}"
