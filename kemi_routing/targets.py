# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets: where a call can be sent (SPEC T1-T7), and the grammar in which they are written.

The grammar is strict (SPEC P6): what it lets through has no control character, no header, no
parameter but ``transport``, so it can be put into a SIP message as it stands.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from kemi_routing import e164
from kemi_routing.addresses import bracketed, canonical
from kemi_routing.errors import InvalidValue

MAX_LENGTH = 255


class Kind(StrEnum):
    """What a target is; the value is the word that ``explain`` prints."""

    PSTN = "pstn"
    SIP = "sip"
    IAX = "iax"
    LINE = "line"
    NUMBER = "number"
    """Another number or extension of the platform (T5)."""
    VOICEMAIL = "voicemail"
    ANNOUNCEMENT = "announcement"
    MENU = "menu"
    QUEUE = "queue"
    CONFERENCE = "conference"
    PARKING = "park"
    MAILBOX = "mailbox"
    """Voicemail Access (V1): decided, never written."""

    @property
    def outside(self) -> bool:
        """True where the branch leaves the platform (SPEC P1, V5)."""
        return self in _OUTSIDE

    @property
    def answers(self) -> bool:
        """True for what the media server answers at once: nothing comes after it (F8)."""
        return self in _ANSWERING


_OUTSIDE = frozenset({Kind.PSTN, Kind.SIP, Kind.IAX})
_WITH_HOST = frozenset({Kind.SIP, Kind.IAX})
_NAMED = frozenset({Kind.ANNOUNCEMENT, Kind.MENU, Kind.QUEUE, Kind.CONFERENCE})
_ANSWERING = _NAMED | {Kind.VOICEMAIL, Kind.PARKING, Kind.MAILBOX}

_HOST = (r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]"
         r"|[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
         r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*)")
_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_SIP = re.compile(
    r"(?:SIP/|sip:)(?P<user>[A-Za-z0-9_.+~*-]{1,64})@" + _HOST + _PORT
    + r"(?:;transport=(?P<transport>udp|tcp|tls))?", re.ASCII)
_IAX = re.compile(
    r"IAX2/(?P<user>[A-Za-z0-9_.-]{1,64})(?::(?P<password>[A-Za-z0-9_.!~*-]{1,64}))?@" + _HOST
    + _PORT + r"/(?P<number>[A-Za-z0-9_+*-]{1,64})", re.ASCII)
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_WORDS = re.compile(rf"(?P<kind>line|announcement|menu|queue|conference) +(?P<name>{_NAME})",
                    re.ASCII)
_KEY = rf"(?P<key>[1-9][0-9]{{6,14}}|{_NAME}/[0-9]{{2,6}})"
_OURS = re.compile("number +" + _KEY, re.ASCII)
_IAX_PASSWORD = re.compile(r"(IAX2/[^\s:@]*):[^\s@]*@", re.IGNORECASE)
_NUMBER_LIKE = re.compile(r"[+0-9(][0-9 \u00a0./()-]*")

_RIGHT_FORMS = {
    ("sip:", "sip/", "sips:"): "SIP/user@domain.com:5060 or sip:user@domain.com;transport=tls",
    ("iax",): "IAX2/user:password@domain.com/number",
    ("line",): "line NAME, with the name of one of the subscriber's lines",
    ("number",): "number 42027777101 or number ORGANISATION/EXTENSION",
    ("",): "a number (49115234567), line NAME, SIP/user@domain.com, "
           "IAX2/user:password@domain.com/number, voicemail, announcement NAME, menu NAME, "
           "queue NAME, conference NAME or park",
}
"""How a text begins -> what was meant; the first that fits."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place to ring. ``address``: digits (T1), URI (T2), peer reference (T3), name (T4, T7), key
    of a number (T5): digits, or ``organisation/extension``.
    """

    kind: Kind
    address: str = ""

    @property
    def text(self) -> str:
        """The written form; ``parse`` of it gives this target again. Holds an IAX password."""
        match self.kind:
            case Kind.IAX:
                return f"IAX2/{self.address}"
            case Kind.PSTN | Kind.SIP:
                return self.address
        return f"{self.kind} {self.address}".rstrip()

    @property
    def public(self) -> "Target":
        """The same without an IAX password: what is rung, told and sent (SPEC T3)."""
        if self.kind is not Kind.IAX:
            return self
        user, at, peer = self.address.partition("@")
        return replace(self, address=f"{user.partition(':')[0]}{at}{peer}")

    def __str__(self) -> str:
        """The form for people and logs: an IAX password is masked (SPEC T3)."""
        return mask(self.text) if self.kind in _WITH_HOST else self.text

    __repr__ = __str__

    @property
    def host(self) -> str:
        """The host of a SIP or IAX target in its one spelling; empty for other kinds."""
        match = (_SIP.fullmatch(self.address) if self.kind is Kind.SIP else
                 _IAX.fullmatch(self.text) if self.kind is Kind.IAX else None)
        return canonical(match["host"]) if match else ""


