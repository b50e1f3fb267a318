# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts of a file that the core has no parser for. Each raises InvalidValue with the right form."""

import hashlib
import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers

from kemi_routing import dialplan, e164, targets
from kemi_routing.errors import InvalidValue
from kemi_routing.limits import MAX_PHONES_AT_ONCE, check_delay, check_ring_time
from kemi_routing.model import MailboxPolicy, Mode, Outcome
from kemi_routing.permissions import INTERNATIONAL, PREMIUM
from kemi_routing.trunks import Asserts
from provisioning.problems import suggest

NATIONAL = "national"
PERMISSIONS = ("voicemail", "forward_external", "outgoing")
CLASSES = (PREMIUM, INTERNATIONAL, NATIONAL)
"""Classes of outside numbers; the country of the dial plan says what is national."""
SHORT_PASSWORD = 8
MAX_TEXT = 64
RUNS_OUT_DAYS = 60
"""A calendar whose last day is nearer is worth a warning."""
_TELLING = 8

YES, NO = "yes", "no"
_MEANT = {"true": YES, "on": YES, "1": YES, "yes": YES, "false": NO, "off": NO, "0": NO, "no": NO}
_DATE = re.compile(r"(2[01][0-9]{2})-([0-9]{2})-([0-9]{2})", re.ASCII)
_DATE_MEANT = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\. ?(2[01][0-9]{2})", re.ASCII)
_SECONDS_MEANT = re.compile(r"([0-9]{1,9})(?:\.[0-9]*)? *(?:s|sec|seconds)?", re.ASCII)


def name(text: str) -> str:
    """The name of an organisation, a subscriber or a line."""
    if targets.is_name(text):
        return text
    right = re.sub("[^A-Za-z0-9_.-]+", "-", text).strip("._-")[:MAX_TEXT]
    raise InvalidValue(f"{text!r} is not a name; write letters, digits, dot, dash or underscore, "
                       f"at most {MAX_TEXT}: {right or 'jana-desk'}")


def number_key(text: str) -> str:
    """The key of a number: it may be written in any form, an extension as ``acme/201``."""
    if dialplan.is_extension(text):
        raise InvalidValue(f"{text} is an extension; write it with its organisation: acme/{text}")
    return text if targets.is_number_key(text) else e164.normalise(text)


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


def delay(text: str) -> int:
    """A start delay; the bounds are the core's."""
    count = _whole(text, "seconds", 5)
    check_delay(count)
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


def outcome(text: str) -> Outcome:
    """Why a target ended without an answer."""
    return Outcome(_one_of("outcome", Outcome)(text))


def mailbox(text: str) -> MailboxPolicy:
    """Which callers open the mailbox without PIN."""
    return MailboxPolicy(_one_of("mailbox policy", MailboxPolicy)(text))


def yes(text: str) -> bool:
    """``yes`` or ``no``."""
    if text not in (YES, NO) and text.lower() in _MEANT:
        raise InvalidValue(f"there is no choice {text!r}; write {_MEANT[text.lower()]}")
    return _one_of("choice", (YES, NO))(text) == YES


def redirects(text: str) -> bool:
    """Whether a 302 from a phone is followed (SPEC F10)."""
    return _one_of("choice", ("follow", "ignore"))(text) == "follow"


def cap(text: str) -> int:
    """The most calls of a number, at the same time or in an hour."""
    count = _whole(text, "calls", 2)
    if count < 1:
        raise InvalidValue("a cap is 1 call or more; to forbid calls leave out the permission "
                           "forward_external")
    return count


def up_to(most: int, of_what: str) -> Callable[[str], int]:
    """Reads a count from 1 to ``most``."""
    def read(text: str) -> int:
        count = _whole(text, of_what, 10)
        if not 1 <= count <= most:
            raise InvalidValue(f"write 1 to {most} {of_what}, not {count}")
        return count
    return read


def asserts(text: str) -> Asserts:
    """The header in which a trunk asserts the ANI."""
    return Asserts(_one_of("header that a trunk asserts by", Asserts)(text))


def prefix(text: str) -> str:
    """What the numbers of a class start with."""
    if text.isascii() and text.isdecimal() and len(text) <= 15 and text[0] != "0":
        return text
    right = e164.without_separators(text).lstrip("+0")
    fits = right.isascii() and right.isdecimal() and len(right) <= 15
    raise InvalidValue(f"{text!r} is not the start of a number; write digits, the country code "
                       f"first: {right if fits else 420900}")


def digits_count(text: str) -> int:
    """The length of a number."""
    return _whole(text, "digits", 7)


