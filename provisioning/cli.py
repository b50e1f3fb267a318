# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme``: the commands of the write side.

A command ends with 0 where it did what was asked or found nothing to do, with 1 for everything
else. Whatever a person does wrong is answered in words, never with a traceback.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kemi_routing import e164
from kemi_routing.explain import as_text
from provisioning import cases, changes, show
from provisioning.check import Checked, check
from provisioning.desk import Desk, problems_as_dict, with_desk
from provisioning.problems import Refused
from provisioning.question import ANONYMOUS, Question, Rejected, answer
from provisioning.storage import Change, Conflict, Storage

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
YES = click.option("--yes", is_flag=True, help="Write without asking.")


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code."""
    try:
        result = followme.main(args=list(arguments), prog_name="followme", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 1
    except click.Abort:
        click.echo("stopped", err=True)
        return 1
    return result if isinstance(result, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def followme() -> None:
    """Personal numbers: check files, write them to the store, show it, explain calls."""


@followme.command("check")
@FILES
@with_desk
def check_files(desk: Desk, files: tuple[Path, ...]) -> int:
    """Say all that is wrong with FILES. The store is not asked."""
    checked = check(files, desk.settings.platform)
    problems = checked.problems
    overview = [show.overview(entry.number) for entry in checked.numbers]
    for row in overview:
        del row["revision"]
    desk.print(problems_as_dict(problems) | {"numbers": [] if problems.errors else overview})
    if _say_errors(desk, checked):
        return 1
    for warning in problems.warnings:
        desk.warn(f"{warning.place}: warning: {warning.text}")
    desk.table(overview)
    desk.say(f"no errors, {_count(len(problems.warnings), 'warning')}")
    return 0


@followme.command("apply")
@FILES
@YES
@with_desk
def apply_files(desk: Desk, files: tuple[Path, ...], yes: bool) -> int:
    """Write what FILES say to the store, each number as a whole."""
    checked = check(files, desk.settings.platform)
    storage = desk.storage()
    pending = [] if checked.problems.errors else changes.compare(checked, storage)
    if _say_errors(desk, checked):
        desk.print(problems_as_dict(checked.problems))
        desk.warn("nothing was written")
        return 1
    if checked.problems.warnings:
        desk.warn(f"{_count(len(checked.problems.warnings), 'warning')}, see followme check")
    return _write(desk, storage, pending, yes)


@followme.command("remove")
@click.argument("number")
@YES
@with_desk
def remove_number(desk: Desk, number: str, yes: bool) -> int:
    """Take NUMBER out of the store; the lines of its owner too where it was the last."""
    storage = desk.storage()
    return _write(desk, storage, changes.removal(e164.normalise(number), storage), yes)


@followme.command("show")
@click.argument("number", required=False)
@with_desk
def show_numbers(desk: Desk, number: str | None) -> int:
    """Show NUMBER and what was written for it, or list all numbers."""
    storage = desk.storage()
    if number is None:
        overview = [show.overview(one) for one in show.all_numbers(storage)]
        desk.print(overview)
        desk.table(overview)
        if not overview:
            desk.say("there are no numbers")
        return 0
    found, authored = show.one_number(e164.normalise(number), storage)
    if desk.form == "yaml":
        click.echo(authored)
    else:
        desk.print(show.as_dict(found))
        desk.say(f"{show.heading(found)}\n\n{authored}")
    return 0


@followme.command("explain")
@click.argument("number", required=False)
@click.option("--from", "caller", metavar="ANI", default=ANONYMOUS,
              help="The calling number, or anonymous (the default).")
@click.option("--at", metavar="TIME", default="",
              help="2026-11-23 09:30 on the number's clock, or with an offset; default now.")
@click.option("--via", metavar="ADDRESS|LINE", default="",
              help="The trunk or the line that calls; default a trunk that asserts the ANI.")
@click.option("--diverted", is_flag=True, help="The call was forwarded before.")
@click.option("--anonymous", is_flag=True, help="The caller asks for privacy.")
@click.option("--check", "cases_path", metavar="PATH", type=click.Path(path_type=Path),
              help="Run the routing cases in PATH instead; the store is not asked.")
@with_desk
def explain(desk: Desk, number: str | None, cases_path: Path | None, **asked: Any) -> int:
    """Say what happens to a call to NUMBER, by the same decision as on the edge.

    Ends with 1 where the call is rejected, as for a number that nobody owns (404).
    """
    if cases_path:
        return _run_cases(desk, cases_path)
    if number is None:
        raise Refused("explain needs the NUMBER that is dialled, or --check PATH")
    answered = answer(Question(number, **asked), desk.records(), desk.settings, datetime.now(UTC))
    if isinstance(answered, Rejected):
        desk.print({"number": number, "rejected": answered.status, "why": answered.why})
        desk.say(f"{answered.status}: {answered.why}")
        return 1
    desk.print(answered)
    desk.say(as_text(answered))
    return 0


def _say_errors(desk: Desk, checked: Checked) -> bool:
    errors = checked.problems.errors
    for error in errors:
        desk.warn(str(error))
    if errors:
        desk.warn(_count(len(errors), "error"))
    return bool(errors)


def _write(desk: Desk, storage: Storage, pending: list[Change], yes: bool) -> int:
    writes = [change for change in pending if change.writes]
    if writes and not yes:
        _ask(writes)
    conflicts = []
    for change in pending:
        try:
            if change.writes:
                storage.write(change)
            desk.say(str(change))
        except Conflict as error:
            conflicts.append(str(error))
            desk.warn(str(error))
    done = len(writes) - len(conflicts)
    desk.say(f"{_count(done, 'change')} written" if writes else "nothing to do")
    desk.print({"changes": [show.change_as_dict(change) for change in pending],
                "refused": conflicts})
    return 1 if conflicts else 0


def _ask(writes: list[Change]) -> None:
    if not sys.stdin.isatty():
        raise Refused("there is nobody to ask; give --yes to write "
                      f"{_count(len(writes), 'change')}")
    for change in writes:
        click.echo(str(change), err=True)
    click.confirm(f"Write {_count(len(writes), 'change')}?", abort=True, err=True)


def _run_cases(desk: Desk, path: Path) -> int:
    results = cases.run(path)
    wrong = [result for result in results if result.wrong]
    problems = [str(problem) for result in wrong for problem in result.wrong]
    desk.print({"cases": len(results), "wrong": len(wrong), "problems": problems})
    for problem in problems:
        desk.warn(problem)
    verdict = f"{len(wrong)} not as expected" if wrong else "all as expected"
    desk.say(f"{_count(len(results), 'case')}, {verdict}")
    return 1 if wrong else 0


def _count(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
