# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of a file as JSON Schema (2020-12), for editors that complete and check."""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from provisioning.shape import Organisation

FILE = "followme.schema.json"
"""Stands beside the examples, which name it for editors."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """All that can be told of a file without its names and numbers: ``check`` says the rest."""
    found = Organisation.model_json_schema(schema_generator=_Generator)
    return {"$schema": _DIALECT, **_unfolded(found), "title": "a file of followme"}


def text() -> str:
    """The same as it is stored and printed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _unfolded(one: Any) -> Any:
    """The same with each description in one row."""
    match one:
        case {"description": str() as said}:
            rest = {key: _unfolded(value) for key, value in one.items() if key != "description"}
            return {"description": " ".join(said.split()), **rest}
        case dict():
            return {key: _unfolded(value) for key, value in one.items()}
        case list():
            return [_unfolded(value) for value in one]
    return one


class _Generator(GenerateJsonSchema):
    """Says nothing of defaults and None, which no file has."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
