# SPDX-License-Identifier: GPL-2.0-or-later
"""Start delays on tm: second passes that wait, and who wakes them (SPEC F3)."""

import time
from dataclasses import replace

import pytest

from kemi_routing.ksr.waiting import WAITS
from kemi_routing.model import Line, Mode, Number, Step
from tests.ksr.edge import PROXY, SPIRAL, Product
from tests.support.builders import DESK, PERSONAL, SOFT, number, sequence, step
from tests.support.fake_state import Branch, Transaction
from tests.support.fake_suspend import Tmx
from tests.support.sip_message import Request

GATEWAY = "127.0.0.40:5060"
OFFICE, MOBILE, THIRD = "49115234567", "49226666666", "49337777777"


def delayed(text: str, delay_s: int, ring_s: int = 20) -> Step:
    return tuple(replace(one, delay_s=delay_s) for one in step(text, ring_s=ring_s))


def numbered(*steps: Step) -> Number:
    return number(sequences=(sequence("all", *steps),), default="all", lines=(DESK, SOFT),
                  mode=Mode.FORWARD_ONLY)


class Delays(Product):
    """A call to targets that ring together; their second passes have begun."""

    def __init__(self, *together: Step, then: Step = (), heard: bool = True) -> None:
        steps = (tuple(one for part in together for one in part), *([then] if then else []))
        super().__init__(numbered(*steps))
        self.request = self.call(PERSONAL)
        self.outer = self.transaction
        self.inner: list[Transaction] = []
        for branch in [*self.outer.branches]:
            self.inner.append(self.second_pass(branch))
        for branch in [*self.outer.branches] if heard else []:
            self.hear(branch.index)

    def second_pass(self, branch: Branch) -> Transaction:
        assert branch.uri.endswith(f"@127.0.0.1:{SPIRAL.port}")
        self.receive(Request(uri=branch.uri, source=PROXY, received=SPIRAL))
        return self.transaction

    def hear(self, index: int) -> None:
        """The 100 of a second pass reaches the first pass."""
        inner, outer = self.inner[index], self.outer.branches[index]
        waits = next((one.headers.get(WAITS) for one in self.replies
                      if one.request is inner.request), None)
        self.answer(outer, 100, headers=[(WAITS, waits)] if waits else [])

    def ends(self, index: int, code: int = 486) -> None:
        """A second pass tells the first one how it ended."""
        self.answer(self.outer.branches[index], code)

    @property
    def rung(self) -> list[str]:
        """The numbers that ring or rang, in order."""
        return [uri[4:].partition("@")[0] for uri in self.uris if uri.endswith(GATEWAY)]


def test_a_delayed_target_rings_when_its_delay_is_over() -> None:
    product = Delays(step(OFFICE, ring_s=10), delayed(MOBILE, 5, ring_s=10))
    waiting = product.inner[1].branches[0]
    assert waiting.timers.no_reply_ms == 5000
    assert product.rung == [OFFICE]
    product.time_out(waiting)
    mobile = product.branch(MOBILE)
    assert product.rung == [OFFICE, MOBILE]
    assert (mobile.timers.ring_ms, mobile.timers.lifetime_ms) == (10_000, 10_000)
    assert mobile.sent.send_socket == "udp:127.0.0.1:5060"


def test_the_step_lasts_until_the_last_of_it_has_rung_out() -> None:
    product = Delays(step(OFFICE, ring_s=20), delayed(MOBILE, 15, ring_s=10))
    assert {branch.timers.lifetime_ms for branch in product.outer.branches} == {25_000}


def test_it_rings_at_once_when_nothing_else_rings_any_more() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 50))
    product.ends(0)
    assert product.rung == [OFFICE, MOBILE]
    product.answer(MOBILE, 200)
    assert product.codes == [200]


def test_it_rings_at_once_even_when_its_second_pass_is_heard_last() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 50), heard=False)
    product.ends(0)
    assert product.rung == [OFFICE]
    product.hear(1)
    assert product.rung == [OFFICE, MOBILE]


def test_where_all_are_delayed_the_earliest_rings_at_once() -> None:
    product = Delays(delayed(OFFICE, 20), delayed(MOBILE, 10))
    assert product.rung == [MOBILE]


