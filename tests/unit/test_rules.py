# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rule wins, seen in the plans that follow from it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given

from kemi_routing import rules, schedule
from kemi_routing.decide import decide
from kemi_routing.model import Call, MailboxPolicy, Mode, Number, Platform, Verdict
from kemi_routing.plan import Access, Plan, Remark
from kemi_routing.schedule import Override
from kemi_routing.screening import Action, CallerRule, Pattern, Screen
from kemi_routing.targets import MAILBOX, Kind, Target
from tests.support.builders import (
    MOBILE,
    MONDAY_NOON,
    OFFICE,
    PERSONAL,
    at,
    call,
    holiday,
    number,
    sequence,
    step,
    window,
)
from tests.support.strategies import accepted_numbers, calls, instants

DAY, NIGHT, REST = (sequence(name, step(OFFICE)) for name in ("day", "night", "rest"))


def decided(number: Number, call: Call, now: datetime = MONDAY_NOON) -> Plan:
    return decide(call, number, now, Platform("followme.local"))


@pytest.mark.parametrize(("fields", "grade", "ask_pin"), [
    ({"line": "jana-desk", "ani": PERSONAL}, "A", False),
    ({"line": "jana-desk", "ani": None, "anonymous": True}, "A", False),
    ({"ani": MOBILE}, "B", False),
    ({"ani": MOBILE, "verdict": Verdict.ATTESTED}, "C", False),
    ({"ani": MOBILE, "verdict": Verdict.ATTESTED, "anonymous": True}, "D", True),
    ({"ani": MOBILE, "verdict": Verdict.FAILED}, "D", True),
    ({"ani": MOBILE, "anonymous": True}, "D", True),
    ({"ani": MOBILE, "asserted": False}, "D", True),
    ({"ani": MOBILE, "asserted": False, "anonymous": True}, "D", True),
])
def test_the_owner_gets_into_the_mailbox(
        fields: dict[str, Any], grade: str, ask_pin: bool) -> None:
    plan = decided(number(mode=Mode.FORWARD_ONLY), call(**fields))
    ((opened,),) = (each.targets for each in plan.steps)
    assert (opened.target, opened.cli) == (MAILBOX, None)
    assert opened.why == f"grade {grade}: {rules.GRADES[grade]}"
    assert plan.access == Access(grade, ask_pin)
    assert (plan.number, plan.owner, plan.revision) == (PERSONAL, "acme/jana", 1)
    assert (plan.rule, plan.skipped) == ("own mailbox", ())
    assert plan.lost[0] == Remark("default", "own mailbox comes first")


@pytest.mark.parametrize(("changed", "fields", "why"), [
    ({}, {"ani": "42075553333"}, "the caller 42075553333 is no alias of this number"),
    ({}, {"ani": None}, "the caller without a number is no alias of this number"),
    ({}, {"ani": MOBILE[1:]}, f"the caller {MOBILE[1:]} is no alias of this number"),
    ({}, {"ani": PERSONAL}, f"the caller {PERSONAL} is no alias of this number"),
    ({}, {"ani": MOBILE, "diverted": True}, "the call was diverted"),
    ({}, {"ani": MOBILE, "diverted": True, "anonymous": True}, "the call was diverted"),
    ({}, {"line": "petr-desk", "ani": MOBILE}, "line petr-desk is not one of the owner's"),
    ({"aliases": ()}, {"ani": MOBILE}, f"the caller {MOBILE} is no alias of this number"),
    ({"voicemail": False}, {}, "the caller 42075553333 is no alias of this number"),
    ({"voicemail": False}, {"ani": MOBILE}, "the number has no voicemail permission"),
    ({"voicemail": False}, {"line": "jana-desk"}, "the number has no voicemail permission"),
])
def test_anybody_else_is_an_ordinary_caller(
        changed: dict[str, Any], fields: dict[str, Any], why: str) -> None:
    plan = decided(number(**changed), call(**fields))
    assert plan.steps[0].targets[0].target == Target(Kind.LINE, "jana-desk")
    assert plan.access is None
    assert plan.lost[0] == Remark("own mailbox", why)


TRUSTED, ATTESTED, ALWAYS = MailboxPolicy


