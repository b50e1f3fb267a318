# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about the source as a whole that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = (".ci", "docs", "kamailio", "kemi_routing", "provisioning", "script", "tests", "typings")
CORE = sorted(path for path in (ROOT / "kemi_routing").glob("*.py"))
EDGE = sorted((ROOT / "kemi_routing").rglob("*.py")) + sorted((ROOT / "kamailio").glob("*.py"))

# Ways around a gate. A number changes only together with a reason for it in the review.
ESCAPES = {
    "pragma: no cover": 0,
    "pragma: no branch": 0,
    "type: ignore": 0,
    "noqa": 2,  # the two guards that turn any error into a result: the entry, the contract probes
    "mark.skip": 0,
    "mark.xfail": 0,
    "time.sleep": 1,  # the one place that polls for a condition
}


def test_every_verb_of_a_log_line_is_explained() -> None:
    told = re.compile(r'\.(?:log|alarm|tell|fault)\(\s*"([a-z]+)"|alarm_once\([^"]*"([a-z]+)"')
    verbs = {verb for path in EDGE for pair in told.findall(path.read_text()) for verb in pair}
    page = (ROOT / "docs/operators.md").read_text()
    assert verbs - {""} - set(re.findall(r"^\| `([a-z]+)` \|", page, re.M)) == set()
    assert {"route", "capped", "limited", "hop", "error"} <= verbs


def sources() -> list[Path]:
    """Our Python and shell files, read as text by the tests below."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file())
    return [path for path in files if path.suffix in {".py", ".pyi"} or is_script(path)]


def is_script(path: Path) -> bool:
    return not path.suffix and path.read_bytes().startswith(b"#!")


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that ``path`` imports when it runs."""
    tree = ast.parse(path.read_text())
    unseen = {id(inner) for node in ast.walk(tree) if for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in unseen:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and id(node) not in unseen:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield str(node.module)


def for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def foreign(path: Path) -> set[str]:
    """Top-level names that ``path`` imports from neither the standard library nor our core."""
    tops = {name.partition(".")[0] for name in imports(path)}
    return tops - sys.stdlib_module_names - {"kemi_routing"}


def test_escapes_are_counted() -> None:
    texts = [path.read_text() for path in sources() if path != Path(__file__)]
    assert {escape: sum(text.count(escape) for text in texts) for escape in ESCAPES} == ESCAPES


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_core_imports_the_standard_library_only(path: Path) -> None:
    allowed = {"msgpack"} if path.name == "packed.py" else set()
    assert foreign(path) <= allowed


@pytest.mark.parametrize("path", EDGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_edge_imports_only_what_the_small_lock_holds(path: Path) -> None:
    assert foreign(path) <= {"KSR", "msgpack", "redis"}


def test_only_the_entry_imports_ksr() -> None:
    product = [*EDGE, *(ROOT / "provisioning").rglob("*.py"), *(ROOT / "docs").rglob("*.py")]
    assert [path.parent.name for path in product if "KSR" in set(imports(path))] == ["kamailio"]


def test_every_source_names_its_licence() -> None:
    line = "SPDX-License-Identifier: GPL-2.0-or-later"
    unnamed = [str(path) for path in sources() if line not in "".join(first_lines(path))]
    assert unnamed == []


def first_lines(path: Path) -> list[str]:
    return path.read_text().splitlines()[:2]


def test_setup_installs_every_module_that_the_configuration_loads() -> None:
    """The machine of the one who added a module may have had its package by chance."""
    configuration = (ROOT / "kamailio/kamailio.cfg").read_text()
    loaded = re.findall(r'^loadmodule "(\w+\.so)"', configuration, re.MULTILINE)
    found = subprocess.run(
        ["dpkg", "--search", *(f"*/kamailio/modules/{module}" for module in loaded)],
        check=True,
        capture_output=True,
        text=True,
    )
    owners = {line.partition(":")[0] for line in found.stdout.splitlines()}
    assert owners <= words("script/setup")
    assert owners <= words("Dockerfile")


def words(name: str) -> set[str]:
    return set((ROOT / name).read_text().split())


def test_readme_shows_the_example_as_it_is_and_names_what_there_is() -> None:
    readme = (ROOT / "README.md").read_text()
    assert (ROOT / "provisioning/examples/office.yaml").read_text() in readme
    named = re.findall(r"\]\((?!https?:)([^)#]+)", readme)
    assert [name for name in named if not (ROOT / name).exists()] == []
    situations = {path.parent.name for path in (ROOT / "tests/e2e").glob("*/README.md")}
    assert situations <= {Path(name).name for name in named}
