# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages to and from name servers (RFC 1035), as far as SIP needs them (RFC 3263).

What an answer says is data from strangers: names outside the letters of host names are left out.
"""

import ipaddress
import re
import struct
from dataclasses import dataclass
from enum import IntEnum

from kemi_routing.errors import InvalidValue

CONFIGURATION = "/etc/resolv.conf"
MOST_SERVERS = 3
NO_ERROR, NO_SUCH_NAME = 0, 3
"""Response codes that say what there is; others are no answer."""

_HEADER = struct.Struct("!6H")
_ROW = struct.Struct("!HHIH")
_IS_ANSWER, _RECURSE, _STATUS = 0x8000, 0x0100, 0x000F
_INTERNET = 1
_POINTER = 0xC0
_MOST_NAME = 253
_MOST_ROWS = 100
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)


class Type(IntEnum):
    """Types of records."""

    A = 1
    CNAME = 5
    AAAA = 28
    SRV = 33
    NAPTR = 35


@dataclass(frozen=True, slots=True)
class Question:
    """What a name server is asked; the name has small letters and no dot at its end."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Record:
    """What a name server knows of a name."""

    name: str
    type: Type
    ttl_s: int
    value: str
    """An address; of CNAME and SRV the other name; of NAPTR its replacement."""
    numbers: tuple[int, ...] = ()
    """SRV: priority, weight, port; NAPTR: order, preference."""
    texts: tuple[str, ...] = ()
    """NAPTR: flags, service."""


def servers(configuration: str) -> tuple[str, ...]:
    """The addresses of the name servers that a ``resolv.conf`` names (resolv.conf(5))."""
    rows = (line.split() for line in configuration.splitlines())
    found = [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"]
    return tuple(filter(is_address, found))[:MOST_SERVERS] or ("127.0.0.1",)


def query(ident: int, question: Question) -> bytes:
    """The message that asks; ``ident`` in 0 to 65535 stands in the answer too."""
    labels = (label.encode("ascii") for label in question.name.split("."))
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return (_HEADER.pack(ident, _RECURSE, 1, 0, 0, 0) + name
            + struct.pack("!2H", question.type, _INTERNET))


def read(message: bytes, ident: int, question: Question) -> tuple[Record, ...]:
    """What an answer to that query says. Raises InvalidValue for anything else, and where the
    server could not find out.
    """
    try:
        return _read(message, ident, question)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise InvalidValue(f"not a DNS message: {error}") from None


def _read(message: bytes, ident: int, question: Question) -> tuple[Record, ...]:
    said, flags, asked, answers, _, _ = _HEADER.unpack_from(message)
    if said != ident or not flags & _IS_ANSWER or asked != 1:
        raise InvalidValue("not the answer to our question")
    name, at = _name(message, _HEADER.size)
    if (name, *struct.unpack_from("!2H", message, at)) != (
            question.name, question.type, _INTERNET):
        raise InvalidValue("not the answer to our question")
    if flags & _STATUS not in (NO_ERROR, NO_SUCH_NAME):
        raise InvalidValue(f"the name server says {flags & _STATUS}")
    at += 4
    found = []
    for _ in range(min(answers, _MOST_ROWS)):
        name, at = _name(message, at)
        kind, family, ttl_s, length = _ROW.unpack_from(message, at)
        at += _ROW.size
        if family == _INTERNET and kind in _READERS:
            record = _READERS[Type(kind)](message, at, Record(name, Type(kind), ttl_s, ""))
            found += [record] if record else []
        at += length
    return tuple(found)


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name at that place, and the place behind it; every pointer leads further back."""
    labels: list[str] = []
    end, lowest = 0, at
    while length := message[at]:
        if length >= _POINTER:
            end = end or at + 2
            at = (length - _POINTER) << 8 | message[at + 1]
            if at >= lowest:
                raise InvalidValue("a name that points forward")
            lowest = at
        else:
            labels.append(message[at + 1:at + 1 + length].decode("ascii").lower())
            at += 1 + length
    return ".".join(labels), end or at + 1


def _host(message: bytes, at: int) -> str | None:
    name, _ = _name(message, at)
    return name if len(name) <= _MOST_NAME and _NAME.fullmatch(name) else None


def _a(message: bytes, at: int, row: Record) -> Record | None:
    size = 4 if row.type is Type.A else 16
    raw = message[at:at + size]
    return _with(row, str(ipaddress.ip_address(raw)) if len(raw) == size else None)


def _cname(message: bytes, at: int, row: Record) -> Record | None:
    return _with(row, _host(message, at))


def _srv(message: bytes, at: int, row: Record) -> Record | None:
    return _with(row, _host(message, at + 6), struct.unpack_from("!3H", message, at))


def _naptr(message: bytes, at: int, row: Record) -> Record | None:
    numbers = struct.unpack_from("!2H", message, at)
    at, texts = at + 4, []
    for _ in range(3):  # flags, service, regular expression
        length = message[at]
        texts.append(message[at + 1:at + 1 + length].decode("ascii").lower())
        at += 1 + length
    return _with(row, _host(message, at), numbers, tuple(texts[:2]))


def _with(row: Record, value: str | None, numbers: tuple[int, ...] = (),
          texts: tuple[str, ...] = ()) -> Record | None:
    return Record(row.name, row.type, row.ttl_s, value, numbers, texts) if value else None


_READERS = {Type.A: _a, Type.AAAA: _a, Type.CNAME: _cname, Type.SRV: _srv, Type.NAPTR: _naptr}


def is_address(text: str) -> bool:
    """Whether a text is an IP address; that of IPv6 may stand in brackets."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
