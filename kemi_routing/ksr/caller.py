# SPDX-License-Identifier: GPL-2.0-or-later
"""Who sends the request: a trusted trunk, a registered line, or a stranger (SPEC B1)."""

from kemi_routing import contact, identity, render
from kemi_routing.ksr.edge import Edge
from kemi_routing.model import Call
from kemi_routing.record import LineRecord
from kemi_routing.settings import Asserts
from kemi_routing.targets import is_line_name

_HA1_OF_NOBODY = "0" * 32
_PASSWORD_IS_HA1, _USER_IS_FROM, _QOP_AUTH = 1, 1, 1  # flags of Kamailio's auth module
_USER_MISMATCH = -8
_MOST_CONTACTS = 10


def from_trunk(edge: Edge, asserts: Asserts) -> Call:
    """The call of a trusted trunk; identity headers that it may not set are removed."""
    sender = edge.ksr.pv.gete("$fu")
    asserted = _asserted_number(edge) if asserts is Asserts.PAI else None
    call = Call(
        ani=asserted or identity.number_of(sender),
        asserted=asserts is Asserts.FROM or asserted is not None,
        anonymous=identity.is_anonymous(sender, _text(edge, "Privacy")),
        diverted=edge.ksr.hdr.is_present("Diversion") > 0
        or identity.is_retargeted(_text(edge, "History-Info")),
    )
    if asserts is not Asserts.PAI:
        remove(edge, render.IDENTITY_HEADERS)
    remove(edge, render.OUR_HEADERS)
    return call


def from_line(edge: Edge, line: LineRecord) -> Call:
    """The call of a registered line: it shows its main number, whatever it wrote itself."""
    anonymous = identity.is_anonymous(edge.ksr.pv.gete("$fu"), _text(edge, "Privacy"))
    remove(edge, (*render.IDENTITY_HEADERS, *render.OUR_HEADERS, "Diversion", "History-Info"))
    return Call(ani=line.number or None, anonymous=anonymous, line=line.name,
                cli=line.number or None)


def authenticate(edge: Edge) -> LineRecord | None:
    """The line whose digest credentials the request carries; None after it was answered.

    An unknown line and a wrong password get the same answer. Raises StoreUnavailable.
    """
    ksr, realm = edge.ksr, edge.settings.platform.domain
    if ksr.auth.has_credentials(realm) > 0:
        name = ksr.pv.gete("$au")
        line = edge.records.line(name) if is_line_name(name) else None
        ha1 = line.ha1 if line else _HA1_OF_NOBODY
        verdict = ksr.auth.pv_auth_check(realm, ha1, _PASSWORD_IS_HA1, _USER_IS_FROM)
        if line and verdict > 0:
            ksr.auth.consume_credentials()
            return line
        if verdict == _USER_MISMATCH:
            edge.log("refuse", why="user_mismatch", user=name)
            edge.reply(403, "Forbidden")
            return None
    ksr.auth.auth_challenge(realm, _QOP_AUTH)
    return None


def registers_itself(edge: Edge) -> bool:
    """Whether every Contact of a REGISTER is at the address that it came from, or ``*``.

    Otherwise a line could ring the gateway, the media server or what listens beside us.
    """
    values = [edge.ksr.hdr.get_idx("Contact", index) for index in range(_MOST_CONTACTS + 1)]
    written = [value.strip() for value in values if value is not None]
    if len(written) > _MOST_CONTACTS:
        return False
    source = edge.ksr.pv.gete("$si")
    return written == ["*"] or all(contact.all_at(source, text) for text in written)


def _asserted_number(edge: Edge) -> str | None:
    return (identity.number_of(str(edge.ksr.pv.gete("$ai")))
            or identity.number_of(_text(edge, "P-Asserted-Identity")))


def _text(edge: Edge, name: str) -> str:
    """The values of the first two headers of that name, apart by a comma.

    Text that is not UTF-8, as in old display names, becomes ``identity.UNREADABLE``.
    """
    return ",".join(filter(None, (_value(edge, name, index) for index in (0, 1))))


def _value(edge: Edge, name: str, index: int) -> str:
    try:
        return edge.ksr.hdr.gete_idx(name, index)
    except UnicodeDecodeError:
        return identity.UNREADABLE


def remove(edge: Edge, names: tuple[str, ...]) -> None:
    """Remove headers, in every spelling."""
    for name in names:
        edge.ksr.hdr.remove(name)
