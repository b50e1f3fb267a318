# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of the operator's file while calls come in (SPEC B1-B3, DESIGN law 5)."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kemi_routing.redis import keys
from kemi_routing.redis.store import connect
from tests.support.caller import Dialling
from tests.support.edge import Edge
from tests.support.gateway import Gateway
from tests.support.loopback import NotReady, free_udp_port, wait_until
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.phones import Phone, answer, ring
from tests.support.raw_sip import RawSip
from tests.support.situation import PAI_TRUNK, SIP_PORT, STRANGER, Situation

JANA, VOICEMAIL, NOBODYS = "42027777101", "42027777102", "42027777199"
MOBILE, SECOND, CALLER = "42073723101", "42073723102", "42075553333"
LATER_GATEWAY, LATER_MEDIA = 41, 31
FORBIDDEN, LET_IN = 403, 404
WITHIN_S = 1.0

Apply = Callable[..., None]


@pytest.fixture
def apply(situation: Situation, tmp_path: Path) -> Iterator[Apply]:
    """Applies the operator's file with these keys, as an operator does."""
    def applied(**keys_: Any) -> None:
        file = tmp_path / "operator.yaml"
        file.write_text(json.dumps(situation.usual | keys_), encoding="ascii")
        situation.apply(file)
    yield applied
    with situation.with_network():  # as it was
        pass


@pytest.fixture
def second(situation: Situation, tmp_path: Path) -> Iterator[OtherEdge]:
    with other_edge(situation, tmp_path) as edge:
        yield edge


def asked(edge: Edge, source: str) -> int | None:
    """What somebody hears who dials nobody's number: a trunk that there is none, others 403."""
    with RawSip(source, edge.proxy) as raw:
        heard = raw.ask(raw.request("INVITE", f"sip:{NOBODYS}@{edge.proxy[0]}", ani=CALLER))
    return heard.code if heard else None


def _hears(edge: Edge, source: str, code: int) -> bool:
    return asked(edge, source) == code


def with_stranger(situation: Situation) -> dict[str, Any]:
    stranger = {"from": situation.network.address(STRANGER), "asserts": "none"}
    return {**situation.trunk(), "stranger": stranger}


def test_a_trunk_is_let_in_and_shut_out_by_all_workers_of_all_proxies_within_a_second(
    situation: Situation, second: OtherEdge, apply: Apply
) -> None:
    source, edges = situation.network.address(STRANGER), (situation.edge, second.edge)
    took_s = []
    for trunks, code in [(with_stranger(situation), LET_IN), (situation.trunk(), FORBIDDEN)] * 3:
        apply(trunks=trunks)
        began = time.monotonic()
        for edge in edges:
            wait_until(partial(_hears, edge, source, code), f"{code}", 5)
        took_s.append(time.monotonic() - began)
        assert {asked(edge, source) for edge in edges for _ in range(20)} == {code}
        assert asked(situation.edge, situation.network.address(PAI_TRUNK)) == LET_IN
    assert statistics.median(took_s) < WITHIN_S


def test_a_call_of_a_trunk_that_goes_ends_when_it_is_hung_up(
    situation: Situation, apply: Apply
) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    call = situation.dial(Dialling(JANA, CALLER, asserted=CALLER, hold_ms=2500))
    situation.wait_for_answer(mobile)
    apply(trunks={}, gateways={}, media_servers={})
    source = situation.network.address(PAI_TRUNK)
    wait_until(lambda: asked(situation.edge, source) == FORBIDDEN, "it is gone")
    assert call.outcome().code == 200
    assert len(mobile.heard("BYE")) == 1


def test_a_gateway_that_goes_while_its_phone_rings_hands_the_next_step_to_another(
    situation: Situation, apply: Apply
) -> None:
    mobile = situation.outside_phone(MOBILE, answer(1500))
    call = situation.dial(Dialling(JANA, CALLER, asserted=CALLER))
    wait_until(lambda: bool(mobile.invites), "it rings")
    apply(gateways={})
    assert call.outcome().code == 200  # who rings may answer
    assert situation.call(JANA, CALLER).code == 480


def test_the_next_step_goes_where_the_file_says_by_then(
    situation: Situation, apply: Apply, tmp_path: Path
) -> None:
    first = situation.outside_phone(MOBILE, ring())
    later = Gateway(situation.network.address(LATER_GATEWAY), SIP_PORT)
    later.start()
    phone = Phone("later", later.address[0], free_udp_port(later.address[0]), answer(),
                  tmp_path / "later", user=SECOND, proxied_as=later.address)  # fmt: skip
    phone.start()
    later.connect(SECOND, phone.address)
    call = situation.dial(Dialling(JANA, CALLER, asserted=CALLER))
    wait_until(lambda: bool(first.invites), "the first one rings")
    apply(gateways={"later": {"at": f"{later.address[0]}:{SIP_PORT}"}})
    heard = call.outcome(40)
    phone.stop()
    later.stop()
    assert heard.code == 200
    assert [each.uri for each in phone.invites] == [f"sip:{SECOND}@{later.address[0]}:{SIP_PORT}"]


