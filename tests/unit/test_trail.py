# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing import trail
from kemi_routing.trail import Row, Trail

GATEWAY, OTHER = "192.0.2.10:5060", "[2001:db8::1]:5060"


@pytest.mark.parametrize(("events", "rows"), [
    pytest.param([trail.step(0, 5), trail.who([0])], [Row(0, 0, 5)], id="one branch rings still"),
    pytest.param([trail.step(0, 5), trail.ended(0, 20, 486, "busy"), trail.who([0])],
                 [Row(0, 0, 5, over_ms=20, status=486, outcome="busy")], id="it was busy"),
    pytest.param([trail.step(0, 5), trail.ended(0, 2005, 0, "no_answer"), trail.who([0]),
                  trail.step(1, 2006), trail.hops(["", GATEWAY]), trail.answered(2, 2900, 200),
                  trail.who([-1, 0, 1])],
                 [Row(0, 0, 5, over_ms=2005, outcome="no_answer"), Row(1, 0, 2006),
                  Row(1, 1, 2006, GATEWAY, None, 2900, 200, "answered")], id="two steps"),
    pytest.param([trail.step(0, 0), trail.hops([GATEWAY]), trail.ended(0, 9, 503, "unreachable"),
                  trail.elsewhere(1, 10, OTHER), trail.who([0, 0])],
                 [Row(0, 0, 0, GATEWAY, None, 9, 503, "unreachable"), Row(0, 0, 10, OTHER)],
                 id="another gateway"),
    pytest.param([trail.step(0, 0), trail.who([0, 0, 1]), trail.who([-1, -1, -1])],
                 [Row(0, 0, 0), Row(0, 0, 0), Row(0, 1, 0)], id="two phones of a line"),
    pytest.param([trail.step(2, 0), trail.hops([GATEWAY]), trail.who([])], [], id="nobody"),
    pytest.param([trail.step(0, 0), trail.hops([GATEWAY]), trail.who([1])], [Row(0, 1, 0)],
                 id="a target that came later by a redirect"),
])
def test_the_rows_of_what_was_written(events: list[str], rows: list[Row]) -> None:
    text = "".join(events)
    assert trail.read(text) == Trail(trail.read(text).steps, tuple(rows))
    assert text.isascii()


def test_the_steps_that_began_stand_there_even_where_nobody_could_be_sent() -> None:
    assert trail.read(trail.step(0, 0) + trail.who([]) + trail.step(3, 1)).steps == (0, 3)


def test_a_second_pass_knows_its_place_in_the_first() -> None:
    text = trail.second_pass(1, 2) + trail.step(0, 300) + trail.who([-1, 0])
    assert trail.read(text) == Trail((0,), (Row(0, 0, 300),), (1, 2))


def test_ringing_is_told_by_another_clock_and_once() -> None:
    ringing = trail.rang(1, 7120) + trail.rang(12, 7300)
    assert [trail.has_rung(ringing, branch) for branch in (0, 1, 2, 12)] == [
        False, True, False, True]
    told = trail.read(trail.step(0, 5) + trail.who([0, 1]), ringing, 7000)
    assert [row.rang_ms for row in told.rows] == [None, 120]


@pytest.mark.parametrize("text", [";x1", ";s1", ";sa,b", ";b0", ";h", ";e1,2", ";p1", ";f0,1", "z"])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not the trail of a call"):
        trail.read(text)


@pytest.mark.parametrize("ringing", [";1", ";1,2,3", ";a,1"])
def test_other_ringing_is_refused(ringing: str) -> None:
    with pytest.raises(ValueError, match=r"^not the trail of a call"):
        trail.read("", ringing)
