# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of a file: which keys stand where, and what is a text, a list or a mapping.

Nothing is required here and no text is looked into: that is ``check``'s work, so that one
misplaced key hides no other mistake.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Shape(BaseModel):
    """Keys with values; None is a key that is not written."""

    model_config = ConfigDict(extra="forbid", strict=True)
    form: ClassVar[str] = "{KEY: VALUE}"
    """An example, for messages."""


def keys(model: type[Shape]) -> list[str]:
    """What may stand in its mapping."""
    return [field.alias or name for name, field in model.model_fields.items()]


class Target(Shape):
    """One target of a step."""

    form = "{to: 49115234567}"
    to: str | None = None
    ring: str | None = None
    label: str | None = None
    delay: str | None = None
    confirm: str | None = None


class Step(Target):
    """One target, or several that ring together."""

    together: list[Target] | None = None


class Sequence(Shape):
    """Steps in order, written as a list or with a mode and continuations of their own."""

    form = "[{to: 49115234567}]"
    mode: str | None = None
    on: dict[str, str] = {}
    steps: list[Step] = []


def _steps_alone(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError(
            "sequence", f"write a list of steps here, such as  {Sequence.form}; [] for none")
    return {"steps": value} if isinstance(value, list) else value


def _days_in_a_list(value: Any) -> Any:
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return ",".join(value) if is_list else value


class Window(Shape):
    """A window, weekly or dated, and the sequence that it leads to."""

    form = "{days: mon-fri, from: 08:00, to: 18:00, sequence: NAME}"
    days: Annotated[str | None, BeforeValidator(_days_in_a_list)] = None
    start: str | None = Field(None, alias="from")
    end: str | None = Field(None, alias="to")
    first: str | None = None
    last: str | None = None
    sequence: str | None = None


class Holidays(Shape):
    """A calendar and the sequence that its days lead to."""

    form = "{calendar: NAME, sequence: NAME}"
    calendar: str | None = None
    sequence: str | None = None


class Schedule(Shape):
    """Windows, written as a list, or with holidays beside them."""

    form = "[{days: mon-fri, from: 08:00, to: 18:00, sequence: NAME}]"
    windows: list[Window] = []
    holidays: list[Holidays] = []


class SharedSchedule(Schedule):
    """In place of a number's own schedule: the name of one of the organisation's."""

    name: str


def _windows_alone(value: Any) -> Any:
    one_window = isinstance(value, dict) and value.keys() & set(keys(Window))
    if one_window or isinstance(value, str):
        raise PydanticCustomError(
            "schedule", f"write a list of windows here, such as  {Schedule.form}; [] for none")
    return {"windows": value} if isinstance(value, list) else value


def _name_or_windows(value: Any) -> Any:
    return SharedSchedule(name=value) if isinstance(value, str) else _windows_alone(value)


class Vacation(Shape):
    """A sequence from the first to the last day, whatever the schedule says."""

    form = "{first: 2026-12-20, last: 2027-01-03, sequence: NAME}"
    first: str | None = None
    last: str | None = None
    sequence: str | None = None


class Day(Shape):
    """A day of a calendar, or a part of it."""

    form = "{day: 2026-12-24, from: 12:00}"
    day: str | None = None
    start: str | None = Field(None, alias="from")
    end: str | None = Field(None, alias="to")
    name: str | None = None


def _day_alone(value: Any) -> Any:
    return {"day": value} if isinstance(value, str) else value


class Calendar(Shape):
    """Holidays of a country and region, more or fewer days, and a file of events."""

    form = "{country: CZ}"
    country: str | None = None
    region: str | None = None
    add: list[Annotated[Day, BeforeValidator(_day_alone)]] = []
    remove: list[str] = []
    ics: str | None = None


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Blocked(Shape):
    """Callers of the block list and what happens to them."""

    form = "{from: 42075*, action: voicemail}"
    callers: str | None = Field(None, alias="from")
    action: str | None = None


def _callers_alone(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


class CallerRule(Shape):
    """Callers that get a sequence of their own."""

    form = "{from: [42075553333, 42077*], sequence: NAME}"
    callers: Annotated[list[str], BeforeValidator(_one_or_many)] = Field([], alias="from")
    sequence: str | None = None


class Number(Shape):
    """A personal number or an extension."""

    form = "{mode: ring_then_voicemail}"
    time_zone: str | None = None
    aliases: list[str] = []
    mode: str | None = None
    ring: str | None = None
    cli: str | None = None
    mailbox: str | None = None
    allow: list[str] = []
    block: list[Annotated[Blocked, BeforeValidator(_callers_alone)]] = []
    callers: list[CallerRule] = []
    on: dict[str, str] = {}
    schedule: Annotated[Schedule, BeforeValidator(_name_or_windows)] = Schedule()
    holidays: list[Holidays] = []
    vacation: list[Vacation] = []
    default: str | None = None
    sequences: dict[str, Annotated[Sequence, BeforeValidator(_steps_alone)]] = {}


class Line(Shape):
    """A SIP account."""

    form = '{password: "..."}'
    password: str | None = None
    max_phones: str | None = None


class Subscriber(Shape):
    """Somebody with numbers."""

    form = "{numbers: {42027777100: {}}}"
    group: str | None = None
    permissions: list[str] = []
    lines: dict[str, Line] = {}
    numbers: dict[str, Number] = {}
    extensions: dict[str, Number] = {}


class DialPlan(Shape):
    """How the organisation dials."""

    form = "{country: 420}"
    country: str | None = None
    area: str | None = None
    trunk_prefix: str | None = None
    international_prefix: str | None = None
    local_digits: str | None = None
    emergency: list[str] = []


class Group(Shape):
    """What the subscribers of a group may do."""

    form = "{permissions: [voicemail]}"
    permissions: list[str] = []
    deny: list[str] = []
    allow: list[str] = []
    max_calls: str | None = None
    max_calls_per_hour: str | None = None


class Grant(Shape):
    """What the operator gives an organisation; a key that is not written limits nothing."""

    form = "{permissions: [voicemail]}"
    permissions: list[str] | None = None
    classes: list[str] | None = None
    max_calls: str | None = None
    max_calls_per_hour: str | None = None


class Trunk(Shape):
    """Whose calls are taken."""

    form = "{from: [192.0.2.20], asserts: P-Asserted-Identity}"
    sources: Annotated[list[str], BeforeValidator(_one_or_many)] = Field([], alias="from")
    certificate: str | None = None
    asserts: str | None = None
    stir: str | None = None
    redirect: str | None = None
    early_media: str | None = None
    max_calls: str | None = None
    max_per_second: str | None = None
    numbers: str | None = None


class Hop(Shape):
    """Where calls are sent: a media server, or an IAX gateway."""

    form = "{at: 192.0.2.30:5060}"
    at: str | None = None
    weight: str | None = None
    priority: str | None = None
    data_centre: str | None = None


class Gateway(Hop):
    """Where calls to outside numbers leave."""

    form = "{at: 192.0.2.10:5060}"
    cli: str | None = None
    numbers: str | None = None
    prefix: str | None = None


class FeatureCode(Shape):
    """What a code does that a line dials."""

    form = "{action: toggle, sequence: night}"
    action: str | None = None
    sequence: str | None = None
    until: str | None = None


class Organisation(Shape):
    """A file: an organisation's, or the operator's with ``OPERATORS``."""

    organisation: str | None = None
    time_zone: str | None = None
    grants: dict[str, Grant] | None = None
    trunks: dict[str, Trunk] | None = None
    gateways: dict[str, Gateway] | None = None
    media_servers: dict[str, Hop] | None = None
    iax_gateways: dict[str, Hop] | None = None
    cli: str | None = None
    dial_plan: DialPlan = DialPlan()
    redirects: str | None = None
    calendars: dict[str, Calendar] = {}
    schedules: dict[str, Annotated[Schedule, BeforeValidator(_windows_alone)]] = {}
    classes: dict[str, list[str]] = {}
    groups: dict[str, Group] = {}
    feature_codes: dict[str, FeatureCode] | None = None
    subscribers: dict[str, Subscriber] = {}


OPERATORS = ("grants", "trunks", "gateways", "media_servers", "iax_gateways", "cli")
"""Keys of a file of the operator's own."""
