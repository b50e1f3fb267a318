# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import permissions
from kemi_routing.permissions import BUILT_IN, NumberClass, Rights
from tests.support.strategies import numbers

NATIONAL = NumberClass("420", "national", allowed=True)
NO_INTERNATIONAL = NumberClass("", "international", allowed=False)
PREMIUM = NumberClass("", "premium", allowed=True)
NO_PREMIUM = NumberClass("", "premium", allowed=False)
PARTNERS = NumberClass("49115", "partners", allowed=True)
OWN_PREMIUM = NumberClass("420555", "premium", allowed=False)
HOT_LINE = NumberClass("420900", "hot line", allowed=True)


@pytest.mark.parametrize(("classes", "digits", "name", "allowed"), [
    ((), "49115234567", "international", True),
    ((), "42077111111", "international", True),
    ((), "42090012345", "premium", False),
    ((), "42090712345", "international", True),
    ((), "97912345678", "premium", False),
    ((), "88216123456", "premium", False),
    ((), "19005550123", "premium", False),
    ((), "12125550123", "international", True),
    ((NATIONAL,), "42077111111", "national", True),
    ((NATIONAL,), "42090012345", "premium", False),  # its prefix is the longer one
    ((NATIONAL, NO_INTERNATIONAL), "42077111111", "national", True),
    ((NATIONAL, NO_INTERNATIONAL), "49115234567", "international", False),
    ((NATIONAL, NO_INTERNATIONAL, PARTNERS), "49115234567", "partners", True),
    ((NATIONAL, NO_INTERNATIONAL, PARTNERS), "49116234567", "international", False),
    ((PREMIUM,), "42090012345", "premium", True),
    ((NO_INTERNATIONAL, PREMIUM), "42090012345", "premium", True),
    ((NO_PREMIUM,), "49115234567", "international", True),
    ((HOT_LINE,), "42090012345", "hot line", True),  # as long as the built-in one
    ((HOT_LINE, NO_PREMIUM), "42090012345", "hot line", True),
    ((HOT_LINE,), "42090612345", "premium", False),
    ((OWN_PREMIUM,), "42055512345", "premium", False),
    ((NATIONAL, OWN_PREMIUM, NumberClass("4205551", "own", allowed=True)), "42055512345", "own",
     True),
])
def test_the_longest_prefix_decides(
        classes: tuple[NumberClass, ...], digits: str, name: str, allowed: bool) -> None:
    rights = Rights(classes=classes)
    found = permissions.classify(digits, rights)
    assert (found.name, found.allowed) == (name, allowed)
    assert digits.startswith(found.prefix)
    denied = None if allowed else f"{digits} is {name}, which is denied"
    assert permissions.why_denied(digits, rights) == denied


def test_without_a_word_of_the_group_premium_is_denied_and_the_rest_allowed() -> None:
    assert {(row.name, row.allowed) for row in BUILT_IN} == {
        ("international", True), ("premium", False)}
    assert len({row.prefix for row in BUILT_IN}) == len(BUILT_IN)
    assert all(row.prefix.isdigit() or row.name == "international" for row in BUILT_IN)


@given(numbers, st.lists(st.builds(
    NumberClass, st.from_regex(r"[1-9][0-9]{0,5}", fullmatch=True) | st.just(""),
    st.sampled_from(["international", "premium", "partners"]), st.booleans())))
def test_every_number_has_a_class(number: str, classes: list[NumberClass]) -> None:
    rights = Rights(classes=tuple(classes))
    found = permissions.classify(number, rights)
    assert number.startswith(found.prefix)
    assert (permissions.why_denied(number, rights) is None) is found.allowed
