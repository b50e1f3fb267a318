# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from kemi_routing import early_media
from kemi_routing.plan import Account, PlannedStep
from kemi_routing.plan_codec import Hunt
from tests.support.builders import OFFICE, planned

LAST, VOICEMAIL = planned(OFFICE), planned("voicemail")


def hunt(*steps: PlannedStep, branches: tuple[int, ...] = (0,), early_media: bool = False) -> Hunt:
    state = Hunt((Account("1", "o"),), steps, early_media=early_media).jump_to(0)
    return replace(state, branches=branches)


@pytest.mark.parametrize(("state", "passes"), [
    (hunt(LAST), True),
    (hunt(planned(OFFICE, then=1, end=1), VOICEMAIL), False),
    (hunt(planned(OFFICE, busy=1), LAST), False),
    (hunt(planned(OFFICE, end=1), LAST), False),
    (hunt(planned(OFFICE, then=1, end=1), VOICEMAIL, early_media=True), True),
    (hunt(planned(OFFICE, "line desk"), branches=(0, 1)), False),
    (hunt(planned(OFFICE, "line desk"), branches=(0, 1), early_media=True), False),
    (hunt(planned("line desk"), branches=(0, 0)), False),
    (hunt(planned(OFFICE, "line desk"), branches=(0,)), True),
    (hunt(VOICEMAIL), True),
    (hunt(planned("menu main", OFFICE), branches=(0, 1)), True),
    (hunt(LAST, branches=(-1, 0)), False),
    (replace(hunt(planned(OFFICE, then=1, end=1), VOICEMAIL), spiral=True), True),
])
def test_only_the_last_possible_target_is_heard(state: Hunt, passes: bool) -> None:
    assert early_media.passes(state, 0) is passes


def test_a_branch_after_those_of_earlier_steps_is_heard() -> None:
    assert early_media.passes(hunt(LAST, branches=(-1, -1, 0)), 2)


@pytest.mark.parametrize(("values", "tags"), [
    ([], []), (["100rel, Timer"], ["100rel", "timer"]), (["timer,", " 100REL "],
                                                         ["timer", "100rel"])])
def test_option_tags_are_read(values: list[str], tags: list[str]) -> None:
    assert early_media.options(values) == tags
