# SPDX-License-Identifier: GPL-2.0-or-later
"""INVITE and REGISTER with digest credentials."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.caller import Dialling
from tests.support.edge import Edge
from tests.support.loopback import wait_until
from tests.support.other_edge import other_edge
from tests.support.phones import answer, busy, ring
from tests.support.raw_sip import RawSip
from tests.support.registration import Line, register
from tests.support.situation import DOMAIN, PAI_TRUNK, PASSWORD, STRANGER, Situation
from tests.support.softphone import Dialog, SoftPhone

JANA, PETR, EVA, OUTSIDE = "42027777101", "42027777102", "42027777103", "49115234567"
LONG = "42027777104"


def _from_janas_desk(dialled: str, password: str = PASSWORD, **more: Any) -> Dialling:
    uri = f"sip:{dialled}@{DOMAIN}"
    return Dialling(uri, f"jana-desk@{DOMAIN}", credentials=("jana-desk", password), **more)


def test_a_line_calls_a_personal_number_and_shows_its_own(situation: Situation) -> None:
    desk = situation.line_phone("petr-desk", answer(300), password="other-words")
    mobile = situation.outside_phone("42073723102", ring())

    heard = situation.dial(_from_janas_desk(PETR), via=STRANGER).outcome()

    assert heard.code == 200
    assert heard.was_hung_up
    assert desk.invites[0].caller_number == JANA
    assert mobile.invites[0].caller_number == PETR
    assert desk.invites[0].header("Proxy-Authorization") is None


def test_a_line_calls_out_through_the_gateway(situation: Situation) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())

    heard = situation.dial(_from_janas_desk(OUTSIDE), via=STRANGER).outcome()

    assert heard.code == 200
    assert heard.was_hung_up
    assert outside.invites[0].caller_number == JANA
    assert outside.invites[0].header("Proxy-Authorization") is None


@pytest.mark.parametrize(("uri", "code"), [
    (f"tel:+{OUTSIDE}", 200), (f"tel:+49-115-{OUTSIDE[5:]}", 200),
    (f"tel:+{OUTSIDE};phone-context=elsewhere.example", 200),
    (f"tel:00{OUTSIDE};phone-context=elsewhere.example", 404),
    (f"sip:{OUTSIDE}@elsewhere.example", 404)])
def test_a_line_dials_a_telephone_number_as_uri(
    situation: Situation, uri: str, code: int
) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    dialling = replace(_from_janas_desk(OUTSIDE), dialled=uri)

    assert situation.dial(dialling, via=STRANGER).outcome().code == code
    assert [invite.uri.partition("@")[0] for invite in outside.invites] == (
        [f"sip:{OUTSIDE}"] if code == 200 else [])


def test_what_is_dialled_in_other_ways_than_a_number_is_answered(situation: Situation) -> None:
    desk = situation.line_phone("petr-desk", answer(), password="other-words")
    elsewhere = "sip:x@192.0.2.66:5060"
    replaces = ("Replaces: other-call;to-tag=1;from-tag=2",)
    for uri, headers in (
        (f"sip:petr-desk@{DOMAIN}", ()), (desk.contact, ()), (desk.contact, replaces),
        (elsewhere, replaces),
    ):  # fmt: skip
        dialling = replace(_from_janas_desk(OUTSIDE), dialled=uri, headers=headers)
        assert situation.dial(dialling, via=STRANGER).outcome().code == 404
    assert desk.invites == []


def calls_at_once(edge: Edge) -> int:
    return int(edge.kamcmd("dlg.profile_get_size", "line", "s:jana-desk").split()[-1])


def test_a_line_makes_no_more_calls_at_once_than_it_may(
    situation: Situation, tmp_path: Path
) -> None:
    mobile = situation.outside_phone("42073723105", ring())
    at = situation.network.address(STRANGER)
    with other_edge(situation, tmp_path, LINE_CALLS="2") as other, ExitStack() as ends:

        def calling() -> tuple[SoftPhone, Dialog]:
            wire = RawSip(at, other.edge.proxy)
            phone = ends.enter_context(SoftPhone(wire, "jana-desk", DOMAIN, PASSWORD))
            return phone, phone.call(f"sip:{LONG}@{DOMAIN}")

        (first, dialog), (second, other_dialog) = calling(), calling()
        for phone, its in ((first, dialog), (second, other_dialog)):
            phone.early(replace(its))
        assert calling()[0].final("INVITE").code == 403
        first.cancel(dialog)
        assert first.final("INVITE").code == 487
        wait_until(lambda: calls_at_once(other.edge) == 1, "the call not counted any more")
        fourth, last = calling()
        fourth.early(last)
    assert len(mobile.invites) == 3
    assert " limited " in other.edge.log


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "NOTIFY"])
def test_what_is_not_offered_hears_what_is(situation: Situation, method: str) -> None:
    with RawSip(situation.network.address(STRANGER), situation.edge.proxy) as phone:
        heard = phone.ask(phone.request(method, f"sip:petr-desk@{DOMAIN}"))
    assert heard is not None
    assert (heard.code, heard["Allow"]) == (405, "INVITE, REGISTER, OPTIONS")


def test_a_line_calls_no_number_of_a_denied_class(situation: Situation) -> None:
    premium = situation.outside_phone("420906123456", answer())

    assert situation.dial(_from_janas_desk("420906123456"), via=STRANGER).outcome().code == 403
    assert premium.invites == []
    assert "why='42027777101: 420906123456 is premium, which is denied'" in situation.edge.log


def test_calls_of_lines_count_towards_the_cap_of_their_number(situation: Situation) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    calls = situation.dial(_from_janas_desk(OUTSIDE, hold_ms=2000), via=STRANGER)
    situation.wait_for_answer(outside)

    assert situation.dial(_from_janas_desk(OUTSIDE), via=STRANGER).outcome().code == 403
    assert calls.outcome().code == 200
    assert len(outside.invites) == 1


# A proxy does not pass a 503 on: RFC 3261 section 16.7, step 6.
@pytest.mark.parametrize(("said", "code"), [(404, 404), (486, 486), (603, 603), (503, 500)])
def test_a_line_hears_what_the_outside_number_says(
    situation: Situation, said: int, code: int
) -> None:
    situation.outside_phone(OUTSIDE, busy(said))

    heard = situation.dial(_from_janas_desk(OUTSIDE), via=STRANGER).outcome()

    assert heard.code == code


def test_a_line_hangs_up_while_the_outside_number_rings(situation: Situation) -> None:
    outside = situation.outside_phone(OUTSIDE, ring())
    dialling = _from_janas_desk(OUTSIDE, hang_up_after_ms=300)

    heard = situation.dial(dialling, via=STRANGER).outcome()

    assert heard.code == 487
    assert len(outside.cancels) == 1


@pytest.mark.parametrize("dialled", [PETR, OUTSIDE, "42027777199"])
def test_a_wrong_password_is_refused(situation: Situation, dialled: str) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    desk = situation.line_phone("petr-desk", answer(), password="other-words")
    dialling = _from_janas_desk(dialled, password="guess")

    heard = situation.dial(dialling, via=STRANGER).outcome()

    assert heard.code in (403, 407)
    assert outside.invites + desk.invites == []


def test_a_line_cannot_call_under_the_name_of_another(situation: Situation) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    uri = f"sip:{OUTSIDE}@{DOMAIN}"
    dialling = Dialling(uri, f"petr-desk@{DOMAIN}", credentials=("jana-desk", PASSWORD))

    heard = situation.dial(dialling, via=STRANGER).outcome()

    assert heard.code in (403, 407)
    assert outside.invites == []


def test_a_line_does_not_choose_its_identity(situation: Situation) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    forged = ("P-Asserted-Identity: <sip:42099999999@followme.local>",
              "Remote-Party-ID: <sip:42099999999@followme.local>;party=calling")

    heard = situation.dial(_from_janas_desk(OUTSIDE, headers=forged), via=STRANGER).outcome()

    assert heard.code == 200
    invite = outside.invites[0]
    assert "42099999999" not in "".join(value for _, value in invite.headers)


def test_nothing_of_its_own_writing_reaches_a_later_step(situation: Situation) -> None:
    first = situation.outside_phone("42073723103", busy())
    second = situation.outside_phone("42073723104", answer())
    forged = ("P-Asserted-Identity: <sip:42099999999@followme.local>",
              f"Route: <sip:{situation.network.address(STRANGER)};lr>")

    heard = situation.dial(_from_janas_desk(EVA, headers=forged), via=STRANGER).outcome()

    assert heard.code == 200
    for invite in (first.invites[0], second.invites[0]):
        assert "42099999999" not in "".join(value for _, value in invite.headers)
        assert (invite.header("Proxy-Authorization"), invite.header("Route")) == (None, None)


def test_an_alias_written_as_from_does_not_authenticate(situation: Situation) -> None:
    media = situation.media_server()
    dialling = Dialling(f"sip:{JANA}@{DOMAIN}", f"42073723123@{DOMAIN}",
                        credentials=("42073723123", PASSWORD))

    heard = situation.dial(dialling, via=STRANGER).outcome()

    assert heard.code in (403, 407)
    assert media.invites == []


def test_a_line_registers_only_with_its_password(situation: Situation, tmp_path: Path) -> None:
    address = situation.network.address(STRANGER)
    contact = f"sip:jana-desk@{address}:5060"

    codes = {
        password: register(Line("jana-desk", password, DOMAIN), contact, address,
                           situation.edge.proxy, tmp_path)
        for password in ("guess", "", "other-words")
    }

    assert set(codes.values()) <= {401, 403}
    unknown = Line("nobody", PASSWORD, DOMAIN)
    assert register(unknown, contact, address, situation.edge.proxy, tmp_path) in (401, 403)
    media = situation.media_server()
    assert situation.call(JANA, "42075553333").code == 200
    assert media.invites[0].uri == situation.voicemail_uri(JANA, cause=404)


def test_a_phone_that_unregistered_is_not_rung(situation: Situation, tmp_path: Path) -> None:
    address = situation.network.address(STRANGER)
    line = Line("jana-desk", PASSWORD, DOMAIN)
    contact = f"sip:jana-desk@{address}:5060"
    media = situation.media_server()
    proxy = situation.edge.proxy

    assert register(line, contact, address, proxy, tmp_path) == 200
    assert register(line, contact, address, proxy, tmp_path, expires_s=0) == 200

    assert situation.call(JANA, "42075553333").took_s < 0.3
    assert media.invites[0].uri == situation.voicemail_uri(JANA, cause=404)


def test_a_fourth_phone_of_a_line_is_refused(situation: Situation, tmp_path: Path) -> None:
    phones = [situation.line_phone("jana-desk", busy()) for _ in range(3)]
    address = situation.network.address(STRANGER)
    line = Line("jana-desk", PASSWORD, DOMAIN)

    fourth = register(
        line, f"sip:jana-desk@{address}:5060", address, situation.edge.proxy, tmp_path
    )

    assert fourth == 403
    situation.media_server()
    assert situation.call(JANA, "42075553333").code == 200
    assert [len(phone.invites) for phone in phones] == [1, 1, 1]


def test_a_bye_that_comes_out_of_order_ends_no_count(situation: Situation) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    wire = RawSip(situation.network.address(STRANGER), situation.edge.proxy)
    with SoftPhone(wire, "jana-desk", DOMAIN, PASSWORD) as phone:
        dialog = phone.call(f"sip:{OUTSIDE}@{DOMAIN}")
        phone.talk(dialog)
        phone.send(replace(dialog, cseq=dialog.invite - 1), "BYE")
        assert phone.final("BYE").code == 500
        assert calls_at_once(situation.edge) == 1
        phone.send(dialog, "BYE")
        assert phone.final("BYE").code == 200
    wait_until(lambda: calls_at_once(situation.edge) == 0, "the count ends")
    assert len(outside.heard("BYE")) == 1


def test_a_trunk_call_is_never_challenged(situation: Situation) -> None:
    situation.media_server()

    heard = situation.dial(Dialling(JANA, f"jana-desk@{DOMAIN}"), via=PAI_TRUNK).outcome()

    assert heard.code == 200
