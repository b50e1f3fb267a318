# SPDX-License-Identifier: GPL-2.0-or-later
"""What phones say before and instead of an answer: early media (SPEC F11) and 302 (SPEC F10)."""

import pytest

from kemi_routing.ksr.redirects import MOVED
from kemi_routing.ksr.waiting import WAITS
from kemi_routing.model import Mode, Number, Step
from tests.ksr.edge import DOMAIN, PROXY, SPIRAL, Product
from tests.support.builders import DESK, PERSONAL, SOFT, number, sequence, step
from tests.support.sip_message import Request

GATEWAY = "127.0.0.40:5060"
OFFICE, MOBILE = "49115234567", "49226666666"
VOICEMAIL = f"sip:voicemail@127.0.0.30:5060;target=sip:{PERSONAL}%40{DOMAIN};cause="
SDP = [("Content-Type", "application/sdp"), ("Content-Disposition", "session")]
BODY = "v=0\r\n"


def calling(*steps: Step, mode: Mode = Mode.FORWARD_ONLY, headers: tuple[str, ...] = (),
            follow_redirects: bool = True) -> Product:
    """A call to a number with these steps, its two lines registered."""
    product = Product(numbered(*steps, mode=mode, follow_redirects=follow_redirects))
    product.register("jana-desk", "sip:desk@127.0.0.51:5060")
    product.register("jana-soft", "sip:soft@127.0.0.52:5060")
    pairs = (header.split(": ") for header in headers)
    product.call(PERSONAL, "42075553333", *((name, value) for name, value in pairs))
    return product


def numbered(*steps: Step, mode: Mode, follow_redirects: bool) -> Number:
    return number(sequences=(sequence("all", *steps),), default="all", mode=mode,
                  lines=(DESK, SOFT), follow_redirects=follow_redirects)


@pytest.mark.parametrize("header", [
    ("Contact", b'"\xff" <sip:desk@127.0.0.51>'), ("Record-Route", b"<sip:\xff;lr>")])
def test_who_answers_what_is_not_utf_8_has_answered(header: tuple[str, bytes]) -> None:
    product = calling(step(OFFICE))
    product.answer(OFFICE, 200, headers=[header])
    assert product.codes == [200]
    assert [text for _, text in product.log if text.startswith("end ")] != []
    assert not [text for _, text in product.log if text.startswith("error ")]


class TestEarlyMedia:
    @pytest.mark.parametrize("code", [180, 183])
    def test_that_of_a_target_with_others_becomes_a_bare_180(self, code: int) -> None:
        product = calling(step(OFFICE, MOBILE))
        product.answer(OFFICE, code, "Progress", [*SDP, ("X-One", "kept")], BODY)
        reply = product.replies[-1]
        assert (reply.code, reply.reason, reply.body) == (180, "Ringing", "")
        assert [header.name for header in reply.headers] == ["X-One"]

    @pytest.mark.parametrize("waits", ["1:1:1", "x", b"\xff"])
    def test_a_phone_cannot_pass_it_by_saying_that_it_waits(self, waits: str | bytes) -> None:
        product = calling(step(OFFICE, MOBILE))
        product.answer(OFFICE, 183, "", [*SDP, (WAITS, waits)], BODY)
        assert (product.replies[-1].code, product.replies[-1].body) == (180, "")

    def test_a_later_step_means_that_it_is_not_the_last(self) -> None:
        product = calling(step(OFFICE), step(MOBILE))
        product.answer(OFFICE, 183, "", SDP, BODY)
        assert (product.replies[-1].code, product.replies[-1].body) == (180, "")
        product.answer(OFFICE, 486)
        product.answer(MOBILE, 183, "", SDP, BODY)
        assert (product.replies[-1].code, product.replies[-1].body) == (183, BODY)

    def test_an_answer_and_a_183_without_media_stay_as_they_are(self) -> None:
        product = calling(step(OFFICE, MOBILE))
        product.answer(OFFICE, 183)
        product.answer(OFFICE, 200, "", SDP, BODY)
        assert [(one.code, one.body) for one in product.replies[-2:]] == [(183, ""), (200, BODY)]

    def test_voicemail_is_always_heard(self) -> None:
        product = calling(step(OFFICE), mode=Mode.FORWARD_THEN_VOICEMAIL)
        product.answer(OFFICE, 486)
        product.answer("voicemail", 183, "", SDP, BODY)
        assert (product.replies[-1].code, product.replies[-1].body) == (183, BODY)

    @pytest.mark.parametrize(("headers", "seen"), [
        (("Supported: 100rel, Timer", "k: replaces"), ["timer, replaces"]),
        (("Supported: 100rel",), []),
        (("Supported: timer",), ["timer"]),
        (("Supported: 100rel", "Require: 100rel"), ["100rel"]),
        ((), []),
    ])
    def test_a_phone_that_is_not_heard_must_not_ask_for_acknowledgement(
            self, headers: tuple[str, ...], seen: list[str]) -> None:
        product = calling(step(OFFICE, MOBILE), headers=headers)
        assert product.branch(OFFICE).headers.all("Supported") == seen

    @pytest.mark.parametrize("header", ["Supported", "Require"])
    def test_options_that_cannot_be_read_keep_no_target_from_ringing(self, header: str) -> None:
        product = Product(numbered(step(OFFICE, MOBILE), mode=Mode.FORWARD_ONLY,
                                   follow_redirects=True))
        product.call(PERSONAL, "42075553333", (header, b"100rel, \xff"))
        assert len(product.uris) == 2

    def test_the_last_one_may_ask_for_it(self) -> None:
        product = calling(step(OFFICE), headers=("Supported: 100rel",))
        assert product.branch(OFFICE).headers.all("Supported") == ["100rel"]

    def test_what_must_be_acknowledged_is_left_alone(self) -> None:
        product = calling(step(OFFICE, MOBILE), headers=("Require: 100rel",))
        product.answer(OFFICE, 183, "", [*SDP, ("Require", "100rel"), ("RSeq", "1")], BODY)
        assert (product.replies[-1].code, product.replies[-1].body) == (183, BODY)


