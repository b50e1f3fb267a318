# SPDX-License-Identifier: GPL-2.0-or-later
"""Kinds of texts that stand in a file, as JSON Schema tells them to editors.

Whether a text is right is ``check``'s to say: a kind lets through all that ``check`` does, and of
the rest what a pattern cannot tell. We read each scalar as text, an editor sees what YAML 1.2 makes
of it: ``20`` is a number there, ``null`` nothing. So a kind has all the types that its texts have.
"""

import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

from kemi_routing.feature_codes import FOR_EVER, NEXT_WINDOW, Action
from kemi_routing.hops import MAX_PRIORITY, MAX_WEIGHT
from kemi_routing.limits import MAX_DELAY_S, MAX_PHONES_AT_ONCE, MAX_RING_S
from kemi_routing.model import CLI_OF_CALLER, CLI_OF_NUMBER, MailboxPolicy, Mode, Outcome
from kemi_routing.schedule import DAYS
from kemi_routing.trunks import MAX_LIMIT, Asserts
from provisioning.values import CLASSES, MAX_TEXT, NO, PERMISSIONS, YES

_TYPES = {"integer": ("0", "00", "42", "-7"), "number": ("1.5", "-1.5", "5.", ".5", "1e5", ".inf"),
          "boolean": ("true", "False"), "null": ("", "~", "null")}
"""Types of YAML 1.2, and texts that have them where they stand without quotes."""
_NUMBER = r"[-+0-9 \u00a0./()]+"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


@dataclass(frozen=True, slots=True)
class Kind:
    """Texts with something in common."""

    example: str
    pattern: str = ""
    """ECMA 262, of the whole text."""
    choices: tuple[str, ...] = ()
    """Texts that are right too; all of them where there is no pattern."""
    least: int | None = None
    most: int | None = None
    """Bounds of a whole number."""

    @property
    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        some: list[dict[str, Any]] = []
        if self.choices:
            some.append({"enum": list(map(str, self.choices))})
        if self.pattern:
            some.append({"type": self._types(), "pattern": f"^(?:{self.pattern})$", **self._bounds})
        return (some[0] if len(some) == 1 else {"anyOf": some}) | {"examples": [self._seen()]}

    def _seen(self) -> str | int:
        """The example as an editor sees it without quotes."""
        plain = re.fullmatch("0|[1-9][0-9]*", self.example)
        return int(self.example) if plain else self.example

    @property
    def _bounds(self) -> dict[str, int]:
        bounds = {"minimum": self.least, "maximum": self.most}
        return {key: bound for key, bound in bounds.items() if bound is not None}

    def _types(self) -> list[str]:
        of_yaml = [name for name, texts in _TYPES.items()
                   if any(re.fullmatch(self.pattern, text) for text in texts)]
        return ["string", *of_yaml]

    def __get_pydantic_json_schema__(self, *_: object) -> dict[str, Any]:
        return self.schema


@dataclass(frozen=True, slots=True)
class Named:
    """The keys of a mapping, which somebody chose."""

    kind: Kind

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        names = self.kind.schema | {"examples": [self.kind.example]}
        # They are texts anyway; editors that take 42027777100 for a number mind the type.
        return {**handler(core), "propertyNames": {
            key: value for key, value in names.items() if key != "type"}}


def _any_case(word: str) -> str:
    return "".join(f"[{one.upper()}{one}]" if one.isalpha() else one for one in word)


def _whole(example: int, least: int | None = None, most: int | None = None) -> Kind:
    return Kind(str(example), "[0-9]{1,9}", least=least, most=most)


_DAY = f"\\s*(?:{'|'.join(map(_any_case, DAYS))})\\s*"
_SPAN = f"[1-9][0-9]{{0,3}}\\s+(?:{_any_case('hour')}|{_any_case('minute')})[Ss]?"
_CLOCK = r"\s*(?:[01]?[0-9]|2[0-4]):[0-5][0-9]\s*"
_DATE = "2[01][0-9]{2}-(?:0[1-9]|1[0-2])-[0-3][0-9]"
_MEDIA = "announcement", "menu", "queue", "conference"

NAME = Kind("jana", rf"{_NAME}")
WORDS = Kind("working_hours", rf".{{1,{MAX_TEXT}}}")
NUMBER = Kind("42027777100", _NUMBER)
EXTENSION = Kind("201", "[0-9]{2,6}")
CALENDARS, SCHEDULES = (replace(WORDS, example=one) for one in ("days_off", "office"))
LINE, CARRIER, SITE = (replace(NAME, example=one) for one in ("jana-desk", "carrier", "vienna"))
CLASS, ORGANISATION, GROUP = (replace(NAME, example=one) for one in ("partners", "acme", "staff"))
CODE = Kind("*33", r"\s*[*#][0-9*#]{1,5}\s*")
OUTCOME = Kind("busy", choices=tuple(Outcome))

