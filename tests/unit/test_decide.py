# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from kemi_routing import plan_codec
from kemi_routing.decide import decide, decide_whole, outgoing
from kemi_routing.errors import Forbidden
from kemi_routing.forwarding import why_skipped
from kemi_routing.model import Call, Mode, Number
from kemi_routing.permissions import NumberClass
from kemi_routing.plan import Access, Account, Caller, Plan, Planned, PlannedStep, Remark
from kemi_routing.targets import MAILBOX, Kind, Target
from tests.support.builders import (
    MOBILE,
    MONDAY_NOON,
    NO_MEDIA,
    OFFICE,
    PERSONAL,
    PLATFORM,
    SOFT,
    at,
    call,
    number,
    sequence,
    step,
    window,
)
from tests.support.strategies import accepted_numbers, calls, instants

COMPANY = "42027777000"
DAY, NIGHT, REST = (sequence(name, step(OFFICE)) for name in ("day", "night", "rest"))


def decided(number: Number, call: Call, now: datetime = MONDAY_NOON) -> Plan:
    return decide(call, number, now, PLATFORM)


def test_the_owner_who_calls_is_handed_to_the_mailbox_alone() -> None:
    plan = decided(number(revision=3), call(ani=MOBILE, anonymous=True))
    assert [each.targets for each in plan.steps] == [(Planned(
        MAILBOX, 20, None, "grade D: the alias is claimed, but anonymous, not asserted or failed "
                           "verification"),)]
    assert (plan.access, plan.rule, plan.revision) == (Access("D", ask_pin=True), "own mailbox", 3)
    assert plan.lost == (Remark("default", "own mailbox comes first"),)


def test_without_a_media_server_there_is_no_mailbox() -> None:
    plan = decide(call(ani=MOBILE), number(), MONDAY_NOON, NO_MEDIA)
    assert (plan.access, plan.lost[0]) == (
        None, Remark("own mailbox", "no media server is configured"))


TO_OFFICE = number(mode=Mode.FORWARD_ONLY, default="day", sequences=(DAY,))
SCHEDULED = number(mode=Mode.FORWARD_ONLY, sequences=(DAY, NIGHT, REST), default="rest", windows=(
    window("mon-fri", "08:00-18:00", "day"), window("sun-thu", "22:00-08:00", "night")))


@pytest.mark.parametrize(("now", "won"), [
    (at("2026-03-02 07:59:59"), "night"),  # Sunday's night, over the turn of the week
    (at("2026-03-02 08:00"), "day"),
    (at("2026-03-02 17:59:59"), "day"),
    (at("2026-03-02 18:00"), "rest"),
    (at("2026-03-02 23:59"), "night"),
    (at("2026-03-03 00:00"), "night"),
    (at("2026-03-07 12:00"), "rest"),
    (at("2026-12-31 22:00"), "night"),
    (at("2027-01-01 07:59"), "night"),
    (at("2028-02-29 08:00"), "day"),
    (datetime(2026, 3, 2, 7, 0, tzinfo=UTC), "day"),  # 08:00 in Prague
    (datetime(2026, 3, 2, 6, 59, tzinfo=UTC), "night"),
    (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "rest"),  # 01:59, then 03:00: DST begins
    (datetime(2026, 3, 30, 5, 59, tzinfo=UTC), "night"),  # 07:59 CEST
    (datetime(2026, 3, 30, 6, 0, tzinfo=UTC), "day"),
    (datetime(2026, 10, 26, 6, 59, tzinfo=UTC), "night"),  # 07:59 CET
    (datetime(2026, 10, 26, 7, 0, tzinfo=UTC), "day"),
])
def test_the_window_that_holds_picks_the_sequence(now: datetime, won: str) -> None:
    plan = decided(SCHEDULED, call(), now)
    assert plan.steps[0].targets[0].why == f"step 1 of {won}"


def test_an_hour_that_dst_leaves_out_or_repeats() -> None:
    """02:00 to 03:00 in Prague, in minutes of UTC around each change."""
    early = number(mode=Mode.FORWARD_ONLY, sequences=(DAY,),
                   windows=(window("sun", "02:00-03:00", "day"),))
    for change, minutes in ((datetime(2026, 3, 29, 1, tzinfo=UTC), 0),
                            (datetime(2026, 10, 25, 1, tzinfo=UTC), 120)):
        times = (change + timedelta(minutes=minute) for minute in range(-180, 180))
        assert sum(bool(decided(early, call(), time).steps) for time in times) == minutes


def test_a_number_without_default_forwards_nowhere_outside_its_windows() -> None:
    closed = number(mode=Mode.FORWARD_ONLY, sequences=(DAY,), windows=(
        window("mon-fri", "08:00-18:00", "day"),))
    assert decided(closed, call(), at("2026-03-07 12:00")).steps == ()


def left(digits: str, line: str = "jana-desk", **fields: Any) -> Plan:
    """A call outside that Jana makes from a line, or else from the menu of her mailbox."""
    jana = number(**fields)
    shown = jana.number if line or jana.number == PERSONAL else None
    return outgoing(call(ani=PERSONAL, line=line, cli=shown), jana, digits)


@pytest.mark.parametrize(("line", "where"), [
    ("jana-desk", "by a line"), ("", "in the mailbox menu")])
def test_an_outside_number_is_called_as_the_personal_number(line: str, where: str) -> None:
    rights = number(max_calls=2).rights
    assert left(OFFICE, line, revision=7, max_calls=2) == Plan(
        (Account(PERSONAL, "", rights, cli=PERSONAL),),
        (PlannedStep((Planned(Target(Kind.PSTN, OFFICE), 120, PERSONAL, f"dialled {where}"),)),),
        Caller(PERSONAL, cli=PERSONAL), revision=7, rule="outgoing")


