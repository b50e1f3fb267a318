# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets by host name: looked up in the background, and no worker waits (DESIGN law 4)."""

from collections.abc import Iterator

import pytest

from kemi_routing.dns import Type
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.names import NAMES, NOWHERE
from kemi_routing.ksr.parties import PARTIES
from kemi_routing.ksr.resolver import (
    GIVE_UP_MS,
    MOST_AT_ONCE,
    MOST_FAILURES,
    MOST_KEPT,
    RETRY_S,
    Resolver,
)
from kemi_routing.model import Mode, Step
from kemi_routing.second_pass import LOOK_UP_MS
from kemi_routing.start_delay import MARGIN_MS
from tests.ksr.edge import SECRET, SETTINGS, SPIRAL, Product
from tests.ksr.test_in_dialog import CALLEE, CONTACT
from tests.support import zone
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Address, Request

HOST = "sip.example.net"
JANA = f"sip:jana@{HOST}"
ONE_ADDRESS = f"{HOST} A 8.8.8.8"
TWO = f"{ONE_ADDRESS}\n{HOST} A 9.9.9.9"
FIRST, SECOND = "sip:8.8.8.8:5060;transport=udp", "sip:9.9.9.9:5060;transport=udp"


class NameServer:
    """What it says of which name; names below ``silent`` get no answer."""

    def __init__(self, rows: str) -> None:
        self.rows = zone.zone(rows)
        self.silent = False
        self.broken = False
        """It says that it failed."""
        self.unreachable = False
        self.asked: list[tuple[str, Type]] = []
        self.attempts: list[int] = []
        self._open: dict[int, bytes] = {}

    def ask(self, message: bytes, attempt: int) -> int | None:
        self.asked.append(zone.asked(message))
        self.attempts.append(attempt)
        if self.unreachable:
            return None
        self._open[len(self.asked)] = message
        return len(self.asked)

    def heard(self, wait_s: float) -> Iterator[tuple[int, bytes]]:
        for each, message in [] if self.silent else list(self._open.items()):
            status = zone.SERVER_FAILURE if self.broken else 0
            yield each, zone.answer(message, zone.rows(self.rows, *zone.asked(message)), status)

    def close(self, question: int) -> None:
        del self._open[question]

    @property
    def waits(self) -> int:
        """For how many answers somebody still listens."""
        return len(self._open)


