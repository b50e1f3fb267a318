# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts, lists and dicts as a YAML file of ours, with remarks."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_+][\w.@+/:-]*(?<!:)(?: [\w.@+/-]+)*", re.ASCII)


class Remark(str):
    """A comment on a line of its own: an item of a list, or a key whose value counts for nothing;
    it is no other key, whatever it says.
    """

    __slots__ = ()
    __eq__, __ne__, __hash__ = object.__eq__, object.__ne__, object.__hash__


def block(content: dict[str, Any] | Sequence[Any], indent: str = "") -> Iterator[str]:
    """The lines of a mapping or a list, whose values are texts, mappings and lists."""
    return iter(_rows(content, indent))


def _rows(content: dict[str, Any] | Sequence[Any], indent: str) -> list[str]:
    if not isinstance(content, dict):
        return [row for one in content for row in _item(one, indent)]
    rows = []
    for key, value in content.items():
        if isinstance(key, Remark):
            rows.append(_remark(key, indent))
        elif (text := _beside(value, flat=bool(indent))) is not None:
            rows.append(f"{indent}{scalar(key)}: {text}")
        else:
            rows.append(f"{indent}{scalar(key)}:")
            rows += _rows(value, indent + "  ")
    return rows


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, dict):
        return f"{{{', '.join([f'{scalar(key)}: {flow(one)}' for key, one in value.items()])}}}"
    return f"[{', '.join(map(flow, value))}]"


@lru_cache(maxsize=1 << 12)
def scalar(text: str) -> str:
    """A text, quoted where YAML would take it for something else."""
    if _PLAIN.fullmatch(text):
        return text
    # JSON leaves DEL as it is; YAML wants whatever cannot be seen escaped.
    return json.dumps(text, ensure_ascii=not text.isprintable()).replace("\x7f", "\\u007f")


def _item(one: Any, indent: str) -> list[str]:
    if isinstance(one, Remark):
        return [_remark(one, indent)]
    if (text := _beside(one, flat=True)) is not None:
        return [f"{indent}- {text}"]
    first, *rest = _rows(one, indent + "  ")
    return [f"{indent}- {first.lstrip()}", *rest]


def _remark(text: str, indent: str) -> str:
    return f"{indent}# {''.join(one if one.isprintable() else '?' for one in text)}"


def _beside(value: Any, *, flat: bool) -> str | None:
    """A value that stands behind its key: a text, a list of texts, nothing, and, where it may be
    ``flat``, a mapping of texts; None for all others.
    """
    if isinstance(value, str):
        return scalar(value)
    is_mapping = isinstance(value, dict)
    if value and is_mapping and not flat:
        return None
    for one in value.values() if is_mapping else value:
        if not isinstance(one, str):
            return None
    if any(isinstance(one, Remark) for one in value):
        return None
    return flow(value)
