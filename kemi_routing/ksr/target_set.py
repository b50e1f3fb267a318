# SPDX-License-Identifier: GPL-2.0-or-later
"""The target set of one ``t_relay`` (RFC 3261 section 16.5)."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from kemi_routing import contact

if TYPE_CHECKING:
    from KSR import Api

LOCATION = "location"
FLOWS = "flows"
"""tm's ``contact_flows_avp`` in kamailio.cfg."""
_WAITING, _ALL_WAITING = f"$xavp({FLOWS}=>uri)", f"$xavp({FLOWS}[*])"
_OF_FLOW = {"dst_uri": "dst_uri", "path": "path", "sock": "send_socket"}
"""What tm's t_next_contact_flow reads, and the attribute of a branch that it is."""


class TargetSet:
    """Adds branches. In the request route the first one is the Request-URI itself; in a failure
    route, or after a ``t_relay``, that is used up (Kamailio core, dset).

    As a context it takes back, when an error ends it, what ``t_relay`` has not taken: outside the
    request route Kamailio would ring that with the next call of this process.
    """

    def __init__(self, ksr: "Api", *, ruri_unused: bool) -> None:
        self._ksr = ksr
        self._ruri_unused = ruri_unused
        self._waiting = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 where: TracebackType | None) -> None:
        if kind:
            self._take_back(0)

    def add(self, uri: str) -> int:
        """Add one URI; the count of branches added."""
        if self._ruri_unused:
            self._ksr.seturi(uri)
        else:
            self._ksr.corex.append_branch_uri(uri)
        self._ruri_unused = False
        return 1

    def add_line(self, aor: str) -> int:
        """Add all phones registered for an address of record; 0 where none is.

        Of the flows of a phone (RFC 5626) the newest is added, and tm gets to know the others.
        """
        before = self._count()
        if not self._ruri_unused:
            self._ksr.registrar.lookup_to_dset(LOCATION, aor)
            self._one_flow_each(before)
            return self._count() - before
        if self._ksr.registrar.lookup_uri(LOCATION, aor) < 0:
            return 0
        self._ruri_unused = False
        if self._count() > before:
            self._others_than_first(aor, before)
        return 1 + self._count() - before

    def _others_than_first(self, aor: str, before: int) -> None:
        """Behind the phone in the Request-URI, whose instance is not to be read there."""
        self._take_back(before)
        self._ksr.registrar.lookup_to_dset(LOCATION, aor)
        self._one_flow_each(before)
        self._ksr.pv.unset(f"$(branch(uri)[{before}])")

    def _one_flow_each(self, begin: int) -> None:
        """Of the branches from here on, let those wait that are another flow of one before them."""
        instances = [self._attribute("instance", index) for index in range(begin, self._count())]
        phones = [contact.phone(instance) for instance in instances]
        firsts = [phones.index(phone) for phone in phones]
        for place in reversed(range(len(phones))):  # what is noted last is taken first
            if phones[place] and firsts[place] < place:
                self._let_wait(begin + place, instances[firsts[place]])

    def _let_wait(self, index: int, instance: str) -> None:
        """Until the branch of this instance fails."""
        pv, pvx = self._ksr.pv, self._ksr.pvx
        if not self._waiting:
            pv.unset(_ALL_WAITING)  # of an earlier step
            self._waiting = True
        pv.sets(_WAITING, self._attribute("uri", index))
        pvx.xavp_child_sets(FLOWS, "instance", instance)
        for name, attribute in _OF_FLOW.items():
            if value := self._attribute(attribute, index):
                pvx.xavp_child_sets(FLOWS, name, value)
        pvx.xavp_child_seti(FLOWS, "flags", pv.geti(f"$(branch(flags)[{index}])"))
        pv.unset(f"$(branch(uri)[{index}])")

    def _attribute(self, name: str, index: int) -> str:
        return str(self._ksr.pv.gete(f"$(branch({name})[{index}])"))

    def _take_back(self, begin: int) -> None:
        for _ in range(self._count() - begin):  # the others move up (module pv, drop_sip_branch)
            self._ksr.pv.unset(f"$(branch(uri)[{begin}])")

    def used_up(self) -> None:
        """``t_relay`` took it all."""
        self._ruri_unused = False

    def _count(self) -> int:
        return int(self._ksr.pv.get("$branch(count)") or 0)
