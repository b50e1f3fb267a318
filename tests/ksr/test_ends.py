# SPDX-License-Identifier: GPL-2.0-or-later
"""However a call ends, the log has its line: how, who answered, after how long, who hung up."""

import re
from dataclasses import replace
from typing import Any

import pytest

from kemi_routing.model import Mode, Step
from kemi_routing.record import LineRecord
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, PROXY, SPIRAL, STRANGER, TRUNK, Product
from tests.support.builders import DESK, OFFICE, PERSONAL, SOFT, number, sequence, step
from tests.support.fake_state import Branch
from tests.support.sip_message import Address, Request, ha1

PHONE = "sip:desk@127.0.0.51:5060"
MOBILE = "49226666666"
PASSWORD = "blue-kettle"
LINE = LineRecord("jana-desk", "acme/jana", ha1("jana-desk", DOMAIN, PASSWORD), PERSONAL, 1)
CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")


def calling(*steps: Step, **changes: Any) -> Product:
    """A call to a number with these steps; line jana-desk is registered."""
    fields = {"sequences": (sequence("all", *steps),), "default": "all",
              "mode": Mode.FORWARD_ONLY, "lines": (DESK, SOFT)}
    product = Product(number(**fields | changes))
    product.register("jana-desk", PHONE)
    product.call(PERSONAL, "42075553333", CONTACT)
    return product


def outside(gateway: str = "") -> Product:
    """A call of line jana-desk to an outside number."""
    product = Product(number(outgoing=True), lines=(LINE,))
    product.unresolvable.add(gateway)
    address = f"<sip:jana-desk@{DOMAIN}>"
    request = Request(uri=f"sip:{OFFICE}@{DOMAIN}", caller=f"{address};tag=l", callee=address,
                      source=Address("127.0.0.51"),
                      headers=(("Contact", "<sip:jana-desk@127.0.0.51>"),))
    product.receive(request)
    challenge = product.replies[-1].headers.get("Proxy-Authenticate") or ""
    product.receive(request.with_credentials(challenge, "jana-desk", PASSWORD))
    return product


def lines(product: Product, verb: str = "end") -> list[str]:
    """What was told with this verb, but Call-ID and time, which each line has."""
    told = [text for level, text in product.log if text.startswith(f"{verb} ") and level == "info"]
    call_id = f" callid={product.transaction.request.call_id}"
    assert all(call_id in line for line in told)
    return [re.sub(r" after_ms=\d{1,4}(?= )", " after", line).replace(call_id, "")
            .removeprefix(verb).strip() for line in told]


def answered(product: Product, user: str | Branch) -> None:
    """A phone answers; its 200 has the Call-ID of the INVITE."""
    call_id = product.transactions[-1].request.call_id
    there = ("Contact", f"<{Request().uri}>")  # where ``bye`` goes
    product.answer(user, 200, headers=[("Call-ID", call_id), ("To", "<sip:a@b>;tag=t"), there])


