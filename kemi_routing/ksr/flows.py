# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones behind NAT, and on TCP and TLS: they are reached where their messages come from.

A registration keeps that address beside the Contact, calls keep it in the Contact (core module
``flow``), so that requests both ways find the phone; its own are answered there (RFC 3581).
"""

from kemi_routing import contact, flow
from kemi_routing.ksr import caller
from kemi_routing.ksr.edge import Edge

RECEIVED = "$avp(received)"
"""registrar's ``received_avp`` in kamailio.cfg."""
NAT_FLAG = 6
"""usrloc's ``nat_bflag`` in kamailio.cfg: which phones get OPTIONS, to keep the NAT's port open."""
ON_REPLY = "ksr_reply"
ON_PHONE_REPLY = "ksr_phone_reply"
ON_CONTACT_REPLY = "ksr_contact_reply"
ON_FLOW_REPLY = "ksr_flow_reply"

_UDP = "udp"


def register(edge: Edge, contacts: list[str]) -> None:
    """Let the registration that comes keep the address that it comes from, where Contact lacks it.
    """
    ksr = edge.ksr
    direct = ksr.pv.get("$proto") == _UDP and contact.is_direct(
        ", ".join(contacts), ksr.hdr.gete("Via"), *_source(edge))
    if not direct:
        ksr.pv.sets(RECEIVED, str(ksr.pv.gete("$su")))
        ksr.setbflag(NAT_FLAG)


def add_alias(edge: Edge) -> None:
    """Write the address that a message comes from into its Contact, where that has another one."""
    ksr = edge.ksr
    written = ksr.hdr.gete("Contact")
    if written and not (ksr.pv.get("$proto") == _UDP and contact.is_at(written, *_source(edge))):
        ksr.nathelper.set_contact_alias()


def within_call(edge: Edge) -> None:
    """The same for a request within a call that comes from a telephone itself, as far as can be
    told: from nobody who is in the settings, and by no other proxy. It is answered there too.
    """
    hdr = edge.ksr.hdr
    if not (edge.settings.is_machinery(caller.source(edge)) or hdr.get_idx("Via", 1) is not None
            or "," in hdr.gete("Via")):
        edge.ksr.force_rport()
        add_alias(edge)


def to_phone(edge: Edge) -> None:
    """A branch to a registered phone is being added: what it answers comes from its flow."""
    has_flow = edge.ksr.isbflagset(NAT_FLAG)
    edge.ksr.tm.t_on_reply(ON_PHONE_REPLY if has_flow else ON_REPLY)


def follow(edge: Edge) -> None:
    """Send a request within a call to the flow that its Request-URI names, if it goes to nobody
    before.
    """
    ksr = edge.ksr
    found = None if ksr.isdsturiset() else flow.of_alias(ksr.pv.gete("$ru"))
    if found:
        ksr.seturi(found[0])
        ksr.setdsturi(found[1])
        ksr.tm.t_on_reply(ON_FLOW_REPLY)


def _source(edge: Edge) -> tuple[str, int]:
    return caller.source(edge), edge.ksr.pv.geti("$sp")
