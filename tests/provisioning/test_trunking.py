# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's trunks, gateways and media servers: files, store, what is shown."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from kemi_routing import formats
from kemi_routing.caller_id import profile
from kemi_routing.model import Platform
from kemi_routing.network import Network, Server
from kemi_routing.network_record import decode, encode
from kemi_routing.redis import keys
from kemi_routing.trunks import Asserts
from provisioning.check import check_text
from provisioning.storage import Change, Conflict, Storage
from tests.provisioning.conftest import NETWORK, Followme
from tests.support.builders import NOW, trunk
from tests.support.redis_server import RedisServer

FULL = """\
trunks:
  carrier:
    from: [192.0.2.20, "2001:DB8::/64"]
    asserts: P-Asserted-Identity
    stir: X-Attest
    redirect: yes
    early_media: yes
    max_calls: 100
    max_per_second: 10
    certificate: SBC.carrier.example
    numbers: national 49 0
  office: {from: 192.0.2.0/28, asserts: none, redirect: no}
gateways:
  vienna: {at: GW.example.net:5060, weight: 3, data_centre: vienna, cli: from=caller history=no}
  prague: {at: "192.0.2.40:5060", priority: 2, numbers: plus, prefix: 12#}
media_servers: {one: {at: "[2001:db8::30]:5070"}}
iax_gateways: {iax: {at: "192.0.2.45:5060"}}
cli: pai=none
"""
READ = Network(
    2, (trunk("192.0.2.20", "2001:db8::/64", name="carrier", stir="X-Attest", redirect=True,
              early_media=True, max_calls=100, max_per_second=10,
              numbers=formats.read("national 49 0"), certificate="sbc.carrier.example"),
        trunk("192.0.2.0/28", name="office", asserts=Asserts.NOTHING)),
    (Server("gw.example.net:5060", 3, name="vienna", data_centre="vienna",
            cli=profile("from=caller history=no")),
     Server("192.0.2.40:5060", priority=2, name="prague", numbers=formats.read("plus"),
            prefix="12#")),
    (Server("[2001:db8::30]:5070", name="one"),), (Server("192.0.2.45:5060", name="iax"),),
    profile("pai=none"))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "operator.yaml"
    path.write_text(FULL)
    return path


def stored(storage: Storage) -> Network:
    data = storage.client.get(keys.network())
    assert isinstance(data, bytes)
    return decode(data)


def test_what_is_written_is_what_the_edge_reads(
        followme: Followme, storage: Storage, written: Path) -> None:
    assert followme("check", written).out == "no errors, 0 warnings\n"
    ran = followme("apply", written, "--yes")
    assert (ran.code, ran.out.splitlines()) == (0, [
        "network of the operator: changed, revision 1 → 2",
        "  trunk carrier: changed", "  trunk office: changed", "  gateway vienna: new",
        "  gateway prague: new", "  gateway usual: removed", "  media server one: new",
        "  media server usual: removed", "  IAX gateway iax: new", "  cli: changed",
        "1 change written"])
    assert stored(storage) == READ


def test_applied_again_nothing_is_written(
        followme: Followme, storage: Storage, written: Path) -> None:
    followme("apply", written, "--yes")
    ran = followme("apply", written, "--yes")
    assert ran.out == "nothing to do\n"
    assert stored(storage).revision == 2


def test_what_is_shown_can_be_applied(
        followme: Followme, storage: Storage, written: Path, tmp_path: Path) -> None:
    followme("apply", written, "--yes")
    again = tmp_path / "again.yaml"
    again.write_text(followme("show", "network").out)
    assert again.read_text().startswith("# revision 2\ntrunks:\n  carrier:\n")
    assert followme("apply", again, "--yes").things == ["operator: changed", "1 change written"]
    again.write_text(followme("show", "network", "-F", "yaml").out)
    assert followme("apply", again, "--yes").things == ["operator: changed", "1 change written"]
    for_programs = json.loads(followme("show", "network", "-F", "json").out)
    assert for_programs["revision"] == 2
    assert for_programs["gateways"]["prague"] == {
        "at": "192.0.2.40:5060", "priority": 2, "numbers": "plus", "prefix": "12#"}


