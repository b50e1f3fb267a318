# SPDX-License-Identifier: GPL-2.0-or-later
"""Who sends the request: a trunk, a line, the media server, or a stranger (SPEC B1)."""

from kemi_routing import caller_id, contact, identity, media_leg, render
from kemi_routing.addresses import canonical
from kemi_routing.formats import Format
from kemi_routing.ksr.edge import Edge
from kemi_routing.model import Call, Number, Verdict
from kemi_routing.record import LineRecord
from kemi_routing.targets import is_number_key
from kemi_routing.trunks import Asserts, Trunk

_WRITTEN_BY_US = (*caller_id.IDENTITY_HEADERS, *render.OUR_HEADERS, caller_id.DIVERSION,
                  caller_id.HISTORY)
"""Headers that nobody writes who only calls for himself."""
_MEDIA_SERVER = Trunk(Asserts.FROM)
_DNS_NAME, _COMMON_NAME = "$tls_peer_san_hostname", "$tls_peer_subject_cn"
_MOST_ROWS = 20
_BODY_HEADERS = ("Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language",
                 "Content-ID", "MIME-Version")


def source(edge: Edge) -> str:
    """The address that the request came from, as the settings write it."""
    return canonical(edge.ksr.pv.gete("$si"))


def trunk(edge: Edge) -> Trunk | None:
    """The trunk that sends the request: by its address, or by the name in its TLS certificate,
    which an authority of ``FOLLOWME_TLS_CA`` has signed (Kamailio module tls): the first DNS name,
    the common name only where there is none.
    """
    network, pv = edge.settings.network, edge.ksr.pv
    found = network.trunk_at(source(edge))
    if found or not network.by_certificate or pv.gete("$proto") != "tls" or str(
            pv.get("$tls_peer_verified")) != "1":
        return found
    name = pv.gete(_DNS_NAME) or pv.gete(_COMMON_NAME)  # RFC 6125 section 6.4.4
    return network.by_certificate.get(str(name).lower())


def phone(edge: Edge) -> str:
    """The same of a phone: behind an edge proxy what that saw, where it says so."""
    address = source(edge)
    if address not in edge.settings.edge_proxies:
        return address
    return contact.behind_proxy(_text(edge, "Via")) or address


def from_trunk(edge: Edge, trunk: Trunk) -> Call:
    """The call of a trusted trunk; identity headers that it may not set are removed."""
    sender = edge.ksr.pv.gete("$fu")
    asserted = _asserted_number(edge, trunk.numbers) if trunk.asserts is Asserts.PAI else None
    diversion, history = _text(edge, caller_id.DIVERSION), _text(edge, caller_id.HISTORY)
    call = Call(
        ani=asserted or identity.number_of(sender, trunk.numbers),
        asserted=trunk.asserts is Asserts.FROM or asserted is not None,
        anonymous=identity.is_anonymous(sender, _text(edge, "Privacy")),
        verdict=identity.verdict(_text(edge, trunk.stir)) if trunk.stir else Verdict.NONE,
        diverters=(identity.diverters(diversion, history, trunk.numbers)
                   if diversion or history else ()),
        diverted=edge.ksr.hdr.is_present(caller_id.DIVERSION) > 0
        or identity.is_retargeted(history) or identity.has_cause(str(edge.ksr.pv.gete("$ru"))),
        history=identity.history_index(history) if history else "",
    )
    if trunk.asserts is not Asserts.PAI:
        remove(edge, caller_id.IDENTITY_HEADERS)
    remove(edge, render.OUR_HEADERS)
    return call


def rewritten(edge: Edge, numbers: Format) -> str:
    """The URI in the From of a trunk's call with its number in this form; "" where it is none, or
    is written so.
    """
    came, user = trunk(edge), edge.ksr.pv.gete("$fU")
    number = came and came.numbers.number(user)
    if not number or numbers.is_form_of(user, number):
        return ""
    return f"sip:{numbers.write(number)}@{edge.settings.platform.domain}"


def from_line(edge: Edge, line: LineRecord) -> Call:
    """The call of a registered line: it shows its main number, whatever it wrote itself."""
    anonymous = _is_anonymous(edge)
    return Call(ani=line.number or None, anonymous=anonymous, line=line.name,
                cli=line.number or None)


def from_media_server(edge: Edge) -> tuple[str, str] | None:
    """The number for whose owner our media server makes this call, and the service that it names
    (SPEC V4); None for any other request, whose headers of ours go with ``from_trunk``,
    ``from_line``.
    """
    if source(edge) not in edge.settings.network.media_hosts:
        return None
    key, service = ((header(edge, name, 0) or "").strip()
                    for name in (render.ACCOUNT, render.SERVICE))
    return (key, service) if is_number_key(key) else None


def from_menu(edge: Edge, number: Number) -> Call:
    """The owner's call from the mailbox menu, whatever the media server wrote of the caller."""
    anonymous = _is_anonymous(edge)
    return media_leg.from_menu(number, anonymous=anonymous)


def from_prompt(edge: Edge) -> Call:
    """The call of whoever waits while the media server asks a target to confirm: as it came to the
    media server, where anonymous callers are told by From.
    """
    return from_trunk(edge, _MEDIA_SERVER)


def _is_anonymous(edge: Edge) -> bool:
    """Whether one of ours wants to be, by Privacy or by From alone; then Privacy says so to the
    gateway, which is told who calls. What he may not write is removed.
    """
    privacy = _text(edge, "Privacy")
    anonymous = identity.is_anonymous(edge.ksr.pv.gete("$fu"), privacy)
    if anonymous and privacy != (wanted := identity.private(privacy)):
        edge.ksr.hdr.remove("Privacy")
        edge.ksr.hdr.append(f"Privacy: {wanted}\r\n")
    remove(edge, _WRITTEN_BY_US)
    return anonymous


def _asserted_number(edge: Edge, numbers: Format) -> str | None:
    return (identity.number_of(str(edge.ksr.pv.gete("$ai")), numbers)
            or identity.number_of(_text(edge, "P-Asserted-Identity"), numbers))


def _text(edge: Edge, name: str) -> str:
    """The values of all headers of that name, apart by commas.

    Text that is not UTF-8, as in old display names, becomes ``identity.UNREADABLE``, and so does
    what follows too many rows.
    """
    rows: list[str] = []
    while len(rows) < _MOST_ROWS and (value := header(edge, name, len(rows))) is not None:
        rows.append(value)
    if len(rows) == _MOST_ROWS:
        rows.append(identity.UNREADABLE)
    return ",".join(rows)


def header(edge: Edge, name: str, index: int = 0) -> str | None:
    """One header of that name, as ``_text`` has it; None where there are not so many."""
    try:
        return edge.ksr.hdr.get_idx(name, index)
    except UnicodeDecodeError:
        return identity.UNREADABLE


def without_body(edge: Edge) -> None:
    """Take the body out of an answer."""
    edge.ksr.textopsx.remove_body()
    remove(edge, _BODY_HEADERS)


def remove(edge: Edge, names: tuple[str, ...]) -> None:
    """Remove headers, in every spelling."""
    for name in names:
        edge.ksr.hdr.remove(name)
