# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's dialog functions: calls that are tracked, and the profiles in which they count.

The rules are those of dlg_handlers.c and dlg_profile.c of Kamailio 5.6.3.
"""

from dataclasses import dataclass, field

from tests.support.fake_message import Part
from tests.support.fake_state import Misuse, Process, Transaction, Value
from tests.support.fake_variables import Pv, Variable
from tests.support.sip_message import parse_name_addr

PROFILES = ("forwarded", "trunk", "line")
"""Those that `kamailio.cfg` names."""


@dataclass
class Tracked:
    """A call that dlg_manage found, with the values under which it counts."""

    transaction: Transaction
    values: list[tuple[str, str]] = field(default_factory=list)


class Dialog(Part):
    """The functions of KSR.dialog; the call at hand is that of the transaction."""

    def __init__(self, process: Process, pv: Pv) -> None:
        super().__init__(process)
        self._pv = pv
        self._tracked: list[Tracked] = []
        pv.add("dlg", self._variable)

    def dlg_manage(self) -> int:
        process, message = self._process, self._message
        if process.transaction is None:
            raise NotImplementedError("the fake models dlg_manage after t_newtran")
        if message.record_routed:
            raise NotImplementedError("the fake models dlg_manage before record_route")
        if message.request.method != "INVITE" or self._own or not self._header("Contact"):
            return -1
        if self.is_known_dlg() > 0:  # to Kamailio the same call once more
            return 1
        self._tracked.append(Tracked(process.transaction))
        message.route_params.append(f";did=fake.{len(self._tracked)}")
        return 1

    def is_known_dlg(self) -> int:
        return 1 if self._current else -1

    def set_dlg_profile(self, profile: str, value: str) -> int:
        _check(profile)
        if self._current:  # else it waits for a call to be tracked in this request
            self._current.values.append((profile, value))
        return 1

    def is_in_profile(self, profile: str, value: str) -> int:
        _check(profile)
        return 1 if self._current and (profile, value) in self._current.values else -1

    def get_profile_size(self, profile: str, value: str, name: str) -> int:
        _check(profile)
        self._pv.seti(name, sum(
            each.values.count((profile, value)) for each in self._tracked if not self._over(each)))
        return 1

    def _variable(self, variable: Variable) -> Value | None:
        found = self._current
        if found is None:
            return None
        values = {"from_tag": _tag(found), "from_cseq": str(self._cseq(found))}
        return values[variable.inner]

    def _cseq(self, tracked: Tracked) -> int:
        """That of the caller's last request but ACK."""
        invite = tracked.transaction.request
        tag = f";tag={_tag(tracked)}"
        later = [one.cseq for one in self._process.routed if one.call_id == invite.call_id
                 and one.method != "ACK" and one.caller.endswith(tag)]
        return [invite.cseq, *later][-1]

    def _found(self, call_id: str, *tags: str) -> Tracked | None:
        return next((each for each in self._tracked if not self._over(each) and _tag(each) in tags
                     and each.transaction.request.call_id == call_id), None)

    @property
    def _own(self) -> Tracked | None:
        transaction = self._process.transaction
        return next((each for each in self._tracked if each.transaction is transaction), None)

    @property
    def _current(self) -> Tracked | None:
        tags = [self._address(name).params.get("tag", "") for name in ("From", "To")]
        return self._own or self._found(self._message.request.call_id, *tags)

    def _over(self, tracked: Tracked) -> bool:
        """After a final answer that refuses, or a BYE that found its way through loose_route."""
        call_id = tracked.transaction.request.call_id
        message = self._process.current
        at_hand = message is not None and message.route_found and message.request.method == "BYE"
        byes = [each for each in self._process.forwarded if each.method == "BYE"]
        return tracked.transaction.status >= 300 or call_id in (
            *(bye.headers.get("Call-ID") for bye in byes),
            *([message.request.call_id] if message and at_hand else []))


def _tag(tracked: Tracked) -> str:
    return parse_name_addr(tracked.transaction.request.caller).params.get("tag", "")


def _check(profile: str) -> None:
    if profile not in PROFILES:
        raise Misuse(f"no profile {profile} in kamailio.cfg; Kamailio says -1")
