# SPDX-License-Identifier: GPL-2.0-or-later
"""Where requests within a call go at the real Kamailio."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.other_edge import other_edge
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
OTHER_LINE, KARL = "karl-desk", "42027777102"
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
        return self._ends.enter_context(SoftPhone(wire, user, DOMAIN, PASSWORD * (user != CALLER)))

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


class Ringing:
    """A call of one line to the other, which has not answered."""

    def __init__(self, situation: Situation, ends: ExitStack) -> None:
        self.caller, self.phone = (
            ends.enter_context(SoftPhone(
                RawSip(situation.network.address(last), situation.edge.proxy), line, DOMAIN,
                PASSWORD))
            for last, line in ((FIRST_PHONE, LINE), (FIRST_PHONE + 1, OTHER_LINE)))
        assert self.phone.register().code == 200
        self.callers = self.caller.call(f"sip:{KARL}@{DOMAIN}")
        self.invite = self.phone.heard("INVITE")

    def end(self) -> None:
        self.phone.answer(self.invite, 486)
        assert self.caller.final("INVITE").code == 486


@pytest.fixture
def ringing(situation: Situation) -> Iterator[Ringing]:
    with ExitStack() as ends:
        yield Ringing(situation, ends)
    situation.edge.kamcmd("ul.rm", "location", OTHER_LINE)


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


def test_nobody_speaks_in_the_name_of_a_trunk(talk: Talk) -> None:
    own, its = talk.phone, talk.phones
    played = Dialog(its.call_id, its.remote, its.local, own.contact.strip("<>"), its.routes)
    for method in ("INVITE", "BYE"):
        own.send(played, method)
        assert own.final(method).code == 403
    talk.hangs_up(talk.trunk, talk.trunks, own)


def test_nobody_plays_both_sides(ringing: Ringing, victim: Trap) -> None:
    elsewhere = "sip:x@{}:{}".format(*victim.address)
    ringing.phone.answer(ringing.invite, 200, f"Contact: <{elsewhere}>")
    ringing.caller.talk(ringing.callers)
    ringing.phone.heard("ACK")
    invite, callers = ringing.invite, ringing.callers
    played = Dialog(invite.call_id, invite["From"], callers.remote, elsewhere,
                    invite.all("Record-Route"))
    for method in ("INFO", "INVITE", "MESSAGE"):
        ringing.phone.send(played, method)
        assert ringing.phone.final(method).code == 404
    ringing.caller.send(callers, "BYE")
    ringing.phone.answer(ringing.phone.heard("BYE"), 200)
    assert ringing.caller.final("BYE").code == 200
    assert (victim.heard, victim.connections) == ([], 0)


def test_both_sides_may_move(talk: Talk) -> None:
    phone = talk.moves(talk.at(FIRST_PHONE + 1, LINE), talk.phones, talk.trunk, talk.trunks)
    trunk = talk.moves(talk.at(PAI_TRUNK, CALLER), talk.trunks, phone, talk.phones)
    phone.send(talk.phones, "INFO")
    trunk.answer(trunk.heard("INFO"), 200)
    assert phone.final("INFO").code == 200
    talk.hangs_up(trunk, talk.trunks, phone)


@pytest.mark.parametrize("method", ["INVITE", "BYE", "PRACK", "UPDATE", "INFO"])
def test_before_the_answer_nobody_is_reached(
    ringing: Ringing, victim: Trap, method: str
) -> None:
    ringing.phone.answer(ringing.invite, 180)
    ringing.caller.early(ringing.callers)
    ringing.callers.target = "sip:x@{}:{}".format(*victim.address)
    ringing.caller.send(ringing.callers, method)
    assert ringing.caller.final(method).code == 481
    assert victim.heard == []
    ringing.end()


def test_a_ringing_that_must_be_acknowledged_is(ringing: Ringing, victim: Trap) -> None:
    ringing.phone.answer(ringing.invite, 183, "Require: 100rel", "RSeq: 1")
    ringing.caller.early(ringing.callers)
    meant = ringing.callers.target
    for method in ("PRACK", "UPDATE"):
        ringing.callers.target = "sip:x@{}:{}".format(*victim.address)
        ringing.caller.send(ringing.callers, method)
        assert ringing.caller.final(method).code == 404
        ringing.callers.target = meant
        ringing.caller.send(ringing.callers, method)
        ringing.phone.answer(ringing.phone.heard(method), 200)
        assert ringing.caller.final(method).code == 200
    assert victim.heard == []
    ringing.end()


def forge(talk: Talk, victim: Trap, method: str = "INVITE") -> int:
    """What the phone hears that sends a request within its call to the victim."""
    meant, talk.phones.target = talk.phones.target, "sip:x@{}:{}".format(*victim.address)
    talk.phone.send(talk.phones, method)
    talk.phones.target = meant
    return talk.phone.final(method).code or 0


def test_after_the_call_nobody_is_reached(
    situation: Situation, talk: Talk, victim: Trap
) -> None:
    talk.hangs_up(talk.trunk, talk.trunks, talk.phone)
    assert forge(talk, victim) == 481
    assert forge(talk, victim, "BYE") == 404
    talk.phone.send(talk.phones, "BYE")  # both hang up at once
    talk.trunk.answer(talk.trunk.heard("BYE"), 481)
    assert talk.phone.final("BYE").code == 481
    situation.edge.kamcmd("htable.flush", "parties")  # as after a while
    assert forge(talk, victim) == 481
    talk.phone.send(talk.phones, "BYE")
    assert talk.phone.final("BYE").code == 481
    assert victim.heard == []


def test_a_call_goes_on_after_a_restart(
    situation: Situation, talk: Talk, victim: Trap
) -> None:
    situation.edge.stop()
    situation.edge.start()
    phone = talk.moves(talk.phone, talk.phones, talk.trunk, talk.trunks)
    talk.hangs_up(phone, talk.phones, talk.trunk)
    with ExitStack() as ends:
        later = Talk(situation, ends)
        situation.edge.kamcmd("htable.flush", "parties")
        assert forge(later, victim) == 481
    assert victim.heard == []


def same_secret(situation: Situation, folder: Path) -> None:
    """The other proxy is to take over the calls of the first one."""
    (folder / "edge").mkdir()
    shutil.copy(situation.edge.folder / "secret", folder / "edge")


def test_a_call_goes_on_at_the_proxy_that_takes_its_address_over(
    situation: Situation, talk: Talk, tmp_path: Path
) -> None:
    same_secret(situation, tmp_path)
    situation.edge.stop()
    try:
        with other_edge(situation, tmp_path, ADDRESS=situation.settings["ADDRESS"]):
            phone = talk.moves(talk.phone, talk.phones, talk.trunk, talk.trunks)
            talk.hangs_up(phone, talk.phones, talk.trunk)
    finally:
        situation.edge.start()


def test_a_call_is_none_of_another_proxy(
    situation: Situation, tmp_path: Path, victim: Trap
) -> None:
    same_secret(situation, tmp_path)
    with other_edge(situation, tmp_path) as other, ExitStack() as ends:
        talk = Talk(situation, ends)
        here, there = situation.edge.proxy[0], other.edge.proxy[0]
        wire = RawSip(situation.network.address(FIRST_PHONE), other.edge.proxy)
        elsewhere = ends.enter_context(SoftPhone(wire, LINE, DOMAIN))
        kept = talk.phones.routes
        talk.phones.routes = [route.replace(here, there) for route in kept]
        talk.phones.target, meant = "sip:x@{}:{}".format(*victim.address), talk.phones.target
        elsewhere.send(talk.phones, "INVITE")
        assert elsewhere.final("INVITE").code == 481
        talk.phones.routes, talk.phones.target = kept, meant
        talk.hangs_up(talk.phone, talk.phones, talk.trunk)
    assert victim.heard == []
