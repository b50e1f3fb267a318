# SPDX-License-Identifier: GPL-2.0-or-later
"""A request within a call goes where the other side said that it is, and nowhere else.

Who has a part in a call writes Request-URI and Route himself. What both sides said of themselves is
noted when the call is answered, or with a ringing that must be acknowledged (RFC 3262), and when
they move (a new INVITE or UPDATE and its answer), until it ends. Where nothing is noted there is no
such call; only of one that began before this Kamailio is the Request-URI believed.
"""

from collections.abc import Callable

from kemi_routing import party
from kemi_routing.addresses import bracketed, canonical
from kemi_routing.ksr import caller, in_force, loops
from kemi_routing.ksr.edge import Edge
from kemi_routing.settings import LOOPBACK
from kemi_routing.targets import Kind, Target

PARTIES = "parties"
"""Hash table of kamailio.cfg: where the sides of a call are, by the call's mark."""
ON_REFRESH = "ksr_refresh"
KEPT_S = 43200
"""How long that is known of a call in which no side says anything more (kamailio.cfg)."""
_AFTER_END_S = 64
"""How long after a BYE: it may be refused and sent again, or cross another one."""
_REFRESHING = ("INVITE", "UPDATE")
_MOST_TIMES = 2
"""That one proxy may stand in a Route: it names both its sockets where these differ (module rr)."""
_OF_CALLER = ("$T_req($hdr(Contact))", "$T_req($si)", "$T_req($sp)")


def answered(edge: Edge, by: Target | None = None) -> None:
    """Note both sides of a call, and the proxies between, from what this target answers; None: one
    that is not known any more.
    """
    by_server = by is not None and by.kind not in (Kind.LINE, Kind.SIP)
    in_force.keep_up(edge)
    pv = edge.ksr.pv
    contact, address, port = (_text(pv.gete, name) for name in _OF_CALLER)
    known = _with_sender(edge, _known(edge), str(pv.gete("$tt")), ours=by_server)
    if calls := party.where(contact):
        known = party.remembered(known, str(pv.gete("$ft")), calls, f"{bracketed(address)}:{port}",
                                 ours=edge.settings.is_machinery(canonical(address)))
    for route in loops.routes(edge):
        for one in route.split(","):
            if proxy := party.where(one):
                known = party.passed(known, proxy)
    _note(edge, known)


def refreshed(edge: Edge) -> None:
    """Note where a side is from now on that answers a new INVITE or UPDATE."""
    if 200 <= edge.ksr.pv.geti("$rs") < 300:
        in_force.keep_up(edge)
        _moves(edge, str(edge.ksr.pv.gete("$tt")))


def refusal(edge: Edge) -> tuple[int, str] | None:
    """Why a request within a call is refused: it does not go where its other side said that it is,
    on the way that both have; or there is no such call. None where it may pass.
    """
    if _is_of_server(edge):
        return None
    known = _known(edge)
    if known:
        refused = None if _leads_to_party(edge, known) else (404, "Not Here")
    else:
        refused = None if loops.outlived(edge, KEPT_S) else (481, "Call Does Not Exist")
    if refused:
        why = "not where the other side is" if known else "there is no such call"
        edge.log("refuse", why=why, to=edge.ksr.pv.gete("$ru"), source=caller.source(edge))
    return refused


def passes(edge: Edge) -> None:
    """Note where the sender is of a request that may pass, and hear what is answered.

    Where two answered at once, a BYE ends one of two calls (RFC 3261 section 13.2.2.4).
    """
    ksr = edge.ksr
    if ksr.pv.gete("$rm") in _REFRESHING:
        _moves(edge, str(ksr.pv.gete("$ft")))
        ksr.tm.t_on_reply(ON_REFRESH)
    elif ksr.is_method_in("B") and (known := _known(edge)) and party.is_of_two(known):
        ksr.htable.sht_setxs(PARTIES, edge.mark(), known, _AFTER_END_S)


def are_known(edge: Edge) -> bool:
    """Whether it is known where the sides of the call are."""
    return bool(_known(edge))


def _leads_to_party(edge: Edge, known: str) -> bool:
    asked = party.where(edge.ksr.pv.gete("$ru"))
    inside = {LOOPBACK, *edge.settings.platform.own_hosts, *edge.settings.peers}
    if asked is None or not party.is_at(known, str(edge.ksr.pv.gete("$tt")), asked, inside):
        return False
    way = [party.where(one) for route in loops.routes(edge, "Route") for one in route.split(",")]
    return all(proxy is not None and way.count(proxy) <= _MOST_TIMES
               and party.is_between(known, proxy) for proxy in way)


def _moves(edge: Edge, tag: str) -> None:
    known = _known(edge)
    if known:
        _note(edge, _with_sender(edge, known, tag, ours=_is_of_server(edge)))


def _with_sender(edge: Edge, known: str, tag: str, *, ours: bool) -> str:
    said = party.where(_text(edge.ksr.hdr.gete, "Contact"))
    source = f"{bracketed(caller.source(edge))}:{edge.ksr.pv.geti('$sp')}"
    return party.remembered(known, tag, said, source, ours=ours) if said else known


def _text(read: Callable[[str], object], name: str) -> str:
    """What is not UTF-8 leads nowhere."""
    try:
        return str(read(name))
    except UnicodeDecodeError:
        return ""


def _known(edge: Edge) -> str:
    """What is known of the call; empty: nothing."""
    known = edge.ksr.htable.sht_get(PARTIES, edge.mark())
    return known if isinstance(known, str) else ""


def _note(edge: Edge, known: str) -> None:
    edge.ksr.htable.sht_sets(PARTIES, edge.mark(), known)


def _is_of_server(edge: Edge) -> bool:
    return edge.settings.is_machinery(caller.source(edge))
