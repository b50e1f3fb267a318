# SPDX-License-Identifier: GPL-2.0-or-later
"""For every test: no network where none belongs, no skipped test, long ones on demand."""

from pathlib import Path

import hypothesis
import pytest

# A busy machine is no failure.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

TESTS = Path(__file__).parent
WITHOUT_NETWORK = (TESTS / "unit", TESTS / "ksr")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes the network from the tests that must not have it, and long tests out of a short run."""
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in WITHOUT_NETWORK):
            item.add_marker(pytest.mark.disable_socket)
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that was skipped proved nothing: the run has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        reporter.write_line("skipped tests are failed tests here", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