class TestRedirects:
    CONTACT = ("Contact", f"<sip:{MOBILE}@{DOMAIN}>")

    def test_the_new_contact_rings_right_after_the_step_with_the_owner_s_number(self) -> None:
        product = calling(step("line jana-desk", "line jana-soft", ring_s=12), step(OFFICE))
        product.answer("desk", 302, "", [self.CONTACT])
        assert len(product.uris) == 2
        product.answer("soft", 486)
        mobile = product.branch(MOBILE)
        assert (mobile.uri, mobile.timers.ring_ms) == (f"sip:{MOBILE}@{GATEWAY}", 12_000)
        assert f"sip:{PERSONAL}@{DOMAIN}" in (mobile.headers.get("From") or "")
        product.answer(MOBILE, 486)
        assert product.uris[-1] == f"sip:{OFFICE}@{GATEWAY}"
        assert any(f"redirect callid={product.transaction.request.call_id} number={PERSONAL}"
                   in text and "why=followed" in text for _, text in product.log)

    def test_a_second_302_is_not_followed(self) -> None:
        product = calling(step("line jana-desk"))
        product.answer("desk", 302, "", [self.CONTACT])
        product.answer(MOBILE, 302, "", [("Contact", f"<sip:{OFFICE}@{DOMAIN}>")])
        assert product.codes == [480]
        assert any("redirected once already" in text for _, text in product.log)

    @pytest.mark.parametrize(("contact", "why"), [
        (f"<sip:{PERSONAL}@{DOMAIN}>", "the call has come through this number already"),
        ("<sip:jana@192.168.1.1>", "192.168.1.1 is not a public address"),
        ("<sip:jana@sip.example.net?Route=x>", "not a plain SIP URI"),
        (b"<sip:\xff@sip.example.net>", "not UTF-8"),
    ])
    def test_what_is_refused_is_logged_and_the_hunt_goes_on(
            self, contact: str | bytes, why: str) -> None:
        product = calling(step("line jana-desk"), step(OFFICE))
        product.answer("desk", 302, "", [("Contact", contact)])
        assert product.uris[-1] == f"sip:{OFFICE}@{GATEWAY}"
        assert any(why in text for _, text in product.log)

    def test_it_is_ignored_unless_the_organisation_wants_it(self) -> None:
        product = calling(step("line jana-desk"), step(OFFICE), follow_redirects=False)
        product.answer("desk", 302, "", [self.CONTACT])
        assert product.uris[-1] == f"sip:{OFFICE}@{GATEWAY}"
        assert any("redirects are ignored" in text for _, text in product.log)

    def test_a_302_without_contact_is_not_reachable(self) -> None:
        product = calling(step("line jana-desk"), mode=Mode.FORWARD_THEN_VOICEMAIL)
        product.answer("desk", 302)
        assert product.uris[-1] == f"{VOICEMAIL}404"

    @staticmethod
    def second_pass(code: int) -> Product:
        """One with two phones, of which one redirects and one ends with this code."""
        short, long = step("line jana-desk", ring_s=5)[0], step(OFFICE, ring_s=20)[0]
        product = calling((short, long))
        product.register("jana-desk", "sip:other@127.0.0.53:5060")
        uri = product.transaction.branches[1].uri
        product.receive(Request(uri=uri, source=PROXY, received=SPIRAL))
        product.answer("desk", 302, "", [TestRedirects.CONTACT, ("m", "<tel:1>")])
        product.answer("other", code)
        return product

    @pytest.mark.parametrize(("code", "status", "moved"), [
        (486, 486, [CONTACT[1]]), (404, 503, [CONTACT[1]]), (603, 603, [])])
    def test_a_second_pass_tells_the_first_one(
            self, code: int, status: int, moved: list[str]) -> None:
        product = self.second_pass(code)
        assert product.codes == [status]
        assert product.replies[-1].headers.all(MOVED) == moved

    def test_the_first_pass_follows_it(self) -> None:
        product = self.second_pass(486)
        moved = product.replies[-1].headers.get(MOVED) or ""
        first = product.transactions[0]
        product.answer(first.branches[1], 486, "", [(MOVED, moved)])
        product.answer(first.branches[0], 486)
        assert product.uris[-1] == f"sip:{MOBILE}@{GATEWAY}"

    @pytest.mark.parametrize("code", [480, 486, 500])
    def test_a_phone_that_says_so_in_another_answer_is_not_followed(self, code: int) -> None:
        product = calling(step("line jana-desk"), step(OFFICE))
        product.answer("desk", code, "", [(MOVED, self.CONTACT[1])])
        assert product.uris[-1] == f"sip:{OFFICE}@{GATEWAY}"
