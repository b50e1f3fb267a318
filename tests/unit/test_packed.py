# SPDX-License-Identifier: GPL-2.0-or-later
"""The form of all records in the store."""

import hashlib
from typing import Any

import msgpack
import pytest

from kemi_routing import packed
from kemi_routing.errors import BrokenRecord, UnknownVersion


def stored(fields: Any) -> bytes:
    """As a program of before wrote it."""
    return bytes([packed.VERSION]) + msgpack.packb(fields)


def test_what_was_deflated_by_an_older_program_is_read() -> None:
    """As long as neither the words nor the window change: both stand in what is stored."""
    words = packed._WORDS  # others need another first byte
    assert hashlib.sha256(words).hexdigest() == (
        "d4bd537ed3c24280756552866e3c49e93fed10a2c028bca60a5cbf20c851d257")
    deflated = bytes.fromhex("829bbcda04541e0281a181c14ab087b212f31271b81b00")
    assert packed.unpack(deflated) == ["42027777100", "acme/jana", "forward_then_voicemail"]
    assert packed.pack(packed.unpack(deflated)) == deflated


def test_what_is_not_deflated_is_read_too() -> None:
    assert packed.unpack(stored(["42027777100", 7])) == ["42027777100", 7]


def test_what_people_wrote_may_be_longer_than_what_a_call_reads() -> None:
    text = "".join(map(chr, range(32, 30_000))) * 3
    data = packed.pack([text])
    assert packed.unpack_text(data) == [text]
    with pytest.raises(BrokenRecord):
        packed.unpack(data)


@pytest.mark.parametrize(("data", "why"), [
    (b"", "0 bytes; a record has 2 to 65536"),
    (b"\x02", "1 bytes; a record has 2 to 65536"),
    (b"\x02" * 65_537, "65537 bytes; a record has 2 to 65536"),
    (b"\x02" + b"\xc0" * 65_535, "not MessagePack: "),  # as long as allowed
    (b"\x02\xc1", "not MessagePack: "),
    (b"\x02\x92\x01", "not MessagePack: "),  # ends too early
    (stored([]) + b"\x00", "not MessagePack: "),  # goes on too long
    (b"\x02" + b"\x91" * 60_000 + b"\x90", "not MessagePack: "),  # arrays in arrays
    (b"\x02\xdd\xff\xff\xff\xff", "not MessagePack: "),  # claims four billion fields
    (b"\x02\x91\xa1\xff", "not MessagePack: "),  # text that is no UTF-8
    (b"\x82\xff", "not deflated: "),
    (packed.pack([])[:-1], "cut off, or more behind"),
    (packed.pack([]) + b"\x00", "cut off, or more behind"),
    (packed.pack(["x" * 65_536]), "more than 65536 bytes"),
    (stored({}), "a dict instead of an array"),
    (stored("fields"), "a str instead of an array"),
])
def test_what_is_no_record_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(BrokenRecord) as error:
        packed.unpack(data)
    assert str(error.value).startswith(why)


@pytest.mark.parametrize(("first", "why"), [(0, "version 0"), (1, "version 1"), (123, "version")])
def test_another_version_is_told_from_what_is_broken(first: int, why: str) -> None:
    with pytest.raises(UnknownVersion, match=f"^{why}.*; this program reads 2"):
        packed.unpack(bytes([first]) + stored([])[1:])
