# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes ``files.md``, the reference of all keys, from the schema that editors get."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.table import table
from provisioning import shape, shape_operator, shape_times
from provisioning.schema import FILE, schema
from provisioning.shape import OPERATORS
from provisioning.shape_base import Shape

PAGE = Path(__file__).with_name("files.md")
Told = Mapping[str, Any]

_FILE, _OPERATORS_FILE = "The file of an organisation", "The operator's own file"
SECTIONS = {
    "Subscriber": "A subscriber", "Line": "A line", "Number": "A number or extension",
    "Sequence": "A sequence", "Step": "A step and its targets",
    "Schedule": "A schedule", "Window": "A window", "Holidays": "Holidays",
    "Vacation": "A vacation", "Blocked": "A blocked caller", "CallerRule": "A rule by caller",
    "Calendar": "A calendar", "Day": "A day of a calendar", "DialPlan": "The dial plan",
    "Group": "A group", "FeatureCode": "A feature code", "Grant": "A grant", "Trunk": "A trunk",
    "Gateway": "A gateway", "Hop": "A media server or IAX gateway"}
"""Model -> its heading, in order."""
FORMS = {model.__name__: model.form for of in (shape, shape_times, shape_operator)
         for model in vars(of).values() if isinstance(model, type) and issubclass(model, Shape)}
"""Model -> an example."""
_SAME = {"Target": "Step"}
"""Models without a section of their own: the other one has all their keys."""
_MORE = {
    ("Number", "mode"): "[which parts run](decisions.md#what-runs)",
    ("Number", "mailbox"): "[who is asked](decisions.md#which-rule-wins)",
    ("Subscriber", "permissions"):
        "[what the menu may call](decisions.md#what-the-media-server-may-call)",
    ("Group", "deny"): "[built-in classes](decisions.md#classes-of-outside-numbers)",
    ("Group", "max_calls"): "[how they are counted](operators.md#limits-on-forwarded-calls)",
    ("", "cli"): "[what goes out](operators.md#what-goes-out)",
    ("Hop", "at"): "[host names](operators.md#gateways-by-host-name)",
    ("Gateway", "at"): "[host names](operators.md#gateways-by-host-name)",
    ("Step", "to"): "[host names](operators.md#targets-by-host-name)",
}
"""Model and key -> where more is said."""


def page() -> str:
    """The whole page, Markdown."""
    whole = schema()
    properties = whole["properties"]
    of_file = {key: told for key, told in properties.items() if key not in OPERATORS}
    required = whole["else"]["required"]
    return "\n".join([
        "# What a file can say",
        "",
        "Written by `script/docs` from `provisioning/shape.py`; do not edit. How it all works "
        "together: [subscribers.md](subscribers.md), [operators.md](operators.md).",
        "",
        "Every value is read as text: `08:00` and `NO` need no quotes, `*33` does. A file whose "
        f"first row is `# yaml-language-server: $schema={FILE}` is completed and checked while you "
        "write, by editors that know YAML (VS Code, Neovim, Emacs, Kate …): "
        f"`followme schema > {FILE}`, beside it. Names and times are compared by `followme check` "
        "only. Keys in **bold** must be written.",
        "",
        *_section("", _FILE, {"properties": of_file, "required": required},
                  _plain(whole["description"])),
        *(row for model, heading in SECTIONS.items() if model != "Grant"
          for row in (*_operators(properties, model), *_of_model(whole["$defs"], model, heading))),
    ])


def _operators(properties: Told, model: str) -> list[str]:
    """The operator's file stands before what only it has."""
    if model != "Trunk":
        return []
    told = {key: properties[key] for key in OPERATORS}
    return [*_section("", _OPERATORS_FILE, {"properties": told}, "Nothing else stands in it."),
            *_of_model(schema()["$defs"], "Grant", SECTIONS["Grant"])]


def _of_model(models: Told, model: str, heading: str) -> list[str]:
    return _section(model, heading, models[model], _plain(models[model]["description"]))


def _section(model: str, heading: str, told: Told, what: str) -> list[str]:
    required = told.get("required", ())
    return [f"## {heading}", what, "", *table(("Key", "What", "Example"), (
        (f"**`{key}`**" if key in required else f"`{key}`", _what(model, key, one),
         f"`{key}: {_example(one)}`")
        for key, one in told["properties"].items())), ""]


def _what(model: str, key: str, told: Told) -> str:
    said = _plain(told["description"])
    parts = [said, *_bounds(told), *_choices(told, said)]
    more = [_MORE[model, key]] if (model, key) in _MORE else []
    more += [f"[{SECTIONS[name][0].lower()}{SECTIONS[name][1:]}]"
             f"(#{SECTIONS[name].lower().replace(' ', '-')})"
             for name in dict.fromkeys(_SAME.get(name, name) for name in _models(told))
             if SECTIONS[name] != SECTIONS.get(model)]
    return " ".join(parts) + (f" → {', '.join(more)}" if more else "")


def _bounds(told: Told) -> Iterator[str]:
    if "maximum" in told:
        yield f"{told['minimum']} to {told['maximum']}."


def _choices(told: Told, said: str) -> Iterator[str]:
    """Those that are not named already."""
    of = told.get("items", told)
    choices = of.get("enum") or of.get("propertyNames", {}).get("enum") or []
    if choices and not all(one in said for one in choices):
        yield f"One of {', '.join(f'`{one}`' for one in choices)}."


def _models(told: Any) -> Iterator[str]:
    """The models that a key leads to."""
    match told:
        case {"$ref": str() as name}:
            yield name.rpartition("/")[2]
        case dict():
            for one in told.values():
                yield from _models(one)
        case list():
            for one in told:
                yield from _models(one)


def _example(told: Told) -> str:
    """As it is written, of a mapping or list with what stands in it."""
    if "examples" in told:
        return str(told["examples"][0])
    if "anyOf" in told:
        return _example(told["anyOf"][0])
    if told.get("type") == "array":
        return f"[{_example(told['items'])}]"
    if "additionalProperties" in told:
        (name,) = told["propertyNames"]["examples"]
        quoted = f'"{name}"' if name.startswith("*") else name
        return f"{{{quoted}: {_example(told['additionalProperties'])}}}"
    (model,) = _models(told)
    return FORMS[model]


def _plain(text: str) -> str:
    """Markdown that shows this text."""
    return "".join(f"\\{one}" if one in "*|<" else one for one in text)
