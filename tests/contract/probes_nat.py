# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of phones that are reached where their messages come from."""

from tests.contract.probes_registrar import REALM, register
from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Request

FLAG, INSIDE = 6, "192.168.1.10:5060"


class BehindNat(Conversation):
    """A line with a phone behind NAT and another one: what is known of each when it is rung, and
    what becomes of the Contacts of their answers.
    """

    @staticmethod
    def talk(line: Line) -> None:
        for contact in (f"<sip:nat@{INSIDE}>", f"<sip:dog@{line.phones}>"):
            line.send(register("pets", contact))
            line.final()
        line.send(Request())
        line.answer("nat", 180, ("Contact", f"<sip:nat@{INSIDE};ob>;q=1"))
        line.answer("dog", 180, ("Contact", f"<sip:dog@{INSIDE}>"))
        line.answer("nat", 183)
        line.answer("nat", 200, ("Contact", f"sip:nat@{INSIDE};expires=5"))
        line.cancelled("dog")
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_REGISTER():
            seen: list[object] = [ksr.force_rport(), str(ksr.pv.gete("$su")).rpartition(":")[0]]
            if INSIDE in ksr.hdr.gete("Contact"):
                seen += [ksr.pv.sets("$avp(received)", f"sip:{ksr.hdr.gete('X-Phones')}"),
                         ksr.setbflag(FLAG), ksr.isbflagset(FLAG)]
            self.note([*seen, ksr.registrar.save("location", 0)])
            return 1
        self.note([ksr.isbflagset(FLAG), ksr.nathelper.set_contact_alias()])
        for received in ("X-Phones", "X-Spiral"):
            ksr.pv.sets("$xavp(reg=>match_received)", f"sip:{ksr.hdr.gete(received)}")
            pets = f"sip:pets@{REALM}"
            self.note(ksr.registrar.registered_flags("location", pets, 2))
        self.note(ksr.tm.t_set_auto_inv_100(0))
        self.note(ksr.registrar.lookup_uri("location", f"sip:pets@{REALM}"))
        self.note([ksr.isdsturiset(), ksr.isbflagset(FLAG), ksr.pv.get("$ru")])
        ksr.tm.t_on_branch("on_branch")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        ksr = self.ksr
        flagged = ksr.isbflagset(FLAG)
        self.note([ksr.pv.get("$rU"), flagged, ksr.isdsturiset()])
        ksr.tm.t_on_reply("on_reply" if flagged else "")
        return 1

    def on_reply(self, _message: object) -> int:
        ksr = self.ksr
        self.note([ksr.pv.get("$rs"), ksr.pv.get("$proto"), ksr.hdr.gete("Contact")])
        self.note([ksr.nathelper.set_contact_alias(), ksr.nathelper.set_contact_alias()])
        return 1
