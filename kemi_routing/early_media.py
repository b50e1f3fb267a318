# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose early media the caller hears (SPEC F11): that of the last possible target alone."""

from collections.abc import Iterable

from kemi_routing.plan import END
from kemi_routing.plan_codec import Hunt

RELIABLE = "100rel"
"""Option tag of provisional answers that are acknowledged (RFC 3262). A phone that is not heard
yet must not send any: what the caller acknowledges would not be what the phone sent.
"""


def passes(state: Hunt, branch: int) -> bool:
    """Whether the caller hears what this branch plays before it answers."""
    if state.spiral:  # the first pass hears what comes through a second one
        return True
    index = state.target_of(branch)
    if index is None:
        return False
    step = state.running
    if step.targets[index].target.kind.answers:
        return True
    alone = sum(target >= 0 for target in state.branches) == 1
    last = {step.then, step.end, *(to for _, to in step.on)} == {END}
    return alone and (last or state.early_media)


def options(values: Iterable[str]) -> list[str]:
    """The option tags in the values of Supported or Require headers, in small letters."""
    tags = (tag.strip().lower() for value in values for tag in value.split(","))
    return [tag for tag in tags if tag]
