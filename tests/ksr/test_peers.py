# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may tell registrations, on the fake."""

from dataclasses import replace

import pytest

import tests.ksr.edge as product_edge
from tests.ksr.edge import PROXY, STRANGER, Product
from tests.support.sip_message import Address, Request

PEER, CLUSTER = Address("127.0.0.2"), Address(PROXY.ip, 5058)


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Product:
    chosen = replace(product_edge.SETTINGS, cluster_port=CLUSTER.port, peers=frozenset({PEER.ip}))
    monkeypatch.setattr(product_edge, "SETTINGS", chosen)
    return Product()


@pytest.mark.parametrize(("source", "received", "handled"), [
    (PEER, CLUSTER, True), (STRANGER, CLUSTER, False), (PEER, PROXY, False)])
def test_only_a_peer_at_the_socket_of_peers(
        edge: Product, source: Address, received: Address, handled: bool) -> None:
    edge.receive(Request("KDMQ", "sip:usrloc@127.0.0.1", source=source, received=received))
    assert (edge.dmq.handled, edge.codes) == ((["usrloc"], []) if handled else ([], [405]))


def test_there_are_none_unless_they_are_listed() -> None:
    edge = Product()
    edge.receive(Request("KDMQ", "sip:usrloc@127.0.0.1", source=PEER, received=CLUSTER))
    assert edge.codes == [405]
    edge.receive(Request("OPTIONS"))
    assert "KDMQ" not in (edge.replies[-1].headers.get("Allow") or "")
