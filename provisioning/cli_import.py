# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme import``: a file of ours out of what another system has exported."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from provisioning import freepbx, importing, sipx
from provisioning.desk import Desk, problems_as_dict, with_desk
from provisioning.importing import Import
from provisioning.output import counted
from provisioning.problems import Refused

_FILE = click.Path(path_type=Path)
_FILES = click.argument("files", nargs=-1, required=True, type=_FILE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of an import as written."""

    organisation: str
    time_zone: str
    dial_plan: str
    output: Path | None


def _options(command: Callable[..., int]) -> Callable[..., int]:
    """What each import asks for."""
    for option in (
            click.option("--organisation", metavar="NAME", required=True),
            click.option("--time-zone", metavar="ZONE", required=True, help="Europe/Prague."),
            click.option("--dial-plan", metavar="KEY=VALUE,…", default="",
                         help="How numbers are dialled there, as in a file: country=49,"
                              "trunk_prefix=0,international_prefix=00."),
            click.option("-o", "output", metavar="FILE", type=_FILE,
                         help="Write to a new FILE, not to the terminal.")):
        command = option(command)
    return with_desk(command)


@click.group("import")
def import_files() -> None:
    """Make a file of ours out of an export of another system. Nothing is written to the store.

    What could not be kept is said as a warning, and as a comment in the file, which passes check.
    """


@import_files.command("freepbx")
@_FILES
@_options
def import_freepbx(desk: Desk, files: tuple[Path, ...], **options: Any) -> int:
    """FILES are extensions and DIDs of FreePBX, exported by its Bulk Handler as CSV."""
    return _run(desk, _Asked(**options), lambda ours: freepbx.read(files, ours))


@import_files.command("sipxpbx")
@_FILES
@_options
def import_sipxpbx(desk: Desk, files: tuple[Path, ...], **options: Any) -> int:
    """FILES are alias.xml, credential.xml, permission.xml of sipXpbx or sipXecs, and others."""
    return _run(desk, _Asked(**options), lambda ours: sipx.read(files, ours))


def _run(desk: Desk, asked: _Asked, read: Callable[[Import], str]) -> int:
    output = asked.output
    if output and os.path.exists(output):
        raise Refused(f"{output} is there already; give another name")
    ours = Import(asked.organisation, asked.time_zone, importing.dial_plan(asked.dial_plan),
                  desk.now)
    text = read(ours)
    ours.problems.settle()
    for warning in ours.problems.warnings:
        desk.problem(warning, "warning")
    if output:
        _write(output, text)
        warnings = counted(len(ours.problems.warnings), "warning")
        desk.say(f"{output} is written; {warnings}; next: followme check {output}")
    elif desk.for_people:
        click.echo(text, nl=False)
    desk.print(problems_as_dict(ours.problems) | {
        "file": str(output) if output else None, "text": None if output else text})
    return 0


def _write(path: Path, text: str) -> None:
    """A file that only its owner can read: passwords stand in it."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
                  encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None
