# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways and media servers by host name (SPEC B2, B3, DESIGN law 4).

The proxy has one worker: where that waits, no other call goes on.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kemi_routing.ksr.in_force import LOOK_UP_S
from kemi_routing.ksr.resolver import RETRY_UNREACHED_S
from kemi_routing.locate import SHORTEST_S
from tests.support.caller import Outcome
from tests.support.gateway import Gateway
from tests.support.loopback import reserve_network, wait_until
from tests.support.name_server import NameServer
from tests.support.phones import answer
from tests.support.raw_sip import RawSip
from tests.support.situation import DOMAIN, GATEWAY, MEDIA_SERVER, SIP_PORT, Situation

NUMBER, VOICEMAIL, MOBILE, CALLER = "42027777101", "42027777105", "42073723101", "42075553333"
NAME_SERVER, OTHER_GATEWAY, NOBODY = 53, 41, 42
NAME, MEDIA_NAME = "gw.example.com", "media.example.com"
AT = f"{NAME}:{SIP_PORT}"
NAMED: dict[str, Any] = {
    "gateways": {"vienna": {"at": AT}},
    "media_servers": {"vienna": {"at": f"{MEDIA_NAME}:{SIP_PORT}"}}}
NO_REPLY_S = 4


@dataclass
class Arranged:
    """An arrangement whose proxy knows its gateway and media server by name, and a name server."""

    situation: Situation
    name_server: NameServer

    def address(self, last: int) -> str:
        return self.situation.network.address(last)

    def leads_to(self, *gateways: int) -> None:
        """The names have these addresses from now on."""
        self.name_server.says("\n".join((
            f"{MEDIA_NAME} A {self.address(MEDIA_SERVER)}",
            *(f"{NAME} A {self.address(last)}" for last in gateways))))

    def call(self, number: str = NUMBER) -> Outcome:
        """A call; made again where a busy machine let Redis be late, as Retry-After asks."""
        while (heard := self.situation.call(number, CALLER)).code == 503:
            pass
        return heard

    def asked(self) -> list[str]:
        """The names that somebody looked up; but for the machine's own, which Kamailio asks for at
        its start where no file has it.
        """
        return [name for name, _ in self.name_server.asked if name in (NAME, MEDIA_NAME)]

    def said(self, text: str) -> None:
        wait_until(lambda: text in self.situation.edge.log, text)


@pytest.fixture
def arranged(tmp_path: Path) -> Iterator[Arranged]:
    """Its names lead to the usual addresses."""
    network = reserve_network()
    name_server = NameServer(network.address(NAME_SERVER))
    situation = Situation(network, tmp_path, settings={"WORKERS": "1"}, operator=NAMED,
                          command=name_server.believed(tmp_path))
    made = Arranged(situation, name_server)
    made.leads_to(GATEWAY)
    with situation:
        situation.apply(Path(__file__).with_name("situation.yaml"))
        yield made
    name_server.stop()


@pytest.fixture
def other(arranged: Arranged) -> Iterator[Gateway]:
    """Another gateway, by which the same mobile is reached."""
    made = Gateway(arranged.address(OTHER_GATEWAY), SIP_PORT)
    made.start()
    yield made
    made.stop()


def test_calls_go_to_the_address_and_name_the_host(arranged: Arranged) -> None:
    mobile, media = arranged.situation.outside_phone(MOBILE, answer()), (
        arranged.situation.media_server())
    for name, last in ((NAME, GATEWAY), (MEDIA_NAME, MEDIA_SERVER)):
        arranged.said(f"name name={name}:{SIP_PORT} at={arranged.address(last)}:{SIP_PORT}")
    asked = arranged.asked()

    assert [arranged.call(number).code for number in (NUMBER, VOICEMAIL)] == [200, 200]

    assert [one.uri for one in mobile.invites] == [f"sip:{MOBILE}@{AT}"]
    assert media.invites[0].uri.startswith(f"sip:voicemail@{MEDIA_NAME}:{SIP_PORT};")
    assert sorted(asked) == [NAME, MEDIA_NAME]
    assert arranged.asked() == asked


