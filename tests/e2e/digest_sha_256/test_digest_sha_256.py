# SPDX-License-Identifier: GPL-2.0-or-later
"""Digest authentication by SHA-256 (RFC 7616, RFC 8760)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kemi_routing import record
from kemi_routing.redis import keys
from kemi_routing.redis.store import connect
from tests.e2e.conftest import Arrangements
from tests.support.digest_phone import Account, DigestPhone
from tests.support.situation import DOMAIN, FIRST_PHONE, PASSWORD, Situation

DESK = Account("jana-desk", PASSWORD)
YAML = Path(__file__).with_name("situation.yaml")


@pytest.fixture
def situation(arrange: Arrangements) -> Situation:
    """An edge that knows SHA-256."""
    return arrange(environment={"FOLLOWME_DIGEST": "SHA-256"})


@pytest.fixture
def phone(situation: Situation) -> Iterator[DigestPhone]:
    address = situation.network.address(FIRST_PHONE)
    with DigestPhone(address, situation.edge.proxy, DOMAIN) as made:
        yield made


def test_a_line_registers(phone: DigestPhone) -> None:
    request = phone.request("jana-desk", phone.contact("jana-desk"))
    asked = phone.ask(request)
    assert "algorithm=SHA-256" in asked["WWW-Authenticate"]
    answer = phone.ask(phone.answer(request, DESK, asked))
    assert (answer.code, phone.source.ip in answer["Contact"]) == (200, True)


def test_md5_is_no_answer(phone: DigestPhone) -> None:
    request = phone.request("jana-desk", phone.contact("jana-desk"))
    asked = phone.ask(request)
    weaker = asked["WWW-Authenticate"].replace("SHA-256", "MD5")
    answered = phone.ask(request.with_credentials(weaker, DESK.name, DESK.secret))
    assert answered.code == 401


def test_a_wrong_password_and_an_unknown_line_are_alike(phone: DigestPhone) -> None:
    answers = [phone.register(Account(name, "guess")) for name in ("jana-desk", "nobody")]
    assert [(one.code, one.reason_phrase) for one in answers] == [(401, "Unauthorized")] * 2


def test_a_line_of_an_older_program_is_refused_until_its_file_is_applied(
    situation: Situation, phone: DigestPhone
) -> None:
    key = keys.line("jana-desk")
    with connect(situation.redis.url, timeout_s=2) as redis:
        line = record.decode_line(redis.get(key))
        redis.set(key, record.encode_line(replace(line, ha1_sha256="")))
    assert [phone.register(DESK).code for _ in range(6)] == [401] * 6
    assert "line jana-desk: no ha1 by SHA-256; apply its file again" in situation.edge.log
    situation.apply(YAML)
    assert phone.register(DESK).code == 200
