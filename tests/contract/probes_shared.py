# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of what all workers share: hash tables, queues, and the calls that dialog tracks."""

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.contract.probes_message import CALL, probe
from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request

if TYPE_CHECKING:
    from KSR import Api

CONTACT = ("Contact", "<sip:anna@127.0.0.1:5070>")
SIZE = "$var(size)"


def size(ksr: "Api", value: str) -> object:
    """What get_profile_size says of the calls of this value."""
    found = ksr.dialog.get_profile_size("forwarded", value, SIZE)
    return [found, ksr.pv.get(SIZE)]


@probe(CALL)
def counters_in_a_hash_table(ksr: "Api") -> object:
    table = ksr.htable
    seen: list[object] = [table.sht_get("begun", "never")]
    seen += [table.sht_inc("begun", "a"), table.sht_inc("begun", "a"), table.sht_get("begun", "a")]
    seen += [table.sht_seti("begun", "a", 7), table.sht_get("begun", "a")]
    seen += [table.sht_dec("begun", "a"), table.sht_rm("begun", "a"), table.sht_get("begun", "a")]
    table.sht_setxi("begun", "b", 3, 60)  # says 0 before 6.1, then 1
    seen.append(table.sht_get("begun", "b"))
    return [*seen, table.sht_rm("begun", "b"), table.sht_rm("begun", "b")]


@probe(CALL)
def texts_in_a_hash_table(ksr: "Api") -> object:
    table = ksr.htable
    seen: list[object] = [table.sht_get("names", "never")]
    table.sht_sets("names", "a;transport=tcp", "192.0.2.1:5060,1,1 -")
    table.sht_setex("names", "a;transport=tcp", 60)
    seen.append(table.sht_get("names", "a;transport=tcp"))
    table.sht_sets("names", "a;transport=tcp", "-")
    seen.append(table.sht_get("names", "a;transport=tcp"))
    long = "QUJD+/==" * 8000
    seen += [table.sht_sets("network", "record", long), table.sht_get("network", "record") == long]
    return [*seen, table.sht_sets("network", "record", "x"), table.sht_get("network", "record")]


@probe(CALL)
def text_in_a_hash_table(ksr: "Api") -> object:
    table = ksr.htable
    seen: list[object] = [table.sht_get("parties", "a"), table.sht_sets("parties", "a", "b c\nd")]
    seen += [table.sht_get("parties", "a"), table.sht_sets("parties", "a", "")]
    return [*seen, table.sht_get("parties", "a"), table.sht_rm("parties", "a")]


@probe(CALL)
def lock_of_a_hash_table(ksr: "Api") -> object:
    table = ksr.htable
    seen = [table.sht_lock("locks", "a"), table.sht_lock("locks", "a")]
    return [*seen, table.sht_unlock("locks", "a"), table.sht_unlock("locks", "a")]


@probe(CALL, tolerated=(-1,))
def hash_table_that_there_is_not(ksr: "Api") -> object:
    return ksr.htable.sht_seti("no_such_table", "a", 1)


@probe(CALL)
def queue(ksr: "Api") -> object:
    line = ksr.mqueue
    seen: list[object] = [line.mq_fetch("begun"), line.mqk_get("begun"), line.mqv_get("begun")]
    for key, value in (("first", "1"), ("first", "2"), ("last", "3")):
        seen.append(line.mq_add("begun", key, value))
    seen.append(line.mq_size("begun"))
    for _ in range(4):
        seen += [line.mq_fetch("begun"), line.mqk_get("begun"), line.mqv_get("begun")]
    return [*seen, line.mq_size("begun")]


@probe(CALL, tolerated=(-1,))
def queue_that_there_is_not(ksr: "Api") -> object:
    return ksr.mqueue.mq_add("no_such_queue", "a", "b")


@probe(CALL)
def profile_without_a_tracked_call(ksr: "Api") -> object:
    return [size(ksr, "nobody"), ksr.dialog.is_in_profile("forwarded", "nobody")]


