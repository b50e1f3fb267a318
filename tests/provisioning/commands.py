# SPDX-License-Identifier: GPL-2.0-or-later
"""All commands as click knows them, and for each a call that does something."""

from collections.abc import Iterator
from pathlib import Path

import click

from provisioning.cli import Late
from provisioning.cli import followme as group
from tests.provisioning.conftest import EXAMPLES
from tests.provisioning.test_calls import JANA, Calls

EDITED = "edited.yaml"
"""The file of jana with something else in it."""
IMPORTED = ("--organisation", "acme", "--time-zone", "Europe/Prague")
WORK: dict[str, tuple[str, ...]] = {
    "apply": ("--yes", EDITED),
    "calls": ("--forget", "--yes"),
    "check": (EDITED,),
    "diff": ("@yesterday",),
    "doctor": (),
    "drift": (EDITED,),
    "export": ("acme",),
    "explain": (JANA,),
    "flow": (JANA,),
    "history": (JANA,),
    "import freepbx": ("extensions.csv", *IMPORTED),
    "import sipxpbx": ("alias.xml", *IMPORTED),
    "override": (JANA, "on_call", "--until", "8 hours"),
    "plan": (EDITED,),
    "remove": ("--yes", JANA),
    "schema": (),
    "show": (JANA,),
    "undo": ("--yes", JANA),
    "week": (JANA,),
    "why": ("a@192.0.2.20",),
}
"""Arguments with which each command does its work, in a folder and a store made ready by
``make_ready``.
"""


def _walk(one: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if isinstance(one, Late):
        one = one.loaded()
    if isinstance(one, click.Group):
        for name, inner in one.commands.items():
            yield from _walk(inner, (*words, name))
    else:
        yield " ".join(words), one


COMMANDS = dict(_walk(group))
"""Words -> command."""
WORDS = sorted(COMMANDS)


def options(words: str) -> set[str]:
    """All options of a command."""
    return {name for one in COMMANDS[words].params if isinstance(one, click.Option)
            for name in one.opts}


def make_ready(folder: Path, calls: Calls) -> None:
    """Write the files that ``WORK`` names, and a call."""
    office = (EXAMPLES / "office.yaml").read_text()
    (folder / EDITED).write_text(office.replace("ring: 30", "ring: 31"))
    (folder / "extensions.csv").write_text("extension,secret\n201,blue-kettle-7\n")
    (folder / "alias.xml").write_text('<items type="alias"></items>\n')
    calls.answered("a@192.0.2.20")
