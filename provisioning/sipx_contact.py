# SPDX-License-Identifier: GPL-2.0-or-later
"""Contacts as sipXecs writes them into alias.xml (``AbstractRing.calculateContact``,
``ForkQueueValue`` and ``Ring`` of sipXconfig)::

    <sip:444@example.org;callgroup=400;sipx-noroute=Voicemail?expires=25>;q=0.95
"""

import re
from dataclasses import dataclass

from kemi_routing.errors import InvalidValue
from kemi_routing.schedule import DAYS
from provisioning.problems import Place

_NAME_ADDR = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*+"|[^<"]*+)\s*<([^<>]*)>\s*(?:;(.*))?', re.DOTALL)
_ADDRESS = re.compile(r"(?:sips?:)?([^@;?]+)@([^@;?]+)", re.IGNORECASE)
_Q = re.compile(r"[01](?:\.[0-9]{1,3})?", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_MINUTES = re.compile(r"[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*", re.ASCII | re.IGNORECASE)
_UNDERSTOOD = frozenset({"sipx-noroute", "sipx-userforward", "callgroup", "transport"})
_VALID_TIME = "sipx-validtime"


@dataclass(frozen=True, slots=True)
class Contact:
    """Where an identity leads."""

    user: str
    host: str
    place: Place
    q: float = 1.0
    """1.0 rings at once, with the user's own phones; less comes later, equal ones together."""
    ring_s: str = ""
    transport: str = ""
    only: str = ""
    """The times of the week at which it holds, in UTC; empty where it always does."""
    odd: tuple[str, ...] = ()
    """Parameters that have no meaning here."""


def parse(text: str, place: Place) -> Contact:
    """The contact that is written; raises InvalidValue."""
    match = _NAME_ADDR.fullmatch(text)
    uri, outside = (match[1], match[2] or "") if match else (text.strip(), "")
    address, _, headers = uri.partition("?")
    address, *parameters = address.split(";")
    found = _ADDRESS.fullmatch(address.strip())
    if found is None:
        raise InvalidValue(f"{text.strip()!r} is no contact of the form  <sip:user@domain>;q=0.9")
    of_uri, of_header, of_contact = map(_pairs, (parameters, headers.split("&"),
                                                 outside.split(";")))
    q, expires = of_contact.pop("q", "1"), of_header.pop("expires", "")
    only = _times(of_contact.pop(_VALID_TIME, ""))
    odd = [*(key for key in of_uri if key not in _UNDERSTOOD), *of_header, *of_contact]
    if not _Q.fullmatch(q):
        odd.append(f"q={q}")
    if expires and not _SECONDS.fullmatch(expires):
        odd.append(f"expires={expires}")
        expires = ""
    return Contact(found[1], found[2].lower(), place, float(q) if _Q.fullmatch(q) else 1.0,
                   expires, of_uri.get("transport", ""), only, tuple(odd))


def _times(text: str) -> str:
    """``"5a0:5dc"``, minutes from Sunday 00:00 in hexadecimal, as days and times."""
    written = text.strip('"')
    minutes = [int(one, 16) for one in written.split(":")] if _MINUTES.fullmatch(written) else []
    spans = [f"{_moment(start)}-{_moment(end)}"
             for start, end in zip(minutes[::2], minutes[1::2], strict=False)]
    return ", ".join(spans) or text


def _moment(minute: int) -> str:
    days, minute = divmod(minute, 24 * 60)
    return f"{DAYS[(days + 6) % 7]} {minute // 60:02}:{minute % 60:02}"


def _pairs(parts: list[str]) -> dict[str, str]:
    """``name=value`` of each part, names in small letters."""
    found = {}
    for part in filter(None, (one.strip() for one in parts)):
        name, _, value = part.partition("=")
        found[name.strip().lower()] = value.strip()
    return found
