# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import plan_codec, record
from kemi_routing.decide import decide
from kemi_routing.errors import BrokenRecord
from kemi_routing.model import Call, Line, Mode, Number, Platform
from kemi_routing.record import LineRecord
from tests.support.builders import MOBILE, OFFICE, number, sequence, step, window
from tests.support.strategies import accepted_numbers, names, numbers

FULL = number(
    revision=7, aliases=(MOBILE,), lines=(Line("jana-desk", 2), Line("jana-soft")), ring_s=25,
    mode=Mode.FORWARD_ONLY, default="day", forward_external=False,
    windows=(window("mon-fri", "08:00-18:00", "day"), window("sat", "22:00-24:00", "night"),
             window("sun", "23:59-00:01", "night")),
    sequences=(sequence("day", step(OFFICE, "line jana-desk", ring_s=30), step("voicemail")),
               sequence("night", mode=Mode.VOICEMAIL_ONLY)))
DESK = LineRecord("jana-desk", "acme/jana", "0123456789abcdef" * 2, "42027777100", 3)

NUMBER_FIELDS = ["number", "owner", "time zone", "revision", "aliases", "lines", "mode",
                 "ring time", "windows", "sequences", "default", "voicemail", "forward_external"]
LINE_FIELDS = ["name", "owner", "ha1", "number", "phones"]


def stored(fields: Any) -> bytes:
    return bytes([record.VERSION]) + msgpack.packb(fields)


def fields_of(data: bytes) -> list[Any]:
    fields = msgpack.unpackb(data[1:])
    assert isinstance(fields, list)
    return fields


def broken(field: str, value: object) -> bytes:
    """The record of ``FULL`` with one field exchanged."""
    fields = fields_of(record.encode_number(FULL))
    fields[NUMBER_FIELDS.index(field)] = value
    return stored(fields)


def test_a_record_is_a_version_and_one_array() -> None:
    """The stored form is a contract with the programs of yesterday: it changes with VERSION."""
    assert record.encode_number(FULL)[0] == record.VERSION == 1
    assert fields_of(record.encode_number(FULL)) == [
        "42027777100", "acme/jana", "Europe/Prague", 7, ["42073723123"],
        [["jana-desk", 2], ["jana-soft", 3]], "forward_only", 25,
        [[[1, 2, 3, 4, 5], 480, 1080, "day"], [[6], 1320, 1440, "night"],
         [[7], 1439, 1, "night"]],
        [["day", None, [[["49115234567", 30, ""], ["line jana-desk", 30, ""]],
                        [["voicemail", 20, ""]]]],
         ["night", "voicemail_only", []]],
        "day", True, False]
    assert fields_of(record.encode_line(DESK)) == [
        "jana-desk", "acme/jana", "0123456789abcdef0123456789abcdef", "42027777100", 3]


@given(accepted_numbers())
def test_a_number_comes_back_as_it_was_written(number: Number) -> None:
    assert record.decode_number(record.encode_number(number)) == number


@given(st.builds(LineRecord, names, names, st.just(DESK.ha1), st.just("") | numbers,
                 st.integers(1, 12)))
def test_a_line_comes_back_as_it_was_written(line: LineRecord) -> None:
    assert record.decode_line(record.encode_line(line)) == line


@pytest.mark.parametrize(("data", "why"), [
    (b"", "0 bytes; a record has 2 to 65536"),
    (b"\x01", "1 bytes; a record has 2 to 65536"),
    (b"\x01" * 65_537, "65537 bytes; a record has 2 to 65536"),
    (b"\x01" + b"\xc0" * 65_535, "not MessagePack: "),  # as long as allowed
    (b"\x00" + stored([])[1:], "version 0; this program reads 1"),
    (b"\x02" + stored([])[1:], "version 2; this program reads 1"),
    (b'{"number": 1}', "version 123; this program reads 1"),
    (b"\x01\xc1", "not MessagePack: "),
    (b"\x01\x92\x01", "not MessagePack: "),  # ends too early
    (stored([]) + b"\x00", "not MessagePack: "),  # goes on too long
    (b"\x01" + b"\x91" * 60_000 + b"\x90", "not MessagePack: "),  # arrays in arrays
    (b"\x01\xdd\xff\xff\xff\xff", "not MessagePack: "),  # claims four billion fields
    (b"\x01\x91\xa1\xff", "not MessagePack: "),  # text that is no UTF-8
    (stored({}), "a dict instead of an array"),
    (stored("fields"), "a str instead of an array"),
    (stored([]), "0 fields instead of "),
])
def test_what_is_no_record_is_refused(data: bytes, why: str) -> None:
    for decode in (record.decode_number, record.decode_line):
        with pytest.raises(BrokenRecord) as error:
            decode(data)
        assert str(error.value).startswith(why)


