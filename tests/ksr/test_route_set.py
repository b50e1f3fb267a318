# SPDX-License-Identifier: GPL-2.0-or-later
"""Our Record-Route in what the caller hears, whatever who is called repeats of it."""

import re

import pytest

from kemi_routing.model import Mode
from tests.ksr.edge import PROXY, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.fake_routes import Rr
from tests.support.sip_message import Address, Request

CALLERS, CALLEES = "<sip:192.0.2.9;lr>", "<sip:192.0.2.10;lr>"
CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")
AT_CALLER, AT_OFFICE = "sip:caller@127.0.0.20:5060", f"sip:{OFFICE}@127.0.0.40:5060"
GATEWAY = Address("127.0.0.40", 5060)


class Ringing(Product):
    """A private call by a proxy of the caller's rings in the office."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        super().__init__(number(mode=Mode.FORWARD_ONLY, default="all",
                                sequences=(sequence("all", step(OFFICE)),)))
        self.invite = self.call(PERSONAL, "42075553333", ("Record-Route", CALLERS), CONTACT,
                                *headers)
        self.ours = self.forwarded[0].headers.all("Record-Route")[0]

    def hears(self, *rows: str | bytes, code: int = 200, to: str = "<sip:a@b>;tag=t") -> list[str]:
        """The Record-Route that the caller hears where the office writes this one."""
        self.answer(OFFICE, code, headers=[
            ("To", to), ("Contact", f"<{AT_OFFICE}>"), *(("Record-Route", row) for row in rows)])
        return self.replies[-1].headers.all("Record-Route")


def test_what_is_repeated_stays_as_it_is() -> None:
    edge = Ringing()
    assert edge.hears(CALLEES, edge.ours, CALLERS) == [CALLEES, edge.ours, CALLERS]


def test_both_our_sockets_stay() -> None:
    edge = Ringing()
    twice = edge.ours.replace(";lr=on", ";r2=on;lr=on")
    assert edge.hears(CALLEES, twice, twice, CALLERS) == [CALLEES, twice, twice, CALLERS]


@pytest.mark.parametrize("rows", [
    "{callees}|{other}|{callers}", "{callees}, {ours}, {callers}", "{callees}|{ours}",
    "{callees}|{ours}|<sip:192.0.2.66;lr>|{callers}", "{callees}|{callers}", "{callees}",
    "{callees}|{other}|{ours}|<sip:192.0.2.66;lr>"])
@pytest.mark.parametrize("code", [183, 200])
def test_what_is_not_is_written_again(rows: str, code: int) -> None:
    edge = Ringing()
    other = re.sub(";fm=[^>]*", "", edge.ours)
    texts = rows.format(callees=CALLEES, ours=edge.ours, callers=CALLERS, other=other).split("|")
    assert edge.hears(*texts, code=code) == [CALLEES, edge.ours, CALLERS]


def test_of_thousands_the_first_ones_stay() -> None:
    edge = Ringing()
    others = [f"<sip:192.0.2.{last};lr>" for last in range(100, 130)]
    assert edge.hears(", ".join(others)) == [*others[:20], edge.ours, CALLERS]


def test_where_nothing_is_repeated_nothing_is_lost() -> None:
    edge = Ringing()
    assert edge.hears(b"\xff") == [edge.ours, CALLERS]


def test_an_answer_that_makes_no_dialog_gets_none() -> None:
    assert Ringing().hears(code=180, to="<sip:a@b>") == []


def test_where_the_branch_cannot_have_it_nobody_is_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    add = Rr.add_rr_param
    monkeypatch.setattr(Rr, "add_rr_param",
                        lambda rr, param: -1 if ";fm=" in param else add(rr, param))
    edge = Product(number(mode=Mode.FORWARD_ONLY, default="all",
                          sequences=(sequence("all", step(OFFICE)),)))
    edge.call(PERSONAL)
    assert (edge.forwarded, edge.codes) == ([], [480])


class TestARequestWithinTheCall:
    def ask(self, edge: Ringing, route: str, *, tags: tuple[str, str] = ("t", "a"),
            uri: str = AT_CALLER) -> list[int]:
        """The codes with which it is refused."""
        edge.hears(edge.ours, CALLERS)
        before = len(edge.codes)
        here, there = (f"<sip:a@b>;tag={tag}" for tag in tags)
        edge.receive(Request(
            "INFO", uri, call_id=edge.invite.call_id, caller=here, callee=there, source=GATEWAY,
            headers=(("Route", route), ("Route", CALLERS)), received=PROXY))
        return edge.codes[before:]

    def test_passes_with_the_route_that_it_was_given(self) -> None:
        edge = Ringing()
        assert self.ask(edge, edge.ours) == []

    @pytest.mark.parametrize(("change", "by"), [
        (";fs=[^>]*", ""), (";fs=", ";fs=AAAA;fs="), (";fm=o", ";fm=n"), (";fm=o", ";fm=h"),
        (";fm=o[^;]*", ""), (";fm=o", ";fm=o0")])
    def test_does_not_with_another_one(self, change: str, by: str) -> None:
        edge = Ringing()
        assert self.ask(edge, re.sub(change, by, edge.ours)) == [404]

    @pytest.mark.parametrize("tags", [("t", "x"), ("x", "t")])
    def test_does_not_where_nobody_is_the_caller(self, tags: tuple[str, str]) -> None:
        edge = Ringing()
        assert self.ask(edge, edge.ours, tags=tags) == [404]

    def test_does_not_where_a_caller_would_ask_for_himself(self) -> None:
        edge = Ringing(("Privacy", "id"))
        shown = edge.forwarded[0].headers.get("Contact") or ""
        assert self.ask(edge, edge.ours, tags=("a", "a"), uri=shown.strip("<>")) == [404]
        assert edge.log[-1][1].endswith(
            f"why='what hides the caller is gone' source={GATEWAY.ip}\n")
