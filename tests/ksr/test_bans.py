# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is ignored, who is banned, and who never is."""

from dataclasses import replace

import pytest

from kemi_routing.ksr import bans
from kemi_routing.ksr.bans import IGNORED_S, MOST_IGNORED, Reason
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, SETTINGS, STRANGER, TRUNK, Product, in_network
from tests.support.builders import trunk
from tests.support.sip_message import Address, Request

GO_ON, DROP = 1, -1
SCANNER = ("User-Agent", "Friendly-Scanner 1.2")


@pytest.fixture
def edge() -> Product:
    return Product()


def judged(edge: Product, address: str = STRANGER.ip) -> int:
    """Kamailio asks about a source that has just sent more than the limit."""
    return edge.too_many(address)


def banned(edge: Product) -> dict[str, int]:
    return edge.htable.tables[bans.BANNED]


def logged(edge: Product, verb: str) -> list[str]:
    return [text for _, text in edge.log if text.startswith(f"{verb} ")]


def lift(edge: Product) -> None:
    banned(edge).clear()


class TestWhoSendsTooMuch:
    def test_is_ignored_and_then_banned(self, edge: Product) -> None:
        reasons = []
        for _ in range(MOST_IGNORED + 1):
            assert judged(edge) == DROP
            reasons.append(banned(edge)[STRANGER.ip])
            lift(edge)
        assert reasons == [Reason.IGNORED] * MOST_IGNORED + [Reason.TOO_MANY]
        told = f"ignore source=127.0.0.66 why='too many messages' seconds={IGNORED_S}\n"
        assert logged(edge, "ignore") == [told] * MOST_IGNORED
        assert logged(edge, "ban")[0].endswith(f"seconds={SETTINGS.ban_s}\n")

    def test_is_never_banned_for_what_came_by_udp(self, edge: Product) -> None:
        for _ in range(MOST_IGNORED + 3):
            assert edge.too_many(STRANGER.ip, "udp") == DROP
            assert banned(edge) == {STRANGER.ip: Reason.IGNORED}
            assert edge.htable.lasting_s[bans.BANNED, STRANGER.ip] == IGNORED_S
            lift(edge)
        assert edge.htable.tables[bans.IGNORED] == {}

    def test_is_told_once_where_many_workers_ask(self, edge: Product) -> None:
        assert [judged(edge) for _ in range(5)] == [DROP] * 5
        assert (len(logged(edge, "ignore")), logged(edge, "ban")) == (1, [])

    def test_is_never_banned_where_a_line_has_its_phone(self, edge: Product) -> None:
        edge.htable.tables[bans.PROVED][STRANGER.ip] = 1
        for _ in range(MOST_IGNORED + 3):
            judged(edge)
            assert banned(edge) == {STRANGER.ip: Reason.IGNORED}
            lift(edge)

    @pytest.mark.parametrize("address", [
        TRUNK.ip, "127.0.0.40", "127.0.0.30", SETTINGS.address])
    def test_is_not_ignored_where_it_is_ours(self, edge: Product, address: str) -> None:
        assert judged(edge, address) == GO_ON
        assert (banned(edge), edge.htable.tables[bans.TRUSTED]) == ({}, {address: 1})

    def test_is_trusted_as_kamailio_writes_it_where_it_is_ours(
            self, monkeypatch: pytest.MonkeyPatch) -> None:
        ours = in_network(trunks=(trunk("2001:db8::20"),))
        monkeypatch.setattr(product_edge, "SETTINGS", ours)
        edge = Product()
        assert judged(edge, "2001:db8:0:0:0:0:0:20") == GO_ON
        assert edge.htable.tables[bans.TRUSTED] == {"2001:db8:0:0:0:0:0:20": 1}

    def test_is_a_network_of_a_customer_where_it_is_ipv6(self, edge: Product) -> None:
        judged(edge, "2001:db8:0:1:0:0:0:7")
        assert banned(edge) == {"2001:db8:0:1::": Reason.IGNORED}
        assert judged(edge, "2001:DB8:0:1:0:0:0:8") == DROP
        assert len(banned(edge)) == 1

    def test_is_let_in_where_we_fail(self, edge: Product) -> None:
        edge.htable.tables.pop(bans.IGNORED)
        assert judged(edge) == GO_ON
        assert len(logged(edge, "error")) == 1


def request(method: str, source: Address) -> Request:
    return Request(method, f"sip:{DOMAIN}", headers=(SCANNER,), source=source, transport="TCP")


class TestAScanner:
    @pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "INVITE", "PUBLISH"])
    def test_hears_nothing_and_is_banned(self, edge: Product, method: str) -> None:
        edge.receive(request(method, STRANGER))
        assert (edge.codes, banned(edge)) == ([], {STRANGER.ip: Reason.SCANNER})
        assert "why=scanner agent='Friendly-Scanner 1.2' seconds=900" in logged(edge, "ban")[0]

    @pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "INVITE", "PUBLISH"])
    def test_bans_nobody_by_udp(self, edge: Product, method: str) -> None:
        edge.receive(replace(request(method, STRANGER), transport="UDP"))
        assert (edge.codes, banned(edge)) == ([], {})

    def test_is_told_once(self, edge: Product) -> None:
        for _ in range(3):
            edge.receive(request("OPTIONS", STRANGER))
        assert len(logged(edge, "ban")) == 1

    def test_bans_no_address_that_a_line_has(self, edge: Product) -> None:
        edge.htable.tables[bans.PROVED][STRANGER.ip] = 1
        edge.receive(request("OPTIONS", STRANGER))
        assert (edge.codes, banned(edge)) == ([], {})

    def test_bans_no_trunk(self, edge: Product) -> None:
        edge.receive(request("OPTIONS", TRUNK))
        assert (edge.codes, banned(edge)) == ([], {})

    @pytest.mark.parametrize("agent", ["", "a friendly-scanner", "phone"])
    def test_is_not_what_names_itself_otherwise(self, edge: Product, agent: str) -> None:
        headers = (("User-Agent", agent),) if agent else ()
        edge.receive(Request("OPTIONS", f"sip:{DOMAIN}", headers=headers, source=STRANGER))
        assert (edge.codes, banned(edge)) == ([200], {})
