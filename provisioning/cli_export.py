# SPDX-License-Identifier: GPL-2.0-or-later
"""The command that writes files of what the store holds; planning them changes nothing."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from provisioning.completion import organisations
from provisioning.desk import Desk, with_desk
from provisioning.kept import Kept, Shared
from provisioning.output import counted
from provisioning.problems import Refused
from provisioning.schema import FILE as SCHEMA
from provisioning.schema import text as schema_text

_EDITORS = f"# yaml-language-server: $schema={SCHEMA}\n"


@click.command("export")
@click.argument("names", nargs=-1, metavar="[ORGANISATION]...", shell_complete=organisations)
@click.option("-o", "--out", "directory", type=click.Path(path_type=Path), metavar="DIRECTORY",
              help="Write a file for each organisation, those that it names, and the schema for "
              "editors.")
@with_desk
def export(desk: Desk, names: tuple[str, ...], directory: Path | None) -> int:
    """Write the file of an ORGANISATION as it was applied, comments included; with a DIRECTORY that
    of each, or of all. Digests stand in place of passwords.
    """
    kept = Kept(desk.storage())
    if directory is None and len(names) == 1:
        return _print(desk, names[0], kept)
    known = names or kept.organisations()
    if directory is None:
        raise Refused(f"name one ({', '.join(known[:5]) or 'the store has none'}), or write files "
                      "of several or all:  followme export -o DIRECTORY")
    files: dict[str, bytes] = {SCHEMA: schema_text().encode()}
    for name in known:
        shared, text = _file(name, kept)
        for beside, data in {**shared.files, f"{name}.yaml": text.encode()}.items():
            if files.setdefault(beside, data) != data:
                raise Refused(f"{name} and another organisation have each a file {beside}; write "
                              "them into two directories:  followme export NAME -o DIRECTORY")
    _write(directory, files)
    desk.say(f"{counted(len(known), 'organisation')} in {directory}")
    desk.print({"files": sorted(files)})
    return 0


def _print(desk: Desk, name: str, kept: Kept) -> int:
    shared, text = _file(name, kept)
    if shared.files:
        raise Refused(f"calendars of {name} name files ({', '.join(sorted(shared.files))}); write "
                      f"all of them:  followme export {name} -o DIRECTORY")
    desk.print({"organisation": name, "text": text})
    if desk.for_people:
        click.echo(text, nl=False)
    return 0


def _file(name: str, kept: Kept) -> tuple[Shared, str]:
    shared, text = kept.export(name)
    return shared, _EDITORS + text


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Each file is whole or not there; only its owner reads what may hold secrets."""
    part = directory / ".followme.part"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            part.touch(mode=0o600)
            part.write_bytes(data)
            part.replace(directory / name)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise Refused(f"{directory}: the files cannot be written: {error.strerror}") from None
