# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may send calls and where calls leave: the operator's trunks, gateways and media servers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from kemi_routing.caller_id import Profile
from kemi_routing.hops import MAX_PRIORITY, Hop
from kemi_routing.model import Platform
from kemi_routing.trunks import Trunk, Trunks


@dataclass(frozen=True, slots=True)
class Server(Hop):
    """A gateway or a media server of the operator's."""

    name: str = ""
    data_centre: str = ""
    """Where it stands; empty: everywhere."""
    cli: Profile | None = None
    """What a gateway is shown; None: what all outside targets are."""


@dataclass(frozen=True)
class Network:
    """All of them, as one whole."""

    revision: int = 0
    """Counts what was written; 0: nothing was ever."""
    trunks: tuple[Trunk, ...] = ()
    gateways: tuple[Server, ...] = ()
    """Where calls to outside numbers leave."""
    media_servers: tuple[Server, ...] = ()
    cli: Profile = Profile()
    """What outside targets are shown, where their gateway has no profile of its own."""

    def trunk_at(self, address: str) -> Trunk | None:
        """The trunk of a source address, as ``ipaddress`` writes it."""
        return self._trunks.at(address)

    @cached_property
    def _trunks(self) -> Trunks:
        return Trunks(self.trunks)

    @cached_property
    def gateway_hosts(self) -> frozenset[str]:
        """The hosts of all gateways."""
        return _hosts(self.gateways)

    @cached_property
    def media_hosts(self) -> frozenset[str]:
        """Where the media servers' calls come from."""
        return _hosts(self.media_servers)

    def seen_from(self, data_centre: str) -> "Network":
        """The same, with all that stands in another data centre behind all that does not, and the
        best of each group first (SPEC B3); an empty name is in none.
        """
        def near(group: tuple[Server, ...]) -> tuple[Server, ...]:
            moved = (replace(hop, priority=hop.priority + MAX_PRIORITY)
                     if hop.data_centre not in ("", data_centre) else hop for hop in group)
            return tuple(sorted(moved, key=lambda hop: hop.priority))

        return replace(self, gateways=near(self.gateways), media_servers=near(self.media_servers))

    def within(self, platform: Platform, own: Iterable[str] = ()) -> Platform:
        """The platform with this network, and with these addresses of our own."""
        return replace(
            platform, own_hosts=frozenset(own) | self.gateway_hosts | self.media_hosts,
            media_server=bool(self.media_servers), gateway=bool(self.gateways))


def _hosts(group: Iterable[Server]) -> frozenset[str]:
    return frozenset(hop.host for hop in group)
