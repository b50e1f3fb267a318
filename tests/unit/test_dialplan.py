# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import dialplan, e164
from kemi_routing.dialplan import DialPlan
from kemi_routing.errors import InvalidValue
from tests.support.strategies import HOSTILE, numbers

NONE = DialPlan()
CZECH = DialPlan("420", international_prefix="00", local_digits=9, emergency=("112", "150"))
PRAGUE = DialPlan("420", "2", "0", "00", 8)  # as it was until 2002
MUNICH = DialPlan("49", "89", "0", "00", 7, ("110", "112"))
ITALY = DialPlan("39", "", "", "00", 10, ("112",))
MANHATTAN = DialPlan("1", "212", "1", "011", 7, ("911",))
US_TEN_DIGITS = replace(MANHATTAN, area="", local_digits=10)
MOSCOW = DialPlan("7", "495", "8", "810", 7, ("112",))
HUNGARY = DialPlan("36", "1", "06", "00", 7)
AUSTRALIA = DialPlan("61", "2", "0", "0011", 8, ("000",))
SINGAPORE = DialPlan("65", international_prefix="001", local_digits=8)
OUTWARD = DialPlan(international_prefix="00")
PLANS = (NONE, CZECH, PRAGUE, MUNICH, ITALY, MANHATTAN, US_TEN_DIGITS, MOSCOW, HUNGARY, AUSTRALIA,
         SINGAPORE, OUTWARD)
EXTENSIONS = frozenset({"201", "0202", "555123"})


@pytest.mark.parametrize(("plan", "text", "full"), [
    (NONE, "42027777100", "42027777100"),
    (NONE, "+420 277 771 00", "42027777100"),
    (CZECH, "277 771 000", "420277771000"),
    (CZECH, "+277 771 000", "277771000"),  # with + always international
    (CZECH, "420 277 771 000", "420277771000"),
    (CZECH, "00420 277 771 000", "420277771000"),
    (CZECH, "00 49 115 234567", "49115234567"),
    (PRAGUE, "24 81 11 11", "420224811111"),
    (PRAGUE, "02 24 81 11 11", "420224811111"),
    (PRAGUE, "00420 2 24811111", "420224811111"),
    (MUNICH, "1234567", "49891234567"),
    (MUNICH, "089/123 45 67", "49891234567"),
    (MUNICH, "(089) 1234567", "49891234567"),
    (MUNICH, "(0)89 1234567", "49891234567"),
    (MUNICH, "0049 89 1234567", "49891234567"),
    (MUNICH, "12345678", "12345678"),  # one digit more than a local number: international
    (MUNICH, "49891234567", "49891234567"),
    (ITALY, "06 1234 5678", "390612345678"),  # the 0 stays
    (ITALY, "+39 06 1234 5678", "390612345678"),
    (ITALY, "0039 06 1234 5678", "390612345678"),
    (ITALY, "347 123 4567", "393471234567"),
    (ITALY, "498 912 3456", "394989123456"),  # fits a local number and another country's: local
    (ITALY, "+498 912 3456", "4989123456"),
    (MANHATTAN, "555-0123", "12125550123"),
    (MANHATTAN, "1 (416) 555-0123", "14165550123"),
    (MANHATTAN, "011 49 115 234567", "49115234567"),
    (MANHATTAN, "2125550123", "2125550123"),  # no form of this plan
    (US_TEN_DIGITS, "(212) 555-0123", "12125550123"),
    (US_TEN_DIGITS, "1-212-555-0123", "12125550123"),
    (MOSCOW, "123 45 67", "74951234567"),
    (MOSCOW, "8 812 123-45-67", "78121234567"),
    (MOSCOW, "8 10 49 115 234567", "49115234567"),  # the longer prefix first
    (MOSCOW, "8 800 123 45 67", "78001234567"),
    (MOSCOW, "7 812 123 45 67", "78121234567"),
    (HUNGARY, "06 1 123 4567", "3611234567"),
    (HUNGARY, "00 36 1 123 4567", "3611234567"),
    (AUSTRALIA, "0011 49 115 234567", "49115234567"),
    (AUSTRALIA, "02 5550 1234", "61255501234"),
    (AUSTRALIA, "5550 1234", "61255501234"),
    (SINGAPORE, "6123 4567", "6561234567"),
    (SINGAPORE, "001 49 115 234567", "49115234567"),
    (OUTWARD, "00 49 115 234567", "49115234567"),
])
def test_what_can_be_dialled_is_read_as_its_full_form(
        plan: DialPlan, text: str, full: str) -> None:
    dialplan.check(plan)
    assert dialplan.read(plan, text) == dialplan.from_dialled(plan, text) == full


