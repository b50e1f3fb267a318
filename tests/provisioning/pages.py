# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of our pages, and how one of a command is run and compared.

What stands below ``$ command`` in a ``console`` block is what it prints, with two exceptions: a
row ``…`` stands for any rows, and ``…`` within a row for anything. ``[y/N]: y`` is what a person
answers.
"""

import contextlib
import glob
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioning.cli import main
from tests.provisioning.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLLOWME = ("script/followme ", "followme ")
_QUESTION = "[y/N]: "


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: str
    row: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.row}"


def blocks(page: Path) -> Iterator[Block]:
    """All of a page, in order."""
    text = page.read_text()
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(page.name, text[:found.start()].count("\n") + 1, found[1], found[2])


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console, and what it prints."""
    first, *rest = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not first, f"{block}: a console begins with a command: $ …"
    for one in rest:
        command, _, printed = one.partition("\n")
        yield command, printed


class Keyboard:
    """A terminal at which somebody types one thing, or where nobody is."""

    def __init__(self, typed: str) -> None:
        self._typed = f"{typed}\n" if typed else ""

    def isatty(self) -> bool:
        """Whether somebody can be asked."""
        return bool(self._typed)

    def readline(self, _: int = -1) -> str:
        """What is typed, which is seen as well."""
        sys.stdout.write(self._typed)
        return self._typed


def run(command: str, answer: str) -> str:
    """What it prints, on both outputs; commands of ours run in this process."""
    if not command.startswith(FOLLOWME):
        ran = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
        return ran.stdout
    line, _, sink = command.partition(" > ")
    line, _, quiet = line.partition(" 2>")
    words = [found for word in shlex.split(line, comments=True)[1:]
             for found in (sorted(glob.glob(word)) if "*" in word else [word])]
    terminal, lost = io.StringIO(), io.StringIO()
    with (contextlib.redirect_stdout(terminal), pytest.MonkeyPatch.context() as patch,
          contextlib.redirect_stderr(lost if quiet else terminal)):
        patch.setattr(sys, "stdin", Keyboard(answer))
        main(words)
    if not sink:
        return terminal.getvalue()
    Path(sink).write_text(terminal.getvalue())
    return ""


def check(block: Block) -> None:
    """Run the commands of a console in this folder; each prints what the page shows."""
    for command, shown in commands(block):
        answered = re.search(re.escape(_QUESTION) + r"(\w+)$", shown, re.MULTILINE)
        printed = _rows(run(command, answered[1] if answered else ""))
        if not re.fullmatch(_pattern(shown), printed):
            pytest.fail(f"{block}: $ {command}\n-- the page:\n{shown}-- printed:\n{printed}")


def _rows(text: str) -> str:
    return "".join(f"{row.rstrip()}\n" for row in text.splitlines())


def _pattern(shown: str) -> str:
    return "".join("(?:.*\n)+" if row == "…" else re.escape(row).replace("…", ".+") + "\n"
                   for row in _rows(shown).splitlines())
