# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme check``: what is wrong with files."""

from pathlib import Path

import click

from provisioning import columns, show
from provisioning.check import check
from provisioning.desk import FILES, MAP, Desk, problems_as_dict, with_desk
from provisioning.network import Extents
from provisioning.output import counted

_SHOWN = 100
"""So many warnings, and notes, of files are for people."""


@click.command("check")
@FILES
@MAP
@with_desk
def check_files(desk: Desk, files: tuple[Path, ...], pairs: tuple[str, ...]) -> int:
    """Say all that is wrong with FILES. The store is not asked."""
    now = desk.now
    checked = check(files, desk.settings.platform, now, columns.headers(pairs))
    problems = checked.problems
    extents = Extents({entry.number.number: entry.number for entry in checked.numbers})
    overview = [show.overview(entry.number, now, extents) for entry in checked.numbers]
    for row in overview:
        del row["revision"], row["override"]
    desk.print(problems_as_dict(problems) | {"numbers": [] if problems.errors else overview})
    if desk.errors(problems):
        return 1
    desk.table(overview)
    for kind, found in (("note", problems.notes), ("warning", problems.warnings)):
        for one in found[:_SHOWN]:
            desk.problem(one, kind)
        if len(found) > _SHOWN:
            desk.warn(f"and {len(found) - _SHOWN:,} more {kind}s; -F json tells them all")
    notes = [counted(len(problems.notes), "note")] if problems.notes else []
    desk.say(", ".join(("no errors", counted(len(problems.warnings), "warning"), *notes)))
    return 0
