# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import feature_codes, packed, plan_codec, record, targets
from kemi_routing.decide import decide
from kemi_routing.dialplan import DialPlan
from kemi_routing.errors import BrokenRecord
from kemi_routing.feature_codes import FeatureCode
from kemi_routing.model import (
    Call,
    Line,
    MailboxPolicy,
    Mode,
    Number,
    Outcome,
    Platform,
    Ring,
)
from kemi_routing.permissions import NumberClass
from kemi_routing.record import LineRecord, State
from kemi_routing.schedule import Override
from kemi_routing.screening import Action, CallerRule, Pattern, Screen
from tests.support.builders import MOBILE, OFFICE, holiday, number, sequence, step, window
from tests.support.strategies import accepted_numbers, names, numbers, overrides, screens

FULL = number(
    revision=7, aliases=(MOBILE,), lines=(Line("jana-desk", 2), Line("jana-soft")), ring_s=25,
    mode=Mode.FORWARD_ONLY, default="day", forward_external=False,
    windows=(window("mon-fri", "08:00-18:00", "day"),
             window("sun", "23:59-00:01", "night", first="2026-12-01", last="2026-12-31")),
    sequences=(
        sequence("day", (Ring(targets.parse(OFFICE), 30, "office", 5, confirm=True),
                         *step("line jana-desk", ring_s=30)), step("voicemail"),
                 on=((Outcome.BUSY, "night"),)),
        sequence("night", mode=Mode.VOICEMAIL_ONLY)),
    classes=(NumberClass("420", "national", allowed=True),), max_calls=2, max_calls_per_hour=60,
    follow_redirects=True,
    holidays=(holiday("2026-12-24", "night", "Eve", "12:00-24:00"),
              holiday("2026-12-25", "night", "Day"), holiday("2027-12-25", "night", "Day")),
    overrides=(Override("night", 1_790_000_000, 1_797_721_200, 1_798_930_800, "vacation"),),
    on=((Outcome.UNREACHABLE, "night"),),
    screens=(Screen(Pattern("42075*"), Action.ANNOUNCEMENT, "closed"),),
    callers=(CallerRule(Pattern("anonymous"), "night"),),
    cli="caller", mailbox=MailboxPolicy.ALWAYS_PIN, outgoing=True,
    dial_plan=DialPlan("420", "2", "0", "00", 7, ("112", "150")))
DESK = LineRecord(
    "jana-desk", "acme/jana", "0123456789abcdef" * 2, "42027777100", 3,
    DialPlan("420", "2", "0", "00", 7, ("112", "150")),
    (FeatureCode("*33", feature_codes.Action.TOGGLE, "night", "next window"),
     FeatureCode("*60", feature_codes.Action.BLOCK_LAST_CALLER)), "fedcba9876543210" * 4)
STATE = State((Override("night", 1_790_000_000, name="*33 by line jana-desk"),),
              (Screen(Pattern("42075553333"), Action.REJECT),))

NUMBER_FIELDS = ["number", "owner", "time zone", "revision", "aliases", "lines", "mode",
                 "ring time", "windows", "sequences", "default", "rights", "holidays", "overrides",
                 "continuations", "screening", "rules by caller", "cli", "mailbox", "dial plan"]
LINE_FIELDS = ["name", "owner", "ha1", "number", "phones", "dial plan", "feature codes",
               "ha1 by SHA-256"]


def stored(fields: Any) -> bytes:
    return bytes([packed.VERSION]) + msgpack.packb(fields)


def fields_of(data: bytes) -> list[Any]:
    return packed.unpack(data)


def broken(field: str, value: object) -> bytes:
    """The record of ``FULL`` with one field exchanged."""
    fields = fields_of(record.encode_number(FULL))
    fields[NUMBER_FIELDS.index(field)] = value
    return stored(fields)


def test_a_record_is_a_version_and_one_array() -> None:
    """The stored form is a contract with the programs of yesterday: it changes with VERSION."""
    assert record.encode_number(FULL)[0] == packed.VERSION | 0x80 == 0x82
    assert fields_of(record.encode_number(FULL)) == [
        "42027777100", "acme/jana", "Europe/Prague", 7, ["42073723123"],
        [["jana-desk", 2], ["jana-soft", 3]], "forward_only", 25,
        [[[1, 2, 3, 4, 5], 480, 1080, "day", None, None],
         [[7], 1439, 1, "night", 739951, 739981]],
        [["day", None, [[["49115234567", 30, "office", 5, True],
                         ["line jana-desk", 30, "", 0, False]],
                        [["voicemail", 20, "", 0, False]]], [["busy", "night"]]],
         ["night", "voicemail_only", [], []]],
        "day", [True, False, [["420", "national", True]], 2, 60, True, True],
        [["night", "Day", 0, 1440, [739975, 740340]], ["night", "Eve", 720, 1440, [739974]]],
        [["night", 1_790_000_000, 1_797_721_200, 1_798_930_800, "vacation"]],
        [["unreachable", "night"]], [["42075*", "announcement", "closed"]],
        [["anonymous", "night"]], "caller", "always_pin",
        ["420", "2", "0", "00", 7, ["112", "150"]]]


