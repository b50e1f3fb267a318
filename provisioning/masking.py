# SPDX-License-Identifier: GPL-2.0-or-later
"""Where secrets stand in a file, so that a message can show its rows without them (SPEC T3).

A secret is the password of a line or its digest, that of an IAX target, and all else that stands
where one belongs.
"""

import re
from collections.abc import Iterable, Iterator

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

HIDDEN = "\udc2a"
"""Stands for each character of a secret, so that columns stay; a file cannot hold it."""
MASK = "***"
"""What is shown in place of all of a secret."""

Span = tuple[int, int]
"""First and last index, ``[first, last)``."""

_PASSWORD = re.compile(r"(?:pas+|ha1)\w*", re.IGNORECASE)
_FOREIGN = re.compile(r"pas+|pwd|secret|token|ha1|\bpin|pin\b", re.IGNORECASE)
_IAX = re.compile(r"IAX2?/[^:@]*:(.*(?=@)|.*)", re.IGNORECASE | re.DOTALL)
_IN_NO_YAML = (
    re.compile(r"\b(?:pas+|ha1)\w*[\"']?\s*:\s*(\S.*)", re.IGNORECASE),
    re.compile(r"\blines[\"']?\s*:\s*\{(.*)"),
    re.compile(r"IAX2?/[^\s:@]*:(\S*(?=@)|[^\s\"'}\],]*)", re.IGNORECASE))


def of_tree(node: Node, text: str, *, secret: bool = False) -> Iterator[Span]:
    """The secrets of a file that is YAML."""
    if isinstance(node, ScalarNode):
        first, last = node.start_mark.index, node.end_mark.index
        if secret:
            yield first, last
        elif node.value.lstrip()[:3].upper() == "IAX":
            yield from of_value(text, first, last)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            if name == "lines":
                yield from _of_lines(value, text)
            else:
                yield from of_tree(value, text, secret=secret or is_secret(name))
    else:
        for child in node.value:
            yield from of_tree(child, text, secret=secret)


def is_secret(key: str) -> bool:
    """Whether a secret stands under this key of ours, or where it is meant."""
    return _PASSWORD.fullmatch(key) is not None


def may_be_secret(name: str) -> bool:
    """Whether other people may call a secret so."""
    return _FOREIGN.search(name) is not None


def of_value(text: str, first: int, last: int) -> Iterator[Span]:
    """The secrets of a value that stands there."""
    return _found([_IAX], text, first, last)


def of_text(text: str) -> Iterator[Span]:
    """The secrets of a file that is no YAML: rather more than less."""
    return _found(_IN_NO_YAML, text, 0, len(text))


def masked(text: str, spans: Iterable[Span]) -> str:
    """The text with ``HIDDEN`` for each character of a secret; its rows stay."""
    pieces, end = [], 0
    for first, last in sorted(spans):
        start = max(first, end)
        pieces += [text[end:start], re.sub(r"[^\n\r\x85\u2028\u2029]", HIDDEN, text[start:last])]
        end = max(last, end)
    return "".join([*pieces, text[end:]])


def _of_lines(node: Node, text: str) -> Iterator[Span]:
    """A line written as a text may be its password, and so may each of its values but one."""
    if not isinstance(node, MappingNode):
        yield from of_tree(node, text, secret=True)
        return
    for _, line in node.value:
        if not isinstance(line, MappingNode):
            yield from of_tree(line, text, secret=True)
            continue
        for key, value in line.value:
            known = isinstance(key, ScalarNode) and key.value == "max_phones"
            yield from of_tree(value, text, secret=not known)


def _found(patterns: Iterable[re.Pattern[str]], text: str, first: int, last: int,
           ) -> Iterator[Span]:
    for pattern in patterns:
        yield from (match.span(1) for match in pattern.finditer(text, first, last))
