# SPDX-License-Identifier: GPL-2.0-or-later
"""What workers put down about calls, joined as it will be read."""

from dataclasses import replace
from typing import Any

import pytest

from kemi_routing import call_record, call_story
from kemi_routing.call_story import Chapter, Result
from kemi_routing.dialplan import DialPlan
from kemi_routing.feature_codes import Action, FeatureCode
from kemi_routing.ksr.records import RECORDS
from kemi_routing.model import Mode, Number, Step
from kemi_routing.record import LineRecord
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, PROXY, SETTINGS, SPIRAL, STRANGER, TRUNK, Product, in_network
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step, trunk
from tests.support.fake_state import Branch
from tests.support.sip_message import Address, Request, ha1

OTHER = "42027777199"
CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")
PASSWORD = "blue-kettle"
LINE = LineRecord("jana-desk", "acme/jana", ha1("jana-desk", DOMAIN, PASSWORD), PERSONAL, 3,
                  codes=(FeatureCode("*33", Action.TOGGLE, "night"),),
                  dial_plan=DialPlan(emergency=("112",)))
GATEWAY = SETTINGS.network.gateways[0].at


def of(key: str, *steps: Step, mode: Mode = Mode.FORWARD_ONLY, **more: Any) -> Number:
    return number(number=key, default="all", mode=mode, **{
        "sequences": (sequence("all", *steps), sequence("night", step(OFFICE)))} | more)


def calling(*numbers: Number, **options: Any) -> Product:
    """A call of the trunk to the first of these numbers; line jana-desk is registered."""
    product = Product(*numbers, lines=(LINE,))
    product.register("jana-desk", "sip:desk@127.0.0.51:5060")
    product.call(numbers[0].number, "42075553333", CONTACT, **options)
    return product


def dialling(product: Product, user: str) -> Product:
    """The line dials, with its password."""
    address = f"<sip:{LINE.name}@{DOMAIN}>"
    request = Request(uri=f"sip:{user}@{DOMAIN}", caller=f"{address};tag=l", callee=address,
                      source=Address("127.0.0.51"), headers=(CONTACT,))
    product.receive(request)
    challenge = product.replies[-1].headers.get("Proxy-Authenticate") or ""
    product.receive(request.with_credentials(challenge, LINE.name, PASSWORD))
    return product


def answers(product: Product, user: str | Branch, code: int = 200) -> None:
    call_id = product.transactions[-1].request.call_id
    product.answer(user, code, headers=[("Call-ID", call_id)])


def chapters(product: Product) -> list[Chapter]:
    """Of all calls so far."""
    queue = list(product.mqueue.queues[RECORDS])
    ids = dict.fromkeys(call_id for call_id, _ in queue)
    return [one for wanted in ids for one in call_story.chapters(
        call_record.read(text) for call_id, text in queue if call_id == wanted)]


def became(product: Product) -> list[str]:
    """``target outcome status`` of each branch of the only call."""
    (one,) = chapters(product)
    return [f"{each.tried.target} {each.outcome} {each.status}" for each in one.branches]


def test_steps_in_series() -> None:
    product = calling(of(PERSONAL, step("line jana-desk"), step(OFFICE, MOBILE)))
    product.answer("desk", 180)
    product.time_out("desk")
    product.answer(OFFICE, 503)
    answers(product, MOBILE)
    assert became(product) == ["line jana-desk no_answer 0", f"{OFFICE} unreachable 503",
                               f"{MOBILE} answered 200"]
    (one,) = chapters(product)
    assert [each.hop for each in one.branches] == ["", GATEWAY, GATEWAY]
    assert [each.rang_ms is None for each in one.branches] == [False, True, True]
    decided = one.decided
    assert (decided.via, decided.grade, decided.dialled, decided.concerns) == (
        f"trunk {TRUNK.ip}", "B", PERSONAL, (PERSONAL,))


def test_two_phones_of_a_line_are_two_branches() -> None:
    product = Product(of(PERSONAL, step("line jana-desk")))
    product.register("jana-desk", "sip:a@127.0.0.51:5060", "sip:b@127.0.0.52:5060")
    product.call(PERSONAL)
    product.answer("a", 486)
    answers(product, "b")
    assert became(product) == ["line jana-desk busy 486", "line jana-desk answered 200"]


