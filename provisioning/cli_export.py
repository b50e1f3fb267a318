# SPDX-License-Identifier: GPL-2.0-or-later
"""The command that writes files of what the store holds; planning them changes nothing."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from kemi_routing.model import Number
from kemi_routing.redis import keys
from kemi_routing.targets import is_number_key
from provisioning import columns, operator_file, show
from provisioning.columns import Headers
from provisioning.completion import organisations
from provisioning.desk import MAP, Desk, with_desk
from provisioning.forms import calendar, objects, table
from provisioning.kept import Kept, Shared
from provisioning.output import counted
from provisioning.problems import Refused
from provisioning.schema import FILE as SCHEMA
from provisioning.schema import text as schema_text
from provisioning.storage import Storage
from provisioning.stored import read_number
from provisioning.written import Written
from provisioning.yaml_text import block

OPERATORS = "_operator.yaml"
"""No organisation has a name that begins so."""
_EDITORS = f"# yaml-language-server: $schema={SCHEMA}\n"
_ROWS = {"jsonl": objects.text, "csv": table.text}
_FORMS = ("yaml", *_ROWS, "ics")
_AT_ONCE = 200
"""So many subscribers are held as trees."""


@dataclass(frozen=True, slots=True)
class _Exported:
    """What was asked for, and the files that belong to it."""

    text: str
    beside: Mapping[str, bytes] = field(default_factory=dict)
    lacks: str = ""
    """What is not there without them."""


@click.command("export")
@click.argument("names", nargs=-1, metavar="[ORGANISATION]...", shell_complete=organisations)
@click.option("-o", "--out", "directory", type=click.Path(path_type=Path), metavar="DIRECTORY",
              help="Write a file for each organisation, those that it names, that of the operator, "
              "and the schema for editors.")
@click.option("--as", "kind", type=click.Choice(_FORMS), default="yaml", show_default=True,
              help="Numbers as JSON lines or as a table; holidays and vacations as a calendar, of "
              "a NUMBER too.")
@MAP
@with_desk
def export(desk: Desk, names: tuple[str, ...], directory: Path | None, kind: str,
           pairs: tuple[str, ...]) -> int:
    """Write the file of an ORGANISATION as it was applied, comments included; with a DIRECTORY that
    of each, or of all. Digests stand in place of passwords.
    """
    if pairs and kind not in _ROWS:
        raise Refused(f"--map says what columns are called; write  --as {' or '.join(_ROWS)}")
    storage = desk.storage()
    if kind == "ics":
        names = tuple(map(desk.number, names))
    exporter = _Exporter(desk, storage, Kept(storage), kind, columns.headers(pairs))
    if directory is None and len(names) == 1:
        return _print(desk, names[0], kind, exporter.of(names[0]))
    known = names or exporter.kept.organisations()
    if directory is None:
        raise Refused(f"name one ({', '.join(known[:5]) or 'the store has none'}), or write files "
                      "of several or all:  followme export -o DIRECTORY")
    files: dict[str, bytes] = {} if kind == "ics" else {SCHEMA: schema_text().encode()}
    if not names and kind != "ics" and (text := operator_file.text(storage)):
        files[OPERATORS] = (_EDITORS + text).encode()
    for name in known:
        found = exporter.of(name)
        file = f"{name.replace('/', '-')}.{kind}"
        for beside, data in {**found.beside, file: found.text.encode()}.items():
            if files.setdefault(beside, data) != data:
                raise Refused(f"{name} and another organisation have each a file {beside}; write "
                              "them into two directories:  followme export NAME -o DIRECTORY")
    _write(directory, files)
    desk.say(f"{counted(len(known), 'organisation')} in {directory}")
    desk.print({"files": sorted(files)})
    return 0


def _print(desk: Desk, name: str, kind: str, found: _Exported) -> int:
    if found.lacks:
        raise Refused(f"{found.lacks}; write all of them:  followme export {name}"
                      f"{f' --as {kind}' if kind in _ROWS else ''} -o DIRECTORY")
    desk.print({"organisation": name, "text": found.text})
    if desk.for_people:
        click.echo(found.text, nl=False)
    return 0


@dataclass(frozen=True, slots=True)
class _Exporter:
    """Makes a form of what is stored."""

    desk: Desk
    storage: Storage
    kept: Kept
    kind: str
    headers: Headers

    def of(self, name: str) -> _Exported:
        """That of an organisation; raises Refused."""
        if self.kind == "ics":
            return _Exported(calendar.text(name, self._numbers(name), self.desk.now).decode())
        if self.kind in _ROWS:
            return self._rows(name)
        shared, text = self.kept.export(name)
        lacks = shared.files and f"calendars of {name} name files ({', '.join(shared.files)})"
        return _Exported(_EDITORS + text, shared.files, lacks or "")

    def _rows(self, name: str) -> _Exported:
        """The numbers, and beside them the file with all that they share."""
        left: dict[str, Any] = {}
        text = _ROWS[self.kind](self._trees(name, left), self.headers)
        shared = self.kept.shared(name) or Shared()
        rest = "".join(f"{row}\n" for row in block({"subscribers": left})) if left else ""
        file = f"{_EDITORS}{shared.text}{rest}"
        lacks = left and f"{', '.join(left)}: who has no number stands in no row"
        return _Exported(text, {**shared.files, f"{name}.yaml": file.encode()}, lacks or "")

    def _trees(self, name: str, left: dict[str, Any]) -> Iterator[Written]:
        """The file in parts; what stands in no row is put into ``left``."""
        for owners in self._owners(name):
            tree = self.kept.tree(name, self.kept.subscribers(owners))
            left |= objects.without_numbers(tree)
            yield tree

    def _numbers(self, name: str) -> Iterator[Number]:
        if is_number_key(name):
            yield show.one_number(name, self.storage)[0]
            return
        for owners in self._owners(name):
            keys_of = [key for one in self.kept.subscribers(owners).values() for key in one.numbers]
            found = self.storage.read(map(keys.number, keys_of))
            yield from filter(None, (read_number(found, key) for key in keys_of))

    def _owners(self, name: str) -> Iterator[list[str]]:
        owners = self.kept.owners(name)
        if not owners:
            raise Refused(f"{name}: there is no such organisation with subscribers")
        for first in range(0, len(owners), _AT_ONCE):
            yield owners[first:first + _AT_ONCE]


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
