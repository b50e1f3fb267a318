# SPDX-License-Identifier: GPL-2.0-or-later
from collections import Counter

import pytest

from kemi_routing.errors import InvalidValue
from kemi_routing.hops import Hop, choose, read

ONE, TWO, THREE, SPARE = Hop("a:1"), Hop("b:1", weight=3), Hop("c:1"), Hop("s:1", priority=2)
GROUP = (SPARE, ONE, TWO, THREE)


@pytest.mark.parametrize(("text", "hop"), [
    ("h:5060", Hop("H:5060")),
    ("h:5060 ; weight=1000", Hop("H:5060", weight=1000)),
    ("h:5060;priority=100;weight=2", Hop("H:5060", weight=2, priority=100)),
])
def test_a_hop_as_it_is_written(text: str, hop: Hop) -> None:
    assert read(text, str.upper) == hop


@pytest.mark.parametrize("option", [
    "", "weight", "weight=", "weight=0", "weight=1001", "weight=-1", "weight=\u0661", "priority=0",
    "priority=101", "share=2", "weight=1;weight=1", f"weight=1{'0' * 5000}"])
def test_a_refused_option_names_the_right_form(option: str) -> None:
    with pytest.raises(InvalidValue, match="write HOST:PORT;weight=W;priority=P"):
        read(f"h:5060;{option}", str)


@pytest.mark.parametrize(("down", "but", "shares"), [
    ((), "", {"a:1": 20, "b:1": 60, "c:1": 20}),
    ((TWO,), "", {"a:1": 50, "c:1": 50}),
    ((), "b:1", {"a:1": 50, "c:1": 50}),
    ((TWO,), "a:1", {"c:1": 100}),
    ((ONE, TWO, THREE), "", {"s:1": 100}),
    ((ONE, TWO), "c:1", {"s:1": 100}),
    (GROUP, "", {"a:1": 20, "b:1": 60, "c:1": 20}),
])
def test_the_best_priority_in_service_shares_by_weight(
        down: tuple[Hop, ...], but: str, shares: dict[str, int]) -> None:
    hops = (choose(GROUP, lambda hop: hop not in down, draw / 100, but) for draw in range(100))
    assert Counter(hop.at for hop in hops if hop) == shares


@pytest.mark.parametrize(("group", "but", "hop"), [
    ((), "", None), ((ONE,), "", ONE), ((ONE,), "a:1", None), ((ONE, SPARE), "a:1", SPARE)])
def test_one_that_is_left_is_taken_whatever_its_health(
        group: tuple[Hop, ...], but: str, hop: Hop | None) -> None:
    assert choose(group, lambda _: False, 0, but) == hop


def test_a_draw_at_its_end_takes_the_last() -> None:
    assert choose((ONE, TWO), lambda _: True, 1.0) == TWO
