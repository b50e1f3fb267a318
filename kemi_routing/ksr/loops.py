# SPDX-License-Identifier: GPL-2.0-or-later
"""The way that a call has come through our numbers already (SPEC P5).

Each number leaves a keyed hash of itself in our Record-Route, so a call that comes back through
proxies that keep it is known even where Diversion and History-Info are lost.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from kemi_routing import party
from kemi_routing.addresses import canonical
from kemi_routing.ksr.edge import Edge
from kemi_routing.model import Call
from kemi_routing.plan import Plan

ROUTE_MARK = "fm"
"""Parameter of our Record-Route that proves in later requests that we let the call in: what kind of
branch it is (``masks.Kind``, or one of those below), and who calls.
"""
BARE, HELD = "n", "h"
"""A branch on which nothing is replaced; one to a phone that another proxy rings by us, which only
the proxy believes that wrote it: the other one may have replaced something.
"""
PRIVATE = "p"
"""The callee may not learn who calls."""
CALLER, CALLEE = "caller", "callee"
ROUTE = "$avp(followme_route)"
"""The parameters of our Record-Route that are the same on all branches."""
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
_PROOF = re.compile(rf";{ROUTE_MARK}=([a-z])([0-9a-f]{{24}})(?=[;>])([^<>,]*)")
_NUMBERS = re.compile(rf";{NUMBER_MARKS}=([0-9a-f.]+)")
_TIME = re.compile(rf";{BEGAN}=([0-9a-f]{{8}})([0-9a-f]{{8}})([0-9a-f]{{{_DIGITS}}})")
_MOST_ROUTES = 70
_MOST_HOPS = 20
"""Record-Route headers that are looked at: as many as Max-Forwards lets there be."""


@dataclass(frozen=True, slots=True)
class LetIn:
    """What the Route of a request proves, or the Record-Route of an answer."""

    kind: str
    by: str
    """Who sends the request."""


def record_route(edge: Edge, numbers: Iterable[str], proved: str = "") -> None:
    """Put us into the route of the call, with the numbers that it comes through here. Each branch
    needs its ``proof`` too, or all have this one.

    Raises RuntimeError where Kamailio cannot: nobody could hang up such a call.
    """
    left = [_mark(edge, number) for number in numbers]
    if edge.settings.hides:  # the next Record-Route masks those before it
        left += sorted(_marks(edge) - {*left})[:_MOST_MARKS]
    marks = ".".join(left)
    named = f";{NUMBER_MARKS}={marks}" if marks else ""
    began, rr = f"{edge.ksr.pv.geti('$Ts'):08x}{edge.start}", edge.ksr.rr
    timed = f";{BEGAN}={began}{_proof(edge, began, edge.settings.address)}"
    sent = f"{named}{timed}{proved}"
    if rr.add_rr_param(sent) < 0 or rr.record_route() < 0:
        raise RuntimeError("no Record-Route could be added")
    edge.ksr.pv.unset(ROUTE)
    edge.ksr.pv.sets(ROUTE, sent)


def proof(edge: Edge, kind: str) -> str:
    """The parameter for a branch of this kind."""
    tag = edge.ksr.pv.gete("$ft")
    return f";{ROUTE_MARK}={kind}{_let_in(edge, kind, tag, edge.settings.address)}"


def let_in(edge: Edge, route: str) -> LetIn | None:
    """What this Route or Record-Route header proves of the call of a message; None: nothing."""
    found = _PROOF.search(route)
    if found is None:
        return None
    kind, proof, _ = found.groups()
    pv = edge.ksr.pv
    proxies = {edge.settings.address, canonical(str(pv.gete("$Ri")))}
    for by, tag in ((CALLER, pv.gete("$ft")), (CALLEE, pv.gete("$tt"))):
        if any(proof == _let_in(edge, kind, tag, proxy) for proxy in proxies):
            return LetIn(kind, by)
    return None


def behind_proof(route: str) -> str:
    """The parameters behind it in the same URI."""
    found = _PROOF.search(route)
    return found[3] if found else ""


def _let_in(edge: Edge, kind: str, tag: str, proxy: str) -> str:
    return edge.mark(" ".join((kind, tag, *([proxy] if kind == HELD else []))))


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
    """Whether the Record-Route of an answer says that its call was let in here, and that who calls
    is no secret: else nobody could say whether it is as we sent it (``route_set``).
    """
    try:
        proved = [found for route in routes(edge) if (found := let_in(edge, route))]
    except UnicodeDecodeError:
        return False
    return bool(proved) and all(found.kind != PRIVATE for found in proved)


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
        for numbers in _NUMBERS.findall(route):
            marks.update(numbers.split("."))
    return marks


def first_hops(rows: Iterable[str]) -> list[str]:
    """The first entries of such headers: who answers may write thousands, and all would be read."""
    each = (one.strip() for row in rows for one in row.split(","))
    return [*islice(each, _MOST_HOPS)]


def proxies(rows: Iterable[str]) -> Iterator[party.Where]:
    """Where they lead, as far as that is understood."""
    return filter(None, map(party.where, first_hops(rows)))


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
