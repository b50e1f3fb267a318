# SPDX-License-Identifier: GPL-2.0-or-later
"""One call is made, then compared with plans that say something else."""

import copy
from collections.abc import Callable
from typing import Any

from tests.support.phones import busy, ring
from tests.support.planned import assert_as_explained, differences
from tests.support.situation import Situation

NUMBER, CALLER = "42027777101", "42075553333"
DESK, OFFICE, MOBILE = "jana-desk", "49115234567", "42073723101"

Steps = list[dict[str, Any]]

LIES: dict[str, tuple[Callable[[Steps], object], str]] = {
    "another time": (lambda steps: steps[0]["targets"][0].update(ring_s=2), "planned were 2"),
    "a shorter time": (lambda steps: steps[1]["targets"][1].update(ring_s=1), "planned were 1"),
    "another cli inside": (lambda steps: steps[0]["targets"][0].update(cli=NUMBER), "saw"),
    "another cli outside": (lambda steps: steps[1]["targets"][0].update(cli="caller"), "saw"),
    "a target less": (lambda steps: steps[1]["targets"].pop(), "is not planned"),
    "a step less": (lambda steps: steps.pop(0), "is not planned"),
    "another order": (lambda steps: steps.insert(0, steps.pop(1)), "in the order"),
    "one step made two": (
        lambda steps: steps.insert(1, {"targets": [steps[1]["targets"].pop(0)]}), "began at",
    ),
    "a target more": (
        lambda steps: steps[0]["targets"].append(steps[1]["targets"][0]), "planned were 2",
    ),
    "a step more": (lambda steps: steps.insert(1, steps[0]), "were passed over"),
}  # fmt: skip


def test_the_plan_is_what_rang_and_a_lie_is_noticed(situation: Situation) -> None:
    situation.line_phone(DESK, ring())
    for number in (OFFICE, MOBILE):
        situation.outside_phone(number, ring())
    situation.media_server()

    heard = situation.call(NUMBER, CALLER)
    explained = situation.explain(NUMBER, CALLER)

    assert_as_explained(explained, situation, heard)
    for lie, (tell, words) in LIES.items():
        told = copy.deepcopy(explained)
        tell(told["steps"])
        found = differences(told, situation, heard)
        assert words in "; ".join(found), lie


def test_the_final_answer_is_compared(situation: Situation) -> None:
    situation.line_phone(DESK, ring())
    for number in (OFFICE, MOBILE):
        situation.outside_phone(number, busy())
    situation.media_server(busy(503))

    heard = situation.call(NUMBER, CALLER)
    explained = situation.explain(NUMBER, CALLER)

    assert differences(explained, situation, heard) == []
    explained["end"]["otherwise"] = "404"
    assert differences(explained, situation, heard) == ["the end was 480, planned was 404"]
