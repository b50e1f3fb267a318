# SPDX-License-Identifier: GPL-2.0-or-later
"""XML as it was written: every element knows its line and column. No DOCTYPE, so no entities."""

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from provisioning.problems import Place, Problem, Problems


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


def read(path: Path, problems: Problems) -> Element | None:
    """The root of a file, None after its error was noted."""
    builder = _Builder(str(path))
    try:
        with path.open("rb") as file:
            builder.parser.ParseFile(file)
        return builder.top.children[0]
    except OSError as error:
        place, what = Place(str(path)), f"the file cannot be read: {error.strerror}"
    except expat.ExpatError as error:
        place = Place(str(path), error.lineno, error.offset + 1)
        what = f"this is not XML: {expat.ErrorString(error.code)}"
    except _Refused:
        place, what = builder.place(), "a DOCTYPE is not part of this format; leave it out"
    problems.errors.append(Problem(place, what))
    return None


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
