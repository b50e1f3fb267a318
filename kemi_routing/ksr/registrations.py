# SPDX-License-Identifier: GPL-2.0-or-later
"""REGISTER (RFC 3261 section 10.3): what a line's phones may bind, and for how long."""

from kemi_routing import contact
from kemi_routing.ksr import caller, credentials, flows
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.target_set import LOCATION
from kemi_routing.record import LineRecord

_MAX_CONTACTS = "$xavp(reg=>max_contacts)"
_MOST_CONTACTS = 10
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
        ksr.pv.seti(_MAX_CONTACTS, _most(edge, line, contacts))
        saved = ksr.registrar.save(LOCATION, _SAVE_AND_PREPARE)
        if saved > 0:
            edge.reply(200, "OK")
        elif saved == _TOO_MANY:  # left alone Kamailio says 503: try the next proxy
            _refuse(edge, line, "too many phones", "Too Many Phones")
        else:
            ksr.registrar.save(LOCATION, _SAVE_AND_ANSWER)


def _most(edge: Edge, line: LineRecord, contacts: list[str]) -> int:
    """How many contacts the line may have: the flows of a phone count as one phone."""
    ksr, bound = edge.ksr, []
    aor = f"sip:{line.name}@{edge.settings.platform.domain}"
    if ksr.registrar.reg_fetch_contacts(LOCATION, aor, "bound") > 0:
        count = ksr.pv.geti("$(ulc(bound=>count))")
        bound = [str(ksr.pv.gete(f"$(ulc(bound=>instance)[{index}])")) for index in range(count)]
    coming = contact.instance(contacts[0]) if contacts else ""
    return contact.most(bound, coming, line.max_phones)


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


def _are_at(edge: Edge, contacts: list[str]) -> bool:
    source = caller.source(edge)
    return contacts == [_ALL] or all(contact.all_at(source, text) for text in contacts)
