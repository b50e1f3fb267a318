# SPDX-License-Identifier: GPL-2.0-or-later
"""The target set of one ``t_relay`` (RFC 3261 section 16.5)."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from KSR import Api

LOCATION = "location"
_FIRST = "$(branch(uri)[0])"


class TargetSet:
    """Adds branches. In the request route the first one is the Request-URI itself; in a failure
    route, or after a ``t_relay``, that is used up (Kamailio core, dset).

    As a context it takes back, when an error ends it, what ``t_relay`` has not taken: outside the
    request route Kamailio would ring that with the next call of this process.
    """

    def __init__(self, ksr: "Api", *, ruri_unused: bool) -> None:
        self._ksr = ksr
        self._ruri_unused = ruri_unused

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 where: TracebackType | None) -> None:
        for _ in range(self._count() if kind else 0):
            self._ksr.pv.unset(_FIRST)  # the others move up (Kamailio module pv, drop_sip_branch)

    def add(self, uri: str) -> int:
        """Add one URI; the count of branches added."""
        if self._ruri_unused:
            self._ksr.seturi(uri)
        else:
            self._ksr.corex.append_branch_uri(uri)
        self._ruri_unused = False
        return 1

    def add_line(self, aor: str) -> int:
        """Add all phones registered for an address of record; 0 where none is."""
        before = self._count()
        if not self._ruri_unused:
            self._ksr.registrar.lookup_to_dset(LOCATION, aor)
            return self._count() - before
        if self._ksr.registrar.lookup_uri(LOCATION, aor) < 0:
            return 0
        self._ruri_unused = False
        return 1 + self._count() - before

    def used_up(self) -> None:
        """``t_relay`` took it all."""
        self._ruri_unused = False

    def _count(self) -> int:
        return int(self._ksr.pv.get("$branch(count)") or 0)
