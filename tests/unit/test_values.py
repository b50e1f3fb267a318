# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Callable
from typing import Any

import pytest

from kemi_routing import values
from kemi_routing.errors import BrokenRecord, InvalidValue
from kemi_routing.values import Fields

A_HASH = "0123456789abcdef" * 2


@pytest.mark.parametrize(("read", "right", "wrong"), [
    (values.read_text, ["", "a b", "\u010d"], [None, 7, b"a", "a\n", "\0", "\u2028"]),
    (values.read_integer, [0, 2**63], [-1, True, 1.0, "1", None]),
    (values.read_second, [0, 32_503_680_000], [32_503_680_001, -1]),
    (lambda value: values.read_day(value).toordinal(), [1, 739951, 1_095_363],
     [0, -1, 1_095_364, 3_652_059, 2**70, "1", None]),
    (values.read_digits, ["", "0", "0" * 15], ["0" * 16, "+1", "a", "\u0661", 7]),
    (values.read_flag, [True, False], [0, 1, None, "yes"]),
    (values.read_number, ["49115234567"], ["049115", "acme/201", "", None]),
    (values.read_key, ["49115234567", "acme/201"], ["acme/", "/201", "201", "a b/201", 201]),
    (values.read_line_name, ["jana-desk"], ["", "jana desk", "a@b", None]),
    (values.read_ha1, [A_HASH], [A_HASH.upper(), A_HASH[1:], A_HASH + "0", "", None]),
    (values.read_ha1_sha256, ["", A_HASH * 2],
     [A_HASH, A_HASH.upper() * 2, A_HASH * 2 + "0", None]),
    (values.read_phones, [1, 12], [0, 13, -1, "3"]),
    (values.read_each(values.read_flag), [[], [True, False]], ["", {}, (True,), [True, 1]]),
], ids=lambda value: getattr(value, "__name__", ""))
def test_a_value_is_taken_as_it_is_or_refused(
        read: Callable[[Any], Any], right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        taken = read(value)
        assert (list(taken) if isinstance(taken, tuple) else taken) == value
    for value in wrong:
        with pytest.raises((ValueError, OverflowError)):  # Fields makes BrokenRecord of them
            read(value)


def test_fields_are_taken_in_order() -> None:
    fields = Fields(["a", 1], 2)
    assert (fields.take("name", values.read_text), fields.take("count", values.read_integer)) == (
        "a", 1)


@pytest.mark.parametrize(("error", "why"), [
    (ValueError("odd"), "odd"), (TypeError("odd"), "odd"), (KeyError("odd"), "'odd'"),
    (OverflowError("big"), "big"), (OSError("no file"), "no file"), (InvalidValue("bad"), "bad"),
])
def test_a_field_that_cannot_be_read_is_named(error: Exception, why: str) -> None:
    def read(value: object) -> None:
        raise error

    with pytest.raises(BrokenRecord, match=f"^name: {why}$"):
        Fields([1], 1).take("name", read)


def test_a_record_has_all_of_its_fields_and_no_more() -> None:
    for count in (0, 2):
        with pytest.raises(BrokenRecord, match=f"^1 fields instead of {count}$"):
            Fields([1], count)
