# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of a file: which keys stand where, and what is a text, a list or a mapping.

Nothing is required here and no text is looked into: that is ``check``'s work, so that one
misplaced key hides no other mistake.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from kemi_routing.schedule import DAYS
from provisioning.problems import Problem, Problems, suggest
from provisioning.source import Written


class Shape(BaseModel):
    """Keys with values; None is a key that is not written."""

    model_config = ConfigDict(extra="forbid", strict=True)
    form: ClassVar[str] = "{KEY: VALUE}"
    """An example, for messages."""


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
    one_window = isinstance(value, dict) and value.keys() & set(_keys(Window))
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

S = TypeVar("S", bound=Shape)


def read(model: type[S], written: Written, problems: Problems) -> S | None:
    """The file's content in this shape; what does not fit is noted and left out.

    None where it is no mapping at all.
    """
    while True:
        try:
            return model.model_validate(written.plain())
        except ValidationError as error:
            if not isinstance(written.content, dict):
                problems.errors.append(
                    Problem(written.value, f"a file starts with {_keys(model)[0]}:"))
                return None
            _leave_out(error, model, written, problems)


def _leave_out(error: ValidationError, model: type[Shape], written: Written, problems: Problems,
               ) -> None:
    """Take the values that do not fit out of the tree, so that the rest can be checked."""
    misfits = []
    for one in error.errors(include_url=False, include_input=False):
        *_, (parent, step) = _walk(written, one["loc"])
        child = parent.content[step]
        if one["type"] == "extra_forbidden":
            place, text = child.key, _unknown_key(str(step), model, one["loc"])
        else:
            place, text = child.value, _wanted(one["type"], model, one["loc"]) or one["msg"]
        problems.errors.append(Problem(place, text))
        misfits.append((parent, child, _EMPTY.get(one["type"])))
    for parent, child, empty in misfits:
        if isinstance(parent.content, list):
            parent.content = [one for one in parent.content if one is not child]
        else:
            child.content = empty and empty()  # its name is known all the same


_EMPTY = {"list_type": list, "dict_type": dict, "model_type": dict, "sequence": list,
          "schedule": list}
_TEXTS = {"on": "{busy: NAME}", "classes": '{NAME: ["420900"]}'}
"""Keys whose value is a mapping of texts, with an example."""
_NAMES = {"numbers": "42027777100", "extensions": "201", "feature_codes": '"*33"'}
"""Examples of names in a mapping, where they are not any words."""


def _wanted(kind: str, model: type[Shape], loc: tuple[str | int, ...]) -> str | None:
    """The right form of what stands at this place; None where the error itself says it."""
    key, inner = str(loc[-1]), _model_at(model, loc)
    of_texts = inner is _model_at(model, loc[:-1])
    match kind:
        case "string_type":
            return "write one text here, not a list and not keys with values"
        case "model_type":
            return f"write keys with values here, such as  {inner.form}"
        case "dict_type":
            example = (_TEXTS.get(key, Shape.form) if of_texts else
                       f"{{{_NAMES.get(key, 'NAME')}: {inner.form}}}")
            return f"write keys with values here, such as  {example}"
        case "list_type" if of_texts:
            return "write a list here: [ ] around it, or a line with - for each"
        case "list_type":
            return f"write a list here, such as  [{inner.form}], or a line with - for each"
    return None


def _walk(written: Written, loc: tuple[str | int, ...]) -> Iterator[tuple[Written, str | int]]:
    """Each value on the way with the step into it; pydantic's own steps lead nowhere."""
    for step in loc:
        content = written.content
        known = step in content if isinstance(content, dict) else (
            isinstance(content, list) and isinstance(step, int))
        if known:
            yield written, step
            written = content[step]


def _unknown_key(key: str, model: type[Shape], loc: tuple[str | int, ...]) -> str:
    if key.lower() in DAYS:
        return f'{key!r} is no key; write several days in quotes ("sat,sun") or as [sat, sun]'
    return f"there is no key {key!r}; {suggest(key, _keys(_model_at(model, loc[:-1])))}"


def _keys(model: type[Shape]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[Shape], loc: tuple[str | int, ...]) -> type[Shape]:
    """The model of the mapping at this place; steps into lists and dicts keep it."""
    for step in loc:
        field = next((field for name, field in model.model_fields.items()
                      if step == (field.alias or name)), None)
        if field is not None:
            model = next(_models(field.annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[Shape]]:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
