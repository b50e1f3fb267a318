# SPDX-License-Identifier: GPL-2.0-or-later
"""A file of ours out of what another system has exported; what is lost is said each time.

What is written passes ``check``: what a target or a number must be is asked of it, not known here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from textwrap import wrap
from typing import Any

from kemi_routing.dialplan import is_extension
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Platform
from provisioning import values
from provisioning.check import check_text
from provisioning.problems import Place, Problem, Problems, Refused, Rows
from provisioning.yaml_text import Remark, block

_NAME = "imported.yaml"
_PROBE = "000000"
_NOT_KEPT = "not kept: "
_WIDE = 96


@dataclass(slots=True)
class Draft:
    """A subscriber as he will stand in the file."""

    name: str
    place: Place
    """Where he stands in what is imported."""
    remarks: list[str] = field(default_factory=list)
    permissions: set[str] = field(default_factory=set)
    lines: dict[str, dict[str, str]] = field(default_factory=dict)
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Numbers and extensions."""
    lost: list[str] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """What stands under his name."""
        found: dict[str, Any] = {Remark(remark): "" for remark in self.remarks}
        found |= {Remark(_NOT_KEPT + text): "" for text in self.lost}
        if self.permissions:
            found["permissions"] = sorted(self.permissions, reverse=True)
        if self.lines:
            found["lines"] = self.lines
        for kind, is_it in (("numbers", False), ("extensions", True)):
            if own := {key: one for key, one in self.numbers.items() if (len(key) <= 6) is is_it}:
                found[kind] = own
        return found

    @property
    def has_sequences(self) -> bool:
        """Whether there are any that could be left out."""
        return any("sequences" in one for one in self.numbers.values())

    def only_rings(self) -> None:
        """Take the sequences away, which cannot be as they are."""
        mode = "ring_then_voicemail" if "voicemail" in self.permissions else "ring_only"
        self.numbers = {key: {"mode": mode} for key in self.numbers}


@dataclass
class Import:
    """An import that is under way; what it says is in ``problems``."""

    organisation: str
    time_zone: str
    dial_plan: Mapping[str, str]
    now: datetime
    problems: Problems = field(default_factory=Problems)
    files: dict[str, Rows] = field(default_factory=dict)
    """What is imported, by its place in messages."""
    remarks: list[str] = field(default_factory=list)
    """What stands at the top of the file; long lines are folded."""
    _refused: dict[str, str | None] = field(default_factory=dict)
    _lines: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Raises Refused where the options cannot be."""
        for problem in self._errors("\n".join(self._head) + "\n"):
            raise Refused(problem.text)

    def warn(self, place: Place, text: str) -> None:
        """Say what is to be known of the import."""
        file = self.files.get(place.file)
        self.problems.warnings.append(file.problem(place, text) if file else Problem(place, text))

    def lose(self, draft: Draft, place: Place, text: str) -> None:
        """Say what of a subscriber is not kept, here and in the file."""
        self.warn(place, f"{_NOT_KEPT}{text}")
        draft.lost.append(text)

    def refused(self, target: str) -> str | None:
        """Why this cannot be a target, or None."""
        if target not in self._refused:
            step = {"to": target}
            probe = {"probe": {"extensions": {_PROBE: {
                "default": "probe", "sequences": {"probe": [step]}}}}}
            found = self._errors("\n".join([*self._head, "subscribers:", *block(probe, "  "), ""]))
            self._refused[target] = found[0].text if found else None
        return self._refused[target]

    def line(self, draft: Draft, place: Place, name: str, password: str) -> str:
        """The name of the line that the subscriber has from now on; empty after it was said why
        there is none.
        """
        try:
            if values.name(name) in self._lines:
                raise InvalidValue(f"another one is named {name} already")
            draft.lines[name] = {"password": values.password(password)}
            self._lines.add(name)
            return name
        except InvalidValue as error:
            self.lose(draft, place, f"the phone of {draft.name}: {error}; write  "
                                    "lines: {NAME: {password: …}}")
            return ""

    def outside(self, draft: Draft, place: Place, digits: str) -> bool:
        """Whether this can be dialled as an outside number; if not, it is said why."""
        why = ("there is no such extension in what is imported" if is_extension(digits)
               else self.refused(digits))
        if why:
            self.lose(draft, place, f"{digits}: {why}")
            return False
        if not self.dial_plan and not digits.startswith("+"):
            self.warn(place, f"{digits} is taken as +{digits}; if it is not meant so, import again "
                             "with --dial-plan")
        return True

    def written(self, drafts: Iterable[Draft]) -> str:
        """The file; what ``check`` would refuse is taken out of it, and said."""
        drafts = list(drafts)
        while True:
            text, lines = self._whole(drafts)
            errors = self._errors(text)
            if not errors:
                return text
            if beyond := [error for error in errors if self._is_beyond(error, lines, drafts)]:
                raise Refused(f"no file can be made of this: {beyond[0].text}")
            wrong = {lines[error.place.line]: error.text for error in reversed(errors)}
            for index, why in wrong.items():
                self.lose(drafts[index], drafts[index].place,
                          f"the sequences of {drafts[index].name}: {why}")
                drafts[index].only_rings()

    @staticmethod
    def _is_beyond(error: Problem, lines: dict[int, int], drafts: list[Draft]) -> bool:
        """Whether an error has nothing to do with sequences, so that leaving them out is no help.
        """
        index = lines.get(error.place.line)
        return index is None or not drafts[index].has_sequences

    @cached_property
    def _head(self) -> list[str]:
        content: dict[str, Any] = {"organisation": self.organisation, "time_zone": self.time_zone}
        if self.dial_plan:
            content["dial_plan"] = self.dial_plan
        return list(block(content))

    def _whole(self, drafts: list[Draft]) -> tuple[str, dict[int, int]]:
        """The text, and for each line of a subscriber which of them it is."""
        remarks = [Remark(line) for remark in self.remarks for line in wrap(remark, _WIDE)]
        found = [*block(remarks), *self._head, "subscribers:"]
        lines: dict[int, int] = {}
        for index, draft in enumerate(drafts):
            first = len(found) + 1
            found += block({draft.name: draft.content()}, "  ")
            lines |= dict.fromkeys(range(first, len(found) + 1), index)
        if not drafts:
            found[-1] += " {}"
        return "\n".join(found) + "\n", lines

    def _errors(self, text: str) -> list[Problem]:
        return check_text(text, _NAME, Platform(), self.now).problems.errors


def dial_plan(text: str) -> dict[str, str]:
    """What ``country=420 local_digits=9`` says; raises Refused. Its values are checked later."""
    found = {}
    for pair in text.replace(",", " ").split():
        key, equals, value = pair.partition("=")
        if not equals or not value:
            raise Refused(f"--dial-plan {text!r}: write KEY=VALUE, such as  country=49,trunk_prefix"
                          "=0,international_prefix=00")
        found[key] = value
    return found


