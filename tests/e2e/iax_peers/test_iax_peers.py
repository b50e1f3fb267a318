# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls to IAX peers by a stand-in of the IAX gateway (SPEC T3)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.support.phones import Behaviour, Phone, answer, busy, ring
from tests.support.situation import DOMAIN, SIP_PORT, Situation

ONE, TOGETHER, MOBILE, CALLER = "42027777101", "42027777102", "42073723101", "42075553333"
FIRST, SECOND = 45, 46
PASSWORD = "hush-hush"


class Gateways:
    """Stand-ins of IAX gateways."""

    def __init__(self, situation: Situation, folder: Path, ends: ExitStack) -> None:
        self._situation = situation
        self._folder = folder
        self._ends = ends

    def at(self, last: int) -> str:
        return f"{self._situation.network.address(last)}:{SIP_PORT}"

    def plug(self, last: int, behaviour: Behaviour) -> Phone:
        phone = Phone(f"iax-{last}", self._situation.network.address(last), SIP_PORT, behaviour,
                      self._folder / f"iax-{last}", user="100")  # fmt: skip
        phone.start()
        self._ends.callback(phone.stop)
        return phone

    def in_force(self, *lasts: int) -> AbstractContextManager[None]:
        """They are the IAX gateways as long as the block lasts, the first one asked first."""
        return self._situation.with_network(iax_gateways={
            f"iax-{last}": {"at": self.at(last), "priority": rank}
            for rank, last in enumerate(lasts, 1)})


@pytest.fixture
def gateways(situation: Situation, tmp_path: Path) -> Iterator[Gateways]:
    with ExitStack() as ends:
        yield Gateways(situation, tmp_path, ends)


def told(situation: Situation, *phones: Phone) -> str:
    """All that anybody was sent, and the log."""
    return situation.edge.log + "".join(str(one) for phone in phones for one in phone.messages)


def test_the_gateway_gets_the_reference_of_the_peer(
    situation: Situation, gateways: Gateways
) -> None:
    first = gateways.plug(FIRST, answer())
    with gateways.in_force(FIRST):
        explained = situation.explain(ONE, CALLER)
        assert situation.call(ONE, CALLER).code == 200

    (invite,) = first.invites
    assert invite.uri == f"sip:100@{gateways.at(FIRST)};peer=jana%40192.0.43.8%3A4569"
    assert invite.uri == explained["steps"][0]["targets"][0]["uri"]
    assert invite["P-Asserted-Identity"] == f"<sip:{ONE}@{DOMAIN}>"
    assert len(first.heard("BYE")) == 1
    assert PASSWORD not in told(situation, first) + str(explained)


def test_a_gateway_that_fails_is_followed_by_the_next(
    situation: Situation, gateways: Gateways
) -> None:
    first, second = gateways.plug(FIRST, busy(503)), gateways.plug(SECOND, answer())

    with gateways.in_force(FIRST, SECOND):
        assert situation.call(ONE, CALLER).code == 200

    assert [len(each.invites) for each in (first, second)] == [1, 1]
    assert second.invites[0].uri == f"sip:100@{gateways.at(SECOND)};peer=jana%40192.0.43.8%3A4569"
    assert PASSWORD not in told(situation, first, second)
    situation.edge.kamcmd("htable.flush", "failed")


def test_beside_others_it_has_a_ring_time_of_its_own(
    situation: Situation, gateways: Gateways
) -> None:
    peer, mobile = gateways.plug(FIRST, ring()), situation.outside_phone(MOBILE, ring())

    with gateways.in_force(FIRST):
        heard = situation.call(TOGETHER, CALLER)

    start = heard.messages[0].at
    assert heard.code == 480
    assert peer.heard("CANCEL")[0].at - start == pytest.approx(5, abs=0.5)
    assert mobile.heard("CANCEL")[0].at - start == pytest.approx(8, abs=0.5)
    assert PASSWORD not in told(situation, peer, mobile)


def test_without_a_gateway_it_is_left_out(situation: Situation) -> None:
    assert situation.call(ONE, CALLER).code == 480
    explained = situation.explain(ONE, CALLER)
    assert explained["skipped"] == [
        {"what": "IAX2/jana:***@192.0.43.8:4569/100", "why": "no IAX gateway is configured"}]
