# SPDX-License-Identifier: GPL-2.0-or-later
"""Call records reach the store: at once, after an outage, after a restart in it."""

from datetime import UTC, datetime, timedelta

import pytest

from kemi_routing import call_record
from kemi_routing.ksr import keeper, spool
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.keeper import Keeper
from kemi_routing.ksr.records import RECORDS
from kemi_routing.ksr.spool import Spool
from tests.ksr.edge import SECRET, SETTINGS, Product

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AWAY = "records why='the store is down'\n"
BACK = "records why='the store is back'\n"


class Kept:
    """The keeper of a proxy, at times in seconds."""

    def __init__(self) -> None:
        self.product = Product()
        self.records = self.product.records
        self.restart()

    def restart(self) -> None:
        edge = Edge(self.product.ksr, SETTINGS, self.records, SECRET)
        self._keeper = Keeper(edge, self.records, Spool(self.product.folder))

    def put(self, call_id: str, text: str = "entry") -> None:
        self.product.mqueue.mq_add(RECORDS, call_id, text)

    def tick(self, at_s: float) -> None:
        self._keeper.tick(NOW + timedelta(seconds=at_s))

    @property
    def written(self) -> list[tuple[str, str]]:
        return self.records.stories

    @property
    def told(self) -> list[str]:
        return [text for _, text in self.product.log]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_what_workers_put_down_is_written_under_the_name_of_its_call(kept: Kept) -> None:
    kept.put("a@x", "one")
    kept.put("\r\nb", "two")
    kept.tick(0)
    assert kept.written == [(call_record.name("a@x"), "one"), (call_record.name("\r\nb"), "two")]
    kept.tick(0.5)
    assert len(kept.written) == 2
    assert kept.told == []


def test_it_waits_between_two_writes(kept: Kept) -> None:
    kept.tick(0)
    kept.put("a@x")
    kept.tick(keeper.WRITE_EVERY_S - 0.1)
    assert kept.written == []
    kept.tick(keeper.WRITE_EVERY_S)
    assert len(kept.written) == 1


def test_a_clock_that_is_put_back_does_not_stop_it(kept: Kept) -> None:
    kept.tick(0)
    kept.put("a@x")
    kept.tick(-3600)
    assert len(kept.written) == 1


def test_an_outage_is_told_once_and_loses_nothing(kept: Kept) -> None:
    kept.records.down = True
    for second in range(20):
        kept.put(f"{second}@x")
        kept.tick(second)
    assert kept.written == []
    assert kept.told == [AWAY]
    kept.records.down = False
    for second in range(20, 24):
        kept.tick(second)
    assert [name for name, _ in kept.written] == [call_record.name(f"{n}@x") for n in range(20)]
    assert kept.told == [AWAY, BACK]
    assert list(kept.product.folder.iterdir()) == []


def test_a_restart_in_the_outage_loses_nothing(kept: Kept) -> None:
    kept.records.down = True
    kept.put("a@x")
    kept.tick(0)
    kept.restart()
    kept.put("b@x")
    kept.tick(1)
    kept.records.down = False
    kept.restart()
    kept.tick(2)
    kept.tick(3)
    assert [name for name, _ in kept.written] == [call_record.name(f"{one}@x") for one in "ab"]


def test_many_are_written_a_part_at_each_turn(kept: Kept) -> None:
    most = keeper.AT_ONCE * keeper.ROUND_TRIPS
    for number in range(most + 10):
        kept.put(f"{number}@x")
    kept.tick(0)
    assert len(kept.written) == most
    kept.tick(0.1)
    assert len(set(kept.written)) == most + 10


def test_what_does_not_fit_is_counted(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "FILE_LINES", 1)
    monkeypatch.setattr(spool, "MOST_FILES", 2)
    kept.records.down = True
    for second in range(3):
        kept.put(f"{second}@x")
        kept.tick(second)
    assert kept.told == [AWAY, "records dropped=1 why='too many wait for the store'\n"]


def test_where_no_file_can_be_written_they_are_lost_and_counted(kept: Kept) -> None:
    kept.product.folder.write_text("")
    kept.put("a@x")
    kept.tick(0)
    assert kept.told[0].startswith("records dropped=1 why=")
    kept.product.folder.unlink()


def test_what_the_store_cannot_keep_is_counted(
        kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept.records, "keep", lambda entries, now_ms: len(entries))
    kept.put("a@x")
    kept.tick(0)
    assert kept.told == ["records dropped=1 why=unreadable\n"]
    kept.tick(1)
    assert len(kept.told) == 1