@pytest.mark.parametrize(("own", "demanded", "asks"), [
    (TRUSTED, TRUSTED, "D"),
    (ATTESTED, TRUSTED, "BD"),
    (TRUSTED, ATTESTED, "BD"),
    (ALWAYS, TRUSTED, "ABCD"),
    (ATTESTED, ALWAYS, "ABCD"),
    (ALWAYS, ATTESTED, "ABCD"),
])
def test_the_stricter_policy_says_whom_the_mailbox_asks_for_the_pin(
        own: MailboxPolicy, demanded: MailboxPolicy, asks: str) -> None:
    platform = Platform(mailbox=demanded)
    asked = [grade for grade in rules.GRADES
             if rules.asks_pin(grade, number(mailbox=own), platform)]
    assert "".join(asked) == asks


@pytest.mark.parametrize(("granted", "without_pin", "offers"), [
    (False, "ABC", "no no no no"),
    (True, "A", "yes pin pin pin"),
    (True, "AC", "yes pin yes pin"),
    (True, "ABC", "yes yes yes pin"),
])
def test_the_permission_and_the_operator_say_who_calls_out_from_the_menu(
        granted: bool, without_pin: str, offers: str) -> None:
    platform = Platform(outgoing_without_pin=without_pin)
    owned = number(outgoing=granted)
    assert " ".join(rules.outgoing(grade, owned, platform) for grade in rules.GRADES) == offers


def test_every_policy_names_the_grades_that_it_opens_for() -> None:
    assert set(rules.OPEN) == set(MailboxPolicy)
    assert set("".join(rules.OPEN.values())) < set(rules.GRADES)


# SPEC P4: screening and rules by caller

LISTED = [Screen(Pattern("420755*"), Action.REJECT), Screen(Pattern("42075553334"), Action.ALLOW),
          Screen(Pattern("anonymous"), Action.VOICEMAIL),
          Screen(Pattern("4420*"), Action.ANNOUNCEMENT, "closed"),
          Screen(Pattern("4930*"), Action.SEQUENCE, "night")]
SCREENED = number(mode=Mode.FORWARD_ONLY, default="day", sequences=(DAY, NIGHT), screens=tuple(
    LISTED), callers=(CallerRule(Pattern("49301111111"), "night"),
                      CallerRule(Pattern("4930222*"), "night")))


@pytest.mark.parametrize(("fields", "rule", "rung"), [
    ({"ani": "42075553333"}, "block list 420755*: reject", []),
    ({"ani": "42075553334"}, "default", ["step 1 of day"]),
    ({"ani": "42075553334", "anonymous": True}, "default", ["step 1 of day"]),
    ({"ani": "1", "anonymous": True}, "block list anonymous: voicemail", ["step 1 of block list"]),
    ({"ani": "442012345678"}, "block list 4420*: announcement closed", ["step 1 of block list"]),
    ({"ani": "493099999999"}, "block list 4930*: sequence night", ["step 1 of night"]),
    ({"ani": "49301111111"}, "block list 4930*: sequence night", ["step 1 of night"]),
    ({"ani": "31201234567"}, "default", ["step 1 of day"]),
])
def test_the_lists_come_before_the_schedule(
        fields: dict[str, Any], rule: str, rung: list[str]) -> None:
    plan = decided(SCREENED, call(**fields))
    assert plan.rule == rule
    assert [each.targets[0].why for each in plan.steps] == rung
    assert plan.reject == ((603, "Decline") if not rung else None)


def test_an_entry_of_a_list_beats_a_rule_by_caller_and_says_so() -> None:
    plan = decided(SCREENED, call(ani="49301111111"))
    assert plan.lost[1:] == (
        Remark("rule by caller 49301111111", "allow and block list comes first"),
        Remark("default", "allow and block list comes first"))


def test_a_rule_by_caller_comes_before_the_schedule_and_after_the_lists() -> None:
    ruled = replace(SCREENED, screens=())
    plan = decided(ruled, call(ani="49302222222"))
    assert (plan.rule, plan.steps[0].targets[0].why) == (
        "rule by caller 4930222*", "step 1 of night")
    assert Remark("default", "rule by caller comes first") in plan.lost


@pytest.mark.parametrize(("fields", "rule"), [
    ({"asserted": True}, "default"),
    ({"asserted": True, "verdict": Verdict.FAILED}, "block list unverified: reject"),
    ({"asserted": False}, "block list unverified: reject"),
    ({"line": "petr-desk", "asserted": False}, "default"),
])
def test_who_counts_as_unverified(fields: dict[str, Any], rule: str) -> None:
    wary = number(screens=(Screen(Pattern("unverified"), Action.REJECT),))
    assert decided(wary, call(**fields)).rule == rule


