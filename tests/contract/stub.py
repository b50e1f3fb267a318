# SPDX-License-Identifier: GPL-2.0-or-later
"""Turns the recording into `typings/KSR.pyi`, so that mypy checks every call of ours."""

import keyword
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from tests.contract.recording import Function

STUB = Path(__file__).parents[2] / "typings" / "KSR.pyi"

# The RPC says "none" where app_python3 hands the C function's int through (apy_kemi.c).
RETURNS = {"int": "int", "bool": "bool", "none": "int"}

# The RPC says "xval" where the value decides the type; the first pattern that fits wins.
# Sources: core/kemi.c, and the ki_*_get functions of pv, htable, textopsx, corex, jsonrpcs.
XVAL_RETURNS = (
    ("hdr.get", "str | None"),
    ("hdr.get_idx", "str | None"),
    ("hdr.*", "str"),
    ("pvx.*_getd", "None"),  # arrays and dictionaries do not reach Python in 5.6
    ("pvx.*_getd_p1", "None"),
    ("pvx.*_get_keys", "None"),
    ("pvx.var_get", "str | int"),
    ("pvx.shv_get", "str | int"),
    ("textopsx.*", "str | None"),
    ("corex.file_read", "str"),
    ("jsonrpcs.response", "str"),
    ("*get", "str | int | None"),
    ("*", "str | int"),
)

# Pseudo-variables that are text whenever they have a value, and those that always are a number.
# The contract test reads each one: the port in $rp and the number in $cs really are text.
TEXT_VARIABLES = (
    *("$ru", "$rU", "$rd", "$rp", "$rP", "$rm", "$ou", "$oU", "$od", "$du", "$dd"),
    *("$fu", "$fU", "$fd", "$fn", "$ft", "$tu", "$tU", "$td", "$tn", "$tt"),
    *("$ci", "$cs", "$ct", "$ua", "$si", "$sas", "$Ri", "$pr", "$proto"),
    *("$au", "$aU", "$ad", "$adu", "$ar", "$ai"),
)
NUMBER_VARIABLES = ("$sp", "$Rp", "$ml", "$T_branch_idx", "$T_reply_code")

# What the getters return for a text variable.
PV_GETTERS = {"pv.get": "str | None", "pv.gete": "str", "pv.getw": "str"}

HEADER = '''\
# SPDX-License-Identifier: GPL-2.0-or-later
"""Kamailio's KEMI modules as recorded; written by script/record, not by hand.

Return codes: above 0 yes, below 0 no, 0 stop; only `bool` may be used as a truth value.
"""

from typing import Literal, Protocol, TypeAlias, overload
'''


def render(functions: Iterable[Function]) -> str:
    """The text of `typings/KSR.pyi` for these functions."""
    modules = {name: list(rows) for name, rows in groupby(sorted(functions), attrgetter("module"))}
    core = modules.pop("", [])
    blocks = [HEADER, _alias("_Text", TEXT_VARIABLES), _alias("_Number", NUMBER_VARIABLES)]
    blocks += [_module_class(name, rows) for name, rows in modules.items()]
    blocks += [_api(core, list(modules)), _instances(core, list(modules))]
    return "\n".join(blocks)


def python_type(function: Function) -> str:
    """What Python gets from a call of this function."""
    if function.returns != "xval":
        return RETURNS[function.returns]
    return next(kind for pattern, kind in XVAL_RETURNS if fnmatchcase(function.path, pattern))


def _alias(name: str, variables: tuple[str, ...]) -> str:
    rows = "".join(f'    "{variable}",\n' for variable in variables)
    return f"{name}: TypeAlias = Literal[\n{rows}]\n"


def _module_class(name: str, functions: list[Function]) -> str:
    lines = [f"class _{name}:"]
    for function in functions:
        lines += [f"    {line}" for line in _method(function)]
    return "\n".join(lines) + "\n"


def _method(function: Function) -> Iterator[str]:
    if function.path in PV_GETTERS:
        for names, kind in (("_Number", "int"), ("_Text", PV_GETTERS[function.path])):
            yield "@overload"
            yield f"def {function.name}(self, a: {names}, /) -> {kind}: ..."
        yield "@overload"
    yield _def(function, "self")


def _def(function: Function, *first: str) -> str:
    typed = [f"{name}: {kind}" for name, kind in zip("abcdef", function.params, strict=False)]
    params = ", ".join([*first, *typed, *(["/"] if typed else [])])
    return f"def {function.name}({params}) -> {python_type(function)}: ..."


def _api(core: list[Function], modules: list[str]) -> str:
    """A protocol of the KSR module, since a module cannot be named in an annotation."""
    lines = [
        "class Api(Protocol):",
        '    """The KSR module itself, for a parameter `ksr: Api`."""',
        "",
    ]
    lines += [f"    {_attribute(module)}" for module in modules]
    lines += [f"    {_def(function, 'self')}" for function in core]
    return "\n".join(lines) + "\n"


def _instances(core: list[Function], modules: list[str]) -> str:
    lines = [_attribute(module) for module in modules]
    lines += [_def(function) for function in core]
    return "\n".join(lines) + "\n"


def _attribute(module: str) -> str:
    if keyword.iskeyword(module):
        return f'# {module} is a keyword: getattr(ksr, "{module}") gives a _{module}'
    return f"{module}: _{module}"
