# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's network: at the start, and when it changes while calls come in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kemi_routing import settings
from kemi_routing.ksr import in_force
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.in_force import RELOAD_EVERY_S, LastGood
from kemi_routing.model import Mode
from kemi_routing.network import Network, Server
from kemi_routing.network_record import encode
from kemi_routing.trunks import Asserts
from tests.ksr import edge as product_edge
from tests.ksr.edge import NETWORK, SECRET, STRANGER, Product, Records
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step, trunk

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PLAIN = settings.from_environment({})
OLD, NEW = replace(NETWORK, revision=3), replace(NETWORK, revision=4)
ONE, TWO, THREE = (Server(f"127.0.0.4{last}:5060", name=str(last)) for last in (0, 1, 2))


class Proxy(Product):
    """The product, with its background process at a time of the test's choice."""

    def __init__(self, folder: Path) -> None:
        super().__init__(number(default="all", mode=Mode.FORWARD_ONLY, sequences=(
            sequence("all", step(OFFICE), step(MOBILE)),)))
        self.run_dir = folder
        self._at = START
        edge = Edge(self.ksr, product_edge.SETTINGS, self.records, SECRET)
        self._background = self.background(edge)

    def hears(self, network: Network | bytes | None, after_s: float = 1) -> None:
        """The store says this, and the background process has its turn."""
        self.records.operators = encode(network) if isinstance(network, Network) else network
        self._at += timedelta(seconds=after_s)
        self._background.tick(self._at)

    def said(self, verb: str = "network") -> list[str]:
        """The lines about the network."""
        return [text.strip() for _, text in self.log if text.startswith(f"{verb} ")]

    @property
    def listed(self) -> str:
        """Dispatcher's list."""
        return (self.run_dir / "list").read_text()


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    return Proxy(tmp_path)


@pytest.mark.parametrize(("stored", "copy", "revision", "why"), [
    pytest.param(encode(NEW), encode(OLD), 4, "", id="the store"),
    pytest.param("away", encode(OLD), 3, "the store is down; revision 3 holds on", id="the copy"),
    pytest.param(b"x", encode(OLD), 3, "1 bytes; a record has 2 to 65536; revision 3 holds on",
                 id="the copy of a broken one"),
    pytest.param(None, encode(OLD), 3, "fm:1:network: nothing is there; revision 3 holds on",
                 id="the copy of one that is gone"),
    pytest.param(None, None, 0, "fm:1:network: nothing is there", id="nothing was ever written"),
    pytest.param("away", None, None, "the store is down", id="nothing is known"),
    pytest.param("away", b"\x02nonsense", None, "the store is down", id="the copy is broken"),
])
def test_what_a_proxy_starts_with(tmp_path: Path, stored: bytes | str | None, copy: bytes | None,
                                  revision: int | None, why: str) -> None:
    last_good = LastGood(tmp_path / "network")
    if copy is not None:
        last_good.write(copy)
    records = Records(operators=stored if isinstance(stored, bytes) else None,
                      down=stored == "away")
    found, said = in_force.at_start(records, last_good)
    assert said == why
    assert (found and found.revision) == revision


class TestATrunk:
    def test_that_is_added_is_let_in_and_one_that_is_removed_is_not(self, proxy: Proxy) -> None:
        proxy.call(PERSONAL, source=STRANGER)
        proxy.hears(replace(NEW, trunks=(trunk(STRANGER.ip, name="new"),)))
        proxy.call(PERSONAL, source=STRANGER)
        proxy.call(PERSONAL)
        assert (proxy.codes, len(proxy.uris)) == ([403, 403], 1)
        assert proxy.said() == [
            "network revision=4 trunks=1 gateways=1 media_servers=1 iax_gateways=0"]

    def test_asserts_by_another_header_from_now_on(self, proxy: Proxy) -> None:
        proxy.hears(replace(NEW, trunks=(trunk("127.0.0.20", asserts=Asserts.NOTHING),)))
        proxy.call(PERSONAL)
        assert proxy.forwarded[0].headers.get("P-Asserted-Identity") == (
            f"<sip:{PERSONAL}@followme.local>")


class TestARecord:
    def test_that_stays_the_same_is_read_once(self, proxy: Proxy) -> None:
        for _ in range(3):
            proxy.hears(NEW)
        assert len(proxy.said()) == 1
        assert proxy.htable.tables[in_force.TABLE][in_force.CHANGES] == 1

    @pytest.mark.parametrize(("data", "why"), [
        (b"\x02nonsense", "fm:1:network: not MessagePack"),
        (b"\x09\x90", "fm:1:network: version 9; this program reads 2"),
        (None, "fm:1:network: nothing is there"),
    ])
    def test_that_is_broken_or_gone_changes_nothing_and_is_told_once(
            self, proxy: Proxy, data: bytes | None, why: str) -> None:
        proxy.hears(NEW)
        proxy.hears(data)
        proxy.hears(data)
        proxy.call(PERSONAL)
        assert len(proxy.uris) == 1
        alarms = [text for level, text in proxy.log if level == "err"]
        assert len(alarms) == 1
        assert why in alarms[0]
        assert "holds=4" in alarms[0]
        assert LastGood(proxy.run_dir / "network").read() == encode(NEW)
        proxy.hears(replace(NEW, trunks=()))
        proxy.call(PERSONAL)
        assert proxy.codes == [403]

    def test_that_cannot_be_copied_is_in_force_all_the_same(self, proxy: Proxy) -> None:
        proxy.run_dir.joinpath("network.new").mkdir()
        proxy.hears(replace(NEW, trunks=()))
        proxy.call(PERSONAL)
        assert proxy.codes == [403]
        (alarm,) = (text for level, text in proxy.log if level == "err")
        assert "no copy could be kept: " in alarm


