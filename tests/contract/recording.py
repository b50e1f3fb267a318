# SPDX-License-Identifier: GPL-2.0-or-later
"""The recorded KEMI interface: what `app_python.api_list` of a real Kamailio prints."""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

VERSION = "5.6.3"
"""The oldest Kamailio that we support: what newer ones add is not for us."""

RECORDING = Path(__file__).with_name(f"api-{VERSION}.json")

_ROW = re.compile(
    r"func: \{\s*ret: (?P<returns>\S+)\s*\n\s*module:[ ]?(?P<module>.*)\n"
    r"\s*name: (?P<name>.+)\n\s*params: (?P<params>.+)\n"
)


class Function(NamedTuple):
    """One KEMI function; `module` is empty for the core's, `returns` and `params` as printed."""

    module: str
    name: str
    returns: str
    params: tuple[str, ...]

    @property
    def path(self) -> str:
        """The name as written after `KSR.`."""
        return f"{self.module}.{self.name}" if self.module else self.name

    @property
    def signature(self) -> str:
        """Parameter and return types in Kamailio's own words."""
        return f"{', '.join(self.params) or 'none'} -> {self.returns}"


def from_rpc(listing: str) -> tuple[Function, ...]:
    """The functions in kamcmd's answer to `app_python.api_list`, sorted by name."""
    rows = (
        Function(row["module"], row["name"], row["returns"], _params(row["params"]))
        for row in _ROW.finditer(listing)
    )
    return tuple(sorted(rows))


@cache
def load(path: Path = RECORDING) -> tuple[Function, ...]:
    """The functions of a recording, sorted by name."""
    recorded: dict[str, str] = json.loads(path.read_text())
    return tuple(sorted(_from_signature(name, text) for name, text in recorded.items()))


@cache
def by_module() -> dict[str, dict[str, Function]]:
    """The recorded functions by the name of their module, then by their own."""
    found: dict[str, dict[str, Function]] = {}
    for function in load():
        found.setdefault(function.module, {})[function.name] = function
    return found


def dump(functions: Iterable[Function]) -> str:
    """The recording's text: one line for each function."""
    lines = {function.path: function.signature for function in sorted(functions)}
    return json.dumps(lines, indent=0) + "\n"


def _params(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(text.split(", "))


def _from_signature(path: str, signature: str) -> Function:
    module, _, name = path.rpartition(".")
    params, _, returns = signature.partition(" -> ")
    return Function(module, name, returns, _params(params))
