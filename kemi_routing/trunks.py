# SPDX-License-Identifier: GPL-2.0-or-later
"""Trusted sources of calls, by address, network or certificate, and what each may and gets (SPEC
B1).
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType

from kemi_routing.errors import InvalidValue
from kemi_routing.formats import E164, Format

MAX_LIMIT = 1_000_000

Network = IPv4Network | IPv6Network


class Asserts(StrEnum):
    """Header in which a trunk asserts the ANI."""

    PAI = "P-Asserted-Identity"
    FROM = "From"
    NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Trunk:
    """What one trunk may and gets."""

    asserts: Asserts
    stir: str = ""
    """Header in which it reports the verdict on the caller's number; empty: it reports none."""
    redirect: bool = False
    """It is answered 302 with the targets, where a plan allows it (SPEC F9)."""
    early_media: bool = False
    """It gets the early media of a target that rings alone (SPEC F11)."""
    max_calls: int = 0
    """Calls at the same time; 0: no limit."""
    max_per_second: int = 0
    """Calls that begin within a second; 0: no limit."""
    name: str = ""
    """What the operator calls it, for logs and counts."""
    sources: tuple[Network, ...] = ()
    """Where its calls come from."""
    numbers: Format = E164
    """How it writes them."""
    certificate: str = ""
    """Name in its TLS certificate, by which it is known wherever its calls come from; or empty."""


class Trunks:
    """Finds the trunk of an address: the narrowest network that holds it counts."""

    def __init__(self, trunks: Iterable[Trunk] = ()) -> None:
        found = sorted(((source, trunk) for trunk in trunks for source in trunk.sources),
                       key=lambda one: -one[0].prefixlen)
        self._single = MappingProxyType({
            str(source.network_address): trunk for source, trunk in found
            if source.num_addresses == 1})
        self._networks = tuple(one for one in found if one[0].num_addresses > 1)

    def at(self, address: str) -> Trunk | None:
        """The trunk of a source address, as ``ipaddress`` writes it; None for anything else."""
        if (trunk := self._single.get(address)) or not self._networks:
            return trunk
        try:
            source = ipaddress.ip_address(address)
        except ValueError:
            return None
        return next((trunk for network, trunk in self._networks if source in network), None)


def source(text: str) -> Network:
    """An address or network; raises InvalidValue with the right form."""
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        raise InvalidValue(f"{text!r} is not an address or network; write 192.0.2.1 or "
                           "192.0.2.0/28") from None


def source_text(source: Network) -> str:
    """The written form, of a single address without its length."""
    return str(source.network_address if source.num_addresses == 1 else source)


def certificate(text: str) -> str:
    """The name in a certificate, its common name or first DNS name; raises InvalidValue."""
    if _CERTIFICATE.fullmatch(text):
        return text.lower()
    raise InvalidValue(f"{text!r} is not the name of a certificate; write its common name, or its "
                       "first DNS name: sbc.carrier.example")


def header(text: str) -> str:
    """The name of a header; raises InvalidValue."""
    if _HEADER.fullmatch(text):
        return text
    raise InvalidValue(f"{text!r} is not the name of a header; write {Asserts.PAI}")


_CERTIFICATE = re.compile("[A-Za-z0-9_][A-Za-z0-9_. -]{0,252}", re.ASCII)
_HEADER = re.compile("[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