def test_the_owner_is_never_screened() -> None:
    wary = number(screens=(Screen(Pattern("*"), Action.REJECT),))
    assert decided(wary, call(ani=MOBILE)).rule == "own mailbox"


SCHEDULED = number(mode=Mode.FORWARD_ONLY, sequences=(DAY, NIGHT, REST), default="rest", windows=(
    window("mon-fri", "08:00-18:00", "day"), window("sun-thu", "22:00-08:00", "night")))


@pytest.mark.parametrize(("ani", "first"), [
    pytest.param("420755", "allow and block list", id="the block list"),
    pytest.param("49301234567", "rule by caller", id="a rule by caller"),
    pytest.param(MOBILE, "own mailbox", id="the mailbox"),
])
def test_what_holds_and_lost_names_the_rule_that_won(ani: str, first: str) -> None:
    beaten = replace(SCHEDULED, screens=(Screen(Pattern("420755*"), Action.REJECT),),
                     callers=(CallerRule(Pattern("4930*"), "night"),))
    assert [(one.what, one.why) for one in decided(beaten, call(ani=ani)).lost][-3:] == [
        ("window mon-fri 08:00-18:00", f"{first} comes first"),
        ("window sun-thu 22:00-08:00", "mon 12:00 is outside"),
        ("default", f"{first} comes first")]


@pytest.mark.parametrize(("time", "rule", "lost"), [
    ("2026-03-02 12:00", "window mon-fri 08:00-18:00", [
        ("window sun-thu 22:00-08:00", "mon 12:00 is outside"), ("default", "a window holds")]),
    ("2026-03-07 06:05", "default", [
        ("window mon-fri 08:00-18:00", "sat 06:05 is outside"),
        ("window sun-thu 22:00-08:00", "sat 06:05 is outside")]),
])
def test_the_rules_that_lost_are_named(time: str, rule: str, lost: list[tuple[str, str]]) -> None:
    plan = decided(SCHEDULED, call(), at(time))
    assert plan.rule == rule
    assert [(remark.what, remark.why) for remark in plan.lost[1:]] == lost


# SPEC S3: time; what each rule says is schedule's work

OVERRULED = number(mode=Mode.FORWARD_ONLY, default="rest", sequences=(DAY, NIGHT, REST), windows=(
    window("mon-fri", "08:00-18:00", "day"),
    window("daily", "11:00-13:00", "rest", first="2026-03-02", last="2026-03-02")))


@pytest.mark.parametrize(("changed", "rule", "won"), [
    ({}, "dated window daily 11:00-13:00", "rest"),
    ({"holidays": (holiday("2026-03-02", "night", "Feast"),)}, "holiday Feast 2026-03-02",
     "night"),
    ({"holidays": (holiday("2026-03-02", "night", "Feast"),),
      "overrides": (Override("day", 1, name="vacation"),)}, "override vacation", "day"),
])
def test_the_higher_rank_wins(changed: dict[str, Any], rule: str, won: str) -> None:
    plan = decided(replace(OVERRULED, **changed), call())
    assert plan.rule.startswith(rule)
    assert plan.steps[0].targets[0].why == f"step 1 of {won}"
    assert len(plan.lost) == len(OVERRULED.windows) + len(changed) - 1 + 2


@given(accepted_numbers(), calls, instants)
def test_a_rule_wins_and_the_time_rule_is_won_or_lost(
        number: Number, call: Call, now: datetime) -> None:
    plan = decided(number, call, now)
    applied = schedule.winner(number.timetable, now).text
    if plan.rule != applied:
        assert applied in [remark.what for remark in plan.lost]
        assert plan.rule == "own mailbox" or plan.rule.startswith(("block list", "rule by caller"))


def test_the_rules_of_time_come_last_in_the_order_of_their_ranks() -> None:
    assert list(rules.RULES) == [
        "own mailbox", "allow and block list", "rule by caller", *schedule.Rank]


@pytest.mark.parametrize(("fields", "grade"), [
    ({"line": "desk"}, "A"), ({}, "B"), ({"verdict": Verdict.ATTESTED}, "C"),
    ({"asserted": False}, "D"), ({"anonymous": True}, "D"), ({"diverted": True}, "D"),
    ({"verdict": Verdict.FAILED}, "D")])
def test_how_far_any_callers_number_can_be_trusted(fields: dict[str, Any], grade: str) -> None:
    assert rules.identity_grade(call(**fields)) == grade
