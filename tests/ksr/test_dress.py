# SPDX-License-Identifier: GPL-2.0-or-later
"""The caller's own From on its way to a gateway that writes numbers otherwise than the trunk."""

import pytest

from kemi_routing import formats
from kemi_routing.caller_id import profile
from kemi_routing.model import Mode
from kemi_routing.network import Server
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, TRUNK, Product, in_network
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step, trunk
from tests.support.sip_message import Request

NUMBER = number(default="all", mode=Mode.FORWARD_ONLY, sequences=(sequence("all", step(OFFICE)),))
IDENTITY = ("Identity", "signed")


def sent(monkeypatch: pytest.MonkeyPatch, came: str, wanted: str, caller: str,
         shown: str = "caller") -> tuple[str | None, bool]:
    """From at a gateway that wants numbers so, and whether Identity is there."""
    gateway = Server("127.0.0.40:5060", cli=profile(f"from={shown}"),
                     numbers=formats.read(wanted))
    monkeypatch.setattr(product_edge, "SETTINGS", in_network(
        gateways=(gateway,), trunks=(trunk(TRUNK.ip, numbers=formats.read(came)),)))
    product = Product(NUMBER)
    called = formats.read(came).write(PERSONAL)
    product.receive(Request(uri=f"sip:{called}@127.0.0.1", caller=caller, source=TRUNK,
                            headers=(IDENTITY,)))
    (invite,) = product.forwarded
    return invite.headers.get("From"), bool(invite.headers.get("Identity"))


@pytest.mark.parametrize(("came", "user", "wanted", "written"), [
    ("national 420", "75553333", "plus", "+42075553333"),
    ("e164", "42075553333", "plus", "+42075553333"),
    ("national 49 0", "0301234567", "e164", "49301234567"),
    ("plus", "+49301234567", "national 49 0", "0301234567"),
    ("plus", "+42075553333", "national 49 0", "0042075553333"),
])
def test_has_its_number_in_the_gateways_form_and_keeps_its_name(
        monkeypatch: pytest.MonkeyPatch, came: str, user: str, wanted: str, written: str) -> None:
    said = f'"Anna" <sip:{user}@carrier.example;x=y>;tag=a'
    assert sent(monkeypatch, came, wanted, said) == (
        f'"Anna" <sip:{written}@{DOMAIN}>;tag=a', False)


@pytest.mark.parametrize(("came", "wanted", "user"), [
    ("e164", "e164", "42075553333"), ("plus", "e164", "+42075553333"),
    ("plus", "plus", "+42075553333"), ("e164", "plus", "anna"), ("e164", "plus", "anonymous"),
    ("national 49 0", "plus", "49301234567"),
])
def test_passes_through_where_it_is_in_that_form_or_no_number(
        monkeypatch: pytest.MonkeyPatch, came: str, wanted: str, user: str) -> None:
    said = f'"Anna" <sip:{user}@carrier.example;x=y>;tag=a'
    assert sent(monkeypatch, came, wanted, said) == (said, True)


def test_is_not_shown_where_the_personal_number_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said = '"Anna" <sip:0301234567@carrier.example>;tag=a'
    assert sent(monkeypatch, "national 49 0", "plus", said, "personal") == (
        f"<sip:+{PERSONAL}@{DOMAIN}>;tag=a", False)
