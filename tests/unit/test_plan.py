# SPDX-License-Identifier: GPL-2.0-or-later
from kemi_routing.plan import Plan, Planned
from kemi_routing.targets import VOICEMAIL


def test_a_plan_is_a_value_that_those_who_execute_it_cannot_change() -> None:
    """Hashable, so frozen all the way down; a target shows the caller unless said otherwise."""
    first, second = (Plan("42027777100", "acme/jana", ((Planned(VOICEMAIL, 20, cli=cli),),))
                     for cli in (None, "42027777100"))
    assert len({first, second}) == 2
    assert first == Plan("42027777100", "acme/jana", ((Planned(VOICEMAIL, 20),),))
