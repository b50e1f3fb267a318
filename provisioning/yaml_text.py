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
    if not isinstance(content, dict):
        for one in content:
            yield from _item(one, indent)
        return
    for key, value in content.items():
        if isinstance(key, Remark):
            yield _remark(key, indent)
        elif _is_short(value) or (indent and _is_flat(value)):
            yield f"{indent}{scalar(key)}: {flow(value)}"
        else:
            yield f"{indent}{scalar(key)}:"
            yield from block(value, indent + "  ")


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, dict):
        pairs = (f"{scalar(key)}: {flow(one)}" for key, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(map(flow, value))}]"


@lru_cache(maxsize=1 << 12)
def scalar(text: str) -> str:
    """A text, quoted where YAML would take it for something else."""
    if _PLAIN.fullmatch(text):
        return text
    # JSON leaves DEL as it is; YAML wants whatever cannot be seen escaped.
    return json.dumps(text, ensure_ascii=not text.isprintable()).replace("\x7f", "\\u007f")


def _item(one: Any, indent: str) -> Iterator[str]:
    if isinstance(one, Remark):
        yield _remark(one, indent)
    elif _is_short(one) or _is_flat(one):
        yield f"{indent}- {flow(one)}"
    else:
        first, *rest = block(one, indent + "  ")
        yield f"{indent}- {first.lstrip()}"
        yield from rest


def _remark(text: str, indent: str) -> str:
    return f"{indent}# {''.join(one if one.isprintable() else '?' for one in text)}"


def _is_short(value: Any) -> bool:
    """Whether a value stands behind its key: a text, a list of texts, or nothing."""
    if isinstance(value, str) or not value:
        return True
    return not isinstance(value, dict) and all(
        isinstance(one, str) and not isinstance(one, Remark) for one in value)


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(one, str) and not isinstance(key, Remark) for key, one in value.items())