class TestAnAnswer:
    def test_names_who_gave_it(self) -> None:
        product = calling(step("line jana-desk"))
        product.answer("desk", 180)
        answered(product, "desk")
        assert lines(product) == [
            f"number={PERSONAL} status=200 after tried=nothing answered='line jana-desk'"]

    def test_names_what_was_tried_before(self) -> None:
        product = calling(step("line jana-desk", OFFICE), step(MOBILE))
        product.answer("desk", 486)
        product.answer(OFFICE, 503)
        answered(product, MOBILE)
        assert lines(product) == [f"number={PERSONAL} status=200 after tried=busy,unreachable "
                                  f"answered={MOBILE}"]

    def test_of_voicemail_is_one_too(self) -> None:
        product = calling(step(OFFICE), mode=Mode.FORWARD_THEN_VOICEMAIL)
        product.answer(OFFICE, 486)
        answered(product, "voicemail")
        assert lines(product) == [
            f"number={PERSONAL} status=200 after tried=busy answered=voicemail"]

    def test_that_is_repeated_is_told_once(self) -> None:
        product = calling(step("line jana-desk"))
        answered(product, "desk")
        answered(product, "desk")
        assert len(lines(product)) == 1

    def test_of_a_target_whose_time_is_over_nobody_hears(self) -> None:
        product = calling(step("line jana-desk", OFFICE), step(MOBILE))
        first = product.transaction.branches[0]
        for user in ("desk", OFFICE):
            product.answer(user, 180)
            product.time_out(user)
        answered(product, first)
        assert (lines(product), product.codes) == ([], [])
        answered(product, MOBILE)
        assert lines(product) == [f"number={PERSONAL} status=200 after "
                                  f"tried=no_answer,no_answer answered={MOBILE}"]

    def test_through_a_second_pass_is_told_by_the_first(self) -> None:
        product = calling((*step(OFFICE, ring_s=10), *step(MOBILE)))
        outer = product.transaction
        branch = next(one for one in outer.branches if one.uri.endswith(f":{SPIRAL.port}"))
        product.receive(Request(uri=branch.uri, source=PROXY, received=SPIRAL,
                                call_id=outer.request.call_id))
        answered(product, OFFICE)
        answered(product, branch)
        assert lines(product) == [
            f"number={PERSONAL} status=200 after tried=nothing answered={OFFICE}"]


class TestNoAnswer:
    def test_of_all_is_told_with_what_was_tried(self) -> None:
        product = calling(step("line jana-desk"), step(OFFICE))
        product.answer("desk", 486)
        product.answer(OFFICE, 503)
        assert lines(product) == [f"number={PERSONAL} status=480 after tried=busy/unreachable"]

    def test_because_the_caller_hung_up_is_487(self) -> None:
        product = calling(step("line jana-desk"))
        product.answer("desk", 180)
        product.receive(product.transaction.request.cancel())
        product.answer("desk", 487)
        assert lines(product) == [f"number={PERSONAL} status=487 after tried=no_answer"]
        assert product.codes[-1] == 487

    def test_of_a_second_pass_is_not_told_twice(self) -> None:
        product = calling((*step(OFFICE, ring_s=10), *step(MOBILE)))
        outer = product.transaction
        spiral = next(one for one in outer.branches if one.uri.endswith(f":{SPIRAL.port}"))
        product.receive(Request(uri=spiral.uri, source=PROXY, received=SPIRAL,
                                call_id=outer.request.call_id))
        inner = product.transaction
        product.answer(OFFICE, 180)
        product.answer(spiral, 180)
        product.answer(MOBILE, 180)
        product.receive(outer.request.cancel())
        product.receive(inner.request.cancel())
        product.answer(OFFICE, 487)
        product.answer(spiral, 487)
        product.answer(MOBILE, 487)
        assert lines(product) == [f"number={PERSONAL} status=487 after tried=no_answer,no_answer"]

    def test_where_the_number_rejects(self) -> None:
        assert lines(calling(mode=Mode.REJECT)) == [
            f"number={PERSONAL} status=603 tried=nothing"]


class TestACallOutside:
    def test_that_is_answered(self) -> None:
        product = outside()
        product.answer(OFFICE, 180)
        answered(product, OFFICE)
        assert lines(product) == [
            f"number={PERSONAL} status=200 after tried=nothing answered={OFFICE}"]

    @pytest.mark.parametrize(("code", "tried"), [(486, "busy"), (404, "unreachable"),
                                                 (603, "declined"), (480, "no_answer")])
    def test_that_is_refused_hears_what_was_said(self, code: int, tried: str) -> None:
        product = outside()
        product.answer(OFFICE, code)
        assert lines(product) == [f"number={PERSONAL} status={code} after tried={tried}"]
        assert product.codes[-1] == code

    def test_that_hears_500_in_place_of_503(self) -> None:
        product = outside()
        product.answer(OFFICE, 503)
        assert lines(product) == [f"number={PERSONAL} status=500 after tried=unreachable"]

    def test_that_nobody_answers(self) -> None:
        product = outside()
        product.time_out(OFFICE)
        assert lines(product) == [f"number={PERSONAL} status=408 after tried=no_answer"]
        assert product.codes[-1] == 408

    def test_that_is_cancelled(self) -> None:
        product = outside()
        product.answer(OFFICE, 180)
        product.receive(product.transaction.request.cancel())
        product.answer(OFFICE, 487)
        assert lines(product) == [f"number={PERSONAL} status=487 after tried=no_answer"]

    def test_whose_gateway_has_no_address(self) -> None:
        product = outside(gateway="127.0.0.40")
        assert lines(product) == [f"number={PERSONAL} status=503 after tried=unreachable"]
        assert product.codes == [407, 503]


