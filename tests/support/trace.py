# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP messages as SIPp's ``-trace_msg`` log shows them, with the time of each."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# As SIPp 3.6 and 3.7 write it, and as 3.8 does: sent [323] bytes, and the time with T and Z.
_ENTRY = re.compile(
    rb"^-{47} (\d{4}-\d\d-\d\d)[ \tT](\d\d:\d\d:\d\d\.\d+)Z?\n"
    rb"\S+ message (?:(sent)|received) [(\[](\d+)\]? bytes\)? ?:\n\n",
    re.MULTILINE,
)
_COMPACT = {
    "i": "call-id", "m": "contact", "f": "from", "t": "to", "v": "via", "l": "content-length",
    "c": "content-type", "s": "subject", "k": "supported", "e": "content-encoding",
}  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One SIP message on the wire; ``at`` is seconds since the epoch, exact to the microsecond.

    ``sent`` is True for what the traced SIPp sent and False for what it received.
    """

    at: float
    sent: bool
    start_line: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def code(self) -> int | None:
        """Status code of a response, None for a request."""
        return int(self.start_line.split()[1]) if self.start_line.startswith("SIP/") else None

    @property
    def reason_phrase(self) -> str:
        """Reason phrase of a response (RFC 3261 section 7.2)."""
        return self.start_line.split(" ", 2)[2] if self.code is not None else ""

    @property
    def method(self) -> str:
        """Method of the request, or of the CSeq for a response."""
        return self.start_line.split()[0] if self.code is None else self.cseq.split()[1]

    @property
    def uri(self) -> str:
        """Request-URI; empty for a response."""
        return self.start_line.split()[1] if self.code is None else ""

    @property
    def caller_number(self) -> str:
        """User part of the From URI: the number presented."""
        found = re.search(r"sips?:([^@;>]+)@", self["From"])
        return found[1] if found else ""

    @property
    def cseq(self) -> str:
        """The CSeq header, as "1 INVITE"."""
        return self["CSeq"]

    @property
    def call_id(self) -> str:
        """The Call-ID header."""
        return self["Call-ID"]

    @property
    def branch(self) -> str:
        """Branch parameter of the topmost Via: the transaction's name."""
        found = re.search(r";branch=([^;,\s]+)", self["Via"])
        return found[1] if found else ""

    def header(self, name: str) -> str | None:
        """First value of a header, spelled in any case or compact; None when it is absent."""
        values = self.all(name)
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        wanted = _canonical(name)
        return [value for key, value in self.headers if _canonical(key) == wanted]

    def __getitem__(self, name: str) -> str:
        """First value of a header. Raises KeyError, with the message, when it is absent."""
        value = self.header(name)
        if value is None:
            raise KeyError(f"no {name} in {self.start_line}")
        return value


def _canonical(name: str) -> str:
    lowered = name.lower()
    return _COMPACT.get(lowered, lowered)


def parse(text: str, *, at: float = 0.0, sent: bool = False) -> Message:
    """Split one SIP message into start line, unfolded headers and body."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    start_line, *lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
    pairs = (line.partition(":") for line in lines if ":" in line)
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    return Message(at, sent, start_line, headers, body)


def read(log: Path, left_at: Callable[[bytes], float | None] = lambda raw: None) -> list[Message]:
    """All complete messages of a SIPp message log, oldest first. The log's clock is UTC.

    ``left_at`` says when a message left whoever sent it, where it knows better than the log. A log
    that is still being written is cut at the last whole message; no log means no message.
    """
    raw = log.read_bytes() if log.exists() else b""
    messages = []
    for entry in _ENTRY.finditer(raw):
        size = int(entry[4])
        text = raw[entry.end() : entry.end() + size]
        if len(text) == size and text.strip():
            when = datetime.fromisoformat(f"{entry[1].decode()} {entry[2].decode()}")
            at = left_at(text) or when.replace(tzinfo=UTC).timestamp()
            decoded = text.decode("utf-8", "replace")
            messages.append(parse(decoded, at=at, sent=entry[3] is not None))
    return messages


def once(messages: Iterable[Message]) -> list[Message]:
    """The messages without their retransmissions: the first of each transaction, method, code."""
    first: dict[tuple[str, str, str, int | None], Message] = {}
    for message in messages:
        key = (message.call_id, message.branch, message.method, message.code)
        first.setdefault(key, message)
    return list(first.values())


def requests(messages: Iterable[Message], method: str) -> list[Message]:
    """Requests of one method, retransmissions left out."""
    return once(m for m in messages if m.code is None and m.method == method)


def responses(messages: Iterable[Message], method: str = "INVITE") -> list[Message]:
    """Responses to one method, retransmissions left out."""
    return once(m for m in messages if m.code is not None and m.method == method)
