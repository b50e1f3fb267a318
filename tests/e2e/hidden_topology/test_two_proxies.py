# SPDX-License-Identifier: GPL-2.0-or-later
"""A call that comes to one proxy, to a phone that only the other one reaches."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.hidden_topology.people import People, TcpEar
from tests.e2e.hidden_topology.test_hidden_topology import CALLER_ENDS, change, end
from tests.support.loopback import reserve_network, wait_until
from tests.support.other_edge import OTHER_PROXY, OtherEdge, other_edge
from tests.support.situation import PROXY, Situation

CLUSTER_PORT = 5058
YAML = Path(__file__).with_name("situation.yaml")


@pytest.fixture(scope="module")
def situation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situation]:
    network = reserve_network()
    here, there = (f"{network.address(last)}:{CLUSTER_PORT}" for last in (PROXY, OTHER_PROXY))
    settings = {"TOPOLOGY": "hidden", "CLUSTER": here, "PEERS": there}
    with Situation(network, tmp_path_factory.mktemp("first"), settings=settings) as made:
        made.apply(YAML)
        yield made


@pytest.fixture(scope="module")
def second(situation: Situation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherEdge]:
    here, there = situation.settings["CLUSTER"], situation.settings["PEERS"]
    folder = tmp_path_factory.mktemp("second")
    with other_edge(situation, folder, CLUSTER=there, PEERS=here) as made:
        host = there.partition(":")[0]
        wait_until(lambda: host in situation.edge.kamcmd("dmq.list_nodes"), "the peer", 90)
        yield made


@pytest.fixture
def people(situation: Situation) -> Iterator[People]:
    with ExitStack() as ends:
        yield People(situation, ends)


@pytest.mark.parametrize("number", ["42027777101", "42027777102"], ids=["", "second pass"])
@CALLER_ENDS
def test_a_call_through_both(
    situation: Situation, second: OtherEdge, people: People, number: str, *, caller_ends: bool
) -> None:
    phone = people.phone(TcpEar, second.edge)
    at = phone.contact.strip("<>")
    wait_until(lambda: at in situation.edge.kamcmd("ul.dump"), "shared", 90)
    caller, callee = people.answered(phone, number)
    for code in (200, 488):
        change(people.trunk, caller, phone, code)
        change(phone, callee, people.trunk, code)
    end(people.trunk, caller, phone) if caller_ends else end(phone, callee, people.trunk)
    assert people.see() == []