def test_a_line_without_phones_does_not_make_the_others_wait() -> None:
    product = Product(numbered((*step("line jana-desk", ring_s=25), *delayed(MOBILE, 5))))
    product.call(PERSONAL)
    (outer,) = product.transaction.branches
    product.receive(Request(uri=outer.uri, source=PROXY, received=SPIRAL))
    product.answer(outer, 100, headers=[(WAITS, product.replies[-1].headers.get(WAITS) or "")])
    assert product.uris[-1] == f"sip:{MOBILE}@{GATEWAY}"


def test_they_ring_one_after_another_while_each_is_busy() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 50), delayed(THIRD, 30), then=step(OFFICE))
    for index in (0, 2, 1):
        product.ends(index)
    assert product.rung == [OFFICE, THIRD, MOBILE, OFFICE]
    assert product.codes == []


def test_one_that_starts_by_itself_in_a_moment_is_left_alone(
        monkeypatch: pytest.MonkeyPatch) -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 5))
    almost = time.monotonic_ns() + 4_900_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: almost)
    product.ends(0)
    assert product.rung == [OFFICE]
    product.time_out(product.inner[1].branches[0])
    assert product.rung == [OFFICE, MOBILE]


def test_one_that_rings_already_is_not_woken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 5))
    product.time_out(product.inner[1].branches[0])
    later = time.monotonic_ns() + 6_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: later)
    product.ends(0)
    assert product.rung == [OFFICE, MOBILE]


def test_the_outcome_of_a_delayed_target_survives() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 5))
    product.time_out(product.inner[1].branches[0])
    product.answer(MOBILE, 603)
    assert product.codes == [603]
    product.ends(0, 486)
    product.ends(1, 603)
    assert product.codes == [603, 480]


def test_a_delayed_line_that_is_not_registered_ends_its_second_pass() -> None:
    product = Delays(step(OFFICE), delayed("line jana-desk", 5))
    product.time_out(product.inner[1].branches[0])
    assert product.codes == [503]


def test_a_delayed_line_rings_all_its_phones() -> None:
    product = Delays(step(OFFICE), delayed("line jana-desk", 5))
    phones = ("sip:desk@127.0.0.51:5060", "sip:soft@127.0.0.52:5060")
    product.register("jana-desk", *phones)
    product.time_out(product.inner[1].branches[0])
    assert product.uris[-2:] == [*phones]


def test_a_caller_who_hangs_up_wakes_nobody() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 5))
    product.receive(product.request.cancel())
    product.ends(0, 487)
    product.ends(1, 487)
    assert (product.rung, product.codes) == ([OFFICE], [200, 487])


def test_a_second_pass_that_is_cancelled_while_it_waits_says_487() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 5))
    product.receive(product.inner[1].request.cancel())
    assert sorted(product.codes) == [200, 487]
    assert product.rung == [OFFICE]


def test_a_second_pass_whose_delay_ends_as_it_is_cancelled_says_487() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 5))
    product.inner[1].canceled = True
    product.time_out(product.inner[1].branches[0])
    assert (product.codes, product.rung) == ([487], [OFFICE])


def test_an_answer_while_others_wait_ends_them() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 5))
    product.ends(0, 200)
    assert 'text="Call completed elsewhere"' in (product.outer.branches[1].cancel or "")


def test_an_id_that_somebody_else_sends_is_not_believed() -> None:
    product = Delays(step(OFFICE), delayed(MOBILE, 50), delayed(THIRD, 30), heard=False)
    index, label = product.inner[1].ident
    product.answer(product.outer.branches[0], 180, headers=[(WAITS, f"{index}:{label}")])
    product.ends(0)
    assert product.rung == [OFFICE]


def test_a_second_pass_that_cannot_wait_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tmx, "t_suspend", lambda _: -1)
    product = Delays(step(OFFICE), delayed(MOBILE, 5), heard=False)
    assert product.codes == [500]


def test_the_time_for_pressing_1_is_part_of_the_ring_time() -> None:
    confirmed = tuple(replace(one, confirm=True) for one in step("line jana-desk", ring_s=20))
    product = Product(number(lines=(Line("jana-desk"),), mode=Mode.FORWARD_ONLY, default="all",
                             sequences=(sequence("all", confirmed),)))
    product.register("jana-desk", "sip:desk@127.0.0.51:5060")
    product.call(PERSONAL)
    (branch,) = product.transaction.branches
    assert branch.uri.startswith("sip:screen@127.0.0.30:5060;target=")
    assert (branch.timers.ring_ms, branch.timers.lifetime_ms) == (35_000, 35_000)
