# SPDX-License-Identifier: GPL-2.0-or-later
"""Caps on forwarded calls (SPEC P2), exact over all workers of this proxy, without I/O.

A call counts from its first outside target on until it is over: the dialog module keeps it in the
profile ``forwarded`` under its number, and takes it out with its final answer, BYE or time-out.
What began within 60 minutes stands in the hash table ``begun`` under the number and a running
count, which ``counted`` holds; an entry goes by itself when its hour is over. Who writes
them has a lock (``workers``).

The other proxies' counts come from the background process; see ``background``.
"""

from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.workers import alarm_once, locked
from kemi_routing.plan import Account, Plan

PROFILE, LINE_PROFILE = "forwarded", "line"
BEGUN, COUNTED, ELSEWHERE = "begun", "counted", "elsewhere"
"""Hash tables of kamailio.cfg, where their entries' lifetimes stand; ``begun`` is also the queue to
the background process.
"""
NOW, HOUR = "now", "hour"
_SIZE = "$var(followme_size)"
_ADMITTED = "$avp(followme_admitted)"
"""``_TRACKED`` in the transaction that the dialog module tracks, then the numbers that count it."""
_TRACKED = "tracked"
_CALLERS_TAG, _CSEQ = "$dlg(from_tag)", "$dlg(from_cseq)"


def is_capped(account: Account) -> bool:
    """Whether forwarded calls of this number are counted."""
    return bool(account.rights.max_calls or account.rights.max_calls_per_hour)


def admitted(edge: Edge) -> list[str]:
    """The numbers that count this call, and whether it is tracked (``_TRACKED``)."""
    return str(edge.ksr.pv.get(_ADMITTED) or "").split()


def in_profile(edge: Edge, profile: str, value: str) -> int:
    """Tracked calls under a value of a profile now, on this proxy."""
    edge.ksr.dialog.get_profile_size(profile, value, _SIZE)
    return int(edge.ksr.pv.get(_SIZE) or 0)


def elsewhere_key(what: str, number: str) -> str:
    """Key of what the other proxies count in the hash table ``elsewhere``."""
    return f"{what}:{number}"


class Caps:
    """Lets forwarded calls in; what it holds lives no longer than one callback."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._ksr = edge.ksr

    def watch(self, plan: Plan) -> None:
        """Track the call where a cap may count it; in the request route, within a transaction."""
        if any(map(is_capped, plan.accounts)):
            self.track()

    def track(self) -> bool:
        """Track the call; False where it is none that can be counted.

        To dialog all INVITEs of one Call-ID and From tag are one call, which ends with the first of
        them. So only the first is tracked and can be counted, under a lock since dlg_manage says
        the same to both of two workers: or many calls of one caller would count as one.
        """
        ksr = self._ksr
        if ksr.pv.get(_ADMITTED):
            return True
        call_id = ksr.pv.gete("$ci")
        with locked(self._edge, call_id):
            is_first = ksr.dialog.is_known_dlg() < 0 and ksr.dialog.dlg_manage() > 0
        if is_first:
            ksr.pv.sets(_ADMITTED, _TRACKED)
        return is_first

    def enter(self, profile: str, value: str, most: int) -> dict[str, object]:
        """Count the call under a value of a profile, where ``most`` may be at once. What keeps it
        from that, for the log; empty: it counts, and is let out again by itself.
        """
        if not self.track():
            return {"why": "an INVITE without Contact, or one more with the Call-ID of another"}
        with locked(self._edge, value):
            calls = in_profile(self._edge, profile, value)
            if calls >= most:
                return {"calls": calls, "max_calls": most}
            self._ksr.dialog.set_dlg_profile(profile, value)
        return {}

    def admit(self, account: Account) -> bool:
        """Whether an outside target of this number may be rung now; the call counts from then on.

        A call is counted once, and let out again by itself. In the request and failure route.
        """
        number = account.number
        before = admitted(self._edge)
        if not is_capped(account) or number in before:
            return True
        with locked(self._edge, number):
            reached = self._reached(account)
            begun = not reached and _TRACKED in before and self._begin(number)
        if begun:
            self._ksr.pv.unset(_ADMITTED)
            self._ksr.pv.sets(_ADMITTED, " ".join((*before, number)))
        else:
            self._tell(number, reached or {
                "why": "an INVITE without Contact, or one more with the Call-ID of another"})
        return begun

    def is_late(self) -> bool:
        """Whether the caller of a tracked call sends a request out of order, which the callee must
        refuse (RFC 3261 section 12.2.2).

        To dialog a call is over with its BYE, whatever the other side says to it.
        """
        ksr, pv = self._ksr, self._ksr.pv
        if ksr.is_method_in("A") or pv.gete(_CALLERS_TAG) != pv.gete("$ft"):
            return False
        return pv.geti("$cs") < pv.geti(_CSEQ) + ksr.is_method_in("B")

    def count(self, number: str) -> int:
        """Forwarded calls of this number now, on this proxy."""
        return in_profile(self._edge, PROFILE, number)

    def _reached(self, account: Account) -> dict[str, object]:
        """The cap that is reached, for the log; empty where none is."""
        number, rights = account.number, account.rights
        if rights.max_calls:
            calls = self.count(number) + self._elsewhere(NOW, number)
            if calls >= rights.max_calls:
                return {"calls": calls, "max_calls": rights.max_calls}
        if rights.max_calls_per_hour:
            left = rights.max_calls_per_hour - self._elsewhere(HOUR, number)
            # While the entry of the call so many calls ago stands, there were as many in an hour.
            before = int(self._ksr.htable.sht_get(COUNTED, number) or 0) - left + 1
            if left <= 0 or self._ksr.htable.sht_get(BEGUN, f"{number}:{before}"):
                return {"max_calls_per_hour": rights.max_calls_per_hour}
        return {}

    def _elsewhere(self, what: str, number: str) -> int:
        return int(self._ksr.htable.sht_get(ELSEWHERE, elsewhere_key(what, number)) or 0)

    def _begin(self, number: str) -> bool:
        """Count the call; False where it is not tracked."""
        htable = self._ksr.htable
        self._ksr.dialog.set_dlg_profile(PROFILE, number)
        if self._ksr.dialog.is_in_profile(PROFILE, number) < 0:
            return False
        htable.sht_seti(BEGUN, f"{number}:{htable.sht_inc(COUNTED, number)}", 1)
        self._ksr.mqueue.mq_add(BEGUN, number, "")
        return True

    def _tell(self, number: str, reached: dict[str, object]) -> None:
        self._edge.log("cap", number=number, **reached)
        alarm_once(self._edge, number, "capped", number=number, **reached)
