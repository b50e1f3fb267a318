# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of the branches of one t_relay: branch routes, who wins."""

from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request


class Parallel(Conversation):
    """Two phones with headers of their own; 603 of one does not end the other."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(
            Request(caller='"Anna" <sip:1@trunk.example>;tag=caller', headers=(("X-One", "1"),))
        )
        line.rings("a")
        line.rings("b")
        line.answer("a", 603)
        line.answer("b", 180)
        line.replied()
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.rr.record_route()
        ksr.tm.t_newtran()
        self.note([ksr.tm.t_set_disable_6xx(1), ksr.tm.t_on_branch("on_branch")])
        ksr.tm.t_on_failure("on_failure")
        ksr.tm.t_on_branch_failure("on_branch_failure")
        ksr.seturi(self.phone("a"))
        ksr.corex.append_branch_uri(self.phone("b"))
        self.note([ksr.pv.get("$branch(count)"), ksr.tm.t_relay(), ksr.pv.get("$branch(count)")])
        return 1

    def on_branch(self, _message: object) -> int:
        ksr = self.ksr
        index = ksr.pv.get("$T_branch_idx")
        self.note([index, ksr.pv.gete("$rU"), ksr.pv.get("$avp(seen)"), ksr.pv.get("$fu")])
        ksr.pv.sets("$avp(seen)", f"branch {index}")
        ksr.hdr.append(f"X-New: {index}\r\n")
        ksr.hdr.append("X-New: second\r\n")
        if index == 0:
            ksr.hdr.remove("X-One")
            self.note(ksr.uac.uac_replace_from('"Owner"', "sip:2@our.example"))
        else:
            self.note(ksr.uac.uac_replace_from("", "sip:3@our.example"))
        return 1

    def on_branch_failure(self, _message: object) -> int:
        self.note(self.end())
        return 1

    def on_failure(self, _message: object) -> int:
        self.note([*self.end(), self.ksr.pv.get("$avp(seen)"), self.ksr.hdr.get("X-One")])
        return 1


class DroppedBranches(Conversation):
    """set_drop in the branch route: the branch is not made, its index goes to the next."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        ksr.tm.t_set_disable_internal_reply(1)
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_branch("on_branch")
        self.note(ksr.tm.t_relay())
        for user in "ab":
            ksr.corex.append_branch_uri(self.phone(user))
        ksr.tm.t_on_branch("on_branch")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.pv.get("$T_branch_idx"), ksr.pv.get("$rU")])
        if ksr.pv.gete("$rU") == "a":
            self.note(ksr.set_drop())
        return 1


class WhereTheInviteCameFrom(Conversation):
    """The branch parameter of the caller, in branch routes of both steps and in failure routes."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(branch="z9hG4bK-of-the-caller"))
        line.answer("a", 486)
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        self.ksr.seturi(self.phone("a"))
        return self._relay()

    def _relay(self) -> int:
        tm = self.ksr.tm
        tm.t_on_branch("on_branch")
        tm.t_on_branch_failure("on_branch_failure")
        tm.t_on_failure("on_failure")
        return tm.t_relay()

    def on_branch(self, _message: object) -> int:
        pv, pvx = self.ksr.pv, self.ksr.pvx
        self.note([pv.get("$via0(branch)"), pv.gete("$ft"), pvx.xavp_child_sets("via", "fk", "1")])
        return 1

    def on_branch_failure(self, _message: object) -> int:
        return self.on_branch(None)

    def on_failure(self, _message: object) -> int:
        if self.ksr.pv.get("$T_branch_idx") == 1:
            self.ksr.corex.append_branch_uri(self.phone("b"))
            self._relay()
        return 1


class SixHundredEndsStep(Conversation):
    """Without t_set_disable_6xx the other phone is cancelled."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.rings("a")
        line.answer("b", 180)
        line.replied()
        line.answer("a", 600)
        line.cancelled("b")
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        return self.ring_both()

    def on_branch_failure(self, _message: object) -> int:
        return self.note_end()

    def on_failure(self, _message: object) -> int:
        return self.note_end()


