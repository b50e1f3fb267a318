# SPDX-License-Identifier: GPL-2.0-or-later
"""Those who have a part in calls, spoken by hand, and all that each of them heard."""

import re
from contextlib import ExitStack, suppress

from tests.support.edge import Edge
from tests.support.loopback import NotReady
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    GATEWAY,
    PAI_TRUNK,
    PASSWORD,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone

LINE, CALLER, MOBILE = "jana-desk", "42075553333", "42073723101"
UPSTREAM = 19
"""Who is behind the trunk."""
_LAST_PHONE = 250


class Ear:
    """Keeps what its wire reads."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def keep(self, message: bytes) -> bytes:
        self.heard.append(message.decode())
        return message


class UdpEar(RawSip, Ear):
    """Over UDP."""

    def __init__(self, address: str, proxy: tuple[str, int]) -> None:
        Ear.__init__(self)
        RawSip.__init__(self, address, proxy)

    def _read(self) -> bytes:
        return self.keep(super()._read())


class TcpEar(StreamSip, Ear):
    """Over TCP."""

    def __init__(self, address: str, proxy: tuple[str, int]) -> None:
        Ear.__init__(self)
        StreamSip.__init__(self, address, proxy)

    def _read(self) -> bytes:
        return self.keep(super()._read())


class People:
    """The trunk, and who else a test lets come."""

    def __init__(self, situation: Situation, ends: ExitStack) -> None:
        self.situation, self._ends = situation, ends
        self._ears: list[tuple[str, Ear]] = []
        self._gateways: dict[str, dict[str, str]] = {}
        self.trunk = self.at(PAI_TRUNK, CALLER, domain=situation.network.address(UPSTREAM))

    def at(self, last: int, user: str, ear: type[UdpEar | TcpEar] = UdpEar, domain: str = DOMAIN,
           proxy: tuple[str, int] | None = None) -> SoftPhone:  # fmt: skip
        """Somebody at that address."""
        address = self.situation.network.address(last)
        wire = ear(address, proxy or self.situation.edge.proxy)
        self._ears.append((address, wire))
        return self._ends.enter_context(SoftPhone(wire, user, domain, PASSWORD * (user == LINE)))

    def phone(self, ear: type[UdpEar | TcpEar] = UdpEar, edge: Edge | None = None) -> SoftPhone:
        """A phone of the line, which has registered, at this proxy unless at the usual one."""
        edge = edge or self.situation.edge
        made = self.at(FIRST_PHONE, LINE, ear, proxy=edge.proxy)
        self._ends.callback(forget, edge)
        assert made.register().code == 200
        return made

    def gateway(self, data_centre: str) -> SoftPhone:
        """One more gateway, which is in force as long as the test lasts."""
        made = self.at(GATEWAY + len(self._gateways), MOBILE)
        self._gateways[data_centre] = {"at": made.wire.host_port, "data_centre": data_centre}
        self._ends.enter_context(self.situation.with_network(gateways=dict(self._gateways)))
        return made

    def dial(self, number: str, *headers: str, contact: str = "") -> Dialog:
        """The trunk calls, in words that tell where it is, and who is behind it."""
        behind = self.situation.network.address(UPSTREAM)
        return self.trunk.call(
            f"sip:{number}@{DOMAIN}",
            f"Via: SIP/2.0/UDP {behind}:5060;branch=z9hG4bKbehind",
            f"P-Charging-Vector: icid-value=1;icid-generated-at={behind}",
            f"Diversion: <sip:+49301234567@{behind};x=y>;reason=user-busy",
            f"History-Info: <sip:1@{behind}?Reason=SIP%3Bcause%3D302>;index=1",
            *_told(behind), *headers, contact=contact)  # fmt: skip

    def picks_up(self, phone: SoftPhone, *headers: str) -> Dialog:
        """Who is called rings, in such words too, and answers."""
        invite = phone.heard("INVITE")
        phone.answer(invite, 180, *_told(phone.wire.host_port), *headers)
        return phone.pick_up(invite)

    def answered(self, phone: SoftPhone, number: str = "42027777101") -> tuple[Dialog, Dialog]:
        """A call of the trunk that the phone has answered, as both know it."""
        caller = self.dial(number)
        callee = self.picks_up(phone)
        self.trunk.talk(caller)
        phone.heard("ACK")
        return caller, callee

    def see(self, *proxies: int) -> list[tuple[str, str]]:
        """Which header lines tell whom where anybody else is, or one of these proxies, or how that
        was hidden. Raises NotReady where nobody heard of anybody.
        """
        others = [PAI_TRUNK, UPSTREAM, GATEWAY, GATEWAY + 1, *range(FIRST_PHONE, _LAST_PHONE),
                  *proxies]  # fmt: skip
        places = {"127.0.0.1", *map(self.situation.network.address, others)}
        upstream = self.situation.network.address(UPSTREAM)
        if sum(bool(ear.heard) for _, ear in self._ears) < 2:
            raise NotReady("there are no two sides")
        told = []
        for at, ear in self._ears:
            own = {at, *([upstream] if at == self.situation.network.address(PAI_TRUNK) else [])}
            for message in ear.heard:
                for line in message.partition("\r\n\r\n")[0].split("\r\n"):
                    named = set(re.findall(r"\d+\.\d+\.\d+\.\d+", line)) & places - own
                    told += [(at, line)] if named or line.startswith("TH:") else []
        return told


def forget(edge: Edge) -> None:
    """Unregister the phones of the line; a closed connection may have done so already."""
    with suppress(NotReady):
        edge.kamcmd("ul.rm", "location", LINE)


def _told(at: str) -> list[str]:
    return [f"P-Asserted-Identity: <sip:{CALLER}@{at}>", f"Call-Info: <http://{at}/x>",
            f"Remote-Party-ID: <sip:{CALLER}@{at}>;party=calling", f"Referred-By: <sip:{at}>",
            f"Reply-To: <sip:a;b=c@{at}>", f'Warning: 399 {at} "a", 301 {at} "b"']  # fmt: skip
