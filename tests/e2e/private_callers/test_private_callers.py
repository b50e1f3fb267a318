# SPDX-License-Identifier: GPL-2.0-or-later
"""A phone that reads all that comes from a caller who asks for privacy (RFC 3323, RFC 3325)."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.private_callers.people import LINE, Talk, learned, own
from tests.support.raw_sip import RawSip
from tests.support.situation import FIRST_PHONE, STRANGER, Situation
from tests.support.softphone import SoftPhone
from tests.support.trap import Trap


@pytest.fixture
def talk(situation: Situation) -> Iterator[Talk]:
    with ExitStack() as ends:
        yield Talk(situation, ends)
    situation.edge.kamcmd("ul.rm", "location", LINE)


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
