# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways and media servers that do not serve, as calls see them."""


from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest

from kemi_routing import targets
from kemi_routing.ksr.next_hops import FAILED
from kemi_routing.model import Mode, Ring
from kemi_routing.network import Server
from tests.ksr import edge as product_edge
from tests.ksr.edge import SPIRAL, Product, in_network
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step

FIRST, SECOND = "127.0.0.40:5060", "127.0.0.41:5060"
HOPS = (Server(FIRST), Server(SECOND, priority=2))


@pytest.fixture(autouse=True)
def _several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_edge, "SETTINGS", in_network(gateways=HOPS, media_servers=HOPS))


def ringing(*targets: str, mode: Mode = Mode.FORWARD_ONLY) -> Product:
    product = Product(number(default="all", mode=mode,
                             sequences=(sequence("all", step(*targets)),)))
    product.call(PERSONAL)
    return product


def at(product: Product) -> list[str]:
    """Where the branches went, in order."""
    return [uri.partition("@")[2].partition(";")[0] for uri in product.uris]


@pytest.mark.parametrize("status", [500, 503])
def test_a_gateway_that_fails_is_followed_by_the_next_in_the_same_step(status: int) -> None:
    product = ringing(OFFICE)
    product.answer(OFFICE, status)
    assert (at(product), product.codes) == ([FIRST, SECOND], [])
    first, second = product.forwarded
    assert second.headers.get("From") == first.headers.get("From")
    product.answer(OFFICE, 200)
    assert product.codes == [200]


@pytest.mark.parametrize(("unresolvable", "gone_to", "failed"), [
    ({"127.0.0.40"}, [SECOND], {FIRST: 1}), ({"127.0.0.40", "127.0.0.41"}, [],
                                             {FIRST: 1, SECOND: 1})])
def test_a_gateway_to_which_nothing_can_be_sent_is_followed_at_once(
        unresolvable: set[str], gone_to: list[str], failed: dict[str, int]) -> None:
    product = Product(number(default="all", mode=Mode.FORWARD_ONLY,
                             sequences=(sequence("all", step(OFFICE)),)))
    product.unresolvable.update(unresolvable)
    product.call(PERSONAL)
    assert (at(product), product.htable.tables[FAILED]) == (gone_to, failed)
    assert product.codes == ([] if gone_to else [480])


def test_it_is_given_up_where_another_target_of_the_step_cannot_be_sent_either(
        monkeypatch: pytest.MonkeyPatch) -> None:
    settings = in_network(gateways=HOPS, media_servers=(Server("127.0.0.30:5060"),))
    monkeypatch.setattr(product_edge, "SETTINGS", settings)
    product = Product(number(default="all", mode=Mode.FORWARD_ONLY,
                             sequences=(sequence("all", step(OFFICE, "voicemail")),)))
    product.unresolvable.update({"127.0.0.40", "127.0.0.41", "127.0.0.30"})
    product.call(PERSONAL)
    assert (product.codes, at(product)) == ([480], [])


def test_a_silent_gateway_is_followed_too() -> None:
    product = ringing(OFFICE)
    product.time_out(OFFICE)
    assert at(product) == [FIRST, SECOND]


@pytest.mark.parametrize("status", [404, 480, 486, 603])
def test_what_a_phone_answers_is_no_failure_of_a_gateway(status: int) -> None:
    product = ringing(OFFICE)
    product.answer(OFFICE, status)
    assert at(product) == [FIRST]
    assert not product.htable.tables[FAILED]


def test_a_target_is_sent_elsewhere_once() -> None:
    product = ringing(OFFICE)
    for _ in range(2):
        product.answer(OFFICE, 503)
    assert (at(product), product.codes) == ([FIRST, SECOND], [480])


def test_one_that_failed_is_passed_over_by_the_next_call() -> None:
    product = ringing(OFFICE)
    product.answer(OFFICE, 503)
    product.call(PERSONAL)
    assert at(product) == [FIRST, SECOND, SECOND]
    assert [text for level, text in product.log if level == "warn"] == [
        f"hop at={FIRST} why='does not serve'\n"]


def test_an_only_gateway_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_edge, "SETTINGS", in_network(gateways=HOPS[:1]))
    product = ringing(OFFICE)
    product.answer(OFFICE, 503)
    product.call(PERSONAL)
    product.answer(OFFICE, 503)
    assert (at(product), product.codes) == ([FIRST, FIRST], [480, 480])
    assert [text for level, text in product.log if level == "warn"] == [
        f"hop at={FIRST} why='does not serve'\n"]


@pytest.mark.parametrize(("status", "next_goes_to"), [(500, FIRST), (502, FIRST), (503, SECOND)])
def test_no_callee_puts_a_gateway_out_of_use(status: int, next_goes_to: str) -> None:
    product = ringing(OFFICE)
    product.answer(OFFICE, status)
    product.call(PERSONAL)
    assert at(product) == [FIRST, SECOND, next_goes_to]


def test_one_that_probes_find_dead_is_passed_over() -> None:
    product = ringing(OFFICE)
    product.dispatcher.out_of_service.add(f"sip:{FIRST}")
    product.call(PERSONAL)
    assert at(product) == [FIRST, SECOND]


def test_targets_that_ring_together_fail_each_for_itself() -> None:
    product = ringing(OFFICE, MOBILE)
    product.answer(OFFICE, 503)
    product.answer(MOBILE, 486)
    assert (at(product), product.codes) == ([FIRST, FIRST, SECOND], [])
    product.answer(OFFICE, 486)
    assert product.codes == [486]


def test_voicemail_is_taken_by_another_media_server() -> None:
    product = ringing(OFFICE, mode=Mode.VOICEMAIL_ONLY)
    product.answer("voicemail", 503)
    first, second = product.uris
    assert second == first.replace(FIRST, SECOND)


def test_a_second_pass_to_an_iax_peer_knows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_edge, "SETTINGS", replace(
        in_network(iax_gateways=HOPS), platform=replace(
            in_network(iax_gateways=HOPS).platform, sip_hosts=frozenset({"pbx.example.net"}))))
    peer = Ring(targets.parse("IAX2/jana:hush@pbx.example.net/100"), 10)
    product = Product(number(default="all", mode=Mode.FORWARD_ONLY, sequences=(
        sequence("all", (peer, *step(OFFICE, ring_s=20))),)))
    product.call(PERSONAL)
    product.spiral()
    sent = [uri for uri in product.uris if "peer=" in uri]
    assert sent == [f"sip:100@{FIRST};peer=jana%40pbx.example.net"]
    product.answer("100", 503)
    assert [uri for uri in product.uris if "peer=" in uri][1:] == [
        f"sip:100@{SECOND};peer=jana%40pbx.example.net"]
    load = next(uri for uri in product.uris if uri.endswith(f":{SPIRAL.port}")).partition(".")[2]
    assert b"jana@pbx" in urlsafe_b64decode(load.partition("@")[0] + "===")
    assert b"hush" not in urlsafe_b64decode(load.partition("@")[0] + "===")
    assert "hush" not in str([(one.uri, one.headers) for one in product.forwarded])
    assert "hush" not in str(product.log)


def test_a_call_that_was_given_up_is_not_sent_elsewhere() -> None:
    product = Product(number(default="all", mode=Mode.FORWARD_ONLY,
                             sequences=(sequence("all", step(OFFICE)),)))
    invite = product.call(PERSONAL)
    product.answer(OFFICE, 180)
    product.receive(invite.cancel())
    product.answer(OFFICE, 503)
    assert (at(product), product.codes) == ([FIRST], [200, 487])
