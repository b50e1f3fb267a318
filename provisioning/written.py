# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands in a file, each value with its place and its text; all scalars are text."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from errno import ENOENT
from functools import cached_property
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from kemi_routing.errors import InvalidValue
from provisioning import masking
from provisioning.problems import Place, Problem, Problems, Rows
from provisioning.yaml_text import block

T = TypeVar("T")
P = ParamSpec("P")

ROWS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a row, as ruamel counts them."""
COMMENT = re.compile("#.*")
"""From its mark to the end of the row; a mark in quotes is for others to leave out."""
_BEFORE_A_TEXT = re.compile(r"[^:]*:(?:\s|(?<=\s)#.*)*")


@dataclass(frozen=True)
class Source:
    """The text of a file, and where its secrets stand."""

    text: str
    secrets: tuple[masking.Span, ...] = ()
    files: Mapping[str, bytes] | None = None
    """Those that it may name, where they do not lie beside it."""

    @cached_property
    def rows(self) -> list[str]:
        """For messages: secrets are ``HIDDEN``."""
        return ROWS.split(masking.masked(self.text, self.secrets))

    def problem(self, place: Place, text: str) -> Problem:
        """What is wrong at a place, with its row."""
        row = self.rows[place.line - 1] if place.line <= len(self.rows) else ""
        return Problem(place, text, row)


@dataclass(slots=True)
class Written:
    """A value of a file."""

    content: Any
    """Text, a list of ``Written``, a dict of them by key, or None: not fit to be read."""
    value: Place
    key: Place
    """Where the key stands that leads here; the value itself where there is none."""
    source: str
    span: tuple[int, int, int]
    """First and last index in ``source`` with its key, and the column of the first."""
    file: Rows | None = None
    """For messages; None: they show no row."""
    around: tuple[int, int] | None = None
    """Where the comments above it begin, and those behind it end; None: it has none."""
    name: str = ""
    """Its key, where one leads here."""

    @property
    def text(self) -> str:
        """As written, with its key and comments, moved to the left margin; what stands in braces
        with others does not stand so by itself.
        """
        if self.around is None:
            return "".join(f"{row[2:]}\n" for row in block({self.name: self.plain()}, "  "))
        return self.text_with(())

    def text_with(self, others: Iterable[tuple["Written", str]]) -> str:
        """The text with something else in place of some values below it and their keys."""
        first, last, margin = self.span
        last = self.around[1] if self.around else last
        pieces = []
        for value, other in others:
            begin, end = value.span[:2]
            above = "".join(f"\n{' ' * margin}{row}" for row in value.within)
            pieces += [self.source[first:begin], above, "\n" * bool(above),
                       " " * value.span[2] * bool(above), other]
            first = begin + len(self.source[begin:end].rstrip())
        head, *rest = "".join([*pieces, self.source[first:last]]).split("\n")
        lines = [*self.comments, head, *(line[min(margin, indent(line)):] for line in rest)]
        return "\n".join(lines).rstrip() + "\n"

    @property
    def comments(self) -> list[str]:
        """The comments above its key, each on a line."""
        if self.around is None:
            return []
        rows = self.source[self.around[0]:self.span[0]].split("\n")
        return [row[row.index("#"):].rstrip() for row in rows if "#" in row]

    @property
    def within(self) -> list[str]:
        """The comments between its key and its text, or in its list."""
        text = self.source[slice(*self.span[:2])]
        if isinstance(self.content, str):
            found = _BEFORE_A_TEXT.match(text)
            text = found[0] if found else ""
        return COMMENT.findall(text)

    @property
    def loose(self) -> list[str]:
        """The comments above its key, and all that stand in it where it is in braces."""
        if self.around is None or any(child.around for child in self.content.values()):
            return self.comments
        pieces, first = [], self.span[0]
        for begin, end in self._texts():
            pieces.append(self.source[first:begin])
            first = end
        pieces.append(self.source[first:self.around[1]])
        return [*self.comments, *(row.rstrip() for row in COMMENT.findall("".join(pieces)))]

    def _texts(self) -> Iterator[tuple[int, int]]:
        """Where the texts below it stand, with their keys."""
        match self.content:
            case dict() as children:
                for child in children.values():
                    yield from child._texts()
            case list() as children:
                for child in children:
                    yield from child._texts()
            case _:
                yield self.span[:2]

    def beside(self, name: str) -> bytes:
        """A file of that name beside its own; raises OSError."""
        files = self.file.files if isinstance(self.file, Source) else None
        if Path(name).name != name or not name.isprintable():
            raise FileNotFoundError(ENOENT, "no such file", name)
        if files is None:
            return (Path(self.value.file).parent / name).read_bytes()
        if name not in files:
            raise FileNotFoundError(ENOENT, "no such file", name)
        return files[name]

    def problem(self, place: Place, text: str) -> Problem:
        """What is wrong at a place of its file."""
        return self.file.problem(place, text) if self.file else Problem(place, text)

    def plain(self) -> Any:
        """The value as text, lists and dicts."""
        content = self.content
        if isinstance(content, dict):
            return {key: child.plain() if isinstance(child.content, dict | list) else child.content
                    for key, child in content.items() if child.content is not None}
        if isinstance(content, list):
            return [child.plain() for child in content]
        return content


@dataclass(slots=True, eq=False)
class Spot:
    """A value that is being checked: what is found wrong is noted with its place."""

    written: Written
    problems: Problems
    at: Place | None = None
    """Where errors stand, if not at the value."""

    def __truediv__(self, step: str | int) -> "Spot":
        """The value below; this one where there is none, so that an error has a place."""
        content = self.written.content
        if isinstance(content, dict):
            below = content.get(step)
            return self if below is None else Spot(below, self.problems)
        if isinstance(content, list) and isinstance(step, int):
            return Spot(content[step], self.problems)
        return self

    def error(self, text: str) -> None:
        """Note an error of this value."""
        self.problems.errors.append(self._problem(text))

    def warning(self, text: str) -> None:
        """Note what is allowed but probably not meant."""
        self.problems.warnings.append(self._problem(text))

    def note(self, text: str) -> None:
        """Note how this value was understood."""
        if not self.problems.without_notes:
            self.problems.notes.append(self._problem(text))

    def _problem(self, text: str) -> Problem:
        return self.written.problem(self.place, text)

    @property
    def place(self) -> Place:
        """Where errors stand."""
        return self.at or self.written.value

    def required(self, key: str, text: str | None, parse: Callable[[str], T], example: str,
                 ) -> T | None:
        """The parsed text under ``key``, or None after its error was noted."""
        if text is None:
            if self / key is self:  # else it was not fit to be read, and that is noted
                self.at_key().error(f"{key} is missing; write  {key}: {example}")
            return None
        try:
            return parse(text)
        except InvalidValue as error:
            (self / key).error(str(error))
            return None

    def optional(self, key: str, text: str | None, parse: Callable[[str], T], default: T) -> T:
        """The parsed text under ``key``; the default where there is none, or only a wrong one."""
        found = None if text is None else self.required(key, text, parse, "")
        return default if found is None else found

    def read(self, parse: Callable[P, T], *values: P.args, **named: P.kwargs) -> T | None:
        """What ``parse`` makes of the values, or None after its error was noted."""
        try:
            return parse(*values, **named)
        except InvalidValue as error:
            self.error(str(error))
            return None

    @property
    def line(self) -> str:
        """``file:line``, for messages at another place."""
        return f"{self.place.file}:{self.place.line}"

    def at_key(self) -> "Spot":
        """This spot where its key stands: for errors of the key, or of all that is under it."""
        return Spot(self.written, self.problems, self.written.key)


def indent(line: str) -> int:
    """How many spaces a line begins with."""
    return len(line) - len(line.lstrip(" "))
