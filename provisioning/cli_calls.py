# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme why`` and ``followme calls``: what became of calls (SPEC C1)."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import click

from kemi_routing import call_record, e164
from kemi_routing.call_story import Chapter, Result
from provisioning import calls, story, values
from provisioning.calls import Wanted
from provisioning.completion import numbers, organisations, owners
from provisioning.desk import DRY_RUN, Desk, ask, with_desk
from provisioning.moments import moment
from provisioning.output import counted
from provisioning.problems import Refused
from provisioning.question import ANONYMOUS
from provisioning.storage import Storage

COLUMNS = ("received", "number", "dialled", "caller", "grade", "via", "rule", "result", "status",
           "answered_by", "setup_s", "talked_s", "ended_by", "call_id")
SHOWN = ("received", "number", "caller", "result", "status", "answered_by", "setup_s", "talked_s",
         "ended_by", "call_id")
"""Columns of a file, and those that people see."""
_CLOCK = ZoneInfo("UTC")


@click.command("why")
@click.argument("call_id")
@with_desk
def why(desk: Desk, call_id: str) -> int:
    """Tell the story of the call CALL_ID: what was decided, who rang, how it ended."""
    chapters = calls.story(call_id, desk.storage())
    desk.print([story.as_dict(chapter) for chapter in chapters])
    desk.say(f"call {call_id}\n{story.as_text(chapters)}")
    return 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of ``calls`` as written."""

    owner: str
    organisation: str
    since: str
    until: str
    results: tuple[str, ...]
    caller: str
    limit: int
    as_csv: bool
    forget: bool
    yes: bool
    dry_run: bool


@click.command("calls")
@click.argument("number", required=False, shell_complete=numbers)
@click.option("--owner", metavar="OWNER", default="", shell_complete=owners,
              help="Calls of all numbers of acme/jana.")
@click.option("--organisation", metavar="NAME", default="", shell_complete=organisations,
              help="Calls of all its numbers.")
@click.option("--since", metavar="TIME", default="",
              help="yesterday, 09:30, mon 09:30 or 2026-11-23 09:30, in UTC or with an offset.")
@click.option("--until", metavar="TIME", default="", help="Up to that time, exclusive.")
@click.option("--result", "results", type=click.Choice(list(map(str, Result))), multiple=True,
              help="Only calls that ended so; may be given several times.")
@click.option("--from", "caller", metavar="ANI", default="",
              help="Only calls of this number, or of anonymous callers.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True,
              help="The last ones only.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a file for spreadsheets (RFC 4180).")
@click.option("--forget", is_flag=True, help="Erase their records, whatever --limit says.")
@click.option("--yes", is_flag=True, help="Erase without asking.")
@DRY_RUN
@with_desk
def list_calls(desk: Desk, number: str | None, **options: Any) -> int:
    """List the calls of NUMBER, of an owner, of an organisation, or all, the last one first."""
    storage, asked = desk.storage(), _Asked(**options)
    found = calls.find(_wanted(number, asked, storage, desk.now), storage)
    if asked.forget:
        return _forget(desk, list(found), storage, asked)
    rows = [story.row(chapter) for chapter in islice(found, asked.limit)]
    if asked.as_csv:
        click.echo(calls.as_csv(rows, COLUMNS), nl=False)
        return 0
    desk.print(rows)
    desk.table([{key: "" if row[key] is None else row[key] for key in SHOWN} for row in rows])
    if not rows:
        desk.say("there are no such calls")
    return 0


def _wanted(number: str | None, asked: _Asked, storage: Storage, now: datetime) -> Wanted:
    if sum(map(bool, (number, asked.owner, asked.organisation))) > 1:
        raise Refused("write NUMBER, --owner or --organisation, one of them")
    numbers = (frozenset({values.number_key(number)}) if number
               else calls.numbers_of(asked.owner, asked.organisation, storage))
    since, until = (text and call_record.epoch_ms(moment(text, _CLOCK, now))
                    for text in (asked.since, asked.until))
    caller = asked.caller and (
        ANONYMOUS if asked.caller == ANONYMOUS else e164.normalise(asked.caller))
    return Wanted(numbers, since or 0, until or None,
                  frozenset(map(Result, asked.results)), caller)


def _forget(desk: Desk, found: list[Chapter], storage: Storage, asked: _Asked) -> int:
    what = f"the records of {counted(len(found), 'call')}"
    if asked.dry_run:
        desk.print({"erased": 0, "found": len(found)})
        desk.say(f"{what} would be erased" if found else "there are no such calls")
        return 0
    if found and not asked.yes:
        ask(f"erase {what}")
    count = calls.forget(found, storage)
    desk.print({"erased": count})
    desk.say(f"{what} are erased" if found else "there are no such calls")
    return 0
