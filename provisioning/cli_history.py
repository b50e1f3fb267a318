# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands that look back, and go back: history, diff, undo."""

from dataclasses import asdict

import click

from kemi_routing.targets import mask
from provisioning import history, show
from provisioning.completion import with_history
from provisioning.desk import DRY_RUN, YES, Desk, with_desk
from provisioning.kept import decode_shared
from provisioning.problems import Refused, RefusedFiles


@click.command("history")
@click.argument("number", metavar="NUMBER|ORGANISATION", shell_complete=with_history)
@with_desk
def show_history(desk: Desk, number: str) -> int:
    """Say who changed NUMBER, when, from where, and what; the newest first. Of an ORGANISATION what
    its subscribers share.
    """
    at = history.split(number)
    rows = list(history.rows(at, history.of(at, desk.storage()), desk.now))
    desk.print(list(map(asdict, rows)))
    for row in rows:
        head = f"revision {row.revision}  {row.written}  {row.by}".rstrip()
        desk.say("\n  ".join((head, *row.what)))
    return 0


@click.command("diff")
@click.argument("number", metavar="[NUMBER|ORGANISATION]@WHEN", shell_complete=with_history)
@with_desk
def diff(desk: Desk, number: str) -> int:
    """Say what is different now from what it was: of NUMBER, or of all numbers. WHEN is a revision
    (@3), @yesterday, or a time (@2026-11-23T09:30).
    """
    now, storage, at = desk.now, desk.storage(), history.split(number)
    if not at.when:
        raise Refused(f"since when? write  @{at.number} for all numbers"
                      if history.is_time(at.number) else
                      f"since when? write  {at.number}@yesterday, or {at.number}@3 for a revision")
    numbers = [at.number] if at.number else history.changed_since(at.when, storage, now)
    found: dict[str, list[str]] = {}
    for one in (history.At(number, at.when) for number in numbers):
        versions = history.of(one, storage)
        before = history.find(versions, at.when, now)
        if before is not versions[-1]:
            found[one.organisation or one.key] = history.between(one, before, versions[-1], now)
    desk.print(found)
    for key, what in found.items():
        desk.say("\n  ".join((key, *what)))
    if not found:
        desk.say("nothing is different")
    return 0


@click.command("undo")
@click.argument("number", metavar="NUMBER|ORGANISATION[@WHEN]", shell_complete=with_history)
@YES
@DRY_RUN
@with_desk
def undo(desk: Desk, number: str, yes: bool, dry_run: bool) -> int:
    """Make NUMBER, or what the subscribers of an ORGANISATION share, again what it was before its
    last change, or at WHEN, in a new revision: the one between is kept too.
    """
    from provisioning import following, planned, revival
    from provisioning.cli_plan import would, write

    now, storage, at = desk.now, desk.storage(), history.split(number)
    found = history.of(at, storage)
    before = history.find(found, at.when, now) if at.when else history.before_last(found)
    if before is None:
        raise Refused(f"{at.number} has no version before this one")
    platform = desk.in_network().settings.platform
    revived = (revival.of_organisation(before, at.organisation, storage) if at.organisation else
               revival.of_number(before, found, storage))
    checked, pending = revived.compared(platform, now)
    if checked.problems.errors:
        raise RefusedFiles(checked.problems)
    for warning in checked.problems.warnings:
        desk.problem(warning, "warning")
    pending += following.arrivals(pending, storage, now)
    plan = planned.few(pending, map(str, checked.problems.warnings))
    return would(desk, plan) if dry_run else write(desk, plan, yes=yes)


def show_version(desk: Desk, what: str) -> int:
    """Show a number, or what an organisation shares, as it was; the exit code."""
    now, at = desk.now, history.split(what)
    found = history.find(history.of(at, desk.storage()), at.when, now)
    if at.organisation:
        text = decode_shared(found.data, at.organisation).text if found else ""
        desk.print({"organisation": at.organisation, "text": text})
        desk.say(text.rstrip())
        return 0
    number = found.number if found else None
    if found is None or number is None:
        raise Refused(f"{at.number}: nobody owned this number then")
    text = mask(found.source.text.rstrip())
    if desk.form == "yaml":
        click.echo(text)
    else:
        desk.print(show.as_dict(number, now))
        desk.say(f"{show.heading(number, now)}\n\n{text}")
    return 0
