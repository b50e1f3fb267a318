# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON lines: an object a line (RFC 8259), every value as text with its line and column."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.line_by_line import lines
from provisioning.problems import Place, Problem, Problems
from provisioning.source import HALF_A_CHARACTER, Written

_DEEPEST = 16
_STRING = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_OTHER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_WORDS = {"true": "yes", "false": "no"}


def objects(path: Path, problems: Problems) -> Iterator[Written]:
    """The objects of a file; a line that holds none is noted and left out. A number keeps its
    digits, true is yes, false is no, and a key with null is not written.
    """
    for number, text in lines(path, problems):
        if not text.strip():
            continue
        try:
            yield _Line(str(path), number, text, problems).object()
        except _NotJson as error:
            problems.errors.append(Problem(Place(str(path), number, error.at + 1), error.what))


class _NotJson(Exception):
    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at = at
        self.what = f"this is not JSON: {what}"


@dataclass(frozen=True, slots=True)
class _Line:
    file: str
    number: int
    text: str
    problems: Problems

    def object(self) -> Written:
        start = self._skip(0)
        if not self.text.startswith("{", start):
            raise _NotJson(start, "an object stands in each line: "
                                  '{"organisation": "acme", "subscriber": "jana", …}')
        found, end = self._value(start, None, 0)
        end = self._skip(end)
        if end < len(self.text):
            raise _NotJson(end, "after the object stands more; write one object a line")
        assert found is not None
        return found

    def _value(self, at: int, key: int | None, depth: int) -> tuple[Written | None, int]:
        """A value and where it ends; None for null. ``key`` is where its key stands."""
        if depth > _DEEPEST:
            raise _NotJson(at, "values are nested too deeply")
        content: Any
        match self.text[at:at + 1]:
            case "{":
                content, end = self._mapping(at + 1, depth)
            case "[":
                content, end = self._list(at + 1, depth)
            case '"':
                content, end = self._string(at)
            case _:
                content, end = self._other(at)
        if content is None:
            return None, end
        place = self._place(at)
        where = place if key is None else self._place(key)
        return Written(content, place, where, self.text, (at, end, at)), end

    def _mapping(self, at: int, depth: int) -> tuple[dict[str, Written], int]:
        children: dict[str, Written] = {}
        at = self._skip(at)
        if self.text.startswith("}", at):
            return children, at + 1
        while True:
            if not self.text.startswith('"', at):
                raise _NotJson(at, "a key in quotes is expected here")
            name, end = self._string(at)
            found, end = self._value(self._behind(end, ":"), at, depth + 1)
            if name in children:
                self._note(at, f"{name!r} stands here twice; write it once")
            elif found is not None:
                children[name] = found
            at = self._skip(end)
            if self.text.startswith("}", at):
                return children, at + 1
            at = self._behind(at, ",")

    def _list(self, at: int, depth: int) -> tuple[list[Written], int]:
        children: list[Written] = []
        at = self._skip(at)
        if self.text.startswith("]", at):
            return children, at + 1
        while True:
            found, end = self._value(at, None, depth + 1)
            if found is None:
                self._note(at, "null is no value of a list; leave it out")
            else:
                children.append(found)
            at = self._skip(end)
            if self.text.startswith("]", at):
                return children, at + 1
            at = self._behind(at, ",")

    def _string(self, at: int) -> tuple[str, int]:
        try:
            text, end = _STRING.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            raise _NotJson(error.pos, error.msg[0].lower() + error.msg[1:]) from None
        try:
            text.encode()
        except UnicodeEncodeError:
            self._note(at, HALF_A_CHARACTER)
            text = text.encode(errors="replace").decode()
        return text, end

    def _other(self, at: int) -> tuple[str | None, int]:
        match = _OTHER.match(self.text, at)
        if match is None:
            raise _NotJson(at, "a value is expected here; a text stands in quotes")
        text = match[0]
        return None if text == "null" else _WORDS.get(text, text), match.end()

    def _behind(self, at: int, mark: str) -> int:
        at = self._skip(at)
        if not self.text.startswith(mark, at):
            raise _NotJson(at, f"{mark} is expected here")
        return self._skip(at + 1)

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def _place(self, at: int) -> Place:
        return Place(self.file, self.number, at + 1)

    def _note(self, at: int, text: str) -> None:
        self.problems.errors.append(Problem(self._place(at), text))
