# SPDX-License-Identifier: GPL-2.0-or-later
"""The decision: what is rung in which order, and why (DESIGN law 2)."""

from dataclasses import dataclass

from kemi_routing.targets import Target


@dataclass(frozen=True, slots=True)
class Planned:
    """A target of the plan; ``cli`` is the number presented, None the caller as received."""

    target: Target
    ring_s: int
    cli: str | None = None
    why: str = ""
    label: str = ""


PlannedStep = tuple[Planned, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """How the caller gets into the mailbox (SPEC V2): grade A to D, and whether a PIN is asked."""

    grade: str
    ask_pin: bool


@dataclass(frozen=True, slots=True)
class Remark:
    """A rule that lost or a target that was left out, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a call goes. The first four fields are executed, the others explain."""

    number: str
    owner: str
    steps: tuple[PlannedStep, ...]
    access: Access | None = None
    revision: int = 0
    rule: str = ""
    """The rule that won."""
    lost: tuple[Remark, ...] = ()
    skipped: tuple[Remark, ...] = ()
