# SPDX-License-Identifier: GPL-2.0-or-later
"""The values of a record: each reader takes what MessagePack gave and returns it checked, or
raises InvalidValue.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from kemi_routing import e164, limits, targets
from kemi_routing.errors import BrokenRecord, InvalidValue

T = TypeVar("T")

_LAST_DAY = date(3000, 1, 1)
_LAST_SECOND = 32_503_680_000
"""The same in seconds: everything that counts time can take it."""
_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA_256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DIGITS = re.compile("[0-9]{0,15}", re.ASCII)


class Fields:
    """Takes the fields of a record in order and names the one that is wrong."""

    def __init__(self, values: list[Any], count: int) -> None:
        if len(values) != count:
            raise BrokenRecord(f"{len(values)} fields instead of {count}")
        self._values = iter(values)

    def take(self, name: str, read: Callable[[Any], T]) -> T:
        """The next field; raises BrokenRecord."""
        value = next(self._values)
        try:
            return read(value)
        except (ValueError, TypeError, LookupError, OverflowError, OSError) as error:
            raise BrokenRecord(f"{name}: {error}") from None


def read_text(value: object) -> str:
    """A printable text."""
    if not isinstance(value, str) or not value.isprintable():
        raise InvalidValue(f"{value!r} is not a printable text")
    return value


def read_integer(value: object) -> int:
    """A whole number, not negative."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidValue(f"{value!r} is not a whole number")
    return value


def _text_that(accepts: Callable[[str], bool], value: object, fault: str) -> str:
    text = read_text(value)
    if not accepts(text):
        raise InvalidValue(f"{text!r} {fault}")
    return text


def read_digits(value: object) -> str:
    """Up to 15 digits, or an empty text."""
    return _text_that(lambda text: _DIGITS.fullmatch(text) is not None, value, "is not digits")


def read_flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{value!r} is not true or false")
    return value


def read_number(value: object) -> str:
    """A telephone number in stored form."""
    return _text_that(e164.is_number, value, "is not a number")


def read_key(value: object) -> str:
    """What names a number of the platform."""
    return _text_that(targets.is_number_key, value,
                      "is neither a number nor organisation/extension")


def read_line_name(value: object) -> str:
    """The name of a line."""
    return _text_that(targets.is_name, value, "is not the name of a line")


def read_ha1(value: object) -> str:
    """A digest secret."""
    ha1 = read_text(value)
    if not _MD5.fullmatch(ha1):  # Kamailio copies it into a buffer of fixed size
        raise InvalidValue("not the hexadecimal MD5 of an account")
    return ha1


def read_ha1_sha256(value: object) -> str:
    """The same by SHA-256, or an empty text."""
    ha1 = read_text(value)
    if ha1 and not _SHA_256.fullmatch(ha1):
        raise InvalidValue("not the hexadecimal SHA-256 of an account")
    return ha1


def read_phones(value: object) -> int:
    """How many phones a line may register."""
    phones = read_integer(value)
    if not 1 <= phones <= limits.MAX_PHONES_AT_ONCE:  # 0 is "any number" to the registrar
        raise InvalidValue(f"{phones} phones; 1 to {limits.MAX_PHONES_AT_ONCE} are possible")
    return phones


def read_each(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """Reads an array of what ``read`` reads."""
    def read_all(values: Any) -> tuple[T, ...]:
        if not isinstance(values, list):
            raise InvalidValue(f"{values!r} is not an array")
        return tuple(read(value) for value in values)
    return read_all


def read_second(value: object) -> int:
    """Seconds since the epoch, not beyond the year 3000."""
    second = read_integer(value)
    if second > _LAST_SECOND:
        raise InvalidValue(f"{second} is no second of this age")
    return second


def read_day(value: object) -> date:
    """A day by its proleptic Gregorian ordinal, not beyond the year 3000."""
    day = date.fromordinal(read_integer(value))
    if day > _LAST_DAY:
        raise InvalidValue(f"{day} is no day of this age")
    return day
