# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of tm's transactions: retransmissions, answers of our own, ACK, CANCEL, dialogs."""

from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request, parse_name_addr


class TransactionCodes(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        line.final()
        line.send(call)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.tm.t_check_trans(), ksr.tm.t_is_canceled()])
        made = ksr.tm.t_newtran()
        self.note([made, ksr.tm.t_newtran()])
        if made > 0:
            self.note([ksr.tm.t_is_canceled(), ksr.tm.t_release() if ksr.is_ACK() else None])
            self.note([ksr.tm.t_reply(480, "Later"), ksr.tm.t_reply(486, "Busy")])
            self.note(ksr.sl.send_reply(500, "Late"))
        return 1


class NewTransactionOfRetransmission(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        line.final()
        line.send(call)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        made = self.ksr.tm.t_newtran()
        self.note([made, self.ksr.tm.t_send_reply(404, "Nobody") if made > 0 else None])
        return 1


class TransactionChecksItself(Conversation):
    """t_check_trans after t_newtran takes the message for its own retransmission."""

    def ksr_request_route(self, _message: object) -> int:
        tm = self.ksr.tm
        self.note([tm.t_newtran(), tm.t_check_trans(), tm.t_reply(480, "Later")])
        return 1


class RetransmissionWhileRinging(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        line.answer("a", 180)
        line.replied()
        line.send(call)
        line.replied()
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        known = ksr.tm.t_check_trans()
        self.note(known)
        if known < 0:
            ksr.seturi(self.phone("a"))
            self.note(ksr.tm.t_relay())
        return 1


class ReplyCodes(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.final()
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        self.note(ksr.hdr.append_to_reply("X-New: 1\r\n"))
        self.note([ksr.sl.sl_send_reply(404, "Nobody"), ksr.sl.send_reply(480, "Nobody")])
        return 1


class StatelessReplyInsideTransaction(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.final()
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.tm.t_newtran(), ksr.sl.sl_send_reply(404, "Nobody")])
        self.note(ksr.sl.send_reply(480, "Later"))
        return 1


class TransactionFunctionsWithoutOne(Conversation):
    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        tm = ksr.tm
        self.note([tm.t_is_canceled(), tm.t_branch_timeout(), tm.t_branch_replied()])
        self.note([tm.t_on_failure("on_failure"), tm.t_on_branch(""), tm.t_on_reply("x")])
        self.note([tm.t_set_fr(0, 0), tm.t_set_fr(1, 1), tm.t_set_max_lifetime(1, 1)])
        self.note([tm.t_set_disable_6xx(1), tm.t_set_disable_internal_reply(1)])
        self.note([tm.t_set_no_e2e_cancel_reason(1), tm.t_any_replied(), tm.t_release()])
        self.note([tm.t_reply(480, "Later"), tm.t_is_set("failure_route")])
        self.note(ksr.sl.sl_send_reply(480, "Later"))
        return 1


class Forgotten(Conversation):
    """A request that the script neither answers nor relays stays without an answer."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())

    def ksr_request_route(self, _message: object) -> int:
        self.note(self.ksr.tm.t_newtran())
        return 1


class AckOfRefusal(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        to_tag = parse_name_addr(line.replied().get("To") or "").params["tag"]
        line.send(call.ack(to_tag))
        line.send(Request(callee="<sip:1@127.0.0.1>;tag=1").ack("2"))

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_ACK():
            self.note(ksr.tm.t_check_trans())
            self.note([ksr.sl.sl_send_reply(404, "No"), ksr.tm.t_reply(404, "No")])
            return 1
        ksr.tm.t_newtran()
        self.note(ksr.tm.t_reply(480, "Later"))
        return 1


class CancelBeforeRelay(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call.cancel())
        line.replied()
        line.send(call)
        line.send(call.cancel())
        line.replied()
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if not ksr.is_CANCEL():
            self.note([ksr.tm.t_newtran(), ksr.tm.t_reply(180, "Ringing")])
            return 1
        known = ksr.tm.t_check_trans()
        self.note(known)
        self.note(ksr.tm.t_relay() if known > 0 else ksr.sl.sl_send_reply(481, "No call"))
        return 1


class CallerHangsUp(Conversation):
    """The caller cancels while a phone rings, with a Reason; then once more."""

    no_reason = 0

    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        line.answer("a", 180)
        line.replied()
        cancel = call.cancel().with_headers(("Reason", "SIP;cause=200"))
        line.send(cancel)
        line.replied()
        line.cancelled("a")
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_CANCEL():
            self.note([ksr.tm.t_check_trans(), ksr.tm.t_relay()])
            return 1
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_failure("on_failure")
        ksr.tm.t_on_branch_failure("on_branch_failure")
        ksr.tm.t_newtran()
        ksr.tm.t_set_no_e2e_cancel_reason(self.no_reason)
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch_failure(self, _message: object) -> int:
        return self.note_end()

    def on_failure(self, _message: object) -> int:
        tm = self.ksr.tm
        self.note([*self.end()[:5], self.ksr.corex.append_branch_uri(self.phone("b"))])
        self.note(tm.t_relay())
        return 1


class CallerHangsUpWithoutReason(CallerHangsUp):
    no_reason = 1


class CallerHangsUpEarly(Conversation):
    """No CANCEL before the phone has said anything (RFC 3261 section 9.1)."""

    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        line.rings("a")
        line.send(call.cancel())
        line.replied()
        line.answer("a", 180)
        line.cancelled("a")
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi(self.phone("a"))
        self.note([ksr.tm.t_check_trans(), ksr.tm.t_relay()])
        return 1


class InDialog(Conversation):
    """Requests within a dialog follow the route set."""

    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        invite = line.rings("a")
        line.answer("a", 200)
        line.final()
        phone = f"sip:a@{invite.get('X-Phones')}"
        route = ("Route", invite.all("Record-Route")[0])
        callee = f"{call.callee};tag=phone"
        line.send(Request(method="ACK", uri=phone, callee=callee).with_headers(route))
        line.send(Request(method="BYE", uri=phone, callee=callee).with_headers(route))
        line.answer("a", 200)
        line.final()
        line.send(Request(method="BYE", uri=phone, callee=callee))
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.siputils.has_totag() < 0:
            ksr.rr.record_route()
            ksr.seturi(self.phone("a"))
            self.note([ksr.rr.loose_route(), ksr.tm.t_relay()])
            return 1
        loose = ksr.rr.loose_route()
        self.note([loose, ksr.pv.gete("$rU"), ksr.isdsturiset(), ksr.tm.t_check_trans()])
        self.note(ksr.tm.t_relay() if loose > 0 else ksr.sl.sl_send_reply(404, "Not here"))
        return 1
