# SPDX-License-Identifier: GPL-2.0-or-later
"""The built-in table of premium numbers against the numbering plans that phonenumbers knows."""

import random

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from kemi_routing.permissions import BUILT_IN, PREMIUM

PREFIXES = [row.prefix for row in BUILT_IN if row.name == PREMIUM]
GLOBAL_NETWORKS = frozenset({"870", "878", "881", "882", "883"})
COSTLY = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}
NO_COUNTRY = "001"


def types_behind(prefix: str) -> set[int]:
    """Types of the valid numbers among many that start so; drawn, the same ones each time."""
    draw = random.Random(prefix)
    lengths = range(4, min(11, 16 - len(prefix)))
    found = (phonenumbers.parse("+" + prefix + "".join(draw.choices("0123456789", k=length)))
             for length in lengths for _ in range(400))
    return {phonenumbers.number_type(one) for one in found if phonenumbers.is_valid_number(one)}


@pytest.mark.parametrize("prefix", sorted(set(PREFIXES) - GLOBAL_NETWORKS))
def test_all_that_starts_so_is_premium_or_shared_cost(prefix: str) -> None:
    types = types_behind(prefix)
    assert types
    assert types <= COSTLY


@pytest.mark.parametrize("prefix", sorted(GLOBAL_NETWORKS))
def test_a_global_network_belongs_to_no_country(prefix: str) -> None:
    assert prefix in PREFIXES
    assert phonenumbers.region_code_for_country_code(int(prefix)) == NO_COUNTRY


@pytest.mark.parametrize("prefix", ["4930", "4420", "353151", "420777", "1212"])
def test_ordinary_numbers_are_told_apart(prefix: str) -> None:
    assert not types_behind(prefix) <= COSTLY
    assert not any(prefix.startswith(one) for one in PREFIXES)
