# SPDX-License-Identifier: GPL-2.0-or-later
"""Plans on tm: what rings, with which timers and headers, and what the caller gets."""

import pytest

from kemi_routing.ksr import names
from kemi_routing.model import Line, Mode, Number, Step
from tests.ksr.edge import DOMAIN, SPIRAL, Product
from tests.support.builders import DESK, PERSONAL, SOFT, number, sequence, step
from tests.support.fake_tm import Tm
from tests.support.sip_message import Request

GATEWAY = "127.0.0.40:5060"
VOICEMAIL = f"sip:voicemail@127.0.0.30:5060;target=sip:{PERSONAL}%40{DOMAIN};cause="
PHONE_ONE, PHONE_TWO = "sip:desk@127.0.0.51:5060", "sip:soft@127.0.0.52:5060"


def numbered(*steps: Step, mode: Mode = Mode.FORWARD_THEN_VOICEMAIL) -> Number:
    return number(sequences=(sequence("all", *steps),), default="all", mode=mode,
                  lines=(DESK, SOFT))


def ringing(*steps: Step, mode: Mode = Mode.FORWARD_THEN_VOICEMAIL) -> Product:
    """A Kamailio with two registered lines, in which a call to the number has begun."""
    product = Product(numbered(*steps, mode=mode))
    product.register("jana-desk", PHONE_ONE)
    product.register("jana-soft", PHONE_TWO)
    product.call(PERSONAL)
    return product


def test_steps_ring_one_after_another_and_voicemail_hears_why() -> None:
    product = ringing(step("line jana-desk", ring_s=20), step("49115234567", ring_s=30))
    desk = product.branch("desk")
    assert (desk.timers.ring_ms, desk.timers.lifetime_ms) == (20_000, 20_000)
    assert desk.timers.no_reply_ms == 4000
    product.answer("desk", 180)
    product.time_out("desk")
    office = product.branch("49115234567")
    assert (office.uri, office.timers.ring_ms) == (f"sip:49115234567@{GATEWAY}", 30_000)
    product.answer("49115234567", 486)
    assert product.uris == [PHONE_ONE, f"sip:49115234567@{GATEWAY}", f"{VOICEMAIL}408"]
    assert product.branch("voicemail").headers.get("X-Followme-Account") == PERSONAL
    product.answer("voicemail", 200)
    assert product.codes == [200]


def test_a_short_ring_time_is_also_the_no_reply_time() -> None:
    assert ringing(step("49115234567", ring_s=2)).branch("49115234567").timers.no_reply_ms == 2000


@pytest.mark.parametrize(("code", "cause"), [(486, 486), (408, 408), (404, 404), (503, 404)])
def test_the_outcome_becomes_the_cause_for_voicemail(code: int, cause: int) -> None:
    product = ringing(step("49115234567"))
    product.answer("49115234567", code)
    assert product.uris[-1] == f"{VOICEMAIL}{cause}"


def test_a_target_that_says_nothing_is_not_reachable() -> None:
    product = ringing(step("49115234567"))
    product.time_out("49115234567")
    assert product.uris[-1] == f"{VOICEMAIL}404"


def test_targets_of_a_step_ring_together_each_with_its_caller_id() -> None:
    product = ringing(step("line jana-desk", "49115234567"))
    assert product.uris == [f"sip:49115234567@{GATEWAY}", PHONE_ONE]
    desk, office = product.branch("desk").headers, product.branch("49115234567").headers
    assert "42075553333" in (desk.get("From") or "")
    assert desk.get("P-Asserted-Identity") == "<sip:+42075553333@carrier.example>"
    assert f"sip:{PERSONAL}@{DOMAIN}" in (office.get("From") or "")
    assert office.all("P-Asserted-Identity") == [f"<sip:{PERSONAL}@{DOMAIN}>"]


def test_all_phones_of_a_line_ring_and_one_that_declines_ends_the_sequence() -> None:
    product = Product(numbered(step("line jana-desk"), step("49115234567")))
    product.register("jana-desk", PHONE_ONE, PHONE_TWO)
    product.call(PERSONAL)
    product.answer("desk", 603)
    assert product.branch("soft").ringing  # F7: the other phone rings on
    product.answer("soft", 486)
    assert product.uris == [PHONE_ONE, PHONE_TWO, f"{VOICEMAIL}480"]


def test_a_line_that_is_not_registered_is_passed_over_at_once() -> None:
    product = Product(numbered(step("line jana-desk"), step("49115234567")))
    product.call(PERSONAL)
    assert product.uris == [f"sip:49115234567@{GATEWAY}"]


def test_two_lines_where_only_the_second_is_registered() -> None:
    product = Product(numbered(step("line jana-desk", "line jana-soft")))
    product.register("jana-soft", PHONE_TWO)
    product.call(PERSONAL)
    product.answer("soft", 486)
    assert product.uris == [PHONE_TWO, f"{VOICEMAIL}486"]


def test_a_branch_that_cannot_be_made_does_not_shift_the_outcomes() -> None:
    product = Product(numbered(
        step("sip:jana@sip.example.net", "49115234567", "line jana-desk"), step("49226666666")))
    product.register("jana-desk", PHONE_ONE)
    product.htable.tables[names.NAMES]["sip.example.net"] = "192.0.2.9:5060;transport=udp,1,1"
    product.unresolvable.add("192.0.2.9")  # as where no socket of ours leads there
    product.call(PERSONAL)
    product.answer("49115234567", 486)
    product.answer("desk", 603)
    assert product.uris[-1] == f"{VOICEMAIL}480"  # the line's 603 is known as the line's


