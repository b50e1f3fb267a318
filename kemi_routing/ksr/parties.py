# SPDX-License-Identifier: GPL-2.0-or-later
"""A request within a call goes where the other side said that it is, and nowhere else.

Who has a part in a call writes Request-URI and Route himself. What both sides said of themselves is
noted when the call is answered, or with a ringing that must be acknowledged (RFC 3262), and when
they move (a new INVITE or UPDATE and its answer), until it ends. Where nothing is noted there is no
such call; only of one that began before this Kamailio is the Request-URI believed (``reach``).
"""

from collections.abc import Iterable
from itertools import takewhile

from kemi_routing import party
from kemi_routing.addresses import bracketed, canonical
from kemi_routing.ksr import caller, in_force, loops, reach
from kemi_routing.ksr.edge import Edge
from kemi_routing.party import Whose
from kemi_routing.targets import Kind, Target

PARTIES = "parties"
"""Hash table of kamailio.cfg: where the sides of a call are, by the call's mark."""
ON_REFRESH = "ksr_refresh"
KEPT_S = 43200
"""How long that is known of a call in which no side says anything more (kamailio.cfg)."""
_UNANSWERED_S = 660
"""How long of one that is not answered, from its last ringing on; a phone rings 600 s at most."""
_AFTER_END_S = 64
"""How long after a BYE: it may be refused and sent again, or cross another one."""
_REFRESHING = ("INVITE", "UPDATE")
_BY_CERTIFICATE = "$avp(followme_by_certificate)"
_MOST_ROUTES = 10
_MOST_TIMES = 2
"""That one proxy may stand in a Route: it names both its sockets where these differ (module rr)."""
_WHY = {403: "not of that side", 404: "not where the other side is", 481: "there is no such call"}
_OF_CALLER = ("$T_req($hdr(Contact))", "$T_req($si)", "$T_req($sp)",
              "$T_req($(hdr(Record-Route)[*]))")


def known_by_certificate(edge: Edge) -> None:
    """The call that comes is of a trunk whose address says nothing."""
    edge.ksr.pv.seti(_BY_CERTIFICATE, 1)


def answered(edge: Edge, by: Target | None = None, *, first: bool = False, rings: bool = False,
             ) -> str:
    """Note both sides of a call, and the proxies before each, from what this target answers; None:
    one that is not known any more. It is the ``first`` that answers, or ``rings`` only. What the
    caller's Record-Route needs then (``reach``).
    """
    whose = (Whose.OTHERS if by is None or by.kind is Kind.SIP else
             Whose.LINE if by.kind is Kind.LINE else Whose.OURS)
    in_force.keep_up(edge)
    contact, address, port, routes = map(edge.text, _OF_CALLER)
    caller_, callee = map(edge.text, ("$ft", "$tt"))
    known = _with_sender(edge, _known(edge), callee, whose, party.NOWHERE)
    calling = _of_caller(edge, canonical(address))
    known = party.remembered(known, caller_, party.where(contact) or party.NOWHERE,
                             f"{bracketed(address)}:{port}", calling)
    for proxy in loops.proxies([routes]):
        known = party.passed(known, caller_, proxy)
    # Behind ours stand the caller's; who answers may write what he likes there.
    came = loops.proxies(loops.routes(edge))
    before = [*takewhile(lambda proxy: not _is_ours(edge, proxy), came)]
    for proxy in before:
        known = party.passed(known, callee, proxy)
    if first:
        known = party.only(known, (caller_, callee))
    _note(edge, known, _UNANSWERED_S if rings else 0)
    stays = whose is Whose.OURS and calling is not Whose.OURS
    return reach.callee_stays(edge, before) if stays else ""


def refreshed(edge: Edge) -> None:
    """Note where a side is from now on that answers a new INVITE or UPDATE."""
    if 200 <= edge.ksr.pv.geti("$rs") < 300:
        in_force.keep_up(edge)
        _moves(edge, edge.text("$tt"))


def refusal(edge: Edge) -> tuple[int, str] | None:
    """Why a request within a call is refused: it is not of a side, or does not go where its other
    side said that it is, on the way that both have; or there is no such call. None: it may pass.

    Gateways and media servers may send what they like. In their name, or a trunk's, nobody else
    speaks: he would end what counts and costs, and not the call.
    """
    if edge.settings.is_server(caller.source(edge)):
        return None
    known = _known(edge)
    refused: tuple[int, str] | None = None
    if known and party.is_over(known) and not edge.ksr.is_method_in("AB"):
        refused = 481, "Call Has Ended"
    elif not (known or loops.outlived(edge, KEPT_S)):
        refused = 481, "Call Does Not Exist"
    elif known and (may := _may_speak(edge, known)) is not True:
        refused = (481, "Call Does Not Exist") if may is None else (403, "Forbidden")
    elif not (_leads_to_party(edge, known) if known else
              caller.trunk(edge) is not None or
              reach.may_pass(edge, [_asked(edge), *_others(edge, _way(edge))])):
        refused = 404, "Not Here"
    if refused:
        why, asked = _WHY[refused[0]], edge.ksr.pv.gete("$ru")
        edge.log("refuse", why=why, to=asked, source=caller.source(edge))
    return refused