@pytest.mark.parametrize(("field", "value", "why"), [
    ("number", "0049115", "'0049115' is not a number"),
    ("number", 42027777100, "42027777100 is not a printable text"),
    ("owner", "acme/jana\r\nX: y", r"'acme/jana\r\nX: y' is not a printable text"),
    ("time zone", "Europe/Nowhere", "No time zone found with key Europe/Nowhere"),
    ("time zone", "../../etc/passwd", "must"),
    ("time zone", "Europe", ""),
    ("time zone", None, ""),
    ("time zone", [], ""),
    ("revision", -1, "-1 is not a whole number"),
    ("revision", True, "True is not a whole number"),
    ("revision", 1.5, "1.5 is not a whole number"),
    ("aliases", MOBILE, f"'{MOBILE}' is not an array"),
    ("aliases", [MOBILE, "mobile"], "'mobile' is not a number"),
    ("lines", [["jana-desk"]], "not enough values"),
    ("lines", [["jana-desk", -1]], "-1 is not a whole number"),
    ("lines", [["jana-desk", 0]], "0 phones; 1 to 12 are possible"),
    ("lines", [["jana-desk", 13]], "13 phones; 1 to 12 are possible"),
    ("lines", [["jana desk", 1]], "'jana desk' is not the name of a line"),
    ("lines", [["jana@evil;x", 1]], "'jana@evil;x' is not the name of a line"),
    ("lines", [7], ""),
    ("mode", "ring_forever", "'ring_forever' is not a valid Mode"),
    ("ring time", "20", "'20' is not a whole number"),
    ("windows", [[[], 480, 1080, "day"]], "is not a window"),
    ("windows", [[[0], 480, 1080, "day"]], "is not a window"),
    ("windows", [[[1, 8], 480, 1080, "day"]], "is not a window"),
    ("windows", [[[1], 1440, 1080, "day"]], "is not a window"),
    ("windows", [[[1], 480, 0, "day"]], "is not a window"),
    ("windows", [[[1], 480, 1441, "day"]], "is not a window"),
    ("windows", [[[1], 480, 480, "day"]], "is not a window"),
    ("windows", [[["mon"], 480, 1080, "day"]], "'mon' is not a whole number"),
    ("windows", [[[1], 480, 1080]], "not enough values"),
    ("sequences", [["day", "sometimes", []]], "'sometimes' is not a valid Mode"),
    ("sequences", [["day", None, [[]]]], "a step without targets"),
    ("sequences", [["day", None, {}]], "{} is not an array"),
    ("sequences", [["day", None, [[["nobody", 20, ""]]]]], "'nobody' is not a target"),
    ("sequences", [["day", None, [[["voicemail", 20, "\0"]]]]], "is not a printable text"),
    ("default", 0, "0 is not a printable text"),
    ("default", [], "[] is not a printable text"),
    ("voicemail", 1, "1 is not true or false"),
    ("forward_external", None, "None is not true or false"),
])
def test_a_record_with_a_wrong_field_is_refused_and_names_it(
        field: str, value: object, why: str) -> None:
    with pytest.raises(BrokenRecord) as error:
        record.decode_number(broken(field, value))
    assert str(error.value).startswith(f"{field}: ")
    assert why in str(error.value)


@pytest.mark.parametrize(("field", "value", "why"), [
    ("default", "weekend", "there is no sequence 'weekend'; known are: day, night"),
    ("lines", [], "has no line 'jana-desk'; there are none"),
    ("ring time", 0, "a ring time is 1 to 600 seconds, not 0"),
    ("sequences", [["day", None, [[[OFFICE, 601, ""]]]], ["night", None, []]],
     "a ring time is 1 to 600 seconds, not 601"),
])
def test_a_record_that_cannot_be_routed_is_refused(field: str, value: object, why: str) -> None:
    with pytest.raises(BrokenRecord) as error:
        record.decode_number(broken(field, value))
    assert str(error.value).startswith("sequences: ")
    assert why in str(error.value)


@pytest.mark.parametrize(("field", "value"), [
    ("name", "jana desk"), ("name", None), ("owner", "acme\n"), ("ha1", 7),
    ("ha1", "secret"), ("ha1", "0123456789ABCDEF" * 2), ("ha1", "0" * 33), ("phones", 0),
    ("phones", 13),
    ("number", "nobody"), ("number", '1"><x'), ("phones", "3"), ("phones", -1),
])
def test_a_line_with_a_wrong_field_is_refused_and_names_it(field: str, value: object) -> None:
    fields = fields_of(record.encode_line(DESK))
    fields[LINE_FIELDS.index(field)] = value
    with pytest.raises(BrokenRecord, match=f"^{field}: "):
        record.decode_line(stored(fields))


@given(st.binary())
def test_no_bytes_raise_anything_but_a_broken_record(data: bytes) -> None:
    for decode in (record.decode_number, record.decode_line):
        with pytest.raises(BrokenRecord):
            decode(b"\x01" + data)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2**63, 2**64 - 1) | st.floats() | st.binary()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab"), inner, max_size=3))


@given(accepted_numbers(), st.data())
def test_what_was_read_can_be_routed_without_further_looks(
        number: Number, data: st.DataObject) -> None:
    """Anything at all in the place of any value, at any depth of a record."""
    fields = fields_of(record.encode_number(number))
    place: Any = fields
    while isinstance(inner := place[index := data.draw(st.integers(0, len(place) - 1))], list) and (
            inner and data.draw(st.booleans())):
        place = inner
    place[index] = data.draw(anything)
    try:
        read = record.decode_number(stored(fields))
    except BrokenRecord:
        return
    plan = decide(Call(), read, datetime(2026, 3, 2, 12, 0, tzinfo=UTC), Platform())
    hunt = plan_codec.begin(plan)
    assert plan_codec.decode(plan_codec.encode(hunt)) == hunt
