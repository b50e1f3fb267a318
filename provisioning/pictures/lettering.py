# SPDX-License-Identifier: GPL-2.0-or-later
"""Words that others wrote, made fit to be shown, and broken into lines.

A column is the width of a Latin letter; East Asian ones take two, marks on letters none.
"""

import unicodedata
from collections.abc import Iterator

COLUMNS = 80
_LEAST = 24
"""Fewer columns than that are too few behind the beginning of a line."""


def clean(text: str) -> str:
    """One line that is safe to print: no control character, and none that turns the direction of
    its neighbours.
    """
    return "".join(map(_shown, text))


def columns(text: str) -> int:
    """How wide it is."""
    return sum(map(_columns, text))


def wrapped(text: str, most: int) -> list[str]:
    """Its lines, at most so wide, at least one; a longer word is broken."""
    lines = [""]
    for word in clean(text).split():
        for part in _broken(word, most):
            longer = f"{lines[-1]} {part}".lstrip()
            if columns(longer) <= most:
                lines[-1] = longer
            else:
                lines.append(part)
    return lines


def hanging(beginning: str, text: str) -> list[str]:
    """The lines of a text after a beginning: each further one is indented as far as the text."""
    indent = columns(clean(beginning))
    if indent > COLUMNS - _LEAST:
        return wrapped(f"{beginning} {text}", COLUMNS)
    first, *further = wrapped(text, COLUMNS - indent)
    return [f"{clean(beginning)}{first}".rstrip(), *(" " * indent + line for line in further)]


def _shown(one: str) -> str:
    if one.isprintable():
        return one
    category = unicodedata.category(one)
    return " " if one.isspace() else "" if category == "Cf" else "?"


def _columns(one: str) -> int:
    if unicodedata.category(one) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1


def _broken(word: str, most: int) -> Iterator[str]:
    part = ""
    for one in word:
        if part and columns(part + one) > most:
            yield part
            part = ""
        part += one
    yield part
