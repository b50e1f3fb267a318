# SPDX-License-Identifier: GPL-2.0-or-later
"""What tells where a call comes from, besides what Kamailio's module topoh masks: From, and the
target of a transfer.
"""

import re

from kemi_routing.addresses import canonical
from kemi_routing.caller_id import ANONYMOUS_URI

_URI = re.compile(r"sips?:(?:(?P<user>[\w.!~*'()&=+$,;?/%:#-]*)@)?"
                  r"(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)(?::[0-9]{1,5})?(?=[;?>]|$)",
                  re.IGNORECASE | re.ASCII)
_NOBODYS = "anonymous.invalid"


def from_uri(written: str, domain: str) -> str | None:
    """The URI to show instead of that of a From; None where it tells no host but the ``domain``
    (RFC 3323 section 4.1).
    """
    if written.lower().startswith("tel:"):
        return None
    found = _URI.match(written)
    if found is None:
        return ANONYMOUS_URI
    host = found["host"].lower()
    if host == domain or host.endswith(_NOBODYS):
        return None
    return f"sip:{found['user']}@{domain}" if found["user"] else f"sip:{domain}"


def names_other_host(refer_to: str, ours: frozenset[str]) -> bool:
    """Whether a Refer-To (RFC 3515) names a host besides these of ours."""
    uri = refer_to.partition("<")[2] or refer_to
    found = _URI.match(uri.strip())
    return not uri.strip().lower().startswith("tel:") and (
        found is None or canonical(found["host"]) not in ours)