@pytest.mark.parametrize(("text", "full"), [
    ("201", "201"),
    ("2-01", "201"),
    ("0202", "0202"),  # an extension of ours comes before every prefix and length
    ("555123", "555123"),
])
def test_an_extension_of_the_organisation_stays_as_it_is(text: str, full: str) -> None:
    assert dialplan.read(replace(MUNICH, local_digits=6), text, EXTENSIONS) == full


@pytest.mark.parametrize(("plan", "text", "right_form"), [
    (NONE, "00 49 115 234567", "starts with the dialling prefix 00; write 49115234567"),
    (NONE, "011 49 115 234567", "starts with the dialling prefix 011; write 49115234567"),
    (NONE, "0215 234567", "starts with 0; write it with its country code"),
    (NONE, "201", "201 is no extension of the organisation; write one of its extensions, or"),
    (NONE, "2", "write 7 to 15 digits, not 1"),
    (NONE, "", "write digits with the country code first"),
    (CZECH, "277771000.0", "give the column the format text"),
    (NONE, "jana", "write digits with the country code first"),
    (NONE, "*33", "write digits with the country code first"),
    (NONE, "\u0664\u0662\u0660", "with the country code first: 49115234567"),
    (CZECH, "+201", "write 7 to 15 digits, not 3"),
    (CZECH, "0277 771 000", "starts with 0; write it with its country code"),
    (CZECH, "027 777 100", "starts with 0; write it with its country code"),  # 9, but no number
    (replace(CZECH, international_prefix=""), "004912345", "dialling prefix 00; write 4912345"),
    (replace(ITALY, international_prefix=""), "0061234567", "dialling prefix 00; write 61234567"),
    (replace(MUNICH, international_prefix=""), "00 420 27777100", "write 42027777100"),
    (MUNICH, "0 89", "0 89 is read as +4989 by the dial plan, which is not a telephone number; "
                     "write + and the country code first: +49115234567"),
    (MUNICH, "00 0 89 1234567", "read as +0891234567 by the dial plan"),
    (MUNICH, "0049 (0) 89 1234567", "leave out (0)"),
    (MUNICH, "49 (0) 89 1234567", "leave out (0)"),
    (MUNICH, "+49 (0) 89 1234567", "leave out (0)"),
    (MUNICH, "112", "112 is an emergency number; it can never be a forwarding target"),
    (MUNICH, "1-1-2", "112 is an emergency number"),
    (AUSTRALIA, "000", "000 is an emergency number"),
    (AUSTRALIA, "00", "starts with the dialling prefix 00"),  # not trunk prefix 0 and then 0
])
def test_what_no_form_fits_is_refused_with_the_right_form(
        plan: DialPlan, text: str, right_form: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        dialplan.read(plan, text, {"210"})
    assert right_form in str(refused.value)
    assert dialplan.from_dialled(plan, text, {"210"}) is None


@pytest.mark.parametrize(("text", "emergency"), [
    ("110", True), ("112", True), (" 11 2", True), ("1120", False), ("+112", False),
    ("0112", False), ("49112", False), ("", False),
])
def test_an_emergency_number_is_dialled_whole_and_as_it_is(text: str, emergency: bool) -> None:
    assert dialplan.is_emergency(MUNICH, text) is emergency


def test_an_emergency_number_comes_before_an_extension() -> None:
    with pytest.raises(InvalidValue, match="emergency"):
        dialplan.read(MUNICH, "112", {"112"})


@pytest.mark.parametrize(("user", "full"), [
    ("0891234567;phone-context=+49", "49891234567"),
    ("201;user=phone", "201"),
    ("202", None),
    ("112", None),  # asked for before
    ("jana", None),
    ("1234567%0D%0A", None),
])
def test_what_a_line_dials_is_read_alike(user: str, full: str | None) -> None:
    assert dialplan.from_dialled(MUNICH, user, EXTENSIONS) == full


@pytest.mark.parametrize(("text", "extension"), [
    ("20", True), ("012345", True), ("2", False), ("1234567", False), ("2\n", False), ("2a", False),
    ("\u0662\u0660", False),
])
def test_an_extension_has_2_to_6_digits(text: str, extension: bool) -> None:
    assert dialplan.is_extension(text) is extension


@pytest.mark.parametrize(("plan", "right_form"), [
    (DialPlan("+420"), "country '+420' is not possible; write 1 to 3 digits: 420"),
    (DialPlan("0420"), "country '0420'"),
    (DialPlan("4200"), "country '4200'"),
    (DialPlan("49", area="(89)"), "area '(89)' is not possible; write 1 to 5 digits: 89"),
    (DialPlan("49", trunk_prefix="+"), "trunk_prefix '+' is not possible; write 1 to 5 digits: 0"),
    (DialPlan("49", trunk_prefix="000000"), "trunk_prefix '000000'"),
    (DialPlan("49", international_prefix="+"), "international_prefix '+'"),
    (DialPlan(emergency=("112", "")), "emergency '' is not possible; write 2 to 6 digits each"),
    (DialPlan(emergency=("sos",)), "emergency 'sos'"),
    (DialPlan(emergency=("1",)), "emergency '1'"),
    (DialPlan("49", "", "0", "0"), "trunk_prefix and international_prefix are both 0; they must"),
    (DialPlan("", "", "0", "00"), "need country, the country code: 420"),
    (DialPlan(local_digits=9), "need country, the country code: 420"),
    (DialPlan("39", "", "0", "00"), "keep their 0; leave it out and write local_digits: 10"),
    (DialPlan("49", "089", "0", "00", 7), "area 089 starts with the trunk prefix; write 89"),
    (DialPlan("49", "0", "0", "00", 7), "starts with the trunk prefix; write 89"),
    (DialPlan("49", "89", "0", "00"), "area needs local_digits, the length of a local number: 7"),
    (DialPlan("420", local_digits=13), "local_digits 13 is not possible; behind 420 stand 4 to 12"),
    (DialPlan("420", local_digits=3), "local_digits 3 is not possible; behind 420 stand 4 to 12"),
    (DialPlan("358", "12345", local_digits=2), "behind 35812345 stand 3 to 7 digits"),
    (DialPlan("49", local_digits=-7), "local_digits -7 is not possible"),
    (DialPlan(emergency=("112", "201")), "emergency 201 is an extension of the organisation; give"),
])
def test_a_plan_that_cannot_work_is_refused(plan: DialPlan, right_form: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        dialplan.check(plan, EXTENSIONS)
    assert right_form in str(refused.value)
    assert str(refused.value).partition(" ")[0] in DialPlan.__slots__  # the key, for the writer


def test_an_extension_may_begin_like_an_emergency_number() -> None:
    dialplan.check(DialPlan(emergency=("20", "555")), EXTENSIONS)


@given(st.sampled_from(PLANS), numbers)
def test_with_plus_a_number_is_always_international(plan: DialPlan, number: str) -> None:
    assert dialplan.read(plan, f"+{number}", {number[:6]}) == number


@given(st.sampled_from(PLANS), st.text("0123456789+-() ", max_size=18) | st.text())
def test_whatever_is_read_is_a_number_or_an_extension_and_never_an_emergency_number(
        plan: DialPlan, text: str) -> None:
    full = dialplan.from_dialled(plan, text, EXTENSIONS)
    assert full is None or e164.is_number(full) or full in EXTENSIONS
    assert full not in plan.emergency


@given(st.sampled_from(PLANS), numbers, st.integers(0, 15), HOSTILE)
def test_nothing_hostile_gets_into_what_is_read(
        plan: DialPlan, number: str, place: int, hostile: str) -> None:
    with pytest.raises(InvalidValue):
        dialplan.read(plan, number[:place] + hostile + number[place:])


@pytest.mark.parametrize(("digits", "full"), [
    ("0777", "420777"), ("0044", "44"), ("00", ""), ("0", "420"), ("777", None), ("", None)])
def test_the_start_of_a_number_is_read_as_well(digits: str, full: str | None) -> None:
    plan = DialPlan(country="420", trunk_prefix="0", international_prefix="00")
    assert dialplan.without_prefix(plan, digits) == full


@pytest.mark.parametrize(("dialled", "keys"), [
    ("201", ("acme/201",)), ("2-01;user=phone", ("acme/201",)),
    ("234567", ("acme/234567", "42022234567")), ("49115234567", ("49115234567",)),
    ("0777123456", ("420777123456",)), ("reception", ()), ("1", ()),
])
def test_what_a_line_dials_can_stand_for(dialled: str, keys: tuple[str, ...]) -> None:
    plan = DialPlan("420", "22", "0", "00", 6)
    assert dialplan.readings(plan, "acme", dialled) == keys


@pytest.mark.parametrize(("uri", "ours"), [
    ("tel:+49115234567", True), ("TEL:+49-115-234567;ext=5", True), ("tel:7042", True),
    ("tel:7042;phone-context=voice.example", True), ("tel:*33;Phone-Context=Voice.Example", True),
    ("tel:+49115234567;phone-context=others.example", True),
    ("tel:7042;phone-context=others.example", False), ("tel:7042;phone-context=+49-115", False),
    ("sip:7042@others.example", False), ("sip:tel:7042", False), ("", False)])
def test_a_telephone_number_as_uri_is_ours_where_it_means_the_same_here(
        uri: str, *, ours: bool) -> None:
    assert dialplan.is_tel(uri, "voice.example") is ours
