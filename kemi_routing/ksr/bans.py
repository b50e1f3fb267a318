# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources that are banned, all in one list, and why; every ban ends.

Kamailio counts the messages of each source before it reads them, and drops those of banned ones
itself (``event_route[core:msg-received]`` of kamailio.cfg); only who sends too much comes here, and
is first ignored for a moment, then banned. Who guesses passwords is not dropped but answered 403,
so that his neighbours behind the same address still get in (``credentials``).

An address of UDP can be forged, a connection of TCP cannot. So what came by UDP bans nobody: who
sends too much by it is ignored for a moment, as long as he goes on, and what a scanner sends by it
is dropped. Nor is a source banned from which a line has proved to be one, and the machinery that
the settings name has no limit here.
"""

import ipaddress
from enum import IntEnum

from kemi_routing.addresses import canonical
from kemi_routing.ksr import caller, in_force
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.workers import locked

BANNED, PROVED, TRUSTED, IGNORED = "banned", "proved", "trusted", "ignored"
"""Hash tables of kamailio.cfg, where their entries' lifetimes stand: banned sources, sources and
``account@source`` that gave a right password lately, addresses without limit, and how often a
source of connections was ignored.
"""
IGNORED_S = 10
"""How long a source is ignored that sends too much."""
MOST_IGNORED = 2
"""How often a source is ignored before it is banned."""
_GROUPS = 4
"""Of 16 bits: the /64 of IPv6 that a customer has."""


class Reason(IntEnum):
    """Value of a banned source. kamailio.cfg drops what an ignored one sends, and what those below
    it send unless they have a line: another proxy may not have known that.
    """

    GUESSES = 1
    IGNORED = 2
    TOO_MANY = 3
    SCANNER = 4


def source(address: str) -> str:
    """The address; of IPv6 the network of a customer, who has many, as kamailio.cfg writes it."""
    if ":" not in address:
        return address
    groups = ipaddress.IPv6Address(address).exploded.split(":")
    return ":".join(f"{int(group, 16):x}" for group in groups[:_GROUPS]) + "::"


def is_banned(edge: Edge, who: str) -> bool:
    """Whether a source is, for any reason."""
    return edge.ksr.htable.sht_get(BANNED, who) != 0


def ban(edge: Edge, who: str, why: Reason, seconds: int) -> None:
    """Ban a source from now on."""
    edge.ksr.htable.sht_setxi(BANNED, who, int(why), seconds)


def has_line(edge: Edge, who: str) -> bool:
    """Whether a line gave its password from this source lately."""
    return edge.ksr.htable.sht_get(PROVED, who) == 1


def trust(edge: Edge, address: str) -> None:
    """Count nothing that this address, as Kamailio writes it, sends for a minute."""
    edge.ksr.htable.sht_seti(TRUSTED, address, 1)


def sends_too_much(edge: Edge, address: str, *, by_udp: bool) -> bool:
    """Whether to drop the message of this address, as Kamailio writes it, which sent more than the
    limit; then it is ignored or banned from now on.
    """
    in_force.keep_up(edge)
    htable, known = edge.ksr.htable, edge.settings.network_known
    if edge.settings.is_machinery(canonical(address)) or not known:  # it may be a trunk
        trust(edge, address)
        return False
    who = source(address)
    with locked(edge, who):
        if is_banned(edge, who):  # by another worker, a moment ago
            return True
        lasting = not by_udp and htable.sht_inc(IGNORED, who) > MOST_IGNORED and not has_line(
            edge, who)
        seconds = edge.settings.ban_s if lasting else IGNORED_S
        ban(edge, who, Reason.TOO_MANY if lasting else Reason.IGNORED, seconds)
    edge.tell("ban" if lasting else "ignore", source=who, why="too many messages", seconds=seconds)
    return True


def is_scanner(edge: Edge) -> bool:
    """Whether to drop this request of a stranger, since it names a tool that looks for victims; its
    source is banned from now on, if that cannot be another's.
    """
    agent = str(edge.ksr.pv.gete("$ua"))
    if not agent.lower().startswith(edge.settings.scanners):
        return False
    address = caller.source(edge)
    who = source(address)
    if not (edge.ksr.is_UDP() or edge.settings.is_machinery(address) or has_line(edge, who)
            or is_banned(edge, who)):
        ban(edge, who, Reason.SCANNER, edge.settings.ban_s)
        edge.alarm("ban", source=who, why="scanner", agent=agent, seconds=edge.settings.ban_s)
    return True
