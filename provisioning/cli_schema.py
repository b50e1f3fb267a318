# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme schema``: what editors need to complete and check files."""

import click

from provisioning import schema
from provisioning.desk import Desk, with_desk


@click.command("schema")
@with_desk
def print_schema(desk: Desk) -> int:
    """Print the JSON Schema (2020-12) of files, which editors complete and check by.

    A file names it in its first row: # yaml-language-server: $schema=followme.schema.json
    """
    if desk.form == "yaml":
        desk.print(schema.schema())
    else:
        click.echo(schema.text(), nl=False)
    return 0
