# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme doctor``: what is wrong with this proxy."""

import click

from provisioning.desk import without_desk
from provisioning.doctor.examine import examine
from provisioning.doctor.finding import Level
from provisioning.output import document


@click.command("doctor")
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
