# SPDX-License-Identifier: GPL-2.0-or-later
"""Second passes that wait, for their start or for what a name means (Kamailio module tmx)."""

from collections.abc import Iterable

from kemi_routing.ksr.edge import Edge
from kemi_routing.start_delay import Waiting

ON_OVER = "ksr_delay_over"
"""What a second pass goes on with, woken or at its time."""
WAITS = "X-Followme-Waits"
"""In the 100 of a second pass: that it waits, as which transaction and until when."""


def suspend(edge: Edge, delay_ms: int, now_ms: int) -> Waiting:
    """Let the transaction wait, which the first pass is told: tm's own timer ends it, unless
    somebody wakes it.
    """
    ksr = edge.ksr
    ksr.tm.t_on_failure(ON_OVER)
    ksr.tm.t_set_fr(delay_ms, delay_ms)
    code = ksr.tmx.t_suspend()
    if code < 0:
        raise RuntimeError(f"t_suspend returned {code}")
    waiting = Waiting(ksr.pv.geti("$T(id_index)"), ksr.pv.geti("$T(id_label)"), now_ms + delay_ms)
    ksr.hdr.append_to_reply(f"{WAITS}: {waiting.text}\r\n")
    ksr.tm.t_reply(100, "Waiting")  # only now: who is told can wake it at once
    return waiting


def wake(edge: Edge, waiting: Iterable[Waiting]) -> None:
    """End the waiting of second passes."""
    for one in waiting:
        edge.ksr.tmx.t_continue(one.index, one.label, ON_OVER)
