# SPDX-License-Identifier: GPL-2.0-or-later
"""What would happen to a call: the question of ``explain`` and of the routing cases.

The answer is made by the same ``decide`` as on the edge, from the same records.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from kemi_routing import dialplan, e164, feature_codes, media_leg
from kemi_routing.decide import OUTGOING, decide_whole, outgoing
from kemi_routing.errors import Forbidden
from kemi_routing.explain import Explained, as_dict
from kemi_routing.feature_codes import FeatureCode
from kemi_routing.model import Call, Number, Verdict
from kemi_routing.plan import Plan
from kemi_routing.record import LineRecord, Records
from kemi_routing.settings import Settings
from kemi_routing.targets import is_name, is_number_key
from kemi_routing.trunks import Asserts, Trunk
from provisioning.moments import moment
from provisioning.problems import Refused
from provisioning.values import number_key

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Question:
    """Who calls what, when and from where; texts as people write them."""

    dialled: str
    """From a line or the mailbox menu as it dials: an extension, a short form, a feature code; an
    extension with its organisation too.
    """
    caller: str = ANONYMOUS
    """A number in any form, or ``anonymous``; a line calls with its own number."""
    at: str = ""
    """As ``moment`` takes it; without an offset the wall clock of the number, of the caller where
    that is an outside number; empty: now.
    """
    via: str = ""
    """Address of a trunk, or the name of a line; empty: a trunk that asserts the caller."""
    diverted: bool = False
    diverters: tuple[str, ...] = ()
    """The numbers that forwarded the call, the last one first."""
    anonymous: bool = False
    verdict: Verdict = Verdict.NONE
    """What the trunk reports of the caller's number (STIR)."""
    menu: str = ""
    """The number from whose mailbox menu its owner dials; then nobody else calls."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The proxy's own final answer, before any plan is made."""

    status: int
    why: str


def answer(question: Question, records: Records, settings: Settings, now: datetime,
           ) -> Explained | Rejected:
    """The plan, or the reject; raises InvalidValue or Refused for what cannot be understood."""
    owned = _owned(question.menu, records) if question.menu else None
    try:
        asked = _from_menu(owned, question) if owned else _asked(question, records, settings)
        if isinstance(asked, Rejected):
            return asked
        call, wanted = asked
        number = next(filter(None, map(records.number, wanted)), None)
        if number is None and owned is None and call.cli:
            owned = records.number(call.cli)
        zone = _zone(number or owned)
        at = moment(question.at, zone, now, now)
        plan = (_decided(call, number, at, records, settings) if number
                else _outgoing(call, wanted, owned))
    except Forbidden as error:
        return Rejected(error.status, str(error))
    if plan is None:
        return Rejected(404, f"nobody owns {question.dialled}")
    if plan.rule == OUTGOING and not settings.network.gateways:
        return Rejected(480, "no gateway is configured")
    return as_dict(plan, at.astimezone(zone), settings)


def _zone(number: Number | None) -> ZoneInfo:
    return number.zone if number else ZoneInfo("UTC")


def _decided(call: Call, number: Number, at: datetime, records: Records, settings: Settings,
             ) -> Plan:
    return decide_whole(call, number, at, settings.platform,
                        lambda call, keys: (call, records.numbers(keys)))[1]


def _outgoing(call: Call, wanted: tuple[str, ...], owned: Number | None) -> Plan | None:
    if owned is None or not wanted or not e164.is_number(wanted[-1]):
        return None
    return outgoing(call, owned, wanted[-1])


def _owned(written: str, records: Records) -> Number:
    number = records.number(number_key(written))
    if number is None:
        raise Refused(f"{written}: nobody owns this number")
    return number


def _from_menu(number: Number, question: Question) -> tuple[Call, tuple[str, ...]]:
    return (media_leg.from_menu(number, anonymous=question.anonymous),
            media_leg.dialled(number, _short(question.dialled, number.organisation)))


def _asked(question: Question, records: Records, settings: Settings,
           ) -> tuple[Call, tuple[str, ...]] | Rejected:
    """The call, and the numbers that it can be meant for."""
    anonymous = question.anonymous or question.caller == ANONYMOUS
    ani = None if question.caller == ANONYMOUS else e164.normalise(question.caller)
    trunk: Trunk | None = Trunk(Asserts.PAI)
    if question.via:
        address = _address(question.via)
        if address is None:
            return _dialled(_line(question.via.removeprefix("line "), records), question)
        trunk = settings.network.trunk_at(address)
    if trunk is None:
        return Rejected(403, f"{question.via} is not a trusted trunk (followme show network)")
    asserted = ani is not None and trunk.asserts is not Asserts.NOTHING
    diverters = tuple(map(e164.normalise, question.diverters))
    return Call(ani, asserted, anonymous, question.verdict, diverters,
                diverted=question.diverted or bool(diverters)), (_number(question.dialled),)


def _number(dialled: str) -> str:
    short = dialled.partition("/")[2] if is_number_key(dialled) else dialled
    if dialplan.is_extension(short):
        raise Refused(f"{dialled} is an extension, which is dialled from lines: "
                      f"explain {short} --via LINE")
    return e164.normalise(dialled)


def _short(dialled: str, organisation: str) -> str:
    """An extension as its organisation dials it; raises Refused for that of another one."""
    home, slash, extension = dialled.partition("/")
    if not (slash and is_number_key(dialled)):
        return dialled
    if home != organisation:
        raise Refused(f"{dialled} is an extension of {home}, which {organisation} cannot dial; "
                      "write the personal number of that subscriber")
    return extension


def _line(name: str, records: Records) -> LineRecord:
    line = records.line(name) if is_name(name) else None
    if line is None:
        raise Refused(f"{name!r} is neither the address of a trunk nor a line")
    return line


def _dialled(line: LineRecord, question: Question) -> tuple[Call, tuple[str, ...]] | Rejected:
    """What a line dials, in the order in which the edge looks at it."""
    organisation, plan = line.owner.partition("/")[0], line.dial_plan
    dialled = _short(question.dialled, organisation)
    if found := feature_codes.match(line.codes, dialled):
        return Rejected(480, _performed(*found))
    if dialplan.is_emergency(plan, dialled):
        return Rejected(404, f"{dialled} is an emergency number, and there is no emergency route")
    number = line.number or None
    call = Call(number, anonymous=question.anonymous, line=line.name, cli=number)
    return call, dialplan.readings(plan, organisation, dialled)


def _performed(code: FeatureCode, behind: str) -> str:
    what = " ".join(filter(None, [code.action, code.sequence]))
    of = f"number {behind}" if behind else "the line's main number"
    return f"feature code {code.code}: {what} for {of}; the caller is told"


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