def test_what_is_not_deflated_is_read_too() -> None:
    assert record.decode_number(stored(fields_of(record.encode_number(FULL)))) == FULL


def test_a_number_without_a_dial_plan_does_not_carry_one() -> None:
    assert fields_of(record.encode_number(replace(FULL, dial_plan=DialPlan())))[-1] is None


@given(accepted_numbers())
def test_a_number_comes_back_as_it_was_written(number: Number) -> None:
    assert record.decode_number(record.encode_number(number)) == number


_digits = st.from_regex(r"[0-9]{0,15}", fullmatch=True)


@given(st.builds(
    LineRecord, names, names, st.just(DESK.ha1), st.just("") | numbers, st.integers(1, 12),
    st.builds(DialPlan, _digits, _digits, _digits, _digits, st.integers(0, 15),
              st.lists(_digits, max_size=3).map(tuple)),
    st.just(()) | st.just(DESK.codes), st.just("") | st.just(DESK.ha1 * 2)))
def test_a_line_comes_back_as_it_was_written(line: LineRecord) -> None:
    assert record.decode_line(record.encode_line(line)) == line


@given(st.builds(State, st.lists(overrides, max_size=3).map(tuple),
                 st.lists(screens, max_size=3).map(tuple)))
def test_a_state_comes_back_as_it_was_written(state: State) -> None:
    assert record.decode_state(record.encode_state(state)) == state


def test_a_full_record_comes_back_as_it_was_written() -> None:
    assert record.decode_number(record.encode_number(FULL)) == FULL
    assert record.decode_line(record.encode_line(DESK)) == DESK
    assert record.decode_state(record.encode_state(STATE)) == STATE


def test_a_line_that_an_older_program_wrote_has_no_digest_by_sha_256() -> None:
    older = stored(fields_of(record.encode_line(DESK))[:-1])
    assert record.decode_line(older) == replace(DESK, ha1_sha256="")


def test_holidays_in_a_record_are_in_the_order_of_the_calendar() -> None:
    shuffled = replace(FULL, holidays=FULL.holidays[::-1])
    assert record.decode_number(record.encode_number(shuffled)).holidays == FULL.holidays


def test_a_state_adds_to_its_number() -> None:
    stated = STATE.applied_to(FULL)
    assert stated.overrides == (*FULL.overrides, *STATE.overrides)
    assert stated.screens == (*FULL.screens, *STATE.screens)
    assert replace(stated, overrides=FULL.overrides, screens=FULL.screens) == FULL


def test_a_state_of_yesterday_names_no_sequence_that_is_gone() -> None:
    gone = State((Override("summer", 1), *STATE.overrides),
                 (Screen(Pattern("*"), Action.SEQUENCE, "summer"),
                  Screen(Pattern("420*"), Action.SEQUENCE, "night"), *STATE.screens))
    stated = gone.applied_to(FULL)
    assert stated.overrides == (*FULL.overrides, *STATE.overrides)
    assert [screen.pattern.text for screen in stated.screens] == ["42075*", "420*", "42075553333"]


@pytest.mark.parametrize(("data", "why"), [
    (b"", "0 bytes; a record has 2 to 65536"),
    (b"\x01" + stored([])[1:], "version 1; this program reads 2"),
    (packed.pack(["x" * 65_536]), "more than 65536 bytes"),
    (packed.pack(["x" * 65_000]), "1 fields instead of "),
    (stored([]), "0 fields instead of "),
])
def test_what_is_no_record_is_refused(data: bytes, why: str) -> None:
    for decode in (record.decode_number, record.decode_line, record.decode_state):
        with pytest.raises(BrokenRecord) as error:
            decode(data)
        assert str(error.value).startswith(why)


