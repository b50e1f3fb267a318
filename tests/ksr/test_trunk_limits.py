# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits on the calls of a trunk, as calls see them."""

from dataclasses import replace
from typing import Any

import pytest

from kemi_routing.ksr.trunk_limits import SECOND
from kemi_routing.ksr.workers import LOCKS
from kemi_routing.model import Mode
from tests.ksr import edge as product_edge
from tests.ksr.edge import TRUNK, Product, in_network
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step, trunk
from tests.support.sip_message import Request

CONTACT = ("Contact", "<sip:caller@127.0.0.20:5060>")


def product(monkeypatch: pytest.MonkeyPatch, limit: str, count: Any, **caps: int) -> Product:
    """Jana's number, called by a trunk with this limit."""
    limited = replace(trunk(TRUNK.ip, name="carrier"), **{limit: count})
    monkeypatch.setattr(product_edge, "SETTINGS", in_network(trunks=(limited,)))
    return Product(number(default="all", mode=Mode.FORWARD_ONLY,
                          sequences=(sequence("all", step(OFFICE)),), **caps))


def call(edge: Product) -> Request:
    return edge.call(PERSONAL, "42075553333", CONTACT)


def test_calls_at_once_beyond_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = product(monkeypatch, "max_calls", 2)
    _, _, last = (call(edge) for _ in range(3))
    assert (len(edge.uris), edge.codes) == (2, [503])
    assert [text.split()[0] for level, text in edge.log if level == "err"] == ["limited"]
    assert f"refuse callid={last.call_id} trunk=carrier calls=2 max_calls=2\n" in [
        text for _, text in edge.log]
    edge.answer(OFFICE, 486)
    call(edge)
    assert len(edge.uris) == 3


def test_calls_within_a_second_beyond_the_limit_are_refused(
        monkeypatch: pytest.MonkeyPatch) -> None:
    edge = product(monkeypatch, "max_per_second", 2)
    for _ in range(3):
        call(edge)
    assert (len(edge.uris), edge.codes) == (2, [503])
    edge.htable.tables[SECOND].clear()  # Kamailio does with the next second
    call(edge)
    assert len(edge.uris) == 3


def test_a_call_counts_for_its_trunk_and_for_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = product(monkeypatch, "max_calls", 9, max_calls=1)
    call(edge)
    call(edge)
    assert (len(edge.uris), edge.codes) == (1, [480])


def test_a_call_that_cannot_be_counted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = product(monkeypatch, "max_calls", 9)
    edge.call(PERSONAL)
    again = replace(call(edge), branch="z9hG4bK-second", cseq=2)
    edge.receive(again)
    assert (len(edge.uris), edge.codes) == (1, [503, 503])


def test_no_lock_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = product(monkeypatch, "max_calls", 9)
    monkeypatch.setattr("kemi_routing.ksr.caps.in_profile", lambda *_: 1 / 0)
    call(edge)
    assert edge.codes == [500]
    assert edge.htable.locked[LOCKS, "carrier"] == 0
