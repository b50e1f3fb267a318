# SPDX-License-Identifier: GPL-2.0-or-later
"""Routing cases in telephone words: who calls, when, what rings in order, how it ends.

A file of cases names the file of its numbers, so no store is needed.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from kemi_routing import settings
from kemi_routing.errors import InvalidValue
from kemi_routing.explain import CALLER, Explained, Ringing, Together
from kemi_routing.model import Number, Verdict
from kemi_routing.network import Network, Server
from kemi_routing.record import LineRecord, State
from kemi_routing.targets import Kind
from provisioning import fitting, moments, shape, source, values
from provisioning.check import check
from provisioning.checked import Checked
from provisioning.override import Wish, with_override
from provisioning.problems import Problem, Problems, Refused, RefusedFiles
from provisioning.question import ANONYMOUS, Question, Rejected, answer
from provisioning.shape_base import Shape, one_or_many
from provisioning.written import Spot, Written

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The clock of the cases: each must say its time."""
_UTC = ZoneInfo("UTC")

_GATEWAY = Server("gateway.example:5060")
"""Takes the calls to outside numbers where no file of the operator's says which one does."""

_OF_NUMBERS = {"organisation", *shape.OPERATORS}
"""Keys that no file of cases has, and every file of numbers or of the operator's one of."""


class SetOverride(Shape):
    """What ``followme override`` set before the call."""

    form = "{sequence: night, until: for ever}"
    sequence: str = ""
    start: str = Field("", alias="from")
    until: str = ""
    set_at: str = Field("", alias="set")
    """When the command was given."""


class Case(Shape):
    """A call at one or several times, and what is expected of it."""

    form = "{case: WORDS, dialled: 42027777101, at: 2026-11-23 12:00, rings: [line NAME 20 s]}"
    case: str = ""
    dialled: str = ""
    caller: str = Field(ANONYMOUS, alias="from")
    at: Annotated[list[str], BeforeValidator(one_or_many)] = Field(default_factory=list)
    via: str = ""
    diverted: str = "no"
    diverters: Annotated[list[str], BeforeValidator(one_or_many)] = Field(default_factory=list)
    """The numbers that forwarded the call, the last one first."""
    anonymous: str = "no"
    verdict: str = "none"
    """What the trunk reports of the caller's number: ``none``, ``attested``, ``failed``."""
    overrides: list[SetOverride] = Field(default_factory=list)
    """In the order in which they were set."""
    rule: str = ""
    """The rule that won; not looked at where it is left out."""
    rings: list[str] = Field(default_factory=list)
    """``line jana-desk 20 s``, ``49115234567 30 s showing 42027777101``, ``after 5 s`` and
    ``press 1`` where they are so; `` + `` between those that ring together. In front stands what
    leads here, where ringing out does not: ``busy in step 1 of day: ``."""
    handed_over: dict[str, str] = Field(default_factory=dict)
    """Which step, to which number -> the rule that won there."""
    skipped: dict[str, str] = Field(default_factory=dict)
    """Target -> why."""
    ends: str = ""
    """``voicemail``, ``menu main`` and the like, ``mailbox``, ``mailbox with PIN``, or a SIP
    status."""


class File(Shape):
    """A file of cases."""

    numbers: Annotated[list[str], BeforeValidator(one_or_many)] = Field(default_factory=list)
    """The files of the numbers and of the operator's network, seen from here."""
    settings: dict[str, str] = Field(default_factory=dict)
    """The operator's settings, without their prefix."""
    written: str = ""
    """The day on which the numbers are written, where they have calendars."""
    cases: list[Case] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers and lines of files, as the store would have them."""

    checked: Checked
    states: dict[str, State] = field(default_factory=dict)

    def number(self, key: str) -> Number | None:
        """As ``record.Records``."""
        return self.numbers([key]).get(key)

    def numbers(self, wanted: Iterable[str]) -> dict[str, Number]:
        """As ``record.Records``."""
        names = set(wanted)
        return {key: self.states.get(key, State()).applied_to(entry.number)
                for entry in self.checked.numbers if (key := entry.number.number) in names}

    def line(self, name: str) -> LineRecord | None:
        """As ``record.Records``."""
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
    """The cases of a file, or of all ``*.yaml`` in a folder but the files of numbers; raises
    Refused, with the errors of all broken files.
    """
    results, problems = [], Problems()
    for file in _files(path):
        try:
            results += run_file(file)
        except RefusedFiles as error:
            problems.errors += error.problems.errors
    problems.settle()
    if problems.errors:
        raise RefusedFiles(problems)
    if not results:
        raise Refused(f"there are no cases in {path}")
    return results


def run_file(path: Path) -> list[Result]:
    """The cases of one file; raises RefusedFiles."""
    problems = Problems()
    tree = source.read(path, problems)
    if tree and _holds_numbers(tree):
        Spot(tree, problems).error("this is a file of numbers; a file of cases names it:  "
                                   f"numbers: {path.name}")
    written = fitting.read(File, tree, problems) if tree and not problems.errors else None
    if tree is None or written is None or problems.errors:
        raise RefusedFiles(problems)
    spot = Spot(tree, problems)
    operator = (spot / "settings").read(_operator, written.settings)
    now = (spot / "written").read(_day, written.written)
    if not written.numbers and spot / "numbers" is spot:
        spot.at_key().error("numbers is missing; write  numbers: numbers.yaml")
    if operator is None or now is None or problems.errors:
        raise RefusedFiles(problems)
    checked = check(map(path.parent.joinpath, written.numbers), operator.platform, now)
    if checked.problems.errors:
        raise RefusedFiles(checked.problems)
    operator = operator.with_network(Network(**{"gateways": (_GATEWAY,), **checked.network}))
    return [_result(Spot(tree, Problems()) / "cases" / index, case, at, Numbers(checked), operator)
            for index, case in enumerate(written.cases) for at in case.at or [""]]


def _files(path: Path) -> list[Path]:
    """Those of cases: the files of their numbers may stand beside them."""
    if not os.path.isdir(path):  # a name may be too long to be asked for
        return [path]
    return [file for file in sorted(path.glob("*.yaml"))
            if not _holds_numbers(source.read(file, Problems()))]


def _holds_numbers(tree: Written | None) -> bool:
    """Whether this is a file of an organisation, or the operator's."""
    content = tree and tree.content
    return isinstance(content, dict) and not _OF_NUMBERS.isdisjoint(content)