def test_a_target_whose_address_cannot_be_found_leaves_its_branch_to_the_next() -> None:
    product = Product(of(PERSONAL, step(OFFICE, "line jana-desk")))
    product.unresolvable.add(GATEWAY.partition(":")[0])
    product.register("jana-desk", "sip:desk@127.0.0.51:5060")
    product.call(PERSONAL)
    answers(product, "desk")
    assert became(product) == [f"{OFFICE} unreachable 0", "line jana-desk answered 200"]


def test_the_first_ringing_counts_and_repeating_it_costs_nothing() -> None:
    product = calling(of(PERSONAL, step(OFFICE)))
    for _ in range(100):
        product.answer(OFFICE, 180)
    answers(product, OFFICE)
    (one,) = chapters(product)
    assert one.branches[0].rang_ms is not None
    assert max(len(text) for _, text in product.mqueue.queues[RECORDS]) < 400


def test_a_second_pass_names_its_own_branches() -> None:
    steps = (*step("line jana-desk", ring_s=10), *step(MOBILE))
    product = calling(of(PERSONAL, steps))
    outer = product.transaction
    branch = next(one for one in outer.branches if one.uri.endswith(f":{SPIRAL.port}"))
    product.receive(Request(uri=branch.uri, source=PROXY, received=SPIRAL,
                            call_id=outer.request.call_id))
    product.answer("desk", 180)
    product.answer("desk", 404)
    product.answer(branch, 503)
    answers(product, MOBILE)
    assert became(product) == ["line jana-desk unreachable 404", f"{MOBILE} answered 200"]


def test_a_target_that_still_waits_when_the_call_is_answered_was_not_reached() -> None:
    steps = (*step(MOBILE, ring_s=30), *(replace(one, delay_s=5) for one in step(OFFICE)))
    product = calling(of(PERSONAL, steps))
    answers(product, MOBILE)
    assert became(product) == [f"{MOBILE} answered 200", f"{OFFICE} not_reached 0"]


def test_a_line_without_phones_and_a_cap_are_told_apart() -> None:
    busy = of(PERSONAL, step("line jana-soft"), step(OFFICE), step("line jana-desk"), max_calls=1)
    product = calling(busy)
    answers(product, OFFICE)
    product.call(PERSONAL, "42075553334", CONTACT)
    answers(product, "desk")
    assert [f"{each.tried.target} {each.outcome}" for each in chapters(product)[1].branches] == [
        "line jana-soft unreachable", f"{OFFICE} denied", "line jana-desk answered"]


def test_the_caller_hangs_up() -> None:
    product = calling(of(PERSONAL, step("line jana-desk", OFFICE)))
    product.answer("desk", 180)
    product.receive(product.transaction.request.cancel())
    product.answer("desk", 487)
    product.answer(OFFICE, 487)
    assert became(product) == ["line jana-desk cancelled 487", f"{OFFICE} cancelled 487"]


@pytest.mark.parametrize(("tag", "by"), [("a", "caller"), ("t", "callee")])
def test_who_hung_up(tag: str, by: str) -> None:
    other = "a" if tag == "t" else "t"
    product = calling(of(PERSONAL, step(OFFICE)))
    answers(product, OFFICE)
    route = ("Route", product.forwarded[0].headers.get("Record-Route") or "")
    to, source = (("sip:caller@127.0.0.20:5060", Address("127.0.0.40", 5060)) if tag == "t" else
                  (product.forwarded[0].uri, TRUNK))
    product.receive(Request(
        "BYE", to, call_id=product.transaction.request.call_id,
        headers=(route,),
        caller=f"<sip:42075553333@x>;tag={tag}", callee=f"<sip:a@b>;tag={other}", source=source))
    (one,) = chapters(product)
    assert one.hung_up is not None
    assert one.hung_up.by == by
    assert one.duration_ms is not None


