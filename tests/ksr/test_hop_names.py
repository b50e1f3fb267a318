# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways and media servers by host name: known before calls ask, and no worker waits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kemi_routing import settings
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.in_force import Follower, LastGood
from kemi_routing.ksr.resolver import RETRY_UNREACHED_S, Resolver
from kemi_routing.model import Mode
from kemi_routing.network import Network, Server
from kemi_routing.network_record import encode
from tests.ksr.edge import DOMAIN, NETWORK, SECRET, SETTINGS, Product, Records
from tests.ksr.test_media_legs import leg
from tests.ksr.test_names import NameServer
from tests.support import zone
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
GATEWAY, MEDIA = "gw.example.com:5060", "media.example.com:5060"
ONE, TWO = "127.0.0.41", "127.0.0.42"
TWO_ADDRESSES = f"gw.example.com A {ONE}\ngw.example.com A {TWO}"


def network(*gateways: Server, **fields: Any) -> Network:
    return replace(NETWORK, revision=4, gateways=gateways or (Server(GATEWAY, name="vienna"),),
                   **fields)


class Proxy(Product):
    """The product with its background process; a turn of that is a tenth of a second."""

    def __init__(self, folder: Path, rows: str, mode: Mode = Mode.FORWARD_ONLY) -> None:
        super().__init__(number(default="all", mode=mode, sequences=(
            sequence("all", step(OFFICE), step(MOBILE)),)))
        self.run_dir, self.name_server, self._passed_ms = folder, NameServer(rows), 0
        self.edge = Edge(self.ksr, SETTINGS, self.records, SECRET)
        self._started = self.background(self.edge)
        self.resolver = Resolver(self.edge, self.name_server, lambda: self._passed_ms,
                                 self._started.names)

    def pass_s(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self._passed_ms += 100
            self.resolver.tick()
            self._started.tick(START + timedelta(milliseconds=self._passed_ms))

    def hears(self, written: Network, after_s: float = 1.2) -> None:
        """The store says this, and the background process has its turns."""
        self.records.operators = encode(written)
        self.pass_s(after_s)

    @property
    def went(self) -> list[tuple[str, str]]:
        """Request-URIs of the INVITEs that left, with their next hops."""
        return [(one.uri, one.destination) for one in self.forwarded if one.method == "INVITE"]

    def said(self, verb: str) -> list[str]:
        return [text.strip() for _, text in self.log if text.startswith(f"{verb} ")]


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    return Proxy(tmp_path, f"gw.example.com A {ONE}")


def test_a_call_goes_to_the_address_and_its_uri_names_the_host(proxy: Proxy) -> None:
    proxy.hears(network())
    proxy.call(PERSONAL)
    assert proxy.went == [(f"sip:{OFFICE}@{GATEWAY}", f"sip:{ONE}:5060")]
    assert f"sip:{OFFICE}@{GATEWAY}" in (proxy.forwarded[0].headers.get("History-Info") or "")
    assert proxy.said("name") == [f"name name={GATEWAY} at={ONE}:5060"]


def test_its_transport_is_that_of_each_address(proxy: Proxy) -> None:
    proxy.hears(network(Server(f"{GATEWAY};transport=tls", name="vienna")))
    proxy.call(PERSONAL)
    assert proxy.went == [(f"sip:{OFFICE}@{GATEWAY};transport=tls",
                           f"sip:{ONE}:5060;transport=tls")]


def test_what_it_replaces_serves_until_its_name_is_known(proxy: Proxy) -> None:
    proxy.hears(network(), after_s=0.1)
    proxy.call(PERSONAL)
    proxy.pass_s(0.1)
    proxy.call(PERSONAL)
    assert [uri for uri, _ in proxy.went] == [
        f"sip:{OFFICE}@127.0.0.40:5060", f"sip:{OFFICE}@{GATEWAY}"]
    assert len(proxy.said("network")) == 1


class TestWhereTheNameServersSayNothing:
    def test_a_new_network_is_in_force_within_a_second_and_its_target_passed_over(
            self, proxy: Proxy) -> None:
        proxy.name_server.silent = True
        proxy.hears(network(), after_s=1.1)
        proxy.call(PERSONAL)
        assert (proxy.went, proxy.codes) == ([], [480])

    def test_another_gateway_is_used(self, proxy: Proxy) -> None:
        proxy.name_server.silent = True
        proxy.hears(network(Server(GATEWAY, name="a"), Server(f"{TWO}:5060", name="b", priority=2)))
        proxy.call(PERSONAL)
        proxy.answer(OFFICE, 503)
        assert proxy.uris == [f"sip:{OFFICE}@{TWO}:5060", f"sip:{MOBILE}@{TWO}:5060"]

    def test_it_is_used_when_they_are_back(self, proxy: Proxy) -> None:
        proxy.name_server.silent = True
        proxy.hears(network(), after_s=60)
        proxy.name_server.silent = False
        proxy.pass_s(RETRY_UNREACHED_S + 1)
        proxy.call(PERSONAL)
        assert [hop for _, hop in proxy.went] == [f"sip:{ONE}:5060"]

    @pytest.mark.parametrize("how", ["silent", "nothing"])
    def test_the_last_address_holds(self, proxy: Proxy, how: str) -> None:
        proxy.hears(network())
        proxy.name_server.silent = how == "silent"
        proxy.name_server.rows = {}
        proxy.pass_s(4000)
        proxy.call(PERSONAL)
        assert [hop for _, hop in proxy.went] == [f"sip:{ONE}:5060"]

    def test_it_holds_over_a_restart_without_the_store(self, proxy: Proxy, tmp_path: Path) -> None:
        proxy.hears(network())
        again = Edge(proxy.ksr, settings.from_environment({}), Records(), SECRET)
        Follower(again, LastGood(tmp_path / "network"), tmp_path / "list", network())
        assert [hop.at for hop in again.settings.network.gateways] == [f"{ONE}:5060"]
        (tmp_path / "network.names").write_bytes(b"\x02nonsense")
        Follower(again, LastGood(tmp_path / "network"), tmp_path / "list", network())
        assert [hop.at for hop in again.settings.network.gateways] == [GATEWAY]

    def test_an_outside_call_from_the_menu_hears_503(self, proxy: Proxy) -> None:
        proxy.records.held[PERSONAL] = number(outgoing=True)
        proxy.name_server.silent = True
        proxy.hears(network())
        proxy.receive(leg(f"sip:{MOBILE}@{DOMAIN}", "outgoing"))
        assert (proxy.went, proxy.codes) == ([], [503])
        assert "status=503" in proxy.said("end")[0]


class TestAnAnswer:
    def test_that_changes_leads_elsewhere_when_its_time_is_over(self, proxy: Proxy) -> None:
        proxy.hears(network())
        proxy.name_server.rows = zone.zone(f"gw.example.com A {TWO}")
        proxy.pass_s(zone.TTL_S + 1)
        proxy.call(PERSONAL)
        assert [hop for _, hop in proxy.went] == [f"sip:{TWO}:5060"]
        assert proxy.said("name")[-1] == f"name name={GATEWAY} at={TWO}:5060"
        assert len(proxy.said("network")) == 1

    def test_with_several_addresses_is_several_gateways(self, tmp_path: Path) -> None:
        proxy = Proxy(tmp_path, TWO_ADDRESSES)
        proxy.hears(network())
        assert (tmp_path / "list").read_text() == f"1 sip:{ONE}:5060\n1 sip:{TWO}:5060\n"
        proxy.call(PERSONAL)
        proxy.answer(OFFICE, 503)
        assert [uri for uri, _ in proxy.went] == [f"sip:{OFFICE}@{GATEWAY}"] * 2
        assert sorted(hop for _, hop in proxy.went) == [f"sip:{ONE}:5060", f"sip:{TWO}:5060"]

    def test_for_a_name_that_is_used_no_more_is_not_asked_for(self, proxy: Proxy) -> None:
        proxy.hears(network())
        proxy.hears(NETWORK)
        proxy.pass_s(2 * zone.TTL_S)
        asked = len(proxy.name_server.asked)
        proxy.pass_s(2 * zone.TTL_S)
        assert len(proxy.name_server.asked) == asked == 2

    def test_that_cannot_be_kept_is_in_force_all_the_same(
            self, proxy: Proxy, tmp_path: Path) -> None:
        (tmp_path / "network.names.new").mkdir()
        proxy.hears(network())
        proxy.call(PERSONAL)
        assert [hop for _, hop in proxy.went] == [f"sip:{ONE}:5060"]
        assert "no copy could be kept: " in str(proxy.said("network"))


def test_a_media_server_is_known_by_its_addresses(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path, f"media.example.com A {TWO}", Mode.VOICEMAIL_ONLY)
    proxy.hears(replace(NETWORK, media_servers=(Server(MEDIA, name="vienna"),), revision=4))
    proxy.call(PERSONAL)
    ((uri, hop),) = proxy.went
    assert (uri.partition("@")[2].partition(";")[0], hop) == (MEDIA, f"sip:{TWO}:5060")
    assert proxy.edge.settings.network.media_hosts == {"media.example.com", TWO}
