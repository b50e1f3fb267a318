# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of what the relay of RTP stands on: SDP, rtpengine, marks of a branch and of a call."""

from typing import TYPE_CHECKING

from tests.contract.probes_message import probe
from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request

if TYPE_CHECKING:
    from KSR import Api

SDP = "\r\n".join(("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
                   "m=audio 9 RTP/AVP 0", ""))
FLAG = 7


def parts(*types: str) -> str:
    """The body of a multipart with parts of these types."""
    bodies = [SDP if kind == "application/sdp" else "text" for kind in types]
    shown = [f"--part\r\nContent-Type: {kind}\r\n\r\n{body}\r\n"
             for kind, body in zip(types, bodies, strict=True)]
    return "".join((*shown, "--part--\r\n"))


def with_body(kind: str, body: str) -> Request:
    """A request with this body."""
    return Request(headers=(("Content-Type", kind),), body=body)


@probe(*(with_body(kind, SDP) for kind in (
           "application/sdp", "Application/SDP", "application/sdp ;charset=utf-8",
           "application/sdpx", "application/dtmf-relay", "text/plain",
           "multipart/alternative;boundary=part")),
       with_body("application/dtmf-relay", "Signal=1"), with_body("application/sdp", "nonsense"),
       with_body("application/sdp", ""), with_body("multipart/mixed;boundary=part", ""),
       with_body("multipart/mixed;boundary=part", parts("text/plain", "application/sdp")),
       with_body("multipart/mixed;boundary=part", parts("text/plain", "application/isup")),
       Request(), Request(body=SDP))
def has_sdp(ksr: "Api") -> object:
    return [ksr.sdpops.sdp_content(), ksr.sdpops.sdp_content_flags(1)]


class WithoutRtpengine(Conversation):
    """What the functions of rtpengine say where there is none."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(with_body("application/sdp", SDP))
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        self.note(ksr.rtpengine.rtpengine_manage("replace-origin via-branch=auto-next"))
        self.note(ksr.rtpengine.rtpengine_offer("replace-origin"))
        self.note(ksr.rtpengine.rtpengine_answer("replace-origin"))
        self.note(ksr.rtpengine.rtpengine_delete(""))
        self.note(ksr.sl.send_reply(486, "Busy Here"))
        return 1


class MarkedInTheBranchRoute(Conversation):
    """One branch of two is marked: its answers show it, and so do requests within its call, whose
    answers show the mark of their request.
    """

    @staticmethod
    def talk(line: Line) -> None:
        call = Request()
        line.send(call)
        line.answer("b", 486)
        line.answer("a", 486)
        invite = line.rings("c")
        line.answer("c", 200, ("X-New", "1"), ("X-One", "1"), ("X-New", "2"))
        line.final()
        phone, callee = f"sip:c@{invite.get('X-Phones')}", f"{call.callee};tag=phone"
        ours, others = invite.all("Record-Route")[0], "<sip:127.0.0.99:5070;lr;fr=caller>"
        for method, route in (("ACK", ours), ("UPDATE", ours), ("INFO", others)):
            line.send(Request(method=method, uri=phone, callee=callee).with_headers(
                ("Route", route)))
        line.answer("c", 200)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.siputils.has_totag() > 0:
            return self._within_call()
        ksr.rr.add_rr_param(";fm=1")
        ksr.rr.record_route()
        self.note(ksr.rr.check_route_param(";fr="))
        ksr.seturi(self.phone("a"))
        ksr.corex.append_branch_uri(self.phone("b"))
        self._arm()
        self.note(ksr.tm.t_relay())
        return 1

    def _arm(self) -> None:
        tm = self.ksr.tm
        tm.t_on_branch("on_branch")
        tm.t_on_reply("on_reply")
        tm.t_on_failure("on_failure")

    def _within_call(self) -> int:
        ksr = self.ksr
        self.note([ksr.rr.loose_route(), *map(ksr.rr.check_route_param, (
            ";fr=", ";fr=caller", ";fr=callee", ";fm=1"))])
        if ksr.is_method("INFO"):
            return 1
        self.note([ksr.setflag(FLAG), ksr.isbflagset(FLAG), ksr.isflagset(FLAG)])
        ksr.tm.t_on_reply("on_reply")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.pv.get("$rU"), ksr.isbflagset(FLAG)])
        if ksr.pv.get("$rU") in ("a", "c"):
            self.note([ksr.resetbflag(FLAG), ksr.isbflagset(FLAG), ksr.setbflag(FLAG),
                       ksr.rr.add_rr_param(";fr=caller")])
        return 1

    def on_reply(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.pv.get("$rs"), ksr.isbflagset(FLAG), ksr.isflagset(FLAG),
                   ksr.is_method_in("E"), ksr.is_method_in("U")])
        values = [ksr.hdr.gete_idx("X-New", index) for index in range(2)]
        self.note([values, ksr.hdr.remove("X-New")])
        self.note([ksr.hdr.append(f"X-New: changed {value}\r\n") for value in values if value])
        return 1

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        ksr.corex.append_branch_uri(self.phone("c"))
        self._arm()
        self.note(ksr.tm.t_relay())
        return 1