@pytest.mark.parametrize(("codes", "final"), [((486, 486), 486), ((486, 404), 480),
                                              ((404, 486), 480), ((603, 486), 480)])
def test_without_voicemail_the_final_answer_tells_the_truth(
        codes: tuple[int, int], final: int) -> None:
    product = ringing(step("49115234567"), step("49226666666"), mode=Mode.FORWARD_ONLY)
    product.answer("49115234567", codes[0])
    product.answer("49226666666", codes[1])
    assert product.codes == [final]
    assert any("end callid=" in text and f"status={final}" in text for _, text in product.log)


def test_a_sequence_in_which_nobody_can_be_rung_is_answered_480() -> None:
    product = Product(numbered(step("line jana-desk"), mode=Mode.FORWARD_ONLY))
    product.call(PERSONAL)
    assert (product.codes, product.uris) == ([480], [])


def test_the_first_answer_ends_the_ringing_of_the_others() -> None:
    product = ringing(step("line jana-desk", "line jana-soft"))
    product.answer("desk", 180)
    product.answer("soft", 200)
    assert 'text="Call completed elsewhere"' in (product.branch("desk").cancel or "")


def test_a_caller_who_hangs_up_ends_everything() -> None:
    product = ringing(step("line jana-desk"), step("49115234567"))
    product.answer("desk", 180)
    product.receive(product.transaction.request.cancel())
    product.answer("desk", 487)
    assert (product.uris, product.branch("desk").cancel) == ([PHONE_ONE], "")
    assert 487 in product.codes


def test_a_caller_who_hangs_up_hears_487_whatever_a_phone_said() -> None:
    product = ringing(step("line jana-desk", "line jana-soft"))
    product.answer("desk", 603)
    product.answer("soft", 180)
    product.receive(product.transaction.request.cancel())
    product.answer("soft", 487)
    assert product.codes[-1] == 487


def test_a_caller_who_hangs_up_while_the_next_step_is_added_hears_487(
        monkeypatch: pytest.MonkeyPatch) -> None:
    product = ringing(step("line jana-desk"), step("49115234567"))

    def relay(tm: Tm) -> int:
        """As tm does where the CANCEL is there first: all branches are dropped (t_fwd.c)."""
        tm._process.dset.clear()
        monkeypatch.setattr(Tm, "t_is_canceled", lambda _: 1)
        return -1

    monkeypatch.setattr(Tm, "t_relay", relay)
    product.answer("desk", 603)
    assert (product.codes, product.uris) == ([487], [PHONE_ONE])


class TestRingTimesOfTheirOwn:
    """A target that rings shorter than its step takes the spiral."""

    @staticmethod
    def begun() -> Product:
        short, long = step("49115234567", ring_s=5)[0], step("49226666666", ring_s=20)[0]
        product = ringing((short, long))
        product.spiral()
        return product

    def test_it_goes_to_our_own_socket_and_then_rings_with_its_own_timer(self) -> None:
        product = self.begun()
        inner = product.branch("49115234567")
        assert product.uris[1].endswith(f"@127.0.0.1:{SPIRAL.port}")
        assert (inner.timers.ring_ms, inner.sent.send_socket) == (5000, "udp:127.0.0.1:5060")
        assert product.branch("49226666666").timers.ring_ms == 20_000
        assert f"sip:{PERSONAL}@{DOMAIN}" in (inner.headers.get("From") or "")

    @pytest.mark.parametrize(("answer", "status"), [(486, 486), (603, 603), (404, 503),
                                                    (480, 408)])
    def test_its_end_tells_the_first_pass_the_outcome(self, answer: int, status: int) -> None:
        product = self.begun()
        product.answer("49115234567", answer)
        assert product.codes == [status]

    @pytest.mark.parametrize("user", ["", "guess.e30", "guess"])
    def test_nobody_else_can_ask_for_it(self, user: str) -> None:
        product = Product()
        uri = f"sip:{user}@127.0.0.1:{SPIRAL.port}"
        product.receive(Request(uri=uri, received=SPIRAL))
        assert (product.codes, product.uris) == ([403], [])


def test_a_hunt_longer_than_tm_s_own_limits_runs_to_its_end() -> None:
    lines = tuple(Line(f"line-{index}", 1) for index in range(15))
    texts = [f"line {line.name}" for line in lines]
    steps = [step(*texts[start:start + 3], ring_s=72) for start in range(0, 15, 3)]
    product = Product(number(lines=lines, sequences=(sequence("all", *steps),), default="all",
                             mode=Mode.FORWARD_THEN_VOICEMAIL))
    for line in lines:
        product.register(line.name, f"sip:{line.name}@127.0.0.51")
    product.call(PERSONAL)
    for line in lines:
        assert product.branch(line.name).timers.lifetime_ms == 72_000
        product.answer(line.name, 180)
        product.time_out(line.name)
    assert (len(product.uris), product.uris[-1]) == (16, f"{VOICEMAIL}408")
