# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a phone says that it is reached: the Contact of a REGISTER (RFC 3261 section 10.2.1).

What is not understood is refused, so Kamailio's parser cannot find another address in it.
"""

import re

MAX_LENGTH = 2048

_DISPLAY = r'(?:"[^"\\<>]*"|[\w.-]+(?: [\w.-]+)*)?'
_URI = r"sip:(?:[^\s\"<>,;@?]*@)?(?P<host>[0-9.]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
_URI_PARAMETERS = r"(?:;(?!maddr\b)[^\s\"<>,;@?]*)*"
_PARAMETER = r'\s*;\s*(?!received\b)[\w.+-]+(?:=(?:"[^"\\]*"|[^\s",;<>]*))?'
_CONTACT = re.compile(
    rf"\s*(?:{_DISPLAY}\s*<{_URI}{_URI_PARAMETERS}>|{_URI.replace('host', 'bare')})"
    rf"(?:{_PARAMETER})*\s*(?:,|$)", re.IGNORECASE | re.ASCII)


def all_at(address: str, contacts: str) -> bool:
    """Whether each of the contacts in a header text is a ``sip:`` URI at this IP address."""
    if len(contacts) > MAX_LENGTH:
        return False
    end = 0
    while end < len(contacts):
        found = _CONTACT.match(contacts, end)
        if found is None or address != (found["host"] or found["bare"]).strip("[]").lower():
            return False
        end = found.end()
    return True
