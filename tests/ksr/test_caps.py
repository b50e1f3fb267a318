# SPDX-License-Identifier: GPL-2.0-or-later
"""Caps on forwarded calls, as calls see them."""

from dataclasses import replace

import pytest

from kemi_routing.ksr.caps import ELSEWHERE, elsewhere_key
from kemi_routing.ksr.workers import ALARMED, LOCKS
from kemi_routing.model import Mode
from tests.ksr.edge import Product
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Request

CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")


def product(*steps: tuple[str, ...], mode: Mode = Mode.FORWARD_ONLY, **caps: int) -> Product:
    """Jana's number with caps; a sequence of these steps."""
    written = sequence("all", *(step(*texts) for texts in steps or ((OFFICE,),)))
    return Product(number(mode=mode, default="all", sequences=(written,), **caps))


def call(edge: Product) -> Request:
    return edge.call(PERSONAL, "42075553333", CONTACT)


def tables(edge: Product) -> dict[str, dict[str, int]]:
    return edge.htable.tables


class TestCallsAtOnce:
    def test_beyond_the_cap_are_not_forwarded(self) -> None:
        edge = product(max_calls=2)
        for _ in range(3):
            call(edge)
        assert (len(edge.uris), edge.codes) == (2, [480])

    def test_leave_room_when_one_is_refused_or_over(self) -> None:
        edge = product(max_calls=1)
        call(edge)
        edge.answer(OFFICE, 486)
        over = call(edge)
        edge.answer(OFFICE, 200)
        call(edge)
        assert edge.codes == [486, 200, 480]
        edge.receive(Request(
            method="BYE", uri=edge.forwarded[-1].uri, call_id=over.call_id, caller=over.caller,
            callee="<sip:a@b>;tag=t",
            headers=(("Route", edge.forwarded[-1].headers.get("Record-Route") or ""),)))
        call(edge)
        assert len(edge.uris) == 3

    def test_leave_room_when_the_caller_hangs_up(self) -> None:
        edge = product(max_calls=1)
        invite = call(edge)
        edge.answer(OFFICE, 180)
        edge.receive(invite.cancel())
        edge.answer(OFFICE, 487)
        call(edge)
        assert len(edge.uris) == 2

    def test_let_lines_and_voicemail_ring(self) -> None:
        edge = product(("line jana-desk", OFFICE), mode=Mode.FORWARD_THEN_VOICEMAIL, max_calls=1)
        edge.register("jana-desk", "sip:desk@127.0.0.51")
        call(edge)
        call(edge)
        assert [uri.partition("@")[0] for uri in edge.uris] == ["sip:49115234567", "sip:desk",
                                                                "sip:desk"]
        edge.answer("desk", 480)
        assert edge.uris[-1].startswith("sip:voicemail@")

    def test_are_looked_at_in_the_step_in_which_they_leave(self) -> None:
        edge = product(("line jana-desk",), (OFFICE,), max_calls=1)
        edge.register("jana-desk", "sip:desk@127.0.0.51")
        call(edge)
        call(edge)
        for _ in range(2):
            edge.answer("desk", 480)
        assert (len(edge.uris), edge.codes) == (3, [480])

    def test_count_once_whatever_a_call_rings(self) -> None:
        edge = product((OFFICE, MOBILE), (OFFICE,), max_calls=1)
        call(edge)
        edge.answer(OFFICE, 480)
        edge.answer(MOBILE, 480)
        assert len(edge.uris) == 3

    def test_one_more_with_the_same_call_id_is_not_forwarded(self) -> None:
        edge = product(("line jana-desk",), (OFFICE,), max_calls=5)
        edge.register("jana-desk", "sip:desk@127.0.0.51")
        first = call(edge)
        edge.receive(replace(first, branch="z9hG4bK-second", cseq=2))
        for _ in range(2):
            edge.answer("desk", 480)
        assert [uri for uri in edge.uris if OFFICE in uri] == [f"sip:{OFFICE}@127.0.0.40:5060"]

    def test_are_not_counted_in_the_call_of_another_that_may_end_first(self) -> None:
        edge = product(("line jana-desk",), (OFFICE,), max_calls=5)
        edge.register("jana-desk", "sip:desk@127.0.0.51")
        first = call(edge)
        tracked = edge.branch("desk")
        edge.receive(replace(first, branch="z9hG4bK-second", cseq=2))
        edge.answer("desk", 480)
        assert edge.codes == [480]
        edge.answer(tracked, 480)
        assert [uri for uri in edge.uris if OFFICE in uri] == [f"sip:{OFFICE}@127.0.0.40:5060"]

    def test_of_other_proxies_count_too(self) -> None:
        edge = product(max_calls=2)
        tables(edge)[ELSEWHERE][elsewhere_key("now", PERSONAL)] = 1
        call(edge)
        call(edge)
        assert (len(edge.uris), edge.codes) == (1, [480])

    def test_without_a_cap_are_not_tracked(self) -> None:
        edge = product()
        call(edge)
        assert "did=" not in (edge.forwarded[0].headers.get("Record-Route") or "")

    def test_that_cannot_be_tracked_are_not_forwarded(self) -> None:
        edge = product(max_calls=2)
        edge.call(PERSONAL)
        assert (edge.codes, edge.uris) == ([480], [])
        assert "an INVITE without Contact" in edge.log[-2][1]


