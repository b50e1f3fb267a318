# SPDX-License-Identifier: GPL-2.0-or-later
"""The columns of a table, and the keys of a JSON line: one number of one subscriber.

A row becomes the tree that the same words in YAML would be; what its values must be is said
elsewhere, once for all forms of files.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from kemi_routing import dialplan
from kemi_routing.errors import InvalidValue
from provisioning import masking, shape, shape_base, yaml_text
from provisioning.problems import Place, Problems, Refused, Rows, suggest
from provisioning.written import Spot, Written

SEQUENCE = "forward"
"""Name of the sequence of a row's steps, where no column says another one."""
LISTS = frozenset({"permissions", "aliases", "allow", "block", "ha1"})
"""Columns with several values, apart by spaces or commas."""
LINES = "lines"
"""What no cell can say, in place of the columns of a line: all of a subscriber."""

_LINE = tuple(shape_base.keys(shape.Line))
_STEP = tuple(shape_base.keys(shape.Target))
_NUMBER = tuple(shape_base.keys(shape.Number))
KEYS = ("organisation", "subscriber", "number", "group", "permissions", "line", *_LINE, LINES,
        *_NUMBER, "sequence", *(f"{key}_1" for key in _STEP))
"""What a row may say; the keys of a step stand with 1 for the first step, and so on."""

MOST_STEPS = 99
_OF_STEP = re.compile(rf"({'|'.join(_STEP)})_([1-9][0-9]?)", re.ASCII)
_ONE_TEXT = "write one text here"
_ONE_OF_LIST = re.compile(r"[^\s,;]+")
_ONE_TOGETHER = re.compile(r"[^&]+")


def _as_ours(header: str) -> str:
    return "_".join(header.lower().split())


@dataclass(frozen=True, slots=True)
class Headers:
    """What other people call our keys; an empty text leaves theirs out."""

    ours: Mapping[str, str] = field(default_factory=dict)

    def key(self, header: str) -> str:
        """Our key for a header as it is written."""
        return self.ours.get(header.strip(), _as_ours(header))

    def theirs(self, key: str) -> str:
        """What they call a key of ours; raises Refused where that is read as another one."""
        header = next((theirs for theirs, ours in self.ours.items() if ours == key), key)
        if (found := self.key(header)) != key:
            raise Refused(f"the column {header} would be read as {found or 'one to leave out'} by "
                          f"--map; write  --map THEIRS={key} too")
        return header

    def hides(self, header: str) -> bool:
        """Whether messages do not show what stands there: a secret, or what is no key of ours."""
        return (self.may_be_secret(header) or not is_key(self.key(header))
                or self.key(header) == LINES)

    def may_be_secret(self, header: str) -> bool:
        """Whether it is one of ours, is called like one, or left out for reasons not known."""
        key = self.key(header)
        return not key or masking.is_secret(key) or masking.may_be_secret(header)


def headers(pairs: Iterable[str]) -> Headers:
    """What ``THEIRS=OURS`` says; raises InvalidValue."""
    ours = {}
    for pair in pairs:
        theirs, equals, key = pair.rpartition("=")
        if not equals or not theirs.strip():
            raise InvalidValue(f"{pair!r}: write THEIRS=OURS, such as  Phone=number, or  THEIRS=  "
                               "for a column to leave out")
        if key and not is_key(key):
            raise InvalidValue(f"{pair!r}: {unknown(key)}")
        ours[theirs.strip()] = key
    return Headers(ours)


def is_key(key: str) -> bool:
    """Whether a row may say this."""
    return key in KEYS or _step_of(key) is not None


def is_target(key: str) -> bool:
    """Whether it says what a step rings."""
    step = _step_of(key)
    return step is not None and step[1] == "to"


def targets(written: Written) -> list[Written]:
    """What stands there, of a step that rings several at the same time each."""
    if not isinstance(written.content, str) or "&" not in written.content:
        return [written]
    found = list(_parts(_ONE_TOGETHER, written))
    return found if len(found) > 1 else [written]


def order(key: str) -> tuple[int, int, int]:
    """Where a column stands in a table that is written."""
    if step := _step_of(key):
        return len(KEYS), step[0], _STEP.index(step[1])
    return KEYS.index(key), 0, 0


def unknown(key: str, kind: str = "column") -> str:
    """What is wrong with a key that is none."""
    return f"there is no {kind} {key!r}; {suggest(_as_ours(key), KEYS)}"


def one_or_many(key: str, text: str, place: Place, row: Rows | None) -> Written:
    """A cell of a row as the value of its key; each value of a list knows its own column."""
    one = leaf(text, place, row)
    if key in LISTS:
        one.content = list(_parts(_ONE_OF_LIST, one))
    return one


