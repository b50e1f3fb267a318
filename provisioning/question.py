# SPDX-License-Identifier: GPL-2.0-or-later
"""What would happen to a call: the question of ``explain`` and of the routing cases.

The answer is made by the same ``decide`` as on the edge, from the same records.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from kemi_routing import e164, render
from kemi_routing.decide import decide, outgoing
from kemi_routing.explain import Explained, as_dict
from kemi_routing.model import Call, Number
from kemi_routing.record import LineRecord
from kemi_routing.settings import Asserts, Settings
from kemi_routing.targets import is_line_name
from provisioning.problems import Refused

ANONYMOUS = "anonymous"


class Records(Protocol):
    """Where numbers and lines come from: the store, or a file of cases."""

    def number(self, digits: str) -> Number | None:
        """The number, None where nobody owns it."""

    def line(self, name: str) -> LineRecord | None:
        """The line, None where there is none."""


@dataclass(frozen=True, slots=True)
class Question:
    """Who calls what, when and from where; texts as people write them."""

    dialled: str
    caller: str = ANONYMOUS
    """A number in any form, or ``anonymous``; a line calls with its own number."""
    at: str = ""
    """ISO 8601, or the time of today; without an offset the number's wall clock; empty: now."""
    via: str = ""
    """Address of a trunk, or the name of a line; empty: a trunk that asserts the caller."""
    diverted: bool = False
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """The proxy's own final answer, before any plan is made."""

    status: int
    why: str


def answer(question: Question, records: Records, settings: Settings, now: datetime,
           ) -> Explained | Rejected:
    """The plan, or the reject; raises InvalidValue or Refused for what cannot be understood."""
    dialled = e164.normalise(question.dialled)
    call = _call(question, records, settings)
    if isinstance(call, Rejected):
        return call
    number = records.number(dialled)
    zone = number.zone if number else ZoneInfo("UTC")
    at = moment(question.at, zone, now)
    plan = decide(call, number, at, settings.platform) if number else outgoing(call, dialled)
    if plan is None:
        return Rejected(404, f"nobody owns {dialled}")
    return as_dict(plan, at.astimezone(zone), lambda planned, cause: render.target_uri(
        planned, dialled, settings, cause))


def moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The time of a question, in UTC; ``now`` where the text is empty.

    Raises Refused for a wall clock time that a DST change leaves out.
    """
    if not text:
        return now.astimezone(UTC)
    if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", text):
        text = f"{now.astimezone(zone):%Y-%m-%d} {text:0>5}"
    try:
        at = datetime.fromisoformat(text)
        instant = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(f"{text!r} is not a time; write 2026-11-23 09:30, or 09:30 for today, "
                      "or with an offset 2026-11-23T09:30+01:00") from None
    clock = instant.astimezone(zone).replace(tzinfo=None)
    if at.tzinfo is None and clock != at:
        raise Refused(f"{at:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks are put forward "
                      f"then, to {clock:%H:%M}")
    return instant


def _call(question: Question, records: Records, settings: Settings) -> Call | Rejected:
    anonymous = question.anonymous or question.caller == ANONYMOUS
    ani = None if question.caller == ANONYMOUS else e164.normalise(question.caller)
    asserts: Asserts | None = Asserts.PAI
    if question.via:
        address = _address(question.via)
        if address is None:
            return _line_call(question.via.removeprefix("line "), anonymous, records)
        asserts = settings.trunks.get(address)
    if asserts is None:
        return Rejected(403, f"{question.via} is not a trusted trunk (FOLLOWME_TRUNKS)")
    asserted = ani is not None and asserts is not Asserts.NOTHING
    return Call(ani, asserted, anonymous, question.diverted)


def _line_call(name: str, anonymous: bool, records: Records) -> Call | Rejected:
    line = records.line(name) if is_line_name(name) else None
    if line is None:
        raise Refused(f"{name!r} is neither the address of a trunk nor a line")
    number = line.number or None
    return Call(number, anonymous=anonymous, line=name, cli=number)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