@pytest.mark.parametrize(("field", "value", "why"), [
    ("number", "0049115", "'0049115' is neither a number nor organisation/extension"),
    ("number", "acme/2", "'acme/2' is neither a number nor organisation/extension"),
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
    ("windows", [[[], 480, 1080, "day", None, None]], "is not a window"),
    ("windows", [[[0], 480, 1080, "day", None, None]], "is not a window"),
    ("windows", [[[1, 8], 480, 1080, "day", None, None]], "is not a window"),
    ("windows", [[[1], 1440, 1080, "day", None, None]], "is not a window"),
    ("windows", [[[1], 480, 0, "day", None, None]], "is not a window"),
    ("windows", [[[1], 480, 1441, "day", None, None]], "is not a window"),
    ("windows", [[[1], 480, 480, "day", None, None]], "is not a window"),
    ("windows", [[["mon"], 480, 1080, "day", None, None]], "'mon' is not a whole number"),
    ("windows", [[[1], 480, 1080, "day", 0, None]], "ordinal"),
    ("windows", [[[1], 480, 1080, "day", None, "2026-12-24"]], "is not a whole number"),
    ("windows", [[[1], 480, 1080, "day", 2**63, None]], ""),
    ("windows", [[[1], 480, 1080]], "not enough values"),
    ("sequences", [["day", "sometimes", [], []]], "'sometimes' is not a valid Mode"),
    ("sequences", [["day", None, [[]], []]], "a step without targets"),
    ("sequences", [["day", None, {}, []]], "{} is not an array"),
    ("sequences", [["day", None, [[["nobody", 20, "", 0, False]]], []]],
     "'nobody' is not a target"),
    ("sequences", [["day", None, [[["voicemail", 20, "\0", 0, False]]], []]],
     "is not a printable text"),
    ("sequences", [["day", None, [[["voicemail", 20, "", 0, 1]]], []]],
     "1 is not true or false"),
    ("sequences", [["day", None, [], [["answered", "night"]]]],
     "'answered' is not a valid Outcome"),
    ("default", 0, "0 is not a printable text"),
    ("default", [], "[] is not a printable text"),
    ("rights", [1, True, [], 0, 0, False, True], "1 is not true or false"),
    ("rights", [True, None, [], 0, 0, False, True], "None is not true or false"),
    ("rights", [True, True, [["+1", "x", True]], 0, 0, False, True], "'+1' is not digits"),
    ("rights", [True, True, [], -1, 0, False, True], "-1 is not a whole number"),
    ("rights", [True, True, [], 0, 0, False, 2], "2 is not true or false"),
    ("holidays", [["day", "", 0, 1441, [739609]]], "a holiday is a part of a day"),
    ("holidays", [["day", "", 60, 60, [739609]]], "a holiday is a part of a day"),
    ("holidays", [["day", "", 0, 60, [0]]], "ordinal"),
    ("holidays", [["day", "", 0, 60, 739609]], "not iterable"),
    ("overrides", [["day", 1, 0, None]], "not enough values"),
    ("overrides", [["day", 2**40, 0, None, ""]], "is no second of this age"),
    ("overrides", [["day", 1, 0, 2**63, ""]], "is no second of this age"),
    ("continuations", [["busy", 7]], "7 is not a printable text"),
    ("continuations", {"busy": "night"}, ""),
    ("screening", [["0042", "reject", ""]], "42"),
    ("screening", [["42*", "shout", ""]], "'shout' is not a valid Action"),
    ("screening", [["42*", "announcement", "closed;play=x"]], "is not the name of an announcement"),
    ("screening", [["42*", "announcement", "closed "]], "is not the name of an announcement"),
    ("rules by caller", [["nobody", "night"]], "nobody"),
    ("cli", "0049", "'0049' is not a number"),
    ("cli", None, "None is not a printable text"),
    ("mailbox", "open", "'open' is not a valid MailboxPolicy"),
    ("dial plan", ["+420", "", "", "", 0, []], "'+420' is not digits"),
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
    ("sequences", [["day", None, [[[OFFICE, 601, "", 0, False]]], []], ["night", None, [], []]],
     "a ring time is 1 to 600 seconds, not 601"),
    ("holidays", [["weekend", "", 0, 60, [739609]]], "there is no sequence 'weekend'"),
    ("overrides", [["weekend", 1, 0, None, ""]], "there is no sequence 'weekend'"),
    ("continuations", [["busy", "weekend"]], "there is no sequence 'weekend'"),
    ("screening", [["*", "sequence", "weekend"]], "there is no sequence 'weekend'"),
    ("rules by caller", [["*", "weekend"]], "there is no sequence 'weekend'"),
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
    ("dial plan", ["420", "", "0", "00", 7]), ("dial plan", ["CZ", "", "", "", 0, []]),
    ("dial plan", ["420", "", "", "", "7", []]), ("dial plan", ["420", "", "", "", 0, ["\r\n"]]),
    ("feature codes", [["33", "toggle", "night", "for ever"]]),
    ("feature codes", [["*33", "explode", "night", "for ever"]]),
    ("feature codes", [["*33", "toggle", "night", "some day"]]),
    ("ha1 by SHA-256", DESK.ha1), ("ha1 by SHA-256", None),
])
def test_a_line_with_a_wrong_field_is_refused_and_names_it(field: str, value: object) -> None:
    fields = fields_of(record.encode_line(DESK))
    fields[LINE_FIELDS.index(field)] = value
    with pytest.raises(BrokenRecord, match=f"^{field}: "):
        record.decode_line(stored(fields))


@given(st.sampled_from(packed.FORMS), st.binary())
def test_no_bytes_raise_anything_but_a_broken_record(form: int, data: bytes) -> None:
    for decode in (record.decode_number, record.decode_line, record.decode_state):
        with pytest.raises(BrokenRecord):
            decode(bytes([form]) + data)


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
