# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets: where a call can be sent (SPEC T1-T4, T6), and the grammar in which they are written.

The grammar is strict (SPEC P6): what it lets through has no control character, no header, no
parameter but ``transport``, so it can be put into a SIP message as it stands.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

from kemi_routing import e164
from kemi_routing.errors import InvalidValue

MAX_LENGTH = 255
VOICEMAIL_TEXT = "voicemail"


class Kind(StrEnum):
    """What a target is; the value is the word that ``explain`` prints."""

    PSTN = "pstn"
    SIP = "sip"
    IAX = "iax"
    LINE = "line"
    VOICEMAIL = "voicemail"
    MAILBOX = "mailbox"
    """Voicemail Access (V1): decided, never written."""

    @property
    def outside(self) -> bool:
        """True where the branch leaves the platform (SPEC P1, V5)."""
        return self in _OUTSIDE


_OUTSIDE = frozenset({Kind.PSTN, Kind.SIP, Kind.IAX})

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
_LINE_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,63})"
_LINE = re.compile("line +" + _LINE_NAME, re.ASCII)
_NUMBER_LIKE = re.compile(r"[+0-9(][0-9 \u00a0./()-]*")

@dataclass(frozen=True, slots=True)
class Target:
    """A place to ring. ``address``: digits (T1), URI (T2), peer reference (T3), line name (T4)."""

    kind: Kind
    address: str = ""

    @property
    def text(self) -> str:
        """The written form; ``parse`` of it gives this target again. Holds an IAX password."""
        match self.kind:
            case Kind.LINE:
                return f"line {self.address}"
            case Kind.IAX:
                return f"IAX2/{self.address}"
            case Kind.PSTN | Kind.SIP:
                return self.address
        return str(self.kind)

    def __str__(self) -> str:
        """The form for people and logs: an IAX password is masked (SPEC T3)."""
        return re.sub(r"^(IAX2/[^:@]*):[^@]*@", r"\1:***@", self.text)

    __repr__ = __str__

    @property
    def host(self) -> str:
        """The host of a SIP target, brackets of IPv6 removed; empty for other kinds."""
        match = _SIP.fullmatch(self.address) if self.kind is Kind.SIP else None
        return match["host"].strip("[]").lower() if match else ""


VOICEMAIL = Target(Kind.VOICEMAIL)
MAILBOX = Target(Kind.MAILBOX)


def parse(text: str) -> Target:
    """The target that a subscriber wrote; raises InvalidValue with the right form."""
    written = text.strip()
    if len(written) > MAX_LENGTH:
        raise InvalidValue(f"a target has at most {MAX_LENGTH} characters, not {len(written)}")
    if written == VOICEMAIL_TEXT:
        return VOICEMAIL
    if _NUMBER_LIKE.fullmatch(written):
        return Target(Kind.PSTN, e164.normalise(written))
    if match := _LINE.fullmatch(written):
        return Target(Kind.LINE, match["name"])
    if match := _SIP.fullmatch(written):
        return Target(Kind.SIP, _sip_uri(match, written))
    if match := _IAX.fullmatch(written):
        _check_host(match, written)
        return Target(Kind.IAX, written.removeprefix("IAX2/"))
    raise InvalidValue(f"{_masked(written)!r} is not a target; write {_right_form(written)}")


def is_line_name(text: str) -> bool:
    """True for what may name a line: letters, digits, dot, dash, underscore; at most 64."""
    return re.fullmatch(_LINE_NAME, text, re.ASCII) is not None


def _sip_uri(match: re.Match[str], written: str) -> str:
    _check_host(match, written)
    port = f":{match['port']}" if match["port"] else ""
    transport = f";transport={match['transport']}" if match["transport"] else ""
    return f"sip:{match['user']}@{match['host']}{port}{transport}"


def _check_host(match: re.Match[str], written: str) -> None:
    if match["port"] and not 1 <= int(match["port"]) <= 65535:
        raise InvalidValue(f"{_masked(written)!r}: a port is 1 to 65535")
    host = match["host"]
    looks_like_address = host.startswith("[") or host.replace(".", "").isdigit()
    if looks_like_address:
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            raise InvalidValue(f"{_masked(written)!r}: {host} is not an IP address") from None


def _masked(written: str) -> str:
    return re.sub(r"^(IAX2?/[^:@]*):(?:.*(?=@)|.*)", r"\1:***", written,
                  flags=re.IGNORECASE | re.DOTALL)


def _right_form(written: str) -> str:
    lowered = written.lower()
    if lowered.startswith(("sip:", "sip/", "sips:")):
        return "SIP/user@domain.com:5060 or sip:user@domain.com;transport=tls"
    if lowered.startswith("iax"):
        return "IAX2/user:password@domain.com/number"
    if lowered.startswith("line"):
        return "line NAME, with the name of one of the subscriber's lines"
    return ("a number (49115234567), line NAME, SIP/user@domain.com, "
            "IAX2/user:password@domain.com/number or voicemail")
