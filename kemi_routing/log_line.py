# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines for the log: ``verb key=value``, one line each whatever a caller wrote.

Masked, telephone numbers keep their last digits only; a Call-ID is never masked, since all lines
of a call are found by it.
"""

import re
from collections.abc import Mapping

MAX_WORD, MAX_OURS = 200, 2000
"""Characters of one value, whatever a caller writes; of one that no caller chooses."""
CALL_ID = "callid"
KEPT_DIGITS = 3

_OURS = frozenset({"at", "cycle", "traceback", "tried"})
_NUMBERS = frozenset({"number", "ani", "user", "cycle"})
"""Keys whose value is a number, or several, in whatever form a caller wrote it."""
_USER = re.compile("((?:sips?|tel):)([^@;>]*)", re.IGNORECASE)
_RUN = re.compile(r"\d{6,}")
"""Shorter runs are times, ports, parts of addresses and extensions."""
_PART = re.compile(r"[^>/,]+")
_DIGIT = re.compile(r"\d")


def line(verb: str, values: Mapping[str, object], *, masked: bool = False) -> str:
    """``verb key=value …`` and a line feed; values cannot break it up."""
    words = (f"{key}={_word(_cut(key, _masked(key, str(value)) if masked else str(value)))}"
             for key, value in values.items())
    return f"{verb} {' '.join(words)}\n"


def _cut(key: str, text: str) -> str:
    return text[:MAX_OURS if key in _OURS else MAX_WORD]


def _word(text: str) -> str:
    return text if text and text.isprintable() and " " not in text else ascii(text)


def _masked(key: str, text: str) -> str:
    if key == CALL_ID:
        return text
    if key in _NUMBERS:
        return _PART.sub(lambda part: _stars(part[0]), text)
    text = _USER.sub(lambda found: found[1] + _stars(found[2]), text)
    return _RUN.sub(lambda run: _stars(run[0]), text)


def _stars(number: str) -> str:
    """All digits but the last ones become ``*``; in an extension, too short for that, all but the
    last one.
    """
    digits = len(_DIGIT.findall(number))
    hidden = digits - KEPT_DIGITS if digits > 2 * KEPT_DIGITS else max(digits - 1, 0)
    return _DIGIT.sub("*", number, count=hidden) if hidden else number
