# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes: small scripts of KSR calls, run on the fake and inside the real Kamailio.

A probe is a handler (the callbacks) and a talk (what caller and phones say, as told to a `Line`).
Both lines record what went out and what the callbacks noted; the records must be equal.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tests.support.sip_message import Headers, Request

if TYPE_CHECKING:
    from KSR import Api

CALLBACKS = (
    "ksr_request_route", "on_branch", "on_failure", "on_branch_failure", "on_reply", "on_continue",
)  # fmt: skip

SHOWN_OF_REQUEST = ("From", "X-One", "X-New", "Max-Forwards", "Reason")
SHOWN_OF_REPLY = ("From", "X-One", "X-New", "Contact", "Content-Type")
COUNTED = ("Record-Route", "Route")
_PORT_OF_ALIAS = re.compile(r"~\d+~")
CHANGED = "Changed"
"""The reason that probes put in place of a phone's."""

Note = Callable[[object], None]
Handler = Callable[["Api", Note], object]


class Line(Protocol):
    """The caller's and the phones' end of a Kamailio, real or fake."""

    record: "Record"
    phones: str
    """Host and port where all phones are."""
    spiral: str
    """Kamailio's second socket."""

    def send(self, request: Request) -> None:
        """The caller sends; returns when the request route has run."""

    def rings(self, user: str) -> Headers:
        """Waits for the request to that phone; gives its headers."""

    def answer(
        self, user: str, code: int, *headers: tuple[str, str | bytes], body: str = ""
    ) -> None:
        """The phone answers its INVITE."""

    def waited(self) -> None:
        """The time of the suspended transaction runs out."""

    def silence(self, user: str) -> None:
        """The phone says nothing until tm's timer ends."""

    def cancelled(self, user: str) -> None:
        """Waits for the CANCEL to that phone; the phone then ends its INVITE with 487."""

    def replied(self) -> Headers:
        """Waits for the next answer to the caller."""

    def final(self) -> None:
        """Waits for the caller's final answer."""


@dataclass
class Record:
    """What came out, in order: requests to phones, answers to the caller, notes by callback."""

    forwarded: list[Any] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)


class Script:
    """What the handlers of all probes have in common."""

    def __init__(self, ksr: "Api", note: Note) -> None:
        self.ksr = ksr
        self.note = note

    def phone(self, user: str) -> str:
        """A URI that leads to the test."""
        return f"sip:{user}@{self.ksr.hdr.gete('X-Phones')}"


@dataclass(frozen=True)
class Probe:
    """A named handler with the talk that exercises it."""

    name: str
    handler: Handler
    talk: Callable[[Line], None]
    tolerated: tuple[object, ...] = ()
    """Of a misuse: what the last callback notes in a real Kamailio; the fake refuses it."""


COLLECTED: dict[str, Probe] = {}
"""All probes by name."""


class Conversation(Script):
    """A probe whose talk stands beside its callbacks; subclasses collect themselves."""

    tolerated: tuple[object, ...] = ()

    def __init_subclass__(cls) -> None:
        COLLECTED[cls.__name__] = Probe(cls.__name__, cls, cls.talk, cls.tolerated)

    @staticmethod
    def talk(line: Line) -> None:
        """The caller sends, and waits for the final answer."""
        line.send(Request())
        line.final()

    def ring_both(self) -> int:
        """A request route: to phones a and b, whose ends come to the two failure callbacks."""
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.corex.append_branch_uri(self.phone("b"))
        ksr.tm.t_on_failure("on_failure")
        ksr.tm.t_on_branch_failure("on_branch_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def note_end(self) -> int:
        """A failure callback that tells what it sees."""
        self.note(self.end()[:5])
        return 1

    def relay_and_hear(self) -> int:
        """A request route: to phone a, whose answers come to ``on_reply``."""
        self.ksr.seturi(self.phone("a"))
        self.ksr.tm.t_on_reply("on_reply")
        self.note(self.ksr.tm.t_relay())
        return 1

    def end(self) -> list[object]:
        """What a failure route sees."""
        tm, pv = self.ksr.tm, self.ksr.pv
        return [
            pv.get("$T_branch_idx"),
            pv.get("$T_reply_code"),
            tm.t_branch_timeout(),
            tm.t_branch_replied(),
            tm.t_is_canceled(),
            pv.get("$ru"),
        ]


def call(handler: object, callback: str, note: Note) -> int:
    """Runs a callback; an error of Kamailio's is noted by its type."""
    method: Callable[[object], int] = getattr(handler, callback)
    try:
        return method(None)
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001  an error is a result here
        note(f"raised {type(error).__name__}")
        return -1


def outcome(function: Callable[..., Any], *args: object) -> object:
    """What a KSR function returns, or the name of what it raises."""
    try:
        return function(*args)
    except (SystemError, TypeError, AttributeError, UnicodeError, OverflowError, ValueError) as e:
        return type(e).__name__


def seen_by_phone(headers: Headers) -> dict[str, object]:
    """The headers of a request that a record keeps; of some only how many there are."""
    kept = {name: values for name in SHOWN_OF_REQUEST if (values := headers.all(name))}
    counted = {name: len(values) for name in COUNTED if (values := headers.all(name))}
    return {**kept, **counted}


def seen_by_caller(reason: str, headers: Headers, body: str) -> dict[str, object]:
    """What a record keeps of an answer; of its reason only that we changed it."""
    kept = {name: [_PORT_OF_ALIAS.sub("~port~", value) for value in values]
            for name in SHOWN_OF_REPLY if (values := headers.all(name))}
    return {**kept, **({"reason": reason} if reason == CHANGED else {}), **(
        {"body": body} if body else {})}
