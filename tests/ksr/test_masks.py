# SPDX-License-Identifier: GPL-2.0-or-later
"""What each side of a call sees of the caller, as tokens that only we can read."""

import re

import pytest

from kemi_routing.ksr import parties
from kemi_routing.model import Mode
from tests.ksr.edge import DOMAIN, TRUNK, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.fake_state import Forwarded
from tests.support.sip_message import Address, Request

CALLER, CALLERS = "42075553333", "sip:42075553333@x"
DESK, GATEWAY = Address("127.0.0.51", 5060), Address("127.0.0.40", 5060)
AT_DESK, AT_CALLER = "sip:desk@127.0.0.51:5060", f"sip:{CALLER}@127.0.0.20:5060"
ANONYMOUS = "<sip:anonymous@anonymous.invalid>;tag=a"
PRIVACY = ("Privacy", "id")
TELLING = (("P-Asserted-Identity", f"<{CALLERS}>"), ("Subject", "Eve calls"))
_HIDDEN = re.compile(r"<(sip:)private-[\w-]+@(.*)>")


class Talk(Product):
    """A call of the trunk that the desk has answered."""

    def __init__(self, *headers: tuple[str, str], contact: str = f"<{AT_CALLER}>",
                 to: str = "line jana-desk") -> None:
        super().__init__(number(mode=Mode.FORWARD_ONLY, default="all",
                                sequences=(sequence("all", step(to)),)))
        self.register("jana-desk", AT_DESK)
        self.phone = GATEWAY if to == OFFICE else DESK
        who = f'"Eve" <{CALLERS}>;tag=a'
        self.request = Request(uri=f"sip:{PERSONAL}@127.0.0.1", caller=who, source=TRUNK,
                               headers=(*TELLING, *headers, ("Contact", contact)))
        self.receive(self.request)
        self.invite, = self.forwarded
        self.callee = self.invite.uri
        self.target = (self.invite.headers.get("Contact") or "").strip("<>")
        self.answers("INVITE", ("Contact", f"<{self.callee}>"))

    def restart(self) -> None:
        """A moment after the call began."""
        self.htable.tables[parties.PARTIES].clear()
        self.start = "0000000b"

    def answers(self, method: str, *headers: tuple[str, str]) -> None:
        """The side that was asked last answers."""
        asked = next(one for one in reversed(self.forwarded) if one.method == method)
        to = asked.headers.get("To") or ""
        dialog = [("From", asked.headers.get("From") or ""),
                  ("To", to if "tag=" in to else f"{to};tag=t")]
        transaction = next(one for one in reversed(self.transactions)
                           if one.request.method == method)
        self.answer(transaction.branches[-1], 200, headers=[*dialog, *headers])

    def asks(self, method: str, *headers: tuple[str, str], by_callee: bool = False,
             uri: str = "") -> Forwarded:
        """A side asks within the call; the request as it leaves."""
        here, there = f"<{CALLERS}>;tag=a", f"<sip:{PERSONAL}@x>;tag=t"
        if by_callee:
            here, there = there, self.invite.headers.get("From") or ""
        route = ("Route", self.invite.headers.get("Record-Route") or "")
        self.receive(Request(
            method=method, uri=uri or (self.target if by_callee else self.callee),
            call_id=self.request.call_id, source=self.phone if by_callee else TRUNK, caller=here,
            callee=there, headers=(route, *headers)))
        return self.forwarded[-1]

    @property
    def heard(self) -> tuple[str | None, str | None]:
        """From and To of the last answer."""
        headers = self.replies[-1].headers
        return headers.get("From"), headers.get("To")


def test_an_answer_has_the_from_that_the_caller_wrote() -> None:
    assert Talk(PRIVACY).heard[0] == f'"Eve" <{CALLERS}>;tag=a'


def test_a_display_name_that_is_no_text_is_left_out_of_the_answer() -> None:
    edge = Product(number(mode=Mode.FORWARD_ONLY, default="all",
                          sequences=(sequence("all", step(OFFICE)),)))
    edge.receive(Request(uri=f"sip:{PERSONAL}@127.0.0.1", source=TRUNK,
                         caller=f'"\udcff" <{CALLERS}>;tag=a'))
    shown = edge.forwarded[0].headers.get("From") or ""
    edge.answer(OFFICE, 180, headers=[("From", shown)])
    assert edge.replies[-1].headers.get("From") == f"<{CALLERS}>;tag=a"


def test_requests_and_answers_both_ways_have_the_dialog_of_who_hears_them() -> None:
    edge = Talk(PRIVACY)
    asked = edge.asks("INFO", *TELLING)
    assert asked.headers.get("From") == ANONYMOUS
    assert [asked.headers.get(name) for name, _ in TELLING] == [None, None]
    edge.answers("INFO")
    assert edge.heard == (f"<{CALLERS}>;tag=a", f"<sip:{PERSONAL}@x>;tag=t")

    asked = edge.asks("OPTIONS", by_callee=True)
    assert (asked.uri, asked.headers.get("To")) == (AT_CALLER, f"<{CALLERS}>;tag=a")
    edge.answers("OPTIONS", *TELLING, ("Contact", f"<{AT_CALLER}>"))
    assert edge.heard == (f"<sip:{PERSONAL}@x>;tag=t", ANONYMOUS)
    answer = edge.replies[-1].headers
    assert [answer.get(name) for name, _ in TELLING] == [None, None]
    assert _HIDDEN.fullmatch(answer.get("Contact") or "")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_who_moves_within_the_call_stays_hidden(method: str) -> None:
    edge = Talk(PRIVACY)
    moved = "sip:42075553333@127.0.0.20:5070"
    asked = edge.asks(method, ("Contact", f"<{moved}>"))
    edge.answers(method, ("Contact", f"<{AT_DESK}>"))
    found = _HIDDEN.fullmatch(asked.headers.get("Contact") or "")
    assert found is not None
    assert found[2] == "127.0.0.20:5070"
    edge.target = found[0].strip("<>")
    assert edge.asks("INFO", by_callee=True).uri == moved


