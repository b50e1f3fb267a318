# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the KSR functions and callback names in our source."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from provisioning.doctor import ksr_names
from provisioning.doctor.ksr_names import Use, pairs
from tests.contract import recording

ROOT = Path(__file__).parents[2]
ENTRIES = sorted((ROOT / "kamailio").glob("*.py"))
SOURCES = ksr_names.sources(ROOT)
MODULES = {function.module for function in recording.load()}


def uses(source: Path) -> Iterator[Use]:
    """All uses of KSR functions in a file."""
    return ksr_names.uses(source, MODULES)


def armed_callbacks(source: Path) -> Iterator[str]:
    """The names given to t_on_branch, t_on_failure and their like."""
    tree = ast.parse(source.read_text())
    constants = {
        target.id: value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target, value in pairs(node.targets[0], node.value)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".t_on_")[1]:
            given = node.args[0]
            for one in (given.body, given.orelse) if isinstance(given, ast.IfExp) else (given,):
                yield _text(one, constants)


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


def _text(argument: ast.expr, constants: Mapping[str, object]) -> str:
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    if isinstance(argument, ast.Name) and argument.id in constants:
        return str(constants[argument.id])
    raise ValueError(f"not a constant: {ast.unparse(argument)}")
