# SPDX-License-Identifier: GPL-2.0-or-later
"""The way that a call has come through our numbers already (SPEC P5).

Each number leaves a keyed hash of itself in our Record-Route, so a call that comes back through
proxies that keep it is known even where Diversion and History-Info are lost.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from kemi_routing.addresses import canonical
from kemi_routing.ksr.edge import Edge
from kemi_routing.model import Call
from kemi_routing.plan import Plan

ROUTE_MARK = "fm"
"""Parameter of our Record-Route that proves in later requests that we let the call in."""
NUMBER_MARKS = "fn"
"""Parameter with the numbers that the call came through."""
BEGAN = "fb"
"""Parameter that says when we let the call in (in hexadecimal seconds since 1970) and since which
start of Kamailio, with its proof.
"""
FORKED = "forked"
"""Hash table of kamailio.cfg: the INVITEs that a number has forked a moment ago."""
_DIGITS = 12
_MOST_MARKS = 20
"""Of earlier passes: with more a URI would outgrow Kamailio's MAX_URI_SIZE."""
_OURS = re.compile(rf";{ROUTE_MARK}=([0-9a-f]+);{NUMBER_MARKS}=([0-9a-f.]+)")
_TIME = re.compile(rf";{BEGAN}=([0-9a-f]{{8}})([0-9a-f]{{8}})([0-9a-f]{{{_DIGITS}}})")
_MOST_ROUTES = 70
"""Record-Route headers that are looked at: as many as Max-Forwards lets there be."""


def record_route(edge: Edge, numbers: Iterable[str]) -> None:
    """Put us into the route of the call, with the numbers that it comes through here.

    Raises RuntimeError where Kamailio cannot: nobody could hang up such a call.
    """
    left = [_mark(edge, number) for number in numbers]
    if edge.settings.hides:  # the next Record-Route masks those before it
        left += sorted(_marks(edge) - {*left})[:_MOST_MARKS]
    marks = ".".join(left)
    named = f";{NUMBER_MARKS}={marks}" if marks else ""
    began, rr = f"{edge.ksr.pv.geti('$Ts'):08x}{edge.start}", edge.ksr.rr
    timed = f";{BEGAN}={began}{_proof(edge, began, edge.settings.address)}"
    if rr.add_rr_param(f";{ROUTE_MARK}={edge.mark()}{named}{timed}") < 0 or rr.record_route() < 0:
        raise RuntimeError("no Record-Route could be added")


def outlived(edge: Edge, longest_s: int) -> bool:
    """Whether the Route of a request says that its call, no older than that, began here before this
    Kamailio did; or at another proxy with our secret, whose address is ours now too.
    """
    pv, settings = edge.ksr.pv, edge.settings
    others = {canonical(str(pv.gete("$Ri")))} - {settings.address, settings.address6}
    for route in routes(edge, "Route"):
        for began_s, start, proof in _TIME.findall(route):
            proxies = {settings.address, *others} if start != edge.start else others
            if pv.geti("$Ts") - int(began_s, 16) <= longest_s and any(
                    proof == _proof(edge, began_s + start, proxy) for proxy in proxies):
                return True
    return False


def _proof(edge: Edge, began: str, proxy: str) -> str:
    return edge.mark(f"began {began} {proxy}", _DIGITS)


def is_ours(edge: Edge) -> bool:
    """Whether the Record-Route of a message says that its call was let in here."""
    try:
        mark = f";{ROUTE_MARK}={edge.mark()}"
        return any(mark in route for route in routes(edge))
    except UnicodeDecodeError:
        return False


def with_visited(edge: Edge, call: Call, numbers: Iterable[str]) -> Call:
    """The call, with those of these numbers that our marks in its route say it came through."""
    marks = _marks(edge)
    been = [number for number in numbers if marks and _mark(edge, number) in marks]
    return replace(call, diverters=(*call.diverters, *been)) if been else call


def is_merged(edge: Edge, number: str) -> bool:
    """Whether this INVITE has just come to the number on another way (RFC 3261 section 8.2.2.2).

    Else numbers that fork to each other through other networks fork once for each way.
    """
    pv = edge.ksr.pv
    seen = edge.mark(f"{pv.gete('$ft')} {pv.gete('$cs')} {number}")
    return edge.ksr.htable.sht_inc(FORKED, seen) > 1


def cycle(call: Call, plan: Plan) -> str:
    """The way from a number back to itself, for the log: ``A>B>A``."""
    number = plan.number
    if number in call.diverters:
        since = call.diverters[:call.diverters.index(number)]
        return ">".join((number, *reversed(since), number))
    return ">".join((*(account.number for account in plan.accounts), number))


def _mark(edge: Edge, number: str) -> str:
    """What proves that this call came through a number. Where topology is hidden it comes back with
    another Call-ID, but the caller's tag.
    """
    return edge.mark(number, _DIGITS, of="$ft" if edge.settings.hides else "$ci")


def _marks(edge: Edge) -> set[str]:
    marks: set[str] = set()
    for route in routes(edge):
        for proof, numbers in _OURS.findall(route):
            if edge.settings.hides or proof == edge.mark():
                marks.update(numbers.split("."))
    return marks


def routes(edge: Edge, header: str = "Record-Route") -> Iterator[str]:
    """The Record-Route headers of a message, or its Route headers; none of ours is not UTF-8."""
    for index in range(_MOST_ROUTES):
        try:
            written = edge.ksr.hdr.get_idx(header, index)
        except UnicodeDecodeError:
            continue
        if written is None:
            return
        yield written
