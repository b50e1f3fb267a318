# SPDX-License-Identifier: GPL-2.0-or-later
"""What a plan shows beside its changes: calls of the past, pictures, and what has moved since."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import click

from provisioning import past_calls, replay
from provisioning.both_ways import BothWays
from provisioning.desk import Desk
from provisioning.output import SVG
from provisioning.pictures import comparison, svg
from provisioning.pictures.comparison import Comparison
from provisioning.planned import Plan
from provisioning.progress import Progress
from provisioning.replay import Replayed
from provisioning.storage import Change

_DRAWN = 20
"""So many numbers fit into a picture that programs still show."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is shown with a plan."""

    replayed: Replayed | None = None
    compare: Callable[[Change], Comparison | None] | None = None
    """How the week and the flows of a number change; None: no pictures are asked for."""
    moved: str = ""
    """A sentence about what has changed since the plan was made."""

    def below(self, change: Change) -> Iterator[str]:
        """For people: the pictures of a change."""
        if self.compare and (found := self.compare(change)):
            yield f"\n{comparison.as_text(found)}\n"

    def as_dict(self, plan: Plan) -> dict[str, object]:
        """For programs: what there is of it."""
        found: dict[str, object] = {
            "replay": self.replayed and asdict(self.replayed),
            "pictures": self.compare and map(comparison.as_dict, self._compared(plan)),
            "moved": self.moved}
        return {key: value for key, value in found.items() if value}

    def draw(self, desk: Desk, plan: Plan) -> None:
        """Print the pictures where they are asked for as SVG."""
        if desk.form != SVG:
            return
        each = list(islice(self._compared(plan), _DRAWN + 1))
        if not each:
            desk.warn("there is nothing to draw: no week and no flow of a number changes")
            return
        if len(each) > _DRAWN:
            desk.warn(f"the first {_DRAWN} numbers are drawn; --pictures shows all as text")
        click.echo(svg.document(comparison.picture(each[:_DRAWN]), "plan"))

    def _compared(self, plan: Plan) -> Iterator[Comparison]:
        return filter(None, map(self.compare, plan.writes)) if self.compare else iter(())


NOTHING = Beside()


def of(desk: Desk, plan: Plan, *, past: str | None, pictures: bool, moved: str) -> Beside:
    """All that is asked for: ``past`` is a count of calls, or a file of them. Raises Refused."""
    pictures = pictures or desk.form == SVG
    if not (past or pictures):
        return Beside(moved=moved)
    numbers = BothWays(plan.writes, desk.storage())
    return Beside(_replayed(desk, plan, past, numbers) if past else None,
                  _comparing(desk, numbers) if pictures else None, moved)


def _replayed(desk: Desk, plan: Plan, past: str, numbers: BothWays) -> Replayed:
    if past.isdecimal() and int(past):
        found = Progress("replayed").of(replay.recorded(plan.writes, int(past), desk.storage()))
    else:
        of_file = past_calls.read(Path(past), numbers.zone)
        found = Progress("replayed", len(of_file)).of(of_file)
    return replay.replay(found, numbers, desk.in_network().settings.platform)


def _comparing(desk: Desk, numbers: BothWays) -> Callable[[Change], Comparison | None]:
    settings, look_ups = desk.in_network().settings, (numbers.as_is, numbers.as_planned)

    def compare(change: Change) -> Comparison | None:
        if change.kind != "number":
            return None
        before, after = numbers.both(change.name)
        return comparison.of((before, after), desk.now, look_ups, settings) if (
            before and after) else None
    return compare
