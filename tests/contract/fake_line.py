# SPDX-License-Identifier: GPL-2.0-or-later
"""A probe's line to the fake Kamailio."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.contract.probing import Handler, Record, call, seen_by_caller, seen_by_phone
from tests.support.fake_ksr import FakeKamailio
from tests.support.fake_state import Forwarded
from tests.support.sip_message import Address, Headers, Request

if TYPE_CHECKING:
    from KSR import Api

CALLER = Address("127.0.0.1", 5070)


class FakeLine:
    """Plays the talk of one probe on a fake of its own."""

    phones = "127.0.0.1:5080"
    spiral = "udp:127.0.0.1:5059"

    def __init__(self, handler: Handler) -> None:
        self.record = Record()
        self.kamailio = FakeKamailio(self._handlers(handler))
        self._answers = 0

    def send(self, request: Request) -> None:
        """The caller sends."""
        sent = request.with_headers(("X-Phones", self.phones), ("X-Spiral", self.spiral))
        self.kamailio.receive(replace(sent, source=CALLER))

    def rings(self, user: str) -> Headers:
        """The headers of the latest request to that phone."""
        return self.kamailio.branch(user).headers

    def answer(
        self, user: str, code: int, *headers: tuple[str, str | bytes], body: str = ""
    ) -> None:
        """The phone answers."""
        heard = self.rings(user)
        copied = [("From", heard.get("From") or ""), ("To", f"{heard.get('To')};tag=phone")]
        self.kamailio.answer(user, code, "Answer", (*copied, *headers), body)

    def waited(self) -> None:
        """tm's timer of the suspended transaction ends."""
        waiting = next(each for each in self.kamailio.transactions if each.suspended)
        self.kamailio.time_out(waiting.branches[0])

    def silence(self, user: str) -> None:
        """tm's timer ends."""
        self.kamailio.time_out(user)

    def cancelled(self, user: str) -> None:
        """The phone was told to stop and does."""
        branch = self.kamailio.branch(user)
        assert branch.cancel_sent
        self.answer(user, 487)

    def replied(self) -> Headers:
        """The next answer to the caller."""
        reply = self.kamailio.replies[self._answers]
        self._answers += 1
        seen = seen_by_caller(reply.reason, reply.headers, reply.body)
        if reply.code > 100:
            self.record.replies.append([reply.code, seen])
        return reply.headers if reply.code > 100 else self.replied()

    def final(self) -> None:
        """All answers to the caller until the final one."""
        self.replied()
        while self.record.replies[-1][0] < 200:
            self.replied()

    def settle(self) -> None:
        """Takes the remaining answers and all that left."""
        while any(reply.code > 100 for reply in self.kamailio.replies[self._answers :]):
            self.replied()
        self.record.forwarded = [self._seen(each) for each in self.kamailio.forwarded]

    def _seen(self, sent: Forwarded) -> list[object]:
        first = f"{sent.method} {sent.uri.removesuffix(f'@{self.phones}')}"
        socket_name = "spiral" if sent.send_socket == self.spiral else "main"
        return [first, socket_name, seen_by_phone(sent.headers)]

    def _handlers(self, handler: Handler) -> Callable[["Api"], object]:
        record = self.record

        class Entry:
            """As the entry script of the real line: notes go to the record with the callback."""

            def __init__(self, ksr: "Api") -> None:
                self._ksr = ksr

            def __getattr__(self, name: str) -> object:
                return lambda _message: self._run(name)

            def _run(self, name: str) -> int:
                notes: list[object] = []
                status = call(handler(self._ksr, notes.append), name, notes.append)
                record.notes.append([name, *notes])
                return status

        return Entry
