# SPDX-License-Identifier: GPL-2.0-or-later
"""Contacts as sipXecs writes them into alias.xml (``AbstractRing.calculateContact``,
``ForkQueueValue`` and ``Ring`` of sipXconfig)::

    <sip:444@example.org;callgroup=400;sipx-noroute=Voicemail?expires=25>;q=0.95
"""

import re
from dataclasses import dataclass

from kemi_routing.errors import InvalidValue
from provisioning.problems import Place

_NAME_ADDR = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*+"|[^<"]*+)\s*<([^<>]*)>\s*(?:;(.*))?', re.DOTALL)
_ADDRESS = re.compile(r"(?:sips?:)?([^@;?]+)@([^@;?]+)", re.IGNORECASE)
_Q = re.compile(r"[01](?:\.[0-9]{1,3})?", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_UNDERSTOOD = frozenset({"sipx-noroute", "sipx-userforward", "callgroup", "transport"})
VALID_TIME = "sipx-ValidTime"


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
    odd = [*(key for key in of_uri if key not in _UNDERSTOOD), *of_header, *of_contact]
    if not _Q.fullmatch(q):
        odd.append(f"q={q}")
    if expires and not _SECONDS.fullmatch(expires):
        odd.append(f"expires={expires}")
        expires = ""
    return Contact(found[1], found[2].lower(), place, float(q) if _Q.fullmatch(q) else 1.0,
                   expires, of_uri.get("transport", ""), tuple(odd))


def _pairs(parts: list[str]) -> dict[str, str]:
    """``name=value`` of each part; names in small letters, but for that of the valid times."""
    found = {}
    for part in filter(None, (one.strip() for one in parts)):
        name, _, value = part.partition("=")
        name = name.strip()
        found[VALID_TIME if name.lower() == VALID_TIME.lower() else name.lower()] = value.strip()
    return found
