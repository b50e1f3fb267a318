# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets that start later within their step, or when nothing else of it rings (SPEC F3).

A delayed target waits in its second pass. That pass tells the first one in a 100 that it waits,
as which of tm's transactions and until when, so that the first pass can wake it. Pure: a hunt in,
a hunt out; times are milliseconds of a monotonic clock that all processes share.
"""

from dataclasses import dataclass, replace

from kemi_routing.plan_codec import Hunt

NOT_HEARD, DUE = "?", "!"
"""In ``Hunt.waiting``: its second pass has not said yet that it waits; it starts when it does."""

MARGIN_MS = 200
"""One that starts by itself within this time is left alone. In Kamailio 5.6 a ``t_continue`` that
comes after the end of the waiting keeps the transaction in memory for ever.
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transaction of tm that waits; its text rides in a header and in ``Hunt.waiting``."""

    index: int
    label: int
    """As KEMI's integers have it, with a sign."""
    until_ms: int

    @property
    def text(self) -> str:
        """The text that ``read`` reads."""
        return f"{self.index}:{self.label}:{self.until_ms}"


Woken = tuple[Hunt, tuple[Waiting, ...]]
"""A hunt, and those that are to start now."""


def read(text: str) -> Waiting:
    """The transaction of such a text; raises ValueError for any other."""
    index, label, until_ms = map(int, text.split(":"))
    return Waiting(index, label, until_ms)


def begin(state: Hunt) -> Hunt:
    """This hunt as its running step starts."""
    targets = state.running.targets
    delayed = any(one.delay_s for one in targets)
    return replace(state, waiting=tuple(NOT_HEARD if one.delay_s else "" for one in targets)
                   if delayed else ())


def over(state: Hunt) -> Hunt:
    """The hunt of a second pass whose target need not wait any more."""
    step = state.running
    ringing = tuple(replace(one, delay_s=0) for one in step.targets)
    return replace(state, steps=(replace(step, targets=ringing),))


def heard(state: Hunt, branch: int, text: str, now_ms: int) -> Woken:
    """After that branch said that it waits; it is believed once. Raises ValueError."""
    target = state.target_of(branch)
    waited = state.waiting[target] if state.waiting and target is not None else ""
    if target is None or waited not in (NOT_HEARD, DUE):
        return state, ()
    if waited == DUE:
        return _set(state, {target: ""}), (read(text),)
    return wake(_set(state, {target: read(text).text}), now_ms)


def wake(state: Hunt, now_ms: int) -> Woken:
    """After something changed: where nothing rings, the earliest of those that wait start."""
    if not state.waiting:
        return state, ()
    left = {index: state.waiting[index] for index, ended in enumerate(state.outcomes)
            if len(ended) < state.branches.count(index)}
    if not left or not {"", DUE}.isdisjoint(left.values()):
        return state, ()
    targets = state.running.targets
    earliest = min(targets[index].delay_s for index in left)
    due = {index: waited for index, waited in left.items()
           if targets[index].delay_s == earliest}
    changed = {index: DUE if waited == NOT_HEARD else "" for index, waited in due.items()}
    waiting = (read(waited) for waited in due.values() if waited != NOT_HEARD)
    return _set(state, changed), tuple(
        one for one in waiting if one.until_ms - now_ms > MARGIN_MS)


def _set(state: Hunt, changed: dict[int, str]) -> Hunt:
    return replace(state, waiting=tuple(changed.get(index, old)
                                        for index, old in enumerate(state.waiting)))
