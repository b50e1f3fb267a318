# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of registrations and digest authentication."""

from collections.abc import Callable

from tests.contract.probing import Conversation, Line
from tests.support.sip_message import Headers, Request, ha1

REALM = "followme.local"


def register(user: str, *contacts: str, expires: int | None = None) -> Request:
    """A REGISTER of this user."""
    headers = [("Contact", contact) for contact in contacts]
    if expires is not None:
        headers.append(("Expires", str(expires)))
    address = f"<sip:{user}@{REALM}>"
    return Request("REGISTER", f"sip:{REALM}", f"{address};tag=1", address, tuple(headers))


class Registrations(Conversation):
    """Saves each contact, with at most three per line, and looks the line up."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(register("desk"))
        line.final()
        line.send(Request("OPTIONS"))
        for number in range(4):
            line.send(register("desk", f"<sip:desk@127.0.0.5{number}>", expires=300 + number))
            line.final()
            line.send(Request("OPTIONS"))
        line.send(register("desk", "<sip:desk@127.0.0.50>;expires=700"))
        line.final()
        line.send(register("desk", "<sip:desk@127.0.0.51>", expires=0))
        line.final()
        line.send(Request("OPTIONS"))
        line.send(register("desk"))
        line.final()
        line.send(register("desk", "*", expires=0))
        line.final()
        line.send(Request("OPTIONS"))
        for expires in (10, 100_000):
            line.send(register("desk", "<sip:desk@127.0.0.50>", expires=expires))
            line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        registrar, desk = ksr.registrar, f"sip:desk@{REALM}"
        if ksr.is_REGISTER():
            self.note([ksr.pv.seti("$xavp(reg=>max_contacts)", 3), registrar.save("location", 0)])
            return 1
        self.note(registrar.registered_uri("location", desk))
        self.note(registrar.lookup_to_dset("location", desk))
        self.note([ksr.pv.get(f"$(branch(uri)[{index}])") for index in range(3)])
        self.note([ksr.pv.get("$branch(count)"), ksr.pv.get("$ru"), ksr.isdsturiset()])
        self.note([registrar.lookup_uri("location", desk), ksr.pv.get("$ru")])
        self.note(
            [ksr.pv.get("$branch(count)"), ksr.isdsturiset(), registrar.registered("location")]
        )
        return 1


class RegistrationsWithAnswersOfOurOwn(Conversation):
    """What was saved stands in the answer; what was not has no answer but ours."""

    @staticmethod
    def talk(line: Line) -> None:
        for number in range(3):
            line.send(register("attic", f"<sip:attic@127.0.0.7{number}>"))
            line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        ksr.pv.seti("$xavp(reg=>max_contacts)", 2)
        saved = ksr.registrar.save("location", 2 | 16)
        self.note([saved, ksr.sl.send_reply(200 if saved > 0 else 403, "Ours")])
        return 1


class PhonesOfOneAddress(Conversation):
    """Without a name they are told apart by their Call-ID, and can be forgotten one by one."""

    @staticmethod
    def talk(line: Line) -> None:
        for instance in ("", "", "<urn:uuid:1>", "<urn:uuid:1>", "<urn:uuid:2>"):
            named = f';+sip.instance="{instance}"' if instance else ""
            line.send(register("porch", f"<sip:porch@127.0.0.80>{named}"))
            line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr, aor = self.ksr, f"sip:porch@{REALM}"
        self.note(ksr.registrar.save("location", 0))
        self.note(ksr.registrar.reg_fetch_contacts("location", aor, "bound"))
        count = ksr.pv.geti("$(ulc(bound=>count))")
        calls = [ksr.pv.get(f"$(ulc(bound=>callid)[{index}])") for index in range(count)]
        self.note([call == ksr.pv.get("$ci") for call in calls])
        self.note([int(ksr.pv.gete(f"$(ulc(bound=>expires)[{index}])")) > ksr.pv.geti("$Ts")
                   for index in range(count)])
        if count == 4:
            self.note([ksr.pv.get("$(ulc(bound=>conid)[0])"), ksr.tcpops.tcp_conid_alive(4711)])
            last = str(ksr.pv.gete(f"$(ulc(bound=>ruid)[{count - 1}])"))
            for of, ruid in ((f"sip:hall@{REALM}", last), (aor, last), (aor, "none")):
                self.note(ksr.registrar.unregister_ruid("location", of, ruid))
            ksr.registrar.reg_fetch_contacts("location", aor, "bound")
            self.note(ksr.pv.geti("$(ulc(bound=>count))"))
        return 1


class LookUpOfRequestUri(Conversation):
    @staticmethod
    def talk(line: Line) -> None:
        line.send(register("hall", "<sip:hall@127.0.0.60>"))
        line.final()
        for uri in (f"sip:hall@{REALM}", "sip:hall@elsewhere.example", f"sip:nobody@{REALM}"):
            line.send(Request(uri=uri))

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_REGISTER():
            self.note(ksr.registrar.save("location", 0))
            return 1
        self.note([ksr.registrar.registered("location"), ksr.registrar.lookup("location")])
        self.note([ksr.pv.get("$ru"), ksr.pv.get("$branch(count)")])
        return 1


class PhonesOfLine(Conversation):
    """lookup_uri makes a phone the R-URI, lookup_to_dset leaves the R-URI alone."""

    @staticmethod
    def talk(line: Line) -> None:
        line.send(register("lamp", *(f"<sip:{user}@{line.phones}>" for user in "ab")))
        line.final()
        line.send(Request())
        for _ in range(3):
            line.answer("a", 404)
            line.answer("b", 486)
        line.final()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_REGISTER():
            self.note(ksr.registrar.save("location", 0))
            return 1
        ksr.pv.sets("$avp(step)", "1")
        return self.ring(ksr.registrar.lookup_uri)

    def on_failure(self, _message: object) -> int:
        ksr = self.ksr
        step = ksr.pv.gete("$avp(step)")
        ksr.pv.sets("$avp(step)", f"{step}1")
        registrar = ksr.registrar
        if step == "111":
            return ksr.tm.t_reply(480, "Nobody")
        return self.ring(registrar.lookup_to_dset if step == "1" else registrar.lookup_uri)

    def ring(self, look_up: Callable[[str, str], int]) -> int:
        """Looks up, arms, relays."""
        ksr = self.ksr
        self.note([look_up("location", f"sip:lamp@{REALM}"), ksr.pv.get("$T_branch_idx")])
        ksr.tm.t_on_branch("on_branch")
        ksr.tm.t_on_failure("on_failure")
        self.note(ksr.tm.t_relay())
        return 1

    def on_branch(self, _message: object) -> int:
        self.note([self.ksr.pv.get("$T_branch_idx"), self.ksr.pv.get("$rU")])
        return 1


CHECKS = {"ha1": (ha1("desk", REALM, "secret"), 1, 1), "plain": ("secret", 0, 1),
          "any user": ("secret", 0, 0)}  # fmt: skip
"""Arguments of pv_auth_check behind the realm."""


class Digest(Conversation):
    """No credentials, right ones, a wrong password, another user's, a nonce that is not ours, one
    that was used.
    """

    first = register("desk")

    @classmethod
    def talk(cls, line: Line) -> None:
        first, challenge = cls.first, ""
        for user, password, check in (
            ("desk", "secret", "ha1"), ("desk", "wrong", "ha1"), ("hall", "secret", "ha1"),
            ("desk", "secret", "plain"), ("desk", "wrong", "plain"), ("hall", "secret", "plain"),
            ("hall", "secret", "any user"),
        ):  # fmt: skip
            line.send(first.again())
            challenge = challenge_of(line.replied())
            answer = first.with_credentials(challenge, user, password)
            line.send(answer.with_headers(("X-Check", check)))
            line.replied()
        line.send(first.with_credentials(challenge, "desk", "secret"))
        line.replied()
        line.send(first.with_credentials(f'Digest realm="{REALM}", nonce="x"', "desk", "secret"))
        line.replied()
        other = challenge.replace(REALM, "elsewhere")
        line.send(first.with_credentials(other, "desk", "secret"))
        line.replied()

    def ksr_request_route(self, _message: object) -> int:
        ksr = self.ksr
        if ksr.is_ACK():
            return 1
        names = ("$au", "$aU", "$ad", "$ar", "$adu")
        self.note([ksr.auth.has_credentials(REALM), *(ksr.pv.get(name) for name in names)])
        code = ksr.auth.pv_auth_check(REALM, *CHECKS[ksr.hdr.gete("X-Check") or "ha1"])
        self.note([code, ksr.pv.get("$au")])
        if code > 0:
            self.note([ksr.auth.consume_credentials(), ksr.sl.sl_send_reply(200, "OK")])
        else:
            self.note(ksr.auth.auth_challenge(REALM, 17 if code == -6 else 1))
        return 1


class DigestOfCall(Digest):
    first = Request(caller=f"<sip:desk@{REALM}>;tag=1")


def challenge_of(headers: Headers) -> str:
    """The challenge in a 401 or 407."""
    return headers.get("WWW-Authenticate") or headers.get("Proxy-Authenticate") or ""
