# SPDX-License-Identifier: GPL-2.0-or-later
"""Whom a call reaches inside when nothing is noted of it any more: it outlived a restart.

Its Request-URI and Route are believed then, but for our trunks, gateways, media servers and
ourselves: of these it reaches those that have a part in it. Where they are is marked in our
Record-Route: a caller of them in what leaves for somebody else, who is called in his answer.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address

from kemi_routing import party
from kemi_routing.dns import is_address
from kemi_routing.ksr import caller, loops
from kemi_routing.ksr.edge import Edge
from kemi_routing.settings import LOOPBACK

REACHED = "fp"
"""Parameter of our Record-Route."""
_DIGITS = 12
_MOST = 6
_MARKS = re.compile(rf";{REACHED}=([0-9a-f.]+)")


def caller_stays(edge: Edge) -> str:
    """The parameter that marks where the caller is, who is one of our servers, and the proxies
    before him, for who gets the branch that is being added.
    """
    server = edge.settings.is_machinery(caller.source(edge))
    return _marks(edge, loops.proxies(loops.routes(edge))) if server else ""


def callee_stays(edge: Edge, proxies: Iterable[party.Where]) -> str:
    """The parameter that marks where one of our servers is that answers, and these proxies before
    it, for a caller who is none.
    """
    return _marks(edge, proxies)


def may_pass(edge: Edge, hops: Iterable[party.Where | None]) -> bool:
    """Whether a request within a call may go to all of these; None: one is not understood."""
    marked = {mark for route in loops.routes(edge, "Route")
              for found in _MARKS.findall(route) for mark in found.split(".")}
    return all(hop is not None and (
        not any(is_inside(edge, host) for host in hop.hosts)
        or (not hop.flow and _mark(edge, hop) in marked)) for hop in hops)


def is_inside(edge: Edge, host: str) -> bool:
    """Whether this host, or address, is a trunk, a gateway, a media server or ourselves."""
    settings, platform = edge.settings, edge.settings.platform
    if host in (LOOPBACK, "::1") or host in platform.own_hosts:
        return True
    if host in platform.sip_hosts or host in settings.edge_proxies or not is_address(host):
        return False
    address = ip_address(host)
    return any(address in network for network in platform.inside) or (
        address.is_loopback and not ip_address(settings.address).is_loopback)


def _marks(edge: Edge, proxies: Iterable[party.Where]) -> str:
    """Of the Contact of the message, and these."""
    if contact := party.where(edge.text("$hdr(Contact)")):
        found = dict.fromkeys(_mark(edge, place) for place in (contact, *proxies))
        return f";{REACHED}={'.'.join([*found][:_MOST])}"
    return ""


def _mark(edge: Edge, place: party.Where) -> str:
    return edge.mark(f"reaches {place.target}", _DIGITS)
