# SPDX-License-Identifier: GPL-2.0-or-later
"""An arrangement under hostile messages: what they must not do is looked at from all sides."""

import itertools
import re
import socket
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from tests.support.mutations import Mutated
from tests.support.raw_sip import RawSip
from tests.support.situation import PAI_TRUNK, SIP_PORT, STRANGER, Situation
from tests.support.torture import datagram
from tests.support.trap import Trap

NUMBER, MOBILE = "42027777101", "42073723101"
ELSEWHERE = 70
"""An address that nobody is to reach."""
_MEANT = re.compile(rf"(INVITE|ACK|CANCEL) sip:{MOBILE}@\S+ SIP/2\.0\s?")
"""What the mobile is to hear."""
_WRONG = re.compile(r"traceback|CRITICAL|BUG|error callid", re.I)
LARGEST = 65_000
"""Bytes of a UDP datagram."""
_ids = itertools.count(1)


class Besieged:
    """Its number rings one mobile behind the gateway, which is busy."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._ends = ExitStack()
        address = situation.network.address
        self.values = {"NUMBER": NUMBER, "PROXY": situation.settings["ADDRESS"],
                       "ELSEWHERE": address(ELSEWHERE)}  # fmt: skip
        self.mobile = Trap(situation.gateway.address[0], busy=True)
        self.elsewhere = Trap(address(ELSEWHERE), SIP_PORT)
        self._lost = 0
        self._log = len(situation.edge.log)

    def __enter__(self) -> Self:
        for trap in (self.mobile, self.elsewhere):
            self._ends.enter_context(trap)
        gateway = self._situation.gateway
        gateway.unknown.clear()
        gateway.connect(MOBILE, self.mobile.address)
        self._ends.callback(gateway.disconnect, MOBILE)
        self._prober = self._ends.enter_context(self._raw(PAI_TRUNK))
        self._workers = self._situation.edge.worker_pids()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self._ends.close()

    def ask(self, via: int, message: str) -> int | None:
        """Send a message; the code of its first answer above 199, None where there is none."""
        with self._raw(via) as raw:
            heard = raw.ask(self.written(raw, message), 0.3)
            while heard is not None and (heard.code or 0) < 200:
                heard = raw.receive(0.3)
        return heard.code if heard else None

    def send(self, via: int, message: str) -> None:
        """Send a message and go on."""
        with self._raw(via) as raw:
            raw.send(self.written(raw, message))

    def written(self, raw: RawSip, message: str) -> bytes:
        """The message as it is sent from there."""
        host, port = raw.address
        return datagram(message, **self.values, ID=str(next(_ids)), SENDER=host, PORT=str(port))

    def send_all(self, messages: Iterable[Mutated]) -> None:
        """Send them one after another, with a probe after each twenty."""
        proxy = self._situation.edge.proxy
        spiral = ("127.0.0.1", int(self._situation.settings["SPIRAL_PORT"]))
        with ExitStack() as ends:
            senders = [ends.enter_context(self._raw(via)) for via in (PAI_TRUNK, STRANGER)]
            own = ends.enter_context(RawSip("127.0.0.1", spiral))
            for number, message in enumerate(messages):
                raw = own if message.to_spiral else senders[number % 2]
                written = self.written(raw, message.text)
                if message.over_tcp and raw is not own:
                    _over_tcp(raw.address[0], proxy, written)
                else:
                    raw.send(written[:LARGEST])
                if number % 20 == 19:
                    self.probe()

    def probe(self) -> None:
        """Ask by OPTIONS whether the edge is there."""
        heard = self._prober.ask(self._prober.request("OPTIONS", "sip:edge"))
        self._lost += heard is None or heard.code != 200

    def harm(self) -> list[str]:
        """All that went wrong since the beginning."""
        self.probe()
        edge, gateway = self._situation.edge, self._situation.gateway
        found = [f"{self._lost} probes lost"] if self._lost else []
        found += [f"worker {pid} ended" for pid in set(self._workers) - set(edge.worker_pids())]
        found += [line for line in edge.log[self._log:].splitlines() if _WRONG.search(line)]
        found += [f"the mobile heard {line}" for line in self.mobile.requests
                  if not _MEANT.fullmatch(line)]  # fmt: skip
        found += [f"the gateway heard {one[:80]!r}" for one in gateway.unknown]
        found += [f"elsewhere heard {line}" for line in self.elsewhere.requests]
        if self.elsewhere.connections:
            found.append(f"{self.elsewhere.connections} connections elsewhere")
        return found

    def _raw(self, last: int) -> RawSip:
        return RawSip(self._situation.network.address(last), self._situation.edge.proxy)


def _over_tcp(source: str, proxy: tuple[str, int], message: bytes) -> None:
    with suppress(ConnectionError, TimeoutError), socket.create_connection(
            proxy, timeout=2, source_address=(source, 0)) as connection:
        connection.sendall(message)
