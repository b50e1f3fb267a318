# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of name servers, as they should be and as nobody should write them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing.dns import Question, Record, Type, is_address, query, read, servers
from kemi_routing.errors import InvalidValue
from tests.support import zone

A, AAAA, CNAME, SRV, NAPTR = Type.A, Type.AAAA, Type.CNAME, Type.SRV, Type.NAPTR
ASKED = Question("sip.example.net", A)
QUERY = query(7, ASKED)


@pytest.mark.parametrize(("text", "found"), [
    ("", ("127.0.0.1",)),
    ("search x\nnameserver 192.0.2.53\n# nameserver 192.0.2.1\n", ("192.0.2.53",)),
    ("nameserver localhost\nnameserver\nnameserver 2001:db8::53\n", ("2001:db8::53",)),
    ("nameserver 192.0.2.1\n" * 5, ("192.0.2.1",) * 3),
])  # fmt: skip
def test_the_name_servers_of_a_machine(text: str, found: tuple[str, ...]) -> None:
    assert servers(text) == found


@pytest.mark.parametrize(("text", "expected"), [
    ("192.0.2.1", True), ("[2001:db8::1]", True), ("2001:db8::1", True), ("a.example", False),
    ("", False)])
def test_what_is_an_address(text: str, *, expected: bool) -> None:
    assert is_address(text) is expected


def test_a_question_names_what_is_asked() -> None:
    assert zone.asked(QUERY) == ("sip.example.net", A)
    assert QUERY[:2] == b"\0\7"


@pytest.mark.parametrize(("kind", "value", "record"), [
    (A, "192.0.2.7", ("192.0.2.7", (), ())),
    (AAAA, "2001:db8::7", ("2001:db8::7", (), ())),
    (CNAME, "Other.example.net", ("other.example.net", (), ())),
    (SRV, "10 60 5070 a.example.net", ("a.example.net", (10, 60, 5070), ())),
    (NAPTR, "50 10 S SIP+D2U _sip._udp.example.net",
     ("_sip._udp.example.net", (50, 10), ("s", "sip+d2u"))),
])
def test_what_an_answer_says(
    kind: Type, value: str, record: tuple[str, tuple[int, ...], tuple[str, ...]]
) -> None:  # fmt: skip
    asked = Question("sip.example.net", kind)
    asking = query(9, asked)
    said = zone.answer(asking, [("sip.example.net", kind, value)])
    assert read(said, 9, asked) == (Record("sip.example.net", kind, zone.TTL_S, *record),)


def test_there_is_no_such_name() -> None:
    assert read(zone.answer(QUERY, [], zone.NO_SUCH_NAME), 7, ASKED) == ()


def test_names_may_point_back() -> None:
    row = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 60, 4) + bytes([192, 0, 2, 7])
    said = zone.answer(QUERY, [])
    said = said[:6] + b"\0\1" + said[8:] + row
    assert read(said, 7, ASKED) == (Record("sip.example.net", A, 60, "192.0.2.7"),)


def test_rows_of_other_kinds_are_passed_over() -> None:
    others = [struct.pack("!HHIH", 16, 1, 60, 2) + b"\1x",
              struct.pack("!HHIH", A, 3, 60, 4) + bytes(4),
              struct.pack("!HHIH", A, 1, 60, 4) + bytes([192, 0, 2, 7])]
    said = zone.answer(QUERY, [])
    said = said[:6] + b"\0\3" + said[8:] + b"".join(b"\1x\0" + one for one in others)
    assert [row.value for row in read(said, 7, ASKED)] == ["192.0.2.7"]


@pytest.mark.parametrize("name", ["x@y", "sip:x", "a;b.example", ".".join(["a" * 60] * 5)])
def test_what_is_no_host_name_is_left_out(name: str) -> None:
    assert read(zone.answer(QUERY, [("sip.example.net", CNAME, name)]), 7, ASKED) == ()


def _changed(at: int, *octets: int) -> bytes:
    said = bytearray(zone.answer(QUERY, [("sip.example.net", A, "192.0.2.7")]))
    said[at:at + len(octets)] = bytes(octets)
    return bytes(said)


@pytest.mark.parametrize("said", [
    b"", QUERY, _changed(1, 8), _changed(5, 2), _changed(13, 120), _changed(29, 28),
    _changed(3, 0x82), _changed(12, 0xC0, 0x0C), _changed(12, 0xC0, 0xFF), _changed(13, 255),
    zone.answer(QUERY, [("sip.example.net", A, "192.0.2.7")])[:-20],
], ids=["nothing", "a question", "another ident", "two questions", "another name", "another type",
        "the server fails", "a name within itself", "a name that points forward", "not ASCII",
        "cut off"])
def test_what_is_no_answer_to_our_question_is_refused(said: bytes) -> None:
    with pytest.raises(InvalidValue):
        read(said, 7, ASKED)


def test_an_address_that_is_cut_off_is_none() -> None:
    assert read(zone.answer(QUERY, [("sip.example.net", A, "192.0.2.7")])[:-1], 7, ASKED) == ()


@given(st.binary(max_size=200), st.integers(0, 60))
def test_nothing_that_comes_is_a_crash(noise: bytes, kept: int) -> None:
    rows = [("sip.example.net", NAPTR, "50 10 S SIP+D2U x"), ("x", SRV, "1 1 1 y")]
    for said in (noise, zone.answer(QUERY, rows)[:kept] + noise):
        try:
            read(said, 7, ASKED)
        except InvalidValue:
            continue
