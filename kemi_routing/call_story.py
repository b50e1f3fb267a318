# SPDX-License-Identifier: GPL-2.0-or-later
"""The entries of one Call-ID joined: a chapter per time that the call came to a number of ours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from kemi_routing.call_record import Decided, Ended, Entry, HungUp, Part, Tried
from kemi_routing.model import Outcome
from kemi_routing.targets import Kind
from kemi_routing.trail import ANSWERED, Row

CANCELLED = "cancelled"
"""The caller hung up while it rang."""
ELSEWHERE = "answered_elsewhere"
DENIED = "denied"
"""A cap held it back."""
NOT_REACHED = "not_reached"
"""It was to start later, and the call was over before."""
_MEDIA = tuple(str(kind) for kind in Kind if kind.answers)


class Result(StrEnum):
    """How a call ended, for lists; the values are stable."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"
    """Voicemail, a mailbox or another media application answered."""
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"
    REDIRECTED = "redirected"
    REJECTED = "rejected"
    """We refused it, or the callee did."""
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    """No end was seen: it rings still, or this proxy died."""


_BY_STATUS = {302: Result.REDIRECTED, 408: Result.NO_ANSWER, 480: Result.NO_ANSWER,
              486: Result.BUSY, 487: Result.CANCELLED, 600: Result.BUSY}


@dataclass(frozen=True, slots=True)
class Branch:
    """A target that was tried: one INVITE, or none where ``sent_ms`` is None.

    Times are milliseconds since the call came.
    """

    step: int
    tried: Tried
    hop: str
    sent_ms: int | None
    rang_ms: int | None
    over_ms: int | None
    status: int
    """Its final answer; 0: none."""
    outcome: str
    """A value of ``Outcome``, ``answered``, or one of those above."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A call to one number."""

    decided: Decided
    ended: Ended | None
    branches: tuple[Branch, ...]
    hung_up: HungUp | None
    """Its BYE; None: no end was seen, or it was never answered."""

    @property
    def status(self) -> int:
        """What the caller heard; 0: nothing yet."""
        if self.decided.said:
            return self.decided.said.status
        return self.ended.status if self.ended else 0

    @property
    def answered_by(self) -> str:
        """The target that answered; empty where none did."""
        return next((one.tried.target for one in self.branches if one.outcome == ANSWERED), "")

    @property
    def answered_ms(self) -> int | None:
        """UTC epoch; None: it was not answered."""
        if self.ended is None or not 200 <= self.ended.status < 300:
            return None
        return self.decided.received_ms + self.ended.after_ms

    @property
    def duration_ms(self) -> int | None:
        """From the answer to the BYE; None where one of them is missing."""
        if self.answered_ms is None or self.hung_up is None:
            return None
        return max(0, self.hung_up.at_ms - self.answered_ms)

    @property
    def result(self) -> Result:
        """For lists and filters."""
        if self.answered_ms is not None:
            media = self.answered_by.partition(" ")[0] in _MEDIA
            return Result.VOICEMAIL if media else Result.ANSWERED
        if not self.status:
            return Result.IN_PROGRESS
        by_class = Result.FAILED if 500 <= self.status < 600 else Result.REJECTED
        return _BY_STATUS.get(self.status, by_class)


def chapters(entries: Iterable[Entry]) -> list[Chapter]:
    """The chapters of a call, in order; entries whose decision is missing are left out."""
    told = list(entries)
    byes = sorted((one for one in told if isinstance(one, HungUp)), key=lambda one: one.at_ms)
    ends = {_id(one): one for one in told if isinstance(one, Ended)}
    parts = [one for one in told if isinstance(one, Part)]
    found = []
    for one in {_id(one): one for one in told if isinstance(one, Decided)}.values():
        end = ends.get(_id(one))
        up = end is not None and 200 <= end.status < 300
        found.append(Chapter(
            one, end, tuple(_branches(end, parts)) if end else (),
            byes[0] if byes and up else None))
    return sorted(found, key=lambda one: one.decided.received_ms)


def _id(entry: Decided | Ended) -> tuple[str, int]:
    return entry.number, entry.received_ms


def _branches(end: Ended, parts: list[Part]) -> Iterator[Branch]:
    second = {part.trail.place: part.trail.rows for part in parts
              if part.received_ms == end.received_ms}
    for step in end.trail.steps:
        for index, tried in enumerate(end.steps.get(step, ())):
            own = [row for row in end.trail.rows if (row.step, row.target) == (step, index)]
            rows = second.get((step, index), () if tried.delay_s else own)
            if rows:
                running = step == end.trail.steps[-1]
                yield from (_branch(step, tried, row, end, running=running) for row in rows)
            else:
                yield _unsent(step, tried, end, waited=bool(own))


def _branch(step: int, tried: Tried, row: Row, end: Ended, *, running: bool) -> Branch:
    """``running``: its step rang when the call was answered or given up."""
    over_ms, outcome = row.over_ms, row.outcome
    if running and (not outcome or row.status == 487):
        stopped = CANCELLED if end.status == 487 else ELSEWHERE if end.status < 300 else ""
        if stopped:
            over_ms, outcome = end.after_ms, stopped
    # Its second pass may hear the CANCEL of the step before its own timer ends.
    outcome = outcome or str(Outcome.UNREACHABLE if row.rang_ms is None else Outcome.NO_ANSWER)
    return Branch(step, tried, row.hop, row.sent_ms, row.rang_ms, over_ms, row.status, outcome)


def _unsent(step: int, tried: Tried, end: Ended, *, waited: bool) -> Branch:
    outcome = DENIED if tried.capped else NOT_REACHED if waited else str(Outcome.UNREACHABLE)
    return Branch(step, tried, "", None, None, None, 0, outcome)
