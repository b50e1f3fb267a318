# SPDX-License-Identifier: GPL-2.0-or-later
"""What every command has: settings, a form of output, and errors in words."""

import functools
import getpass
import os
import re
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from kemi_routing import settings
from kemi_routing.errors import InvalidValue, StoreUnavailable
from kemi_routing.redis.store import Store
from kemi_routing.settings import Settings
from provisioning import as_dialled, foreign
from provisioning.excerpt import excerpt
from provisioning.output import (
    FOR_EYES,
    FORMS,
    SVG,
    counted,
    document,
    fail,
    problem,
    streamed,
    table,
    worded,
)
from provisioning.problems import Problem, Problems, Refused, RefusedFiles
from provisioning.storage import TIMEOUT_S, Storage
from provisioning.stored import network_of

T = TypeVar("T")

_ROW = 500
"""So much of a row of a file is for programs."""

NUMBER = "number"
"""The argument that may be written as it is dialled in the organisation of the number."""
_REFUSALS = (ResponseError, AuthenticationError)
_OF_A_PIPELINE = " of pipeline caused error: "
"""What redis-py writes after a command with its values, which are nobody's to read."""
FORM = click.option("-F", "form", type=click.Choice(FORMS), default="table", show_default=True,
                    help="For people, or for programs.")
PICTURE_FORM = click.option("-F", "form", type=click.Choice((*FORMS, SVG)), default="table",
                            show_default=True, help="For people, for programs, or as a picture.")
REDIS = click.option("--redis", metavar="URL", help="The store, in place of FOLLOWME_REDIS: "
                     "unix:///path/redis.sock or redis://host:port/db.")
FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
MAP = click.option("--map", "pairs", multiple=True, metavar="THEIRS=OURS",
                   help="What a table calls our key; THEIRS= leaves a column out.")