def tree(row: Mapping[str, Written], start: Written, problems: Problems) -> Written | None:
    """A row as a file of its own, with one subscriber; None after it was noted that it does not
    say whose or which number it is. ``start`` is where the row begins.
    """
    for key, example in (("subscriber", "jana"), ("number", "42027777100")):
        if key not in row:
            Spot(start, problems).error(f"{key} is missing; write one, such as  {example}")
            return None
        if not isinstance(row[key].content, str):
            Spot(row[key], problems).error(_ONE_TEXT)
            return None
    number = row["number"]
    kind = "extensions" if dialplan.is_extension(number.content) else "numbers"
    content = {key: row[key] for key in ("group", "permissions") if key in row}
    if lines := _lines(row, problems):
        content["lines"] = lines
    content[kind] = _node({number.content: _number(row, problems)}, number)
    subscriber = row["subscriber"]
    parts = {key: replace(row[key], source="")  # there is no text that could be kept
             for key in ("organisation", "time_zone") if key in row}
    parts["subscribers"] = _node({subscriber.content: _node(content, subscriber)}, subscriber)
    return _node(parts, start)


class _Made(Written):
    """A number of a row: its text is what a person could have written in YAML."""

    @property
    def text(self) -> str:
        name = self.source
        return "\n".join(yaml_text.block({name: self.plain()})) + "\n"


def _number(row: Mapping[str, Written], problems: Problems) -> Written:
    number = row["number"]
    content = {key: row[key] for key in _NUMBER if key in row and key != "time_zone"}
    if steps := list(_steps(row)):
        first = steps[0]
        name = row["sequence"].content if "sequence" in row else SEQUENCE
        if "sequences" in row:
            Spot(first, problems).error(
                "the steps stand in sequences here; write all of them there, or none")
        if not isinstance(name, str):
            Spot(row["sequence"], problems).error(_ONE_TEXT)
            name = SEQUENCE
        content["sequences"] = _node({name: _node(steps, first)}, first)
        if not content.keys() & {"default", "schedule"}:
            content["default"] = leaf(name, first.value, first.file)
    made = _node(content, number)
    return _Made(made.content, made.value, made.key, number.content, made.span, made.file)


def _steps(row: Mapping[str, Written]) -> Iterator[Written]:
    """The steps in order; a gap in their numbers is no step."""
    found: dict[int, dict[str, Written]] = {}
    for key, value in row.items():
        if at := _step_of(key):
            found.setdefault(at[0], {})[at[1]] = value
    for _, step in sorted(found.items()):
        start = next(iter(step.values()))
        together = targets(step["to"]) if "to" in step else []
        if len(together) < 2:
            yield _node(step, start)
            continue
        together = [_node({**step, "to": one}, one) for one in together]
        yield _node({"together": _node(together, start)}, start)


@lru_cache(maxsize=1024)
def _step_of(key: str) -> tuple[int, str] | None:
    """Which step a column belongs to, and the key that it has there."""
    match = _OF_STEP.fullmatch(key)
    return (int(match[2]), match[1]) if match else None


def _lines(row: Mapping[str, Written], problems: Problems) -> Written | None:
    """The line of a row, or what ``lines`` says."""
    written = {key: row[key] for key in _LINE if key in row}
    name = row.get("line")
    if LINES in row:
        for beside in filter(None, (name, *written.values())):
            Spot(beside, problems).error("the line stands in lines here; write all there, or none")
        return row[LINES]
    if name is not None and isinstance(name.content, str):
        return _node({name.content: _node(written, name)}, name)
    for one in (name, *written.values()):
        if one is not None:
            Spot(one, problems).error(
                "this belongs to a line; write its name into the column line")
            break
    return None


def _parts(pattern: re.Pattern[str], whole: Written) -> Iterator[Written]:
    text, place = whole.content, whole.value
    if pattern.fullmatch(text) and text == text.strip():
        yield leaf(text, place, whole.file)
        return
    for match in pattern.finditer(text):
        start = match.end() - len(match[0].lstrip())
        before = text.rfind("\n", 0, start)
        where = place._replace(column=place.column + start) if before < 0 else place._replace(
            line=place.line + text.count("\n", 0, start), column=start - before)
        yield leaf(match[0].strip(), where, whole.file)


def leaf(text: str, place: Place, row: Rows | None) -> Written:
    """A text that stands in a row."""
    return Written(text, place, place, text, (0, len(text), 0), row)


def _node(content: dict[str, Written] | list[Written], at: Written) -> Written:
    return Written(content, at.value, at.value, "", (0, 0, 0), at.file)
