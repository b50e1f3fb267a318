# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of a branch that is sent elsewhere when it failed, and of the health of gateways."""

from typing import TYPE_CHECKING

from tests.contract.probes_message import CALL, probe
from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request

if TYPE_CHECKING:
    from KSR import Api


@probe(CALL)
def gateway_that_serves(ksr: "Api") -> object:
    return ksr.dispatcher.ds_is_active_uri(1, "sip:127.0.0.1:9")


@probe(CALL)
def list_of_gateways_that_is_read_again(ksr: "Api") -> object:
    return [ksr.dispatcher.ds_reload(), ksr.dispatcher.ds_is_active_uri(1, "sip:127.0.0.1:9")]


class BranchThatIsSentElsewhere(Conversation):
    """t_relay in the branch failure route: the others ring on, and the step is not over."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.rings("a")
        line.rings("b")
        line.answer("a", 503)
        line.rings("c")
        line.answer("c", 180)
        line.replied()
        line.answer("b", 486)
        line.answer("c", 404)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        ksr.seturi(self.phone("a"))
        ksr.corex.append_branch_uri(self.phone("b"))
        ksr.tm.t_on_failure("on_failure")
        return self._relay()

    def on_branch(self, _message: object) -> int:
        self.note([self.ksr.pv.get("$T_branch_idx"), self.ksr.pv.gete("$rU")])
        return 1

    def on_branch_failure(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.pv.get("$T_branch_idx"), ksr.pv.get("$T_reply_code")])
        if ksr.pv.get("$T_reply_code") == 503:
            ksr.corex.append_branch_uri(self.phone("c"))
            self._relay()
        return 1

    def on_failure(self, _message: object) -> int:
        self.note(self.end())
        return self.ksr.tm.t_reply(480, "Later")

    def _relay(self) -> int:
        self.ksr.tm.t_on_branch("on_branch")
        self.ksr.tm.t_on_branch_failure("on_branch_failure")
        return self.ksr.tm.t_relay()
