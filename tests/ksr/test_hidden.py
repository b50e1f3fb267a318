# SPDX-License-Identifier: GPL-2.0-or-later
"""Whom a branch shows where topology is hidden."""

from dataclasses import replace

import pytest

from kemi_routing.model import CLI_OF_CALLER, Mode
from tests.ksr import edge as product_edge
from tests.ksr.edge import TRUNK, Product
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Request


def sent_from(sender: str, cli: str = CLI_OF_CALLER) -> tuple[str | None, bool]:
    """From of the branch to the office, of this INVITE of the trunk's, and whether it has the
    Identity that signs the caller's.
    """
    edge = Product(number(mode=Mode.FORWARD_ONLY, default="all", cli=cli,
                          sequences=(sequence("all", step(OFFICE)),)))
    edge.receive(Request(uri=f"sip:{PERSONAL}@127.0.0.1", caller=sender, source=TRUNK,
                         headers=(("Identity", "signed"),)))
    (sent,) = edge.forwarded
    return sent.headers.get("From"), bool(sent.headers.get("Identity"))


@pytest.fixture
def hides(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = replace(product_edge.SETTINGS, hides=True)
    monkeypatch.setattr("tests.ksr.edge.SETTINGS", chosen)


CALLER = '"Alice" <sip:42075553333@192.0.2.20:5070>;tag=a'


@pytest.mark.usefixtures("hides")
@pytest.mark.parametrize(("sender", "seen"), [
    (CALLER, '"Alice" <sip:42075553333@followme.local>;tag=a'),
    ("<sip:42075553333@followme.local>;tag=a", "<sip:42075553333@followme.local>;tag=a"),
    ("<tel:+42075553333>;tag=a", "<tel:+42075553333>;tag=a")])
def test_the_caller_is_seen_without_a_host(sender: str, seen: str) -> None:
    assert sent_from(sender) == (seen, sender == seen)


@pytest.mark.usefixtures("hides")
def test_a_number_that_was_chosen_is_seen_as_ever() -> None:
    assert sent_from(CALLER, PERSONAL) == (f"<sip:{PERSONAL}@followme.local>;tag=a", False)


def test_the_caller_is_seen_as_he_came_where_nothing_is_hidden() -> None:
    assert sent_from(CALLER) == (CALLER, True)
