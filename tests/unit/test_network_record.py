# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's network in the store."""

from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import formats
from kemi_routing.caller_id import profile
from kemi_routing.errors import BrokenRecord, UnknownVersion
from kemi_routing.network import Network, Server
from kemi_routing.network_record import decode, decode_addresses, encode, encode_addresses
from kemi_routing.packed import VERSION, unpack
from kemi_routing.trunks import Asserts
from tests.support.builders import trunk

FULL = Network(
    7, (trunk("192.0.2.20", "2001:db8::/64", name="carrier", stir="X-Attest", redirect=True,
              early_media=True, max_calls=1_000_000, max_per_second=1,
              numbers=formats.read("national 49 0"), certificate="sbc.carrier.example"),
        trunk("192.0.2.21", name="other", asserts=Asserts.NOTHING)),
    (Server("192.0.2.40:5060", 1000, 100, "vienna", "eu", profile("from=caller pai=none"),
            formats.read("plus"), "1234#"),
     Server("gw.example.net:5062;transport=tls", name="prague")),
    (Server("[2001:db8::30]:5070", name="media"),), (Server("192.0.2.45:5060", name="iax"),),
    profile("history=no diversion=last"))


def altered(*path: int, to: Any) -> bytes:
    """The record with one value replaced."""
    fields = unpack(encode(FULL))
    place = fields
    for index in path[:-1]:
        place = place[index]
    place[path[-1]] = to
    return bytes([VERSION]) + msgpack.packb(fields)


@pytest.mark.parametrize("network", [Network(), FULL, replace(FULL, trunks=(), revision=0)])
def test_what_was_written_is_read(network: Network) -> None:
    assert decode(encode(network)) == network


@pytest.mark.parametrize(("data", "why"), [
    (b"", "0 bytes"), (b"\x02\xc1", "not MessagePack"), (b"\x02\x80", "a dict instead"),
    (altered(0, to=-1), "revision: -1 is not a whole number"),
    (altered(1, to="x"), "trunks: 'x' is not an array"),
    (altered(1, 0, to=["x"]), "trunks: not enough values"),
    (altered(1, 0, 0, to="a b"), "trunks: 'a b' is not a name"),
    (altered(1, 0, 1, to=["192.0.2.1/24"]), "trunks: '192.0.2.1/24' is not an address"),
    (altered(1, 1, 1, to=["192.0.2.20"]), "a source stands there twice"),
    (altered(1, 0, 2, to="Contact"), "trunks: 'Contact' is not a valid Asserts"),
    (altered(1, 0, 3, to="X\r\nY"), "trunks: .* is not a printable text"),
    (altered(1, 0, 3, to="X Y"), "trunks: 'X Y' is not the name of a header"),
    (altered(1, 0, 4, to=1), "trunks: 1 is not true or false"),
    (altered(1, 0, 6, to=1_000_001), "trunks: 1000001 is not 0 to 1000000"),
    (altered(1, 0, 8, to="local"), "trunks: 'local' is no form of numbers; write e164, plus"),
    (altered(1, 0, 9, to="a/b"), "trunks: 'a/b' is not the name of a certificate"),
    (altered(1, 1, 9, to="sbc.carrier.example"), "a certificate stands there twice"),
    (altered(2, 0, 6, to=""), "gateways: '' is no form of numbers; write e164, plus"),
    (altered(2, 0, 1, to="h:0"), "gateways: .* is not a port"),
    (altered(2, 0, 1, to="h;lr:1"), "gateways: .* write host:port"),
    (altered(2, 1, 1, to="192.0.2.40:5060"), "a hop stands there twice"),
    (altered(2, 0, 2, to=0), "gateways: 0 is not 1 to 1000"),
    (altered(2, 0, 3, to=101), "gateways: 101 is not 1 to 100"),
    (altered(2, 0, 4, to="e u"), "gateways: 'e u' is not a name"),
    (altered(2, 0, 5, to="from=none"), "gateways: 'from=none' is not known; write from=number"),
    (altered(3, to=None), "media servers: None is not an array"),
    (altered(4, 0, 1, to="h:0"), "IAX gateways: .* is not a port"),
    (altered(5, to="history=maybe"), "cli: 'history=maybe' is not known; write"),
])
def test_a_broken_record_names_the_field(data: bytes, why: str) -> None:
    with pytest.raises(BrokenRecord, match=why):
        decode(data)


def test_a_record_of_another_version_is_told_apart() -> None:
    with pytest.raises(UnknownVersion):
        decode(b"\x09" + encode(FULL)[1:])


@given(st.binary(max_size=64), st.integers(0, 200))
def test_no_bytes_are_an_error_of_another_kind(noise: bytes, at: int) -> None:
    whole = encode(FULL)
    try:
        decode(whole[:at] + noise + whole[at + len(noise):])
    except BrokenRecord:
        return


@pytest.mark.parametrize("addresses", [
    {}, {"gw.example:5060": ()},
    {"a:1": ("192.0.2.1:1", "[2001:db8::1]:1"),
     "b:2;transport=tcp": ("192.0.2.2:2;transport=tcp",)}])
def test_what_names_mean_is_read_as_written(addresses: dict[str, tuple[str, ...]]) -> None:
    assert decode_addresses(encode_addresses(addresses)) == addresses


@pytest.mark.parametrize("rows", ["x", [1], [["a:1"]], [["a:1", 1]], [["a:1", ["x"]]], [["a", []]]])
def test_what_names_cannot_mean(rows: Any) -> None:
    with pytest.raises(BrokenRecord):
        decode_addresses(bytes([VERSION]) + msgpack.packb(rows))
