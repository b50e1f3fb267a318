# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import e164
from kemi_routing.errors import InvalidValue
from tests.support.strategies import HOSTILE, numbers


@pytest.mark.parametrize(("text", "stored"), [
    ("1234567", True),  # 7 digits, the fewest
    ("123456", False),
    ("123456789012345", True),  # 15 digits, the most
    ("1234567890123456", False),
    ("0123456789", False),
    ("", False),
    ("42027777100\n", False),
    ("\u0664\u0662\u0660\u0662\u0667\u0667\u0667\u0667", False),
])
def test_a_stored_number_has_7_to_15_digits_and_starts_with_1_to_9(text: str, stored: bool) -> None:
    assert e164.is_number(text) is stored


@pytest.mark.parametrize("text", [
    "42027777100", "+42027777100", "+420 277 771 00", " +420-277-771-00 ", "+420/277.771.00",
    "(+420) 277 771 00", "420\u00a0277\u00a0771\u00a000",
])
def test_a_number_is_cleaned_of_what_people_put_between_digits(text: str) -> None:
    assert e164.normalise(text) == "42027777100"


@pytest.mark.parametrize(("text", "right_form"), [
    ("0042027777100", "starts with the dialling prefix 00; write 42027777100"),
    ("00 420 277 771 00", "starts with the dialling prefix 00; write 42027777100"),
    ("011 49 115 234567", "starts with the dialling prefix 011; write 49115234567"),
    ("001 442079460000", "starts with the dialling prefix 001; write 442079460000"),
    ("001 212 555 0123", "starts with the dialling prefix 00; write 12125550123"),
    ("00", "starts with the dialling prefix 00; write country code and number: 49115234567"),
    ("00123", "starts with the dialling prefix 00; write country code and number: 49115234567"),
    ("0123", "starts with 0; write it with its country code: 49123 for Germany"),
    ("0x", "starts with 0; write it with its country code: 49115234567 for Germany"),
    ("420277", "write 7 to 15 digits, not 6: 49115234567"),
    ("+1234567890123456", "write 7 to 15 digits, not 16: 49115234567"),
    ("+0420277771", "starts with 0; write it with its country code: 49420277771"),
    ("+0049115234567", "starts with the dialling prefix 00; write 49115234567"),
    ("++42027777100", "write digits with the country code first: 49115234567"),
    ("+49 (0) 89 1234567", "leave out (0)"),
    ("42027777x00", "write digits with the country code first: 49115234567"),
    ("\u0664\u0662\u0660\u0662\u0667\u0667\u0667", "with the country code first: 49115234567"),
    ("", "write digits with the country code first: 49115234567"),
    ("4.20278E+10", "give the column the format text"),
    ("4,20278e10", "give the column the format text"),
    ("42027777100.0", "give the column the format text"),
])
def test_a_refused_number_comes_with_the_right_form(text: str, right_form: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        e164.normalise(text)
    assert right_form in str(refused.value)


@pytest.mark.parametrize(("user", "number"), [
    ("42027777100", "42027777100"),
    ("+42027777100", "42027777100"),
    ("+420-277.771(00)", "42027777100"),
    ("42027777100;phone-context=+420", "42027777100"),
    ("0042027777100", None),  # how a number is dialled is the trunk's business
    ("jana", None),
    ("42027777100%0D%0A", None),
    ("", None),
])
def test_the_number_in_the_user_part_of_a_uri(user: str, number: str | None) -> None:
    assert e164.from_sip_user(user) == number


@pytest.mark.parametrize("text", ["42073723123@pstn", " +420 737 231 23@pstn "])
def test_an_alias_is_an_outside_number(text: str) -> None:
    assert e164.alias(text) == "42073723123"


@pytest.mark.parametrize(("text", "right_form"), [
    ("42073723123", "42073723123@pstn"),
    ("42073723123@example.com", "42073723123@pstn"),
    ("@pstn", "49115234567"),
    ("0042073723123@pstn", "write 42073723123"),
])
def test_a_refused_alias_comes_with_the_right_form(text: str, right_form: str) -> None:
    with pytest.raises(InvalidValue, match=right_form):
        e164.alias(text)


@given(numbers)
def test_a_stored_number_is_its_own_stored_form(number: str) -> None:
    assert e164.normalise(number) == e164.normalise(f"+{number}") == number
    assert e164.alias(number + e164.ALIAS_SUFFIX) == number


@given(numbers, st.integers(0, 15), HOSTILE)
def test_nothing_hostile_gets_into_a_number(number: str, place: int, hostile: str) -> None:
    text = number[:place] + hostile + number[place:]
    assert e164.from_sip_user(text) in (None, number[:place])
    with pytest.raises(InvalidValue):
        e164.normalise(text)


@given(st.text())
def test_whatever_is_taken_for_a_number_is_one(text: str) -> None:
    assert e164.is_number(e164.from_sip_user(text) or "1234567")
    try:
        number = e164.normalise(text)
    except InvalidValue:
        return
    assert e164.is_number(number)