class TestCallsWithinAnHour:
    def test_beyond_the_cap_are_not_forwarded(self) -> None:
        edge = product(max_calls_per_hour=3)
        for _ in range(5):
            call(edge)
            if len(edge.codes) < 3:
                edge.answer(OFFICE, 486)
        assert (len(edge.uris), edge.codes) == (3, [486, 486, 486, 480, 480])

    def test_leave_room_when_the_oldest_is_an_hour_ago(self) -> None:
        edge = product(max_calls_per_hour=2)
        for _ in range(3):
            call(edge)
        del tables(edge)["begun"][f"{PERSONAL}:1"]  # Kamailio does after an hour
        call(edge)
        call(edge)
        assert (len(edge.uris), edge.codes) == (3, [480, 480])

    @pytest.mark.parametrize(("elsewhere", "forwarded"), [(1, 2), (2, 1), (3, 0), (9, 0)])
    def test_of_other_proxies_count_too(self, elsewhere: int, forwarded: int) -> None:
        edge = product(max_calls_per_hour=3)
        tables(edge)[ELSEWHERE][elsewhere_key("hour", PERSONAL)] = elsewhere
        for _ in range(4):
            call(edge)
        assert len(edge.uris) == forwarded


class TestAReachedCap:
    def test_is_in_the_log_of_each_call_and_reported_once_a_minute(self) -> None:
        edge = product(max_calls=1)
        for _ in range(3):
            call(edge)
        said = [(level, text.split()[0]) for level, text in edge.log if "cap" in text.split()[0]]
        assert said == [("info", "cap"), ("err", "capped"), ("info", "cap")]
        assert f"number={PERSONAL} calls=1 max_calls=1" in edge.log[-2][1]
        del tables(edge)[ALARMED][f"capped:{PERSONAL}"]  # Kamailio does after a minute
        call(edge)
        assert [text.split()[0] for level, text in edge.log if level == "err"] == ["capped"] * 2

    def test_names_the_cap_of_the_hour(self) -> None:
        edge = product(max_calls_per_hour=1)
        call(edge)
        call(edge)
        assert f"number={PERSONAL} max_calls_per_hour=1" in edge.log[-2][1]

    def test_leaves_no_lock_behind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        edge = product(max_calls=1)
        call(edge)
        monkeypatch.setattr("kemi_routing.ksr.caps.Caps._reached", lambda *_: 1 / 0)
        call(edge)
        assert edge.codes == [500]
        assert set(edge.htable.locked.values()) == {0}
        assert (LOCKS, PERSONAL) in edge.htable.locked

    def test_leaves_no_lock_behind_where_a_call_cannot_be_tracked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        edge = product(max_calls=1)
        monkeypatch.setattr("tests.support.fake_dialog.Dialog.dlg_manage", lambda _: 1 / 0)
        invite = call(edge)
        assert edge.codes == [500]
        assert edge.htable.locked == {(LOCKS, invite.call_id): 0}


def test_the_owner_of_the_forwarding_is_counted() -> None:
    """Handed over, the call counts for the number that forwards it."""
    edge = product(("number 49226666666",), max_calls=5)
    written = sequence("all", step(OFFICE))
    edge.records.held["49226666666"] = number(
        number="49226666666", owner="acme/petr", mode=Mode.FORWARD_ONLY, default="all",
        sequences=(written,), max_calls=1)
    call(edge)
    call(edge)
    assert (len(edge.uris), edge.codes) == (1, [480])
    assert "number=49226666666 calls=1" in edge.log[-3][1]
