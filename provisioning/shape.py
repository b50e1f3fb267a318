# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of a file: which keys stand where, and what is a text, a list or a mapping.

Nothing is required here and no text is looked into: that is ``check``'s work, so that one
misplaced key hides no other mistake.
"""

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from kemi_routing.schedule import DAYS
from provisioning.problems import Problem, Problems, suggest
from provisioning.source import Written


class Shape(BaseModel):
    """Keys with values; None is a key that is not written."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Target(Shape):
    """One target of a step."""

    to: str | None = None
    ring: str | None = None
    label: str | None = None


class Step(Target):
    """One target, or several that ring together."""

    together: list[Target] | None = None


class Sequence(Shape):
    """Steps in order, written as a list or with a mode of their own."""

    mode: str | None = None
    steps: list[Step] = []


def _steps_alone(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError("sequence", "write a list of steps here, [] for none")
    return {"steps": value} if isinstance(value, list) else value


def _days_in_a_list(value: Any) -> Any:
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return ",".join(value) if is_list else value


class Window(Shape):
    """A weekly window and the sequence that it leads to."""

    days: Annotated[str | None, BeforeValidator(_days_in_a_list)] = None
    start: str | None = Field(None, alias="from")
    end: str | None = Field(None, alias="to")
    sequence: str | None = None


class Number(Shape):
    """A personal number."""

    time_zone: str | None = None
    aliases: list[str] = []
    mode: str | None = None
    ring: str | None = None
    schedule: list[Window] = []
    default: str | None = None
    sequences: dict[str, Annotated[Sequence, BeforeValidator(_steps_alone)]] = {}


class Line(Shape):
    """A SIP account."""

    password: str | None = None
    max_phones: str | None = None


class Subscriber(Shape):
    """Somebody with numbers."""

    permissions: list[str] = []
    lines: dict[str, Line] = {}
    numbers: dict[str, Number] = {}


class Organisation(Shape):
    """A file."""

    organisation: str | None = None
    time_zone: str | None = None
    subscribers: dict[str, Subscriber] = {}


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
            place, text = child.value, _WANTED.get(one["type"], one["msg"])
        problems.errors.append(Problem(place, text))
        misfits.append((parent, child, _EMPTY.get(one["type"])))
    for parent, child, empty in misfits:
        if isinstance(parent.content, list):
            parent.content = [one for one in parent.content if one is not child]
        else:
            child.content = empty and empty()  # its name is known all the same


_EMPTY = {"list_type": list, "dict_type": dict, "model_type": dict, "sequence": list}
_MAPPING = "write keys with values here, such as  {to: 49115234567}"
_WANTED = {
    "string_type": "write one text here, not a list and not keys with values",
    "list_type": "write a list here: [ ] around it, or a line with - for each",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
}


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
