# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme``: the commands of the write side.

A command ends with 0 where it did what was asked or found nothing to do, with 1 for everything
else; ``plan`` and ``drift`` end with 2 where they find changes, and Ctrl-C ends with 130. Whatever
a person does wrong is answered in words, never with a traceback.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from kemi_routing.explain import as_text
from kemi_routing.model import Verdict
from provisioning import VERSION, cases, columns, override, show, trunking, values
from provisioning.check import check
from provisioning.cli_calls import list_calls, why
from provisioning.cli_export import export
from provisioning.cli_history import diff, show_history, show_version, undo
from provisioning.cli_import import import_files
from provisioning.cli_pictures import draw_flow, show_flow, show_week
from provisioning.cli_plan import (
    DRY_RUN,
    FILES,
    MAP,
    apply_files,
    drift,
    make_plan,
    remove_number,
)
from provisioning.cli_schema import print_schema
from provisioning.completion import numbers, sequences
from provisioning.desk import (
    SVG,
    Desk,
    fail,
    form_of,
    problems_as_dict,
    with_desk,
    with_picture_desk,
    without_desk,
)
from provisioning.doctor.examine import examine
from provisioning.doctor.finding import Level
from provisioning.network import Extents
from provisioning.output import counted, document
from provisioning.problems import Refused
from provisioning.question import ANONYMOUS, Question, Rejected, answer
from provisioning.storage import Conflict, Storage

OVERVIEW = {
    "Files": ("check", "plan", "apply", "drift", "export", "import", "schema"),
    "Numbers": ("show", "history", "diff", "undo", "override", "remove"),
    "Calls": ("explain", "week", "flow", "calls", "why"),
    "This proxy": ("doctor",),
}
"""What the commands are for, in the order in which somebody needs them."""
_SHOWN = 100
"""So many warnings, and notes, of files are for people."""
_SENTENCE = 200
"""No first sentence is longer."""
NETWORK = "network"
INTERRUPTED = 130
"""As shells call the end by Ctrl-C."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever was typed, and of a number was stored
            stream.reconfigure(errors="backslashreplace")
    try:
        result = followme.main(args=list(arguments), prog_name="followme", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 1
    except click.NoSuchOption as error:
        of_all = error.ctx is not None and error.ctx.command is followme
        behind = f"; options stand behind the command: followme COMMAND {error.option_name}"
        said = error.format_message().rstrip(".")
        return fail(said + behind * of_all, form_of(arguments))
    except click.ClickException as error:
        return fail(error.format_message(), form_of(arguments))
    except click.Abort as error:
        failed = fail("stopped", form_of(arguments))
        return INTERRUPTED if isinstance(error.__context__, KeyboardInterrupt) else failed
    return result if isinstance(result, int) else 0


class _Overview(click.Group):
    """Its help has the commands by what they are for, each with its whole first sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in OVERVIEW.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(_SENTENCE))
                                    for name in names])


@click.group(cls=_Overview, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, message="%(prog)s %(version)s", help="Say the version.")
def followme() -> None:
    """Personal numbers: check files, write them to the store, show it, explain calls.

    Options stand behind the command: followme COMMAND --help. The store is FOLLOWME_REDIS. A
    command ends with 0 where it is done or there is nothing to do, with 1 for an error, with 2
    where plan or drift found changes.
    """


@followme.command("check")
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


@followme.command("show")
@click.argument("number", required=False, shell_complete=numbers)
@with_desk
def show_numbers(desk: Desk, number: str | None) -> int:
    """Show NUMBER and what was written for it, or list all numbers; NUMBER may be "network": the
    trunks, gateways and media servers, in the form of a file. NUMBER@3 is its revision 3,
    NUMBER@yesterday and NUMBER@2026-11-23T09:30 what was in force then.
    """
    storage, now = desk.storage(), desk.now
    if number == NETWORK:
        return _show_network(desk, storage)
    if number is None:
        broken: list[str] = []
        numbers = list(show.all_numbers(storage, broken))
        extents = Extents({one.number: one for one in numbers})
        overview = [show.overview(one, now, extents) for one in numbers]
        desk.print(overview)
        desk.table(overview)
        if broken:
            desk.error(f"{counted(len(broken), 'number')} cannot be read ({', '.join(broken[:3])}"
                       f"{' …' if broken[3:] else ''}); apply their files again")
        elif not overview:
            desk.say("there are no numbers")
        return 1 if broken else 0
    if "@" in number:
        return show_version(desk, number)
    found, authored = show.one_number(values.number_key(number), storage)
    if desk.form == "yaml":
        click.echo(authored)
    else:
        caller = show.last_caller(found.number, storage)
        desk.print(show.as_dict(found, now) | {"last_caller": caller or None})
        said = f"\nlast caller  {caller}" if caller else ""
        desk.say(f"{show.heading(found, now)}{said}\n\n{authored}")
    return 0


@followme.command("override")
@click.argument("number", shell_complete=numbers)
@click.argument("sequence", required=False, shell_complete=sequences)
@click.option("--until", metavar="END", default="",
              help='"08:00", "08:00 tomorrow", "2026-11-24 08:00", "8 hours", "next window" or '
              '"for ever".')
@click.option("--from", "start", metavar="TIME", default="",
              help="18:00, tomorrow 18:00 or 2026-11-23 18:00 on the number's clock; default now.")
