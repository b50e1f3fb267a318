# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a personal number, of the platform, and of a call that dials it."""

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from kemi_routing.schedule import Window
from kemi_routing.targets import Target

DEFAULT_RING_S = 20
DEFAULT_MAX_PHONES = 3

_UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""Outside it stand site-local addresses and those with an IPv4 address in them (NAT64)."""


class Mode(StrEnum):
    """Which parts run, in this order: ring the own lines, forward, voicemail (SPEC M1)."""

    RING_THEN_VOICEMAIL = "ring_then_voicemail"
    FORWARD_ONLY = "forward_only"
    FORWARD_THEN_VOICEMAIL = "forward_then_voicemail"
    VOICEMAIL_ONLY = "voicemail_only"


@dataclass(frozen=True, slots=True)
class Ring:
    """A target within a step: it rings ``ring_s`` whole seconds (SPEC T8)."""

    target: Target
    ring_s: int = DEFAULT_RING_S
    label: str = ""


Step = tuple[Ring, ...]
"""The targets that ring at the same time (SPEC F1)."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps in order; ``mode`` overrides that of the number (SPEC F1, M1)."""

    name: str
    steps: tuple[Step, ...] = ()
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A SIP account of the number's owner (SPEC N3) and the phones that it may register."""

    name: str
    max_phones: int = DEFAULT_MAX_PHONES


@dataclass(frozen=True, slots=True)
class Number:
    """A personal number with all that a call to it needs (SPEC N1)."""

    number: str
    owner: str
    """``organisation/subscriber``."""
    zone: ZoneInfo
    revision: int = 1
    """Counts the writes of this number; 1 is the first."""
    aliases: tuple[str, ...] = ()
    """Digits of the owner's outside numbers (SPEC N2)."""
    lines: tuple[Line, ...] = ()
    mode: Mode = Mode.RING_THEN_VOICEMAIL
    ring_s: int = DEFAULT_RING_S
    """Ring time of the own lines where the mode rings them."""
    windows: tuple[Window, ...] = ()
    """Weekly windows; each names one of ``sequences``."""
    sequences: tuple[Sequence, ...] = ()
    default: str | None = None
    """Name of the sequence outside every window; None: no forwarding then."""
    voicemail: bool = False
    """Permission: calls may go to voicemail (SPEC M2)."""
    forward_external: bool = False
    """Permission: calls may leave the platform (SPEC P1)."""

    def sequence(self, name: str | None) -> Sequence:
        """The sequence of that name; an empty one where there is none."""
        return next((one for one in self.sequences if one.name == name), _NO_SEQUENCE)


_NO_SEQUENCE = Sequence("")


@dataclass(frozen=True, slots=True)
class Call:
    """The INVITE being routed, as far as the decision needs it."""

    ani: str | None = None
    """Calling number as claimed, digits; None where there is none."""
    asserted: bool = False
    """A trusted trunk asserts ``ani`` (SPEC V2)."""
    anonymous: bool = False
    """The caller asks for privacy (RFC 3323) or shows no identity."""
    diverted: bool = False
    """The call was forwarded before (Diversion, retargeting History-Info)."""
    line: str | None = None
    """Name of the registered line that calls (digest verified)."""
    cli: str | None = None
    """Number that an inside target sees instead of From: the main number of the calling line."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What the operator configured and the decision depends on."""

    domain: str = "followme.local"
    """Our SIP domain."""
    sip_hosts: frozenset[str] = field(default_factory=frozenset)
    """Hosts that SIP targets may name besides public addresses (SPEC P6)."""
    own_hosts: frozenset[str] = field(default_factory=frozenset)
    """Our own addresses, the gateway's and the media server's: no target may name them."""

    def refused_host(self, host: str) -> str | None:
        """Why a SIP target may not go to this host, or None (SPEC P6)."""
        if host == self.domain:
            return f"{host} is this platform; write the line: line NAME"
        if host in self.own_hosts:
            return f"{host} belongs to this platform"
        if host in self.sip_hosts:
            return None
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return f"the operator does not allow calls to the host {host}"
        unicast = address in _UNICAST_V6 if address.version == 6 else not address.is_multicast
        return None if address.is_global and unicast else f"{host} is not a public address"