def passes(edge: Edge) -> None:
    """Note where the sender is of a request that may pass, and hear what is answered.

    Where two answered at once, a BYE ends one of two calls (RFC 3261 section 13.2.2.4).
    """
    ksr = edge.ksr
    if ksr.pv.gete("$rm") in _REFRESHING:
        _moves(edge, edge.text("$ft"))
        ksr.tm.t_on_reply(ON_REFRESH)
    elif ksr.is_method_in("B") and (known := _known(edge)) and party.is_of_two(known):
        _note(edge, party.ended(known))


def are_known(edge: Edge) -> bool:
    """Whether it is known where the sides of the call are."""
    return bool(_known(edge))


def may_lead_to(edge: Edge, address: str) -> bool:
    """Whether a host name in the Request-URI may mean this IP address: one inside only where the
    side is ours.
    """
    return not reach.is_inside(edge, address) or party.is_ours(
        _known(edge), edge.text("$tt"))


def _leads_to_party(edge: Edge, known: str) -> bool:
    asked, tag, way = _asked(edge), edge.text("$tt"), _way(edge)
    if asked is None:
        return False
    others = _others(edge, way)
    inside = {host for host in asked.hosts if reach.is_inside(edge, host)}
    if not party.is_at(known, tag, asked, inside, by_proxy=bool(others)):
        return False
    return (all(one is not None and party.is_before(known, tag, one) for one in others)
            and all(way.count(one) <= _MOST_TIMES for one in way))


def _may_speak(edge: Edge, known: str) -> bool | None:
    """Whether the sender may speak for its side; None: there is no such side."""
    return party.may_speak(known, edge.text("$ft"), caller.source(edge),
                           ours=caller.trunk(edge) is not None)


def _asked(edge: Edge) -> party.Where | None:
    return party.where(edge.ksr.pv.gete("$ru"))


def _way(edge: Edge) -> list[party.Where | None]:
    """By which proxies it is to go, None for what is not understood; too many are not read."""
    routes = [one for route in loops.routes(edge, "Route") for one in route.split(",")]
    return [party.where(one) for one in routes] if len(routes) <= _MOST_ROUTES else [None]


def _others(edge: Edge, way: Iterable[party.Where | None]) -> list[party.Where | None]:
    return [one for one in way if one is None or not _is_ours(edge, one)]


def _is_ours(edge: Edge, proxy: party.Where) -> bool:
    """Whether a Route leads to a socket of ours, which may have been another proxy's."""
    pv, at = edge.ksr.pv, proxy.target.rpartition("@")[2]
    here = f"{bracketed(str(pv.gete('$Ri')))}:{pv.geti('$Rp')}"
    return not proxy.flow and at in {*edge.settings.sockets, here, here.removesuffix(":5060")}


def _moves(edge: Edge, tag: str) -> None:
    known = _known(edge)
    if known:
        _note(edge, _with_sender(edge, known, tag, None))


def _with_sender(edge: Edge, known: str, tag: str, whose: Whose | None,
                 otherwise: party.Where | None = None) -> str:
    said = party.where(edge.text("$hdr(Contact)")) or otherwise
    source = f"{bracketed(caller.source(edge))}:{edge.ksr.pv.geti('$sp')}"
    return party.remembered(known, tag, said, source, whose) if said else known


def _known(edge: Edge) -> str:
    """What is known of the call; empty: nothing."""
    known = edge.ksr.htable.sht_get(PARTIES, edge.mark())
    return known if isinstance(known, str) else ""


def _note(edge: Edge, known: str, seconds: int = 0) -> None:
    if party.is_over(known):  # who answered may repeat his 200 after the BYE
        seconds = _AFTER_END_S
    if seconds:
        edge.keep(PARTIES, edge.mark(), known, seconds)
    else:
        edge.ksr.htable.sht_sets(PARTIES, edge.mark(), known)


def _of_caller(edge: Edge, address: str) -> Whose:
    """Who calls from there: phones behind an edge proxy are where that says."""
    settings = edge.settings
    if settings.is_server(address) or settings.network.trunk_at(address) or (
            edge.ksr.pv.get(_BY_CERTIFICATE)):
        return Whose.OURS
    return Whose.OTHERS if address in settings.edge_proxies else Whose.LINE
