# SPDX-License-Identifier: GPL-2.0-or-later
"""What the log of the real Kamailio tells when it tells everything."""

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.phones import ring
from tests.support.raw_sip import RawSip
from tests.support.sip_message import ha1
from tests.support.situation import DOMAIN, FIRST_PHONE, PASSWORD, Situation
from tests.support.softphone import SoftPhone

LINE, PETR, WRONG, OF_IAX = "jana-desk", "42027777102", "a-guess-of-mine", "kettle-of-fish"


@pytest.fixture
def situation(arrange: Arrangements) -> Situation:
    return arrange(environment={"WITH_DEBUG": "1"})


def calls(situation: Situation, password: str) -> list[int | None]:
    """A line registers and calls a number with IAX targets; the final codes."""
    wire = RawSip(situation.network.address(FIRST_PHONE), situation.edge.proxy)
    with SoftPhone(wire, LINE, DOMAIN, password) as phone:
        registered = phone.register().code
        phone.call(f"sip:{PETR}@{DOMAIN}")
        return [registered, phone.final("INVITE").code]


def test_no_secret_is_told(situation: Situation) -> None:
    iax_gateway = situation.outside_phone("201", ring())  # one of the two by a second pass
    with situation.with_network(iax_gateways={"iax": {"at": situation.gateway_at}}):
        assert calls(situation, PASSWORD) == [200, 480]
    assert calls(situation, WRONG) == [401, 407]
    assert len(iax_gateway.invites) == 1
    log = situation.edge.log
    assert "DEBUG" in log
    secrets = {"password": PASSWORD, "guess": WRONG, "password of IAX": OF_IAX,
               "HA1": ha1(LINE, DOMAIN, PASSWORD),
               "what our marks are made with": (situation.edge.folder / "secret").read_text()}
    assert [what for what, secret in secrets.items() if secret in log] == []
