# SPDX-License-Identifier: GPL-2.0-or-later
"""What every callback needs: KSR, the settings, the store, and answering."""

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kemi_routing.model import Number
from kemi_routing.record import LineRecord
from kemi_routing.settings import Settings

if TYPE_CHECKING:
    from KSR import Api


MAX_WORD = 2000
"""Characters of one value in a log line; a caller chooses some of them."""


class Records(Protocol):
    """Where records come from; raises StoreUnavailable or BrokenRecord."""

    def number(self, digits: str) -> Number | None: ...

    def line(self, name: str) -> LineRecord | None: ...


@dataclass(frozen=True, slots=True)
class Edge:
    """One per process, made before the fork."""

    ksr: "Api"
    settings: Settings
    records: Records
    secret: str
    """Known to this Kamailio only: marks the second pass of a branch, and calls let in."""

    def reply(self, status: int, phrase: str, *headers: str) -> None:
        """Answer the request, within its transaction where there is one."""
        for header in headers:
            self.ksr.hdr.append_to_reply(f"{header}\r\n")
        self.ksr.sl.send_reply(status, phrase)

    def mark(self) -> str:
        """What proves in a later request of this Call-ID that its dialog went through here."""
        call_id = self.ksr.pv.gete("$ci").encode()
        return hmac.new(self.secret.encode(), call_id, "sha256").hexdigest()[:24]

    def log(self, verb: str, **values: object) -> None:
        """One line ``verb callid=… key=value``; values cannot break it up."""
        self.ksr.info(self._line(verb, values))

    def alarm(self, verb: str, **values: object) -> None:
        """The same for what an operator must look into."""
        self.ksr.err(self._line(verb, values))

    def _line(self, verb: str, values: dict[str, object]) -> str:
        try:
            call_id = self.ksr.pv.gete("$ci")
        except UnicodeDecodeError:
            call_id = "unreadable"
        words = (f"{key}={_word(value)}" for key, value in {"callid": call_id, **values}.items())
        return f"{verb} {' '.join(words)}\n"


def _word(value: object) -> str:
    text = str(value)[:MAX_WORD]
    return text if text and text.isprintable() and " " not in text else ascii(text)
