# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers as they are, and as they will be once changes are made."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from kemi_routing import record
from kemi_routing.model import Number
from kemi_routing.redis import keys
from provisioning.storage import Change, Storage
from provisioning.stored import read_number, read_state

_UTC = ZoneInfo("UTC")
_MOST_HELD = 20_000
"""Numbers in memory, or a batch more."""

_Both = tuple[Number | None, Number | None]


class BothWays:
    """Numbers both ways, with what calls and commands have set for them; each read once."""

    def __init__(self, changes: Iterable[Change], storage: Storage) -> None:
        self._storage = storage
        self._new = {change.name: change.sets.get(keys.number(change.name))
                     for change in changes if change.kind == "number" and change.writes}
        self._held: dict[str, _Both] = {}

    def changes_any(self, names: Iterable[str]) -> bool:
        """Whether one of these numbers is changed, is new or goes."""
        return not self._new.keys().isdisjoint(names)

    def as_is(self, names: Iterable[str]) -> dict[str, Number]:
        """Those of these numbers that are there now."""
        return {name: number for name, (number, _) in self._known(names) if number}

    def as_planned(self, names: Iterable[str]) -> dict[str, Number]:
        """Those that will be there."""
        return {name: number for name, (_, number) in self._known(names) if number}

    def both(self, name: str) -> _Both:
        """A number as it is and as it will be; None: there is none."""
        return self._known([name])[0][1]

    def zone(self, name: str) -> ZoneInfo:
        """Where the clock of a number is that is there now or will be; UTC of nobody's number."""
        return next((one.zone for one in self.both(name) if one), _UTC)

    def read(self, names: Iterable[str]) -> None:
        """Get them from the store at once, which takes less time than one by one."""
        missing = [name for name in names if name not in self._held]
        found = self._storage.read(make(name) for make in (keys.number, keys.state)
                                   for name in missing)
        for name in missing:
            number = read_number(found, name)
            state = read_state(found, name)
            after = self._planned(name) if name in self._new else number
            self._held[name] = (number and state.applied_to(number),
                                after and state.applied_to(after))

    def _known(self, names: Iterable[str]) -> list[tuple[str, _Both]]:
        wanted = list(names)
        if len(self._held) > _MOST_HELD:
            self._held.clear()
        self.read(wanted)
        return [(name, self._held[name]) for name in wanted]

    def _planned(self, name: str) -> Number | None:
        data = self._new[name]
        return record.decode_number(data) if data else None
