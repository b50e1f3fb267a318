# SPDX-License-Identifier: GPL-2.0-or-later
"""Who proves to be a line, and what becomes of those who guess."""

from dataclasses import replace
from typing import Any

import pytest

import tests.ksr.edge as product_edge
from kemi_routing.errors import BrokenRecord
from kemi_routing.ksr import bans, credentials
from kemi_routing.ksr.workers import LOCKS
from kemi_routing.record import LineRecord
from kemi_routing.settings import Digest
from tests.ksr.edge import DOMAIN, Product
from tests.support.fake_registrar import Auth
from tests.support.fake_tm import Tm
from tests.support.sip_message import Address, Request, ha1

PASSWORD = "blue-kettle"
HOME, OFFICE = Address("127.0.0.51"), Address("127.0.0.52")
WRONG = "guess"


def line(name: str) -> LineRecord:
    return LineRecord(name, "acme/jana", ha1(name, DOMAIN, PASSWORD), "", 3)


@pytest.fixture
def edge() -> Product:
    return Product(lines=(line("desk"), line("hall")))


def register(user: str, source: Address) -> Request:
    address = f"<sip:{user.partition('@')[0]}@{DOMAIN}>"
    contact = ("Contact", f"<sip:{user}@{source.ip if ':' not in source.ip else f'[{source.ip}]'}>")
    return Request("REGISTER", f"sip:{DOMAIN}", f"{address};tag=1", address, (contact,), source)


def challenge(edge: Product, user: str = "desk", source: Address = HOME) -> str:
    edge.receive(register(user, source))
    return edge.replies[-1].headers.get("WWW-Authenticate") or ""


def tries(edge: Product, password: str, user: str = "desk", source: Address = HOME) -> int:
    """The final code of a REGISTER with this password."""
    asked = challenge(edge, user, source)
    edge.receive(register(user, source).with_credentials(asked, user, password))
    return edge.codes[-1]


def guess(edge: Product, count: int, user: str = "desk", source: Address = HOME) -> list[int]:
    return [tries(edge, WRONG, user, source) for _ in range(count)]


def logged(edge: Product, verb: str) -> list[str]:
    return [text for _, text in edge.log if text.startswith(f"{verb} ")]