@click.option("--clear", is_flag=True, help="End all that was set; vacations stand in the file.")
@DRY_RUN
@with_desk
def override_schedule(desk: Desk, number: str, sequence: str | None, dry_run: bool,
                      **times: Any) -> int:
    """Put SEQUENCE of NUMBER in force, whatever the schedule says, or list what is.

    It holds from the next call on; the one set last wins.
    """
    storage, now = desk.storage(), desk.now
    before = found = override.find(values.number_key(number), storage)
    change = override.change(found, override.Wish(sequence or "", **times), now)
    if change and dry_run:
        found = override.after(found, change)
    elif change:
        try:
            storage.write(change)
        except Conflict as error:
            raise Refused(str(error)) from None
        found = override.find(found.number.number, storage)
    rows = override.rows(found.in_force, now)
    ended = override.ended(before.in_force, found.in_force, now)
    desk.print({"number": found.number.number, "overrides": rows, "ended": ended})
    of = f"{found.number.number} ({found.number.zone.key})"
    has = " would have" if dry_run else ""
    desk.say(f"{of}{has}:" if rows else f"{of}{has or ' has'} no override")
    for row in (*rows, *ended):
        desk.say(override.line(row))
    return 0


@followme.command("explain")
@click.argument("dialled", metavar="[NUMBER]", required=False, shell_complete=numbers)
@click.option("--from", "caller", metavar="ANI", default=ANONYMOUS,
              help="The calling number, or anonymous (the default).")
@click.option("--at", metavar="TIME", default="",
              help="tomorrow 09:30, mon 09:30 or 2026-11-23 09:30 on the number's clock, or with "
              "an offset; default now.")
@click.option("--via", metavar="ADDRESS|LINE", default="",
              help="The trunk or the line that calls; default a trunk that asserts the ANI.")
@click.option("--for", "menu", metavar="OWNED", default="",
              help="The owner dials NUMBER in the mailbox menu of OWNED.")
@click.option("--diverted", is_flag=True, help="The call was forwarded before.")
@click.option("--anonymous", is_flag=True, help="The caller asks for privacy.")
@click.option("--verdict", type=click.Choice(list(map(str, Verdict))), default=str(Verdict.NONE),
              help="What the trunk reports of the ANI (STIR).")
@click.option("--check", "cases_path", metavar="PATH", type=click.Path(path_type=Path),
              help="Run the routing cases in PATH instead; the store is not asked.")
@with_picture_desk
def explain(desk: Desk, dialled: str | None, cases_path: Path | None, verdict: str,
            **asked: Any) -> int:
    """Say what happens to a call to NUMBER, by the same decision as on the edge.

    Ends with 1 where the call is rejected, as for a number that nobody owns (404).
    """
    if cases_path:
        if desk.form == SVG:
            raise Refused("routing cases have no picture; give one NUMBER, or another form")
        return _run_cases(desk, cases_path)
    if dialled is None:
        raise Refused("explain needs the NUMBER that is dialled, or --check PATH")
    if asked["menu"]:
        asked["menu"] = desk.number(asked["menu"])
    elif not asked["via"]:
        dialled = desk.number(dialled)
    question = Question(dialled, verdict=Verdict(verdict), **asked)
    operator = desk.in_network().settings
    answered = answer(question, desk.records(), operator, desk.now)
    if isinstance(answered, Rejected):
        desk.print({"number": dialled, "rejected": answered.status, "why": answered.why})
        (desk.error if desk.form == SVG else desk.say)(f"{answered.status}: {answered.why}")
        return 1
    desk.print(answered)
    desk.say(as_text(answered))
    draw_flow(desk, answered)
    return 0


@followme.command("doctor")
@click.option("--before-start", is_flag=True, help="Kamailio does not run yet: only what would "
              "keep it from running is a FAIL.")
@without_desk
def doctor(before_start: bool, form: str, redis: str | None, environment: dict[str, str]) -> int:
    """Look at this proxy: its settings, packages, Kamailio, Redis, gateways, clock.

    Each line is OK, WARN or FAIL with the mend. Ends with 1 where one is FAIL.
    """
    findings = []
    for finding in examine(environment, redis, before_start=before_start):
        findings.append(finding)
        if form == "table":
            click.echo(str(finding))
    counts = {level: sum(one.level is level for one in findings) for level in Level}
    if form == "table":
        click.echo(", ".join(f"{count} {level}" for level, count in counts.items()))
    else:
        click.echo(document({
            "findings": [{"level": str(one.level), "about": one.about, "what": one.what,
                          "mend": one.mend} for one in findings],
            **{str(level).lower(): count for level, count in counts.items()}}, form))
    return 1 if counts[Level.FAIL] else 0


for command in (make_plan, drift, apply_files, remove_number, show_history, diff, undo, why,
                list_calls, show_week, show_flow, print_schema, import_files, export):
    followme.add_command(command)


def _show_network(desk: Desk, storage: Storage) -> int:
    network = trunking.stored(storage)
    if desk.form == "json":
        desk.print({"revision": network.revision, **trunking.as_dict(network)})
    else:
        desk.say(f"# revision {network.revision}")
        click.echo(document(trunking.as_dict(network), "yaml"))
    return 0


def _run_cases(desk: Desk, path: Path) -> int:
    results = cases.run(path)
    wrong = [result for result in results if result.wrong]
    problems = [problem for result in wrong for problem in result.wrong]
    desk.print({"cases": len(results), "wrong": len(wrong), "problems": list(map(str, problems))})
    for problem in problems:
        desk.problem(problem, "error")
    verdict = f"{len(wrong)} not as expected" if wrong else "all as expected"
    desk.say(f"{counted(len(results), 'case')}, {verdict}")
    return 1 if wrong else 0
