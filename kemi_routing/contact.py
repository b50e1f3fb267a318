# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a phone says that it is reached: the Contact of a REGISTER (RFC 3261 section 10.2.1), and
where it was seen.

What is not understood is refused, so Kamailio's parser cannot find another address in it.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from kemi_routing.errors import BadRequest

MAX_LENGTH = 2048
MIN_EXPIRES_S = 60
"""The shortest registration: the registrar's ``min_expires`` in kamailio.cfg."""
MOST_FLOWS = 2
"""So many flows a phone may have (RFC 5626 section 4.2 wants two)."""

_DISPLAY = r'(?:"[^"\\<>]*"|[\w.-]+(?: [\w.-]+)*)?'
_URI = (r"sip:(?:[^\s\"<>,;@?]*@)?(?P<host>[0-9a-z.-]+|\[[0-9a-f:.]+\])"
        r"(?::(?P<port>[0-9]{1,5}))?")
_BARE = _URI.replace("<host>", "<bare>").replace("<port>", "<bare_port>")
_URI_PARAMETERS = r"(?:;(?!maddr\b)[^\s\"<>,;@?]*)*"
_PARAMETER = r'\s*;\s*(?!received\b)[\w.+-]+(?:=(?:"[^"\\]*"|[^\s",;<>]*))?'
_CONTACT = re.compile(
    rf"\s*(?:{_DISPLAY}\s*<{_URI}{_URI_PARAMETERS}>|{_BARE})"
    rf"(?P<parameters>(?:{_PARAMETER})*)\s*(?:,|$)", re.IGNORECASE | re.ASCII)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_APART = re.compile(r"(?:[^<]*(?P<bracket><))?(?P<scheme>sips?):(?:(?P<user>[^\s@<>,]*)@)?"
                    r"(?(bracket)(?P<at>[^\s@<>,]+)>|(?P<bare>[^\s@<>,;?]+))",
                    re.IGNORECASE | re.ASCII)
_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*\w+\s+(?P<host>\[[^\]\s]+\]|[^\s:;]+)"
                  r"(?:\s*:\s*(?P<port>[0-9]{1,5}))?"
                  r"\s*(?P<parameters>(?:;.*)?)", re.IGNORECASE | re.ASCII)
_SIP_PORT = 5060
_SEEN = re.compile(r";\s*received\b", re.IGNORECASE | re.ASCII)
_RECEIVED = re.compile(r";\s*received\s*=\s*([^\s;]+)", re.IGNORECASE | re.ASCII)
_INSTANCE = re.compile(r';\s*\+sip\.instance="([^"]*)"', re.IGNORECASE)
_OF_FLOW = re.compile(r";flow=[0-9]+(?=>?$)")
_REG_ID = re.compile(r";\s*reg-id\b=?([^\s;]*)", re.IGNORECASE)
_EXPIRES = re.compile(r';\s*expires\s*=\s*"?([0-9]{1,10})\b', re.IGNORECASE | re.ASCII)


def all_at(address: str, contacts: str) -> bool:
    """Whether each of the contacts in a header text is a ``sip:`` URI at this IP address."""
    return all(found is not None and _host(found) == address for found in _each(contacts))


def is_at(text: str, address: str, port: int) -> bool:
    """Whether the contact in a header text is a ``sip:`` URI at this IP address and port."""
    found = next(_each(text), None)
    if found is None:
        return False
    written = found["port"] or found["bare_port"] or _SIP_PORT
    return (_host(found), int(written)) == (address, port)


def is_understood(contacts: str) -> bool:
    """Whether each of the contacts in a header text is a ``sip:`` URI, whatever host it names."""
    return all(_each(contacts))


def is_direct(contacts: str, vias: str, address: str, port: int) -> bool:
    """Whether a phone that sends by UDP from this IP address and port is reached at the contacts in
    a header text. It is not where its top Via names another source: then a NAT is between.
    """
    found = _VIA.fullmatch(vias.partition(",")[0].strip())
    if found is None:
        return False
    sent_by = _address(found["host"]), int(found["port"] or _SIP_PORT)
    return sent_by == (address, port) and all_at(address, contacts)