class TrackedCallIsCounted(Conversation):
    """From its first step on, also in the failure route, until the final answer."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(headers=(CONTACT,)))
        line.answer("a", 486)
        line.rings("b")
        line.answer("b", 486)
        line.final()
        line.send(Request(method="OPTIONS"))

    def ksr_request_route(self, _message: object) -> int:
        ksr, dialog = self.ksr, self.ksr.dialog
        if not ksr.is_INVITE():
            self.note([size(ksr, "one"), size(ksr, "two")])
            return ksr.sl.sl_send_reply(200, "OK")
        ksr.tm.t_newtran()
        self.note([dialog.dlg_manage(), dialog.dlg_manage(), ksr.rr.record_route()])
        self.note([dialog.is_in_profile("forwarded", "one"), size(ksr, "one")])
        self.note(dialog.set_dlg_profile("forwarded", "one"))
        self.note([dialog.is_in_profile("forwarded", "one"), size(ksr, "one"), size(ksr, "two")])
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_failure("on_failure")
        return ksr.tm.t_relay()

    def on_failure(self, _message: object) -> int:
        ksr, dialog = self.ksr, self.ksr.dialog
        self.note([dialog.is_in_profile("forwarded", name) for name in ("one", "two")])
        if dialog.is_in_profile("forwarded", "two") < 0:
            self.note([dialog.set_dlg_profile("forwarded", "two"), size(ksr, "two")])
            ksr.corex.append_branch_uri(self.phone("b"))
            ksr.tm.t_on_failure("on_failure")
            return ksr.tm.t_relay()
        return ksr.tm.t_reply(480, "Later")


class TrackedCallEndsWithItsBye(Conversation):
    """An answered call is counted until a BYE comes along its route."""

    @staticmethod
    def talk(line: Line) -> None:
        call = Request(headers=(CONTACT,))
        line.send(call)
        route = line.rings("a").get("Record-Route") or ""
        line.answer("a", 200)
        line.replied()
        line.send(Request(method="OPTIONS"))
        within = Request(
            method="BYE", call_id=call.call_id, caller=call.caller, uri="sip:gone@127.0.0.1:9",
            callee=f"{call.callee};tag=phone", headers=(("Route", route),))  # fmt: skip
        line.send(within)
        line.send(Request(method="OPTIONS"))

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_method_in("O"):
            self.note(size(ksr, "three"))
            return ksr.sl.sl_send_reply(200, "OK")
        if ksr.is_method_in("B"):
            self.note([ksr.rr.loose_route(), size(ksr, "three")])
            ksr.seturi(self.phone("bye"))
            return ksr.tm.t_relay()
        ksr.tm.t_newtran()
        self.note([ksr.dialog.dlg_manage(), ksr.rr.record_route()])
        self.note(ksr.dialog.set_dlg_profile("forwarded", "three"))
        ksr.seturi(self.phone("a"))
        return ksr.tm.t_relay()


class TrackedCallOfACallerWhoHangsUp(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        call = Request(headers=(CONTACT,))
        line.send(call)
        line.answer("a", 180)
        line.replied()
        line.send(call.cancel())
        line.cancelled("a")
        line.final()
        line.final()
        line.send(Request(method="OPTIONS"))

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_CANCEL():
            self.note(size(ksr, "four"))
            return ksr.tm.t_relay()
        if ksr.is_method_in("O"):
            self.note(size(ksr, "four"))
            return ksr.sl.sl_send_reply(200, "OK")
        ksr.tm.t_newtran()
        self.note([ksr.dialog.dlg_manage(), ksr.dialog.set_dlg_profile("forwarded", "four")])
        ksr.seturi(self.phone("a"))
        return ksr.tm.t_relay()


class CallWithoutContactIsNotTracked(Conversation):
    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        self.note([ksr.dialog.dlg_manage(), ksr.dialog.set_dlg_profile("forwarded", "five")])
        self.note([ksr.dialog.is_in_profile("forwarded", "five"), size(ksr, "five")])
        return ksr.tm.t_reply(480, "Later")


class TrackedCallsOfManyNumbers(Conversation):
    """One call may stand in a profile with several values, and counts once for each."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(headers=(CONTACT,)))
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr, dialog = self.ksr, self.ksr.dialog
        ksr.tm.t_newtran()
        dialog.dlg_manage()
        self.note([dialog.set_dlg_profile("forwarded", name) for name in ("six", "seven", "six")])
        self.note([size(ksr, "six"), size(ksr, "seven")])
        self.note([ksr.tm.t_reply(480, "Later"), size(ksr, "six"), size(ksr, "seven")])
        return 1


