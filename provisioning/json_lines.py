# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON lines: an object a line (RFC 8259), every value as text with its line and column."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from provisioning import masking
from provisioning.columns import Headers
from provisioning.line_by_line import File, Row, lines
from provisioning.masking import Span
from provisioning.problems import Place, Problems
from provisioning.source import HALF_A_CHARACTER
from provisioning.written import Written

_DEEPEST = 16
_STRING = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_OTHER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_COLONS, _COMMAS = frozenset({":", ": "}), frozenset({",", ", "})
"""What stands between keys and texts in most lines; others are read with more care."""
_WORDS = {"true": "yes", "false": "no"}
_Says = Callable[[str], bool]
_IN_QUOTES = re.compile(r'"((?:[^"\\]|\\.)*)"?')


def objects(path: File, problems: Problems, headers: Headers | None = None) -> Iterator[Written]:
    """The objects of a file; a line that holds none is noted and left out. A number keeps its
    digits, true is yes, false is no, and a key with null is not written. Messages do not show what
    ``headers`` hides.
    """
    secrets = partial(_secrets, *([headers.hides, headers.may_be_secret] if headers else
                                  [masking.may_be_secret, masking.may_be_secret]))
    for number, text in lines(path, problems, secrets):
        if not text.strip():
            continue
        row = Row(text, number, secrets)
        try:
            yield _Line(str(path), row, text, problems).object()
        except _NotJson as error:
            problems.errors.append(row.problem(
                Place(str(path), number, error.at + 1), error.what))


def _secrets(hides: _Says, may_be_secret: _Says, text: str) -> list[Span]:
    """Those of a line, which is read once more to look for them."""
    line = _Line("", Row(text, 1, masking.of_text), text, Problems(), hides)
    try:
        line.object()
    except _NotJson:
        hidden = (one.end() for one in _IN_QUOTES.finditer(text) if may_be_secret(one[1]))
        return [*line.secrets, *masking.of_text(text), (next(hidden, len(text)), len(text))]
    return line.secrets


class _NotJson(Exception):
    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at = at
        self.what = f"this is not JSON: {what}"


@dataclass(frozen=True, slots=True)
class _Line:
    file: str
    row: Row
    text: str
    problems: Problems
    hides: _Says | None = None
    """Whether the value of a key is secret; None: secrets are not looked for."""
    secrets: list[Span] = field(default_factory=list)

    def object(self) -> Written:
        """What stands there; raises _NotJson."""
        if not self.hides and (children := self._texts()):
            place = self._place(0)
            return Written(children, place, place, self.text, (0, len(self.text), 0), self.row)
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

    def _texts(self) -> dict[str, Written]:
        """The pairs of an object that has nothing but texts without escapes; empty for others."""
        text, file, line = self.text, self.file, self.row.line
        pieces = text.rstrip("\r\n").split('"')
        if not (pieces[0] == "{" and pieces[-1] == "}" and len(pieces) % 4 == 1
                and _COLONS.issuperset(pieces[2::4]) and _COMMAS.issuperset(pieces[4:-1:4])
                and "\\" not in text and "\t" not in text):
            return {}
        children: dict[str, Written] = {}
        at = 1
        for name, colon, content, comma in zip(
                pieces[1::4], pieces[2::4], pieces[3::4], pieces[4::4], strict=True):
            first = at + len(name) + len(colon) + 2
            last = first + len(content) + 2
            children[name] = Written(content, Place(file, line, first + 1),
                                     Place(file, line, at + 1), text, (first, last, first),
                                     self.row)
            at = last + len(comma)
        return children if len(children) * 4 + 1 == len(pieces) else {}

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
        if self.hides and isinstance(content, str):
            self.secrets.extend(self._of_text(content, at, end))
        return Written(content, place, where, self.text, (at, end, at), self.row), end

    def _of_text(self, content: str, first: int, last: int) -> Iterable[Span]:
        """The secrets of a text; where it is written with escapes, all of it."""
        if self.text[first + 1:last - 1] == content:
            return masking.of_value(self.text, first, last)
        return [(first, last)] if any(masking.of_value(content, 0, len(content))) else []

    def _mapping(self, at: int, depth: int) -> tuple[dict[str, Written], int]:
        children: dict[str, Written] = {}
        at = self._skip(at)
        if self.text.startswith("}", at):
            return children, at + 1
        while True:
            name, first = self._key(at)
            found, end = self._value(first, at, depth + 1)
            if self.hides and (masking.is_secret(name) if depth else self.hides(name)):
                self.secrets.append((first, end))
            if name in children:
                self._note(at, f"{name!r} stands here twice; write it once")
            elif found is not None:
                children[name] = found
            at = self._skip(end)
            if self.text.startswith("}", at):
                return children, at + 1
            at = self._behind(at, ",")

    def _key(self, at: int) -> tuple[str, int]:
        """A key, and where its value begins."""
        if not self.text.startswith('"', at):
            raise _NotJson(at, "a key in quotes is expected here")
        name, end = self._string(at)
        return name, self._behind(end, ":")

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
        if self.text[at:at + 1] > " ":
            return at
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def _place(self, at: int) -> Place:
        return Place(self.file, self.row.line, at + 1)

    def _note(self, at: int, text: str) -> None:
        if self.hides is None:
            self.problems.errors.append(self.row.problem(self._place(at), text))
