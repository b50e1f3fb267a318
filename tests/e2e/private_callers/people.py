# SPDX-License-Identifier: GPL-2.0-or-later
"""A caller who asks for privacy, a phone that reads all that comes, and what it learned."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from contextlib import ExitStack
from itertools import product

from tests.support.raw_sip import RawSip
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    STRANGER,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone
from tests.support.trace import Message

LINE, JANA, CALLER = "jana-desk", "42027777101", "42071234567"
PETR, NAME = "petr-desk", "Eve Example"
TRUNK, OTHER_LINE = (PAI_TRUNK, CALLER, ""), (STRANGER, PETR, PASSWORD)
"""Who calls: last part of the address, user, password."""
TELLING = (
    f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>", f"Reply-To: <sip:{CALLER}@trunk.example>",
    f"Subject: {NAME} calls", f"Call-Info: <http://{CALLER}.example>", f"n: <http://{CALLER}>",
    *(f"{name}: {CALLER}" for name in (
        "User-to-User", "Session-ID", "P-Visited-Network-ID", "P-Charging-Function-Addresses",
        "P-Asserted-Service", "p-preferred-service", "P-Private-Network-Indication",
        "P-User-Database")),
    f'Warning: 399 {CALLER} "{NAME}"', "Privacy: id",
)  # fmt: skip
Change = Callable[[str], str]
_TOKEN = re.compile(r"[\w+/-]{16,}", re.ASCII)
_URI = re.compile(r"sip:[^\s<>;,]+")


class Named(SoftPhone):
    """A phone that writes its owner's name into From."""

    @property
    def aor(self) -> str:
        return f'"{NAME}" {super().aor}'


class Changing(RawSip):
    """Sends answers changed."""

    def __init__(self, address: str, proxy: tuple[str, int], change: Change) -> None:
        super().__init__(address, proxy)
        self._change = change

    def send(self, datagram: bytes) -> None:
        """Send it so."""
        text = datagram.decode()
        super().send((self._change(text) if text.startswith("SIP/2.0 2") else text).encode())


class Talk:
    """A call that the line has answered, with an answer that is changed."""

    def __init__(self, situation: Situation, ends: ExitStack, *answer: str,
                 change: Change = str, caller: tuple[int, str, str] = TRUNK) -> None:  # fmt: skip
        last, user, password = caller
        self.caller = ends.enter_context(Named(
            RawSip(situation.network.address(last), situation.edge.proxy), user, DOMAIN, password))
        wire = Changing(situation.network.address(FIRST_PHONE), situation.edge.proxy, change)
        phone = SoftPhone(wire, LINE, DOMAIN, PASSWORD)
        self.phone = ends.enter_context(phone)
        assert phone.register().code == 200
        host = DOMAIN if password else f"{situation.settings['ADDRESS']}:{SIP_PORT}"
        self.callers = self.caller.call(f"sip:{JANA}@{host}", *TELLING)
        self.invite = phone.ring()
        self.phones = phone.pick_up(self.invite, headers=answer)
        self.heard = [self.invite]
        self.answers = [self.caller.talk(self.callers)]
        if not answer:  # else it goes where that says
            self.heard.append(phone.heard("ACK"))

    def caller_says(self, method: str) -> None:
        """A request of the caller, and its answer."""
        self.caller.send(self.callers, method)
        self.heard.append(self.phone.heard(method))
        self.phone.answer(self.heard[-1], 200)
        if method == "INVITE":
            self.answers.append(self.caller.talk(self.callers))
            self.heard.append(self.phone.heard("ACK"))
        else:
            self.answers.append(self.caller.final(method))

    def phone_says(self, method: str) -> Message:
        """A request of the phone as it comes to the caller, and its answer."""
        self.phone.send(self.phones, method)
        request = self.caller.heard(method)
        self.caller.answer(request, 200, *TELLING[:-1])
        if method == "INVITE":
            self.heard.append(self.phone.talk(self.phones))
            self.caller.heard("ACK")
        else:
            self.heard.append(self.phone.final(method))
        return request


def learned(messages: list[Message]) -> list[str]:
    """Where messages tell who calls, in clear or as one URI XOR another one."""
    texts = [f"{message.start_line}\n{message.headers}" for message in messages]
    found = [text for text in texts if any(who in text for who in (CALLER, PETR, "Eve"))]
    uris = {uri.encode() for text in texts for uri in _URI.findall(text)}
    for text, uri in product(texts, uris):
        for token in _TOKEN.findall(text):
            whole = token[:len(token) // 4 * 4].translate(str.maketrans("+/", "-_"))
            sealed = urlsafe_b64decode(whole)
            read = bytes(one ^ two for one, two in zip(sealed, uri, strict=False))
            found += [token] * (CALLER.encode() in read or CALLER.encode() in sealed)
    return found


def own(dialog: Dialog) -> str:
    return dialog.local.partition("<")[2].partition(">")[0]
