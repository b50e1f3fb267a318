# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's tm functions: what the script does to a transaction.

The rules are those of t_lookup.c, t_fwd.c, t_funcs.c and tm.c of Kamailio 5.6.3.
"""

from dataclasses import replace

from tests.support.fake_message import Part
from tests.support.fake_replies import Replies
from tests.support.fake_state import (
    E_BAD_ADDRESS,
    E_CANCELED,
    E_CFG,
    E_SCRIPT,
    E_TOO_MANY_BRANCHES,
    E_UNSPEC,
    Appended,
    Armed,
    Branch,
    Forwarded,
    Process,
    Route,
    Transaction,
)
from tests.support.sip_message import parse_uri

INTERNAL_REPLY = -4
ALREADY_HANDLED = 0


CONTACT_FLOWS, VIA_PARAMS = "flows", "via"
"""tm's contact_flows_avp and core's xavp_via_params in kamailio.cfg."""


class Tm(Part):
    """The functions of KSR.tm."""

    def __init__(self, process: Process, replies: Replies) -> None:
        super().__init__(process)
        self._replies = replies
        self._error = 0
        """ser_error: why the last t_relay failed."""

    @property
    def _armed(self) -> Armed:
        transaction = self._process.transaction
        return transaction.armed if transaction else self._process.armed

    def t_on_branch(self, name: str) -> int:
        self._armed.on_branch = name
        return 1

    def t_on_failure(self, name: str) -> int:
        self._armed.on_failure = name
        return 1

    def t_on_branch_failure(self, name: str) -> int:
        self._armed.on_branch_failure = name
        return 1

    def t_on_reply(self, name: str) -> int:
        self._armed.on_reply = name
        return 1

    def t_is_set(self, target: str) -> int:
        armed = self._armed
        names = {"b": armed.on_branch, "f": armed.on_failure, "o": armed.on_reply}
        return 1 if names.get(target[:1]) else -1

    def t_set_fr(self, ring_ms: int, no_reply_ms: int) -> int:
        timers = self._armed.timers
        # 0 leaves a timer as it is.
        timers.ring_ms = ring_ms or timers.ring_ms
        timers.no_reply_ms = no_reply_ms or timers.no_reply_ms
        return 1

    def t_set_max_lifetime(self, invite_ms: int, other_ms: int) -> int:
        timers = self._armed.timers
        is_invite = self._message.request.method == "INVITE"
        timers.lifetime_ms = (invite_ms if is_invite else other_ms) or timers.lifetime_ms
        return 1

    def t_set_auto_inv_100(self, state: int) -> int:
        return 1

    def t_set_disable_6xx(self, state: int) -> int:
        self._armed.disable_6xx = state != 0
        return 1

    def t_set_disable_internal_reply(self, state: int) -> int:
        self._armed.disable_internal_reply = state != 0
        return 1

    def t_set_no_e2e_cancel_reason(self, state: int) -> int:
        self._armed.no_e2e_cancel_reason = state != 0
        return 1

    def t_newtran(self) -> int:
        process, request = self._process, self._message.request
        if process.transaction:
            return E_SCRIPT
        if self._found():
            return ALREADY_HANDLED
        if request.method == "ACK":
            return 1
        process.transaction = Transaction(
            request, self._message.copy(), process.armed, process.loose_avps, process.loose_xavps
        )
        number = len(process.transactions)
        process.transaction.ident = (number, -1 - number)
        process.loose_avps, process.loose_xavps = {}, {}
        process.transactions.append(process.transaction)
        return 1

    def t_check_trans(self) -> int:
        process = self._process
        if process.route is not Route.REQUEST:
            return 1
        if self._message.request.method == "CANCEL":
            return 1 if self._replies.cancelled_by(self._message.request) else -1
        if process.transaction:
            # Its own transaction is found too: the last answer goes out once more.
            self._retransmit(process.transaction)
            return ALREADY_HANDLED
        return ALREADY_HANDLED if self._found() else -1

    def t_is_canceled(self) -> int:
        transaction = self._process.transaction
        return 1 if transaction and transaction.canceled else -1

    def t_branch_timeout(self) -> int:
        return 1 if self._failed_branch and self._message.timed_out else -1

    def t_branch_replied(self) -> int:
        return 1 if self._failed_branch and self._message.replied else -1

    def t_next_contact_flow(self) -> int:
        process, transaction = self._process, self._process.transaction
        instance = self._failed_branch and transaction and (
            transaction.branches[transaction.picked].instance)
        waiting = process.xavps.get(CONTACT_FLOWS, [])
        if not (instance and waiting):
            return -2
        found = next((each for each in waiting if each.get("instance") == instance), None)
        if found is None:
            return -1
        waiting.remove(found)
        bits = int(found.get("flags", 0))
        flags = frozenset(bit for bit in range(32) if bits >> bit & 1)
        uri, dst_uri, socket = (str(found.get(name, "")) for name in ("uri", "dst_uri", "sock"))
        process.dset.append(Appended(uri, dst_uri, socket, flags, instance))
        return 1

    def t_any_replied(self) -> int:
        transaction = self._process.transaction
        return 1 if transaction and any(b.replied for b in transaction.branches) else -1

    def t_any_timeout(self) -> int:
        transaction = self._process.transaction
        return 1 if transaction and any(b.timed_out for b in transaction.branches) else -1

    def t_release(self) -> int:
        process = self._process
        if process.route is not Route.REQUEST:
            return -1
        if process.transaction:
            process.transaction.handled = process.transaction.released = True
            process.transaction = None
        return 1

    def t_reply(self, code: int, reason: str) -> int:
        process, message = self._process, self._message
        transaction = process.transaction
        if transaction is None or message.request.method == "ACK":
            return -1
        if process.route in (Route.BRANCH, Route.BRANCH_FAILURE):
            return -1
        if transaction.status >= 200:
            return -1
        self._replies.local(transaction, code, reason, message.reply_headers)
        return 1

    def t_send_reply(self, code: int, reason: str) -> int:
        self.t_newtran()
        return self.t_reply(code, reason)

    def t_relay(self) -> int:
        process = self._process
        if process.route in (Route.FAILURE, Route.BRANCH_FAILURE):
            assert process.transaction is not None
            if self._forward(process.transaction) > 0:
                return 1
            process.transaction.delayed_error = self._error
            return -1
        if process.route is not Route.REQUEST:
            return 0
        return self._relay_request()

    def send_reply(self, code: int, reason: str) -> int:
        """KSR.sl.send_reply: within the transaction where there is one."""
        if self._process.transaction:
            return self.t_reply(code, reason)
        return self.sl_send_reply(code, reason)

    def sl_send_reply(self, code: int, reason: str) -> int:
        """KSR.sl.sl_send_reply: without transaction."""
        if self._message.request.method == "ACK":
            return -1
        self._process.answer_stateless(code, reason)
        return 1

    @property
    def _failed_branch(self) -> bool:
        return self._process.route in (Route.FAILURE, Route.BRANCH_FAILURE)

    def _found(self) -> bool:
        """Looks the transaction up; what matches is worked off here (t_lookup_request)."""
        process, request = self._process, self._message.request
        method = "INVITE" if request.method == "ACK" else request.method
        for transaction in process.transactions:
            if (transaction.request.branch, transaction.request.method) != (request.branch, method):
                continue
            if request.method == "ACK":
                transaction.released = True
            else:
                self._retransmit(transaction)
            process.transaction = transaction
            return True
        return False

    def _retransmit(self, transaction: Transaction) -> None:
        if transaction.last_reply:
            self._process.replies.append(transaction.last_reply)

    def _relay_request(self) -> int:
        process, request = self._process, self._message.request
        made = self.t_newtran()
        if made == ALREADY_HANDLED:
            return 1
        if request.method == "ACK":
            destination = self._message.dst_uri or self._message.uri
            self._send(self._message.uri, destination)
            return 1
        transaction = process.transaction
        assert transaction is not None
        original = self._replies.cancelled_by(request)
        if original is not None:
            self._replies.cancel(original, transaction)
            return 1
        done = self._forward(transaction)
        if done > 0:
            transaction.delayed_error = 0
        elif transaction.armed.disable_internal_reply:
            return INTERNAL_REPLY
        else:
            transaction.delayed_error = self._error
        return done

    def _forward(self, transaction: Transaction) -> int:
        """t_forward_nonack(): makes the branches, then sends them."""
        process, message = self._process, self._message
        dset, process.dset = process.dset, []
        uri_is_new, process.uri_is_new = process.uri_is_new, False
        if transaction.canceled:
            self._error = E_CANCELED
            return -1
        if not transaction.branches and process.route is Route.REQUEST:
            # save_msg_lumps(): what was changed up to here stays for later branches.
            transaction.stored.edits = [*message.edits]
            transaction.stored.reply_headers = [*message.reply_headers]
        on_branch, transaction.armed.on_branch = transaction.armed.on_branch, ""
        if uri_is_new:
            flags = frozenset(message.branch_flags)
            dset = [Appended(message.uri, message.dst_uri, message.send_socket, flags,
                             message.instance), *dset]
        made = [self._add(transaction, each, on_branch) for each in dset]
        added = [branch for branch in made if isinstance(branch, Branch)]
        errors = [E_UNSPEC, *(error for error in made if isinstance(error, int))]
        if not added:
            self._error = min(errors) if dset else E_CFG
            return self._error if dset else -1
        for branch in added:
            branch.timers = replace(transaction.timers)
            process.forwarded.append(branch.sent)
        transaction.handled = True
        return 1

    def _add(self, transaction: Transaction, appended: Appended, on_branch: str) -> Branch | int:
        """add_uac(): a new branch, or the E_* code why there is none."""
        process, index = self._process, len(transaction.branches)
        if index >= process.max_branches:
            return E_TOO_MANY_BRANCHES
        message = self._message.copy()
        message.new_uri, message.dst_uri = appended.uri, appended.dst_uri
        message.send_socket = appended.send_socket
        message.branch_flags = {*appended.flags}
        if on_branch:
            with process.running(Route.BRANCH, message, transaction, index):
                process.callback(on_branch)
            if process.dropped:
                return E_CFG
        destination = message.dst_uri or appended.uri
        if not self._resolves(destination):
            return E_BAD_ADDRESS
        armed = transaction.armed
        sent = Forwarded(
            self._message.request.method,
            message.uri,
            destination,
            message.edited(),
            message.send_socket,
            message.connects,
            {**process.xavps.get(VIA_PARAMS, [{}])[0]},
        )
        callbacks = (armed.on_failure, armed.on_branch_failure, armed.on_reply)
        branch = Branch(index, sent, transaction.timers, *callbacks, message.branch_flags,
                        appended.instance)
        transaction.branches.append(branch)
        return branch

    def _resolves(self, destination: str) -> bool:
        uri = parse_uri(destination)
        if uri is None:
            return False
        return uri.host not in self._process.unresolvable and not uri.host.endswith(".invalid")

    def _send(self, uri: str, destination: str) -> None:
        message = self._message
        sent = (message.request.method, uri, destination, message.edited(), message.send_socket)
        self._process.forwarded.append(Forwarded(*sent))
