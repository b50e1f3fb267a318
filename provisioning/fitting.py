# SPDX-License-Identifier: GPL-2.0-or-later
"""From what is written to its shape; what does not fit is told with its place and right form."""

import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from kemi_routing.schedule import DAYS
from provisioning.problems import Problems, suggest
from provisioning.shape_base import Shape, keys
from provisioning.written import Written

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
                problems.errors.append(written.problem(
                    written.value, f"write keys with values; a file starts with  "
                                   f"{keys(model)[0]}: NAME"))
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
            place, text = child.value, (
                _as_step(one["type"], child.content, model, one["loc"])
                or _wanted(one["type"], model, one["loc"]) or one["msg"])
        problems.errors.append(child.problem(place, text))
        misfits.append((parent, child, _EMPTY.get(one["type"])))
    for parent, child, empty in misfits:
        if isinstance(parent.content, list):
            parent.content = [one for one in parent.content if one is not child]
        else:
            child.content = empty and empty()  # its name is known all the same


_EMPTY = {"list_type": list, "dict_type": dict, "model_type": dict, "sequence": list,
          "schedule": list}
_MEANT = {"until": "to", "till": "to", "end": "to", "start": "from", "since": "from",
          "date": "day", "timezone": "time_zone", "tz": "time_zone", "target": "to",
          "destination": "to", "timeout": "ring", "duration": "ring", "name": "label",
          "host": "at", "address": "at", "ip": "from", "secret": "password", "users": "subscribers",
          "forward": "sequences", "vacations": "vacation", "steps": "sequences"}
"""What people write, and what they mean where there is such a key."""
_TEXTS = {"on": "{busy: NAME}", "classes": '{NAME: ["420900"]}'}
"""Keys whose value is a mapping of texts, with an example."""
_TARGET = re.compile(r"(line|extension) [\w.-]{1,64}|voicemail|\+?[0-9 ]{2,20}", re.ASCII)
_NAMES = {"numbers": "42027777100", "extensions": "201", "feature_codes": '"*33"'}
"""Examples of names in a mapping, where they are not any words."""


def _as_step(kind: str, content: Any, model: type[Shape], loc: tuple[str | int, ...]) -> str | None:
    """What somebody means who writes a step as a target alone, or as a list of targets."""
    if kind != "model_type" or "to" not in keys(_model_at(model, loc)):
        return None
    if isinstance(content, str) and _TARGET.fullmatch(content):
        return f"write  {{to: {content}}}"
    if isinstance(content, list) and "together" in keys(_model_at(model, loc)):
        return "what rings together is  {together: [{to: line NAME}, {to: 49115234567}]}"
    return None


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
    known = keys(_model_at(model, loc[:-1]))
    meant = _MEANT.get(key.lower(), key)
    return f"there is no key {key!r}; {suggest(meant if meant in known else key, known)}"


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