class TestACallThatWeAnswerAtOnce:
    def said(self, product: Product) -> tuple[int, str]:
        one = chapters(product)[-1]
        assert one.decided.said is not None
        assert one.branches == ()
        return one.status, one.decided.said.why

    def test_rejected(self) -> None:
        assert self.said(calling(of(PERSONAL, mode=Mode.REJECT))) == (603, "Decline")

    def test_a_loop_names_the_cycle(self) -> None:
        product = Product(of(PERSONAL, step(OFFICE)))
        product.call(PERSONAL, "42075553333", ("Diversion", f"<sip:{OTHER}@x>"),
                     ("Diversion", f"<sip:{PERSONAL}@x>"))
        assert self.said(product) == (482, f"Loop Detected: {PERSONAL}>{OTHER}>{PERSONAL}")

    def test_the_same_invite_again(self) -> None:
        product = calling(of(PERSONAL, step(OFFICE)))
        again = replace(product.transaction.request, branch="z9hG4bK-other")
        product.receive(again)
        one = [each for each in chapters(product) if each.status == 482]
        assert [each.decided.number for each in one] == [PERSONAL]

    def test_told_where_to_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        redirected = in_network(trunks=(trunk(TRUNK.ip, redirect=True),))
        monkeypatch.setattr(product_edge, "SETTINGS", redirected)
        product = calling(of(PERSONAL, step(OFFICE)))
        assert self.said(product)[0] == 302
        assert chapters(product)[0].result is Result.REDIRECTED

    def test_the_store_is_away(self) -> None:
        product = Product()
        product.records.down = True
        product.call(PERSONAL)
        assert self.said(product) == (503, "the store is down")
        assert chapters(product)[0].decided.number == PERSONAL

    def test_a_line_dials_what_its_number_may_not(self) -> None:
        product = dialling(Product(number(), lines=(LINE,)), "+420900123456")
        status, why = self.said(product)
        assert status == 403
        assert "premium" in why
        assert chapters(product)[0].decided.concerns == (PERSONAL,)

    def test_a_line_dials_an_emergency_number(self) -> None:
        assert self.said(dialling(Product(number(), lines=(LINE,)), "112")) == (
            404, "no emergency route")


class TestAFeatureCode:
    def test_that_the_media_server_confirms(self) -> None:
        product = dialling(Product(of(PERSONAL, step(OFFICE)), lines=(LINE,)), "*33")
        answers(product, "annc")
        (one,) = chapters(product)
        assert (one.decided.rule, one.result, one.decided.via) == (
            "feature code", Result.VOICEMAIL, "line jana-desk")

    def test_that_is_confirmed_in_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(product_edge, "SETTINGS", in_network(media_servers=()))
        product = dialling(Product(of(PERSONAL, step(OFFICE)), lines=(LINE,)), "*33")
        (one,) = chapters(product)
        assert one.decided.said is not None
        assert one.decided.said.why.startswith("Night")


def test_a_call_between_two_numbers_stands_in_both_lists() -> None:
    product = dialling(Product(number(), of(OTHER, step(OFFICE), lines=()), lines=(LINE,)), OTHER)
    answers(product, OFFICE)
    (one,) = chapters(product)
    assert one.decided.concerns == (OTHER, PERSONAL)
    assert (one.decided.via, one.decided.grade) == ("line jana-desk", "A")


def test_a_call_outside_stands_in_the_list_of_its_number() -> None:
    product = dialling(Product(number(outgoing=True), lines=(LINE,)), f"+{OFFICE}")
    product.answer(OFFICE, 183)
    answers(product, OFFICE)
    (one,) = chapters(product)
    assert (one.decided.number, one.decided.rule, one.decided.dialled) == (
        PERSONAL, "outgoing", f"+{OFFICE}")
    assert [(each.outcome, each.hop) for each in one.branches] == [("answered", GATEWAY)]


@pytest.mark.parametrize("request_", [
    Request(uri=f"sip:{OTHER}@127.0.0.1"), Request(uri="sip:x@127.0.0.1"),
    Request(uri=f"sip:{PERSONAL}@127.0.0.1", source=STRANGER), Request(method="OPTIONS")])
def test_what_is_no_call_to_a_number_of_ours_has_none(request_: Request) -> None:
    product = Product(number())
    product.receive(request_)
    assert chapters(product) == []


def test_none_is_kept_where_the_operator_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_edge, "SETTINGS", replace(SETTINGS, records_days=0))
    product = calling(of(PERSONAL, step("line jana-desk"), step(OFFICE)))
    product.answer("desk", 180)
    product.answer("desk", 486)
    answers(product, OFFICE)
    dialling(product, "+420900123456")
    assert not product.mqueue.queues[RECORDS]
    assert not [name for name in product.transactions[0].avps if "ringing" in name]


def test_no_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    product = calling(of(PERSONAL, step("IAX2/user:hush@sip.example.net/100"), step(OFFICE)))
    assert product.mqueue.queues[RECORDS]
    assert "hush" not in str(product.mqueue.queues[RECORDS])
