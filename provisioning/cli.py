# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme``: the commands of the write side, each loaded when it is run.

A command ends with 0 where it did what was asked or found nothing to do, with 1 for everything
else; ``plan`` and ``drift`` end with 2 where they find changes, and Ctrl-C ends with 130. Whatever
a person does wrong is answered in words, never with a traceback.
"""

import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from provisioning import VERSION
from provisioning.output import fail, form_of

OVERVIEW = {
    "Files": {
        "check": ("cli_check", "Say all that is wrong with FILES."),
        "plan": ("cli_plan", "Say what applying FILES would change."),
        "apply": ("cli_plan", "Write what FILES say to the store."),
        "drift": ("cli_plan", "Say what in the store is not as FILES say: for cron."),
        "export": ("cli_export", "Write the file of an ORGANISATION as it was applied."),
        "import": ("cli_import", "Make a file of ours out of an export of another system."),
        "schema": ("cli_schema", "Print the JSON Schema by which editors check files."),
    },
    "Numbers": {
        "show": ("cli_show", "Show NUMBER and what was written for it, or list all numbers."),
        "history": ("cli_history", "Say who changed NUMBER, when, from where, and what."),
        "diff": ("cli_history", "Say what is different now from what it was."),
        "undo": ("cli_history", "Make NUMBER again what it was before its last change."),
        "override": ("cli_show", "Put SEQUENCE of NUMBER in force for a time."),
        "remove": ("cli_plan", "Take NUMBER out of the store."),
    },
    "Calls": {
        "explain": ("cli_explain", "Say what happens to a call to NUMBER, and why."),
        "week": ("cli_pictures", "Show which rule holds when in the week of NUMBER."),
        "flow": ("cli_pictures", "Show what rings when in a call to NUMBER."),
        "calls": ("cli_calls", "List the calls of NUMBER, of an owner, or all."),
        "why": ("cli_calls", "Tell the story of the call CALL_ID."),
    },
    "This proxy": {
        "doctor": ("cli_doctor", "Look at settings, packages, Kamailio, Redis, gateways, clock."),
    },
}
"""What the commands are for, in the order in which somebody needs them, each with its module."""
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


class Late(click.Command):
    """A command of which all but the sentence is loaded when it is run, or its words completed."""

    def __init__(self, name: str, module: str, sentence: str) -> None:
        super().__init__(name, short_help=sentence)
        self._module = module

    def loaded(self) -> click.Command:
        """The command itself."""
        found = vars(import_module(f"provisioning.{self._module}")).values()
        return next(one for one in found if isinstance(one, click.Command)
                    and one.name == self.name)

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        return self.loaded().make_context(*arguments, **more)


class _Overview(click.Group):
    """Its help has the commands by what they are for."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in OVERVIEW.items():
            with formatter.section(title):
                formatter.write_dl([(name, sentence) for name, (_, sentence) in names.items()])


@click.group(cls=_Overview, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, message="%(prog)s %(version)s", help="Say the version.")
def followme() -> None:
    """Personal numbers: check files, write them to the store, show it, explain calls.

    Options stand behind the command: followme COMMAND --help. The store is FOLLOWME_REDIS. A
    command ends with 0 where it is done or there is nothing to do, with 1 for an error, with 2
    where plan or drift found changes.
    """


for _names in OVERVIEW.values():
    for _name, _row in _names.items():
        followme.add_command(Late(_name, *_row))
