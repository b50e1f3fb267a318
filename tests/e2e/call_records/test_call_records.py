# SPDX-License-Identifier: GPL-2.0-or-later
"""What the record of a call says, against what was seen on the wire."""

import re
from pathlib import Path
from typing import Any, cast

import pytest

from kemi_routing import call_record
from kemi_routing.redis import keys
from provisioning import calls
from provisioning.storage import Storage
from tests.support.caller import Dialling, Outcome
from tests.support.loopback import wait_until
from tests.support.other_edge import other_edge
from tests.support.phones import Phone, answer, busy, ring
from tests.support.raw_sip import RawSip
from tests.support.recorded import outcomes, record
from tests.support.situation import (
    DOMAIN,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    STRANGER,
    Situation,
)

SERIES, PARALLEL, REJECTING, HANDING = (f"4202777710{last}" for last in "1234")
WITHOUT_RIGHTS, HANDED = "42027777105", "42027777106"
CALLER, OWNER, ABROAD = "42075553333", "42073723199", "33123456789"
DESK, OFFICE, MOBILE, LAST = "jana-desk", "49115234567", "42073723101", "42073723102"
FIRST_GATEWAY = 41
TOLERANCE_S = 0.2


def sent_as_seen(one: dict[str, Any], heard: Outcome, *phones: Phone) -> None:
    """The start of each branch is the INVITE that its phone got."""
    seen = [phone.invited_at - heard.invited_at for phone in phones]
    told = [each["sent_after_s"] for each in one["branches"] if each["sent_after_s"] is not None]
    assert told == pytest.approx(seen, abs=TOLERANCE_S)