class SecondInviteWithTheCallIdOfATrackedCall(Conversation):
    """To dialog both are one call, which the end of the first ends."""

    @staticmethod
    def talk(line: Line) -> None:
        call = Request(headers=(CONTACT,))
        line.send(call)
        line.rings("a")
        line.send(replace(call, branch="z9hG4bK-second", cseq=2))
        line.final()
        line.send(Request(method="OPTIONS"))
        line.answer("a", 486)
        line.final()
        line.send(Request(method="OPTIONS"))

    def ksr_request_route(self, _message: object) -> int:
        ksr, dialog = self.ksr, self.ksr.dialog
        if not ksr.is_INVITE():
            self.note([size(ksr, "eight"), size(ksr, "nine")])
            return ksr.sl.sl_send_reply(200, "OK")
        ksr.tm.t_newtran()
        self.note([dialog.is_known_dlg(), dialog.dlg_manage(), dialog.is_known_dlg()])
        if dialog.is_in_profile("forwarded", "eight") > 0:
            self.note([dialog.set_dlg_profile("forwarded", "nine"), size(ksr, "nine")])
            return ksr.tm.t_reply(480, "Later")
        self.note([dialog.set_dlg_profile("forwarded", "eight"), size(ksr, "eight")])
        ksr.seturi(self.phone("a"))
        return ksr.tm.t_relay()


class LastRequestOfTheCaller(Conversation):
    """What dialog knows of it: one that found its way, and no ACK."""

    @staticmethod
    def talk(line: Line) -> None:
        call = Request(headers=(CONTACT,))
        line.send(call)
        route = line.rings("a").get("Record-Route") or ""
        line.answer("a", 200, ("Contact", f"<sip:a@{line.phones}>"))
        line.replied()
        within = Request(call_id=call.call_id, caller=call.caller, uri=f"sip:a@{line.phones}",
                         callee=f"{call.callee};tag=phone", headers=(("Route", route),))
        for method, cseq in (("ACK", 1), ("UPDATE", 9), ("ACK", 1), ("INFO", 7), ("BYE", 8)):
            line.send(replace(within, method=method, cseq=cseq, branch=f"z9hG4bK{method}{cseq}"))
        line.send(Request(method="OPTIONS"))

    def ksr_request_route(self, _message: object) -> int:
        ksr, pv = self.ksr, self.ksr.pv
        self.note([pv.get("$dlg(from_cseq)"), pv.get("$dlg(from_tag)") == pv.get("$ft")])
        if ksr.is_INVITE():
            ksr.tm.t_newtran()
            ksr.dialog.dlg_manage()
            ksr.rr.record_route()
            ksr.seturi(self.phone("a"))
            return ksr.tm.t_relay()
        if ksr.is_method_in("UA"):
            ksr.rr.loose_route()
        return 1


class TheTime(Conversation):
    """Seconds since 1970, as a number."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(method="OPTIONS"))

    def ksr_request_route(self, _message: object) -> int:
        self.note(isinstance(self.ksr.pv.get("$Ts"), int))
        return 1


class ToldByNoPeer(Conversation):
    """A channel of dmq that no module listens to."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request("KDMQ", "sip:nobody@127.0.0.1"))
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        self.note([self.ksr.pv.get("$rm"), self.ksr.dmq.handle_message()])
        return 1
