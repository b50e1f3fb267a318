# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's tm as seen from the wire: answers of phones, timers, CANCEL.

The rules are those of t_reply.c and e2e_cancel() in t_fwd.c of Kamailio 5.6.3.
"""

from dataclasses import replace

from tests.support.fake_state import (
    E_BAD_ADDRESS,
    E_CANCELED,
    Branch,
    Forwarded,
    Message,
    Misuse,
    Process,
    Reply,
    Route,
    Transaction,
)
from tests.support.sip_message import Header, Headers, Request

UNFINISHED = -2
ANSWERED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
FAVOURED = (1, 7, 15, 20, 84)
"""4xx that beat the others, get_4xx_prio()."""


class Replies:
    """Works off answers and timers of a process; faked answers are worth less by `faked_prio`."""

    def __init__(self, process: Process, faked_prio: int) -> None:
        self._process = process
        self._faked_prio = faked_prio

    def local(self, transaction: Transaction, code: int, reason: str, more: list[str]) -> None:
        """An answer of our own within the transaction (t_reply)."""
        tag = f"tm-{id(transaction)}"
        reply = self._process.answer(transaction.request, code, reason, more, tag)
        self._replied(transaction, reply)
        if code >= 200:
            self._cancel_others(transaction, f"SIP;cause={code}")

    def internal(self, transaction: Transaction, error: int) -> None:
        """The answer for an error of tm (kill_transaction)."""
        code = -error if error in (E_BAD_ADDRESS, E_CANCELED) else 500
        self.local(transaction, code, "Internal error", transaction.stored.reply_headers)

    def from_phone(self, transaction: Transaction, branch: Branch, reply: Reply) -> None:
        """A phone's answer (reply_received)."""
        if reply.code < 200 and branch.cancel is not None:
            self._send_cancel(branch)
            return
        dropped = False
        if branch.on_reply:
            dropped, reply = self._run_reply_route(transaction, branch, reply)
        if reply.code < 200:
            branch.status = reply.code
            if reply.code > 100 and transaction.status < 200 and not dropped:
                self._relay(transaction, reply)
        elif reply.code < 300:
            self._answered(transaction, branch, reply)
        else:
            self._refused(transaction, branch, reply)
        branch.replied = True

    def timer(self, transaction: Transaction, branch: Branch) -> None:
        """tm's ring time or no-reply time ran out (fake_reply with 408)."""
        rang = branch.status >= 100
        branch.timed_out = True
        if rang:
            branch.cancel = branch.cancel or ""
        reply = Reply(408, "Request Timeout", Headers(), transaction.request)
        self._refused(transaction, branch, reply, faked=True)
        if rang:
            self._send_cancel(branch)

    def cancelled_by(self, request: Request) -> Transaction | None:
        """The INVITE that this CANCEL is for; None for other requests and when there is none."""
        if request.method != "CANCEL":
            return None
        same = (t for t in self._process.transactions if t.request.branch == request.branch)
        return next((t for t in same if t.request.method != "CANCEL"), None)

    def cancel(self, invite: Transaction, cancel: Transaction) -> None:
        """The caller hangs up (e2e_cancel)."""
        invite.canceled = True
        open_branches = [b for b in invite.branches if b.ringing and not b.blind]
        if not open_branches and invite.status < 200:
            self.local(invite, 487, "Request canceled", [])
        reasons = cancel.request.lines.all("Reason")
        reason = "" if invite.armed.no_e2e_cancel_reason else ",".join(reasons)
        for branch in open_branches:
            self._cancel(branch, reason)
        self.local(cancel, 200, "canceling", [])

    def _answered(self, transaction: Transaction, branch: Branch, reply: Reply) -> None:
        if branch.status >= 300:
            return
        branch.status = reply.code
        self._relay(transaction, reply)
        self._cancel_others(transaction, ANSWERED_ELSEWHERE)

    def _refused(
        self, transaction: Transaction, branch: Branch, reply: Reply, *, faked: bool = False
    ) -> None:
        """t_should_relay_response() for a final answer of 300 and above."""
        if transaction.status >= 200 or branch.status >= 200:
            return
        branch.status, branch.answer = reply.code, None if faked else reply
        if branch.on_branch_failure:
            transaction.armed.on_branch_failure = ""
            name = branch.on_branch_failure
            self._run_failure(transaction, branch, name, Route.BRANCH_FAILURE)
        branch.stored, branch.faked = reply, faked
        picked = self._pick(transaction, branch)
        if picked != UNFINISHED:
            self._step_over(transaction, picked)
        elif reply.code >= 600 and not transaction.armed.disable_6xx:
            self._cancel_others(transaction, f"SIP;cause={reply.code}")

    def _step_over(self, transaction: Transaction, picked: int) -> None:
        """All branches are final: the failure route, then the answer upstream."""
        before = len(transaction.branches)
        chosen = transaction.branches[picked]
        answer = chosen.stored
        if chosen.on_failure:
            transaction.armed.on_failure = ""
            self._run_failure(transaction, chosen, chosen.on_failure, Route.FAILURE)
        if transaction.status >= 200:
            return
        if len(transaction.branches) > before:
            # failure_reply_mode=3: answers of earlier steps are forgotten.
            for branch in transaction.branches[:before]:
                branch.stored = None
            return
        assert answer is not None
        if chosen.faked:
            more = transaction.stored.reply_headers
            self.local(transaction, answer.code, answer.reason, more)
        else:
            self._relay(transaction, answer)

    def _pick(self, transaction: Transaction, current: Branch) -> int:
        """t_pick_branch(): the best answer, or that there is none yet."""
        best, best_prio = -1, 32_000
        for branch in transaction.branches:
            if branch is not current:
                if branch.status < 200:
                    return UNFINISHED
                if branch.stored is None or branch.blind:
                    continue
            # The answer at hand is not marked as faked yet: 408 wins when it comes last.
            faked = branch.faked and branch is not current
            prio = _prio(branch.status) + (self._faked_prio if faked else 0)
            if prio < best_prio:
                best, best_prio = branch.index, prio
        return best

    def _run_failure(
        self, transaction: Transaction, branch: Branch, name: str, route: Route
    ) -> None:
        process = self._process
        transaction.picked = branch.index
        message = transaction.stored.copy()
        message.branch_flags = {*branch.flags}
        message.timed_out, message.replied = branch.timed_out, branch.replied
        # A transaction that waited for its failure route is suspended no longer.
        transaction.suspended = False
        process.dset, process.uri_is_new = [], False
        process.variables = {}  # another process may run it
        with process.running(route, message, transaction, branch.index):
            process.callback(name)
        if process.dset:
            left = [each.uri for each in process.dset]
            raise Misuse(f"never relayed, so another call would ring them: {left}")

    def _run_reply_route(
        self, transaction: Transaction, branch: Branch, reply: Reply
    ) -> tuple[bool, Reply]:
        """Whether the route dropped the answer, as only a provisional one can be; the answer."""
        message = Message(transaction.request, reply=reply, flags=transaction.stored.flags,
                          branch_flags=branch.flags)
        with self._process.running(Route.REPLY, message, transaction, branch.index):
            self._process.callback(branch.on_reply)
            dropped = self._process.dropped
        return dropped, replace(message.reply or reply, headers=message.edited())

    def _relay(self, transaction: Transaction, reply: Reply) -> None:
        self._process.replies.append(reply)
        self._replied(transaction, reply)

    def _replied(self, transaction: Transaction, reply: Reply) -> None:
        transaction.status, transaction.last_reply = reply.code, reply
        transaction.handled = True
        transaction.delayed_error = 0  # t_unref(): only where the script has not answered

    def _cancel_others(self, transaction: Transaction, reason: str) -> None:
        for branch in transaction.branches:
            if branch.blind:
                branch.status = branch.status or 487
            elif branch.ringing:
                self._cancel(branch, reason)

    def _cancel(self, branch: Branch, reason: str) -> None:
        if branch.cancel is None:
            branch.cancel = reason
            if branch.status >= 100:  # RFC 3261 section 9.1: not before a provisional answer
                self._send_cancel(branch)

    def _send_cancel(self, branch: Branch) -> None:
        if branch.cancel_sent:
            return
        branch.cancel_sent = True
        reason = [Header("Reason", branch.cancel)] if branch.cancel else []
        kept = [header for header in branch.headers if header.named("From")]
        limit = [Header("Max-Forwards", "70")]
        headers = Headers([*kept, *limit, *reason])
        sent = Forwarded("CANCEL", branch.uri, branch.destination, headers)
        self._process.forwarded.append(sent)


def _prio(code: int) -> int:
    """get_prio(): the lower, the better."""
    kind, rest = divmod(code, 100)
    if kind == 4:
        rest = rest if rest in FAVOURED else 100 + rest
    return {2: 0, 6: 1000}.get(kind, kind * 1000) + rest
