# SPDX-License-Identifier: GPL-2.0-or-later
"""The arrangements on which each call situation is proved."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.loopback import reserve_network
from tests.support.situation import Situation

MOST_AT_ONCE = 3


class Arrangements:
    """The arrangements of one test module, one per assumed time, made when first asked for.

    The oldest gives way when there are too many for the machine.
    """

    def __init__(self, yaml: Path, factory: pytest.TempPathFactory) -> None:
        self._yaml = yaml
        self._factory = factory
        self._made: dict[str | None, Situation] = {}

    def __call__(
        self, at: str | None = None, *, environment: dict[str, str] | None = None,
        operator: dict[str, Any] | None = None,
    ) -> Situation:  # fmt: skip
        """The arrangement with the folder's YAML in force; ``at`` is ISO 8601 with an offset,
        ``operator`` replaces keys of the operator's file.
        """
        if at not in self._made:
            if len(self._made) == MOST_AT_ONCE:
                self._end(next(iter(self._made)))
            assumed = datetime.fromisoformat(at) if at else None
            folder = self._factory.mktemp("situation")
            made = Situation(reserve_network(), folder, at=assumed, environment=environment,
                             operator=operator)
            with ExitStack() as undone:
                undone.enter_context(made)
                made.apply(self._yaml)
                undone.pop_all()
            self._made[at] = made
        return self._made[at]

    def end(self) -> None:
        """End them all. Raises NotReady for an edge that did not end cleanly."""
        while self._made:
            self._end(next(iter(self._made)))

    def _end(self, at: str | None) -> None:
        self._made.pop(at).close()

    def clean_up(self) -> None:
        """The next test starts without phones, and nobody is banned for what this one guessed."""
        for each in self._made.values():
            each.unplug_all()
            if "wrong password" in each.edge.log:
                each.forgive()

    def stories(self) -> Iterator[str]:
        """What each edge logged last, for a test that failed."""
        for at, each in self._made.items():
            yield f"at {at or 'the real time'}:\n{each.edge.last_words()}"


@pytest.fixture(scope="module")
def arrangements(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arrangements]:
    """All arrangements of the module, ended with it: an edge that ends unclean is an error."""
    made = Arrangements(request.path.parent / "situation.yaml", tmp_path_factory)
    yield made
    made.end()


@pytest.fixture
def arrange(arrangements: Arrangements) -> Iterator[Arrangements]:
    """``arrange(at)`` gives an arrangement without phones."""
    yield arrangements
    arrangements.clean_up()


@pytest.fixture
def situation(arrange: Arrangements) -> Situation:
    """The arrangement at the real time, without phones."""
    return arrange()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the edges' last words to the report of a failed test."""
    report = yield
    arrangements = getattr(item, "funcargs", {}).get("arrangements")
    if report.failed and arrangements:
        report.sections += [("edge log", story) for story in arrangements.stories()]
    return report
