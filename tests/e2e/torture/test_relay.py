# SPDX-License-Identifier: GPL-2.0-or-later
"""No request goes where its sender says: method x ways to name an address of others."""

from collections.abc import Iterator

import pytest

from tests.support.besieged import Besieged
from tests.support.situation import PAI_TRUNK, STRANGER, Situation
from tests.support.torture import sip

SOURCES = {"trunk": PAI_TRUNK, "stranger": STRANGER}
MARK = "fm=000000000000000000000000"
FORMS = {
    "uri": ("sip:x@$ELSEWHERE", ()),
    "number": ("sip:$NUMBER@$ELSEWHERE", ()),
    "maddr": ("sip:x@$PROXY;maddr=$ELSEWHERE", ()),
    "tcp": ("sip:x@$ELSEWHERE;transport=tcp", ()),
    "tel": ("tel:+49115234567;phone-context=$ELSEWHERE", ()),
    "route": ("sip:x@$PROXY", ("Route: <sip:$ELSEWHERE;lr>",)),
    "strict": ("sip:$PROXY;lr", ("Route: <sip:x@$ELSEWHERE>",)),
    "two": ("sip:x@$ELSEWHERE", ("Route: <sip:$PROXY;lr>, <sip:$ELSEWHERE;lr>",)),
    "tag": ("sip:x@$ELSEWHERE", ("To: <sip:b@$PROXY>;tag=t",)),
    "tag+two": ("sip:x@$ELSEWHERE", ("To: <sip:b@$PROXY>;tag=t",
                                     f"Route: <sip:$PROXY;lr=on;{MARK}>, <sip:$ELSEWHERE;lr>")),
}  # fmt: skip
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE",
           "NOTIFY", "REFER", "INFO", "UPDATE", "PRACK", "PUBLISH", "FOLLOWME")  # fmt: skip

ANSWERED = """
                    uri     number  maddr   tcp     tel     route   strict  two     tag     tag+two
trunk     INVITE    404     486     404     404     404     404     404     404     404     404
trunk     ACK       -       -       -       -       -       -       -       -       -       -
trunk     BYE       405     405     405     405     405     405     405     405     404     404
trunk     CANCEL    481     481     481     481     481     481     481     481     481     481
trunk     OPTIONS   200     200     200     200     200     200     200     200     404     404
trunk     REGISTER  401     401     401     401     401     401     401     401     404     404
trunk     MESSAGE   405     405     405     405     405     405     405     405     404     404
trunk     SUBSCRIBE 405     405     405     405     405     405     405     405     404     404
trunk     NOTIFY    405     405     405     405     405     405     405     405     404     404
trunk     REFER     405     405     405     405     405     405     405     405     404     404
trunk     INFO      405     405     405     405     405     405     405     405     404     404
trunk     UPDATE    405     405     405     405     405     405     405     405     404     404
trunk     PRACK     405     405     405     405     405     405     405     405     404     404
trunk     PUBLISH   405     405     405     405     405     405     405     405     404     404
trunk     FOLLOWME  405     405     405     405     405     405     405     405     404     404
stranger  INVITE    403     403     403     403     403     403     403     403     404     404
stranger  ACK       -       -       -       -       -       -       -       -       -       -
stranger  BYE       405     405     405     405     405     405     405     405     404     404
stranger  CANCEL    481     481     481     481     481     481     481     481     481     481
stranger  OPTIONS   200     200     200     200     200     200     200     200     404     404
stranger  REGISTER  401     401     401     401     401     401     401     401     404     404
stranger  MESSAGE   405     405     405     405     405     405     405     405     404     404
stranger  SUBSCRIBE 405     405     405     405     405     405     405     405     404     404
stranger  NOTIFY    405     405     405     405     405     405     405     405     404     404
stranger  REFER     405     405     405     405     405     405     405     405     404     404
stranger  INFO      405     405     405     405     405     405     405     405     404     404
stranger  UPDATE    405     405     405     405     405     405     405     405     404     404
stranger  PRACK     405     405     405     405     405     405     405     405     404     404
stranger  PUBLISH   405     405     405     405     405     405     405     405     404     404
stranger  FOLLOWME  405     405     405     405     405     405     405     405     404     404
"""
"""What the sender hears; "-" is nothing. 486 is the mobile's answer to a call of the trunk."""


@pytest.fixture
def besieged(situation: Situation) -> Iterator[Besieged]:
    with Besieged(situation) as besieged:
        yield besieged


@pytest.mark.parametrize("row", ANSWERED.strip("\n").splitlines()[1:], ids=lambda row: row[:19])
def test_is_answered_and_not_passed_on(besieged: Besieged, row: str) -> None:
    source, method, *cells = row.split()
    heard = [besieged.ask(SOURCES[source], sip(f"{method} {uri} SIP/2.0", *headers))
             for uri, headers in FORMS.values()]

    assert [str(code or "-") for code in heard] == cells
    assert besieged.harm() == []


def test_every_method_is_in_the_table() -> None:
    head, *rows = ANSWERED.strip("\n").splitlines()
    assert head.split() == [*FORMS]
    assert [tuple(row.split()[:2]) for row in rows] == [
        (source, method) for source in SOURCES for method in METHODS]