class TestAnUnknownNetwork:
    @pytest.fixture
    def proxy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proxy:
        monkeypatch.setattr(product_edge, "SETTINGS", PLAIN)
        return Proxy(tmp_path)

    def test_lets_nobody_in_and_refuses_nobody_for_good(self, proxy: Proxy) -> None:
        proxy.call(PERSONAL)
        assert proxy.codes == [503]
        assert proxy.replies[-1].headers.get("Retry-After") == "5"

    def test_has_trunks_that_may_send_much(self, proxy: Proxy) -> None:
        assert {proxy.too_many(STRANGER.ip) for _ in range(5)} == {1}
        proxy.hears(NEW)
        assert proxy.too_many(STRANGER.ip) < 1
        assert proxy.too_many("127.0.0.20") == 1

    @pytest.mark.parametrize(("network", "codes"), [(NEW, []), (None, [403])])
    def test_is_known_when_the_store_is_back(
            self, proxy: Proxy, network: Network | None, codes: list[int]) -> None:
        proxy.hears(network)
        proxy.call(PERSONAL)
        assert proxy.codes == codes
        assert len(proxy.said()) == 1


class TestAGateway:
    def test_that_goes_while_its_phone_rings_ends_the_call_properly(self, proxy: Proxy) -> None:
        proxy.call(PERSONAL)
        proxy.hears(replace(NEW, gateways=()))
        proxy.answer(OFFICE, 486)
        assert (len(proxy.uris), proxy.codes) == (1, [480])

    def test_that_comes_takes_the_next_step(self, proxy: Proxy) -> None:
        proxy.call(PERSONAL)
        proxy.hears(replace(NEW, gateways=(TWO,)))
        proxy.answer(OFFICE, 486)
        assert proxy.uris == [f"sip:{OFFICE}@{ONE.at}", f"sip:{MOBILE}@{TWO.at}"]

    def test_that_fails_when_it_is_the_only_one_left_is_not_tried_again(
            self, proxy: Proxy) -> None:
        proxy.hears(replace(NEW, gateways=(ONE, replace(TWO, priority=2))))
        proxy.call(PERSONAL)
        proxy.hears(replace(NEW, gateways=(ONE,)))
        proxy.answer(OFFICE, 503)
        assert proxy.uris == [f"sip:{OFFICE}@{ONE.at}", f"sip:{MOBILE}@{ONE.at}"]


class TestDispatcher:
    def test_probes_groups_of_two_and_more_from_now_on(self, proxy: Proxy) -> None:
        proxy.hears(replace(NEW, gateways=(ONE, TWO)), after_s=100)
        assert (proxy.dispatcher.reloads, proxy.listed) == (
            1, "1 sip:127.0.0.40:5060\n1 sip:127.0.0.41:5060\n")
        proxy.hears(replace(NEW, gateways=(ONE, TWO), revision=5))
        assert proxy.dispatcher.reloads == 1
        proxy.hears(NEW, after_s=RELOAD_EVERY_S)
        assert (proxy.dispatcher.reloads, proxy.listed) == (2, "")

    def test_is_not_asked_again_too_soon_and_then_hears_the_last_word(self, proxy: Proxy) -> None:
        proxy.hears(replace(NEW, gateways=(ONE, TWO)))
        proxy.hears(replace(NEW, gateways=(ONE, THREE)))
        assert proxy.dispatcher.reloads == 1
        proxy.hears(replace(NEW, gateways=(ONE, THREE)), after_s=RELOAD_EVERY_S)
        assert (proxy.dispatcher.reloads, "127.0.0.42" in proxy.listed) == (2, True)

    def test_keeps_out_of_service_what_was(self, proxy: Proxy) -> None:
        proxy.hears(replace(NEW, gateways=(ONE, TWO)))
        proxy.dispatcher.out_of_service.add(f"sip:{TWO.at}")
        proxy.hears(replace(NEW, gateways=(ONE, TWO, THREE)), after_s=RELOAD_EVERY_S)
        assert proxy.listed.splitlines() == [
            "1 sip:127.0.0.40:5060", "1 sip:127.0.0.41:5060 1", "1 sip:127.0.0.42:5060"]

    def test_that_refuses_is_told(self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proxy.dispatcher, "ds_reload", lambda: -1)
        proxy.hears(replace(NEW, gateways=(ONE, TWO)))
        assert "dispatcher did not read its list again" in proxy.said()[-1]
