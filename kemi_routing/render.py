# SPDX-License-Identifier: GPL-2.0-or-later
"""What a planned target looks like in SIP: Request-URI and headers of its branch.

Addresses come from ``Settings``, everything else from checked values; nothing is escaped here
because nothing that needs it gets here.
"""

from kemi_routing.errors import InvalidValue
from kemi_routing.plan import Access, Planned
from kemi_routing.settings import Settings
from kemi_routing.targets import Kind

ACCOUNT = "X-Followme-Account"
GRADE = "X-Followme-Grade"
PIN = "X-Followme-Pin"
OUR_HEADERS = (ACCOUNT, GRADE, PIN)
"""Set towards the media server only, removed from everything that comes in."""

IDENTITY_HEADERS = ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Identity")
"""Removed where the CLI is replaced, and from sources that are not trusted (SPEC V2, V5)."""


def target_uri(planned: Planned, number: str, settings: Settings, cause: int) -> str:
    """The Request-URI of the branch; for a line its address of record.

    ``cause`` is the RFC 4458 cause that voicemail gets. Raises InvalidValue for an IAX target,
    whose password has no place in a SIP message (SPEC T3).
    """
    target, domain = planned.target, settings.platform.domain
    match target.kind:
        case Kind.PSTN:
            return f"sip:{target.address}@{settings.gateway}"
        case Kind.LINE:
            return f"sip:{target.address}@{domain}"
        case Kind.VOICEMAIL:
            return (f"sip:voicemail@{settings.media_server}"
                    f";target=sip:{number}%40{domain};cause={cause}")
        case Kind.MAILBOX:
            return f"sip:vm-access@{settings.media_server};target=sip:{number}%40{domain}"
        case Kind.SIP:
            return target.address
    raise InvalidValue(f"{target}: no IAX gateway is configured")


def from_uri(cli: str, settings: Settings) -> str:
    """The From URI that presents ``cli``."""
    return f"sip:{cli}@{settings.platform.domain}"


def branch_headers(planned: Planned, owner: str, access: Access | None, settings: Settings,
                   ) -> list[str]:
    """Header lines that the branch gets beside those of the caller, without line ends."""
    headers = []
    if planned.target.kind.outside and planned.cli:
        headers.append(f"P-Asserted-Identity: <{from_uri(planned.cli, settings)}>")
    if planned.target.kind in (Kind.VOICEMAIL, Kind.MAILBOX):
        headers.append(f"{ACCOUNT}: {owner}")
    if planned.target.kind is Kind.MAILBOX and access:
        headers += [f"{GRADE}: {access.grade}", f"{PIN}: {'ask' if access.ask_pin else 'open'}"]
    return headers