class Named(Product):
    """The product with its resolver, and time that passes when told to."""

    def __init__(self, *steps: Step, rows: str = ONE_ADDRESS) -> None:
        super().__init__(number(mode=Mode.FORWARD_ONLY, default="all", sequences=(
            sequence("all", *(steps or (step(JANA),))),)))
        self.now_ms = 1_000_000
        self.name_server = NameServer(rows)
        edge = Edge(self.ksr, SETTINGS, self.records, SECRET)
        self.resolver = Resolver(edge, self.name_server, lambda: self.now_ms,
                                 frozenset[str])
        self._entry._monotonic_ms = lambda: self.now_ms

    def pass_ms(self, milliseconds: int) -> None:
        """Time passes, and the background process has its turns."""
        for _ in range(milliseconds // 100):
            self.now_ms += 100
            self.resolver.tick()

    def ring(self) -> None:
        """A call, whose second pass has begun."""
        self.call(PERSONAL)
        self.spiral()

    @property
    def known(self) -> str | None:
        """What the workers know of the name."""
        found = self.htable.tables[NAMES].get(HOST)
        return found if found is None else str(found)

    @property
    def went(self) -> list[tuple[str, str]]:
        """INVITEs that left for others, with their next hops."""
        return [(one.uri, one.destination) for one in self.forwarded
                if one.method == "INVITE" and not one.uri.endswith(f":{SPIRAL.port}")]

    @property
    def warnings(self) -> list[str]:
        return [text for level, text in self.log if level == "warn"]


def test_the_first_call_to_a_name_rings_when_it_is_found() -> None:
    product = Named()
    product.ring()
    assert product.went == []
    product.pass_ms(100)
    assert product.went == [(JANA, FIRST)]


def test_the_next_call_rings_at_once() -> None:
    product = Named()
    product.ring()
    product.pass_ms(100)
    product.call(PERSONAL)
    assert product.went == [(JANA, FIRST)] * 2


def test_calls_that_wait_for_the_same_name_go_on_together() -> None:
    product = Named()
    for _ in range(3):
        product.call(PERSONAL)
    for sent in [one for one in product.forwarded if one.method == "INVITE"]:
        product.receive(Request(uri=sent.uri, source=SPIRAL, received=SPIRAL,
                                caller=sent.headers.get("From") or ""))
    product.pass_ms(100)
    assert product.went == [(JANA, FIRST)] * 3
    assert len(product.name_server.asked) == len(set(product.name_server.asked)) == 4


def test_one_that_was_found_since_it_was_asked_for_goes_on() -> None:
    product = Named()
    product.ring()
    product.htable.sht_sets(NAMES, HOST, "9.9.9.9:5060;transport=udp,1,1")
    product.pass_ms(100)
    assert (product.went, product.name_server.asked) == ([(JANA, SECOND)], [])


def test_other_targets_of_the_step_do_not_wait() -> None:
    product = Named(step(JANA, OFFICE))
    product.call(PERSONAL)
    assert len(product.forwarded) == 2  # both by second passes: they ring out at different times


@pytest.mark.parametrize("how", ["silent", "broken", "unreachable"])
def test_a_silent_name_server_costs_the_target_and_the_hunt_goes_on(how: str) -> None:
    product = Named(step(JANA), step(MOBILE))
    setattr(product.name_server, how, True)
    product.ring()
    product.pass_ms(GIVE_UP_MS + 100)
    assert [one.code for one in product.replies if one.code >= 200] == [503]  # of the second pass
    product.answer(f"{product.forwarded[0].uri.removeprefix('sip:').partition('@')[0]}", 503)
    assert [uri for uri, _ in product.went] == [f"sip:{MOBILE}@127.0.0.40:5060"]
    assert product.known == NOWHERE
    assert product.warnings == [f"name name={HOST} why='the name servers say nothing'\n"]
    assert product.name_server.waits == 0


def test_later_calls_do_not_wait_again() -> None:
    product = Named(step(JANA), step(MOBILE))
    product.name_server.silent = True
    product.ring()
    product.pass_ms(LOOK_UP_MS)
    product.call(PERSONAL)
    assert [uri for uri, _ in product.went] == [f"sip:{MOBILE}@127.0.0.40:5060"]


def test_a_silent_one_is_asked_again_by_and_by_and_then_the_next_one() -> None:
    product = Named()
    product.name_server.silent = True
    product.ring()
    product.pass_ms(GIVE_UP_MS + 200)
    assert sorted(set(product.name_server.attempts)) == [0, 1, 2]
    assert product.name_server.asked.count((HOST, Type.A)) == 3


def test_what_came_too_late_to_wake_is_found_when_its_time_ends() -> None:
    product = Named()
    product.ring()
    product.now_ms += LOOK_UP_MS - MARGIN_MS
    product.resolver.tick()
    assert product.went == []
    assert product.known is not None
    product.time_out(product.transactions[-1].branches[0])
    assert product.went == [(JANA, FIRST)]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.1.1",
                                     "127.0.0.40", "127.0.0.30", "0.0.0.0", "224.0.0.1"])
def test_a_name_does_not_lead_inside(address: str) -> None:
    product = Named(rows=f"{HOST} A {address}")
    product.ring()
    product.pass_ms(100)
    assert (product.went, product.known) == ([], NOWHERE)
    assert product.warnings == [f"name name={HOST} why='no address that may be called'\n"]


def test_an_address_that_does_not_answer_is_followed_by_the_next_one() -> None:
    product = Named(rows=TWO)
    product.ring()
    product.pass_ms(100)
    product.answer("jana", 503)
    assert sorted(product.went) == [(JANA, FIRST), (JANA, SECOND)]
    product.answer("jana", 503)
    assert len(product.went) == 2
    assert product.codes[0] == 503


def test_a_single_address_that_does_not_answer_is_the_end() -> None:
    product = Named()
    product.ring()
    product.pass_ms(100)
    product.answer("jana", 503)
    assert product.went == [(JANA, FIRST)]
    assert product.codes == [503]


def test_a_delayed_target_has_its_name_looked_up_meanwhile() -> None:
    product = Named(tuple(type(one)(one.target, one.ring_s, delay_s=5) for one in step(JANA)),
                    rows=TWO)
    product.ring()
    product.pass_ms(300)
    assert product.known is not None
    assert product.went == []
    product.time_out(product.transactions[-1].branches[0])
    assert len(product.went) == 1


