# SPDX-License-Identifier: GPL-2.0-or-later
"""Our source calls what Kamailio has."""

from pathlib import Path

import pytest

from tests.contract import recording, source
from tests.support.fake_ksr import FakeKamailio, Module

FUNCTIONS = {function.path: function for function in recording.load()}
USES = [use for path in source.SOURCES for use in source.uses(path)]


def test_the_adapter_is_looked_at() -> None:
    assert {"tm.t_relay", "tm.t_reply", "sl.send_reply", "pv.sets"} <= {use.path for use in USES}


@pytest.mark.parametrize("path", sorted({use.path for use in USES}))
def test_function_exists_with_these_arguments(path: str) -> None:
    assert path in FUNCTIONS
    wanted = len(FUNCTIONS[path].params)
    uses = [use for use in USES if use.path == path]
    assert [use for use in uses if use.arguments not in (None, wanted)] == []


@pytest.mark.parametrize("path", sorted({use.path for use in USES}))
def test_fake_models_what_the_source_calls(path: str) -> None:
    part: object = FakeKamailio(lambda ksr: None).ksr
    for name in path.split("."):
        assert isinstance(part, Module)
        assert name in part.modelled
        part = getattr(part, name)


@pytest.mark.parametrize("path", source.SOURCES, ids=lambda path: path.name)
def test_armed_callbacks_are_methods_of_the_entry(path: Path) -> None:
    assert {*source.armed_callbacks(path)} - {""} <= source.entry_methods()


def test_only_the_entry_imports_ksr() -> None:
    importing = [path.name for path in source.SOURCES if "\nimport KSR" in path.read_text()]
    assert importing == ["followme.py"]