@pytest.mark.parametrize(("written", "left"), [
    (f"<{AT_CALLER}>", AT_CALLER), ("<sip:127.0.0.20:5060>", "sip:127.0.0.20:5060"),
    (f'"Eve" <{AT_CALLER};transport=udp>;+sip.instance="<urn:x>"', f"{AT_CALLER};transport=udp")])
def test_the_contact_tells_where_and_not_who(written: str, left: str) -> None:
    edge = Talk(PRIVACY, contact=written)
    assert edge.target.partition("@")[2] == left.rpartition("@")[2].removeprefix("sip:")
    assert edge.asks("BYE", by_callee=True).uri == left


def test_a_contact_that_is_not_understood_stays() -> None:
    assert Talk(PRIVACY, contact="<tel:+42075553333>").target == "tel:+42075553333"


@pytest.mark.parametrize("change", [
    ("@127.0.0.20:5060", "@127.0.0.66:5060"), ("@127.0.0.20:5060", "@127.0.0.20:5061"),
    ("private-", "private-A"), ("5060", "5060;maddr=127.0.0.66"),
    ("5060", "5060;alias=127.0.0.66~9~1")])
@pytest.mark.parametrize("forgotten", [False, True])
def test_a_contact_is_read_at_its_place_only(change: tuple[str, str], *, forgotten: bool) -> None:
    edge = Talk(PRIVACY)
    if forgotten:
        edge.restart()
    elsewhere = edge.target.replace(*change)
    sent = edge.asks("INFO", by_callee=True, uri=elsewhere)
    told = [f"{one.uri} {one.headers.get('To')}" for one in edge.forwarded[1:]]
    assert not any(CALLER in text for text in told)
    believed = forgotten and f"@{TRUNK.ip}:" not in elsewhere
    assert sent.method == ("INFO" if believed else "INVITE")


def test_a_proxy_that_nobody_knows_any_more_does_not_learn_it() -> None:
    edge = Talk(PRIVACY)
    edge.restart()
    sent = edge.asks("INFO", ("Route", "<sip:127.0.0.66:9;lr>"), by_callee=True)
    assert (sent.uri, sent.headers.get("To")) == (edge.target, ANONYMOUS)


@pytest.mark.parametrize(("headers", "passes"), [((), True), ((PRIVACY,), False)])
def test_an_answer_to_nothing_passes_where_who_calls_is_no_secret(
        headers: tuple[tuple[str, str], ...], *, passes: bool) -> None:
    edge = Talk(*headers)
    route = ("Record-Route", edge.invite.headers.get("Record-Route") or "")
    passed = edge.stray(edge.request.call_id, route, caller=edge.request.caller)
    assert (passed is not None) is passes


def test_another_call_cannot_use_what_was_hidden() -> None:
    edge, other = Talk(PRIVACY), Talk(PRIVACY)
    other.restart()
    assert other.asks("INFO", by_callee=True, uri=edge.target).method == "INVITE"


def test_who_asks_for_no_privacy_is_shown_with_his_contact() -> None:
    edge = Talk(to=OFFICE)
    assert edge.invite.headers.get("From") == f"<sip:{PERSONAL}@{DOMAIN}>;tag=a"
    assert edge.target == AT_CALLER
    asked = edge.asks("INFO", *TELLING)
    assert asked.headers.get("From") == f"<sip:{PERSONAL}@{DOMAIN}>;tag=a"
    assert asked.headers.get("Subject") == "Eve calls"
    assert edge.asks("BYE", by_callee=True).headers.get("To") == f"<{CALLERS}>;tag=a"


def test_a_from_that_is_as_it_came_costs_nothing() -> None:
    edge = Talk()
    assert ";fs=" not in (edge.invite.headers.get("Record-Route") or "")
    assert edge.heard[0] == f'"Eve" <{CALLERS}>;tag=a'
    assert edge.asks("INFO").headers.get("From") == f"<{CALLERS}>;tag=a"


@pytest.mark.parametrize(
    "failing", ["fake_routes.Rr.add_rr_param", "fake_message.Uac.uac_replace_from"])
def test_a_branch_that_would_tell_the_caller_is_not_sent(
        monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    edge = Product(number(mode=Mode.FORWARD_ONLY, default="all",
                          sequences=(sequence("all", step(OFFICE)),)))
    monkeypatch.setattr(f"tests.support.{failing}",
                        lambda _, first, *__: -1 if ";fb=" not in first else 1)
    edge.call(PERSONAL, CALLER, PRIVACY)
    assert edge.forwarded == []
    assert edge.codes == [480]


@pytest.mark.parametrize(("method", "by_callee", "failing"), [
    ("INFO", False, "uac_replace_from"), ("INFO", True, "uac_replace_to_uri")])
def test_a_request_that_would_tell_the_caller_is_not_sent(
        monkeypatch: pytest.MonkeyPatch, method: str, failing: str, *, by_callee: bool) -> None:
    edge = Talk(PRIVACY)
    monkeypatch.setattr(f"tests.support.fake_message.Uac.{failing}", lambda *_: -1)
    edge.asks(method, by_callee=by_callee)
    assert [one.method for one in edge.forwarded] == ["INVITE"]
    assert edge.codes == [200, 500]
