# SPDX-License-Identifier: GPL-2.0-or-later
"""Who tries passwords at the real Kamailio."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling
from tests.support.digest_phone import Account, DigestPhone
from tests.support.loopback import NotReady, wait_until
from tests.support.sip_message import Request
from tests.support.situation import DOMAIN, FIRST_PHONE, PASSWORD, STRANGER, Situation
from tests.support.trace import Message

DESK, HALL = Account("jana-desk", PASSWORD), Account("jana-hall", PASSWORD)
JANA, BAN_S = "42027777101", 4


@pytest.fixture
def situation(arrange: Arrangements) -> Situation:
    """Bans are short here."""
    return arrange(environment={"FOLLOWME_BAN_S": str(BAN_S)})


@pytest.fixture
def stranger(situation: Situation) -> Iterator[DigestPhone]:
    with phone(situation, STRANGER) as made:
        yield made


@pytest.fixture
def home(situation: Situation) -> Iterator[DigestPhone]:
    with phone(situation, FIRST_PHONE) as made:
        yield made


def phone(situation: Situation, last: int) -> DigestPhone:
    return DigestPhone(situation.network.address(last), situation.edge.proxy, DOMAIN)


def guesses(phone: DigestPhone, *names: str) -> list[Message]:
    return [phone.register(Account(name, "guess")) for name in names]


def codes(answers: list[Message]) -> list[int | None]:
    return [answer.code for answer in answers]


def test_the_fifth_bans_the_source_and_the_phone_gets_in_from_elsewhere(
    situation: Situation, stranger: DigestPhone, home: DigestPhone
) -> None:
    before = len(situation.edge.log)
    assert codes(guesses(stranger, *["jana-desk"] * 7)) == [401] * 5 + [403] * 2
    assert stranger.register(DESK).code == 403
    assert home.register(DESK).code == 200
    lines = situation.edge.log[before:].splitlines()
    bans = [line for line in lines if " ban callid=" in line]
    assert ["ERROR" in line and f"source={stranger.source.ip} " in line for line in bans] == [True]


def test_a_name_with_a_nul_in_it_is_a_guess_too(
    situation: Situation, stranger: DigestPhone
) -> None:
    request = stranger.request("jana-desk")
    tries = [stranger.ask(stranger.answer(
        request.again(), Account("jana-desk\0x", PASSWORD), stranger.ask(request.again())))
        for _ in range(6)]
    assert codes(tries) == [401] * 5 + [403]
    assert " error callid=" not in situation.edge.log


def test_a_known_and_an_unknown_line_are_answered_alike(
    stranger: DigestPhone, home: DigestPhone
) -> None:
    def seen(answers: list[Message]) -> list[tuple[int | None, str, list[str]]]:
        return [(one.code, one.reason_phrase, [name for name, _ in one.headers])
                for one in answers]  # fmt: skip

    known = guesses(stranger, *["jana-desk"] * 7)
    assert seen(known) == seen(guesses(home, *["nobody"] * 7))


def test_the_ban_ends_by_itself(stranger: DigestPhone) -> None:
    guesses(stranger, *["jana-desk"] * 5)
    assert stranger.register(DESK).code == 403
    wait_until(lambda: stranger.register(DESK).code == 200, "the end of the ban", BAN_S + 4)


def test_many_at_once_are_no_more_tries(stranger: DigestPhone) -> None:
    requests = [stranger.request("jana-desk") for _ in range(40)]
    tries = [stranger.answer(request, Account("jana-desk", "guess"), stranger.ask(request))
             for request in requests]  # fmt: skip
    stranger.send(*tries)
    assert Counter(stranger.heard().code for _ in tries) == {401: 5, 403: 35}


def test_the_operator_sees_who_is_banned_and_lets_him_in(
    situation: Situation, stranger: DigestPhone
) -> None:
    guesses(stranger, *["jana-desk"] * 5)
    assert f"name: {stranger.source.ip}" in situation.edge.kamcmd("htable.dump", "banned")
    situation.edge.kamcmd("htable.delete", "banned", f"s:{stranger.source.ip}")
    assert stranger.register(DESK).code == 200


def test_a_line_that_was_let_in_before_is_not_locked_out_by_its_neighbour(
    stranger: DigestPhone
) -> None:
    assert stranger.register(HALL).code == 200
    guesses(stranger, *["jana-desk"] * 5)
    assert (stranger.register(DESK).code, stranger.register(HALL).code) == (403, 200)


def test_nobody_can_have_another_source_banned(stranger: DigestPhone, home: DigestPhone) -> None:
    for _ in range(7):
        request = home.request("jana-desk")
        asked = stranger.ask(stranger.request("jana-desk"))
        answer = home.ask(home.answer(request, Account("jana-desk", "guess"), asked))
        assert (answer.code, "stale=true" in answer["WWW-Authenticate"]) == (401, True)
    assert home.register(DESK).code == 200


def test_a_nonce_is_good_for_one_request_and_its_retransmission(home: DigestPhone) -> None:
    request = home.request("jana-desk")
    answer = home.answer(request, DESK, home.ask(request))
    home.send(*[answer] * 10)
    # tm keeps silent about those that come while it works on the first.
    heard = [home.heard().code]
    with suppress(NotReady):
        while True:
            heard.append(home.heard(0.3).code)
    assert set(heard) == {200}
    again = home.ask(answer.again())
    assert (again.code, "stale=true" in again["WWW-Authenticate"]) == (401, True)
    assert home.ask(home.answer(request, DESK, again)).code == 200


def test_the_nonces_of_before_a_restart_are_stale(situation: Situation, home: DigestPhone) -> None:
    request = home.request("jana-desk")
    asked = home.ask(request)
    situation.edge.stop()
    situation.edge.start()
    answer = home.ask(home.answer(request, DESK, asked))
    assert answer.code == 401
    assert home.ask(home.answer(request, DESK, answer)).code == 200


@pytest.mark.parametrize("name", ["jana-desk@pstn", "42073723123@pstn", "42073723123"])
def test_an_alias_never_registers(home: DigestPhone, name: str) -> None:
    user = name.partition("@")[0]
    request = home.request(user, home.contact(user))
    asked = home.ask(request)
    assert home.ask(home.answer(request, Account(name, PASSWORD), asked)).code == 401


@pytest.mark.parametrize(("method", "asked"), [("INVITE", 407), ("REGISTER", 401)])
def test_what_a_stranger_sends_is_answered_and_forgotten(
    situation: Situation, stranger: DigestPhone, method: str, asked: int
) -> None:
    """A transaction would keep it in shared memory for seconds."""

    def transactions() -> int:
        """That others began: Kamailio's own are the OPTIONS to gateways."""
        seen = situation.edge.counters("tm.stats")
        return seen["total"] - seen["total_local"]

    def guess() -> Request:
        return stranger.answer(asking, Account("jana-desk", "guess"), stranger.ask(asking.again()))

    asking = replace(stranger.request("jana-desk", ("X-Long", "x" * 9000)), method=method)
    name, answer = guess().headers[-1]
    nonce_of_nobody = re.sub('nonce="[^"]*"', 'nonce="abc"', str(answer))
    no_response = re.sub(', response="[^"]*"', "", str(answer))
    before = transactions()
    for value in (nonce_of_nobody, no_response, no_response):
        assert stranger.ask(asking.again().with_headers((name, value))).code == asked
    guesses = [guess() for _ in range(5)]
    assert codes([stranger.ask(one) for one in guesses]) == [asked] * 5
    assert codes([stranger.ask(one.again()) for one in guesses]) == [403] * 5
    assert transactions() == before


def test_guesses_of_an_invite_count_too(situation: Situation) -> None:
    uri = f"sip:{JANA}@{DOMAIN}"
    calls = [Dialling(uri, f"jana-hall@{DOMAIN}", credentials=("jana-hall", password))
             for password in (*["guess"] * 5, PASSWORD)]  # fmt: skip
    heard = [situation.dial(call, via=STRANGER).outcome().code for call in calls]
    assert heard == [407] * 5 + [403]
