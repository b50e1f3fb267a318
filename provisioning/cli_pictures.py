# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme week`` and ``followme flow``: the settings of a number as pictures (SPEC A5)."""

import click

from kemi_routing.explain import Explained
from kemi_routing.model import Number
from kemi_routing.redis.store import Store
from provisioning import override, preview, values
from provisioning.completion import numbers, sequences
from provisioning.desk import Desk, with_picture_desk
from provisioning.moments import moment
from provisioning.output import SVG
from provisioning.pictures import flow, flow_svg, flow_text, svg, week, week_svg, week_text
from provisioning.problems import Refused


@click.command("week")
@click.argument("number", shell_complete=numbers)
@click.option("--at", metavar="TIME", default="",
              help="tomorrow 09:30, mon 09:30 or 2026-11-23 09:30 on the number's clock, or with "
              "an offset; default now.")
@with_picture_desk
def show_week(desk: Desk, number: str, at: str) -> int:
    """Show which rule holds when in the week of NUMBER, the gaps, and what rings."""
    records, settings = desk.records(), desk.in_network().settings
    found = _number(number, records)
    now = moment(at, found.zone, desk.now, desk.now)
    seen = week.of(found, now, records.numbers, settings)
    desk.print(week.as_dict(seen))
    desk.say(week_text.as_text(seen))
    if desk.form == SVG:
        click.echo(svg.document(week_svg.picture(seen), "week"))
    return 0


@click.command("flow")
@click.argument("number", shell_complete=numbers)
@click.option("--sequence", metavar="NAME", shell_complete=sequences,
              help="Were this sequence in force; default what holds now.")
@with_picture_desk
def show_flow(desk: Desk, number: str, sequence: str | None) -> int:
    """Show what rings when in a call to NUMBER by a caller whom no list and no rule names."""
    records, settings, now = desk.records(), desk.in_network().settings, desk.now
    found = _number(number, records)
    if sequence is None:
        explained = preview.ordinary(found, now, records.numbers, settings)
    else:
        name = override.known_sequence(found, sequence)
        explained = preview.with_sequence(found, name, now, records.numbers, settings)
    desk.print(explained)
    desk.say(flow_text.as_text(flow.of(explained)))
    draw_flow(desk, explained)
    return 0


def draw_flow(desk: Desk, explained: Explained) -> None:
    """Print the flow of a decision where a picture is asked for."""
    if desk.form == SVG:
        click.echo(svg.document(flow_svg.picture(flow.of(explained)), "flow"))


def _number(text: str, records: Store) -> Number:
    key = values.number_key(text)
    number = records.number(key)
    if number is None:
        raise Refused(f"{key}: nobody owns this number")
    return number
