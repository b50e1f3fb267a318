# SPDX-License-Identifier: GPL-2.0-or-later
"""Log lines that a caller cannot break up, and that tell no numbers where they must not."""

import pytest

from kemi_routing.log_line import line


def arabic(digits: str) -> str:
    """The same number in Arabic digits, which are decimal digits too."""
    return "".join(chr(0x660 + int(digit)) for digit in digits)


@pytest.mark.parametrize(("value", "word"), [
    (200, "200"),
    ("abc@192.0.2.1", "abc@192.0.2.1"),
    ("Žižkov", "Žižkov"),
    ("", "''"),
    ("two words", "'two words'"),
    ("a\r\nend callid=b", r"'a\r\nend callid=b'"),
    ("a\x1b[31mred", r"'a\x1b[31mred'"),
    ("a\u2028b", r"'a\u2028b'"),
    ("it's one", '"it\'s one"'),
    ("x" * 16_000, "x" * 200),
])
def test_a_value_is_one_word(value: object, word: str) -> None:
    assert line("end", {"callid": value, "status": 486}) == f"end callid={word} status=486\n"


@pytest.mark.parametrize(("key", "longest"), [
    ("callid", 200), ("number", 200), ("why", 200), ("line", 200), ("agent", 200),
    ("traceback", 2000), ("tried", 2000), ("cycle", 2000), ("at", 2000)])
def test_what_a_caller_may_have_written_is_short(key: str, longest: int) -> None:
    assert line("end", {key: "x" * 16_000}) == f"end {key}={'x' * longest}\n"


@pytest.mark.parametrize(("key", "value", "seen"), [
    ("number", "42027777101", "********101"),
    ("number", "acme/201", "acme/**1"),
    ("number", "+420 277-77.101", "'+*** ***-**.101'"),
    ("number", "112", "**2"),
    ("number", "7", "7"),
    ("number", "", "''"),
    ("number", arabic("42027777101"), "********" + arabic("101")),
    ("ani", "42075553333", "********333"),
    ("ani", None, "None"),
    ("user", "+49.1152.34567", "+**.****.**567"),
    ("user", "jana-desk", "jana-desk"),
    ("cycle", "42027777101>acme/201>42027777101", "********101>acme/**1>********101"),
    ("answered", "pstn 49115234567", "'pstn ********567'"),
    ("answered", "line jana-desk", "'line jana-desk'"),
    ("target", "sip:+49-115-234567@192.0.2.40:15060;user=phone",
     "sip:+**-***-***567@192.0.2.40:15060;user=phone"),
    ("to", "<SIPS:49115234567@[2001:db8::1]>", "<SIPS:********567@[2001:db8::1]>"),
    ("to", "tel:+49-11-52;phone-context=x", "tel:+**-**-*2;phone-context=x"),
    ("why", "42027777101: a cap is reached", "'********101: a cap is reached'"),
    ("why", "fm:1:number:{42027777101}: version 9", "'fm:1:number:{********101}: version 9'"),
    ("rule", "window mon-fri 08:00-18:00", "'window mon-fri 08:00-18:00'"),
    ("rule", "vacation 2026-12-24 - 2027-01-02", "'vacation 2026-12-24 - 2027-01-02'"),
    ("source", "192.168.100.200", "192.168.100.200"),
    ("callid", "420277771010@192.0.2.1", "420277771010@192.0.2.1"),
    ("after_ms", 12345, "12345"),
])
def test_masked_numbers_keep_their_last_digits(key: str, value: object, seen: str) -> None:
    assert line("route", {key: value}, masked=True) == f"route {key}={seen}\n"


def test_numbers_are_whole_unless_masked() -> None:
    assert line("route", {"number": "42027777101"}) == "route number=42027777101\n"
