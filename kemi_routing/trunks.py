# SPDX-License-Identifier: GPL-2.0-or-later
"""Trusted sources of calls, by address or network, and what each may and gets (SPEC B1)."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType

from kemi_routing.errors import InvalidValue

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
    """Its address or network, for logs and counts."""


class Trunks:
    """All trunks; the narrowest network that holds an address is its trunk."""

    def __init__(self, trunks: Iterable[tuple[Network, Trunk]] = ()) -> None:
        found = sorted(trunks, key=lambda one: -one[0].prefixlen)
        self._single = MappingProxyType({
            str(network.network_address): trunk for network, trunk in found
            if network.num_addresses == 1})
        self._networks = tuple(one for one in found if one[0].num_addresses > 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trunks) and (self._single, self._networks) == (
            other._single, other._networks)

    def __hash__(self) -> int:
        return hash((tuple(self._single), self._networks))

    @property
    def names(self) -> tuple[str, ...]:
        """Addresses and networks, the single ones first, then from narrow to wide."""
        return (*self._single, *(str(network) for network, _ in self._networks))

    def at(self, address: str) -> Trunk | None:
        """The trunk of a source address, as ``ipaddress`` writes it; None for anything else."""
        if (trunk := self._single.get(address)) or not self._networks:
            return trunk
        try:
            source = ipaddress.ip_address(address)
        except ValueError:
            return None
        return next((trunk for network, trunk in self._networks if source in network), None)


def read(words: Iterable[str]) -> Trunks:
    """The trunks of ``NETWORK=HEADER;OPTION;...``; raises InvalidValue with the right form."""
    found: dict[Network, Trunk] = {}
    for word in words:
        source, _, options = word.partition("=")
        try:
            network = ipaddress.ip_network(source.strip())
            found[network] = _trunk(options, _name(network))
        except ValueError:
            raise InvalidValue(f"{word!r}; {_FORM}") from None
    return Trunks(found.items())


def _name(network: Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)


def _trunk(text: str, name: str) -> Trunk:
    """Raises ValueError for what is no option."""
    asserts, *options = (option.strip() for option in text.split(";"))
    stir, redirect, early_media, limits = "", False, False, {}
    for option in options:
        key, is_set, value = option.partition("=")
        if key == "stir" and _HEADER.fullmatch(value):
            stir = value
        elif key in _LIMITS and _COUNT.fullmatch(value) and int(value) <= MAX_LIMIT:
            limits[_LIMITS[key]] = int(value)
        elif key == "redirect" and not is_set:
            redirect = True
        elif key == "early-media" and not is_set:
            early_media = True
        else:
            raise ValueError(option)
    return Trunk(Asserts(asserts), stir, redirect, early_media, name=name, **limits)


_HEADER = re.compile("[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_COUNT = re.compile("[1-9][0-9]{0,6}", re.ASCII)
_LIMITS = {"max-calls": "max_calls", "per-second": "max_per_second"}
_FORM = (f"write SOURCE=HEADER, an address or network and the header {', '.join(Asserts)}: "
         "192.0.2.1=P-Asserted-Identity or 192.0.2.0/28=From, and behind it as wanted "
         ";stir=HEADER;redirect;early-media;max-calls=100;per-second=10")
