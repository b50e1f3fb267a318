# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import e164
from kemi_routing.errors import InvalidValue
from kemi_routing.formats import E164, read

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


def test_unless_told_otherwise_it_is_digits() -> None:
    assert read("e164") == E164


@given(st.from_regex("[1-9][0-9]{6,14}", fullmatch=True), st.sampled_from(FORMATS))
def test_what_is_written_is_read_again_as_the_same_number(number: str, text: str) -> None:
    found = read(text)
    assert e164.is_number(number)
    assert found.number(found.write(number)) == number
