# SPDX-License-Identifier: GPL-2.0-or-later
"""YAML as it was written: every scalar stays text, every value knows its line and column.

No scalar is given a type: 08:00 is no 480, NO is not false, 0049 keeps its zeros.
"""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from provisioning import masking
from provisioning.problems import Place, Problem, Problems
from provisioning.written import COMMENT, ROWS, Source, Written, indent

HALF_A_CHARACTER = "half a character is written here (an escape \\ud800 to \\udfff)"

_NO_ROW = re.compile("[\x85\u2028\u2029]")
"""Of what ends a row for ruamel, what ends none in YAML 1.2."""
_END_OF_DOCUMENT = re.compile(r"^\.\.\.(?=\s|$)", re.MULTILINE)


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
    *rows, last = ROWS.split(before)
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
            if "?" in COMMENT.sub("", self.source.text[floor:key.start_mark.index]):
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
                                or indent(row) > key.start_mark.column):
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
