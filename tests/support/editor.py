# SPDX-License-Identifier: GPL-2.0-or-later
"""A file as an editor sees it: YAML 1.2, core schema (section 10.3), held against JSON Schema."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from provisioning.schema import schema

_PLAIN: tuple[tuple[str, Any], ...] = (
    ("null|Null|NULL|~|", lambda text: None),
    ("true|True|TRUE", lambda text: True),
    ("false|False|FALSE", lambda text: False),
    ("[-+]?[0-9]+", int),
    ("0o[0-7]+", lambda text: int(text[2:], 8)),
    ("0x[0-9a-fA-F]+", lambda text: int(text[2:], 16)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN", lambda text: float(text.replace(".", ""))),
)


@cache
def _validator() -> Any:
    return import_module("jsonschema").Draft202012Validator(schema())


def plain(text: str) -> Any:
    """What a text is without quotes."""
    return next((read(text) for pattern, read in _PLAIN
                 if re.fullmatch(pattern, text, re.ASCII)), text)


def seen(text: str) -> Any:
    """A file."""
    return _value(YAML(typ="safe", pure=True).compose(text))


def unquoted(value: Any) -> Any:
    """The same with every text as it would be without quotes."""
    match value:
        case dict():
            return {key: unquoted(one) for key, one in value.items()}
        case list():
            return [unquoted(one) for one in value]
    return plain(value)


def errors_of(told: dict[str, Any], value: Any) -> Iterator[Any]:
    """What a schema has against a value."""
    found: Iterator[Any] = import_module("jsonschema").Draft202012Validator(told).iter_errors(value)
    return found


def complaints(value: Any) -> Iterator[tuple[Any, ...]]:
    """Where the value is not as the schema says: keys and indexes on the way there."""
    return (tuple(error.absolute_path) for error in _validator().iter_errors(value))


def _value(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return node.value if node.style else plain(node.value)
    if isinstance(node, MappingNode):
        return {str(key.value): _value(value) for key, value in node.value}
    return [_value(child) for child in node.value]