VOICEMAIL = Target(Kind.VOICEMAIL)
PARKING = Target(Kind.PARKING)
MAILBOX = Target(Kind.MAILBOX)
_BARE = {target.text: target for target in (VOICEMAIL, PARKING)}


def parse(text: str) -> Target:
    """The target that a subscriber wrote; raises InvalidValue with the right form."""
    written = text.strip()
    if len(written) > MAX_LENGTH:
        raise InvalidValue(f"a target has at most {MAX_LENGTH} characters, not {len(written)}")
    if target := _BARE.get(written):
        return target
    if _NUMBER_LIKE.fullmatch(written):
        return Target(Kind.PSTN, e164.normalise(written))
    if match := _WORDS.fullmatch(written):
        return Target(Kind(match["kind"]), match["name"])
    if match := _OURS.fullmatch(written):
        return Target(Kind.NUMBER, match["key"])
    if match := _SIP.fullmatch(written):
        return Target(Kind.SIP, _sip_uri(match, written))
    if match := _IAX.fullmatch(written):
        _check_host(match, written)
        return Target(Kind.IAX, written.removeprefix("IAX2/"))
    right_form = next(form for beginnings, form in _RIGHT_FORMS.items()
                      if written.lower().startswith(beginnings))
    raise InvalidValue(f"{_masked(written)!r} is not a target; write {right_form}")


def is_number_key(text: str) -> bool:
    """True for what names a number of the platform: its digits, or ``organisation/extension``."""
    return re.fullmatch(_KEY, text, re.ASCII) is not None


def is_name(text: str) -> bool:
    """True for what may name a line, a subscriber or an organisation: at most 64 letters, digits,
    dots, dashes, underscores.
    """
    return re.fullmatch(_NAME, text, re.ASCII) is not None


def mask(text: str) -> str:
    """Any text without the passwords of the IAX targets in it (SPEC T3)."""
    return _IAX_PASSWORD.sub(r"\1:***@", text)


def _sip_uri(match: re.Match[str], written: str) -> str:
    _check_host(match, written)
    port = f":{match['port']}" if match["port"] else ""
    transport = f";transport={match['transport']}" if match["transport"] else ""
    host = match["host"]
    host = bracketed(host) if host.startswith("[") else host
    return f"sip:{match['user']}@{host}{port}{transport}"


def _check_host(match: re.Match[str], written: str) -> None:
    if match["port"] and not 1 <= int(match["port"]) <= 65535:
        raise InvalidValue(f"{_masked(written)!r}: a port is 1 to 65535")
    host = match["host"]
    in_brackets = host.startswith("[")
    if in_brackets or host.replace(".", "").isdigit():
        address = ipaddress.IPv6Address if in_brackets else ipaddress.IPv4Address
        try:
            address(host.strip("[]"))
        except ValueError:
            raise InvalidValue(f"{_masked(written)!r}: {host} is not an IP address") from None


def _masked(written: str) -> str:
    return re.sub(r"^(IAX2?/[^:@]*):(?:.*(?=@)|.*)", r"\1:***", written,
                  flags=re.IGNORECASE | re.DOTALL)
