# SPDX-License-Identifier: GPL-2.0-or-later
"""A second edge proxy in an arrangement, on the same Redis, at address .2."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.caller import Caller, Calls, Dialling
from tests.support.edge import START, Edge
from tests.support.loopback import free_udp_port
from tests.support.situation import PAI_TRUNK, Situation

OTHER_PROXY = 2


@dataclass(frozen=True)
class OtherEdge:
    """The second proxy, and the trusted trunk as it calls there."""

    edge: Edge
    trunk: Caller

    def dial(self, dialling: Dialling) -> Calls:
        """Start a call through it and return at once."""
        return self.trunk.dial(dialling)


@contextmanager
def other_edge(
    situation: Situation, folder: Path, operator: Mapping[str, Any] | None = None, *,
    command: Sequence[str] = START, **settings: str,
) -> Iterator[OtherEdge]:  # fmt: skip
    """Runs it as long as the block lasts, with these FOLLOWME_ settings of its own; so long the
    operator's file has these keys, for our edge too.
    """
    own = {"ADDRESS": situation.network.address(OTHER_PROXY), "SPIRAL_PORT": str(free_udp_port())}
    edge = Edge(folder / "edge", {**situation.settings, **own, **settings}, command=command)
    with situation.with_network(**(operator or {})), ExitStack() as ends:
        edge.start()
        ends.callback(edge.stop)
        yield OtherEdge(edge, Caller(situation.network.address(PAI_TRUNK), edge.proxy, folder))
