# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones behind NAT, and on TCP and TLS: they are reached where their messages come from.

A registration keeps that address beside the Contact, calls keep it in the Contact (core module
``flow``), so that requests both ways find the phone; its own are answered there (RFC 3581).

Of several proxies only the one at which it registered reaches such a phone. The others send its
branches there, to the socket at which they tell registrations.
"""

from kemi_routing import contact, flow, render
from kemi_routing.hunt import FLOW_FAILED
from kemi_routing.ksr import caller, loops, masks, reach
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.target_set import LOCATION

RECEIVED = "$avp(received)"
"""registrar's ``received_avp`` in kamailio.cfg."""
NAT_FLAG = 6
"""usrloc's ``nat_bflag`` in kamailio.cfg: which phones get OPTIONS, to keep the NAT's port open."""
ON_REPLY = "ksr_reply"
ON_PHONE_REPLY = "ksr_phone_reply"
ON_CONTACT_REPLY = "ksr_contact_reply"
ON_FLOW_REPLY = "ksr_flow_reply"

_UDP = "udp"
_MATCH_RECEIVED, _BY_RECEIVED = "$xavp(reg=>match_received)", 2
_LONGEST_MS = 660_000
NO_REPLY_MS = 8000
"""How long the proxy that holds a flow waits for a sign of the phone: longer than the one that
decides, which otherwise heard a 408 as if it were the phone's.
"""


def register(edge: Edge, contacts: list[str]) -> None:
    """Let the registration that comes keep the address that it comes from, where Contact lacks it.
    """
    ksr = edge.ksr
    direct = ksr.pv.get("$proto") == _UDP and contact.is_direct(
        ", ".join(contacts), ksr.hdr.gete("Via"), *_source(edge))
    if not direct:
        source = str(ksr.pv.gete("$su"))
        ksr.pv.sets(RECEIVED, flow.held_by(source, edge.settings.cluster))
        ksr.setbflag(NAT_FLAG)


def add_alias(edge: Edge, *, hidden: bool = False) -> None:
    """Write the address that a message comes from into its Contact, where that has another one;
    with the rest of that ``hidden`` (``masks``). A redirect's Contact is somebody else.
    """
    ksr = edge.ksr
    written, transport = caller.header(edge, "Contact") or "", str(ksr.pv.gete("$proto"))
    redirects = ksr.pv.geti("$rs") >= 300
    moved = written and not redirects and not (
        transport == _UDP and contact.is_at(written, *_source(edge)))
    if hidden:
        masks.hide_contact(edge, flow.alias(transport, *_source(edge)) if moved else "")
    elif moved:
        ksr.nathelper.set_contact_alias()


def within_call(edge: Edge, *, hidden: bool, trusted: bool) -> None:
    """The same for a request within a call that comes from a telephone itself, as far as can be
    told: from nobody who is in the settings, and by no other proxy. It is answered there too.
    """
    hdr = edge.ksr.hdr
    known = trusted or edge.settings.is_machinery(caller.source(edge))
    if not (known or hdr.get_idx("Via", 1) is not None or "," in hdr.gete("Via")):
        edge.ksr.force_rport()
        add_alias(edge, hidden=hidden)
    elif hidden:
        masks.hide_contact(edge)


def to_phone(edge: Edge, line: str) -> None:
    """A branch to a registered phone of this line is being added: what it answers comes from its
    flow, to which no new connection can be opened, or from where it registered.
    """
    has_flow = edge.ksr.isbflagset(NAT_FLAG)
    direct = has_flow or not edge.ksr.pv.gete("$du")  # else by the Path of an edge proxy
    if has_flow and _is_elsewhere(edge):
        _through_holder(edge, line)
        direct = False
    elif has_flow:
        edge.ksr.set_forward_no_connect()
    edge.ksr.tm.t_on_reply(ON_PHONE_REPLY if direct else ON_REPLY)


def _is_elsewhere(edge: Edge) -> bool:
    """Whether another proxy holds the flow of a branch."""
    own = edge.settings.cluster
    return bool(own) and flow.holder(str(edge.ksr.pv.gete("$du"))) not in ("", own)


def _through_holder(edge: Edge, line: str) -> None:
    """Send a branch to the proxy that holds its flow, with what that looks up."""
    ksr = edge.ksr
    reached = str(ksr.pv.gete("$du"))
    ksr.hdr.append(f"{render.FLOW}: {line} {reached}\r\n")
    ksr.setdsturi(f"sip:{flow.holder(reached)};transport=tcp")
    ksr.corex.set_send_socket(f"tcp:{edge.settings.cluster}")


def from_peer(edge: Edge) -> None:
    """Ring a phone for another proxy that found it to be registered here.

    The other one has decided the call; its timers end the branch. Nothing is sent to an address at
    which no phone of the line is registered.
    """
    ksr = edge.ksr
    line, _, reached = ksr.hdr.gete(render.FLOW).partition(" ")
    caller.remove(edge, render.OUR_HEADERS)
    ksr.hdr.remove("Route")
    if not edge.new_transaction():
        return
    ksr.pv.sets(_MATCH_RECEIVED, reached)
    aor = f"sip:{line}@{edge.settings.platform.domain}"
    if not reached or ksr.registrar.registered_flags(LOCATION, aor, _BY_RECEIVED) < 0:
        _is_gone(edge, line)
        return
    loops.record_route(edge, (), reach.caller_stays(edge) + loops.proof(edge, loops.HELD))
    ksr.setdsturi(reached)
    ksr.set_forward_no_connect()
    ksr.tm.t_on_reply(ON_CONTACT_REPLY)
    ksr.tm.t_set_auto_inv_100(0)  # or the other proxy took it for the phone's
    ksr.tm.t_set_fr(_LONGEST_MS, NO_REPLY_MS)
    ksr.tm.t_set_max_lifetime(_LONGEST_MS, _LONGEST_MS)
    ksr.tm.t_set_disable_internal_reply(1)
    if ksr.tm.t_relay() < 0:
        _is_gone(edge, line)


def _is_gone(edge: Edge, line: str) -> None:
    edge.log("refuse", why="its flow is gone", line=line)
    edge.reply(FLOW_FAILED, "Flow Failed")


def follow(edge: Edge) -> None:
    """Send a request within a call to the flow that its Request-URI names, if it goes to nobody
    before.
    """
    ksr = edge.ksr
    found = None if ksr.isdsturiset() else flow.of_alias(str(ksr.pv.gete("$ru")))
    if found:
        ksr.seturi(found[0])
        ksr.setdsturi(found[1])
        ksr.tm.t_on_reply(ON_FLOW_REPLY)


def _source(edge: Edge) -> tuple[str, int]:
    return caller.source(edge), edge.ksr.pv.geti("$sp")