def test_a_media_server_is_known_by_the_addresses_of_its_name(arranged: Arranged) -> None:
    arranged.said(f"name name={MEDIA_NAME}:{SIP_PORT} at=")
    with RawSip(arranged.address(MEDIA_SERVER), arranged.situation.edge.proxy) as raw:
        heard = raw.ask(raw.request("INVITE", f"sip:{MOBILE}@{DOMAIN}", headers=(
            f"X-Followme-Account: {NUMBER}", "X-Followme-Service: gossip")))
    assert heard is not None
    assert heard.code == 403
    # Whoever it is not is told to be untrusted.
    assert "there is no service 'gossip'" in arranged.situation.edge.log


def test_a_silent_name_server_costs_a_target_less_than_a_second_and_nobody_waits(
    arranged: Arranged,
) -> None:
    """It says nothing when the file names a gateway that nobody knows yet."""
    situation, name_server = arranged.situation, arranged.name_server
    situation.outside_phone(MOBILE, answer())
    arranged.said(f"name name={AT} at=")
    name_server.silent = True
    unknown = {"gateways": {"new": {"at": f"new.example.com:{SIP_PORT}"}}}
    with situation.with_network(**unknown):
        heard = []
        for _ in range(3):
            situation.edge.kamcmd("dns.delete_all_force")  # what Kamailio itself has found out
            heard.append(arranged.call())
        assert [each.code for each in heard] == [480] * 3
        assert min(each.final.at - each.invited_at for each in heard) < LOOK_UP_S / 2
        arranged.said("the name servers say nothing")

        # It answers later.
        name_server.says(f"new.example.com A {arranged.address(GATEWAY)}")
        name_server.silent = False
        wait_until(lambda: situation.call(NUMBER, CALLER).code == 200, "it is used",
                   RETRY_UNREACHED_S + 5)


def test_while_a_name_server_is_silent_the_last_address_holds_also_after_a_restart(
    arranged: Arranged,
) -> None:
    situation = arranged.situation
    situation.outside_phone(MOBILE, answer())
    arranged.said(f"name name={AT} at=")
    arranged.name_server.silent = True
    assert situation.edge.stop() == 0
    situation.edge.start()

    heard = arranged.call()

    assert (heard.code, heard.final.at - heard.invited_at < LOOK_UP_S) == (200, True)


def test_a_name_that_leads_elsewhere_is_followed_when_its_time_is_over(
    arranged: Arranged, other: Gateway
) -> None:
    situation, name_server = arranged.situation, arranged.name_server
    mobile = situation.outside_phone(MOBILE, answer())
    other.connect(MOBILE, mobile.address)
    name_server.ttl_s = 1
    situation.edge.stop()
    situation.edge.start()
    arranged.said(f"name name={AT} at=")
    situation.gateway.disconnect(MOBILE)

    arranged.leads_to(OTHER_GATEWAY)
    changed_at = time.monotonic()
    arranged.said(f"at={arranged.address(OTHER_GATEWAY)}:{SIP_PORT}")
    took_s = time.monotonic() - changed_at

    assert arranged.call().code == 200
    assert took_s < SHORTEST_S + 2


def test_of_several_addresses_one_that_is_silent_is_passed_over(arranged: Arranged) -> None:
    situation = arranged.situation
    mobile = situation.outside_phone(MOBILE, answer())
    arranged.leads_to(NOBODY, GATEWAY)
    situation.edge.stop()
    situation.edge.folder.joinpath("network.names").unlink()
    situation.edge.start()
    arranged.said(f"at='{arranged.address(NOBODY)}:{SIP_PORT} ")

    heard = [arranged.call()]
    while "does not serve" not in situation.edge.log:  # until the draw falls on the silent one
        heard.append(arranged.call())
    heard.append(arranged.call())

    assert {each.code for each in heard} == {200}
    assert [one.uri for one in mobile.invites] == [f"sip:{MOBILE}@{AT}"] * len(heard)
    assert heard[-1].final.at - heard[-1].invited_at < NO_REPLY_S
    listed = situation.edge.kamcmd("dispatcher.list")
    assert all(f"sip:{arranged.address(last)}:{SIP_PORT}" in listed for last in (NOBODY, GATEWAY))