class TestBye:
    @pytest.mark.parametrize(("tag", "told"), [
        (";tag=a", ["by=caller"]), (";tag=b", []), ("", []), (";tag=.", [])])
    def test_tells_who_hung_up(self, tag: str, told: list[str]) -> None:
        product = calling(step(OFFICE))
        answered(product, OFFICE)
        assert lines(self.bye(product, tag), "bye") == told

    def test_that_is_repeated_is_told_once(self) -> None:
        product = calling(step(OFFICE))
        answered(product, OFFICE)
        assert lines(self.bye(product, ";tag=a", times=2), "bye") == ["by=caller"]

    def test_that_ends_a_counted_call_is_told(self) -> None:
        product = calling(step(OFFICE), max_calls=1)
        answered(product, OFFICE)
        assert lines(self.bye(product, ";tag=a", times=2), "bye") == ["by=caller"]

    def test_of_a_call_that_is_not_ours_is_not_told(self) -> None:
        product = calling(step(OFFICE))
        answered(product, OFFICE)
        product.receive(Request(method="BYE", callee="<sip:a@b>;tag=t", source=STRANGER,
                                call_id=product.transaction.request.call_id))
        assert lines(product, "bye") == []

    def bye(self, product: Product, tag: str, times: int = 1) -> Product:
        route = ("Route", product.forwarded[0].headers.get("Record-Route") or "")
        request = Request(method="BYE", call_id=product.transaction.request.call_id,
                          caller=f"<sip:42075553333@x>{tag}", callee="<sip:a@b>;tag=t",
                          headers=(route,), cseq=2,
                          source=TRUNK if tag == ";tag=a" else Address("127.0.0.40"))
        for _ in range(times):
            product.receive(request)
        return product


class TestARefusal:
    @pytest.mark.parametrize(("request_", "said"), [
        (Request(max_forwards=0), "why='no hops left' source=127.0.0.20"),
        (Request(source=STRANGER), "why=untrusted source=127.0.0.66"),
        (Request(uri="sip:42027777199@127.0.0.1"),
         'why="nobody\'s number" number=42027777199'),
    ])
    def test_tells_why(self, request_: Request, said: str) -> None:
        product = Product()
        product.receive(request_)
        level, text = product.log[-1]
        assert (level, text) == ("info", f"refuse callid={request_.call_id} {said}\n")


def test_numbers_are_masked_where_the_operator_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    masked = replace(product_edge.SETTINGS, mask_numbers=True)
    monkeypatch.setattr(product_edge, "SETTINGS", masked)
    product = calling(step("line jana-desk"), step(OFFICE))
    product.answer("desk", 302, "", [("Contact", f"<sip:{MOBILE}@{DOMAIN}>")])
    answered(product, OFFICE)
    Product.call(product, "42027777199")
    told = "".join(text for _, text in product.log)
    assert {"route", "redirect", "end", "refuse"} <= {text.split()[0] for _, text in product.log}
    assert not [one for one in (PERSONAL, "42075553333", MOBILE, OFFICE, "42027777199")
                if one in told.replace("callid=call-", "")]
    assert "answered=********567" in told
