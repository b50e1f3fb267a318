# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from kemi_routing import formats
from kemi_routing.caller_id import Profile
from kemi_routing.model import Platform
from kemi_routing.network import Network, Server
from tests.support.builders import trunk

FAR, NEAR, SPARE, ANYWHERE = (
    Server("far:1", name="far", data_centre="prague"),
    Server("near:1", name="near", data_centre="vienna"),
    Server("spare:1", name="spare", data_centre="vienna", priority=2), Server("any:1", name="any"))
NETWORK = Network(3, (trunk("192.0.2.20", name="carrier"),), (FAR, SPARE, NEAR),
                  (FAR, ANYWHERE, Server("[2001:db8::30]:5070")))


@pytest.mark.parametrize(("data_centre", "gateways", "media_servers"), [
    ("vienna", ["near", "spare", "far"], ["any", "", "far"]),
    ("prague", ["far", "near", "spare"], ["far", "any", ""]),
    ("", ["far", "near", "spare"], ["any", "", "far"]),
])
def test_what_stands_in_the_own_data_centre_comes_first(
        data_centre: str, gateways: list[str], media_servers: list[str]) -> None:
    seen = NETWORK.seen_from(data_centre)
    assert [hop.name for hop in seen.gateways] == gateways
    assert [hop.name for hop in seen.media_servers] == media_servers
    assert (seen.revision, seen.trunks) == (NETWORK.revision, NETWORK.trunks)


def test_one_of_another_data_centre_is_used_when_all_near_ones_are_out() -> None:
    priorities = {hop.name: hop.priority for hop in NETWORK.seen_from("vienna").gateways}
    assert priorities == {"near": 1, "spare": 2, "far": 101}


def test_a_trunk_may_be_known_by_its_certificate() -> None:
    known = replace(NETWORK.trunks[0], certificate="sbc.carrier.example")
    assert NETWORK.by_certificate == {}
    assert Network(trunks=(known,)).by_certificate == {"sbc.carrier.example": known}


def test_each_gateway_has_its_profile_and_its_numbers() -> None:
    plus = formats.read("plus")
    own, common = Profile("caller"), Profile(history=False)
    seen = Network(gateways=(Server("a:1", cli=own, numbers=plus), Server("b:1")),
                   cli=common).seen_from("")
    assert [one.cli for one in seen.gateways] == [replace(own, numbers=plus), common]


def test_whose_calls_are_taken() -> None:
    found = NETWORK.trunk_at("192.0.2.20")
    assert found is not None
    assert found.name == "carrier"
    assert NETWORK.trunk_at("192.0.2.21") is None


def test_no_target_may_name_what_belongs_to_the_platform() -> None:
    within = NETWORK.within(Platform(own_hosts=frozenset({"old"})), ["192.0.2.1"])
    assert within.own_hosts == {"192.0.2.1", "far", "near", "spare", "any", "2001:db8::30"}
    assert within.inside == NETWORK.trunks[0].sources != ()
    assert (within.gateway, within.media_server, within.iax_gateway) == (True, True, False)
    assert NETWORK.gateway_hosts == {"far", "spare", "near"}
    assert NETWORK.media_hosts == {"far", "any", "2001:db8::30"}
    iax = Network(iax_gateways=(NEAR,)).seen_from("prague")
    assert iax.within(Platform()).iax_gateway
    assert iax.hosts == {"near"}
    assert [one.priority for one in iax.iax_gateways] == [101]


def test_each_address_of_a_host_name_is_a_server_with_its_share_of_the_weight() -> None:
    named = Server("gw.example:5060", weight=3, priority=2, name="vienna")
    plain = Server("192.0.2.9:5060", name="plain")
    written = Network(gateways=(named, plain), media_servers=(plain,), iax_gateways=(named,))
    assert written.names == {"gw.example:5060"}
    found = written.found({"gw.example:5060": ("192.0.2.1:5060", "[2001:db8::1]:5060")})
    assert [(one.at, one.written, one.weight, one.priority) for one in found.gateways] == [
        ("192.0.2.1:5060", "gw.example:5060", 1.5, 2),
        ("[2001:db8::1]:5060", "gw.example:5060", 1.5, 2), ("192.0.2.9:5060", plain.at, 1, 1)]
    assert (found.media_servers, found.names) == ((plain,), written.names)
    assert found.gateway_hosts == {"192.0.2.1", "2001:db8::1", "gw.example", "192.0.2.9"}


def test_a_host_name_without_address_stays_for_no_branch() -> None:
    written = Network(gateways=(Server("gw.example:5060"),))
    (gateway,) = written.found({"other.example:5060": ("192.0.2.1:5060",)}).gateways
    assert (gateway.at, gateway.is_known) == ("gw.example:5060", False)
    assert written.gateways[0].is_known


def test_without_host_names_nothing_is_looked_for() -> None:
    plain = Network(gateways=(Server("192.0.2.1:5060"),))
    assert plain.found({}) is plain


def test_an_empty_network_leads_nowhere() -> None:
    within = Network().within(Platform())
    assert (within.gateway, within.media_server, within.own_hosts) == (False, False, frozenset())
