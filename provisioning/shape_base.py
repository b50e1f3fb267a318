# SPDX-License-Identifier: GPL-2.0-or-later
"""What all shapes of a file have in common."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from provisioning.problems import Problems
from provisioning.source import parse


class Shape(BaseModel):
    """Keys with values; None is a key that is not written."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)
    form: ClassVar[str] = "{KEY: VALUE}"
    """An example, for messages."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Keys that ``check`` misses where they are not written."""
    rules: ClassVar[dict[str, Any]] = {}
    """What more there is to say of the keys together, as JSON Schema."""

    def __init_subclass__(cls, **options: Any) -> None:
        """A default that may be changed is made anew: pydantic would copy it deeply, for each
        number of a million.
        """
        super().__init_subclass__(**options)
        for name, value in [*vars(cls).items()]:
            if name not in vars(Shape) and isinstance(value, list | dict | Shape):
                setattr(cls, name, Field(default_factory=type(value)))

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler,
                                     ) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core))
        shown = parse(cls.form, "", Problems())
        if shown and isinstance(shown.content, dict):
            schema["examples"] = [shown.plain()]
        return schema | ({"required": list(cls.needs)} if cls.needs else {}) | cls.rules


def keys(model: type[Shape]) -> list[str]:
    """What may stand in its mapping."""
    return [field.alias or name for name, field in model.model_fields.items()]


def one_or_many(value: Any) -> Any:
    """A text alone as a list of one."""
    return [value] if isinstance(value, str) else value
