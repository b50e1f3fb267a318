# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests within a call (RFC 3261 section 12.2).

Who has a part in a call knows our mark of it, and writes the Request-URI himself. So a request goes
where the other side is (``parties``) and opens no connection to our own machinery. What is refused
changes nothing, and no BYE ends the count of a call that its other side could not accept.
"""

from collections.abc import Callable
from datetime import datetime

from kemi_routing import hidden, locate, render
from kemi_routing.addresses import canonical
from kemi_routing.dns import is_address
from kemi_routing.ksr import caller, flows, loops, masks, names, parties, records, route_set, rtp
from kemi_routing.ksr.caps import Caps
from kemi_routing.ksr.edge import Edge

OUT_OF_ORDER = 500, "Out Of Order"
_REFUSABLE, _HOPS = ("Require", "Proxy-Require", "Max-Forwards"), "Max-Forwards: 70\r\n"
"""What a BYE loses, and gets: it ends what counts, so nobody may have a reason to refuse it."""


def route(edge: Edge, caps: Caps, now: Callable[[], datetime]) -> None:
    """Pass on a request with a To tag, in a call that we let in; others are answered 404."""
    ksr = edge.ksr
    caller.remove(edge, render.OUR_HEADERS)
    given, bye = ksr.hdr.gete("Route"), ksr.is_method_in("B")
    found = loops.let_in(edge, given)
    ours = found is not None
    trusted = caller.trunk(edge) is not None
    if bye and ksr.tm.t_check_trans() == 0:  # a repetition, which tm has handled
        return
    masked = masks.reach(edge) if ours else ""
    mask = masks.of_call(edge, given) if ours else None
    if found and _refuse(edge, masks.refusal(edge, found, mask, masked) or parties.refusal(edge)):
        return
    if ours and edge.settings.hides and ksr.is_method_in("F") and _transfers_elsewhere(edge):
        edge.reply(403, "Transfer To Numbers Only")
        return
    if ours and _refuse(edge, rtp.TOO_MUCH if rtp.asks_too_much(edge) else None):
        return
    if ours and not trusted and _refuse(edge, OUT_OF_ORDER if caps.is_late() else None):
        return
    by = found.by if found else ""
    if ours:
        hides = mask is not None and mask.private and by == loops.CALLER
        flows.within_call(edge, hidden=hides, trusted=trusted)
    if ours and bye:
        caller.remove(edge, _REFUSABLE)
        ksr.hdr.append(_HOPS)
        edge.log("bye", by=by)
        records.hung_up(edge, now(), by)
    if (ours and ksr.rr.loose_route() > 0) or (
            ksr.is_method_in("A") and ksr.tm.t_check_trans() > 0):
        if ours:
            _put_on(edge, mask, by, masked)
            rtp.within_call(edge)
            parties.passes(edge)
        flows.follow(edge)
        if _finds_its_way(edge):
            if not edge.settings.may_connect(*_next_hop(edge)):
                ksr.set_forward_no_connect()  # one that there is already is used
            ksr.tm.t_relay()
    elif not ksr.is_method_in("A"):
        edge.reply(404, "Not Here")


def _transfers_elsewhere(edge: Edge) -> bool:
    """Whether a REFER would show one side of the call where somebody of another call is: that one's
    Contact is masked for us alone, and was read by topoh.
    """
    platform = edge.settings.platform
    return hidden.names_other_host(edge.ksr.hdr.gete("Refer-To"),
                                   platform.own_hosts | {platform.domain})


def _refuse(edge: Edge, answer: tuple[int, str] | None) -> bool:
    """Give that answer, if there is one; an ACK gets none."""
    if answer and not edge.ksr.is_method_in("A"):
        edge.reply(*answer)
    return answer is not None


def on_contact(edge: Edge) -> None:
    """A phone answers that is rung for another proxy, which knows the call; we know its sides."""
    flows.add_alias(edge)
    if edge.ksr.pv.gete("$tt"):
        route_set.restore(edge)
    if 200 <= edge.ksr.pv.geti("$rs") < 300 or edge.ksr.hdr.is_present("RSeq") > 0:
        parties.answered(edge)


def _put_on(edge: Edge, mask: masks.Mask | None, by: str, masked: str) -> None:
    """Each side sees its own dialog. Where nobody knows any more where the sides are, a proxy that
    who is called wrote into Route learns nothing.
    """
    if mask is None:
        return
    if by == loops.CALLER:
        masks.by_caller(edge, mask)
        return
    leads_away = masked and edge.ksr.isdsturiset() and not parties.are_known(edge)
    if leads_away:
        edge.ksr.seturi(masked)
    masks.by_callee(edge, mask, to_caller=not leads_away and bool(masked or not mask.private))


def on_masked_answer(edge: Edge) -> None:
    """A side of a call in which From is replaced answers a request within it."""
    if masks.answered_within_call(edge):
        masks.hide_contact(edge)


def on_flow_answer(edge: Edge) -> None:
    """A side of a call answers that is reached where its answers come from."""
    flows.add_alias(edge, hidden=masks.answered_within_call(edge))
    _refreshed(edge)


def on_refresh(edge: Edge) -> None:
    """A side of a call answers a new INVITE or UPDATE."""
    on_masked_answer(edge)
    _refreshed(edge)


def _refreshed(edge: Edge) -> None:
    parties.refreshed(edge)
    rtp.answer_within_call(edge)


def _finds_its_way(edge: Edge) -> bool:
    """Whether the next hop is an address, or a name whose address is known: no worker asks for it.

    Of one that is not known yet the first request gets no answer over UDP: when it is sent again,
    after 0.5 s (RFC 3261 section 17.1.2.2), it is known.
    """
    ksr = edge.ksr
    wanted = locate.of_uri(str(ksr.pv.gete("$du") or ksr.pv.gete("$ru")))
    if not wanted and is_address(_next_hop(edge)[0]):
        return True
    host = locate.host_of(wanted)
    public = "." in host or host in edge.settings.platform.sip_hosts
    found = names.hops(edge, wanted) if public else ()
    if found and not parties.may_lead_to(edge, _host(found[0].at)):
        found = ()
    if found:
        ksr.setdsturi(names.uri(found[0].at))
        return True
    if found is None:
        names.ask(edge, wanted)
    if not ksr.is_method_in("A"):
        if found is not None:
            edge.reply(478, "Unresolvable Destination")
        elif not ksr.is_UDP():
            edge.reply(503, "Service Unavailable", "Retry-After: 1")
    return False


def _host(at: str) -> str:
    """The address of a hop."""
    return canonical(at.partition(";")[0].rpartition(":")[0])


def stray_answer(edge: Edge) -> None:
    """Pass on an answer that no transaction waits for, as a 200 sent again, in a call that we let
    in; others are dropped (RFC 6026 section 7.3). Its Via says where to, so it opens no connection.
    """
    if loops.is_ours(edge):
        edge.ksr.set_forward_no_connect()
    else:
        edge.ksr.set_drop()


def _next_hop(edge: Edge) -> tuple[str, str]:
    """Host and port, as Kamailio reads them."""
    pv = edge.ksr.pv
    if host := pv.gete("$dd"):
        return str(host), str(pv.gete("$dp"))
    return str(pv.gete("$rd")), str(pv.gete("$rp"))
