# SPDX-License-Identifier: GPL-2.0-or-later
"""XML as it was written: every element knows its line and column. No DOCTYPE, so no entities."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from provisioning import masking
from provisioning.line_by_line import Row
from provisioning.masking import Span
from provisioning.problems import Place, Problem, Problems, Rows

_TAG = re.compile(r"<(?:[^\s<>/!?:]*:)?([^\s<>/!?:]+)")
_ATTRIBUTE = re.compile(r"""([^\s<>="':]+)\s*=\s*("[^"]*"?|'[^']*'?)""")
_END = re.compile("\r\n?")
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16",
              b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
"""By the first bytes of a file."""


@dataclass(slots=True)
class Element:
    """An element without its namespace."""

    tag: str
    place: Place
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""


class _Refused(Exception):
    pass


def read(path: Path, problems: Problems) -> tuple[Element, Rows] | None:
    """The root of a file, and the file for messages; None after its error was noted."""
    try:
        data = path.read_bytes()
    except OSError as error:
        problems.errors.append(
            Problem(Place(str(path)), f"the file cannot be read: {error.strerror}"))
        return None
    builder, file = _Builder(str(path)), _file(data)
    try:
        builder.parser.Parse(data, True)
        return builder.top.children[0], file
    except expat.ExpatError as error:
        place = Place(str(path), error.lineno, error.offset + 1)
        what = f"this is not XML: {expat.ErrorString(error.code)}"
    except (ValueError, LookupError) as error:  # what Python has to say to its encoding
        place, what = Place(str(path)), f"this is not XML: {error}"
    except _Refused:
        place, what = builder.place(), "a DOCTYPE is not part of this format; leave it out"
    problems.errors.append(file.problem(place, what))
    return None


def _file(data: bytes) -> Row:
    """For messages: a character of another encoding than UTF-8 or UTF-16 is not shown."""
    text = data.decode(_ENCODINGS.get(data[:2], "utf-8-sig"), "replace")
    return Row(_END.sub("\n", text), 1, _secrets)


def _secrets(text: str) -> Iterator[Span]:
    """All that stands in an element or an attribute that is called like a secret."""
    hidden = 0
    for tag in _TAG.finditer(text):
        if tag.start() >= hidden and masking.may_be_secret(tag[1]):
            end = text.find("</", tag.end())
            hidden = len(text) if end < 0 else end
            yield tag.end(), hidden
    yield from (one.span(2) for one in _ATTRIBUTE.finditer(text) if masking.may_be_secret(one[1]))


class _Builder:
    def __init__(self, file: str) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._file = file
        self.top = Element("", Place(file))
        self._open = [self.top]

    def place(self) -> Place:
        """Where the parser is."""
        return Place(self._file, self.parser.CurrentLineNumber,
                     self.parser.CurrentColumnNumber + 1)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(name.rpartition(":")[2], self.place(), attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _characters(self, text: str) -> None:
        self._open[-1].text += text

    def _doctype(self, *_declared: object) -> None:
        raise _Refused
