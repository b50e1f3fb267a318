# SPDX-License-Identifier: GPL-2.0-or-later
"""How an organisation dials (SPEC P3): short forms, and the full number that each stands for.

Without ``+`` the first of these readings that fits is the one: an emergency number, one of the
organisation's extensions, international prefix or trunk prefix (the longer one first), local
number by its length, country code first.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from kemi_routing import e164
from kemi_routing.errors import InvalidValue

_SHORT = re.compile(r"[0-9]{2,6}", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_COUNTRY = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_CODE = re.compile(r"[0-9]{1,5}", re.ASCII)
_KEEPS_ZERO = frozenset({"39", "225", "229", "241", "242", "378", "379"})
"""Countries whose numbers start with a 0 that stays behind the country code (Italy)."""


@dataclass(frozen=True, slots=True)
class DialPlan:
    """Digits only; an empty text or 0 says that the organisation has no such form."""

    country: str = ""
    """Country code: ``420``."""
    area: str = ""
    """Area code that a local number gets in front, without trunk prefix."""
    trunk_prefix: str = ""
    """What a national number starts with: ``0``."""
    international_prefix: str = ""
    """What an international number starts with: ``00``."""
    local_digits: int = 0
    """Length of a local number: ``7``; without ``area`` that of a whole national number: ``9``."""
    emergency: tuple[str, ...] = ()
    """Numbers that are never a target, screened, capped or charged (SPEC P2)."""


NO_PLAN = DialPlan()


def is_extension(text: str) -> bool:
    """True for what an extension can look like: 2 to 6 digits."""
    return _SHORT.fullmatch(text) is not None


def is_emergency(plan: DialPlan, text: str) -> bool:
    """True where this is an emergency number, whole and with nothing in front."""
    return e164.without_separators(text) in plan.emergency


def read(plan: DialPlan, text: str, extensions: Collection[str] = ()) -> str:
    """The full form of what a person writes: an E.164 number, or one of the ``extensions``.

    Raises InvalidValue that names the right form; also for an emergency number (SPEC P2).
    """
    digits = e164.without_separators(text)
    if digits in plan.emergency:
        raise InvalidValue(f"{digits} is an emergency number; it can never be a forwarding target; "
                           "leave it out")
    if digits in extensions:
        return digits
    if digits != text:
        e164.refuse_rounded(text)
        if text.strip().find("(0)") > 0:  # a trunk prefix that is not to be dialled
            return e164.normalise(text)
    if not _DIGITS.fullmatch(digits):
        return e164.normalise(text)
    number = without_prefix(plan, digits) or _read_local(plan, digits)
    if number:
        return _whole(text, number)
    if digits == text and e164.is_number(text):
        return text
    if is_extension(digits) and not digits.startswith("0"):
        raise InvalidValue(f"{text} is no extension of the organisation; write one of its "
                           "extensions, or a number with its country code: 49115234567")
    return e164.normalise(text)


def without_prefix(plan: DialPlan, digits: str) -> str | None:
    """Digits that start with the international or trunk prefix, the country code first instead:
    ``0777`` is ``420777``; None where they do not. They may be the start of a number only.
    """
    national, abroad = (plan.trunk_prefix, plan.country), (plan.international_prefix, "")
    longer_first = len(plan.international_prefix) > len(plan.trunk_prefix)
    for prefix, country in (abroad, national) if longer_first else (national, abroad):
        rest = digits.removeprefix(prefix)
        # No national number has a 0 behind the trunk prefix: 00... is not trunk prefix 0.
        if prefix and rest != digits and not (country and rest.startswith("0")):
            return country + rest
    return None


def from_dialled(plan: DialPlan, user: str, extensions: Collection[str] = ()) -> str | None:
    """What the user part of a URI that a line dials stands for, as ``read`` has it; None where it
    is no number. Ask ``is_emergency`` first: an emergency number is None too.
    """
    try:
        return read(plan, user.partition(";")[0], extensions)
    except InvalidValue:
        return None


def readings(plan: DialPlan, organisation: str, dialled: str) -> tuple[str, ...]:
    """Keys of the numbers that the user part of a URI that a line dials can stand for: an
    extension, then a number. The first that there is counts; an extension that nobody has does not.
    """
    user = dialled.partition(";")[0]
    digits = e164.without_separators(user)
    extension = (f"{organisation}/{digits}",) if is_extension(digits) else ()
    number = from_dialled(plan, user)
    return (*extension, *([number] if number else []))


def is_tel(uri: str, domain: str) -> bool:
    """Whether a Request-URI is a ``tel:`` URI whose number means the same here (RFC 3966 section
    5.1.5): a global one, or a local one in the context of this domain, or of none.
    """
    scheme, _, rest = uri.lower().partition(":")
    number, *parameters = rest.split(";")
    contexts = [one.partition("=")[2] for one in parameters if one.startswith("phone-context=")]
    return scheme == "tel" and (number.startswith("+") or all(one == domain for one in contexts))


def check(plan: DialPlan, extensions: Collection[str] = ()) -> None:
    """Refuse a plan that cannot work; raises InvalidValue whose text begins with the key."""
    _check_forms(plan)
    if plan.trunk_prefix and plan.trunk_prefix == plan.international_prefix:
        raise InvalidValue(f"trunk_prefix and international_prefix are both {plan.trunk_prefix}; "
                           "they must differ: 0 and 00")
    if not plan.country and (plan.trunk_prefix or plan.local_digits):
        raise InvalidValue("trunk_prefix and local_digits need country, the country code: 420")
    if plan.country in _KEEPS_ZERO and plan.trunk_prefix.startswith("0"):
        raise InvalidValue(f"trunk_prefix {plan.trunk_prefix} is not possible: numbers of country "
                           f"{plan.country} keep their 0; leave it out and write local_digits: 10")
    _check_local(plan)
    _check_emergency(plan, extensions)


def _read_local(plan: DialPlan, digits: str) -> str | None:
    zeros = len(digits) - len(digits.lstrip("0"))
    if len(digits) != plan.local_digits or zeros > (plan.country in _KEEPS_ZERO):
        return None
    return plan.country + plan.area + digits


def _whole(text: str, number: str) -> str:
    if e164.is_number(number):
        return number
    raise InvalidValue(f"{text} is read as +{number} by the dial plan, which is not a telephone "
                       "number; write + and the country code first: +49115234567")


def _check_forms(plan: DialPlan) -> None:
    forms = (
        ("country", plan.country, _COUNTRY, "1 to 3 digits: 420"),
        ("area", plan.area, _CODE, "1 to 5 digits: 89"),
        ("trunk_prefix", plan.trunk_prefix, _CODE, "1 to 5 digits: 0"),
        ("international_prefix", plan.international_prefix, _CODE, "1 to 5 digits: 00"),
        *(("emergency", number, _SHORT, "2 to 6 digits each: 112") for number in plan.emergency),
    )
    for key, text, form, right in forms:
        if not form.fullmatch(text) and (text or key == "emergency"):
            raise InvalidValue(f"{key} {text!r} is not possible; write {right}")


def _check_local(plan: DialPlan) -> None:
    if plan.trunk_prefix.startswith("0") and plan.area.startswith("0"):
        raise InvalidValue(f"area {plan.area} starts with the trunk prefix; "
                           f"write {plan.area.lstrip('0') or 89}")
    if plan.area and not plan.local_digits:
        raise InvalidValue("area needs local_digits, the length of a local number: 7")
    if not plan.local_digits:
        return
    before = plan.country + plan.area
    fewest, most = max(7 - len(before), 3), 15 - len(before)
    if not fewest <= plan.local_digits <= most:
        raise InvalidValue(f"local_digits {plan.local_digits} is not possible; "
                           f"behind {before} stand {fewest} to {most} digits")


def _check_emergency(plan: DialPlan, extensions: Collection[str]) -> None:
    for number in plan.emergency:
        if number in extensions:
            raise InvalidValue(f"emergency {number} is an extension of the organisation; "
                               "give the extension another number")
