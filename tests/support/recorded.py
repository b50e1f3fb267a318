# SPDX-License-Identifier: GPL-2.0-or-later
"""What the record of a call says, as programs get it."""

from typing import Any

from provisioning import calls, story
from provisioning.problems import Refused
from provisioning.storage import Storage
from tests.support.caller import Outcome
from tests.support.loopback import wait_until
from tests.support.situation import Situation


def record(situation: Situation, heard: Outcome, *, ended: bool = True) -> dict[str, Any]:
    """The only chapter of a call, as programs get it; ``ended``: with its BYE, where answered."""
    storage, call_id = Storage(situation.redis.url), heard.final["Call-ID"]
    found: list[dict[str, Any]] = []

    def is_whole() -> bool:
        try:
            found[:] = map(story.as_dict, calls.story(call_id, storage))
        except Refused:
            return False
        (one,) = found
        over = one["ended"] is not None or one["answered"] is None or not ended
        return one["result"] != "in_progress" and over

    wait_until(is_whole, f"the record of {call_id}")
    return found[0]


def outcomes(one: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    """Target, outcome and status of each branch."""
    return [(each["target"], each["outcome"], each["status"]) for each in one["branches"]]