class TestKeptNames:
    def test_are_looked_up_again_before_anybody_waits(self) -> None:
        product = Named()
        product.ring()
        product.pass_ms(100)
        product.name_server.rows = zone.zone(f"{HOST} A 9.9.9.9")
        product.pass_ms(1000 * zone.TTL_S + 200)
        assert product.known == f"{SECOND.removeprefix('sip:')},1,1"

    def test_hold_while_the_name_servers_say_nothing(self) -> None:
        product = Named()
        product.ring()
        product.pass_ms(100)
        product.name_server.silent = True
        product.pass_ms(1000 * (zone.TTL_S + RETRY_S))
        product.call(PERSONAL)
        assert product.went == [(JANA, FIRST)] * 2
        assert len(product.warnings) == 1

    def test_go_where_the_name_servers_say_so(self) -> None:
        product = Named()
        product.ring()
        product.pass_ms(100)
        product.name_server.rows = {}
        product.pass_ms(1000 * zone.TTL_S + 200)
        assert product.known == NOWHERE

    def test_that_are_never_found_are_left(self) -> None:
        product = Named(rows="")
        product.ring()
        product.pass_ms(1000 * RETRY_S * (MOST_FAILURES + 5))
        assert product.name_server.asked.count((HOST, Type.A)) == MOST_FAILURES

    def test_are_not_more_than_fit(self) -> None:
        product = Named()
        for port in range(1, MOST_KEPT + MOST_AT_ONCE + 1):
            product.mqueue.mq_add(NAMES, f"{HOST}:{port}", "")
            if port % MOST_AT_ONCE == 0:
                product.pass_ms(100)
        product.name_server.asked.clear()
        product.pass_ms(1000 * (zone.TTL_S + RETRY_S))
        assert len(product.name_server.asked) <= MOST_KEPT


def test_more_names_than_can_be_looked_up_at_once_are_not() -> None:
    product = Named()
    product.name_server.silent = True
    for port in range(1, 2 * MOST_AT_ONCE):
        product.mqueue.mq_add(NAMES, f"{HOST}:{port}", "")
    product.resolver.tick()
    assert len(product.name_server.asked) == MOST_AT_ONCE


class TestWithinACall:
    @staticmethod
    def answered(rows: str) -> Named:
        """A call that began before this Kamailio: where its sides are is not known."""
        product = Named(step(OFFICE), rows=rows)
        product.at(1_795_000_000)
        product.call(PERSONAL, "42075553333", CONTACT)
        product.answer(OFFICE, 200, headers=CALLEE)
        product.htable.tables[PARTIES].clear()
        product.start = "0000000b"
        return product

    @staticmethod
    def send(product: Named, method: str = "INFO", uri: str = "sip:x@pbx.example.com") -> None:
        route = product.forwarded[0].headers.get("Record-Route") or ""
        invite = product.transactions[0].request
        product.receive(Request(
            method=method, uri=uri, call_id=invite.call_id, callee="<sip:a@b>;tag=t",
            caller=invite.caller, source=Address("127.0.0.20"), headers=(("Route", route),)))

    def test_a_request_by_name_goes_when_it_is_sent_again(self) -> None:
        product = self.answered("pbx.example.com A 192.168.1.9")
        self.send(product)
        assert (len(product.forwarded), product.codes) == (1, [200])
        product.pass_ms(100)
        self.send(product)
        assert product.forwarded[-1].destination == "sip:192.168.1.9:5060;transport=udp"

    @pytest.mark.parametrize(("method", "codes"), [("INFO", [200, 478]), ("ACK", [200])])
    def test_one_to_a_name_without_address_is_answered(
            self, method: str, codes: list[int]) -> None:
        product = self.answered("pbx.example.com A 127.0.0.1")
        self.send(product)
        product.pass_ms(100)
        self.send(product, method)
        assert (len(product.forwarded), product.codes) == (1, codes)

    def test_one_to_a_name_that_means_a_server_of_ours_is_answered(self) -> None:
        product = self.answered("pbx.example.com A 127.0.0.40")
        for _ in range(2):
            self.send(product)
            product.pass_ms(100)
        assert (len(product.forwarded), product.codes) == (1, [200, 478])

    @pytest.mark.parametrize("host", [f"{'a' * 64}.example", "localhost:6379;transport=tcp"])
    def test_what_is_no_public_name_is_looked_up_by_nobody(self, host: str) -> None:
        product = self.answered("")
        self.send(product, uri=f"sip:x@{host}")
        product.pass_ms(100)
        assert (len(product.forwarded), product.codes) == (1, [200, 478])
        assert product.name_server.asked == []

    def test_over_tcp_it_is_answered_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.support.fake_message.Core.is_UDP", lambda _: False)
        product = self.answered("")
        self.send(product)
        assert product.codes == [200, 503]

    def test_such_names_are_not_kept(self) -> None:
        product = self.answered("pbx.example.com A 192.168.1.9")
        self.send(product)
        product.pass_ms(1000 * (zone.TTL_S + RETRY_S))
        assert product.name_server.asked.count(("pbx.example.com", Type.A)) == 1
