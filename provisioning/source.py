# SPDX-License-Identifier: GPL-2.0-or-later
"""YAML as it was written: every scalar stays text, every value knows its line and column.

No scalar is given a type: 08:00 is no 480, NO is not false, 0049 keeps its zeros.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from errno import ENOENT
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from kemi_routing.errors import InvalidValue
from provisioning import masking
from provisioning.problems import Place, Problem, Problems, Rows
from provisioning.yaml_text import block

T = TypeVar("T")
P = ParamSpec("P")

HALF_A_CHARACTER = "half a character is written here (an escape \\ud800 to \\udfff)"

_ROWS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a row, as ruamel counts them."""
_NO_ROW = re.compile("[\x85\u2028\u2029]")
"""Of these, what ends none in YAML 1.2."""
_COMMENT = re.compile("#.*")
_BEFORE_A_TEXT = re.compile(r"[^:]*:(?:\s|(?<=\s)#.*)*")
_END_OF_DOCUMENT = re.compile(r"^\.\.\.(?=\s|$)", re.MULTILINE)


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
        return _ROWS.split(masking.masked(self.text, self.secrets))

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
        lines = [*self.comments, head, *(line[min(margin, _indent(line)):] for line in rest)]
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
        return _COMMENT.findall(text)

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
        return [*self.comments, *(row.rstrip() for row in _COMMENT.findall("".join(pieces)))]

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
        match self.content:
            case dict() as children:
                return {key: child.plain() for key, child in children.items()
                        if child.content is not None}
            case list() as children:
                return [child.plain() for child in children]
            case text:
                return text


@dataclass(frozen=True, slots=True)
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
            return Spot(content[step], self.problems) if step in content else self
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
        return (self / key).read(parse, text)

    def optional(self, key: str, text: str | None, parse: Callable[[str], T], default: T) -> T:
        """The parsed text under ``key``; the default where there is none, or only a wrong one."""
        found = None if text is None else (self / key).read(parse, text)
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


