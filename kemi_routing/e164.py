# SPDX-License-Identifier: GPL-2.0-or-later
"""Telephone numbers (SPEC N1, N2): digits only, country code first, 7 to 15 of them (ITU E.164)."""

import re

from kemi_routing.errors import InvalidValue

ALIAS_SUFFIX = "@pstn"

_NUMBER = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
_SEPARATORS = str.maketrans("", "", " \u00a0-./()")
_ROUNDED = re.compile(r"\s*(?:[0-9](?:[.,][0-9]+)?[Ee]\+?[0-9]+|[0-9]{7,}[.,]0)\s*", re.ASCII)
_NANP = re.compile(r"1[2-9][0-9]{9}", re.ASCII)


def is_number(text: str) -> bool:
    """True for a number in stored form: 7 to 15 digits, the first 1-9."""
    return _NUMBER.fullmatch(text) is not None


def without_separators(text: str) -> str:
    """The text without what people put between digits (RFC 3966 section 3, space and slash)."""
    return text.translate(_SEPARATORS)


def normalise(text: str) -> str:
    """The stored form of a number as a person writes it: ``+420 277 771 00`` is ``42027777100``.

    Raises InvalidValue that names the right form.
    """
    refuse_rounded(text)
    if "(0)" in text:
        raise InvalidValue(f"{text!r}: leave out (0), which is dialled within the country only")
    digits = without_separators(text).removeprefix("+")
    _refuse_dialling_prefix(text, digits)
    if is_number(digits):
        return digits
    raise InvalidValue(f"{text!r} is not a telephone number; write {_wanted(digits)}")


def refuse_rounded(text: str) -> None:
    """Refuse what a spreadsheet makes of a long number, ``4.20278E+10`` or ``42027777100.0``: its
    digits are lost, or would be others. Raises InvalidValue.
    """
    if _ROUNDED.fullmatch(text):
        raise InvalidValue(f"{text}: a spreadsheet has made a quantity of this number; give the "
                           "column the format text and write its digits again: 49115234567")


def from_sip_user(user: str) -> str | None:
    """The number in the user part of a SIP or tel URI, or None where it is not one.

    Visual separators (RFC 3966 section 3) and user parameters are dropped.
    """
    digits = without_separators(user.partition(";")[0].removeprefix("+"))
    return digits if is_number(digits) else None


def alias(text: str) -> str:
    """The digits of an alias written ``42073723123@pstn`` (SPEC N2); raises InvalidValue."""
    number, at, domain = text.strip().partition("@")
    if at + domain != ALIAS_SUFFIX:
        raise InvalidValue(f"{text!r} is not an alias; write the number and {ALIAS_SUFFIX}: "
                           f"42073723123{ALIAS_SUFFIX}")
    return normalise(number)


def _refuse_dialling_prefix(text: str, digits: str) -> None:
    for prefix in ("011", "001", "00", "0"):
        if not digits.startswith(prefix):
            continue
        rest = digits[len(prefix):]
        if prefix == "001" and not (is_number(rest) and not _NANP.fullmatch("1" + rest)):
            continue  # 00 and then country code 1, not the prefix 001
        if prefix == "0":
            raise InvalidValue(f"{text} starts with 0; write it with its country code: "
                               f"49{rest if rest.isdigit() else '115234567'} for Germany")
        right = rest if is_number(rest) else "country code and number: 49115234567"
        raise InvalidValue(f"{text} starts with the dialling prefix {prefix}; write {right}")


def _wanted(digits: str) -> str:
    if digits.isdecimal() and digits.isascii():
        return f"7 to 15 digits, not {len(digits)}: 49115234567"
    return "digits with the country code first: 49115234567"
