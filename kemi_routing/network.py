# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may send calls and where calls leave: the operator's trunks, gateways and media servers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network

from kemi_routing.caller_id import Profile
from kemi_routing.formats import E164, Format
from kemi_routing.hops import MAX_PRIORITY, Hop, host_of, is_name
from kemi_routing.model import Platform
from kemi_routing.trunks import Trunk, Trunks

Addresses = Mapping[str, tuple[str, ...]]
"""A place with a host name -> the same with each of its addresses."""


@dataclass(frozen=True, slots=True)
class Server(Hop):
    """A gateway or a media server of the operator's."""

    name: str = ""
    data_centre: str = ""
    """Where it stands; empty: everywhere."""
    cli: Profile | None = None
    """What a gateway is shown; None: what all outside targets are."""
    numbers: Format = E164
    """How a gateway wants them."""
    prefix: str = ""
    """What a gateway wants before a called number, a technical prefix."""


@dataclass(frozen=True)
class Network:
    """All of them, as one whole."""

    revision: int = 0
    """Counts what was written; 0: nothing was ever."""
    trunks: tuple[Trunk, ...] = ()
    gateways: tuple[Server, ...] = ()
    """Where calls to outside numbers leave."""
    media_servers: tuple[Server, ...] = ()
    iax_gateways: tuple[Server, ...] = ()
    """Where calls to IAX peers leave (SPEC T3)."""
    cli: Profile = Profile()
    """What outside targets are shown, where their gateway has no profile of its own."""

    def trunk_at(self, address: str) -> Trunk | None:
        """The trunk of a source address, as ``ipaddress`` writes it."""
        return self._trunks.at(address)

    @cached_property
    def by_certificate(self) -> dict[str, Trunk]:
        """The trunks that are known by the name in their TLS certificate, in lower case."""
        return {one.certificate: one for one in self.trunks if one.certificate}

    @cached_property
    def _trunks(self) -> Trunks:
        return Trunks(self.trunks)

    @property
    def groups(self) -> tuple[tuple[Server, ...], ...]:
        """All groups, each of which stands in for its own."""
        return self.gateways, self.media_servers, self.iax_gateways

    @cached_property
    def gateway_hosts(self) -> frozenset[str]:
        """The hosts of all gateways."""
        return _hosts(self.gateways)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The hosts of all gateways and media servers."""
        return frozenset().union(*map(_hosts, self.groups))

    @cached_property
    def media_hosts(self) -> frozenset[str]:
        """Where the media servers' calls come from."""
        return _hosts(self.media_servers)

    @cached_property
    def names(self) -> frozenset[str]:
        """All gateways and media servers that are written by host name, as they are."""
        return frozenset(one.written for group in self.groups for one in group
                         if one.named or is_name(one.host))

    def found(self, addresses: Addresses) -> "Network":
        """The same where each address of a host name is a server of its own, all of them with the
        weight of the one; without an address it stays, for no branch.
        """
        def known(group: Iterable[Server]) -> Iterator[Server]:
            for one in group:
                if one.at not in self.names:
                    yield one
                    continue
                behind = addresses.get(one.at) or (one.at,)
                yield from (replace(one, at=at, named=one.at, weight=one.weight / len(behind))
                            for at in behind)

        if not self.names:
            return self
        return replace(self, gateways=tuple(known(self.gateways)),
                       media_servers=tuple(known(self.media_servers)),
                       iax_gateways=tuple(known(self.iax_gateways)))

    def seen_from(self, data_centre: str) -> "Network":
        """The same for a proxy there, an empty name being nowhere: all that stands in another data
        centre comes behind all that does not (SPEC B3), the best of each group first, and each
        gateway has its own profile.
        """
        def near(group: Iterable[Server]) -> tuple[Server, ...]:
            moved = (replace(one, priority=one.priority + MAX_PRIORITY)
                     if one.data_centre not in ("", data_centre) else one for one in group)
            return tuple(sorted(moved, key=lambda one: one.priority))

        gateways = (replace(one, cli=replace(one.cli or self.cli, numbers=one.numbers))
                    for one in self.gateways)
        return replace(self, gateways=near(gateways), media_servers=near(self.media_servers),
                       iax_gateways=near(self.iax_gateways))

    def within(self, platform: Platform, own: Iterable[str] = (),
               inside: Iterable[IPv4Network | IPv6Network] = ()) -> Platform:
        """The platform with this network, with these addresses of our own, and with these networks
        inside.
        """
        return replace(
            platform, own_hosts=frozenset(own) | self.hosts,
            inside=(*inside, *(source for trunk in self.trunks for source in trunk.sources)),
            media_server=bool(self.media_servers), gateway=bool(self.gateways),
            iax_gateway=bool(self.iax_gateways))


def _hosts(group: Iterable[Server]) -> frozenset[str]:
    return frozenset(host for hop in group for host in {hop.host, host_of(hop.written)})
