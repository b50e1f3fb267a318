# SPDX-License-Identifier: GPL-2.0-or-later
"""What the log of the real Kamailio tells when it tells everything."""

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.raw_sip import RawSip
from tests.support.sip_message import ha1
from tests.support.situation import DOMAIN, FIRST_PHONE, PASSWORD, Situation
from tests.support.softphone import SoftPhone

LINE, JANA, WRONG, OF_IAX = "jana-desk", "42027777101", "a-guess-of-mine", "kettle-of-fish"


@pytest.fixture
def situation(arrange: Arrangements) -> Situation:
    return arrange(environment={"WITH_DEBUG": "1"})


def calls(situation: Situation, password: str) -> list[int | None]:
    """A line registers and calls a number with an IAX target; the final codes."""
    wire = RawSip(situation.network.address(FIRST_PHONE), situation.edge.proxy)
    with SoftPhone(wire, LINE, DOMAIN, password) as phone:
        registered = phone.register().code
        phone.call(f"sip:{JANA}@{DOMAIN}")
        return [registered, phone.final("INVITE").code]


def test_no_secret_is_told(situation: Situation) -> None:
    assert calls(situation, PASSWORD) == [200, 480]
    assert calls(situation, WRONG) == [401, 407]
    log = situation.edge.log
    assert "DEBUG" in log
    secrets = {"password": PASSWORD, "guess": WRONG, "password of IAX": OF_IAX,
               "HA1": ha1(LINE, DOMAIN, PASSWORD)}  # fmt: skip
    assert [what for what, secret in secrets.items() if secret in log] == []