def _operator(written: dict[str, str]) -> settings.Settings:
    return settings.from_environment(
        {settings.PREFIX + name: value for name, value in written.items()})


def _day(text: str) -> datetime:
    try:
        return moments.of_file(text, _UTC) if text else _NEVER
    except Refused as error:
        raise InvalidValue(str(error)) from None


def _result(spot: Spot, case: Case, at: str, numbers: Numbers, operator: settings.Settings,
            ) -> Result:
    try:
        records = _with_overrides(numbers, case) if case.overrides else numbers
        seen = _seen(answer(_question(case, at), records, operator, _NEVER))
    except (InvalidValue, Refused) as error:
        spot.error(f"{case.case}: {error}")
        return Result(case.case, at, tuple(spot.problems.errors))
    expected = {key: getattr(case, key) for key in seen}
    for key, value in expected.items():
        if seen[key] != value and not (key == "rule" and not value):
            (spot / key).error(f"{case.case}, at {at}: {key} is {seen[key]}, not {value}")
    return Result(case.case, at, tuple(spot.problems.errors))


def _with_overrides(numbers: Numbers, case: Case) -> Numbers:
    key, state = values.number_key(case.dialled), State()
    number = numbers.number(key)
    if number is None:
        raise Refused(f"nobody owns {case.dialled}, so it has no overrides")
    for one in case.overrides:
        if not one.set_at:
            raise Refused("set is missing; write  set: 2026-11-20 17:00")
        wish = Wish(one.sequence, one.start, one.until)
        state = with_override(number, state, wish, moments.of_file(one.set_at, number.zone))
    return replace(numbers, states={key: state})


def _question(case: Case, at: str) -> Question:
    if not at:
        raise Refused("at is missing; write  at: 2026-11-23 09:30")
    moments.of_file(at, _UTC)
    if case.verdict not in list(Verdict):
        raise Refused(f"{case.verdict!r} is no verdict; write {', '.join(Verdict)}")
    return Question(case.dialled, case.caller, at, case.via, diverted=_yes(case.diverted),
                    diverters=tuple(case.diverters), anonymous=_yes(case.anonymous),
                    verdict=Verdict(case.verdict))


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise Refused(f"{text!r} is neither yes nor no")
    return text == "yes"


def _seen(answered: Explained | Rejected) -> dict[str, Any]:
    if isinstance(answered, Rejected):
        return {"rule": "", "rings": [], "handed_over": {}, "skipped": {},
                "ends": str(answered.status)}
    return {
        "rule": answered["rule"],
        "rings": [_step(step) for step in answered["steps"]
                  if not Kind(step["targets"][0]["kind"]).answers],
        "handed_over": {one["what"]: one["why"] for one in answered["handed_over"]},
        "skipped": {one["what"]: one["why"] for one in answered["skipped"]},
        "ends": _ends(answered)}


def _step(step: Together) -> str:
    reached = "" if step["starts_after_s"] is not None else f"{', '.join(step['reached_by'])}: "
    return reached + " + ".join(map(_phrase, step["targets"]))


def _phrase(one: Ringing) -> str:
    what = f"line {one['address']}" if one["kind"] == Kind.LINE else one["address"]
    shows = f" showing {one['cli']}" if one["cli"] not in (CALLER, ANONYMOUS) else ""
    delay = f" after {one['delay_s']} s" if one["delay_s"] else ""
    return f"{what} {one['ring_s']} s{delay}{' press 1' * one['confirm']}{shows}"


def _ends(answered: Explained) -> str:
    if access := answered["access"]:
        return "mailbox with PIN" if access["ask_pin"] else "mailbox"
    return answered["end"]["media"] or answered["end"]["otherwise"]