class TestASourceThatGuesses:
    def test_is_banned_after_five_wrong_passwords_and_the_phone_is_not(self, edge: Product) -> None:
        assert guess(edge, 7) == [401] * 5 + [403] * 2
        assert tries(edge, PASSWORD) == 403
        assert tries(edge, PASSWORD, source=OFFICE) == 200
        assert len(logged(edge, "ban")) == 1
        told = "source=127.0.0.51 why=guesses line=desk tries=5 seconds=900"
        assert told in logged(edge, "ban")[0]

    def test_is_banned_whatever_lines_it_tries(self, edge: Product) -> None:
        assert [tries(edge, WRONG, f"line-{index}") for index in range(6)] == [401] * 5 + [403]

    def test_does_not_lock_out_a_line_that_was_let_in_from_there(self, edge: Product) -> None:
        assert tries(edge, PASSWORD, "hall") == 200
        guess(edge, 5)
        assert (tries(edge, PASSWORD), tries(edge, PASSWORD, "hall")) == (403, 200)
        assert guess(edge, 2, "hall") == [401, 403]

    def test_cannot_wash_itself_clean_with_a_password_that_it_knows(self, edge: Product) -> None:
        codes = [tries(edge, password, user) for _ in range(6)
                 for user, password in (("hall", PASSWORD), ("desk", WRONG))]
        assert codes[1::2] == [401] * 5 + [403]

    def test_has_five_tries_again_when_the_ban_is_lifted_or_over(self, edge: Product) -> None:
        guess(edge, 6)
        edge.htable.tables[bans.BANNED].pop(HOME.ip)
        assert guess(edge, 6) == [401] * 5 + [403]
        assert tries(edge, PASSWORD, source=OFFICE) == 200

    def test_is_a_network_of_a_customer_where_it_is_ipv6(self, edge: Product) -> None:
        sources = [Address(f"2001:db8:0:1::{index:x}") for index in range(1, 7)]
        assert [guess(edge, 1, source=source)[0] for source in sources] == [401] * 5 + [403]
        assert edge.htable.tables[bans.BANNED] == {"2001:db8:0:1::": 1}
        assert guess(edge, 1, source=Address("2001:db8:0:2::1")) == [401]

    def test_is_checked_under_a_lock_or_workers_would_add_tries(
            self, edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
        held = []
        check = Auth.pv_auth_check

        def seen(auth: Auth, realm: str, password: str, flags: int, checks: int) -> int:
            held.append(edge.htable.locked.get((LOCKS, HOME.ip), 0))
            return check(auth, realm, password, flags, checks)

        monkeypatch.setattr(Auth, "pv_auth_check", seen)
        guess(edge, 2)
        assert (held, edge.htable.locked[LOCKS, HOME.ip]) == ([1, 1], 0)

    def test_cannot_have_another_address_banned(self, edge: Product) -> None:
        for _ in range(9):
            asked = challenge(edge, source=OFFICE)
            edge.receive(register("desk", HOME).with_credentials(asked, "desk", WRONG))
        assert edge.htable.tables[credentials.GUESSES] == {}
        assert tries(edge, PASSWORD) == 200


class TestAnAccountThatManyGuess:
    @pytest.fixture
    def guessed(self, edge: Product) -> Product:
        for last in range(60, 64):
            guess(edge, 5, source=Address(f"127.0.0.{last}"))
        return edge

    def test_gives_each_new_source_one_try_and_the_phone_gets_in(self, guessed: Product) -> None:
        assert len(logged(guessed, "guessed")) == 1
        assert tries(guessed, PASSWORD) == 200
        assert guess(guessed, 3, source=OFFICE) == [401, 403, 403]
        assert guess(guessed, 2, "hall", Address("127.0.0.70")) == [401, 401]

    def test_is_no_sign_that_there_is_such_a_line(self, guessed: Product) -> None:
        for last in range(80, 84):
            guess(guessed, 5, "nobody", Address(f"127.0.0.{last}"))
        assert guess(guessed, 3, "nobody", OFFICE) == [401, 403, 403]
        assert len(logged(guessed, "guessed")) == 2


@pytest.mark.parametrize("user", ["nobody", "42073723123", "not a name", "x" * 200])
def test_an_unknown_line_is_answered_as_a_wrong_password_is(edge: Product, user: str) -> None:
    def answers(user: str, source: Address) -> list[tuple[int, str, list[str]]]:
        before = len(edge.replies)
        guess(edge, 7, user, source)
        return [(one.code, one.reason, [header.name for header in one.headers])
                for one in edge.replies[before:]]

    assert answers(user, OFFICE) == answers("desk", HOME)


def test_the_password_of_nobody_is_not_zeros(edge: Product, monkeypatch: pytest.MonkeyPatch,
                                             ) -> None:
    monkeypatch.setattr("tests.support.sip_message.ha1", lambda *_: "0" * 32)
    assert tries(edge, WRONG, "nobody") == 401
    assert edge.htable.tables[credentials.GUESSES] == {HOME.ip: 1}


@pytest.mark.parametrize("user", ["desk@pstn", "42073723123@pstn"])
def test_what_is_written_as_an_alias_is_no_line(edge: Product, user: str) -> None:
    edge.records.lines["42073723123"] = line("42073723123")
    assert tries(edge, PASSWORD, user) == 401
    assert edge.location == {}


def test_another_request_with_the_same_nonce_is_asked_again_as_stale(edge: Product) -> None:
    answer = register("desk", HOME).with_credentials(challenge(edge), "desk", PASSWORD)
    edge.receive(answer)
    edge.receive(answer.again())
    assert edge.codes == [401, 200, 401]
    assert "stale=true" in (edge.replies[-1].headers.get("WWW-Authenticate") or "")
    assert edge.htable.tables[credentials.GUESSES] == {}


def test_a_retransmission_does_not_use_the_nonce_twice(edge: Product) -> None:
    answer = register("desk", HOME).with_credentials(challenge(edge), "desk", PASSWORD)
    edge.receive(answer)
    edge.receive(answer)
    assert set(edge.codes[1:]) == {200}


def test_nor_does_one_that_another_worker_took_at_the_same_time(
        edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = register("desk", HOME).with_credentials(challenge(edge), "desk", PASSWORD)
    edge.receive(answer)
    with monkeypatch.context() as patch:
        patch.setattr(Tm, "t_check_trans", lambda _: -1)  # looked before there was one
        edge.receive(answer)
        edge.receive(replace(answer, branch="another"))
    assert edge.codes[1:] == [200, 200, 401]
    assert [one.request for one in edge.transactions] == [answer]


class TestAStranger:
    """Who does not prove to be a line has no transaction: nothing of his message is kept."""

    @pytest.fixture(params=["REGISTER", "INVITE"])
    def asking(self, request: pytest.FixtureRequest) -> Request:
        return replace(register("desk", HOME), method=request.param)

    @staticmethod
    def heard(edge: Product, request: Request) -> int:
        edge.receive(request)
        return edge.codes[-1]

    def answer(self, edge: Product, asking: Request, user: str, password: str) -> Request:
        """The request with the answer to the challenge that it hears."""
        self.heard(edge, asking.again())
        headers = edge.replies[-1].headers
        asked = headers.get("WWW-Authenticate") or headers.get("Proxy-Authenticate") or ""
        return asking.with_credentials(asked, user, password)

    @pytest.mark.parametrize("user", ["desk", "nobody"])
    def test_is_answered_without_a_transaction(self, edge: Product, asking: Request, user: str,
                                               ) -> None:
        invented = asking.with_credentials(f'Digest realm="{DOMAIN}", nonce="abc"', user, WRONG)
        elsewhere = replace(self.answer(edge, asking, user, PASSWORD), source=OFFICE)
        guesses = [self.answer(edge, asking, user, WRONG) for _ in range(credentials.TRIES)]
        used = guesses[0].again()
        tried = [self.heard(edge, one) for one in (invented, elsewhere, *guesses[:2], used)]
        assert set(tried) == {401 if asking.method == "REGISTER" else 407}
        assert [self.heard(edge, one) for one in (*guesses[2:], used)][-1] == 403
        assert edge.transactions == []

    def test_has_one_where_he_proves_to_be_none(self, edge: Product, asking: Request) -> None:
        let_in = self.answer(edge, asking, "desk", PASSWORD)
        self.heard(edge, let_in)
        assert [one.request for one in edge.transactions] == [let_in]


class TestALineThatCannotBeRead:
    def broken(self, edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
        def line(_name: str) -> LineRecord | None:
            raise BrokenRecord("fm:1:line:{desk}: 1 bytes")

        monkeypatch.setattr(edge.records, "line", line)

    def no_sha_256(self, _edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
        chosen = replace(product_edge.SETTINGS, digest=Digest.SHA_256)
        monkeypatch.setattr(product_edge, "SETTINGS", chosen)

    @pytest.mark.parametrize(("break_it", "why"), [
        (broken, "fm:1:line:{desk}: 1 bytes"),
        (no_sha_256, "line desk: no ha1 by SHA-256; apply its file again")])
    def test_is_named_in_the_log_and_its_phones_are_not_banned(
            self, edge: Product, monkeypatch: pytest.MonkeyPatch, break_it: Any, why: str) -> None:
        break_it(self, edge, monkeypatch)
        assert [tries(edge, PASSWORD) for _ in range(7)] == [401] * 7
        assert {text.partition("why=")[2].strip() for text in logged(edge, "broken")} == {repr(why)}


class TestALineThatDoesNotSayWhoItIs:
    @staticmethod
    def invite(edge: Product, sender: str, user: str, password: str = PASSWORD) -> int:
        """The final code of a call with these credentials, to nobody's number."""
        request = Request(uri=f"sip:42027777199@{DOMAIN}", caller=f"<sip:{sender}>;tag=a",
                          source=HOME, headers=(("Contact", f"<sip:desk@{HOME.ip}>"),))
        edge.receive(request)
        asked = edge.replies[-1].headers.get("Proxy-Authenticate") or ""
        if asked:
            edge.receive(replace(request, branch="second").with_credentials(asked, user, password))
        return edge.codes[-1]

    @pytest.mark.parametrize(("sender", "code"), [
        ("anonymous@anonymous.invalid", 404), (f"anonymous@{DOMAIN}", 404), (f"desk@{DOMAIN}", 404),
        (f"hall@{DOMAIN}", 403), ("42075553333@trunk.example", 403)])
    def test_is_let_in_by_its_password(self, edge: Product, sender: str, code: int) -> None:
        assert self.invite(edge, sender, "desk") == code

    @pytest.mark.parametrize(("user", "password"), [("desk", WRONG), ("nobody", PASSWORD)])
    def test_is_let_in_by_nothing_else(self, edge: Product, user: str, password: str) -> None:
        assert self.invite(edge, "anonymous@anonymous.invalid", user, password) == 407

    def test_registers_under_its_name_only(self, edge: Product) -> None:
        asked = challenge(edge, "anonymous")
        edge.receive(register("anonymous", HOME).with_credentials(asked, "desk", PASSWORD))
        assert edge.codes[-1] == 403
