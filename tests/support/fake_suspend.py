# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's tmx functions: a transaction that waits, and how it goes on.

The rules are those of t_suspend.c and add_blind_uac() in t_fwd.c of Kamailio 5.6.3.
"""

from dataclasses import replace

from tests.support.fake_message import Part
from tests.support.fake_replies import Replies
from tests.support.fake_state import (
    E_UNSPEC,
    Branch,
    Forwarded,
    Misuse,
    Process,
    Route,
    Transaction,
)
from tests.support.sip_message import Headers

CONTINUED = 500
"""Status of the blind branch of a transaction that went on."""


class Tmx(Part):
    """The functions of KSR.tmx."""

    def __init__(self, process: Process, replies: Replies) -> None:
        super().__init__(process)
        self._replies = replies

    def t_suspend(self) -> int:
        transaction = self._process.transaction
        if transaction is None or self._process.route is not Route.REQUEST:
            raise NotImplementedError("the fake models t_suspend after t_newtran")
        if transaction.canceled:
            return 1
        if transaction.status >= 200:
            return -1
        if transaction.branches:
            raise Misuse("suspended after t_relay: the answers of its branches are dropped")
        transaction.stored.edits = [*self._message.edits]
        transaction.stored.reply_headers = [*self._message.reply_headers]
        nobody = Forwarded(self._message.request.method, "", "", Headers())
        blind = Branch(0, nobody, replace(transaction.timers), transaction.armed.on_failure, "", "")
        blind.blind = True
        transaction.branches.append(blind)
        transaction.suspended = transaction.handled = True
        return 1

    def t_continue(self, index: int, label: int, name: str) -> int:
        found = (t for t in self._process.transactions if t.ident == (index, label))
        transaction = next(found, None)
        if transaction is None:
            return -1
        if not transaction.suspended:
            raise Misuse("not suspended: t_continue_helper() keeps a reference, it stays for ever")
        transaction.suspended = False
        if transaction.canceled:
            return 1
        transaction.branches[0].status = CONTINUED
        self._run(transaction, name)
        if transaction.status < 200 and not any(b.ringing for b in transaction.branches):
            self._replies.internal(transaction, E_UNSPEC)
        return 1

    def _run(self, transaction: Transaction, name: str) -> None:
        """Runs a callback as in a failure route, but with the R-URI free to use."""
        process = self._process
        before = (process.dset, process.uri_is_new, process.variables)
        process.dset, process.uri_is_new, process.variables = [], True, {}
        with process.running(Route.FAILURE, transaction.stored.copy(), transaction):
            process.callback(name)
        if process.dset:
            raise Misuse(f"never relayed: {[each.uri for each in process.dset]}")
        process.dset, process.uri_is_new, process.variables = before
