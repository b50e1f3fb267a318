# SPDX-License-Identifier: GPL-2.0-or-later
"""The background process: what it takes from the workers, tells the store and learns from it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from kemi_routing.ksr.background import EXCHANGE_EVERY_S, LAST_CALLER, MOST_CALLERS
from kemi_routing.ksr.caps import BEGUN, ELSEWHERE
from kemi_routing.ksr.edge import Edge
from kemi_routing.model import Mode
from tests.ksr.edge import PROXY_NAME, SECRET, SETTINGS, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
FORWARDING = number(mode=Mode.FORWARD_ONLY, default="all", max_calls=2,
                    sequences=(sequence("all", step(OFFICE)),))
CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")


class Proxy(Product):
    """The product, with its background process at a time of the test's choice."""

    def __init__(self) -> None:
        super().__init__(FORWARDING)
        self._at = START
        edge = Edge(self.ksr, SETTINGS, self.records, SECRET)
        self._background = self.background(edge)

    def tick(self, after_s: float = EXCHANGE_EVERY_S) -> None:
        """The background process has its turn that much later."""
        self._at += timedelta(seconds=after_s)
        self._background.tick(self._at)

    @property
    def counted(self) -> object:
        """What it told the store last."""
        return json.loads(self.records.counted[PROXY_NAME])

    @property
    def elsewhere(self) -> dict[str, int]:
        """What the workers know of the other proxies."""
        return self.htable.tables[ELSEWHERE]

    def ring(self, ani: str = "42075553333", *headers: tuple[str, str]) -> None:
        """A call to the number, which is forwarded."""
        self.call(PERSONAL, ani, CONTACT, *headers)


class TestForwardedCalls:
    def test_are_told_to_the_store_as_long_as_they_last_or_their_hour(self) -> None:
        proxy = Proxy()
        proxy.ring()
        proxy.ring()
        proxy.tick()
        assert proxy.counted == {PERSONAL: [2, 2]}
        proxy.answer(OFFICE, 486)
        proxy.tick(3600)
        assert proxy.counted == {PERSONAL: [1, 2]}
        proxy.tick(1)
        assert proxy.counted == {PERSONAL: [1, 0]}
        proxy.answer(OFFICE, 486)
        proxy.tick()
        assert proxy.counted == {}

    def test_are_told_in_their_turn_only(self) -> None:
        proxy = Proxy()
        proxy.tick()
        proxy.ring()
        proxy.tick(EXCHANGE_EVERY_S / 2)
        assert proxy.counted == {}
        assert len(proxy.mqueue.queues[BEGUN]) == 0
        proxy.tick(EXCHANGE_EVERY_S / 2)
        assert proxy.counted == {PERSONAL: [1, 1]}

    def test_are_told_at_once_after_the_clock_was_put_back(self) -> None:
        proxy = Proxy()
        proxy.tick()
        proxy.ring()
        proxy.tick(-3600)
        assert proxy.counted == {PERSONAL: [1, 1]}


class TestTheOtherProxies:
    def test_are_added_up_for_the_workers(self) -> None:
        proxy = Proxy()
        proxy.records.elsewhere = [b'{"42027777100":[1,3],"1":[0,1]}', b'{"42027777100":[1,4]}']
        proxy.tick()
        assert proxy.elsewhere == {}  # which ones there are it hears in the first exchange
        proxy.tick()
        assert proxy.elsewhere == {f"now:{PERSONAL}": 2, f"hour:{PERSONAL}": 7, "hour:1": 1}
        proxy.records.elsewhere = [b'{"42027777100":[0,1]}']
        proxy.tick()
        assert proxy.elsewhere == {f"hour:{PERSONAL}": 1}

    @pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"1":2}', b'{"1":["a","b"]}', b"7"])
    def test_that_write_nonsense_are_reported_and_left_out(self, data: bytes) -> None:
        proxy = Proxy()
        proxy.records.elsewhere = [data, b'{"42027777100":[1,1]}']
        proxy.tick()
        proxy.tick()
        assert proxy.elsewhere == {f"now:{PERSONAL}": 1, f"hour:{PERSONAL}": 1}
        assert "not the counts of a proxy" in proxy.log[-1][1]


class TestLastCallers:
    def test_are_told_once(self) -> None:
        proxy = Proxy()
        proxy.ring("42075551111")
        proxy.ring("42075552222")
        proxy.tick()
        assert proxy.records.last_callers == {PERSONAL: "42075552222"}
        proxy.records.last_callers.clear()
        proxy.tick()
        assert proxy.records.last_callers == {}

    def test_without_a_number_are_told_as_anonymous(self) -> None:
        proxy = Proxy()
        proxy.ring("42075551111", ("Privacy", "id"))
        proxy.tick()
        assert proxy.records.last_callers == {PERSONAL: "anonymous"}

    def test_wait_for_a_store_that_is_away(self) -> None:
        proxy = Proxy()
        proxy.records.down = True
        for last in range(MOST_CALLERS + 1):
            proxy.mqueue.mq_add(LAST_CALLER, f"4202{last:07}", "42075551111")
        for _ in range(3):
            proxy.tick()
        proxy.records.down = False
        proxy.tick()
        assert len(proxy.records.last_callers) == MOST_CALLERS
        assert "42020000000" not in proxy.records.last_callers
        said = [text for _, text in proxy.log if text.startswith("exchange ")]
        assert said == ["exchange why='the store is down'\n", "exchange why='the store is back'\n"]


def test_the_entry_gives_it_its_turn() -> None:
    proxy = Proxy()
    proxy.ring()
    proxy.in_background()
    assert proxy.counted == {PERSONAL: [1, 1]}
