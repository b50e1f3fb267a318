# SPDX-License-Identifier: GPL-2.0-or-later
"""REGISTER (RFC 3261 section 10.3): what a line's phones may bind, and for how long."""

from kemi_routing import contact
from kemi_routing.ksr import caller, credentials, flows
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.target_set import LOCATION
from kemi_routing.record import LineRecord

_MAX_CONTACTS = "$xavp(reg=>max_contacts)"
_MOST_CONTACTS = 10
_OF_CONTACT = ("instance", "addr", "callid", "ruid", "conid", "expires")
_ALL = "*"
_SAVE_AND_ANSWER, _SAVE_AND_PREPARE, _TOO_MANY = 0, 2 | 16, -2  # of Kamailio's module registrar


def register(edge: Edge) -> None:
    """Save the contacts of a line that proves its password; others are answered.

    Raises StoreUnavailable.
    """
    edge.ksr.force_rport()
    if not edge.ksr.is_myself_turi():
        edge.reply(403, "Forbidden")
    elif line := credentials.authenticate(edge):
        _save(edge, line)


def _save(edge: Edge, line: LineRecord) -> None:
    ksr = edge.ksr
    behind_proxy = caller.source(edge) in edge.settings.edge_proxies
    path = ksr.hdr.is_present("Path") > 0
    contacts = _contacts(edge)
    if path and not behind_proxy:
        _refuse(edge, line, "a Path that is not of an edge proxy", "Path Is Not Yours")
    elif path and not _leads_to_edge_proxy(edge):
        _refuse(edge, line, "a Path that leads elsewhere", "Path Leads Elsewhere")
    elif not (path or _are_understood(contacts)):
        _refuse(edge, line, "contact not understood", "Contact Not Understood")
    elif behind_proxy and not path and not _are_at(edge, contacts):
        _refuse(edge, line, "contact elsewhere", "Contact Is Not Your Address")
    elif any(contact.is_too_brief(text, ksr.hdr.gete("Expires")) for text in contacts):
        edge.reply(423, "Interval Too Brief", f"Min-Expires: {contact.MIN_EXPIRES_S}")
    elif any(map(contact.has_wrong_flow, contacts)):
        edge.reply(400, "Wrong reg-id")
    else:
        if not path:
            flows.register(edge, contacts)
        aor = f"sip:{line.name}@{edge.settings.platform.domain}"
        bound = _bound(edge, aor)
        _take_own_places(edge, aor, bound, contacts)
        ksr.pv.seti(_MAX_CONTACTS, _most(bound, line, contacts))
        saved = ksr.registrar.save(LOCATION, _SAVE_AND_PREPARE)
        if saved > 0:
            edge.reply(200, "OK")
        elif saved == _TOO_MANY:  # left alone Kamailio says 503: try the next proxy
            _refuse(edge, line, "too many phones", "Too Many Phones")
        else:
            ksr.registrar.save(LOCATION, _SAVE_AND_ANSWER)


def _bound(edge: Edge, aor: str) -> list[list[str]]:
    """``_OF_CONTACT`` of what the line has; usrloc keeps what is over for some seconds."""
    pv = edge.ksr.pv
    now = pv.geti("$Ts")
    if edge.ksr.registrar.reg_fetch_contacts(LOCATION, aor, "bound") < 0:
        return []
    bound = [[str(pv.gete(f"$(ulc(bound=>{name})[{index}])")) for name in _OF_CONTACT]
             for index in range(pv.geti("$(ulc(bound=>count))"))]
    return [one for one in bound if int(one[-1]) > now and not _is_lost(edge, aor, *one[3:5])]


def _is_lost(edge: Edge, aor: str, ruid: str, connection: str) -> bool:
    """Whether the connection of a binding is gone. The binding ends with it now, where Kamailio has
    not seen to that (kamailio.cfg, ``handle_lost_tcp``).
    """
    number = int(connection or 0)
    if number <= 0 or edge.ksr.tcpops.tcp_conid_alive(number) > 0:
        return False
    edge.ksr.registrar.unregister_ruid(LOCATION, aor, ruid)
    return True


def _take_own_places(
    edge: Edge, aor: str, bound: list[list[str]], contacts: list[str]
) -> None:
    """A phone that has no name and starts again is known by its URI alone; usrloc (matching_mode)
    would take it for one more.
    """
    ksr, coming = edge.ksr, contact.nameless(contacts)
    for instance, uri, call_id, ruid, *_ in bound:
        if not instance and uri in coming and call_id != ksr.pv.gete("$ci"):
            ksr.registrar.unregister_ruid(LOCATION, aor, ruid)


def _most(bound: list[list[str]], line: LineRecord, contacts: list[str]) -> int:
    """How many contacts the line may have: the flows of a phone count as one phone."""
    coming = contact.instance(contacts[0]) if contacts else ""
    return contact.most([instance for instance, *_ in bound], coming, line.max_phones)


def _refuse(edge: Edge, line: LineRecord, why: str, phrase: str) -> None:
    edge.log("refuse", why=why, line=line.name)
    edge.reply(403, phrase)


def _contacts(edge: Edge) -> list[str]:
    values = [edge.ksr.hdr.get_idx("Contact", index) for index in range(_MOST_CONTACTS + 1)]
    return [value.strip() for value in values if value is not None]


def _are_understood(contacts: list[str]) -> bool:
    """Whether there is one address in each, so that Kamailio finds no other one, or ``*``.

    Where calls go is never theirs to say, or a line could ring the gateway, the media server or
    what listens beside us: see ``flows``, and Path.
    """
    return len(contacts) <= _MOST_CONTACTS and (
        contacts == [_ALL] or all(map(contact.is_understood, contacts)))


def _leads_to_edge_proxy(edge: Edge) -> bool:
    """Whether calls go to one of them first (RFC 3327 section 5.3): it may pass on what a phone
    wrote, and add nothing.
    """
    first = edge.ksr.hdr.gete("Path").partition(",")[0]
    return bool(first) and any(
        contact.all_at(proxy, first) for proxy in edge.settings.edge_proxies)


def _are_at(edge: Edge, contacts: list[str]) -> bool:
    source = caller.source(edge)
    return contacts == [_ALL] or all(contact.all_at(source, text) for text in contacts)
