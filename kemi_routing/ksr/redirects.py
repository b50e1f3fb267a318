# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones that want to redirect a call, which a second pass tells on (SPEC F10)."""

from kemi_routing import redirect, second_pass
from kemi_routing.ksr.edge import Edge
from kemi_routing.plan_codec import Hunt

MOVED = "X-Followme-Moved"
"""In the end of a second pass: the contacts to which a phone of it wants to redirect the call."""
_CONTACTS, _MOVED = "$T_rpl($(hdr(Contact)[*]))", f"$T_rpl($hdr({MOVED}))"


def heard(edge: Edge, state: Hunt, branch: int, status: int) -> Hunt:
    """The hunt after a branch ended with this answer, whose contacts are looked into."""
    index = state.target_of(branch)
    contacts = "" if index is None else (
        _said(edge, _CONTACTS) if status in redirect.STATUSES else
        _said(edge, _MOVED) if second_pass.is_of(state, branch) else "")
    if index is None or not contacts:
        return state
    if state.spiral:
        return redirect.pass_on(state, contacts, edge.settings)
    target = state.running.targets[index].target
    state, remarks = redirect.deflect(state, index, contacts, edge.settings)
    for remark in remarks:
        edge.log("redirect", number=state.number, target=target, to=remark.what, why=remark.why)
    return state


def tell(edge: Edge, state: Hunt) -> None:
    """The end of a second pass tells the first one what its phones wanted."""
    if state.contacts:
        edge.ksr.hdr.append_to_reply(f"{MOVED}: {', '.join(state.contacts)}\r\n")


def _said(edge: Edge, variable: str) -> str:
    try:
        return str(edge.ksr.pv.gete(variable))
    except UnicodeDecodeError:
        edge.log("redirect", why="not UTF-8")
        return ""
