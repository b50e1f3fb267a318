# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of transactions that wait, and of answers that are read and changed on their way."""

from typing import ClassVar

from tests.contract.probing import CHANGED, Conversation, Line
from tests.support.sip_message import Request


class Waiting(Conversation):
    """What the probes of suspended transactions share; collected too, as the timer's probe."""

    waits: ClassVar[tuple[int, int]] = (0, 0)
    """Index and label of the transaction that waits; both requests run in one process."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(headers=(("X-One", "kept"),)))
        line.waited()
        line.answer("a", 180)
        line.replied()
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        self.suspend()
        return 1

    def suspend(self) -> None:
        ksr = self.ksr
        ksr.hdr.append("X-New: request route\r\n")
        self.note(ksr.tm.t_newtran())
        ksr.pv.sets("$avp(seen)", "before")
        ksr.tm.t_on_failure("on_failure")
        self.note([ksr.tm.t_set_fr(400, 400), ksr.tmx.t_suspend()])
        Waiting.waits = (ksr.pv.geti("$T(id_index)"), ksr.pv.geti("$T(id_label)"))
        ksr.hdr.append_to_reply("X-New: reply\r\n")
        self.note(ksr.tm.t_reply(100, "Waiting"))

    def on_failure(self, _message: object) -> int:
        tm = self.ksr.tm
        self.note([*self.end()[1:5], self.ksr.pv.get("$avp(seen)")])
        if tm.t_is_canceled() > 0:
            self.note(tm.t_reply(487, "Gone"))
        elif self.ksr.pv.get("$avp(seen)") == "before":
            self.ring("a")
        else:
            self.note(tm.t_reply(480, "Nobody"))
        return 1

    def ring(self, user: str) -> None:
        ksr = self.ksr
        ksr.pv.unset("$avp(seen)")
        ksr.pv.sets("$avp(seen)", "rang")
        ksr.corex.set_send_socket(ksr.hdr.gete("X-Spiral"))
        ksr.tm.t_on_failure("on_failure")
        ksr.tm.t_on_branch("on_branch")
        ksr.tm.t_set_fr(3000, 3000)
        self.note([ksr.seturi(self.phone(user)), ksr.tm.t_relay()])

    def on_branch(self, _message: object) -> int:
        self.note([self.ksr.pv.get("$T_branch_idx"), self.ksr.pv.gete("$rU")])
        return 1

    def on_continue(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.tm.t_is_canceled(), ksr.pv.get("$avp(seen)"), ksr.pv.get("$branch(count)")])
        self.ring("b")
        return 1


class WokenByAnotherRequest(Waiting):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.send(Request("OPTIONS"))
        line.final()
        line.answer("b", 200)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_INVITE():
            self.suspend()
            return 1
        self.note(ksr.tmx.t_continue(*Waiting.waits, "on_continue"))
        self.note([ksr.tmx.t_continue(1, 1, "on_continue"), ksr.pv.get("$rm")])
        self.note(ksr.sl.send_reply(200, "Woken"))
        return 1


class WokenTwice(Waiting):
    """The second time leaves a reference to the transaction behind: it is never freed."""

    tolerated = (-1,)

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.send(Request("OPTIONS"))
        line.final()
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_INVITE():
            self.suspend()
            return 1
        ksr.tmx.t_continue(*Waiting.waits, "on_continue")
        again = ksr.tmx.t_continue(*Waiting.waits, "on_continue")
        ksr.sl.send_reply(200, "Woken")
        self.note(again)
        return 1

    def on_continue(self, _message: object) -> int:
        return self.ksr.tm.t_reply(480, "Nobody")


class WokenByAFailure(Waiting):
    """The failure of a branch of one call lets the other go on; then the first one ends."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.send(Request(uri="sip:first@127.0.0.1"))
        line.answer("a", 486)
        line.final()
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        if self.ksr.pv.gete("$rU") != "first":
            self.suspend()
            return 1
        self.ksr.tm.t_newtran()
        self.ksr.tm.t_on_branch_failure("on_branch_failure")
        self.ring("a")
        return 1

    def on_branch_failure(self, _message: object) -> int:
        self.note(self.ksr.tmx.t_continue(*Waiting.waits, "on_continue"))
        self.note([self.ksr.pv.get("$avp(seen)"), self.ksr.pv.gete("$rU")])
        return 1


class WokenByAnAnswer(WokenByAFailure):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.send(Request(uri="sip:first@127.0.0.1"))
        line.answer("a", 180)
        line.replied()
        line.rings("b")
        line.answer("a", 200)
        line.final()
        line.answer("b", 486)
        line.final()

    def ring(self, user: str) -> None:
        self.ksr.tm.t_on_reply("on_reply" if user == "a" else "")
        super().ring(user)

    def on_reply(self, _message: object) -> int:
        if self.ksr.pv.get("$rs") == 180:
            self.note(self.ksr.tmx.t_continue(*Waiting.waits, "on_continue"))
            self.note([self.ksr.pv.get("$avp(seen)"), self.ksr.pv.get("$rs")])
        return 1


