# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the KSR functions and callback names in our source."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.contract import recording

ROOT = Path(__file__).parents[2]
ENTRIES = sorted((ROOT / "kamailio").glob("*.py"))
SOURCES = [*ENTRIES, *sorted((ROOT / "kemi_routing" / "ksr").glob("*.py"))]
MODULES = {function.module for function in recording.load()}
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
                for target, value in _pairs(node.targets[0], node.value):
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


def uses(source: Path) -> Iterator[Use]:
    """All uses of KSR functions in a file."""
    tree = ast.parse(source.read_text())
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for scope in scopes:
        names = Names(scope)
        inner = {id(node.value) for node in ast.walk(scope) if isinstance(node, ast.Attribute)}
        called = {id(node.func): node for node in ast.walk(scope) if isinstance(node, ast.Call)}
        for node in ast.walk(scope):
            if not isinstance(node, ast.Attribute) or id(node) in inner:
                continue
            path = names.path(node)
            if path and path not in MODULES:
                call = called.get(id(node))
                arguments = len(call.args) if call else None
                yield Use(path, arguments, f"{source.name}:{node.lineno}")


def armed_callbacks(source: Path) -> Iterator[str]:
    """The names given to t_on_branch, t_on_failure and their like."""
    tree = ast.parse(source.read_text())
    constants = {
        target.id: value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target, value in _pairs(node.targets[0], node.value)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".t_on_")[1]:
            yield _text(node.args[0], constants)


def entry_methods() -> set[str]:
    """The methods of the handler class that Kamailio calls."""
    classes = (
        node
        for entry in ENTRIES
        for node in ast.walk(ast.parse(entry.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    methods = ({f.name for f in c.body if isinstance(f, ast.FunctionDef)} for c in classes)
    return next(names for names in methods if "ksr_request_route" in names)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return zip(target.elts, value.elts, strict=True)
    return iter([(target, value)])


def _text(argument: ast.expr, constants: Mapping[str, object]) -> str:
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    if isinstance(argument, ast.Name) and argument.id in constants:
        return str(constants[argument.id])
    raise ValueError(f"not a constant: {ast.unparse(argument)}")
