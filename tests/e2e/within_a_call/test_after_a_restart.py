# SPDX-License-Identifier: GPL-2.0-or-later
"""Whom a call reaches that is up while the real Kamailio restarts."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.phones import answer
from tests.support.raw_sip import RawSip
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    FROM_TRUNK,
    MEDIA_SERVER,
    PAI_TRUNK,
    PASSWORD,
    SIP_PORT,
    Situation,
)
from tests.support.softphone import Dialog, SoftPhone
from tests.support.trap import Trap

JANA, CALLER, ABROAD, PREMIUM = "42027777101", "42075553333", "49115234567", "00900123456"


@pytest.fixture
def phones(situation: Situation) -> Iterator[list[SoftPhone]]:
    """The caller at the trunk, jana and karl."""
    with ExitStack() as ends:
        made = []
        for last, user in ((PAI_TRUNK, CALLER), (FIRST_PHONE, "jana-desk"),
                           (FIRST_PHONE + 1, "karl-desk")):
            wire = RawSip(situation.network.address(last), situation.edge.proxy)
            password = "" if user == CALLER else PASSWORD
            made.append(ends.enter_context(SoftPhone(wire, user, DOMAIN, password)))
        assert made[1].register().code == 200
        ends.callback(made[1].register, expires_s=0)
        yield made


def inside(situation: Situation) -> list[str]:
    """Where nobody of these calls is."""
    hosts = [situation.network.address(last) for last in (PAI_TRUNK, FROM_TRUNK, MEDIA_SERVER)]
    at = [*(f"{host}:{SIP_PORT}" for host in hosts), situation.gateway_at]
    return [*(f"sip:{PREMIUM}@{one}" for one in at), f"sip:{ABROAD}@{at[-1]};maddr=127.0.0.1"]


def is_refused(phone: SoftPhone, dialog: Dialog, uri: str, *routes: str) -> None:
    other = Dialog(dialog.call_id, dialog.local, dialog.remote, uri, [*dialog.routes, *routes],
                   cseq=dialog.cseq)
    for method in ("INVITE", "REFER"):
        phone.send(other, method)
        assert phone.final(method).code == 404
    dialog.cseq = other.cseq


def test_of_ours_it_reaches_those_who_have_a_part_in_it(
    situation: Situation, phones: list[SoftPhone]
) -> None:
    trunk, jana, karl = phones
    abroad = situation.outside_phone(ABROAD, answer())
    uri = f"sip:{JANA}@{situation.settings['ADDRESS']}:{SIP_PORT}"
    trunks = trunk.call(uri, f"P-Asserted-Identity: <sip:{CALLER}@{DOMAIN}>")
    janas = jana.pick_up(jana.ring())
    trunk.talk(trunks)
    jana.heard("ACK")
    karls = karl.call(f"sip:{ABROAD}@{DOMAIN}")
    karl.talk(karls)
    situation.wait_for_answer(abroad)
    situation.edge.stop()
    situation.edge.start()

    with Trap(situation.network.address(FROM_TRUNK), SIP_PORT) as other:
        for phone, dialog in ((jana, janas), (karl, karls)):
            for uri in inside(situation):
                is_refused(phone, dialog, uri)
            is_refused(phone, dialog, dialog.target, f"<sip:{situation.gateway_at};lr>")
        assert other.heard == []
    assert situation.gateway.unknown == []
    jana.send(janas, "BYE")
    trunk.answer(trunk.heard("BYE"), 200)
    assert jana.final("BYE").code == 200
    karl.send(karls, "BYE")
    assert karl.final("BYE").code == 200
    assert len(abroad.heard("BYE")) == 1
