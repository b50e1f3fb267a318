# SPDX-License-Identifier: GPL-2.0-or-later
"""A phone that reads all that comes from a caller who asks for privacy (RFC 3323, RFC 3325)."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product

import pytest

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
from tests.support.trap import Trap

LINE, JANA, CALLER = "jana-desk", "42027777101", "42071234567"
NAME = "Eve Example"
TELLING = (
    f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>", f"Reply-To: <sip:{CALLER}@trunk.example>",
    f"Subject: {NAME} calls", f"Call-Info: <http://{CALLER}.example>", "Privacy: id",
)  # fmt: skip
_TOKEN = re.compile(r"[\w+/-]{16,}", re.ASCII)
_URI = re.compile(r"sip:[^\s<>;,]+")


class Named(SoftPhone):
    """A phone that writes its owner's name into From."""

    @property
    def aor(self) -> str:
        return f'"{NAME}" {super().aor}'


class Talk:
    """A call that the line has answered."""

    def __init__(self, situation: Situation, ends: ExitStack, *answer: str) -> None:
        self._situation, self._ends = situation, ends
        self.caller = ends.enter_context(Named(self._wire(PAI_TRUNK), CALLER, DOMAIN))
        phone = SoftPhone(self._wire(FIRST_PHONE), LINE, DOMAIN, PASSWORD)
        self.phone = ends.enter_context(phone)
        assert phone.register().code == 200
        address = situation.settings["ADDRESS"]
        self.callers = self.caller.call(f"sip:{JANA}@{address}:{SIP_PORT}", *TELLING)
        self.invite = phone.ring()
        self.phones = phone.pick_up(self.invite, headers=answer)
        self.heard = [self.invite]
        self.answers = [self.caller.talk(self.callers)]
        if not answer:  # else it goes where that says
            self.heard.append(phone.heard("ACK"))

    def _wire(self, last: int) -> RawSip:
        return RawSip(self._situation.network.address(last), self._situation.edge.proxy)

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


@pytest.fixture
def talk(situation: Situation) -> Iterator[Talk]:
    with ExitStack() as ends:
        yield Talk(situation, ends)
    situation.edge.kamcmd("ul.rm", "location", LINE)


def learned(messages: list[Message]) -> list[str]:
    """Where messages tell who calls, in clear or as one URI XOR another one."""
    texts = [f"{message.start_line}\n{message.headers}" for message in messages]
    found = [text for text in texts if CALLER in text or "Eve" in text]
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


def test_no_message_of_the_call_tells_who_calls(talk: Talk) -> None:
    for method in ("INFO", "INVITE", "UPDATE"):
        talk.caller_says(method)
        talk.phone_says(method)
    talk.caller_says("BYE")

    assert learned(talk.heard) == []
    assert talk.invite["From"].startswith("<sip:anonymous@anonymous.invalid>")
    assert {message["Contact"].partition("@")[2] for message in talk.heard if (
        message.method == "INVITE" and message.code is None)
    } == {talk.caller.contact.partition("@")[2]}  # fmt: skip


def test_no_proxy_that_the_phone_adds_learns_who_calls(situation: Situation) -> None:
    with ExitStack() as ends:
        proxy = ends.enter_context(Trap(situation.network.address(STRANGER)))
        route = "<sip:{}:{};lr>".format(*proxy.address)
        talk = Talk(situation, ends, f"Record-Route: {route}")
        talk.phones.routes.append(route)
        for method in ("INFO", "INVITE", "BYE"):
            talk.phone.send(talk.phones, method)
            assert talk.phone.final(method).code == 404
    situation.edge.kamcmd("ul.rm", "location", LINE)
    assert (proxy.heard, proxy.connections) == ([], 0)


def test_the_caller_sees_his_own_dialog(talk: Talk) -> None:
    talk.caller_says("INVITE")
    asked = [talk.phone_says(method) for method in ("INFO", "INVITE", "BYE")]

    assert {answer["From"] for answer in talk.answers} == {talk.callers.local}
    assert {request.uri for request in asked} == {talk.caller.contact.strip("<>")}
    assert {request["To"].partition(">")[0].partition("<")[2] for request in asked} == {
        own(talk.callers)}  # fmt: skip


def test_the_phone_sees_its_own_dialog(talk: Talk) -> None:
    talk.caller_says("INFO")
    for method in ("INFO", "BYE"):
        talk.phone_says(method)

    mine, others = talk.phones.local, talk.phones.remote
    assert {(heard["From"], heard["To"]) for heard in talk.heard[1:3]} == {(others, mine)}
    assert {(heard["From"], heard["To"]) for heard in talk.heard[3:]} == {(mine, others)}


def test_the_call_goes_on_after_a_restart(situation: Situation, talk: Talk) -> None:
    assert situation.edge.stop() == 0
    situation.edge.start()

    talk.caller_says("INFO")
    request = talk.phone_says("INFO")
    talk.caller_says("BYE")

    assert learned(talk.heard) == []
    assert request.uri == talk.caller.contact.strip("<>")
    assert own(talk.callers) in request["To"]


def test_after_a_restart_no_proxy_of_the_phone_learns_who_calls(
    situation: Situation, talk: Talk
) -> None:
    assert situation.edge.stop() == 0
    situation.edge.start()
    spy = SoftPhone(RawSip(situation.network.address(FIRST_PHONE), talk.caller.wire.name), "", "")

    talk.phones.routes.append(f"<sip:{spy.wire.host_port};lr>")
    talk.phone.send(talk.phones, "INFO")
    try:
        told = [spy.heard("INFO")]
    finally:
        spy.wire.close()

    assert learned(told) == []
    del talk.phones.routes[-1]
    talk.phone_says("BYE")