def test_to_forward_outside_is_another_permission() -> None:
    assert left(OFFICE, forward_external=False).steps


@pytest.mark.parametrize("line", ["jana-desk", ""])
@pytest.mark.parametrize(("fields", "cli"), [
    ({"cli": "caller"}, PERSONAL),
    ({"cli": COMPANY}, COMPANY),
    ({"number": "acme/201", "cli": COMPANY}, COMPANY),
])
def test_the_owner_chose_what_is_shown_outside(
        fields: dict[str, Any], cli: str, line: str) -> None:
    plan = left(OFFICE, line, **fields)
    assert (plan.steps[0].targets[0].cli, plan.caller.cli, plan.accounts[0].cli) == (cli, cli, cli)


@pytest.mark.parametrize("line", ["jana-desk", ""])
@pytest.mark.parametrize(("digits", "fields", "why"), [
    ("420900123456", {}, "420900123456 is premium, which is denied"),
    (OFFICE, {"classes": (NumberClass("49", "abroad", allowed=False),)}, "is abroad"),
    (OFFICE, {"number": "acme/201", "cli": "caller"}, "acme/201: it has no number to show"),
])
def test_what_may_not_be_called(digits: str, fields: dict[str, Any], why: str, line: str) -> None:
    with pytest.raises(Forbidden, match=why):
        left(digits, line, **fields)


def test_mode_reject_declines() -> None:
    plan = decided(number(mode=Mode.REJECT), call())
    assert (plan.steps, plan.reject, plan.rule) == ((), (603, "Decline"), "default")


def handing_over(to: str, by: str = PERSONAL) -> Number:
    return replace(TO_OFFICE, number=by, sequences=(sequence("day", step(f"number {to}")),))


def test_the_whole_plan_knows_every_number_that_it_leads_to_and_asks_for_each_once() -> None:
    known = {"42027777102": handing_over("42027777103", by="42027777102"),
             "42027777103": handing_over("42027777109", by="42027777103")}
    asked: list[frozenset[str]] = []

    def look_up(call: Call, keys: frozenset[str]) -> tuple[Call, Mapping[str, Number]]:
        asked.append(keys)
        return replace(call, diverters=(*call.diverters, "49115550000")), {
            key: known[key] for key in keys if key in known}

    heard, plan = decide_whole(call(), handing_over("42027777102"), MONDAY_NOON, PLATFORM, look_up)
    assert asked == [{"42027777102"}, {"42027777103"}, {"42027777109"}]
    assert [account.number for account in plan.accounts] == [PERSONAL, *known]
    assert plan.handed == tuple(Remark(f"step 1 of day, to {key}", "default") for key in known)
    assert plan.wanted == {"42027777109"}
    assert heard.diverters == ("49115550000",) * 3


def test_a_call_that_comes_back_is_refused_before_it_forks_again() -> None:
    plan = decided(TO_OFFICE, call(
        diverters=("49301234567", PERSONAL), diverted=True, ani=MOBILE))
    assert (plan.steps, plan.reject, plan.rule) == ((), (482, "Loop Detected"), "loop")
    assert plan.lost == (Remark("default", "the call has come through this number already"),)


def test_a_loop_is_left_out_and_the_others_ring() -> None:
    own = replace(TO_OFFICE, sequences=(
        sequence("day", step("number 42027777102"), step(OFFICE)),))
    plan = decided(own, call(diverters=("42027777102",), diverted=True))
    assert [one.target.text for each in plan.steps for one in each.targets] == [OFFICE]
    assert plan.skipped == (
        Remark("number 42027777102", "the call has come through it already"),)
    assert plan.reject is None


def test_the_plan_carries_what_outside_targets_are_told_of_the_caller() -> None:
    plan = decided(TO_OFFICE, call(ani=None, anonymous=True, history="1.1"))
    assert plan.caller == Caller(None, anonymous=True, history="1.1")


def test_the_plan_says_whose_number_in_which_revision_was_called() -> None:
    plan = decided(replace(TO_OFFICE, revision=7), call())
    assert (plan.number, plan.owner, plan.revision, plan.access) == (
        PERSONAL, "acme/jana", 7, None)


# Laws

OTHERS = {"42027777102": number(number="42027777102", lines=(SOFT,)),
          "acme/201": replace(SCHEDULED, number="acme/201")}


@given(accepted_numbers(), calls, instants)
def test_whatever_the_writer_accepts_is_decided(
        number: Number, call: Call, now: datetime) -> None:
    plan = decide(call, number, now, PLATFORM, OTHERS)
    rungs = [one for each in plan.steps for one in each.targets]
    assert all(each.targets for each in plan.steps)
    assert all(1 <= one.ring_s <= 600 for one in rungs)
    assert all(why_skipped(one.target, plan.accounts[one.account].rights, PLATFORM) is None
               for one in rungs)
    assert (MAILBOX in [one.target for one in rungs]) == (plan.access is not None)
    assert plan.access is None or number.rights.voicemail
    assert not (plan.reject and plan.steps)
    assert all(len(each.targets) == 1 and each.then == -1
               for each in plan.steps if each.targets[0].target.kind.answers)
    assert all(index == -1 or position < index < len(plan.steps)
               for position, each in enumerate(plan.steps)
               for index in (each.then, each.end, *dict(each.on).values()))
    hunt = plan_codec.begin(plan)
    assert plan_codec.decode(plan_codec.encode(hunt)) == hunt
