# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose answer it is: each branch has a proof in its Via, which only who was sent it can repeat.

tm finds the branch of an answer by the number at the end of its branch parameter. Whoever is rung
could write another one there and answer, or refuse, in the name of others. kamailio.cfg proves the
first branch of every INVITE, and drops what comes without its proof before tm sees it: in a reply
route it would be too late, since a final answer cannot be dropped there.
"""

from functools import cache
from hashlib import sha256

from kemi_routing.ksr.edge import Edge

VIA, PARAMETER = "via", "fk"
"""Core's ``xavp_via_params`` in kamailio.cfg, and the parameter of Via."""
_DIGITS = 24


@cache
def key(secret: str) -> str:
    """As kamailio/start makes it for kamailio.cfg."""
    return sha256(f"branch {secret}\n".encode()).hexdigest()[:32]


def proof(upstream: str, tag: str, index: str, key: str) -> str:
    """Of the branch with this number, as tm writes it, of the INVITE that came with this branch
    parameter in its topmost Via and this tag in From; nobody without the key can make it.
    """
    return sha256(f"{upstream};{tag};{index};{key}".encode()).hexdigest()[:_DIGITS]


def number(index: int) -> str:
    """As tm writes the index of a branch (Kamailio's ``int2reverse_hex``)."""
    return f"{index:x}"[::-1]


def prove(edge: Edge, index: int) -> None:
    """Put its proof into the branch that is being added; that of the first one is there already."""
    if index:
        pv = edge.ksr.pv
        of_call = str(pv.gete("$via0(branch)")), str(pv.gete("$ft"))
        own = proof(*of_call, number(index), key(edge.secret))
        edge.ksr.pvx.xavp_child_sets(VIA, PARAMETER, own)


def not_its_own(edge: Edge) -> None:
    """Tell of an answer that is dropped, since it has not the proof of its branch."""
    pv = edge.ksr.pv
    edge.log("refuse", why="an answer in the name of another", source=pv.gete("$si"),
             status=pv.gete("$rs"))
