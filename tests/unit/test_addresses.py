# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given

from kemi_routing import hops, party, targets
from kemi_routing.addresses import at, bracketed, canonical
from kemi_routing.model import Platform
from kemi_routing.settings import from_environment
from tests.support.strategies import spellings


@pytest.mark.parametrize(("host", "expected"), [
    ("192.0.2.1", "192.0.2.1"), ("GW.Example.net", "gw.example.net"), ("", ""),
    ("2001:DB8:0::01", "2001:db8::1"), ("[2001:db8:0:0:0:0:0:1]", "2001:db8::1"),
    ("[fe80::1%LO]", "fe80::1%lo"), ("[:::1]", ":::1"), ("[gw]", "gw")])
def test_a_host_has_one_spelling(host: str, expected: str) -> None:
    assert canonical(host) == expected
    assert canonical(expected) == expected
    assert canonical(bracketed(host)) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("192.0.2.1:5060", "192.0.2.1:5060"), ("[2001:DB8:0::1]:5060", "[2001:db8::1]:5060"),
    ("GW:1", "gw:1")])
def test_host_and_port_have_one_spelling(text: str, expected: str) -> None:
    assert at(text) == expected


@given(spellings())
def test_an_address_is_the_same_in_every_spelling(spelling: tuple[str, str]) -> None:
    one, written = spelling
    platform = Platform(own_hosts=frozenset({one}))
    target = targets.parse(f"sip:jana@[{written}]:5060")
    peer = targets.parse(f"IAX2/jana@[{written}]/100")
    assert canonical(written) == one
    assert target == targets.parse(f"sip:jana@[{one}]:5060")
    assert {platform.refused_host(each.host) for each in (target, peer)} == {
        f"{one} belongs to this platform"}
    assert hops.address(f"[{written}]:5060") == hops.address(f"[{one}]:5060")
    assert party.where(f"<sip:jana@[{written}]:5060>") == party.where(f"<sip:jana@[{one}]:5060>")
    listed = from_environment({"FOLLOWME_SIP_HOSTS": written}).platform
    assert listed.refused_host(target.host) is None
