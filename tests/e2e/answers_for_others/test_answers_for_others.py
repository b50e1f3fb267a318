# SPDX-License-Identifier: GPL-2.0-or-later
"""Who answers with a Via that is not that of his own branch, at the real Kamailio (module tm)."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.support.loopback import wait_until
from tests.support.raw_sip import RawSip
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone
from tests.support.trace import Message

CALLER, ONE_BY_ONE, AT_ONCE, AT_LAST = "42075553333", "42027777101", "42027777102", "42027777103"
JANA, KARL = "jana-desk", "karl-desk"
ASSERTED = f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>"
Forge = Callable[[str], str]


def numbered(via: str) -> str:
    """The Via of the other one of two branches."""
    return re.sub(r"\.([01])(?=;)", lambda found: f".{1 - int(found[1])}", via)


FORGED: dict[str, Forge] = {
    "its own proof": numbered,
    "no proof": lambda via: re.sub(";fk=[0-9a-f]+", "", numbered(via)),
    "a made-up proof": lambda via: re.sub("fk=[0-9a-f]+", f"fk={'0' * 24}", numbered(via)),
    "two proofs": lambda via: f"{numbered(via)};fk={'0' * 24}",
}


@pytest.fixture
def phones(situation: Situation) -> Iterator[list[SoftPhone]]:
    """The caller's trunk, jana's and karl's phone, whose calls these are."""
    with ExitStack() as ends:
        made = []
        for last, user in ((PAI_TRUNK, CALLER), (FIRST_PHONE, JANA), (FIRST_PHONE + 1, KARL)):
            wire = RawSip(situation.network.address(last), situation.edge.proxy)
            password = "" if user == CALLER else PASSWORD
            made.append(ends.enter_context(SoftPhone(wire, user, DOMAIN, password)))
        for phone in made[1:]:
            assert phone.register().code == 200
            ends.callback(phone.register, expires_s=0)
        yield made


def call(situation: Situation, trunk: SoftPhone, number: str) -> Dialog:
    return trunk.call(f"sip:{number}@{situation.settings['ADDRESS']}:{SIP_PORT}", ASSERTED)


def with_vias(invite: Message, *vias: str) -> Message:
    """As if the INVITE had come with these, which an answer repeats."""
    others = [(name, value) for name, value in invite.headers if name.lower() != "via"]
    return replace(invite, headers=(*(("v", via) for via in vias), *others))


def forged(invite: Message, forge: Forge) -> Message:
    """As if another Via of ours had come."""
    own, *others = invite.all("Via")
    return with_vias(invite, forge(own), *others)


def over(phone: SoftPhone) -> Message:
    """The INVITE of a phone whose ring time is over, which said nothing more."""
    invite = phone.ring()
    phone.answer(phone.heard("CANCEL"), 200)
    return invite


def told(situation: Situation, since: int, what: str) -> list[str]:
    return [line for line in situation.edge.log[since:].splitlines() if what in line]


@pytest.mark.parametrize(("how", "code"), [
    ("its own proof", 180), ("its own proof", 200), ("its own proof", 302), ("its own proof", 603),
    ("no proof", 200), ("no proof", 486), ("a made-up proof", 200), ("two proofs", 200)])
def test_whose_time_is_over_cannot_answer_for_who_rings_then(
    situation: Situation, phones: list[SoftPhone], how: str, code: int
) -> None:
    (trunk, jana, karl), since = phones, len(situation.edge.log)
    dialog = call(situation, trunk, ONE_BY_ONE)
    invite = over(jana)
    ringing = karl.ring()
    jana.answer(forged(invite, FORGED[how]), code)
    wait_until(lambda: bool(told(situation, since, "in the name of another")), "told of it")
    karl.pick_up(ringing)
    assert KARL in trunk.talk(dialog)["Contact"]
    karl.heard("ACK")
    assert [line.rpartition("answered=")[2] for line in told(situation, since, " end ")] == [
        f"'line {KARL}'"]


def test_nor_is_it_noted_as_the_answer_where_he_does_so_for_himself(
    situation: Situation, phones: list[SoftPhone]
) -> None:
    """The caller does not hear it."""
    (trunk, jana, karl), since = phones, len(situation.edge.log)
    dialog = call(situation, trunk, ONE_BY_ONE)
    invite = over(jana)
    ringing = karl.ring()
    jana.answer(invite, 200)
    karl.pick_up(ringing)
    assert KARL in trunk.talk(dialog)["Contact"]
    assert [line.rpartition("answered=")[2] for line in told(situation, since, " end ")] == [
        f"'line {KARL}'"]


@pytest.mark.parametrize("code", [180, 200, 486])
def test_nor_for_who_rings_beside_him(
    situation: Situation, phones: list[SoftPhone], code: int
) -> None:
    (trunk, jana, karl), since = phones, len(situation.edge.log)
    dialog = call(situation, trunk, AT_ONCE)
    invite, ringing = jana.ring(), karl.ring()
    jana.answer(forged(invite, numbered), code)
    wait_until(lambda: bool(told(situation, since, "in the name of another")), "told of it")
    jana.answer(invite, 486)
    karl.pick_up(ringing)
    assert KARL in trunk.talk(dialog)["Contact"]


@pytest.mark.parametrize("number", [ONE_BY_ONE, AT_ONCE])
def test_each_answers_for_himself(
    situation: Situation, phones: list[SoftPhone], number: str
) -> None:
    trunk, jana, _ = phones
    dialog = call(situation, trunk, number)
    jana.pick_up(jana.ring())
    assert JANA in trunk.talk(dialog)["Contact"]
    jana.heard("ACK")


def test_so_does_the_eighteenth(situation: Situation, phones: list[SoftPhone]) -> None:
    """tm writes the number of its branch as 11."""
    trunk, jana, karl = phones
    dialog = call(situation, trunk, AT_LAST)
    jana.answer(jana.ring(), 486)
    ringing = karl.ring()
    assert ringing["Via"].partition(";fk=")[0].endswith(".11")
    karl.pick_up(ringing)
    assert KARL in trunk.talk(dialog)["Contact"]


def test_so_does_he_whom_a_caller_without_branch_reaches(
    situation: Situation, phones: list[SoftPhone]
) -> None:
    """As those before RFC 3261."""
    (trunk, jana, karl) = phones
    uri = f"sip:{AT_ONCE}@{situation.settings['ADDRESS']}:{SIP_PORT}"
    invite = trunk.wire.request("INVITE", uri, ani=CALLER, headers=(ASSERTED,))
    trunk.wire.send(re.sub(rb";branch=\S+", b"", invite))
    jana.answer(jana.ring(), 486)
    karl.answer(karl.ring(), 200)
    assert KARL in trunk.final("INVITE")["Contact"]


def test_an_answer_with_all_its_via_in_one_header_is_one(
    situation: Situation, phones: list[SoftPhone]
) -> None:
    trunk, _, karl = phones
    dialog = call(situation, trunk, AT_ONCE)
    ringing = karl.ring()
    own, others = ringing.all("Via")
    karl.pick_up(with_vias(ringing, f"{own};received=1.2.3.4 , {others}"))
    assert KARL in trunk.talk(dialog)["Contact"]
