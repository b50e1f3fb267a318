# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of what leaves: headers, From, the socket, the next hop."""

from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request


class HeadersInOrder(Conversation):
    """Inserted headers stand in front, appended ones at the end; From as set in the request."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(headers=(("X-One", "1"), ("X-New", "received"))))
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        for number in (1, 2):
            ksr.hdr.insert(f"X-New: inserted {number}\r\n")
            ksr.hdr.append(f"X-New: appended {number}\r\n")
        ksr.hdr.remove("x-one")
        ksr.rr.record_route()
        self.note(ksr.uac.uac_replace_from('"A"', "sip:1@a"))
        ksr.seturi(self.phone("a"))
        self.note(ksr.tm.t_relay())
        return 1


class FromUriReplaced(Conversation):
    """Another URI in From, in the branch route: the display name stays."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(caller='"Anna" <sip:0301234567@a>;tag=1'))
        line.answer("a", 200)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.rr.record_route()
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_branch("on_branch")
        self.note([ksr.pv.gete("$fU"), ksr.tm.t_relay()])
        return 1

    def on_branch(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.pv.gete("$fU"), ksr.uac.uac_replace_from_uri("sip:+49301234567@b")])
        return 1


class HeaderOnTop(Conversation):
    """A header is put before the first of its name."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(headers=(("X-One", "1"), ("X-New", "2"), ("X-New", "3"))))
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        self.note(self.ksr.hdr.insert_before("X-New: 1\r\n", "x-new"))
        self.ksr.seturi(self.phone("a"))
        self.note(self.ksr.tm.t_relay())
        return 1


class HeaderOnTopOfOnesThatGo(Conversation):
    """A header is put before the first of its name, which was removed."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(headers=(("X-New", "2"), ("X-One", "1"), ("X-New", "3"))))
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.hdr.remove("X-New")
        self.note(ksr.hdr.is_present("X-New"))
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_branch("on_branch")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        self.note(self.ksr.hdr.insert_before("X-New: 1\r\n", "X-New"))
        return 1


class FromReplacedTwice(Conversation):
    """Once in the request route and once for the branch: the From that leaves is broken."""

    tolerated = (1,)

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.answer("a", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.rr.record_route()
        self.note(ksr.uac.uac_replace_from("", "sip:1@a"))
        ksr.seturi(self.phone("a"))
        ksr.tm.t_on_branch("on_branch")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        self.note(self.ksr.uac.uac_replace_from("", "sip:2@b"))
        return 1


class FromAndToOfOneMessage(Conversation):
    """To by its URI alone keeps its name; the parameter stands in the Record-Route of the branch
    alone. What is replaced comes back in the answer, where the request is still to be seen.
    """

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request(caller='"C" <sip:c@d>;tag=1', callee='"D" <sip:d@e>'))
        for user in "ab":
            line.rings(user)
        line.answer("a", 180)
        line.replied()
        line.answer("b", 486)
        line.answer("a", 200)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.rr.add_rr_param(";first=1")
        ksr.rr.record_route()
        ksr.seturi(self.phone("a"))
        ksr.corex.append_branch_uri(self.phone("b"))
        ksr.tm.t_on_branch("on_branch")
        ksr.tm.t_on_reply("on_reply")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.pv.get("$T_branch_idx") == 0:
            self.note(ksr.rr.add_rr_param(";second=2"))
            self.note(ksr.uac.uac_replace_from("", "sip:other@d"))
            self.note(ksr.uac.uac_replace_to_uri("sip:other@e"))
        return 1

    def on_reply(self, _message: object) -> int:
        pv, uac = self.ksr.pv, self.ksr.uac
        self.note([pv.gete("$fu"), pv.gete("$fn"), pv.gete("$tu"), pv.gete("$tn")])
        self.note([pv.gete("$T_req($fu)"), pv.gete("$T_req($fn)")])
        self.note(uac.uac_replace_from(str(pv.gete("$T_req($fn)")), str(pv.gete("$T_req($fu)"))))
        self.note(uac.uac_replace_to("", "sip:d@e"))
        return 1


class SendSockets(Conversation):
    """A branch leaves from the socket that was set when it was appended."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        for user in "ab":
            line.rings(user)
        for user in "ab":
            line.answer(user, 486)
        line.answer("c", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.tm.t_newtran()
        ksr.tm.t_on_failure("on_failure")
        ksr.seturi(self.phone("a"))
        ksr.corex.append_branch_uri(self.phone("b"))
        ksr.corex.set_send_socket(ksr.hdr.gete("X-Spiral"))
        self.note(ksr.tm.t_relay())
        return 1

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        ksr.corex.set_send_socket(ksr.hdr.gete("X-Spiral"))
        ksr.corex.append_branch_uri(self.phone("c"))
        self.note(ksr.tm.t_relay())
        return 1


class NextHops(Conversation):
    """A branch goes to $du: the one when it was appended, or as changed in the branch route."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        for user in "abc":
            line.rings(user)
        for user in "abc":
            line.answer(user, 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.setdsturi(self.hop)
        ksr.seturi("sip:a@elsewhere.invalid")
        ksr.corex.append_branch_uri("sip:b@elsewhere.invalid")
        ksr.resetdsturi()
        ksr.corex.append_branch_uri("sip:c@elsewhere.invalid")
        ksr.setdsturi(self.hop)
        ksr.tm.t_on_branch("on_branch")
        self.note([ksr.tm.t_relay(), ksr.isdsturiset()])
        return 1

    @property
    def hop(self) -> str:
        """The test, as next hop."""
        return f"sip:{self.ksr.hdr.gete('X-Phones')}"

    def on_branch(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.pv.get("$ru"), ksr.isdsturiset()])
        if ksr.pv.gete("$rU") == "c":
            ksr.setdsturi(self.hop)
            ksr.seturi("sip:c@changed.invalid")
        return 1


class AddressSetInTheBranchRoute(Conversation):
    """A branch goes where its branch route says; no name server is asked for its Request-URI."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(Request())
        line.rings("a")
        line.answer("a", 486)
        line.rings("b")
        line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.seturi("sip:a@nowhere.invalid")
        self.note(ksr.corex.append_branch_uri("sip:b@nowhere.invalid"))
        ksr.tm.t_on_branch("on_branch")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        self.note([self.ksr.isdsturiset(), self.ksr.setdsturi(self.phone("x"))])
        return 1
