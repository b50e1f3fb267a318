# SPDX-License-Identifier: GPL-2.0-or-later
"""How a trunk or a gateway writes telephone numbers; here they are digits, country code first.

=====================  ==============  ==============  =======================
Written                49301234567 is  35621345678 is  read as well
=====================  ==============  ==============  =======================
``e164``               49301234567     35621345678     ``+49301234567``
``plus``               +49301234567    +35621345678    ``49301234567``
``00``                 0049301234567   0035621345678   ``+49301234567``
``national 49 0``      0301234567      0035621345678   ``0049…``, ``+49…``
``national 356``       0049301234567   21345678        ``00356…``, ``+356…``
=====================  ==============  ==============  =======================
"""

import re
from dataclasses import dataclass

from kemi_routing import e164
from kemi_routing.errors import InvalidValue

_NATIONAL = "national"
_ABROAD = "00"
_INTERNATIONAL = {"e164": "", "plus": "+", _ABROAD: _ABROAD}
_PREFIX = re.compile("[0-9*#]{1,16}", re.ASCII)
_FORM = re.compile(rf"{_NATIONAL} ([1-9][0-9]{{0,3}})(?: ([0-9]{{1,3}}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Format:
    """One of these forms."""

    prefix: str = ""
    """What stands before the country code."""
    country: str = ""
    """Whose numbers stand without it; empty: nobody's."""
    trunk_prefix: str = ""
    """What stands before those."""

    @property
    def text(self) -> str:
        """The written form; ``read`` of it gives this format again."""
        if self.country:
            return f"{_NATIONAL} {self.country} {self.trunk_prefix}".rstrip()
        return next(name for name, prefix in _INTERNATIONAL.items() if prefix == self.prefix)

    def number(self, user: str) -> str | None:
        """The number in the user part of a SIP or tel URI; None where it is not one."""
        if not self.country and self.prefix != _ABROAD:
            return e164.from_sip_user(user)
        written = e164.without_separators(user.partition(";")[0])
        for prefix, country in (("+", ""), (_ABROAD, ""), (self.trunk_prefix, self.country)):
            if written.startswith(prefix) and (country or prefix):
                digits = country + written.removeprefix(prefix)
                return digits if e164.is_number(digits) else None
        return None

    def write(self, number: str) -> str:
        """The user part of the URI of a number; what is no number stays as it is."""
        if not e164.is_number(number):
            return number
        if self.country and number.startswith(self.country):
            national = self.trunk_prefix + number.removeprefix(self.country)
            if not national.startswith(_ABROAD):  # it would be read as another country's
                return national
        return self.prefix + number

    def is_form_of(self, user: str, number: str) -> bool:
        """Whether a user part is a number as ``write`` writes it; of ``e164`` any form that has the
        country code first.
        """
        return user == self.write(number) or (self == E164 and self.number(user) == number)


E164 = Format()


def technical_prefix(text: str) -> str:
    """What a gateway wants before called numbers; raises InvalidValue with the right form."""
    if _PREFIX.fullmatch(text):
        return text
    raise InvalidValue(f"{text!r} is no technical prefix; write digits, * and #, 16 at most: 1234#")


def read(text: str) -> Format:
    """The format of that name; raises InvalidValue with the right form."""
    if text in _INTERNATIONAL:
        return Format(_INTERNATIONAL[text])
    if match := _FORM.fullmatch(text):
        return Format(_ABROAD, match[1], match[2] or "")
    raise InvalidValue(f"{text!r} is no form of numbers; write {', '.join(_INTERNATIONAL)}, or "
                       "national COUNTRY PREFIX: national 49 0")
