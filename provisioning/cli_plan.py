# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands that compare files with the store, and write: plan, drift, apply, remove.

``plan`` and ``drift`` end with 2 where they find changes, with 0 where there are none.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from provisioning import beside, columns, following, planned, planning, show, values, writing
from provisioning.beside import NOTHING, Beside
from provisioning.completion import numbers
from provisioning.desk import DRY_RUN, FILES, MAP, YES, Desk, ask, with_desk, with_picture_desk
from provisioning.output import counted
from provisioning.plan_file import SUFFIX
from provisioning.planned import Plan
from provisioning.planning import Asked
from provisioning.problems import Refused
from provisioning.progress import Progress

CHANGED = click.option("--changed", type=int, metavar="COUNT", help="So many numbers, more than "
                       "30 % of ten or more, are meant to be changed or removed.")
UNANSWERED = click.option("--unanswered", type=int, metavar="COUNT", help="So many numbers are "
                          "meant to be left without anything that answers.")
FOUND = 2
MOST_TOLD = 1000


@click.command("plan")
@FILES
@MAP
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE.plan",
              help="Keep the plan, to apply exactly what was looked at.")
@click.option("--replay", "past", type=click.Path(), metavar="CALLS",
              help="Say which of the last so many calls, or of those in this file, would have gone "
              "elsewhere.")
@click.option("--pictures", is_flag=True, help="Show the week and the flow of each changed number, "
              "before and after; -F svg draws them.")
@with_picture_desk
def make_plan(desk: Desk, files: tuple[Path, ...], pairs: tuple[str, ...], out: Path | None,
              **wanted: Any) -> int:
    """Say what applying FILES, or one FILE.plan, would change. Nothing is written to the store.

    Ends with 2 where there is something to do.
    """
    kept, moved = _from_file(files), ""
    if kept:
        plan, moved = planned.compared(kept, desk.storage())
        for warning in plan.warnings:
            desk.warn(warning)
    else:
        plan = _plan(desk, files, pairs)
    if out:
        planned.save(out, plan, desk.now)
    would(desk, plan, beside.of(desk, plan, moved=moved, **wanted))
    return FOUND if plan.count else 0


def _from_file(files: Sequence[Path]) -> Plan | None:
    """The plan in a file, where one is given."""
    if not any(path.suffix == SUFFIX for path in files):
        return None
    if len(files) > 1:
        raise Refused("one plan at a time, and no files beside it")
    return planned.load(files[0])


@click.command("drift")
@FILES
@MAP
@with_desk
def drift(desk: Desk, files: tuple[Path, ...], pairs: tuple[str, ...]) -> int:
    """Say what in the store is not as FILES say, or nothing: for cron.

    Ends with 2 where something is.
    """
    plan = _plan(desk, files, pairs, quiet=True)
    _say(desk, plan)
    desk.stream(_as_dict(plan))
    return FOUND if plan.count else 0


@click.command("apply")
@FILES
@MAP
@YES
@DRY_RUN
@CHANGED
@UNANSWERED
@with_desk
def apply_files(desk: Desk, files: tuple[Path, ...], pairs: tuple[str, ...], yes: bool,
                dry_run: bool, **released: int | None) -> int:
    """Write what FILES say to the store, each number as a whole; or the changes of one FILE.plan,
    if nothing of it has moved since.
    """
    storage, kept = desk.storage(), _from_file(files)
    plan = planned.still_to_do(kept, storage) if kept else _plan(desk, files, pairs)
    if dry_run:
        return would(desk, plan)
    plan.release(released)
    return write(desk, plan, yes=yes)


@click.command("remove")
@click.argument("number", shell_complete=numbers)
@YES
@DRY_RUN
@with_desk
def remove_number(desk: Desk, number: str, yes: bool, dry_run: bool) -> int:
    """Take NUMBER out of the store, the lines of its owner too where it was the last. Numbers and
    lines that have to do with it follow: who forwards there calls it outside from then on.
    """
    followed = following.removal(values.number_key(number), desk.storage(),
                                 desk.in_network().settings.platform, desk.now)
    plan = planned.few(followed.changes, followed.warnings)
    for warning in plan.warnings:
        desk.warn(warning)
    return would(desk, plan) if dry_run else write(desk, plan, yes=yes)


def _plan(desk: Desk, files: Sequence[Path], pairs: Sequence[str], *, quiet: bool = False) -> Plan:
    """Raises RefusedFiles where the files, or they and the store, do not go together."""
    found = planning.make(Asked(
        tuple(files), columns.headers(pairs), desk.in_network().settings.platform, desk.now,
        desk.settings.redis, quiet), desk.storage())
    if found.of_files and not quiet:
        desk.warn(f"{counted(found.of_files, 'warning')}, see followme check")
    # What only the store tells, check cannot say.
    for warning in found.warnings:
        desk.problem(warning, "warning")
    return following.with_arrivals(found.plan, desk.storage(), desk.now)


def would(desk: Desk, plan: Plan, shown: Beside = NOTHING) -> int:
    """Say what a plan would write; the exit code of a dry run."""
    _say(desk, plan, shown)
    desk.say(plan.summary())
    for line in shown.replayed.lines() if shown.replayed else ():
        desk.say(line)
    for brake in plan.brakes:
        desk.warn(f"apply will refuse: {brake}")
    if shown.moved:
        desk.warn(f"apply will refuse: {shown.moved}; make the plan anew")
    shown.draw(desk, plan)
    desk.stream(_as_dict(plan) | shown.as_dict(plan))
    return 0


def write(desk: Desk, plan: Plan, *, yes: bool) -> int:
    """Ask unless ``yes``, write change by change and say so; the exit code."""
    if plan.count and not yes:
        ask(f"write {counted(plan.count, 'change')}", _told(plan))
    conflicts: list[str] = []
    progress, told = Progress("written", plan.count), 0
    for made in writing.write(plan, desk.storage):
        conflicts += made.conflicts
        for conflict in made.conflicts:
            desk.error(conflict)
        for change in made.changes[:max(0, MOST_TOLD - told)]:
            desk.say(change.head if change.result == "new" else str(change))
        told += len(made.changes)
        progress.add(made.count)
    progress.end()
    written = plan.count - len(conflicts)
    desk.say(f"{counted(written, 'change')} written" if plan.count else "nothing to do")
    desk.stream(_as_dict(plan) | {"refused": conflicts})
    return 1 if conflicts else 0


def _say(desk: Desk, plan: Plan, shown: Beside = NOTHING) -> None:
    for text in _told(plan, shown) if desk.for_people else ():
        desk.say(text)


def _told(plan: Plan, shown: Beside = NOTHING) -> Iterator[str]:
    """What is done, for people, who read no more than so much."""
    for change in islice(plan.writes, MOST_TOLD):
        yield from (str(change), *shown.below(change))
    if plan.count > MOST_TOLD:
        yield f"and {plan.count - MOST_TOLD:,} more; -F json tells them all"


def _as_dict(plan: Plan) -> dict[str, object]:
    return {"changes": map(show.change_as_dict, plan.changes),
            "warnings": list(plan.warnings), "brakes": [
                {"option": brake.option, "count": brake.count, "text": brake.text}
                for brake in plan.brakes]}
