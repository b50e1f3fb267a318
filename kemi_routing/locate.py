# SPDX-License-Identifier: GPL-2.0-or-later
"""Locating SIP servers (RFC 3263): from the host name of a target to addresses, in order.

Pure: what is known goes in, and what has still to be asked comes out with what follows from it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kemi_routing.dns import Question, Record, Type
from kemi_routing.hops import Hop
from kemi_routing.targets import Kind, Target

MOST_ADDRESSES = 12
"""Of one name, the best."""
SHORTEST_S, LONGEST_S = 5, 3600
"""Bounds for how long what a name server said is good."""

_HOST = r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,30}"
_URI = re.compile(rf"sips?:(?:[^@]*@)?(?P<place>(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?"
                  r"(?:;transport=(?P<transport>udp|tcp|tls))?)(?:;.*)?", re.IGNORECASE | re.ASCII)
_PLACE = re.compile(r"([a-z0-9._-]+)(?::([0-9]+))?(?:;transport=([a-z]+))?")
_NUMERIC = re.compile(r"[0-9.]+")
_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
_SRV = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
_NAPTR = {"sip+d2u": "udp", "sip+d2t": "tcp"}
_MOST_ALIASES = 8
_MOST_HOST = 200
"""Characters, so that the names of its services fit too (RFC 1035 section 2.3.4)."""
_RANK = 1 << 16

Known = Mapping[Question, tuple[Record, ...]]


@dataclass(frozen=True, slots=True)
class Located:
    """What follows from what is known."""

    missing: frozenset[Question]
    """What would have to be known too."""
    hops: tuple[Hop, ...]
    """``address:port;transport=…``, the best first."""
    good_s: int
    """How long that holds."""


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    transport: str
    weight: int = 1
    priority: int = 1


def place(target: Target) -> str:
    """Host name, port and transport of a SIP target, as written; "" where no name server has to
    be asked.
    """
    return of_uri(target.address) if target.kind is Kind.SIP else ""


def of_uri(uri: str) -> str:
    """The same of any SIP or SIPS URI."""
    match = _URI.fullmatch(uri)
    if match is None or _NUMERIC.fullmatch(match["host"]) or len(match["host"]) > _MOST_HOST:
        return ""
    secure = uri[:5].lower() == "sips:" and not match["transport"]
    return match["place"].lower() + (";transport=tls" if secure else "")


def host_of(text: str) -> str:
    """The host name of a place."""
    return re.split("[:;]", text, maxsplit=1)[0]


def locate(text: str, known: Known, families: tuple[Type, ...],
           allowed: Callable[[str], bool]) -> Located:
    """Where to send what goes to this place, a text of ``place``.

    ``families`` are A, AAAA or both; addresses that are not ``allowed`` are left out.
    """
    search = _Search(known, families)
    match = _PLACE.fullmatch(text)
    assert match is not None, text
    host, port, transport = match[1], match[2], match[3] or ""
    servers = [_Server(host, int(port), transport or "udp")] if port else list(
        search.servers(host, transport))
    found = [Hop(f"{address}:{one.port};transport={one.transport}", one.weight, one.priority)
             for one in servers for address in search.addresses(one.host)
             if allowed(address.strip("[]"))]
    unique: dict[str, Hop] = {}
    for hop in sorted(found, key=lambda hop: hop.priority):
        unique.setdefault(hop.at, hop)
    good_s = min(LONGEST_S, max(SHORTEST_S, min(search.ttls, default=0)))
    return Located(frozenset(search.missing), tuple(unique.values())[:MOST_ADDRESSES], good_s)


class _Search:
    """One way through the records; notes what is missing, and how long each record holds."""

    def __init__(self, known: Known, families: tuple[Type, ...]) -> None:
        self._known = known
        self._families = families
        self.missing: set[Question] = set()
        self.ttls: list[int] = []

    def servers(self, host: str, transport: str) -> Iterator[_Server]:
        """RFC 3263 sections 4.1 and 4.2, where neither address nor port is given."""
        services = self._services(host) if not transport else []
        services = services or [(_SRV[each] + host, each)
                                for each in ((transport,) if transport else ("udp", "tcp"))]
        found = [_Server(row.value, row.numbers[2], each, max(1, row.numbers[1]),
                         1 + _RANK * rank + row.numbers[0])
                 for rank, (name, each) in enumerate(services)
                 for row in self._records(Question(name, Type.SRV)) if row.numbers[2]]
        if not found or self.missing:
            self.addresses(host)  # asked at once, in case it is wanted
        plain = transport or "udp"
        yield from found or [_Server(host, _PORTS[plain], plain)]

    def addresses(self, host: str) -> list[str]:
        """The addresses of a host, as they stand in URIs."""
        rows = [row for family in self._families
                for row in self._records(Question(host, family))]
        return [f"[{row.value}]" if row.type is Type.AAAA else row.value for row in rows]

    def _services(self, host: str) -> list[tuple[str, str]]:
        rows = [row for row in self._records(Question(host, Type.NAPTR))
                if row.texts[0] == "s" and row.texts[1] in _NAPTR]
        rows.sort(key=lambda row: row.numbers)
        return [(row.value, _NAPTR[row.texts[1]]) for row in rows]

    def _records(self, question: Question) -> list[Record]:
        """The records of a name, or of the one that it is an alias of."""
        for _ in range(_MOST_ALIASES):
            answer = self._known.get(question)
            if answer is None:
                self.missing.add(question)
                return []
            rows, alias = _followed(question, answer)
            self.ttls += [row.ttl_s for row in rows]
            if rows or not alias:
                return rows
            question = Question(alias, question.type)
        return []


def _followed(question: Question, answer: tuple[Record, ...]) -> tuple[list[Record], str]:
    """The rows of an answer that are of the type, and the last alias before them where the answer
    ends with it.
    """
    aliases = {row.name: row.value for row in answer if row.type is Type.CNAME}
    name = question.name
    for _ in range(_MOST_ALIASES):
        if name not in aliases:
            break
        name = aliases[name]
    rows = [row for row in answer if row.type is question.type and row.name == name]
    return rows, name if name != question.name else ""
