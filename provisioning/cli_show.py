# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme show`` and ``followme override``: numbers as they stand in the store."""

from typing import Any

import click

from provisioning import override, show, values
from provisioning.completion import numbers, sequences
from provisioning.desk import DRY_RUN, Desk, with_desk
from provisioning.output import counted, document
from provisioning.problems import Refused
from provisioning.storage import Conflict, Storage
from provisioning.stored import network_of

NETWORK = "network"


@click.command("show")
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
        from provisioning.network import Extents

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
        from provisioning.cli_history import show_version

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


@click.command("override")
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


def _show_network(desk: Desk, storage: Storage) -> int:
    from provisioning import trunking

    network = network_of(storage)
    if desk.form == "json":
        desk.print({"revision": network.revision, **trunking.as_dict(network)})
    else:
        desk.say(f"# revision {network.revision}")
        click.echo(document(trunking.as_dict(network), "yaml"))
    return 0