def read(path: Path, problems: Problems) -> Written | None:
    """The file as a tree of values, None after its errors were noted."""
    try:
        return parse(path.read_bytes().decode("utf-8-sig"), str(path), problems)
    except OSError as error:
        problems.errors.append(Problem(
            Place(str(path)), f"the file cannot be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        text, before = (part.decode("utf-8", "replace")
                        for part in (error.object, error.object[:error.start]))
        problems.errors.append(_without_tree(text).problem(
            _place(str(path), before), "this is not UTF-8; save the file as UTF-8"))
    return None


def parse(text: str, file: str, problems: Problems,
          files: Mapping[str, bytes] | None = None) -> Written | None:
    """As ``read``, of a text that is there already, and so may be the files that it names."""
    text = re.sub("\r\n?", "\n", text)
    try:
        with warnings.catch_warnings(action="ignore"):  # we say what is wrong ourselves
            node = YAML(typ="safe", pure=True).compose(text)
        if found := _NO_ROW.search(text):
            problems.errors.append(_without_tree(text).problem(_place(file, text[:found.start()]), (
                f"U+{ord(found[0]):04X} stands here, which ends a line for some programs only; "
                "delete it")))
            return None
        if node is not None:
            end = _end(node)  # what stands behind belongs to the same text
            text = text[:end] + _END_OF_DOCUMENT.sub("   ", text[end:])
            source = Source(text, tuple(masking.of_tree(node, text)), files)
            return _Tree(file, source, problems).written(node, around=(0, len(text)))
        place, what = Place(file), "the file is empty; it starts with  organisation: NAME"
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        what = _no_yaml(", ".join(filter(None, [error.context, error.problem])))
    except ReaderError as error:
        place = _place(file, text[:error.position])
        what = "this is not YAML: a control character stands here; delete it"
    except ValueError as error:
        place, what = Place(file), f"this is not YAML: {error}"
    except RecursionError:
        place, what = Place(file), "values are nested too deeply; no value needs ten levels"
    problems.errors.append(_without_tree(text).problem(place, what))
    return None


def _without_tree(text: str) -> Source:
    return Source(text, tuple(masking.of_text(text)))


def _place(file: str, before: str) -> Place:
    """The place behind this text."""
    *rows, last = _ROWS.split(before)
    return Place(file, len(rows) + 1, len(last) + 1)


_BELOW = "begin each key below those beside it, as far from the margin"
_MENDS = {
    "alias": 'what begins with * stands in quotes: "*33"',
    "\\t": "write spaces, not tabs",
    "another document": "write each in a file of its own, and no row of ---",
    "mapping values": "a key stands below those beside it, as far from the margin, and a text "
                      'with a colon in quotes: "a: b"',
    "expected ':'": "write  KEY: VALUE",
    "flow mapping": "what begins with { ends with }, a comma between its keys",
    "flow sequence": "what begins with [ ends with ], a comma between its values",
    "quoted scalar": "end the text with the quote that it begins with",
    "block mapping": _BELOW,
    "document start": _BELOW,
    "block collection": "begin each - below those beside it, as far from the margin",
}
"""What the reader's message holds -> the right form; the first that fits."""


def _no_yaml(found: str) -> str:
    mends = (f"; {mend}" for words, mend in _MENDS.items() if words in found)
    return f"this is not YAML: {found}{next(mends, '')}"


@dataclass(frozen=True, slots=True)
class _Tree:
    """Makes ``Written`` of ruamel's nodes; what the format does not know is noted."""

    file: str
    source: Source
    problems: Problems

    def written(self, node: Node, key: Node | None = None, around: tuple[int, int] | None = None,
                ) -> Written:
        if node.anchor:
            self._error(node, f"anchors are not part of this format; leave out &{node.anchor}, and "
                              f"write the value again in place of *{node.anchor}")
        place = self._place(node)
        content: Any
        if isinstance(node, ScalarNode):
            content = self._text(node)
        elif isinstance(node, MappingNode):
            content = self._mapping(node, key, around)
        else:
            content = [self.written(child) for child in node.value]
        first = key or node
        span = first.start_mark.index, node.end_mark.index, first.start_mark.column
        return Written(content, place, self._place(first), self.source.text, span, self.source,
                       around)

    def _mapping(self, node: MappingNode, above: Node | None, around: tuple[int, int] | None,
                 ) -> dict[str, Written]:
        children: dict[str, Written] = {}
        floor = node.start_mark.index
        for (key, value), own in zip(node.value, self._around(node, above, around), strict=True):
            if not isinstance(key, ScalarNode):
                self._error(key, "a key is one word, not a list or keys with values")
                continue
            if "?" in _COMMENT.sub("", self.source.text[floor:key.start_mark.index]):
                self._error(key, "a key with ? is not part of this format; write  KEY: VALUE")
            floor = value.end_mark.index
            name = self._text(key)
            if first := children.get(name):
                self._error(key, f"{name!r} stands here twice, first on line "
                                 f"{first.key.line}; write it once")
            else:
                children[name] = replace(self.written(value, key, own), name=name)
        return children

    def _around(self, node: MappingNode, above: Node | None, around: tuple[int, int] | None,
                ) -> list[tuple[int, int] | None]:
        """For each value whose comments are its own: no two have the same, and none is lost."""
        if around is None or node.flow_style or not node.value:
            return [None] * len(node.value)
        begins = [above.end_mark.index if above else 0]
        for (_, before), (key, _) in pairwise(node.value):
            begins.append(self._first_comment(_end(before), key))
        return [*pairwise([*begins, around[1]])]

    def _first_comment(self, floor: int, key: Node) -> int:
        """Where the comments begin that stand above a key, no further right than it."""
        while self.source.text[floor - 1:floor] == "\n":
            floor -= 1  # where a block of text ends, the next row has begun
        begin: int = key.start_mark.index
        rows = self.source.text[floor:begin].split("\n")
        at = begin - len(rows[-1])
        for row in reversed(rows[1:-1]):
            at -= len(row) + 1
            if row.strip() and (not row.lstrip().startswith("#")
                                or _indent(row) > key.start_mark.column):
                break
            if row.strip():
                begin = at
        return begin

    def _text(self, node: ScalarNode) -> str:
        """The scalar; JSON writes a character beyond 16 bits as two escapes, here it is one."""
        units: bytes = node.value.encode("utf-16", "surrogatepass")
        try:
            return units.decode("utf-16")
        except UnicodeDecodeError:
            self._error(node, HALF_A_CHARACTER)
            return units.decode("utf-16", "replace")

    def _place(self, node: Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _error(self, node: Node, text: str) -> None:
        self.problems.errors.append(self.source.problem(self._place(node), text))


def _end(node: Node) -> int:
    """Where a value ends; what stands behind a block up to the next one is not part of it."""
    last = None
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return int(node.end_mark.index) if last is None else _end(last)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