YES = click.option("--yes", is_flag=True, help="Write without asking.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be written, and stop.")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a command works: it writes for a person or for a program."""

    settings: Settings
    form: str
    now: datetime
    """When the command began."""

    @property
    def for_people(self) -> bool:
        """Whether a person reads along."""
        return self.form == "table"

    def storage(self) -> Storage:
        """The store, to write."""
        return self._connected(functools.partial(Storage, by=_by(), clock=self.now.timestamp))

    def records(self) -> Store:
        """The store as the edge reads it, with more patience."""
        return self._connected(functools.partial(Store, alarm=self.error, timeout_s=TIMEOUT_S))

    def number(self, text: str) -> str:
        """The text, or the key of the number that is dialled so, which is said; raises Refused."""
        found = as_dialled.find(text, self.storage())
        if found != text:
            self.warn(f"{text} is taken for {found}")
        return found

    def in_network(self) -> "Desk":
        """The same in the network of the store."""
        network = network_of(self.storage())
        return replace(self, settings=self.settings.with_network(network))

    def say(self, text: str) -> None:
        """Print for a person; nothing for a program."""
        if self.for_people:
            click.echo(text)

    def warn(self, text: str) -> None:
        """Print what is wrong for a person, apart from the results; nothing for a program."""
        if self.form in FOR_EYES:
            click.echo(text, err=True)

    def error(self, text: str) -> None:
        """Print an error that stands in no file; one that does begins with its place instead."""
        self.warn(worded(text))

    def problem(self, one: Problem, kind: str) -> None:
        """Print an ``error``, ``warning`` or ``note`` of a file for a person, with its row."""
        if self.form in FOR_EYES:
            problem(one, kind)

    def errors(self, problems: Problems) -> bool:
        """Print the errors of files and how many; whether there are any."""
        for one in problems.errors:
            self.problem(one, "error")
        if problems.errors:
            self.warn(counted(len(problems.errors), "error"))
        return bool(problems.errors)

    def print(self, data: Any) -> None:
        """Print for a program; nothing for a person."""
        if self.form not in FOR_EYES:
            click.echo(document(data, self.form))

    def stream(self, data: Mapping[str, Any]) -> None:
        """As ``print``, of a mapping with iterators for lists that are too long to be held."""
        if self.form not in FOR_EYES:
            for piece in streamed(data, self.form):
                click.echo(piece, nl=False)

    def table(self, rows: list[dict[str, Any]]) -> None:
        """Print rows for a person, their keys as headings; nothing for a program."""
        if self.for_people and rows:
            table([key.replace("_", " ") for key in rows[0]], [
                [_cell(value) for value in row.values()] for row in rows])

    def _connected(self, kind: Callable[[str], T]) -> T:
        url = self.settings.redis
        try:
            (urlsplit(url).hostname or "").encode("idna")
            return kind(url)
        except ValueError as error:
            raise Refused(f"{masked(url)} is not the address of a store; "
                          f"{settings.REDIS_FORM}") from error


CONFIG = click.option("-c", "--config", type=click.Path(path_type=Path), metavar="FILE",
                      help="Settings in place of the environment's: FOLLOWME_NAME=value, a line "
                      "each, as in /etc/default/followme.")
DEBUG = click.option("-d", "--debug", is_flag=True, help="Show where in the program an error "
                     "comes from.")


def environment(config: Path | None) -> dict[str, str]:
    """The environment, with the lines of a file in place of its own; raises InvalidValue."""
    if config is None:
        return dict(os.environ)
    try:
        lines = config.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue(f"{config} cannot be read: {error}") from None
    found: dict[str, str] = {}
    for index, line in enumerate(map(str.strip, lines), 1):
        if line and not line.startswith(("#", ";")):
            name, equals, value = line.partition("=")
            if not (equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)):
                raise InvalidValue(f"{config}:{index}: {line!r} is no setting; write "
                                   "FOLLOWME_NAME=value")
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found[name] = value[1:-1] if quoted else value
    return {**os.environ, **found}


def with_desk(run: Callable[..., int]) -> Callable[..., int]:
    """Adds the options that all commands have, and answers for their errors."""
    return FORM(_guarded(_at_desk(run)))


def with_picture_desk(run: Callable[..., int]) -> Callable[..., int]:
    """The same for a command that can draw, too."""
    return PICTURE_FORM(_guarded(_at_desk(run)))


def without_desk(run: Callable[..., int]) -> Callable[..., int]:
    """The same for a command that looks at the settings itself: it gets the ``environment``, the
    ``form`` and ``redis``, as they were given.
    """
    return FORM(_guarded(run))


def _guarded(run: Callable[..., int]) -> Callable[..., int]:
    @REDIS
    @CONFIG
    @DEBUG
    @functools.wraps(run)
    def guarded(form: str, config: Path | None, debug: bool, **options: Any) -> int:
        try:
            return run(form=form, environment=environment(config), **options)
        except (Refused, InvalidValue) as error:
            if debug:
                click.echo(traceback.format_exc(), err=True)
            return fail(str(error), form)
    return guarded


def _at_desk(run: Callable[..., int]) -> Callable[..., int]:
    @functools.wraps(run)
    def at_desk(form: str, redis: str | None, environment: dict[str, str], **options: Any) -> int:
        operator = settings.from_environment(environment)
        desk = Desk(replace(operator, redis=redis or operator.redis), form, clock())
        try:
            if options.get(NUMBER):
                options[NUMBER] = desk.number(options[NUMBER])
            return run(desk, **options)
        except RefusedFiles as error:
            desk.print(problems_as_dict(error.problems))
            desk.errors(error.problems)
            return 1
        except (StoreUnavailable, RedisError) as error:
            if foreign.WRONG_TYPE in str(error) and (told := foreign.told(desk.storage().client)):
                raise Refused(told) from error
            said = "refuses" if isinstance(error, _REFUSALS) else "does not answer"
            why = str(error).rpartition(_OF_A_PIPELINE)[2]
            raise Refused(f"the store {masked(desk.settings.redis)} {said}: {why}") from error
    return at_desk


def clock() -> datetime:
    """Now; each command asks once."""
    return datetime.now(UTC)


def ask(to_do: str, told: Iterable[str] = ()) -> None:
    """Go on only where a person, who reads these lines first, wants it done; raises Refused where
    there is none, and Abort.
    """
    if not sys.stdin.isatty():
        raise Refused(f"there is nobody to ask; give --yes to {to_do}")
    for text in told:
        click.echo(text, err=True)
    click.confirm(f"{to_do.capitalize()}?", abort=True, err=True)


def problems_as_dict(problems: Problems) -> dict[str, Any]:
    """Errors and warnings for a program."""
    return {"errors": list(map(_as_dict, problems.errors)),
            "warnings": list(map(_as_dict, problems.warnings)),
            "notes": list(map(_as_dict, problems.notes))}


def _as_dict(one: Problem) -> dict[str, Any]:
    place = one.place
    row = excerpt(one.row, place.column, _ROW).text if one.row else ""
    return {"file": place.file, "line": place.line, "column": place.column, "text": one.text,
            "source": row}


def _by() -> str:
    """Who writes, and from where."""
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def masked(url: str) -> str:
    """The address of a store without its user and password."""
    return re.sub(r"//[^@/]*@", "//***@", url)