def permission(text: str) -> str:
    """A permission."""
    return _one_of("permission", PERMISSIONS)(text)


def number_class(text: str) -> str:
    """A class of outside numbers that every organisation has."""
    return _one_of("class", CLASSES)(text)


def time_zone(text: str) -> ZoneInfo:
    """An IANA time zone."""
    if text in _zones():
        return ZoneInfo(text)
    # All 600 would hide the message; and who writes CEST means no other short name.
    near = get_close_matches(text, [name for name in _zones() if "/" in name], n=1)
    right = f"did you mean {near[0]}?" if near else "write one like Europe/Prague (IANA names)"
    raise InvalidValue(f"there is no time zone {text!r}; {right}")


def day(text: str) -> date:
    """A date of our century or the next."""
    match = _DATE.fullmatch(text)
    if match is None:
        meant = _DATE_MEANT.fullmatch(text)
        right = "{2}-{1:0>2}-{0:0>2}".format(*meant.groups()) if meant else "2026-12-24"
        raise InvalidValue(f"{text!r} is not a date; write year, month and day: {right}")
    year, month, number = map(int, match.groups())
    if not 1 <= month <= 12:
        raise InvalidValue(f"{text} does not exist: a year has the months 01 to 12")
    if not 1 <= number <= (most := monthrange(year, month)[1]):
        raise InvalidValue(f"{text} does not exist: that month has the days 01 to {most}")
    return date(year, month, number)


def password(text: str) -> str:
    """A line's password; the message does not show it."""
    if text.isprintable() and 1 <= len(text) <= MAX_TEXT:
        return text
    raise InvalidValue(f"a password has 1 to {MAX_TEXT} printable characters; "
                       "put it in quotes")


def digests(texts: Sequence[str]) -> None:
    """Refuses what cannot be the two digests of a password."""
    lengths = [len(text) for text in texts if re.fullmatch("[0-9a-f]+", text)]
    if lengths not in ([32], [32, 64]) or len(texts) != len(lengths):
        raise InvalidValue("ha1 is two digests: MD5 with 32 and SHA-256 with 64 of the characters "
                           "0-9a-f; or write the password:  password: \"...\"")


def ha1(line: str, realm: str, secret: str) -> tuple[str, str]:
    """Digest secrets of a line: MD5 and SHA-256 of ``name:realm:password`` (RFC 7616, 3.4.2)."""
    text = f"{line}:{realm}:{secret}".encode(errors="replace")  # what is refused may come here too
    return (hashlib.md5(text, usedforsecurity=False).hexdigest(),
            hashlib.sha256(text).hexdigest())


def hint(digits: str) -> str | None:
    """What ``phonenumbers`` finds odd about a number, None where nothing. Never an error: real
    numbering plans have numbers that it does not know (SPEC N1).
    """
    odd = _odd(_alike(digits))
    return odd and f"{digits} {odd}"


def may_be_mobile(digits: str) -> bool:
    """Whether ``phonenumbers`` takes it for a mobile, or would if it had a digit or two more."""
    return _may_be_mobile(_alike(digits))


def _alike(digits: str) -> str:
    """The number of which ``phonenumbers`` says the same: no plan tells by later digits."""
    return digits[:_TELLING].ljust(len(digits), "0")


@lru_cache(maxsize=1 << 16)
def _odd(digits: str) -> str | None:
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return "starts with no known country code"
    odd = _ODD.get(phonenumbers.is_possible_number_with_reason(number))
    return odd and f"looks {odd} for a number of country code {number.country_code}"


@lru_cache(maxsize=1 << 16)
def _may_be_mobile(digits: str) -> bool:
    return any(_type(digits + more) in _MOBILE for more in ("", "0", "00"))


def _type(digits: str) -> int | None:
    try:
        return phonenumbers.number_type(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return None


_MOBILE = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)

_ODD = {
    phonenumbers.ValidationResult.TOO_SHORT: "too short",
    phonenumbers.ValidationResult.TOO_LONG: "too long",
    phonenumbers.ValidationResult.INVALID_LENGTH: "wrong in length",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "unknown",
}


def _whole(text: str, of_what: str, example: int) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    meant = _SECONDS_MEANT.fullmatch(text)
    raise InvalidValue(f"{text!r} is not a whole number of {of_what}; "
                       f"write {meant[1] if meant else example}")


def _one_of(what: str, known: tuple[str, ...] | type[StrEnum]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text in list(known):
            return text
        raise InvalidValue(f"there is no {what} {text!r}; {suggest(text, known)}")
    return read


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