def test_targets_in_series(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    office = situation.outside_phone(OFFICE, busy(after_ms=300))
    mobile = situation.outside_phone(MOBILE, answer(500))

    heard = situation.call(SERIES, CALLER, hold_ms=600)
    one = record(situation, heard)

    assert outcomes(one) == [(f"line {DESK}", "no_answer", None), (OFFICE, "busy", 486),
                             (MOBILE, "answered", 200)]  # fmt: skip
    sent_as_seen(one, heard, desk, office, mobile)
    assert [each["over_after_s"] for each in one["branches"]] == pytest.approx(
        [2, 2.3, 2.8], abs=2 * TOLERANCE_S)
    assert [each["ring_s"] for each in one["branches"]] == [2, 1, 1]
    assert [each["hop"] for each in one["branches"]] == [
        "", situation.gateway_at, situation.gateway_at]
    assert [each["why"] for each in one["branches"]] == [f"step {n} of series" for n in (1, 2, 3)]
    assert all(each["rang_after_s"] - each["sent_after_s"] < 1 for each in one["branches"][::2])
    assert (one["number"], one["owner"], one["caller"], one["grade"], one["revision"]) == (
        SERIES, "acme/jana", CALLER, "B", 1)
    assert (one["rule"], one["status"], one["result"]) == ("default", 200, "answered")
    assert one["via"] == "trunk trunk-20"
    assert (one["answered_by"], one["ended_by"]) == (MOBILE, "caller")
    assert one["talked_s"] == pytest.approx(0.6, abs=TOLERANCE_S)
    assert one["setup_s"] == pytest.approx(heard.took_s, abs=TOLERANCE_S)


def test_targets_together_with_ring_times_of_their_own(situation: Situation) -> None:
    desk = situation.line_phone(DESK, ring())
    office, mobile = (situation.outside_phone(number, ring()) for number in (OFFICE, MOBILE))

    heard = situation.call(PARALLEL, CALLER)
    one = record(situation, heard)

    assert heard.code == one["status"] == 480
    assert outcomes(one) == [(f"line {DESK}", "no_answer", None), (OFFICE, "no_answer", None),
                             (MOBILE, "no_answer", None)]  # fmt: skip
    sent_as_seen(one, heard, desk, office, mobile)
    took = [each["over_after_s"] - each["sent_after_s"] for each in one["branches"]]
    assert took == pytest.approx([3, 1, 1], abs=TOLERANCE_S)
    assert {each["hop"] for each in one["branches"][1:]} == {situation.gateway_at}
    assert all(each["rang_after_s"] is not None for each in one["branches"])


def test_one_of_several_answers(situation: Situation) -> None:
    situation.line_phone(DESK, ring())
    situation.outside_phone(OFFICE, answer(400, hang_up_after_ms=300))
    waiting = situation.outside_phone(MOBILE, ring())

    one = record(situation, situation.call(PARALLEL, CALLER, hold_ms=None))

    assert outcomes(one) == [(f"line {DESK}", "answered_elsewhere", None),
                             (OFFICE, "answered", 200), (MOBILE, "not_reached", None)]  # fmt: skip
    assert (one["answered_by"], one["ended_by"]) == (OFFICE, "callee")
    assert waiting.invites == []


def test_the_caller_hangs_up(situation: Situation) -> None:
    situation.line_phone(DESK, ring())

    one = record(situation, situation.call(SERIES, CALLER, hang_up_after_ms=300))

    assert outcomes(one) == [(f"line {DESK}", "cancelled", 487)]
    assert (one["status"], one["result"], one["talked_s"]) == (487, "cancelled", None)


def test_voicemail_after_a_line_without_phones(situation: Situation) -> None:
    situation.media_server()
    situation.outside_phone(OFFICE, busy())
    situation.outside_phone(MOBILE, busy(480))

    one = record(situation, situation.call(SERIES, CALLER))

    assert outcomes(one) == [
        (f"line {DESK}", "unreachable", None), (OFFICE, "busy", 486), (MOBILE, "no_answer", 480),
        ("voicemail", "answered", 200)]  # fmt: skip
    assert [each["sent_after_s"] is None for each in one["branches"]] == [True, False, False, False]
    assert (one["result"], one["answered_by"]) == ("voicemail", "voicemail")
    assert one["branches"][3]["hop"] == situation.media_at


def test_a_target_that_the_permissions_do_not_cover(situation: Situation) -> None:
    situation.media_server()

    one = record(situation, situation.call(WITHOUT_RIGHTS, CALLER))

    assert one["skipped"] == [
        {"what": OFFICE, "why": "permission forward_external is not granted"}]
    assert outcomes(one) == [("voicemail", "answered", 200)]


def test_the_owner_opens_the_mailbox(situation: Situation) -> None:
    situation.media_server()

    one = record(situation, situation.call(SERIES, OWNER))

    assert (one["rule"], one["result"], one["answered_by"]) == (
        "own mailbox", "voicemail", "mailbox")


def test_a_number_that_rejects(situation: Situation) -> None:
    one = record(situation, situation.call(REJECTING, CALLER))

    assert (one["status"], one["result"], one["branches"]) == (603, "rejected", [])
    assert one["refused"] == "Decline"


def test_a_call_that_is_handed_over_stands_in_the_lists_of_both(situation: Situation) -> None:
    situation.line_phone(DESK, busy())
    situation.outside_phone(LAST, answer())

    heard = situation.call(HANDING, CALLER)
    one = record(situation, heard)

    assert outcomes(one) == [(f"line {DESK}", "busy", 486), (LAST, "answered", 200)]
    assert [each["number"] for each in one["branches"]] == [HANDING, HANDED]
    assert [each["what"] for each in one["handed_over"]] != []
    storage = Storage(situation.redis.url)
    for number in (HANDING, HANDED):
        (last, *_) = calls.find(calls.Wanted(frozenset({number})), storage)
        assert last.decided.call_id == heard.final["Call-ID"]


def test_a_gateway_that_fails_is_followed_by_another(situation: Situation, tmp_path: Path) -> None:
    refusing, usual = situation.network.address(FIRST_GATEWAY), situation.gateway_at
    situation.line_phone(DESK, busy())
    situation.outside_phone(OFFICE, answer(200))
    first = Phone("first", refusing, SIP_PORT, busy(503), tmp_path / "first")
    first.start()
    gateways = {"first": {"at": f"{refusing}:{SIP_PORT}"}, "usual": {"at": usual, "priority": 2}}
    with other_edge(situation, tmp_path, {"gateways": gateways}) as edge:
        heard = edge.dial(Dialling(HANDED, CALLER, asserted=CALLER)).outcome()
        one = record(situation, heard, ended=False)
    first.stop()

    assert heard.code != 200
    assert [(each["hop"], each["status"]) for each in one["branches"]] == [
        (f"{refusing}:{SIP_PORT}", 503), (usual, one["branches"][1]["status"])]  # fmt: skip
    assert one["branches"][0]["over_after_s"] <= one["branches"][1]["sent_after_s"] + 0.05


@pytest.mark.parametrize(("phone", "status", "result"), [
    (answer(200), 200, "answered"), (busy(), 486, "busy"), (busy(503), 500, "failed")])
def test_a_call_of_a_line_to_an_outside_number(
    situation: Situation, phone: Any, status: int, result: str
) -> None:
    situation.outside_phone(ABROAD, phone)
    dialling = Dialling(f"sip:{ABROAD}@{DOMAIN}", f"{DESK}@{DOMAIN}", credentials=(DESK, PASSWORD))
    one = record(situation, situation.dial(dialling, via=STRANGER).outcome())

    assert (one["number"], one["dialled"], one["via"]) == (SERIES, ABROAD, f"line {DESK}")
    assert (one["status"], one["result"], one["grade"]) == (status, result, "A")
    assert [each["target"] for each in one["branches"]] == [ABROAD]


def test_a_refused_call_of_a_line_stands_in_its_list(situation: Situation) -> None:
    premium = "420900123456"
    dialling = Dialling(f"sip:{premium}@{DOMAIN}", f"{DESK}@{DOMAIN}", credentials=(DESK, PASSWORD))
    heard = situation.dial(dialling, via=STRANGER).outcome()
    one = record(situation, heard)

    assert heard.code == one["status"] == 403
    assert (one["number"], one["dialled"], one["result"]) == (SERIES, premium, "rejected")
    assert "premium" in one["refused"]


def test_why_tells_the_story_in_telephone_words(situation: Situation) -> None:
    situation.line_phone(DESK, ring())
    situation.outside_phone(OFFICE, busy(after_ms=300))
    situation.outside_phone(MOBILE, answer(500))
    heard = situation.call(SERIES, CALLER, hold_ms=600)
    record(situation, heard)

    told = situation.followme("why", heard.final["Call-ID"])

    gateway = situation.gateway_at
    assert re.sub(r"\d+\.\d s", "N s", told).splitlines() == [
        f"call {heard.final['Call-ID']}",
        f"{SERIES} of acme/jana, revision 1",
        re.sub(r"^.*\n.*\n(came .*)\n(.*\n)*$", r"\1", told),
        f"caller   {CALLER}, grade B, dialled {SERIES}",
        "rule     default",
        f"+N s  line jana-desk (desk)  {' ' * len(f'by {gateway}')}  rang after N s  "
        "did not answer after N s  step 1 of series",
        f"+N s  {OFFICE} (office)   by {gateway}  rang after N s  "
        "was busy (486) after N s  step 2 of series",
        f"+N s  {MOBILE} (mobile)   by {gateway}  rang after N s  "
        "answered (200) after N s  step 3 of series",
        f"answer   200 after N s: answered by {MOBILE}",
        "end      the caller hung up after N s",
    ]
    assert re.search(r"^came     \w{3} [\d-]+ [\d:.]+ UTC, trunk trunk-20$", told, re.M)


def test_of_a_long_call_id_a_record_has_the_beginning_and_is_found_by_all_of_it(
    situation: Situation
) -> None:
    storage, call_id = Storage(situation.redis.url), "i" * 9000
    with RawSip(situation.network.address(PAI_TRUNK), situation.edge.proxy) as trunk:
        uri = f"sip:{REJECTING}@{situation.settings['ADDRESS']}:{SIP_PORT}"
        invite = trunk.request("INVITE", uri, ani=CALLER).decode()
        heard = trunk.ask(re.sub(r"(?<=Call-ID: )\S+", call_id, invite).encode())
    assert heard is not None
    story = keys.story(call_record.name(call_id))
    wait_until(lambda: storage.client.exists(story) == 1, "the record")
    (one,) = calls.story(call_id, storage)
    assert one.decided.call_id == "i" * 256
    assert cast(int, storage.client.memory_usage(story)) < 1100
