# SPDX-License-Identifier: GPL-2.0-or-later
"""Routing cases in telephone words: who calls, when, what rings in order, how it ends.

A file of cases names the file of its numbers, so no store is needed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from kemi_routing import settings
from kemi_routing.errors import InvalidValue
from kemi_routing.explain import CALLER, Explained, Ringing
from kemi_routing.model import Number
from kemi_routing.record import LineRecord
from kemi_routing.targets import Kind
from provisioning import shape, source
from provisioning.check import Checked, check
from provisioning.problems import Problem, Problems, Refused
from provisioning.question import ANONYMOUS, Question, Rejected, answer
from provisioning.source import Spot

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The clock of the cases: each must say its time."""


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Case(shape.Shape):
    """A call at one or several times, and what is expected of it."""

    case: str = ""
    dialled: str = ""
    caller: str = Field(ANONYMOUS, alias="from")
    at: Annotated[list[str], BeforeValidator(_one_or_many)] = Field(default_factory=list)
    via: str = ""
    diverted: str = "no"
    anonymous: str = "no"
    rings: list[str] = Field(default_factory=list)
    """``line jana-desk 20 s``, ``49115234567 30 s showing 42027777101``; `` + `` between those
    that ring together."""
    skipped: dict[str, str] = Field(default_factory=dict)
    """Target -> why."""
    ends: str = ""
    """``voicemail``, ``mailbox``, ``mailbox with PIN``, or a SIP status."""


class File(shape.Shape):
    """A file of cases."""

    numbers: str = ""
    """The file of the numbers, seen from here."""
    settings: dict[str, str] = Field(default_factory=dict)
    """The operator's settings, without their prefix."""
    cases: list[Case] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers and lines of files, as the store would have them."""

    checked: Checked

    def number(self, digits: str) -> Number | None:
        """As ``question.Records``."""
        return next((entry.number for entry in self.checked.numbers
                     if entry.number.number == digits), None)

    def line(self, name: str) -> LineRecord | None:
        """As ``question.Records``."""
        return next((account.line for account in self.checked.lines
                     if account.line.name == name), None)


@dataclass(frozen=True, slots=True)
class Result:
    """One case at one time."""

    name: str
    at: str
    wrong: tuple[Problem, ...]
    """What differs from the expectation; empty where it holds."""


def run(path: Path) -> list[Result]:
    """The cases of a file, or of all ``*.yaml`` in a folder; raises Refused for broken files."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    results = [result for file in files for result in run_file(file)]
    if not results:
        raise Refused(f"there are no cases in {path}")
    return results


def run_file(path: Path) -> list[Result]:
    """The cases of one file; raises Refused."""
    problems = Problems()
    tree = source.read(path, problems)
    written = shape.read(File, tree, problems) if tree else None
    if problems.errors or tree is None or written is None:
        raise Refused(_lines(problems))
    try:
        operator = settings.from_environment(
            {settings.PREFIX + name: value for name, value in written.settings.items()})
    except InvalidValue as error:
        raise Refused(f"{path}: {error}") from None
    checked = check([path.parent / written.numbers], operator.platform)
    if checked.problems.errors:
        raise Refused(_lines(checked.problems))
    return [_result(Spot(tree, Problems()) / "cases" / index, case, at, Numbers(checked), operator)
            for index, case in enumerate(written.cases) for at in case.at or [""]]


def _result(spot: Spot, case: Case, at: str, numbers: Numbers, operator: settings.Settings,
            ) -> Result:
    try:
        seen = _seen(answer(_question(case, at), numbers, operator, _NEVER))
    except (InvalidValue, Refused) as error:
        spot.error(f"{case.case}: {error}")
        return Result(case.case, at, tuple(spot.problems.errors))
    for key, expected in (("rings", case.rings), ("skipped", case.skipped), ("ends", case.ends)):
        if seen[key] != expected:
            (spot / key).error(f"{case.case}, at {at}: {key} is {seen[key]}, not {expected}")
    return Result(case.case, at, tuple(spot.problems.errors))


def _question(case: Case, at: str) -> Question:
    if not at:
        raise Refused("at is missing; write  at: 2026-11-23 09:30")
    return Question(case.dialled, case.caller, at, case.via, _yes(case.diverted),
                    _yes(case.anonymous))


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise Refused(f"{text!r} is neither yes nor no")
    return text == "yes"


def _seen(answered: Explained | Rejected) -> dict[str, Any]:
    if isinstance(answered, Rejected):
        return {"rings": [], "skipped": {}, "ends": str(answered.status)}
    rings = [" + ".join(map(_phrase, step["targets"])) for step in answered["steps"]
             if step["targets"][0]["kind"] not in (Kind.VOICEMAIL, Kind.MAILBOX)]
    skipped = {one["what"]: one["why"] for one in answered["skipped"]}
    return {"rings": rings, "skipped": skipped, "ends": _ends(answered)}


def _phrase(one: Ringing) -> str:
    what = f"line {one['address']}" if one["kind"] == Kind.LINE else one["address"]
    shows = f" showing {one['cli']}" if one["cli"] != CALLER else ""
    return f"{what} {one['ring_s']} s{shows}"


def _ends(answered: Explained) -> str:
    if access := answered["access"]:
        return "mailbox with PIN" if access["ask_pin"] else "mailbox"
    return "voicemail" if answered["end"]["voicemail"] else answered["end"]["otherwise"]


def _lines(problems: Problems) -> str:
    return "\n".join(map(str, problems.errors))