class CancelledWhileWaiting(Waiting):
    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        line.send(call.cancel())
        line.replied()
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_INVITE():
            self.suspend()
            return 1
        self.note([ksr.tm.t_check_trans(), ksr.tm.t_relay()])
        self.note(ksr.tmx.t_continue(*Waiting.waits, "on_continue"))
        return 1


class ContinuedWithoutAnything(Waiting):
    """A callback that neither rings nor answers: tm answers 500."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.send(Request("OPTIONS"))
        line.final()
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_INVITE():
            self.suspend()
            return 1
        self.note(ksr.tmx.t_continue(*Waiting.waits, "on_continue"))
        self.note(ksr.sl.send_reply(200, "Woken"))
        return 1

    def on_continue(self, _message: object) -> int:
        return 1


class SuspendedAfterAnswer(Conversation):
    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        self.note([ksr.tm.t_reply(480, "Nobody"), ksr.tmx.t_suspend()])
        return 1


class SuspendedAfterRelay(Conversation):
    """The answers of its branches would be dropped, even a 200."""

    tolerated = (1,)

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.tm.t_relay()
        self.note(ksr.tmx.t_suspend())
        ksr.tm.t_reply(480, "Nobody")
        return 1


class ChangedAnswer(Conversation):
    """183 with a body becomes a bare 180; another class is refused."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        sdp = (("Content-Type", "application/sdp"), ("X-One", "kept"), ("X-New", "gone"))
        line.answer("a", 183, *sdp, body="v=0\r\n")
        line.replied()
        line.answer("a", 180, *sdp, body="v=0\r\n")
        line.replied()
        line.answer("a", 200, ("c", "application/sdp"), body="v=0\r\n")
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        return self.relay_and_hear()

    def on_reply(self, _message: object) -> int:
        ksr, code = self.ksr, self.ksr.pv.geti("$rs")
        self.note([code, ksr.hdr.is_present("Content-Type"), ksr.hdr.is_present("RSeq")])
        if code == 183:
            self.note([ksr.textopsx.change_reply_status(180, CHANGED), ksr.textopsx.remove_body()])
            self.note([ksr.hdr.remove("Content-Type"), ksr.hdr.remove("X-New"), ksr.pv.get("$rs")])
        elif code == 200:
            self.note(ksr.textopsx.change_reply_status(180, CHANGED))
        return 1


class AnswersOfFailedBranches(Conversation):
    """$T_rpl reads the answer of the branch that failed: all Contact rows, compact ones too."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        contacts = (("Contact", '<sip:x@h>;q=0.5, "N, m" <sip:y@h>'), ("m", "sip:z@h"))
        line.answer("a", 302, *contacts)
        line.answer("b", 486, ("X-New", "one"), ("x-new", "two"))
        line.silence("c")
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.corex.append_branch_uri(self.phone("b"))
        ksr.corex.append_branch_uri(self.phone("c"))
        ksr.tm.t_on_branch_failure("on_branch_failure")
        ksr.tm.t_set_fr(400, 400)
        self.note([ksr.tm.t_relay(), ksr.pv.get("$T_rpl($hdr(Contact))")])
        return 1

    def on_branch_failure(self, _message: object) -> int:
        pv = self.ksr.pv
        self.note([pv.get("$T_reply_code"), pv.gete("$T_rpl($(hdr(Contact)[*]))")])
        self.note([pv.get("$T_rpl($hdr(X-New))"), pv.get("$T_rpl($rs)")])
        self.ksr.tm.t_on_branch_failure("on_branch_failure")
        return 1


class RequestOfAnAnswer(Conversation):
    """$T_req reads the INVITE in the reply route."""

    @staticmethod
    def talk(line: Line) -> None:
        routes = (("Record-Route", f"<sip:{host};lr>") for host in ("one", "two"))
        line.send(Request(headers=(("Contact", "<sip:caller@h>;a=b"), *routes)))
        line.answer("a", 200, ("Contact", "<sip:callee@h>"))
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        return self.relay_and_hear()

    def on_reply(self, _message: object) -> int:
        pv = self.ksr.pv
        self.note([pv.gete("$T_req($hdr(Contact))"), pv.gete("$T_req($hdr(X-None))")])
        self.note(pv.gete("$T_req($(hdr(Record-Route)[*]))"))
        self.note([pv.gete("$T_req($si)"), type(pv.gete("$T_req($sp)")).__name__, pv.gete("$ft")])
        return 1


class UnreadableAnswer(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 302, ("Contact", b"<sip:\xff@h>"))
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_failure("on_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def on_failure(self, _message: object) -> int:
        self.note(self.ksr.tm.t_reply(480, "Nobody"))
        self.note(self.ksr.pv.gete("$T_rpl($(hdr(Contact)[*]))"))
        return 1
