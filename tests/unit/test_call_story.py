# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kemi_routing import call_story
from kemi_routing.call_record import Decided, Ended, Entry, HungUp, Part, Said, Tried
from kemi_routing.call_story import Branch, Chapter, Result
from kemi_routing.trail import Row, Trail

AT_MS = 1_795_000_000_000
DECIDED = Decided("id@x", AT_MS, "42027777100", "trunk 192.0.2.20", "42075553333", False, "B",
                  "42027777100", "acme/jana", "default", 7, ("42027777100",))
DESK, OFFICE, MAIL = (Tried(text, "", "", 20, 0, "42027777100")
                      for text in ("line desk", "49115234567", "voicemail"))
LATER = replace(OFFICE, delay_s=5)
HELD = replace(OFFICE, capped=True)


def end(status: int, *rows: Row, steps: Sequence[tuple[Tried, ...]] = ((DESK, OFFICE),),
        ) -> Ended:
    """After 3 s, all of these steps having begun."""
    return Ended(DECIDED.number, AT_MS, status, 3000, Trail(tuple(range(len(steps))), rows),
                 dict(enumerate(steps)))


def chapter(*entries: Entry) -> Chapter:
    (found,) = call_story.chapters([DECIDED, *entries])
    return found


def became(*entries: Entry) -> list[tuple[str, int | None, str]]:
    """Target, when it was over, outcome of each branch."""
    return [(one.tried.target, one.over_ms, one.outcome) for one in chapter(*entries).branches]


RINGING = Row(0, 0, 0, "", 100), Row(0, 1, 0, "192.0.2.1:5060")
BUSY = Row(0, 0, 0, "", None, 200, 486, "busy")


def answered(step: int, target: int) -> Row:
    return Row(step, target, 0, "", 100, 3000, 200, "answered")


@pytest.mark.parametrize(("ended", "branches"), [
    pytest.param(end(200, BUSY, answered(0, 1)), [("line desk", 200, "busy"),
                                                  ("49115234567", 3000, "answered")], id="busy"),
    pytest.param(end(200, RINGING[0], answered(0, 1)), [
        ("line desk", 3000, "answered_elsewhere"), ("49115234567", 3000, "answered")],
        id="elsewhere"),
    pytest.param(end(487, *RINGING), [("line desk", 3000, "cancelled"),
                                      ("49115234567", 3000, "cancelled")], id="the caller"),
    pytest.param(end(487, Row(0, 0, 0, "", 1, 2990, 487, "no_answer")), [
        ("line desk", 3000, "cancelled"), ("49115234567", None, "unreachable")], id="487 came"),
    pytest.param(end(480, *RINGING), [("line desk", None, "no_answer"),
                                      ("49115234567", None, "unreachable")], id="never ended"),
    pytest.param(end(480, BUSY), [("line desk", 200, "busy"), ("49115234567", None, "unreachable")],
                 id="not sent"),
    pytest.param(end(480, steps=((HELD,),)), [("49115234567", None, "denied")], id="a cap"),
    pytest.param(end(200, RINGING[0], answered(1, 0), steps=((DESK,), (MAIL,))), [
        ("line desk", None, "no_answer"), ("voicemail", 3000, "answered")], id="an earlier step"),
    pytest.param(end(200, Row(0, 0, 0), answered(0, 1), steps=((LATER, DESK),)), [
        ("49115234567", None, "not_reached"), ("line desk", 3000, "answered")], id="it waited"),
])
def test_what_became_of_each_target(ended: Ended, branches: list[object]) -> None:
    assert became(ended) == branches


def test_a_second_pass_tells_its_branches_itself() -> None:
    outer = Row(0, 0, 0, "", 5010, 6000, 0, "no_answer")
    ended = end(480, outer, RINGING[1], steps=((LATER, DESK),))
    rows = (Row(0, 0, 5000, "a:1", None, 5200, 503, "unreachable"),
            Row(0, 0, 5200, "b:1", 5300, 6000, 0, "no_answer"))
    parts = [Part(AT_MS, Trail((0,), rows, (0, 0))), Part(AT_MS + 1, Trail((0,), rows, (0, 1)))]
    found = chapter(ended, *parts).branches
    assert [(one.sent_ms, one.hop) for one in found[:2]] == [(5000, "a:1"), (5200, "b:1")]
    assert found[0] == Branch(0, LATER, "a:1", 5000, None, 5200, 503, "unreachable")
    assert [one.tried for one in found] == [LATER, LATER, DESK]


@pytest.mark.parametrize(("entries", "result", "status"), [
    ([], Result.IN_PROGRESS, 0),
    ([end(200, answered(0, 1))], Result.ANSWERED, 200),
    ([end(200, answered(0, 0), steps=((MAIL,),))], Result.VOICEMAIL, 200),
    ([end(486)], Result.BUSY, 486), ([end(480)], Result.NO_ANSWER, 480),
    ([end(408)], Result.NO_ANSWER, 408), ([end(487)], Result.CANCELLED, 487),
    ([end(603)], Result.REJECTED, 603), ([end(404)], Result.REJECTED, 404),
    ([end(500)], Result.FAILED, 500), ([end(503)], Result.FAILED, 503),
])
def test_how_a_call_ended(entries: list[Entry], result: Result, status: int) -> None:
    assert (chapter(*entries).result, chapter(*entries).status) == (result, status)


@pytest.mark.parametrize(("status", "result"), [(302, Result.REDIRECTED), (603, Result.REJECTED),
                                                (482, Result.REJECTED), (503, Result.FAILED)])
def test_a_call_that_we_answered_at_once(status: int, result: Result) -> None:
    (found,) = call_story.chapters([replace(DECIDED, said=Said(status, "why"))])
    assert (found.result, found.status, found.branches) == (result, status, ())


def test_the_first_bye_ends_an_answered_call() -> None:
    up = end(200, answered(0, 1))
    byes = HungUp(AT_MS + 9000, "callee"), HungUp(AT_MS + 8000, "caller")
    found = chapter(up, *byes)
    assert (found.hung_up, found.answered_ms, found.duration_ms, found.answered_by) == (
        byes[1], AT_MS + 3000, 5000, "49115234567")
    assert (chapter(up).hung_up, chapter(up).duration_ms) == (None, None)
    assert chapter(up, HungUp(AT_MS, "caller")).duration_ms == 0
    not_up = chapter(end(486), *byes)
    assert (not_up.hung_up, not_up.duration_ms, not_up.answered_by) == (None, None, "")


def test_each_number_that_a_call_id_came_to_is_a_chapter() -> None:
    second = replace(DECIDED, number="42027777101", received_ms=AT_MS + 50)
    ended = replace(end(486), number="42027777101", received_ms=AT_MS + 50)
    found = call_story.chapters([ended, second, end(200, answered(0, 1)), DECIDED, DECIDED])
    assert [(one.decided.number, one.status) for one in found] == [
        ("42027777100", 200), ("42027777101", 486)]


def test_an_end_whose_decision_is_missing_is_no_chapter() -> None:
    assert call_story.chapters([end(200), HungUp(AT_MS, "caller")]) == []
