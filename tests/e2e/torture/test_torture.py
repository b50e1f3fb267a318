# SPDX-License-Identifier: GPL-2.0-or-later
"""Torture, one message at a time and in random order."""

import random
from collections.abc import Iterator

import pytest

from tests.support.besieged import Besieged
from tests.support.situation import PAI_TRUNK, STRANGER, Situation
from tests.support.torture import ALL

ANSWERED = """
short tortuous INVITE (3.1.1.1)             -     -        valid
all valid characters (3.1.1.2)              -     -        valid
escapes in the URI (3.1.1.3)                404   403
escaped NUL (3.1.1.4)                       401   401
percent that is no escape (3.1.1.5)         -     -        valid
no space before < (3.1.1.6)                 200   200
long values (3.1.1.7)                       486   403
octets after the end (3.1.1.8)              400   400
semicolon in the user part (3.1.1.9)        486   403
many transports (3.1.1.10)                  200   200
several parts (3.1.1.11)                    486   403
unusual reason phrase (3.1.1.12)            -     -
empty reason phrase (3.1.1.13)              -     -
separators without values (3.1.2.1)         -     -
Content-Length beyond the end (3.1.2.2)     400   400
negative Content-Length (3.1.2.3)           -     -
numbers too large (3.1.2.4)                 400   400
numbers too large, in an answer (3.1.2.5)   -     -
quotation without end (3.1.2.6)             -     -
angle brackets around the R-URI (3.1.2.7)   400   400
space in the R-URI (3.1.2.8)                -     -
several spaces in the start line (3.1.2.9)  -     -
space after the start line (3.1.2.10)       400   400
headers in the R-URI (3.1.2.11)             486   403
unknown zone in Date (3.1.2.12)             486   403
name-addr without brackets (3.1.2.13)       401   401
spaces within an address (3.1.2.14)         200   200
display name that is no token (3.1.2.15)    200   200
unknown version (3.1.2.16)                  -     -
CSeq of another method (3.1.2.17)           400   400
unknown method, CSeq of another (3.1.2.18)  400   400
code too large (3.1.2.19)                   -     -
branch without a name (3.2.1)               200   200
required headers missing (3.3.1)            -     -
unknown scheme (3.3.2)                      400   400
atypical scheme (3.3.3)                     400   400
unknown schemes in headers (3.3.4)          400   400
Require and Proxy-Require (3.3.5)           420   420
unknown body (3.3.6)                        486   403
unknown credentials (3.3.7)                 401   401
single headers several times (3.3.8)        -     -
two Content-Length (3.3.9)                  -     -
answer for a broadcast address (3.3.10)     -     -
no hops left (3.3.11)                       483   483
parameter of the Contact (3.3.12)           401   401
parameter of the Contact's URI (3.3.13)     401   401
header of the Contact's URI (3.3.14)        401   401
no body that is wanted (3.3.15)             486   403
the way of RFC 2543 (3.4.1)                 486   403
address in brackets (RFC 5118, 4.1)         401   401
address without brackets (4.2)              400   400
port within the brackets (4.3)              401   401
port after the brackets (4.4)               401   401
received in brackets (4.5)                  405   405
received without brackets (4.5)             200   200
address in the description (4.6)            486   403
addresses of both kinds (4.7)               200   200
description of both kinds (4.8)             486   403
mapped IPv4 address (4.9)                   486   403
three colons (4.10)                         200   200
"""
"""What a trunk and a stranger hear; "-" is nothing, since it is an answer itself, or since
Kamailio's parser drops it. That drops three messages that are valid.
"""
SOURCES = {"trunk": PAI_TRUNK, "stranger": STRANGER}


def expected() -> Iterator[tuple[str, str, str]]:
    for row in ANSWERED.strip().splitlines():
        name, _, codes = row.partition("  ")
        for source, code in zip(SOURCES, codes.split(), strict=False):
            yield name, source, code


@pytest.fixture
def besieged(situation: Situation) -> Iterator[Besieged]:
    with Besieged(situation) as besieged:
        yield besieged


def test_every_message_is_in_the_table() -> None:
    assert [name for name, source, _ in expected() if source == "trunk"] == [*ALL]


@pytest.mark.parametrize(("name", "source", "code"), [*expected()])
def test_is_answered_as_written_down(
    besieged: Besieged, name: str, source: str, code: str
) -> None:
    heard = besieged.ask(SOURCES[source], ALL[name])

    assert str(heard or "-") == code
    assert besieged.harm() == []


@pytest.mark.parametrize("seed", [4475, 5118, 3261])
def test_in_random_order_nobody_is_harmed(besieged: Besieged, seed: int) -> None:
    chosen = random.Random(seed)
    pairs = [(name, via) for name in ALL for via in SOURCES.values()] * 2
    chosen.shuffle(pairs)
    for name, via in pairs:
        besieged.send(via, ALL[name])
        besieged.probe()

    assert besieged.harm() == []
