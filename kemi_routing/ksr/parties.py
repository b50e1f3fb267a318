# SPDX-License-Identifier: GPL-2.0-or-later
"""A request within a call goes where the other side said that it is, and nowhere else.

Who has a part in a call writes Request-URI and Route himself. What both sides said of themselves is
noted when the call is answered, and when they move (a new INVITE or UPDATE and its answer), until
it ends. Where nothing is noted, as before the answer and after a restart, the Request-URI is
believed.
"""

from kemi_routing import party
from kemi_routing.addresses import bracketed, canonical
from kemi_routing.ksr import caller, in_force, loops
from kemi_routing.ksr.edge import Edge
from kemi_routing.settings import LOOPBACK
from kemi_routing.targets import Kind, Target

PARTIES = "parties"
"""Hash table of kamailio.cfg: where the sides of a call are, by the call's mark."""
ON_REFRESH = "ksr_refresh"
_REFRESHING = ("INVITE", "UPDATE")
_OF_CALLER = ("$T_req($hdr(Contact))", "$T_req($si)", "$T_req($sp)")


def answered(edge: Edge, by: Target | None) -> None:
    """Note both sides of a call, and the proxies between, from the 200 of this target; None: of one
    that is not known any more.
    """
    by_server = by is not None and by.kind not in (Kind.LINE, Kind.SIP)
    in_force.keep_up(edge)
    pv = edge.ksr.pv
    contact, address, port = map(str, map(pv.gete, _OF_CALLER))
    known = _with_sender(edge, _known(edge), str(pv.gete("$tt")), ours=by_server)
    if calls := party.where(contact):
        known = party.remembered(known, str(pv.gete("$ft")), calls, f"{bracketed(address)}:{port}",
                                 ours=edge.settings.is_machinery(canonical(address)))
    for route in loops.routes(edge):
        for one in route.split(","):
            if f";{loops.ROUTE_MARK}=" not in one and (proxy := party.where(one)):
                known = party.passed(known, proxy)
    _note(edge, known)


def refreshed(edge: Edge) -> None:
    """Note where a side is from now on that answers a new INVITE or UPDATE."""
    if 200 <= edge.ksr.pv.geti("$rs") < 300:
        in_force.keep_up(edge)
        _moves(edge, str(edge.ksr.pv.gete("$tt")))


def may_pass(edge: Edge) -> bool:
    """Whether a request within a call goes where its other side said that it is, or to the next
    proxy on the way there; call it after ``loose_route``. Notes where its sender is, and hears what
    is answered.
    """
    ksr = edge.ksr
    if not (_is_of_server(edge) or _leads_to_party(edge)):
        edge.log("refuse", why="not where the other side is", to=ksr.pv.gete("$ru"),
                 source=caller.source(edge))
        return False
    if ksr.pv.gete("$rm") in _REFRESHING:
        _moves(edge, str(ksr.pv.gete("$ft")))
        ksr.tm.t_on_reply(ON_REFRESH)
    elif ksr.is_method_in("B"):
        ended(edge)
    return True


def ended(edge: Edge) -> None:
    """A BYE went its way: what is known of the call is not needed any more."""
    edge.ksr.htable.sht_rm(PARTIES, edge.mark())


def _leads_to_party(edge: Edge) -> bool:
    ksr, known = edge.ksr, _known(edge)
    if not known:
        return True
    asked = party.where(ksr.pv.gete("$ru"))
    inside = {LOOPBACK, *edge.settings.platform.own_hosts, *edge.settings.peers}
    if asked is None or not party.is_at(known, str(ksr.pv.gete("$tt")), asked, inside):
        return False
    between = party.where(ksr.pv.gete("$du")) if ksr.isdsturiset() else None
    return not ksr.isdsturiset() or (between is not None and party.is_between(known, between))


def _moves(edge: Edge, tag: str) -> None:
    known = _known(edge)
    if known:
        _note(edge, _with_sender(edge, known, tag, ours=_is_of_server(edge)))


def _with_sender(edge: Edge, known: str, tag: str, *, ours: bool) -> str:
    said = party.where(edge.ksr.hdr.gete("Contact"))
    source = f"{bracketed(caller.source(edge))}:{edge.ksr.pv.geti('$sp')}"
    return party.remembered(known, tag, said, source, ours=ours) if said else known


def _known(edge: Edge) -> str:
    """What is known of the call; empty: nothing."""
    known = edge.ksr.htable.sht_get(PARTIES, edge.mark())
    return known if isinstance(known, str) else ""


def _note(edge: Edge, known: str) -> None:
    edge.ksr.htable.sht_sets(PARTIES, edge.mark(), known)


def _is_of_server(edge: Edge) -> bool:
    return edge.settings.is_machinery(caller.source(edge))