Name = Annotated[str, replace(NAME, example="acme")]
GroupName = Annotated[str, replace(NAME, example="staff")]
DataCentre = Annotated[str, replace(NAME, example="vienna")]
Label = Annotated[str, replace(WORDS, example="mobile")]
DayName = Annotated[str, replace(WORDS, example="half day")]
SequenceName = Annotated[str, WORDS]
ScheduleName = Annotated[str, replace(WORDS, example="office")]
CalendarName = Annotated[str, replace(WORDS, example="days_off")]
Password = Annotated[str, replace(WORDS, example="blue-kettle-7391")]
Digest = Annotated[str, Kind("9f2c0a4de07b1c3a5d6e8f9012345678", "[0-9a-f]{32}|[0-9a-f]{64}")]
Zone = Annotated[str, Kind("Europe/Prague", r"[A-Za-z][A-Za-z0-9_+/-]*")]
Alias = Annotated[str, Kind("42073723123@pstn", rf"\s*{_NUMBER}@pstn\s*")]
ModeName = Annotated[str, Kind("forward_then_voicemail", choices=tuple(Mode))]
Mailbox = Annotated[str, Kind("pin_unless_trusted", choices=tuple(MailboxPolicy))]
Choice = Annotated[str, Kind(YES, choices=(YES, NO))]
Redirects = Annotated[str, Kind("follow", choices=("follow", "ignore"))]
Cli = Annotated[str, Kind(CLI_OF_CALLER, _NUMBER, (CLI_OF_NUMBER, CLI_OF_CALLER))]
RingTime = Annotated[str, _whole(20, 1, MAX_RING_S)]
Delay = Annotated[str, _whole(5, 0, MAX_DELAY_S)]
Phones = Annotated[str, _whole(3, 1, MAX_PHONES_AT_ONCE)]
Cap = Annotated[str, _whole(10, 1)]
To = Annotated[str, Kind(
    "49115234567",
    rf"\s*(?:(?:number\s+)?{_NUMBER}|number\s+\S+|extension\s+[0-9]+|(?:SIP/|sip:)\S+@\S+|"
    rf"IAX2/\S+@\S+/\S+|(?:line|{'|'.join(_MEDIA)})\s+{_NAME}|voicemail|park)\s*",
    ("voicemail", "park"))]
Callers = Annotated[str, Kind(
    "42075*", rf"\s*(?:{_NUMBER}\s*\*?|\*|{_any_case('anonymous')}|{_any_case('unverified')})\s*",
    ("anonymous", "unverified", "*"))]
Screening = Annotated[str, Kind(
    "voicemail", rf"\s*(?:announcement\s+{_NAME}|sequence\s.+)", ("reject", "voicemail"))]
Days = Annotated[str, Kind(
    "mon-fri", rf"\s*{_any_case('daily')}\s*|{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*",
    ("daily", "mon-fri", "sat,sun", *DAYS))]
Clock = Annotated[str, Kind("08:00", _CLOCK)]
ClockEnd = Annotated[str, Kind("18:00", _CLOCK)]
Date = Annotated[str, Kind("2026-12-24", _DATE)]
LastDate = Annotated[str, Kind("2027-01-03", _DATE)]
Country = Annotated[str, Kind("CZ", r"\s*[A-Za-z]{2,3}\s*")]
Region = Annotated[str, Kind("BY", ".+")]
FileName = Annotated[str, Kind("closures.ics", "[^/]*")]
Permission = Annotated[str, Kind("voicemail", choices=PERMISSIONS)]
NumberClass = Annotated[str, Kind("premium", choices=CLASSES)]
AnyClass = Annotated[str, Kind("premium", _NAME, CLASSES)]
Prefix = Annotated[str, Kind("420900", "[1-9][0-9]{0,14}")]
CountryCode = Annotated[str, Kind("420", "(?:[1-9][0-9]{0,2})?")]
Area = Annotated[str, Kind("89", "[0-9]{0,5}")]
TrunkPrefix = Annotated[str, Kind("0", "[0-9]{0,5}")]
InternationalPrefix = Annotated[str, Kind("00", "[0-9]{0,5}")]
LocalDigits = Annotated[str, _whole(9, 0)]
Emergency = Annotated[str, Kind("112", "[0-9]{2,6}")]
CodeAction = Annotated[str, Kind("toggle", choices=tuple(Action))]
CodeSequence = Annotated[str, Kind("night", f"(?:{WORDS.pattern})?")]
Until = Annotated[str, Kind(
    "08:00", rf"\s*(?:{_any_case('for')}\s+{_any_case('ever')}|{_any_case('next')}\s+"
    rf"{_any_case('window')}|{_SPAN}|{_CLOCK})?\s*", (FOR_EVER, NEXT_WINDOW))]
Place = Annotated[str, Kind(
    "192.0.2.10:5060", rf"[^\s;]+:[0-9]+(?:;{_any_case('transport')}=(?:{_any_case('udp')}|"
                       rf"{_any_case('tcp')}|{_any_case('tls')}))?")]
Weight = Annotated[str, _whole(3, 1, MAX_WEIGHT)]
Priority = Annotated[str, _whole(2, 1, MAX_PRIORITY)]
Limit = Annotated[str, _whole(100, 1, MAX_LIMIT)]
Address = Annotated[str, Kind("192.0.2.20", r"\s*[0-9A-Fa-f:.]+(?:%\S+)?(?:/[0-9.]+)?\s*")]
Certificate = Annotated[str, Kind("sbc.carrier.example", "[A-Za-z0-9_][A-Za-z0-9_. -]*")]
Header = Annotated[str, Kind("X-Verstat", "[A-Za-z][A-Za-z0-9-]*")]
AssertsBy = Annotated[str, Kind("P-Asserted-Identity", choices=tuple(Asserts))]
NumberForm = Annotated[str, Kind(
    "national 49 0", "00|national [1-9][0-9]{0,3}(?: [0-9]{1,3})?", ("e164", "plus", "00"))]
TechnicalPrefix = Annotated[str, Kind("1234#", "[0-9*#]{1,16}")]
Profile = Annotated[str, Kind(
    "from=number pai=number rpid=none diversion=all history=yes",
    r"\s*(?:(?:(?:from|pai|rpid)=\S+|diversion=(?:all|last|none)|history=(?:yes|no))(?:\s+|$))*")]
