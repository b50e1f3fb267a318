# SPDX-License-Identifier: GPL-2.0-or-later
"""A line whose phone says "Anonymous" in From, as RFC 3323 section 4.1.1.3 wants it."""

from collections.abc import Callable

import pytest

from tests.support.phones import Phone, answer, ring
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import DOMAIN, PASSWORD, STRANGER, Situation
from tests.support.softphone import SoftPhone
from tests.support.trace import Message

LINE, JANA, PETR, OUTSIDE = "jana-desk", "42027777101", "42027777102", "49115234567"
SENDERS = ["anonymous@anonymous.invalid", f"anonymous@{DOMAIN}"]
Wire = Callable[[str, tuple[str, int]], RawSip]


class Anonymous(SoftPhone):
    """A phone that does not say who it is."""

    sender = SENDERS[0]

    @property
    def aor(self) -> str:
        return f'"Anonymous" <sip:{self.sender}>'


def phone(situation: Situation, sender: str, wire: Wire = RawSip) -> Anonymous:
    made = Anonymous(wire(situation.network.address(STRANGER), situation.edge.proxy), LINE, DOMAIN,
                     PASSWORD)
    made.sender = sender
    return made


def text(message: Message) -> str:
    return f"{message.start_line} {message.headers}"


@pytest.mark.parametrize("sender", SENDERS)
def test_the_gateway_alone_is_told_who_calls_and_that_he_is_private(
    situation: Situation, sender: str
) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    with phone(situation, sender) as caller:
        dialog = caller.call(f"sip:{OUTSIDE}@{DOMAIN}")
        heard = caller.talk(dialog)
        caller.send(dialog, "BYE")
        assert caller.final("BYE").code == 200

    invite, = outside.invites
    assert heard["From"] == dialog.local
    assert invite["From"].startswith("<sip:anonymous@anonymous.invalid>")
    assert invite.all("P-Asserted-Identity") == [f"<sip:{JANA}@{DOMAIN}>"]
    assert invite.all("Privacy") == ["id"]


@pytest.mark.parametrize("wire", [RawSip, StreamSip])
def test_nobody_else_is_told(situation: Situation, wire: Wire) -> None:
    seen: list[Phone] = [
        situation.line_phone("petr-desk", ring()), situation.sip_phone("petr", ring()),
        situation.media_server(answer(hang_up_after_ms=200)),
    ]  # fmt: skip
    with phone(situation, SENDERS[0], wire) as caller:
        dialog = caller.call(f"sip:{PETR}@{DOMAIN}")
        caller.talk(dialog)
        bye = caller.heard("BYE")
        caller.answer(bye, 200)
        assert bye.uri.startswith(caller.contact.strip("<>"))
        assert f"<sip:{caller.sender}>" in bye["To"]

    told = [text(message) for each in seen for message in each.messages if not message.sent]
    assert len({each.invites[0]["Contact"] for each in seen}) == 1
    assert [one for one in told if JANA in one or LINE in one] == []


def test_a_stranger_without_a_password_calls_nobody(situation: Situation) -> None:
    outside = situation.outside_phone(OUTSIDE, answer())
    with RawSip(situation.network.address(STRANGER), situation.edge.proxy) as stranger:
        invite = stranger.request("INVITE", f"sip:{OUTSIDE}@{DOMAIN}", ani="anonymous")
        heard = stranger.ask(invite)
    assert heard is not None
    assert heard.code == 407
    assert outside.invites == []


def test_a_line_that_names_another_one_is_refused(situation: Situation) -> None:
    with phone(situation, f"petr-desk@{DOMAIN}") as caller:
        caller.call(f"sip:{OUTSIDE}@{DOMAIN}")
        assert caller.final("INVITE").code == 403
