# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a personal number, of the platform, and of a call that dials it."""

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from zoneinfo import ZoneInfo

from kemi_routing.dialplan import NO_PLAN, DialPlan
from kemi_routing.permissions import Rights
from kemi_routing.schedule import Holiday, Override, Timetable, Window
from kemi_routing.screening import CallerRule, Screen
from kemi_routing.targets import Target

DEFAULT_RING_S = 20
DEFAULT_MAX_PHONES = 3
CONFIRM_S = 15
"""What the prompt of a ``confirm`` target may take after its ring time."""

_UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""Outside it stand site-local addresses and those with an IPv4 address in them (NAT64)."""


class Mode(StrEnum):
    """Which parts run, in this order: ring the own lines, forward, voicemail (SPEC M1)."""

    RING_ONLY = "ring_only"
    RING_THEN_VOICEMAIL = "ring_then_voicemail"
    RING_THEN_FORWARD = "ring_then_forward"
    RING_FORWARD_THEN_VOICEMAIL = "ring_forward_then_voicemail"
    FORWARD_ONLY = "forward_only"
    FORWARD_THEN_VOICEMAIL = "forward_then_voicemail"
    VOICEMAIL_ONLY = "voicemail_only"
    FORWARD_UNCONDITIONALLY = "forward_unconditionally"
    REJECT = "reject"


class Outcome(StrEnum):
    """Why a target ended without an answer (SPEC F6)."""

    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"


class MailboxPolicy(StrEnum):
    """Which callers open a mailbox without PIN (SPEC V2)."""

    PIN_UNLESS_TRUSTED = "pin_unless_trusted"
    PIN_UNLESS_ATTESTED = "pin_unless_attested"
    ALWAYS_PIN = "always_pin"


class Verdict(StrEnum):
    """What a trunk says of the caller's number (STIR, RFC 8224)."""

    NONE = "none"
    ATTESTED = "attested"
    """Full attestation."""
    FAILED = "failed"


CLI_OF_NUMBER = "personal number"
CLI_OF_CALLER = "caller"

Continuations = tuple[tuple[Outcome, str], ...]
"""Outcome -> the sequence that comes next instead of the next step (SPEC F6)."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A target within a step (SPEC T8): ``delay_s`` after the step's start it rings ``ring_s``
    whole seconds.
    """

    target: Target
    ring_s: int = DEFAULT_RING_S
    label: str = ""
    delay_s: int = 0
    confirm: bool = False
    """Who answers must press 1 to get the call."""


Step = tuple[Ring, ...]
"""The targets that ring at the same time (SPEC F1)."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps in order; ``mode`` and ``on`` override those of the number (SPEC F1, F6, M1)."""

    name: str
    steps: tuple[Step, ...] = ()
    mode: Mode | None = None
    on: Continuations = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A SIP account of the number's owner (SPEC N3) and the phones that it may register."""

    name: str
    max_phones: int = DEFAULT_MAX_PHONES


@dataclass(frozen=True, slots=True)
class Number:
    """A personal number with all that a call to it needs (SPEC N1)."""

    number: str
    """Its key: digits, or ``organisation/extension`` (SPEC N4)."""
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
    """Weekly and dated windows; each names one of ``sequences``, as holidays and overrides do."""
    sequences: tuple[Sequence, ...] = ()
    default: str | None = None
    """Name of the sequence outside every window; None: no forwarding then."""
    rights: Rights = Rights()
    holidays: tuple[Holiday, ...] = ()
    overrides: tuple[Override, ...] = ()
    """Vacations of the record, and what was set by command or feature code."""
    on: Continuations = ()
    screens: tuple[Screen, ...] = ()
    callers: tuple[CallerRule, ...] = ()
    cli: str = CLI_OF_NUMBER
    """What outside targets see: ``personal number``, ``caller`` or digits (SPEC V5)."""
    mailbox: MailboxPolicy = MailboxPolicy.PIN_UNLESS_TRUSTED
    dial_plan: DialPlan = NO_PLAN
    """How the owner dials from the mailbox menu (SPEC V4); empty without that permission."""

    @property
    def timetable(self) -> Timetable:
        """What decides by time."""
        return Timetable(self.zone, self.windows, self.holidays, self.overrides, self.default)

    @property
    def organisation(self) -> str:
        """Whose dial plan and extensions it has."""
        return self.owner.partition("/")[0]

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
    verdict: Verdict = Verdict.NONE
    diverters: tuple[str, ...] = ()
    """Numbers that diverted the call, the last one first (Diversion, History-Info)."""
    diverted: bool = False
    """The call was forwarded before (Diversion, retargeting History-Info)."""
    history: str = ""
    """Index of the last History-Info entry (RFC 7044); empty where there is none."""
    line: str | None = None
    """Name of the registered line that calls (digest verified)."""
    cli: str | None = None
    """Number that a target sees instead of From: the main number of the calling line, or its
    extension where its owner has nothing else.
    """


ANY = "any"
"""In ``Platform.sip_hosts``: every host name."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What the operator configured and the decision depends on."""

    domain: str = "followme.local"
    """Our SIP domain."""
    sip_hosts: frozenset[str] = field(default_factory=frozenset)
    """Hosts that SIP targets may name besides public addresses (SPEC P6): ``*.example.com`` all
    within that domain, ``any`` every host name.
    """
    own_hosts: frozenset[str] = field(default_factory=frozenset)
    """Our own addresses, the gateways' and the media servers': no target may name them."""
    inside: tuple[IPv4Network | IPv6Network, ...] = ()
    """Trunks, other proxies and Redis: a target may name them only where ``sip_hosts`` does."""

    media_server: bool = True
    """Whether there is one: voicemail, applications and ``confirm`` need it."""
    gateway: bool = True
    """Whether there is one: outside numbers need it."""
    iax_gateway: bool = True
    """Whether there is one: IAX targets need it."""
    mailbox: MailboxPolicy = MailboxPolicy.PIN_UNLESS_TRUSTED
    """The least that the operator demands of every mailbox."""
    outgoing_without_pin: str = "A"
    """Grades that call out from the mailbox menu without PIN (SPEC V4)."""

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
            return (None if self._allows(host) else
                    f"the operator does not allow calls to the host {host}")
        if any(address in network for network in self.inside):
            return f"{host} is a trunk, or serves this platform"
        unicast = address in _UNICAST_V6 if address.version == 6 else not address.is_multicast
        return None if address.is_global and unicast else f"{host} is not a public address"

    def _allows(self, name: str) -> bool:
        domains = name.split(".")[1:]
        return bool(domains) and (ANY in self.sip_hosts or any(
            f"*.{'.'.join(domains[index:])}" in self.sip_hosts for index in range(len(domains))))