class FirstToAnswerWins(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.rings("a")
        line.answer("b", 180)
        line.replied()
        line.answer("a", 200)
        line.cancelled("b")
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        return self.ring_both()

    def on_branch_failure(self, _message: object) -> int:
        return self.note_end()

    def on_failure(self, _message: object) -> int:
        self.note("a failure route after an answer")
        return 1


class OneOfTwoReachable(Conversation):
    """The branch that cannot be made leaves its index to the next."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        ksr.tm.t_on_branch("on_branch")
        ksr.tm.t_on_failure("on_failure")
        ksr.seturi("sip:x@unresolvable.invalid")
        ksr.corex.append_branch_uri(self.phone("b"))
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        self.note([self.ksr.pv.get("$T_branch_idx"), self.ksr.pv.gete("$rU")])
        return 1

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        self.note(self.end()[:5])
        ksr.corex.append_branch_uri("sip:y@unresolvable.invalid")
        self.note([ksr.tm.t_relay(), ksr.tm.t_relay()])
        return 1


class RelayedTwice(Conversation):
    """A second t_relay in the request route sends only what was appended since."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.rings("a")
        line.rings("b")
        line.answer("a", 486)
        line.answer("b", 480)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        ksr.tm.t_on_branch("on_branch")
        ksr.seturi(self.phone("a"))
        self.note(ksr.tm.t_relay())
        ksr.corex.append_branch_uri(self.phone("b"))
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        self.note(self.ksr.pv.get("$T_branch_idx"))
        return 1


class ManyBranches(Conversation):
    def ksr_request_route(self, _message: object) -> int:
        append = self.ksr.corex.append_branch_uri
        codes = [append(self.phone(f"p{number}")) for number in range(31)]
        self.note([codes, self.ksr.pv.get("$branch(count)")])
        self.note(self.ksr.sl.send_reply(480, "Later"))
        return 1


class ReplyRoute(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 183)
        line.replied()
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_reply("on_reply")
        ksr.tm.t_on_failure("on_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def on_reply(self, _message: object) -> int:
        pv = self.ksr.pv
        self.note([pv.get("$rs"), pv.get("$rr"), pv.get("$T_reply_code"), pv.get("$rm")])
        self.note([pv.get("$T_branch_idx"), pv.get("$ru"), self.ksr.siputils.is_reply()])
        return 1

    def on_failure(self, _message: object) -> int:
        return self.note_end()


class AnswerAfterItsTime(Conversation):
    """The reply route hears it, and knows; the caller does not."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.rings("b")
        line.answer("a", 180)
        line.replied()
        line.silence("a")
        line.answer("a", 200)
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        self.ksr.tm.t_set_fr(900, 4000)
        self.ksr.tm.t_on_reply("on_reply")
        return self.ring_both()

    def on_reply(self, _message: object) -> int:
        self.note([self.ksr.pv.get("$rs"), self.ksr.pv.geti("$T_reply_last")])
        return 1

    def on_branch_failure(self, _message: object) -> int:
        return self.note_end()

    def on_failure(self, _message: object) -> int:
        return self.note_end()


class DroppedRinging(Conversation):
    """set_drop in the reply route keeps a provisional answer from the caller."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 183)
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        return self.relay_and_hear()

    def on_reply(self, _message: object) -> int:
        code = self.ksr.pv.get("$rs")
        self.note([code, self.ksr.set_drop() if code == 183 else None])
        return 1


class AnswerInBranchRoutes(Conversation):
    """t_reply is for request and failure routes."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_branch("on_branch")
        ksr.tm.t_on_branch_failure("on_branch_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        tm = self.ksr.tm
        self.note([tm.t_reply(480, "No"), tm.t_relay(), tm.t_is_canceled(), tm.t_check_trans()])
        return 1

    def on_branch_failure(self, _message: object) -> int:
        self.note([self.ksr.tm.t_reply(480, "No"), self.ksr.tm.t_newtran()])
        return 1
