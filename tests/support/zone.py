# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server's side of DNS (RFC 1035): answers from rows as a zone file has them."""

import ipaddress
import struct
from collections.abc import Mapping, Sequence

from kemi_routing.dns import Type

Row = tuple[str, Type, str]
"""Owner, type and value: an address, a name, ``priority weight port name``, or ``order preference
flags service name``.
"""
TTL_S = 300
NO_SUCH_NAME, SERVER_FAILURE = 3, 2

_CLASS = 1


def zone(text: str) -> dict[tuple[str, Type], list[Row]]:
    """Rows ``owner TYPE value`` by owner and type."""
    found: dict[tuple[str, Type], list[Row]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        owner, kind, value = line.split(maxsplit=2)
        found.setdefault((owner, Type[kind]), []).append((owner, Type[kind], value))
    return found


def rows(known: Mapping[tuple[str, Type], Sequence[Row]], owner: str, kind: Type) -> list[Row]:
    """What a recursive server says: the aliases, then the rows behind them."""
    found: list[Row] = []
    while (alias := known.get((owner, Type.CNAME))) and kind is not Type.CNAME:
        found += alias
        owner = alias[0][2]
    return [*found, *known.get((owner, kind), ())]


def asked(message: bytes) -> tuple[str, Type]:
    """The name and type of a question."""
    labels, at = [], 12
    while length := message[at]:
        labels.append(message[at + 1:at + 1 + length].decode("ascii"))
        at += 1 + length
    return ".".join(labels), Type(struct.unpack_from("!H", message, at + 1)[0])


def answer(query: bytes, found: Sequence[Row], status: int = 0, ttl_s: int = TTL_S) -> bytes:
    """The answer to a question, with these rows."""
    head = query[:2] + struct.pack("!5H", 0x8180 | status, 1, len(found), 0, 0)
    return head + query[12:] + b"".join(_row(*row, ttl_s) for row in found)


def _row(owner: str, kind: Type, value: str, ttl_s: int) -> bytes:
    data = _data(kind, value.split())
    return _name(owner) + struct.pack("!HHIH", kind, _CLASS, ttl_s, len(data)) + data


def _data(kind: Type, words: list[str]) -> bytes:
    if kind in (Type.A, Type.AAAA):
        return ipaddress.ip_address(words[0]).packed
    numbers = struct.pack(f"!{len(words) - 1}H", *map(int, words[:-1])) if kind is Type.SRV else b""
    if kind is Type.NAPTR:
        texts = [word.encode("ascii") for word in (*words[2:4], "")]
        numbers = struct.pack("!2H", *map(int, words[:2])) + b"".join(
            bytes([len(text)]) + text for text in texts)
    return numbers + _name(words[-1])


def _name(text: str) -> bytes:
    return b"".join(bytes([len(one)]) + one.encode("ascii") for one in text.split(".")) + b"\0"
