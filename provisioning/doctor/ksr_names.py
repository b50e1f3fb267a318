# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the KSR functions in our source."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

KSR_NAMES = ("KSR", "ksr", "_ksr")


class Use(NamedTuple):
    """A KSR function in the source; `arguments` is None where it is handed on uncalled."""

    path: str
    arguments: int | None
    where: str


class Names:
    """What the short names of one function or module stand for: `tm = self._ksr.tm`."""

    def __init__(self, scope: ast.AST) -> None:
        self._paths: dict[str, str] = {}
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign):
                for target, value in pairs(node.targets[0], node.value):
                    self._learn(target, value)

    def path(self, node: ast.expr) -> str | None:
        """`tm.t_relay` for an expression that is this KSR function; "" for KSR itself."""
        if isinstance(node, ast.Name):
            return "" if node.id in KSR_NAMES else self._paths.get(node.id)
        if not isinstance(node, ast.Attribute):
            return None
        if node.attr in KSR_NAMES:
            return ""
        before = self.path(node.value)
        return None if before is None else f"{before}.{node.attr}".removeprefix(".")

    def _learn(self, target: ast.expr, value: ast.expr) -> None:
        path = self.path(value)
        if isinstance(target, ast.Name) and path:
            self._paths[target.id] = path


def sources(root: Path) -> list[Path]:
    """Our files that know Kamailio."""
    return [*sorted((root / "kamailio").glob("*.py")),
            *sorted((root / "kemi_routing" / "ksr").glob("*.py"))]


def uses(source: Path, modules: Collection[str]) -> Iterator[Use]:
    """All uses of KSR functions in a file; `modules` are the names of Kamailio's modules."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for scope in scopes:
        names = Names(scope)
        inner = {id(node.value) for node in ast.walk(scope) if isinstance(node, ast.Attribute)}
        called = {id(node.func): node for node in ast.walk(scope) if isinstance(node, ast.Call)}
        for node in ast.walk(scope):
            if not isinstance(node, ast.Attribute) or id(node) in inner:
                continue
            path = names.path(node)
            if path and path not in modules:
                call = called.get(id(node))
                arguments = len(call.args) if call else None
                yield Use(path, arguments, f"{source.name}:{node.lineno}")


def pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Name and value of each part of an assignment."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return zip(target.elts, value.elts, strict=True)
    return iter([(target, value)])