def test_a_media_server_that_comes_takes_the_next_message(
    situation: Situation, apply: Apply, tmp_path: Path
) -> None:
    at = situation.network.address(LATER_MEDIA)
    media = Phone("media", at, SIP_PORT, answer(), tmp_path / "media")
    media.start()
    apply(media_servers={"later": {"at": f"{at}:{SIP_PORT}"}})
    wait_until(lambda: situation.call(VOICEMAIL, CALLER).code == 200, "it is asked")
    media.stop()
    assert media.invites[0].uri.startswith(f"sip:voicemail@{at}:{SIP_PORT};")


def probed(edge: Edge) -> str:
    try:
        return edge.kamcmd("dispatcher.list")
    except NotReady:  # no group is, and that is an error
        return ""


def test_a_group_that_grows_is_probed(situation: Situation, apply: Apply) -> None:
    dead = f"{situation.network.address(LATER_GATEWAY)}:{SIP_PORT}"
    apply(gateways={**situation.usual["gateways"], "dead": {"at": dead}})
    wait_until(lambda: f"sip:{dead}" in probed(situation.edge), "listed", 15)


def test_a_file_with_an_error_changes_nothing(situation: Situation, tmp_path: Path) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text("trunks: {carrier: {from: everybody, asserts: From}}\n", encoding="ascii")
    with pytest.raises(Exception, match=r"operator.yaml:1:26: 'everybody' is not an address"):
        situation.apply(file)
    assert asked(situation.edge, situation.network.address(PAI_TRUNK)) == LET_IN


@pytest.mark.parametrize("broken", [b"\x02nonsense", None])
def test_a_record_that_is_broken_or_gone_leaves_the_last_good_one_in_force(
    situation: Situation, apply: Apply, broken: bytes | None
) -> None:
    with connect(situation.redis.url, timeout_s=2) as redis:
        good = redis.get(keys.network())
        assert isinstance(good, bytes)
        said = situation.edge.log.count("network why='fm:1:network: ")
        if broken is None:
            redis.delete(keys.network())
        else:
            redis.set(keys.network(), broken)
        wait_until(lambda: situation.edge.log.count("network why='fm:1:network: ") > said, "said")
        assert asked(situation.edge, situation.network.address(PAI_TRUNK)) == LET_IN
        assert asked(situation.edge, situation.network.address(STRANGER)) == FORBIDDEN
        redis.set(keys.network(), good)


@pytest.mark.parametrize(("copy", "trunk", "stranger"), [(True, 503, 403), (False, 503, 503)])
def test_a_proxy_that_starts_without_redis_knows_what_it_knew(
    situation: Situation, tmp_path: Path, *, copy: bool, trunk: int, stranger: int
) -> None:
    with other_edge(situation, tmp_path) as second:
        wait_until((tmp_path / "edge/network").exists, "a copy is kept")
    if not copy:
        (tmp_path / "edge/network").unlink()
    situation.redis.freeze()
    try:
        second.edge.start()
        codes = [asked(second.edge, situation.network.address(last))
                 for last in (PAI_TRUNK, STRANGER)]  # fmt: skip
    finally:
        situation.redis.thaw()
    source = situation.network.address(STRANGER)
    wait_until(lambda: asked(second.edge, source) == FORBIDDEN, "it is known")
    second.edge.stop()
    assert codes == [trunk, stranger]
    assert ("holds on" in second.edge.log) is copy


def test_what_stands_in_redis_is_in_force_for_the_first_call(
    situation: Situation, tmp_path: Path
) -> None:
    with other_edge(situation, tmp_path, {"trunks": with_stranger(situation)}) as second:
        assert asked(second.edge, situation.network.address(STRANGER)) == LET_IN


def test_numbers_are_read_as_the_trunk_writes_them_and_written_as_the_gateway_wants_them(
    situation: Situation,
) -> None:
    mobile = situation.outside_phone(f"+{MOBILE}", answer())
    gateway = situation.usual["gateways"]["usual"] | {"numbers": "plus"}
    trunks = situation.trunk(numbers="national 420")
    with situation.with_network(trunks=trunks, gateways={"usual": gateway}):
        heard = situation.call(JANA.removeprefix("420"), CALLER.removeprefix("420"))
    (invite,) = mobile.invites
    assert heard.code == 200
    assert invite.uri == f"sip:+{MOBILE}@{situation.gateway_at}"
    assert invite["P-Asserted-Identity"] == f"<sip:+{JANA}@followme.local>"
    assert invite.caller_number == f"+{JANA}"
    assert f" number={JANA} ani={CALLER} " in situation.edge.log


def test_a_gateway_gets_its_technical_prefix_and_the_callers_own_from_in_its_form(
    situation: Situation,
) -> None:
    mobile = situation.outside_phone(f"12%230{MOBILE.removeprefix('420')}", answer())
    gateway = situation.usual["gateways"]["usual"] | {
        "numbers": "national 420 0", "prefix": "12#", "cli": "from=caller"}
    with situation.with_network(gateways={"usual": gateway}):
        heard = situation.call(JANA, CALLER)
    (invite,) = mobile.invites
    assert heard.code == 200
    assert invite.uri == f"sip:12%230{MOBILE.removeprefix('420')}@{situation.gateway_at}"
    assert invite.caller_number == f"0{CALLER.removeprefix('420')}"
    assert heard.final.caller_number == CALLER  # his own dialog is untouched
    assert len(mobile.heard("BYE")) == 1