def test_a_key_that_is_not_written_changes_nothing(
        followme: Followme, storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "operator.yaml"
    path.write_text("gateways: {}\n")
    assert "gateway usual: removed" in followme("apply", path, "--yes").out
    after = stored(storage)
    assert (after.gateways, after.trunks, after.media_servers) == (
        (), NETWORK.trunks, NETWORK.media_servers)


def test_the_first_network(followme: Followme, storage: Storage, written: Path) -> None:
    storage.client.delete(keys.network())
    assert followme("apply", written, "--yes").out.startswith("network of the operator: new\n")
    assert stored(storage).revision == 1


def test_one_that_cannot_be_read_is_replaced_and_one_of_another_version_is_not(
        followme: Followme, storage: Storage, written: Path) -> None:
    storage.client.set(keys.network(), b"\x02nonsense")
    assert followme("apply", written, "--yes").code == 0
    storage.client.set(keys.network(), b"\x09" + encode(READ)[1:])
    ran = followme("apply", written, "--yes")
    assert (ran.code, "another version" in ran.err) == (1, True)


def test_a_change_by_somebody_else_is_not_overwritten(
        followme: Followme, storage: Storage, written: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    write = Storage.write_all

    def late(self: Storage, changes: Iterable[Change]) -> Iterator[tuple[Change, Conflict | None]]:
        storage.client.set(keys.network(), encode(Network(9)))
        return write(self, changes)

    monkeypatch.setattr(Storage, "write_all", late)
    ran = followme("apply", written, "--yes")
    assert ran.err.endswith("network was changed by somebody else meanwhile; nothing of it was "
                            "written, try again\n")
    assert stored(storage) == Network(9)


def test_two_files_are_one_network_and_name_a_thing_once(
        followme: Followme, storage: Storage, written: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("gateways: {third: {at: h:1}, prague: {at: h:2}}\ncli: pai=number\n")
    ran = followme("apply", written, other, "--yes")
    assert [line.partition(": ")[2] for line in ran.told[:2]] == [
        f"gateway prague stands in {written}:15 already; write it once",
        f"cli of the platform stands in {written}:18 already; write it once"]
    other.write_text("gateways: {third: {at: h:1}}\n")
    assert followme("apply", written, other, "--yes").code == 0
    assert [hop.name for hop in stored(storage).gateways] == ["vienna", "prague", "third"]


def test_numbers_are_checked_with_the_network_of_the_files() -> None:
    numbers = """\
organisation: acme
time_zone: Europe/Prague
subscribers:
  jana:
    permissions: [forward_external]
    numbers:
      42027777101: {default: a, sequences: {a: [{to: 42073723123, confirm: yes, ring: 10}]}}
"""
    assert check_text(numbers, "a.yaml", Platform(), NOW).problems.errors == []
    for text, gateway, media in (
            ("media_servers: {}", True, False), ("gateways: {}", False, True),
            (FULL, True, True)):
        platform = check_text(text, "o.yaml", Platform(), NOW).platform
        assert (platform.gateway, platform.media_server) == (gateway, media)
        assert platform.iax_gateway
    assert not check_text("iax_gateways: {}", "o.yaml", Platform(), NOW).platform.iax_gateway
    assert {"gw.example.net", "2001:db8::30"} <= check_text(
        FULL, "o.yaml", Platform(), NOW).platform.own_hosts


def test_what_the_store_has_is_what_numbers_are_applied_with(
        followme: Followme, storage: Storage, tmp_path: Path) -> None:
    storage.client.set(keys.network(), encode(Network(1)))
    path = tmp_path / "jana.yaml"
    path.write_text("""\
organisation: acme
time_zone: Europe/Prague
subscribers:
  jana: {numbers: {42027777101: {default: a, sequences: {a: [{to: 42073723123, confirm: yes}]}}}}
""")
    assert followme("check", path).code == 0
    ran = followme("apply", path, "--yes")
    assert (ran.code, "none is configured; leave confirm out" in ran.err) == (1, True)


@pytest.mark.parametrize(("via", "code"), [("192.0.2.20", 0), ("192.0.2.99", 1)])
def test_explain_asks_the_store_who_is_a_trunk(loaded: Followme, via: str, code: int) -> None:
    ran = loaded("explain", "42027777100", "--via", via)
    assert ran.code == code
    assert ("403: 192.0.2.99 is not a trusted trunk" in ran.out) == (code == 1)


def test_a_store_that_hangs_is_said_of_the_network_too(
        followme: Followme, redis_server: RedisServer) -> None:
    redis_server.freeze()
    try:
        ran = followme("show", "network")
    finally:
        redis_server.thaw()
    assert (ran.code, "does not answer" in ran.err) == (1, True)

