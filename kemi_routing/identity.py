# SPDX-License-Identifier: GPL-2.0-or-later
"""Who calls, read from SIP header texts (SPEC V2, V3). Never raises: hostile text is no identity."""

import re

from kemi_routing import e164

_URI_USER = re.compile(r"(?:sips?|tel):([^@;>,\s]{1,64})", re.IGNORECASE)
_ANONYMOUS_HOST = "anonymous.invalid"
_PRIVATE = frozenset({"id", "user", "header", "session", "critical"})


def number_of(header: str | None) -> str | None:
    """The number in the first ``sip:`` or ``tel:`` URI with one (RFC 3325 section 9.1)."""
    for match in _URI_USER.finditer(header or ""):
        if number := e164.from_sip_user(match[1]):
            return number
    return None


def is_anonymous(from_header: str, privacy: str | None) -> bool:
    """Whether the caller asks for privacy or shows none (RFC 3323 sections 4.1 and 4.2)."""
    asked = {word.strip().lower() for word in re.split("[;,]", privacy or "")}
    lowered = from_header.lower()
    return bool(asked & _PRIVATE) or _ANONYMOUS_HOST in lowered or "sip:anonymous@" in lowered


def is_diverted(diversion: str | None, history_info: str | None) -> bool:
    """Whether the call was forwarded before it came here (RFC 5806, RFC 7044 section 5).

    An entry of History-Info retargets where it has a cause (RFC 4458 or escaped Reason), an
    ``mp`` or ``rc`` parameter, or where there is a second entry.
    """
    history = (history_info or "").lower()
    return bool(diversion) or history.count("index=") > 1 or any(
        mark in history for mark in ("cause=", "cause%3d", ";mp=", ";rc="))
