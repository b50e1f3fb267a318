# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme explain``: what happens to a call, and routing cases."""

from pathlib import Path
from typing import Any

import click

from kemi_routing.explain import as_text
from kemi_routing.model import Verdict
from provisioning.cli_pictures import draw_flow
from provisioning.completion import numbers
from provisioning.desk import Desk, with_picture_desk
from provisioning.output import SVG, counted
from provisioning.problems import Refused
from provisioning.question import ANONYMOUS, Question, Rejected, answer


@click.command("explain")
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


def _run_cases(desk: Desk, path: Path) -> int:
    from provisioning import cases

    results = cases.run(path)
    wrong = [result for result in results if result.wrong]
    problems = [problem for result in wrong for problem in result.wrong]
    desk.print({"cases": len(results), "wrong": len(wrong), "problems": list(map(str, problems))})
    for problem in problems:
        desk.problem(problem, "error")
    verdict = f"{len(wrong)} not as expected" if wrong else "all as expected"
    desk.say(f"{counted(len(results), 'case')}, {verdict}")
    return 1 if wrong else 0
