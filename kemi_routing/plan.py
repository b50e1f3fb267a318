# SPDX-License-Identifier: GPL-2.0-or-later
"""The decision: what is rung in which order, and why (DESIGN law 2)."""

from dataclasses import dataclass
from enum import StrEnum

from kemi_routing.model import CONFIRM_S, Outcome
from kemi_routing.permissions import Rights
from kemi_routing.targets import Target

END = -1
"""In place of the index of a step: nothing comes next, the caller gets the final answer."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A target of the plan; ``cli`` is the number presented, None the caller as received."""

    target: Target
    ring_s: int
    cli: str | None = None
    why: str = ""
    label: str = ""
    delay_s: int = 0
    """Seconds after the step's start until it rings."""
    confirm: bool = False
    account: int = 0
    """Index in ``Plan.accounts``: whose forwarding this is."""
    own: bool = False
    """It is that subscriber's own line: where it declines, the hunt goes to the end (SPEC F6)."""
    redirected: bool = False
    """A 302 led here (SPEC F10): one of its own is not followed."""

    @property
    def over_s(self) -> int:
        """Seconds after the step's start when it has rung out, its prompt included."""
        return self.delay_s + self.ring_s + CONFIRM_S * self.confirm


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """Targets that ring together, and the index of the step that comes next (SPEC F2, F6)."""

    targets: tuple[Planned, ...]
    then: int = END
    """After any outcome that has no other continuation."""
    end: int = END
    """The end of the sequence: where a refusal of the subscriber's own line leads."""
    on: tuple[tuple[Outcome, int], ...] = ()
    """Continuations per outcome; all indexes are greater than that of this step."""


@dataclass(frozen=True, slots=True)
class Account:
    """A number that has a part in the plan: the dialled one, then those it was handed over to."""

    number: str
    owner: str
    rights: Rights = Rights()
    by: int = 0
    """Index of the account that handed the call over; 0 for the dialled one itself."""
    cli: str | None = None
    """What outside targets of this number see; None: the caller as received (SPEC V5)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as outside targets are told (SPEC V5)."""

    ani: str | None = None
    """Digits; None where the call has no number."""
    anonymous: bool = False
    history: str = ""
    """Index of the last History-Info entry of the call (RFC 7044)."""
    cli: str | None = None
    """Number of the registered line that calls, shown instead of its From."""


class Outgoing(StrEnum):
    """Whether the mailbox menu offers calls to others (SPEC V4)."""

    NO = "no"
    PIN = "pin"
    """Once the PIN was given."""
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Access:
    """How the caller gets into the mailbox (SPEC V2): grade A to D, and whether a PIN is asked."""

    grade: str
    ask_pin: bool
    outgoing: Outgoing = Outgoing.NO


@dataclass(frozen=True, slots=True)
class Remark:
    """A rule that lost or a target that was left out, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a call goes. The first five fields are executed, the others explain."""

    accounts: tuple[Account, ...]
    steps: tuple[PlannedStep, ...]
    caller: Caller = Caller()
    access: Access | None = None
    reject: tuple[int, str] | None = None
    """Our own final answer, status and phrase; there are no steps then."""
    revision: int = 0
    rule: str = ""
    """The rule that won."""
    lost: tuple[Remark, ...] = ()
    skipped: tuple[Remark, ...] = ()
    handed: tuple[Remark, ...] = ()
    """Steps that hand the call over to another number of ours, and the rule that won there."""
    wanted: frozenset[str] = frozenset()
    """Numbers of ours that must be known for the plan to be whole (SPEC T5)."""

    @property
    def number(self) -> str:
        """The number that was called."""
        return self.accounts[0].number

    @property
    def owner(self) -> str:
        """Whose number that is."""
        return self.accounts[0].owner
