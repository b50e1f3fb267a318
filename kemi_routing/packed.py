# SPDX-License-Identifier: GPL-2.0-or-later
"""What every record in the store is: a version byte and one MessagePack array, deflated (RFC 1951)
with the words that all records have.
"""

import zlib
from typing import Any

import msgpack

from kemi_routing.errors import BrokenRecord, UnknownVersion

VERSION = 2
_DEFLATED = VERSION | 0x80
FORMS = (VERSION, _DEFLATED)
"""First bytes of what can be read; what an older program wrote is not deflated."""
MAX_BYTES = 65_536
"""A longer record is refused before it is unpacked, and so is more than that unpacked."""
MAX_TEXT_BYTES = 1 << 26
"""The same of what people wrote, which no call reads."""
_WORDS = b"""organisation: time_zone: Europe/subscribers:permissions: [voicemail, forward_external\
]\npassword: max_phones: holidays: - {calendar: on: busy: no_answer: unreachable: declined: caller\
s: - {from: block: [anonymous] allow: cli: caller mailbox: always_pin vacation: - {first: 2026-, l\
ast: 2027-, sequence: IAX2/ SIP/ sip:;transport=tls extension confirm: yes delay: 5, night day\nco\
nference America/New_York Europe/London Europe/Berlin Europe/Prague reject ring_only voicemail_onl\
y forward_unconditionally ring_then_voicemail ring_then_forward\nring_forward_then_voicemail forwa\
rd_only forward_then_voicemail unreachable announcement   schedule:\n    - {days: mon-fri, from: 0\
8:00, to: 18:00, sequence: working_hours}\n    - {days: [sat, sun], from: 00:00, to: 24:00, sequen\
ce: on_call}\n  schedule: office\n  default: forward\n  sequences:\n    forward:\n      - together\
:\n          - {to: line , ring: 20, label: desk}\n          - {to: 420, ring: 30, label: mobile}\
\n      - {to: 49, ring: 25, label: office}\n      - {to: voicemail}\n  group:\n  lines:\n    ha1:\
 [\n:\n  aliases: [420@pstn]\n  mode: \xa7forward\xc0\xc0\x91\x94\xa7forward\xc0\x92\x91\x95\xabli\
neline-\x14\xa0\x00\xc2\x91\x94\x96\xa0\xa0\xa0\xa0\x00\x90\x92\x94\xa3*33\xa6toggle\xa5night\xa8f\
or ever\x94\xa3*60\xb1block_last_caller\xa0\xa8for ever\x91\x96\x95\x01\x02\x03\x04\x05\xcd\x01\
\xe0\xcd\x048\xc0\xc0\x90\xc0\x97\xc3\xc3\x90\x00\x00\xc2\xc2\x90\x90\x90\x90\x90\x91\x93\xa3420\
\xa8national\xc3\x00\x00\xc2\xc2\x90\x90\x90\x90\x90\xafpersonal number\xb2pin_unless_trusted\xc0\
\x98\xa9line-\xadacme/\xd9 \xac420\x03\x96\xa3420\xa0\xa0\xa0\t\x90\x92\x94\xa3*33\xa6toggle\xa5ni\
ght\xa8for ever\x94\xa3*60\xb1block_last_caller\xa0\xa8for ever\xd9@\xdc\x00\x14\xac420\xadacme/\
\xadEurope/Prague\x01\x91\xac420\x91\x92\xa9line-\x03\xb6forward_then_voicemail\x14\x90\x91\x94\
\xa7forward\xc0\x92\x92\x95\xb1line line-\x14\xa4desk\x00\xc2\x95\xac420\x14\xa6mobile\x00\xc2\x91\
\x95\xab49\x1e\xa6office\x00\xc2\x90\xa7forward\x97\xc3\xc3\x91\x93\xa3420\xa8national\xc3\x00\x00\
\xc2\xc2\x90\x90\x90\x90\x90\xafpersonal number\xb2pin_unless_trusted\xc0"""
"""A line and a number as most are stand last. Never changed: nothing stored could be read then."""
_WINDOW, _LEVEL, _MEMORY = 12, 6, 5
"""Of zlib: the words are within the window; more of the others takes time and saves nothing."""
_READY = zlib.compressobj(_LEVEL, zlib.DEFLATED, -_WINDOW, _MEMORY, zdict=_WORDS)
"""Copied for each record: it has the words already."""


def pack(fields: list[Any]) -> bytes:
    """The stored form of these fields."""
    deflate = _READY.copy()
    return bytes([_DEFLATED]) + deflate.compress(msgpack.packb(fields)) + deflate.flush()


def unpack_text(data: bytes) -> list[Any]:
    """As ``unpack``, of what people wrote."""
    return unpack(data, MAX_TEXT_BYTES)


def unpack(data: bytes, most: int = MAX_BYTES) -> list[Any]:
    """The fields of a stored record of at most so many bytes; raises BrokenRecord."""
    if not 2 <= len(data) <= most:
        raise BrokenRecord(f"{len(data)} bytes; a record has 2 to {most}")
    if data[0] not in FORMS:
        raise UnknownVersion(f"version {data[0]}; this program reads {VERSION}")
    packed = memoryview(data)[1:]
    if data[0] == _DEFLATED:
        packed = _inflated(packed, most)
    try:
        fields = msgpack.unpackb(packed, use_list=True, strict_map_key=True)
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        raise BrokenRecord(f"not MessagePack: {error}") from None
    if not isinstance(fields, list):
        raise BrokenRecord(f"a {type(fields).__name__} instead of an array")
    return fields


def _inflated(data: memoryview, most: int) -> memoryview:
    inflate = zlib.decompressobj(-_WINDOW, zdict=_WORDS)
    try:
        found = inflate.decompress(data, most)
    except zlib.error as error:
        raise BrokenRecord(f"not deflated: {error}") from None
    if len(found) == most and not inflate.eof:
        raise BrokenRecord(f"more than {most} bytes; a record has 2 to {most}")
    if not inflate.eof or inflate.unused_data:
        raise BrokenRecord("cut off, or more behind")
    return memoryview(found)
