# SPDX-License-Identifier: GPL-2.0-or-later
"""Where requests within a call go at the real Kamailio."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.raw_sip import RawSip
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    STRANGER,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone
from tests.support.trap import Trap

LINE, JANA, CALLER, ABROAD = "jana-desk", "42027777101", "42075553333", "49900123456"
ASSERTED = f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>"
METHODS = ["INVITE", "BYE", "INFO", "MESSAGE", "REFER", "ACK"]


class Talk:
    """A call of the trunk that the phone has answered."""

    def __init__(self, situation: Situation, ends: ExitStack) -> None:
        self._situation, self._ends = situation, ends
        self.trunk = self.at(PAI_TRUNK, CALLER)
        self.phone = self.at(FIRST_PHONE, LINE)
        assert self.phone.register().code == 200
        address = situation.settings["ADDRESS"]
        self.trunks = self.trunk.call(f"sip:{JANA}@{address}:{SIP_PORT}", ASSERTED)
        self.phones = self.phone.pick_up(self.phone.ring())
        self.trunk.talk(self.trunks)
        self.phone.heard("ACK")

    def at(self, last: int, user: str) -> SoftPhone:
        """A phone at that address."""
        wire = RawSip(self._situation.network.address(last), self._situation.edge.proxy)
        return self._ends.enter_context(SoftPhone(wire, user, DOMAIN, PASSWORD * (user == LINE)))

    def hangs_up(self, phone: SoftPhone, its: Dialog, other: SoftPhone) -> None:
        phone.send(its, "BYE")
        other.answer(other.heard("BYE"), 200)
        assert phone.final("BYE").code == 200

    def moves(self, moved: SoftPhone, its: Dialog, other: SoftPhone, others: Dialog) -> SoftPhone:
        """A side goes on at another address and says so by a new INVITE."""
        moved.send(its, "INVITE")
        invite = other.heard("INVITE")
        others.target = invite["Contact"].strip("<>")
        other.answer(invite, 200)
        moved.talk(its)
        other.heard("ACK")
        return moved


@pytest.fixture
def talk(situation: Situation) -> Iterator[Talk]:
    with ExitStack() as ends:
        yield Talk(situation, ends)
    situation.edge.kamcmd("ul.rm", "location", LINE)


@pytest.fixture
def victim(situation: Situation) -> Iterator[Trap]:
    with Trap(situation.network.address(STRANGER)) as made:
        yield made


@pytest.mark.parametrize("method", METHODS)
def test_a_phone_reaches_no_other_address(talk: Talk, victim: Trap, method: str) -> None:
    meant = talk.phones.target
    host, port = victim.address
    for target, routes in (
        (f"sip:x@{host}:{port}", []), (f"sip:x@{host}:{port};transport=tcp", []),
        (f"{meant};maddr={host}", []), (f"{meant};alias={host}~{port}~1", []),
        (meant, [f"<sip:{host}:{port};lr>"]),
    ):  # fmt: skip
        talk.phones.target = target
        kept = list(talk.phones.routes)
        talk.phones.routes += routes
        talk.phone.send(talk.phones, method)
        talk.phones.routes = kept
        if method != "ACK":
            assert talk.phone.final(method).code == 404
    talk.phones.target = meant
    talk.hangs_up(talk.phone, talk.phones, talk.trunk)
    assert (victim.heard, victim.connections) == ([], 0)


def test_a_phone_reaches_no_gateway(situation: Situation, talk: Talk) -> None:
    meant = talk.phones.target
    talk.phones.target = "sip:{}@{}:{}".format(ABROAD, *situation.gateway.address)
    talk.phone.send(talk.phones, "INVITE")
    assert talk.phone.final("INVITE").code == 404
    assert situation.gateway.unknown == []
    talk.phones.target = meant
    talk.hangs_up(talk.trunk, talk.trunks, talk.phone)


def test_both_sides_may_move(talk: Talk) -> None:
    phone = talk.moves(talk.at(FIRST_PHONE + 1, LINE), talk.phones, talk.trunk, talk.trunks)
    trunk = talk.moves(talk.at(PAI_TRUNK, CALLER), talk.trunks, phone, talk.phones)
    phone.send(talk.phones, "INFO")
    trunk.answer(trunk.heard("INFO"), 200)
    assert phone.final("INFO").code == 200
    talk.hangs_up(trunk, talk.trunks, phone)


def test_a_call_ends_after_a_restart(situation: Situation, talk: Talk) -> None:
    situation.edge.stop()
    situation.edge.start()
    talk.hangs_up(talk.phone, talk.phones, talk.trunk)
