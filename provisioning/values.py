# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts of a file that the core has no parser for. Each raises InvalidValue with the right form."""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers

from kemi_routing.errors import InvalidValue
from kemi_routing.model import Mode
from kemi_routing.sequence import MAX_PHONES_AT_ONCE, check_ring_time
from provisioning.problems import suggest

PERMISSIONS = ("voicemail", "forward_external")
SHORT_PASSWORD = 8
MAX_TEXT = 64

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


def name(text: str) -> str:
    """The name of an organisation, a subscriber or a line."""
    if _NAME.fullmatch(text):
        return text
    raise InvalidValue(f"{text!r} is not a name; write letters, digits, dot, dash or underscore, "
                       f"at most {MAX_TEXT}: jana-desk")


def words(text: str) -> str:
    """A label, or the name of a sequence."""
    if text.isprintable() and 1 <= len(text) <= MAX_TEXT:
        return text
    raise InvalidValue(f"write 1 to {MAX_TEXT} printable characters, not {text[:MAX_TEXT]!r}")


def ring_time(text: str) -> int:
    """A ring time; the bounds are the core's."""
    count = _whole(text, "seconds", 20)
    check_ring_time(count)
    return count


def max_phones(text: str) -> int:
    """How many phones a line may register."""
    count = _whole(text, "phones", 3)
    if 1 <= count <= MAX_PHONES_AT_ONCE:
        return count
    raise InvalidValue(f"a line has 1 to {MAX_PHONES_AT_ONCE} phones, not {count}")


def mode(text: str) -> Mode:
    """An answering mode."""
    return Mode(_one_of("mode", Mode)(text))


def permission(text: str) -> str:
    """A permission."""
    return _one_of("permission", PERMISSIONS)(text)


def time_zone(text: str) -> ZoneInfo:
    """An IANA time zone."""
    if text in _zones():
        return ZoneInfo(text)
    # All 600 would hide the message: the nearest, or how one looks.
    near = suggest(text, _zones()).partition("known are")[0].strip()
    raise InvalidValue(f"there is no time zone {text!r}; "
                       f"{near or 'write one like Europe/Prague (IANA names)'}")


def password(text: str) -> str:
    """A line's password; the message does not show it."""
    if text.isprintable() and 1 <= len(text) <= MAX_TEXT:
        return text
    raise InvalidValue(f"a password has 1 to {MAX_TEXT} printable characters; "
                       "put it in quotes")


def ha1(line: str, realm: str, secret: str) -> str:
    """Digest secret of a line: MD5 of ``name:realm:password`` (RFC 2617 section 3.2.2.2)."""
    text = f"{line}:{realm}:{secret}".encode(errors="replace")  # what is refused may come here too
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def hint(digits: str) -> str | None:
    """What ``phonenumbers`` finds odd about a number, None where nothing. Never an error: real
    numbering plans have numbers that it does not know (SPEC N1).
    """
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return f"{digits} starts with no known country code"
    odd = _ODD.get(phonenumbers.is_possible_number_with_reason(number))
    return odd and f"{digits} looks {odd} for a number of country code {number.country_code}"


_ODD = {
    phonenumbers.ValidationResult.TOO_SHORT: "too short",
    phonenumbers.ValidationResult.TOO_LONG: "too long",
    phonenumbers.ValidationResult.INVALID_LENGTH: "wrong in length",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "unknown",
}


def _whole(text: str, of_what: str, example: int) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    raise InvalidValue(f"{text!r} is not a whole number of {of_what}; write {example}")


def _one_of(what: str, known: "tuple[str, ...] | type[Mode]") -> Callable[[str], str]:
    def read(text: str) -> str:
        if text in list(known):
            return text
        raise InvalidValue(f"there is no {what} {text!r}; {suggest(text, known)}")
    return read


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
