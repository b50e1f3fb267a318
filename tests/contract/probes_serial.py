# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of forking in series: failure routes, timers, which answer counts."""

from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request


class Serial(Conversation):
    """Three steps; the second times out, the third is a failure route's own R-URI."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(headers=(("X-One", "kept"),)))
        line.answer("a", 180)
        line.replied()
        line.answer("a", 486)
        line.silence("b")
        line.answer("c", 603)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.pv.sets("$avp(before)", "b")
        ksr.hdr.append("X-New: request route\r\n")
        self.note([ksr.maxfwd.process_maxfwd(10), ksr.rr.record_route()])
        self.note(ksr.tm.t_newtran())
        ksr.pv.sets("$avp(after)", "0")
        ksr.seturi(self.phone("a"))
        self.arm()
        self.note([ksr.tm.t_set_fr(3000, 2000), ksr.tm.t_relay(), ksr.pv.get("$ru")])
        return 1

    def arm(self) -> None:
        self.ksr.tm.t_on_failure("on_failure")
        self.ksr.tm.t_on_branch_failure("on_branch_failure")

    def on_branch_failure(self, _message: object) -> int:
        self.note([*self.end(), self.ksr.pv.get("$avp(before)"), self.ksr.pv.get("$avp(after)")])
        return 1

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        step = int(ksr.pv.gete("$avp(after)")) + 1
        self.note([*self.end(), step, ksr.hdr.get("X-New"), ksr.pv.get("$branch(count)")])
        ksr.pv.unset("$avp(after)")
        ksr.pv.sets("$avp(after)", str(step))
        ksr.hdr.append(f"X-New: failure {step}\r\n")
        if step == 3:
            self.note([ksr.tm.t_relay(), ksr.tm.t_reply(480, "Nobody")])
            return 1
        self.arm()
        if step == 1:
            self.note([ksr.corex.append_branch_uri(self.phone("b")), ksr.tm.t_set_fr(400, 300)])
        else:
            self.note([ksr.seturi(self.phone("c")), ksr.tm.t_set_fr(3000, 3000)])
        self.note(ksr.tm.t_relay())
        return 1


class BranchesTakenBack(Conversation):
    """What a failure route added and did not relay is there until it is taken back."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 486)
        line.answer("d", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_failure("on_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        for user in "bcd":
            ksr.corex.append_branch_uri(self.phone(user))
        for _ in range(2):
            taken = ksr.pv.unset("$(branch(uri)[0])")
            self.note([taken, ksr.pv.get("$branch(count)"), ksr.pv.get("$branch(uri)")])
        self.note([ksr.tm.t_relay(), ksr.pv.get("$branch(count)")])
        return 1


class FailureRouteRunsOnce(Conversation):
    """Not armed again, it does not run for the branch it added."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 404)
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        self.note([ksr.tm.t_on_failure("on_failure"), ksr.tm.t_relay()])
        return 1

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        self.note([*self.end()[:5], ksr.tm.t_is_set("failure_route")])
        self.note([ksr.corex.append_branch_uri(self.phone("b")), ksr.tm.t_relay()])
        return 1


class RequestUriChangedBeforeTransaction(Conversation):
    """What the R-URI is in the failure route depends on when the transaction began."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.setdsturi("sip:{}".format(ksr.hdr.gete("X-Phones")))
        ksr.tm.t_on_failure("on_failure")
        self.note([ksr.tm.t_newtran(), ksr.tm.t_relay()])
        return 1

    def on_failure(self, _message: object) -> int:
        pv = self.ksr.pv
        self.note([pv.gete("$rU"), pv.gete("$du") != "", pv.gete("$ou"), self.ksr.isdsturiset()])
        return 1


class NobodyReachable(Conversation):
    """No branch can be made: the internal answer."""

    disable = 0

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        ksr.tm.t_set_disable_internal_reply(self.disable)
        ksr.tm.t_on_branch("on_branch")
        ksr.tm.t_on_failure("on_failure")
        ksr.seturi("sip:x@unresolvable.invalid")
        self.note(ksr.tm.t_relay())
        if self.disable:
            self.note([ksr.tm.t_relay(), ksr.tm.t_reply(480, "Nobody")])
        return 1

    def on_branch(self, _message: object) -> int:
        self.note([self.ksr.pv.get("$T_branch_idx"), self.ksr.pv.get("$ru")])
        return 1

    def on_failure(self, _message: object) -> int:
        self.note("a failure route without a branch")
        return 1


class NobodyReachableAndOurAnswer(NobodyReachable):
    disable = 1


class NothingToRelay(NobodyReachable):
    """The internal answer is that of the last t_relay."""

    def ksr_request_route(self, message: object) -> int:
        super().ksr_request_route(message)
        self.note(self.ksr.tm.t_relay())
        return 1


class PickedReply(Conversation):
    """Which of several replies the failure route sees and the caller gets."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.rings("b")
        line.answer("a", 486)
        line.silence("b")
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.corex.append_branch_uri(self.phone("b"))
        ksr.tm.t_on_failure("on_failure")
        ksr.tm.t_on_branch_failure("on_branch_failure")
        ksr.tm.t_set_disable_6xx(1)
        self.note([ksr.tm.t_set_fr(900, 400), ksr.tm.t_relay()])
        return 1

    def on_branch_failure(self, _message: object) -> int:
        return self.note_end()

    def on_failure(self, _message: object) -> int:
        return self.note_end()


class PickedReplyAfterTimeout(PickedReply):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 180)
        line.replied()
        line.silence("b")
        line.answer("a", 486)
        line.final()


class PickedReplyOfThree(PickedReply):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 503)
        line.answer("b", 401)
        line.final()


class RingingTooLong(PickedReply):
    """A phone that rings is cancelled without a Reason; the next INVITE goes first."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 404)
        line.answer("b", 180)
        line.replied()
        line.silence("b")
        line.cancelled("b")
        line.answer("c", 486)
        line.final()

    def on_failure(self, message: object) -> int:
        super().on_failure(message)
        ksr = self.ksr
        self.note([ksr.corex.append_branch_uri(self.phone("c")), ksr.tm.t_relay()])
        return 1


class BranchesLeftOver(Conversation):
    """A branch that a failure route appends and does not relay rings in another call."""

    tolerated = (1, 1)

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.silence("a")
        line.final()
        line.send(Request(headers=(("X-One", "second call"),)))
        line.silence("a")
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_failure("on_failure")
        ksr.tm.t_on_branch_failure("on_branch_failure")
        self.note([ksr.tm.t_set_fr(300, 200), ksr.tm.t_relay()])
        return 1

    def on_branch_failure(self, _message: object) -> int:
        return 1

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.hdr.get("X-One"):
            self.note(ksr.pv.get("$branch(count)"))
            self.note(ksr.tm.t_relay())
        else:
            ksr.corex.append_branch_uri(self.phone("b"))
            self.note(ksr.tm.t_reply(480, "Nobody"))
        return 1


class BranchLimit(Conversation):
    """30 branches in the whole life of a transaction."""

    phones = tuple(f"p{number}" for number in range(30))

    @classmethod
    def talk(cls, line: Line) -> None:
        line.send(Request())
        for user in cls.phones:
            line.rings(user)
        for user in cls.phones:
            line.answer(user, 404)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone(self.phones[0]))
        for user in self.phones[1:]:
            ksr.corex.append_branch_uri(self.phone(user))
        ksr.tm.t_on_failure("on_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.corex.append_branch_uri(self.phone("more")), ksr.tm.t_relay()])
        return 1


class AnswerInFailureRoute(Conversation):
    """Our own answer beats that of the phone; headers added to replies go with it."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.hdr.append_to_reply("X-One: request route\r\n")
        ksr.tm.t_newtran()
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_failure("on_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def on_failure(self, _message: object) -> int:
        self.note(self.ksr.hdr.append_to_reply("X-New: failure route\r\n"))
        self.note([self.ksr.sl.send_reply(503, "Later"), self.ksr.tm.t_reply(480, "Nobody")])
        return 1