def is_too_brief(contacts: str, expires: str) -> bool:
    """Whether one of the contacts in a header text asks for less than ``MIN_EXPIRES_S``, by its
    own parameter or the Expires header. 0 is no such thing: it ends the registration.
    """
    own = [_EXPIRES.search(found["parameters"]) for found in _each(contacts) if found]
    asked = [each[1] if each else expires.strip() for each in own]
    return any(each.isdecimal() and 0 < int(each) < MIN_EXPIRES_S for each in asked)


def instance(text: str) -> str:
    """The ``+sip.instance`` of a contact in a header text (RFC 5626 section 4.1), or empty."""
    found = next(_each(text), None)
    said = _INSTANCE.search(found["parameters"]) if found else None
    return said[1] if said else ""


def nameless(contacts: Sequence[str]) -> list[str]:
    """The URIs in Contact headers that come without ``+sip.instance``."""
    each = (found for text in contacts for found in _each(text) if found)
    return [found[0].rpartition("<")[2].partition(">" if found["host"] else ";")[0].strip(" ,")
            for found in each if not _INSTANCE.search(found["parameters"])]


def phone(instance: str) -> str:
    """Which phone has this instance, to which kamailio.cfg adds the number of the flow."""
    return _OF_FLOW.sub("", instance)


def has_wrong_flow(text: str) -> bool:
    """Whether a contact in a header text numbers its flow otherwise than by 1 to 2**31 - 1."""
    found = next(_each(text), None)
    said = _REG_ID.search(found["parameters"]) if found else None
    return said is not None and not (
        said[1].isdecimal() and len(said[1]) <= 10 and 0 < int(said[1]) < 2**31)


def most(bound: Sequence[str], coming: str, max_phones: int) -> int:
    """How many contacts a line may have that has these, by the instance of each, when one of the
    instance ``coming`` registers: one for each phone, and ``MOST_FLOWS`` for one with an instance.
    More of them take the places of phones.
    """
    flows = Counter(phone(each) for each in bound if each)
    has_room = 0 < flows[phone(coming)] < MOST_FLOWS
    return max_phones + sum(min(each, MOST_FLOWS) - 1 for each in flows.values()) + has_room


def apart(text: str) -> tuple[str, str, str] | None:
    """Scheme and user part of the first URI in a Contact header text, and what comes behind ``@``;
    None where there is none that is understood.
    """
    found = _APART.match(_QUOTED.sub("", text)) if len(text) <= MAX_LENGTH else None
    return (found["scheme"], found["user"] or "", found["at"] or found["bare"]) if found else None


def behind_proxy(vias: str) -> str:
    """The address from which a proxy got the request, by all Via headers apart by commas: the
    second one is whose request it passed on (RFC 3261 section 18.2.1). Empty where it is unclear.

    Raises BadRequest where the phone may have written what is to be the proxy's: two ``received``,
    or quotes.
    """
    if '"' in vias or len(_SEEN.findall(",".join(vias.split(",")[1:2]))) > 1:
        raise BadRequest("a Via that names two addresses")
    found = _VIA.fullmatch(vias.split(",")[1].strip()) if "," in vias else None
    if found is None:
        return ""
    received = _RECEIVED.search(found["parameters"])
    return _address(received[1] if received else found["host"])


def _host(found: re.Match[str]) -> str:
    return _address(found["host"] or found["bare"])


def _address(host: str) -> str:
    """The IP address, as the settings write it; empty for a name."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return ""


def _each(contacts: str) -> Iterator[re.Match[str] | None]:
    """Each contact; None for the first that is not understood, and nothing behind it."""
    end = 0
    while end < len(contacts):
        found = _CONTACT.match(contacts, end) if len(contacts) <= MAX_LENGTH else None
        yield found
        if found is None:
            return
        end = found.end()
