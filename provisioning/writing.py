# SPDX-License-Identifier: GPL-2.0-or-later
"""The changes of a plan, made in order; of very many new things some at the same time."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from provisioning.plan_file import Block, Spool
from provisioning.planned import Plan
from provisioning.spread import spread
from provisioning.storage import Change, Storage

MANY = 10_000
_LAST = "organisation"
"""Until all is written that goes by what it shares, there is something to do."""


@dataclass(slots=True)
class Made:
    """What became of some changes."""

    count: int = 0
    """How many were made or lost."""
    changes: list[Change] = field(default_factory=list)
    """Those that were made, as far as anybody is told."""
    conflicts: list[str] = field(default_factory=list)
    """What is to be said of those that met another writer."""
    left: list[Change] = field(default_factory=list)
    """Those that are to be made at the end."""


def write(plan: Plan, connect: Callable[[], Storage]) -> Iterator[Made]:
    """Make the changes; the first thousand come out with what became of them. ``connect`` gives a
    store to each process.
    """
    spool = plan.changes
    alone = plan.counts.get("changed") or plan.counts.get("removed")
    if alone or plan.count < MANY or not isinstance(spool, Spool):
        yield from _one_by_one(plan.writes, connect())
        return
    # Nothing that is new looks at what another new thing writes, so no order is needed.
    left: list[Change] = []
    for made in spread(partial(_write_block, spool, connect), spool.blocks(),
                       len(os.sched_getaffinity(0))):
        left += made.left
        yield made
    yield from _one_by_one(left, connect())


def _one_by_one(changes: Iterable[Change], storage: Storage) -> Iterator[Made]:
    for change, conflict in storage.write_all(changes):
        yield Made(1, conflicts=[str(conflict)]) if conflict else Made(1, [change])


def _write_block(spool: Spool, connect: Callable[[], Storage], block: Block) -> Made:
    made = Made()
    changes = [change for change in spool.within(block) if change.writes]
    made.left = [change for change in changes if change.kind == _LAST]
    for one in _one_by_one((change for change in changes if change.kind != _LAST), connect()):
        made.count += one.count
        made.conflicts += one.conflicts
        if not block.start:
            made.changes += one.changes
    return made
