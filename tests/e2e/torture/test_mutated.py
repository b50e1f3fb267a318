# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutated messages over UDP and TCP, from a trunk, from a stranger, and to the second socket."""

import pytest

from tests.support.besieged import Besieged
from tests.support.mutations import mutated
from tests.support.situation import Situation


def test_some_hundred_mutated_messages_harm_nobody(situation: Situation) -> None:
    with Besieged(situation) as besieged:
        besieged.send_all(mutated(seed=1, count=600))
        assert besieged.harm() == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(2, 6))
def test_twenty_thousand_mutated_messages_harm_nobody(situation: Situation, seed: int) -> None:
    with Besieged(situation) as besieged:
        besieged.send_all(mutated(seed, count=5000))
        assert besieged.harm() == []
