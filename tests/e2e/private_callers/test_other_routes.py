# SPDX-License-Identifier: GPL-2.0-or-later
"""A phone that wants to know who calls, and writes another route than it was sent."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.private_callers.people import LINE, OTHER_LINE, TELLING, Talk, learned
from tests.support.loopback import reserve_network
from tests.support.situation import STRANGER, Situation
from tests.support.trap import Trap

YAML = Path(__file__).with_name("situation.yaml")
ROW, OURS = r"Record-Route: .*\r\n", r"(Record-Route: <[^>]*;fm=[^>]*>)"
Change = Callable[[str, str], str]
ANSWERS: dict[str, Change] = {
    "without what is sealed": lambda text, _: re.sub(r";fs=[\w-]+", "", text),
    "with something else sealed": lambda text, _: text.replace(";fs=", ";fs=AAAA;fs="),
    "without our mark": lambda text, _: re.sub(r";fm=\w+", "", text),
    "with another tag of the caller": lambda text, _: re.sub(r";ftag=\w+", ";ftag=x", text),
    "without a route": lambda text, _: re.sub(ROW, "", text),
    "with a proxy before us": lambda text, its: re.sub(OURS, rf"\1\r\nRecord-Route: {its}", text),
    "with a proxy in the same line": lambda text, its: re.sub(OURS, rf"\1, {its}", text),
}
REQUESTS: dict[str, Callable[[str], str]] = {
    "without what is sealed": lambda route: re.sub(r";fs=[\w-]+", "", route),
    "with something else sealed": lambda route: route.replace(";fs=", ";fs=AAAA;fs="),
    "as of another kind": lambda route: route.replace(";fm=p", ";fm=n"),
}


@pytest.fixture(scope="module", params=["shown", "hidden"])
def situation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,
              ) -> Iterator[Situation]:  # fmt: skip
    folder = tmp_path_factory.mktemp("routes")
    with Situation(reserve_network(), folder, settings={"TOPOLOGY": request.param}) as made:
        made.apply(YAML)
        yield made


@pytest.fixture
def ends(situation: Situation) -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made
    situation.edge.kamcmd("ul.rm", "location", LINE)


@pytest.mark.parametrize("change", ANSWERS.values(), ids=ANSWERS)
def test_by_which_the_caller_s_requests_go(
    situation: Situation, ends: ExitStack, change: Change
) -> None:
    proxy = ends.enter_context(Trap(situation.network.address(STRANGER)))
    its = "<sip:{}:{};lr>".format(*proxy.address)
    talk = Talk(situation, ends, change=lambda text: change(text, its))

    for method in ("INFO", "INVITE", "BYE"):
        talk.caller.send(talk.callers, method, headers=TELLING[:-1])
        talk.heard.append(talk.phone.heard(method))
        talk.phone.answer(talk.heard[-1], 200)
        if method == "INVITE":
            talk.caller.talk(talk.callers)
            talk.heard.append(talk.phone.heard("ACK"))
        else:
            assert talk.caller.final(method).code == 200
    assert learned(talk.heard) == []
    assert proxy.heard == []


@pytest.mark.parametrize("restarted", [False, True], ids=["live", "restarted"])
@pytest.mark.parametrize("change", REQUESTS.values(), ids=REQUESTS)
def test_by_which_its_own_requests_go(
    situation: Situation, ends: ExitStack, change: Callable[[str], str], *, restarted: bool
) -> None:
    talk = Talk(situation, ends)
    if restarted:
        assert situation.edge.stop() == 0
        situation.edge.start()
    right = talk.phones.routes
    talk.phones.routes = [change(route) for route in right]
    for method in ("INFO", "INVITE", "UPDATE"):
        talk.phone.send(talk.phones, method)
        assert talk.phone.final(method).code == 404
    talk.phones.routes = right
    asked = talk.phone_says("BYE")
    assert learned(talk.heard) == []
    assert asked.uri == talk.caller.contact.strip("<>")


def test_nor_by_a_guess_after_a_restart(situation: Situation, ends: ExitStack) -> None:
    talk = Talk(situation, ends, caller=OTHER_LINE)
    assert situation.edge.stop() == 0
    situation.edge.start()
    talk.phones.target = f"sip:anybody@{talk.caller.wire.host_port}"
    asked = talk.phone_says("INFO")
    assert asked.uri == talk.phones.target
    assert learned(talk.heard) == []
