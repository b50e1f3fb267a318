# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of a phone with several flows (RFC 5626): what is known of each, and which is rung."""

from tests.contract.probes_registrar import REALM, register
from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request

ONE, OTHER = "<urn:uuid:1>", "<urn:uuid:2>"
AOR = f"sip:cats@{REALM}"
NAMES = ("uri", "dst_uri", "path", "send_socket", "flags", "instance")


class FlowsOfPhones(Conversation):
    """A phone is rung; one contact waits until it fails, one for somebody else."""

    @staticmethod
    def talk(line: Line) -> None:
        for user, instance in (("c", ""), ("b", OTHER), ("a", ONE)):
            named = f';+sip.instance="{instance}"' if instance else ""
            line.send(register("cats", f"<sip:{user}@{line.phones}>{named}"))
            line.final()
        line.send(Request())
        for user, code in (("a", 430), ("b", 404)):
            line.answer(user, code)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        fetched = ksr.registrar.reg_fetch_contacts("location", AOR, "bound")
        self.note([fetched, *self.instances()])
        if ksr.is_REGISTER():
            self.note(ksr.registrar.save("location", 0))
            return 1
        ksr.tm.t_newtran()
        self.note(ksr.registrar.lookup_uri("location", AOR))
        self.note([ksr.pv.get(f"$(branch({name})[{index}])") is None
                   for name in NAMES for index in range(2)])
        self.note([ksr.pv.get(f"$(branch({name})[{index}])")
                   for name in ("flags", "instance") for index in range(2)])
        self.let_wait()
        ksr.tm.t_on_failure("on_failure")
        return self.relay()

    def instances(self) -> list[object]:
        pv = self.ksr.pv
        count = pv.geti("$(ulc(bound=>count))")
        return [pv.get(f"$(ulc(bound=>{name})[{index}])") for index in range(count)
                for name in ("instance", "addr")]

    def let_wait(self) -> None:
        ksr = self.ksr
        self.note(ksr.pv.unset("$xavp(flows[*])"))
        for index, instance in ((1, OTHER), (0, ONE)):
            self.note(ksr.pv.sets("$xavp(flows=>uri)", self.of_branch("uri", index)))
            for name, value in (("instance", instance),
                                ("sock", self.of_branch("send_socket", index))):
                self.note(ksr.pvx.xavp_child_sets("flows", name, value))
            self.note(ksr.pvx.xavp_child_seti("flows", "flags", 64))
            ksr.pv.unset(f"$(branch(uri)[{index}])")

    def of_branch(self, name: str, index: int) -> str:
        return str(self.ksr.pv.gete(f"$(branch({name})[{index}])"))

    def relay(self) -> int:
        ksr = self.ksr
        ksr.tm.t_on_branch("on_branch")
        ksr.tm.t_on_branch_failure("on_branch_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        pv = self.ksr.pv
        self.note([pv.get("$T_branch_idx"), pv.gete("$rU"), self.ksr.isbflagset(6)])
        return 1

    def on_branch_failure(self, _message: object) -> int:
        ksr = self.ksr
        found = ksr.tm.t_next_contact_flow()
        self.note([ksr.pv.get("$T_reply_code"), found])
        return self.relay() if found > 0 else 1

    def on_failure(self, _message: object) -> int:
        self.note(self.ksr.tm.t_reply(480, "Nobody"))
        return 1
