# SPDX-License-Identifier: GPL-2.0-or-later
"""Who calls, read from SIP header texts (SPEC V2, V3). Hostile text is no identity, never an error.
"""

import re

from kemi_routing import e164

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETED = re.compile(r"(?:^|,)[^<>,]*<([^<>]*)>(?=\s*(?:[;,]|$))")
_URI_USER = re.compile(r"\s*(?:sips?|tel):([^@;>,\s]{1,64})", re.IGNORECASE)
_ANONYMOUS_HOST = "anonymous.invalid"
UNREADABLE = "unreadable"
"""Stands for header text that cannot be decoded: the worst is assumed of it."""

_RETARGETING = (UNREADABLE, "cause=", "cause%3d", ";mp=", ";rc=")
_PRIVATE = frozenset({"id", "user", "header", "session", "critical", UNREADABLE})


def number_of(text: str) -> str | None:
    """The number in the first ``sip:`` or ``tel:`` URI with one (RFC 3325 section 9.1).

    Display names and parameters are the caller's own words, whatever they look like.
    """
    unquoted = _QUOTED.sub("", text)
    for uri in _BRACKETED.findall(unquoted) or [unquoted]:
        user = _URI_USER.match(uri)
        if user and (number := e164.from_sip_user(user[1])):
            return number
    return None


def is_anonymous(from_uri: str, privacy: str) -> bool:
    """Whether the caller asks for privacy or shows none (RFC 3323 sections 4.1 and 4.2)."""
    asked = {word.strip().lower() for word in re.split("[;,]", privacy)}
    lowered = from_uri.lower()
    return bool(asked & _PRIVATE) or _ANONYMOUS_HOST in lowered or ":anonymous@" in lowered


def is_retargeted(history_info: str) -> bool:
    """Whether History-Info tells that the call was forwarded (RFC 7044 section 5).

    An entry retargets where it has a cause (RFC 4458 or an escaped Reason), an ``mp`` or ``rc``
    parameter, or where there is a second entry.
    """
    history = "".join(history_info.lower().split())
    return history.count("index=") > 1 or any(mark in history for mark in _RETARGETING)
