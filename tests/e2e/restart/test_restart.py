# SPDX-License-Identifier: GPL-2.0-or-later
"""Kamailio ends and starts again; nobody registers anew."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.digest_phone import Account, DigestPhone
from tests.support.loopback import wait_until
from tests.support.phones import busy
from tests.support.situation import DOMAIN, PASSWORD, STRANGER, Situation

DESK = Account("jana-desk", PASSWORD)
JANA, CALLER = "42027777101", "42075553333"
FLUSHED_WITHIN_S = 8


@pytest.fixture
def situation(arrange: Arrangements) -> Iterator[Situation]:
    """Ends up running, whatever a test did to its file."""
    made = arrange()
    yield made
    made.edge.stop()
    made.edge.start()


@pytest.fixture
def phone(situation: Situation) -> Iterator[DigestPhone]:
    with DigestPhone(situation.network.address(STRANGER), situation.edge.proxy, DOMAIN) as made:
        yield made


def kept(situation: Situation) -> list[str]:
    """The contacts in the file."""
    file = situation.edge.folder / "registrations.sqlite"
    with closing(sqlite3.connect(file)) as database:
        return [str(row[0]) for row in database.execute("SELECT contact FROM location")]


def restart(situation: Situation) -> None:
    assert situation.edge.stop() == 0
    situation.edge.start()


def test_a_clean_restart_rings_all_phones(situation: Situation) -> None:
    phones = [situation.line_phone("jana-desk", busy()) for _ in range(3)]
    restart(situation)
    assert situation.call(JANA, CALLER).code == 486
    assert [len(each.invites) for each in phones] == [1, 1, 1]


def test_a_worker_that_does_not_end_when_told_holds_up_no_restart(situation: Situation) -> None:
    desk = situation.line_phone("jana-desk", busy())
    os.kill(situation.edge.worker_pids()[0], signal.SIGSTOP)
    restart(situation)
    assert situation.call(JANA, CALLER).code == 486
    assert len(desk.invites) == 1


def test_a_crash_loses_no_phone_that_registered_some_seconds_ago(situation: Situation) -> None:
    desk = situation.line_phone("jana-desk", busy())
    wait_until(lambda: desk.contact in kept(situation), "the phone in the file", FLUSHED_WITHIN_S)
    situation.edge.kill()
    situation.edge.start()
    assert situation.call(JANA, CALLER).code == 486
    assert len(desk.invites) == 1


def test_a_phone_registers_as_long_as_it_was_told(
    situation: Situation, phone: DigestPhone
) -> None:
    def left_s() -> int:
        answer = phone.register(DESK)
        return int(answer["Contact"].partition("expires=")[2])

    phone.register(DESK, phone.contact("jana-desk"), ("Expires", "600"))
    restart(situation)
    assert 580 <= left_s() <= 600
    phone.register(DESK, phone.contact("jana-desk"), ("Expires", "0"))


def test_a_phone_that_went_does_not_come_back(situation: Situation, phone: DigestPhone) -> None:
    phone.register(DESK, phone.contact("jana-desk"))
    restart(situation)
    phone.register(DESK, phone.contact("jana-desk"), ("Expires", "0"))
    restart(situation)
    assert phone.register(DESK).header("Contact") is None


def test_a_file_that_cannot_be_read_stops_no_start(
    situation: Situation, phone: DigestPhone
) -> None:
    phone.register(DESK, phone.contact("jana-desk"))
    situation.edge.stop()
    file: Path = situation.edge.folder / "registrations.sqlite"
    file.write_bytes(b"torn" * 4096)
    situation.edge.start()
    assert "registrations are lost" in situation.edge.log
    assert phone.register(DESK).header("Contact") is None
    phone.register(DESK, phone.contact("jana-desk"))
    restart(situation)
    assert phone.source.ip in phone.register(DESK)["Contact"]
    phone.register(DESK, phone.contact("jana-desk"), ("Expires", "0"))


def test_a_file_of_nothing_is_no_file(situation: Situation) -> None:
    situation.edge.stop()
    (situation.edge.folder / "registrations.sqlite").write_bytes(b"")
    situation.edge.start()
    desk = situation.line_phone("jana-desk", busy())
    assert situation.call(JANA, CALLER).code == 486
    assert len(desk.invites) == 1
