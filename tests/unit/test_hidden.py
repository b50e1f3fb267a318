# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing import hidden

DOMAIN = "followme.local"
OURS = frozenset({DOMAIN, "192.0.2.1", "2001:db8::1"})


@pytest.mark.parametrize(("written", "shown"), [
    ("sip:42075553333@192.0.2.20", "sip:42075553333@followme.local"),
    ("sip:42075553333@192.0.2.20:5070;user=phone", "sip:42075553333@followme.local"),
    ("sips:+420;phone-context=a@trunk.example", "sip:+420;phone-context=a@followme.local"),
    ("sip:a@[2001:db8::5]:5060", "sip:a@followme.local"),
    ("sip:192.0.2.20", "sip:followme.local"),
    ("sip:a@FOLLOWME.local", None),
    ("sip:anonymous@anonymous.invalid", None),
    ("tel:+42075553333", None),
    ("sip:a b@192.0.2.20", "sip:anonymous@anonymous.invalid"),
    ("sip:a>b@192.0.2.20", "sip:followme.local"),
    ("http://192.0.2.20", "sip:anonymous@anonymous.invalid"),
    ("", "sip:anonymous@anonymous.invalid"),
])
def test_from_tells_no_host_but_ours(written: str, shown: str | None) -> None:
    assert hidden.from_uri(written, DOMAIN) == shown


@pytest.mark.parametrize(("refer_to", "elsewhere"), [
    ("<sip:49301234567@followme.local>", False),
    ("Bob <sip:49301234567@192.0.2.1:5060;user=phone>", False),
    ("sip:49301234567@[2001:DB8:0::1]", False),
    ("tel:+49301234567", False),
    ("<sip:x@192.0.2.20?Replaces=1>", True),
    ("sip:x@192.0.2.20", True),
    ("<http://192.0.2.20>", True),
    ("<sip:x@followme.local@192.0.2.20>", True),
    ("", True),
])
def test_a_transfer_elsewhere_names_another_host(refer_to: str, *, elsewhere: bool) -> None:
    assert hidden.names_other_host(refer_to, OURS) is elsewhere
