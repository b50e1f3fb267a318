# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kemi_routing import e164
from kemi_routing.errors import InvalidValue
from kemi_routing.formats import E164, read, technical_prefix

GERMAN, MALTESE = "49301234567", "35621345678"
FORMATS = ("e164", "plus", "00", "national 49 0", "national 356", "national 1 1")


@pytest.mark.parametrize(("text", "german", "maltese"), [
    ("e164", "49301234567", "35621345678"),
    ("plus", "+49301234567", "+35621345678"),
    ("00", "0049301234567", "0035621345678"),
    ("national 49 0", "0301234567", "0035621345678"),
    ("national 356", "0049301234567", "21345678"),
])
def test_a_number_is_written_as_the_gateway_wants_it_and_read_as_the_trunk_writes_it(
        text: str, german: str, maltese: str) -> None:
    found = read(text)
    assert (found.write(GERMAN), found.write(MALTESE)) == (german, maltese)
    assert (found.number(german), found.number(maltese)) == (GERMAN, MALTESE)
    assert found.number(f"+{GERMAN};phone-context=x") == GERMAN
    assert found.text == text


@pytest.mark.parametrize(("text", "user", "number"), [
    ("e164", "+49 (30) 123-4567", GERMAN), ("plus", GERMAN, GERMAN),
    ("00", "00-49-30-1234567", GERMAN),
    ("national 49 0", "0049301234567", GERMAN), ("national 356", "0035621345678", MALTESE),
    ("e164", "0049301234567", None), ("00", GERMAN, None), ("00", "0301234567", None),
    ("national 49 0", GERMAN, None), ("national 49 0", "00", None), ("national 49 0", "0", None),
    ("national 49 0", "030123456789012345", None), ("national 356", "anna", None),
    ("00", "+", None), ("national 49 0", "\u0660301234567", None),
])
def test_what_else_is_read(text: str, user: str, number: str | None) -> None:
    assert read(text).number(user) == number


@pytest.mark.parametrize("text", FORMATS)
def test_what_is_no_number_stays_as_it_is(text: str) -> None:
    assert [read(text).write(user) for user in ("201.acme", "anonymous", "")] == [
        "201.acme", "anonymous", ""]


@pytest.mark.parametrize("text", [
    "", "E164", "+", "000", "national", "national 0", "national 49 0 1", "national 49  0",
    "national 12345", "national \u0664", "plus ", "national 49 x"])
def test_a_refused_format_names_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match="write e164, plus, 00, or national COUNTRY PREFIX"):
        read(text)


@pytest.mark.parametrize(("text", "user", "right"), [
    ("e164", GERMAN, True), ("e164", f"+{GERMAN}", True), ("e164", "0301234567", False),
    ("plus", f"+{GERMAN}", True), ("plus", GERMAN, False), ("00", f"+{GERMAN}", False),
    ("national 49 0", "0301234567", True), ("national 49 0", f"00{GERMAN}", False),
])
def test_a_user_part_is_in_a_form_or_not(text: str, user: str, *, right: bool) -> None:
    assert read(text).is_form_of(user, GERMAN) is right


@pytest.mark.parametrize("text", ["1234#", "*31*", "0", "9" * 16])
def test_a_technical_prefix_is_what_a_telephone_dials(text: str) -> None:
    assert technical_prefix(text) == text


@pytest.mark.parametrize("text", ["", "12a", "+49", "1 2", "9" * 17, "\u0664", "1%23", "1;x"])
def test_a_refused_technical_prefix_names_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"write digits, \* and #, 16 at most: 1234#"):
        technical_prefix(text)


def test_unless_told_otherwise_it_is_digits() -> None:
    assert read("e164") == E164


@given(st.from_regex("[1-9][0-9]{6,14}", fullmatch=True), st.sampled_from(FORMATS))
@example("4900000", "national 49 0")
@example("3560012345", "national 356")
def test_what_is_written_is_read_again_as_the_same_number(number: str, text: str) -> None:
    found = read(text)
    assert e164.is_number(number)
    assert found.number(found.write(number)) == number
