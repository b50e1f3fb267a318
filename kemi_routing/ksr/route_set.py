# SPDX-License-Identifier: GPL-2.0-or-later
"""Our Record-Route in an answer is as we sent it, whatever who is called wrote there.

He repeats it (RFC 3261 section 12.1.1), and the caller's requests go by what he writes. Without us,
or by a proxy of his own before us, they would tell him who calls, or find no way.
"""

import re
from itertools import takewhile

from kemi_routing import party
from kemi_routing.addresses import bracketed
from kemi_routing.ksr import loops
from kemi_routing.ksr.edge import Edge

_CALLERS = "$T_req($(hdr(Record-Route)[*]))"
_CAME = "$T_req($Ri)", "$T_req($Rp)", "$T_req($proto)", "$T_req($ru)"
_USUAL = ":5060"
"""Which Kamailio leaves out."""


def add(edge: Edge, branch: int, params: str) -> None:
    """Add parameters to our Record-Route on the branch that is being added.

    Raises RuntimeError where Kamailio cannot: the call would lose its way, or tell the caller.
    """
    if edge.ksr.rr.add_rr_param(params) < 0:
        raise RuntimeError("the Record-Route took no parameter")
    name = _of_branch(branch)
    edge.ksr.pv.unset(name)  # the index may be used again
    edge.ksr.pv.sets(name, params)


def restore(edge: Edge, branch: int | None = None, *, without: str = "", more: str = "") -> None:
    """Write our Record-Route into an answer as it was on this branch, ``without`` a parameter and
    with ``more``; None: it is the same on all.
    """
    pv = edge.ksr.pv
    params = pv.get(loops.ROUTE)
    if params is None:  # in a second pass that is for the first one to do
        return
    own = f"{params}{'' if branch is None else pv.gete(_of_branch(branch))}"
    if without:
        own = re.sub(rf";{without}=\w+", "", own)
    own += more
    callers, came = edge.text(_CALLERS), [*loops.routes(edge)]
    host, port, transport = _socket(edge)
    tail = f";lr=on;ftag={pv.gete('$T_req($ft)')}{own}>"
    sent = {f"{host}{at}{transport}{double}{tail}"
            for at in {port, port.removesuffix(_USUAL)} for double in ("", ";r2=on")}
    if _ends_with(came, sent, callers):
        return
    edge.ksr.hdr.remove("Record-Route")
    for route in (*_above(edge, came, callers), f"{host}{port}{transport}{tail}", callers):
        if route:
            edge.ksr.hdr.append(f"Record-Route: {route}\r\n")


def _socket(edge: Edge) -> tuple[str, str, str]:
    """Where the call came, as module rr writes it."""
    address, port, transport, uri = (str(edge.ksr.pv.gete(name)) for name in _CAME)
    scheme = "sips" if uri.startswith("sips:") else "sip"
    how = "" if transport == "udp" else f";transport={transport}"
    return f"<{scheme}:{bracketed(address)}", f":{port}", how


def _ends_with(came: list[str], ours: set[str], callers: str) -> bool:
    return any(route in ours and ",".join(came[index + 1:]) == callers
               for index, route in enumerate(came))


def _above(edge: Edge, came: list[str], callers: str) -> list[str]:
    """The proxies between us and who is called."""
    others, sockets = {one.strip() for one in callers.split(",")}, edge.settings.sockets

    def is_above(route: str) -> bool:
        where = party.where(route)
        return route not in others and (
            where is None or where.target.rpartition("@")[2] not in sockets)

    return [*takewhile(is_above, loops.first_hops(came))]


def _of_branch(branch: int) -> str:
    return f"$avp(followme_route_{branch})"
