# SPDX-License-Identifier: GPL-2.0-or-later
"""What workers put down for call records (SPEC C1): into a queue, without waiting for anybody."""

from datetime import datetime

from kemi_routing import call_record, trail
from kemi_routing.call_record import Arrival, Said
from kemi_routing.ksr.caps import admitted, is_capped
from kemi_routing.ksr.edge import Edge
from kemi_routing.model import Call
from kemi_routing.plan import Plan
from kemi_routing.plan_codec import Hunt
from kemi_routing.trunks import Trunk

RECORDS = "records"
"""Queue of kamailio.cfg: Call-ID, entry of its record."""
RINGS = (180, 183)
"""Of these a record tells when the first one of a branch came."""
_RINGING = "$avp(followme_ringing)"


def arrival(edge: Edge, call: Call, trunk: Trunk | None, now: datetime) -> Arrival | None:
    """What a record begins with; None where none is kept."""
    if not edge.settings.records_days:
        return None
    via = (f"trunk {trunk.name}" if trunk else f"line {call.line}" if call.line
           else "media server")
    pv = edge.ksr.pv
    return Arrival(call, str(pv.gete("$ci")), call_record.epoch_ms(now), str(pv.gete("$rU")), via)


def decided(edge: Edge, came: Arrival | None, plan: Plan, said: Said | None = None) -> int:
    """Note the decision about a call; the name of its record for ``Fork``, 0 where none is kept.

    ``said`` is the final answer where it gets one at once.
    """
    if came is None:
        return 0
    _put(edge, came.call_id, call_record.decided(came, plan, said))
    return came.received_ms


def refused(edge: Edge, came: Arrival | None, number: str, said: Said) -> None:
    """Note a call that was refused before there was a plan; ``number``: that of ours which it
    concerns, if any.
    """
    if came is not None and number:
        _put(edge, came.call_id, call_record.refused(came, number, said))


def rings(edge: Edge, branch: int, at_ms: int) -> None:
    """Note that a branch rings, once; by the clock of ``Hunt.began_ms``."""
    if not edge.settings.records_days:
        return
    pv = edge.ksr.pv
    ringing = str(pv.gete(_RINGING))
    if not trail.has_rung(ringing, branch):
        if ringing:
            pv.unset(_RINGING)  # a second value would be stacked on the first
        pv.sets(_RINGING, ringing + trail.rang(branch, at_ms))


def ended(edge: Edge, state: Hunt, status: int, after_ms: int) -> None:
    """Note how the set-up of a call ended, or that a second pass is over."""
    if not state.received_ms:
        return
    ringing = str(edge.ksr.pv.gete(_RINGING))
    if state.spiral:
        text = call_record.part(state, ringing)
    else:
        text = call_record.ended(state, status, after_ms, ringing, _held_back(edge, state))
    _put(edge, str(edge.ksr.pv.gete("$ci")), text)


def hung_up(edge: Edge, now: datetime, by: str) -> None:
    """Note who ended an answered call."""
    if edge.settings.records_days:
        _put(edge, str(edge.ksr.pv.gete("$ci")),
             call_record.hung_up(call_record.epoch_ms(now), by))


def _held_back(edge: Edge, state: Hunt) -> list[int]:
    """The accounts whose caps let no outside target ring."""
    capped = [index for index, one in enumerate(state.accounts) if is_capped(one)]
    if not capped:
        return []
    let_in = admitted(edge)
    return [index for index in capped if state.accounts[index].number not in let_in]


def _put(edge: Edge, call_id: str, text: str) -> None:
    edge.ksr.mqueue.mq_add(RECORDS, call_id, text)
