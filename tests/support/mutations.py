# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP messages with mistakes, the same ones for the same seed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.support.torture import ALL, ANSWER, INVITE, OPTIONS, REGISTER, SDP, sip

TO_SPIRAL = "INVITE sip:00000000.WyIxIl0@127.0.0.1 SIP/2.0"
BASES = (
    *ALL.values(), sip(INVITE), sip(INVITE, "Content-Type: application/sdp", body=SDP),
    sip(INVITE, "P-Asserted-Identity: <sip:+42075553333@$SENDER>", "Privacy: id",
        "Diversion: <sip:42027777199@$SENDER>;reason=unconditional;counter=1",
        "History-Info: <sip:42027777199@$SENDER>;index=1, <sip:$NUMBER@$PROXY>;index=1.1",
        "Record-Route: <sip:$PROXY;lr=on;fm=000000000000000000000000;fn=000000000000>"),
    sip("INVITE tel:+42027777101 SIP/2.0", "Route: <sip:$PROXY;lr>, <sip:$ELSEWHERE;lr>"),
    sip("INVITE sip:$NUMBER@$ELSEWHERE;maddr=$ELSEWHERE;transport=tcp SIP/2.0"),
    sip("BYE sip:x@$ELSEWHERE SIP/2.0", "To: <sip:b@$PROXY>;tag=t",
        "Route: <sip:$PROXY;lr=on;ftag=f;fm=000000000000000000000000>"),
    sip("ACK sip:x@$ELSEWHERE SIP/2.0", "To: <sip:b@$PROXY>;tag=t", "Route: <sip:$PROXY;lr>"),
    sip("CANCEL sip:$NUMBER@$PROXY SIP/2.0"), sip("REFER sip:$NUMBER@$PROXY SIP/2.0",
                                                  "Refer-To: <sip:x@$ELSEWHERE>"),
    sip(REGISTER, "To: <sip:jana-desk@followme.local>",
        "From: <sip:jana-desk@followme.local>;tag=1",
        'Authorization: Digest username="jana-desk", realm="followme.local", nonce="aa", '
        'uri="sip:followme.local", response="00000000000000000000000000000000", qop=auth, '
        'nc=00000001, cnonce="bb"'),
    sip(OPTIONS), sip(ANSWER, "Via: SIP/2.0/UDP $PROXY;branch=z9hG4bK$ID.0",
                      "Via : SIP/2.0/TCP $ELSEWHERE;branch=z9hG4bK$ID"), sip(TO_SPIRAL),
)  # fmt: skip
WORDS = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b"\t", b" ", b",", b";", b":", b"@", b"<", b">",
    b'"', b"\\", b"%00", b"%0d%0a", b"%", b"\xff", b"\xc3\x28", b"\xf0\x9f\x93\x9e", b"$ru",
    b"$(ru{s.len})", b"$var(x)", b"*", b"#", b"-1", b"0", b"99999999999999999999", b"2147483648",
    b"sip:", b"sips:",
    b"tel:+1", b"[::1]", b"$ELSEWHERE", b";lr", b";maddr=$ELSEWHERE", b";transport=tcp", b"A" * 300,
    b"<sip:$ELSEWHERE;transport=tcp;lr>", b"\r\nRoute: <sip:$ELSEWHERE;transport=tcp;lr>",
    b"\r\nX-Followme-Pin: open", b"\r\nX-Followme-Account: 42027777101", b"\r\nFLUSHALL\r\n",
    b"Content-Length: 4294967295", b"application/sdp", b"z9hG4bK", b";branch=",
    b"?Route=%3Csip:$ELSEWHERE%3E",
)  # fmt: skip

Mistake = Callable[[random.Random, bytes], bytes]


def _flip(chosen: random.Random, text: bytes) -> bytes:
    at = chosen.randrange(len(text))
    return text[:at] + bytes([chosen.randrange(256)]) + text[at + 1:]


def _cut(chosen: random.Random, text: bytes) -> bytes:
    at = chosen.randrange(len(text))
    return text[:at] + text[at + chosen.randrange(1, 30):]


def _end(chosen: random.Random, text: bytes) -> bytes:
    return text[:chosen.randrange(len(text))]


def _insert(chosen: random.Random, text: bytes) -> bytes:
    at = chosen.randrange(len(text))
    return text[:at] + chosen.choice(WORDS) + text[at:]


def _repeat(chosen: random.Random, text: bytes) -> bytes:
    at = chosen.randrange(len(text))
    piece = text[at:at + chosen.randrange(1, 40)]
    return text[:at] + piece * chosen.choice((2, 3, 50)) + text[at:]


def _swap(chosen: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\r\n")
    one, other = chosen.randrange(len(lines)), chosen.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _drop(chosen: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\r\n")
    del lines[chosen.randrange(len(lines))]
    return b"\r\n".join(lines)


def _twice(chosen: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\r\n")
    return b"\r\n".join([*lines[:1], chosen.choice(lines), *lines[1:]])


def _foreign(chosen: random.Random, text: bytes) -> bytes:
    """A line of another message."""
    lines = text.split(b"\r\n")
    other = chosen.choice(BASES).encode().split(b"\r\n")
    lines[chosen.randrange(len(lines))] = chosen.choice(other)
    return b"\r\n".join(lines)


MISTAKES: tuple[Mistake, ...] = (_flip, _cut, _end, _insert, _insert, _repeat, _swap, _drop, _twice,
                                 _foreign)


@dataclass(frozen=True)
class Mutated:
    """A message with mistakes; names are still to be filled in."""

    text: str
    over_tcp: bool
    to_spiral: bool
    """Whether it is for the socket of second passes."""


def mutated(seed: int, count: int) -> Iterator[Mutated]:
    """So many messages, each with one to four mistakes."""
    chosen = random.Random(seed)
    for _ in range(count):
        base = chosen.choice(BASES)
        text = base.encode()
        for _ in range(chosen.choice((1, 1, 2, 4))):
            text = chosen.choice(MISTAKES)(chosen, text) or b"\r\n"
        yield Mutated(text.decode(errors="surrogateescape"), chosen.randrange(20) == 0,
                      base.startswith(TO_SPIRAL))
