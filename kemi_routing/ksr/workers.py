# SPDX-License-Identifier: GPL-2.0-or-later
"""What the workers of this proxy do one after another, or only one of them.

``locks`` holds only locks: who has one reads and writes other tables, never the reverse, so nobody
waits for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from kemi_routing.ksr.edge import Edge

LOCKS, ALARMED = "locks", "alarmed"
"""Hash tables of kamailio.cfg, where the lifetime of an alarm stands."""


@contextmanager
def locked(edge: Edge, key: str) -> Iterator[None]:
    """Hold the lock of that name; raises RuntimeError where there is none to be had."""
    htable = edge.ksr.htable
    if htable.sht_lock(LOCKS, key) < 0:  # to unlock it would let go of somebody else's lock
        raise RuntimeError(f"{LOCKS}=>{key} could not be locked")
    try:
        yield
    finally:
        htable.sht_unlock(LOCKS, key)


def alarm_once(edge: Edge, key: str, verb: str, **values: object) -> None:
    """Tell the operator, but of this key not again while its entry lasts."""
    key = f"{verb}:{key}"
    if not edge.ksr.htable.sht_get(ALARMED, key):
        edge.ksr.htable.sht_seti(ALARMED, key, 1)
        edge.alarm(verb, **values)
