# SPDX-License-Identifier: GPL-2.0-or-later
"""Where one side of a call said that it is: its remote targets (RFC 3261 section 12.2.1).

They are kept as text, a line for each, the newest last, and so are the proxies between the sides.
"""

import re
from collections.abc import Container
from dataclasses import dataclass

from kemi_routing import flow
from kemi_routing.addresses import at, bracketed, canonical

MOST = 4
"""Targets that are remembered of one side: it may change them, and go back when that is refused."""
_MOST_OF_ALL = 20
_LONGEST = 2000
_MADDR = ";maddr="
_INSTEAD = re.compile(r";\s*maddr\s*=\s*([^;?\s]+)", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_URI = re.compile(r"\s*(?:[^<]*<)?\s*sips?:(?:(?P<user>[^\s@<>]*)@)?"
                  r"(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)(?P<port>:[0-9]{1,5})?(?=[;?>,]|\s*$)",
                  re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Where:
    """What a Contact or Request-URI leads to."""

    target: str
    """``user@host:port``, with the ``maddr`` to which it would be sent instead; the scheme and the
    other parameters say nothing.
    """
    host: str
    flow: str = ""
    """``host:port`` of the alias in it, which counts instead; empty: there is none."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts that it names."""
        others = (self.flow.rpartition(":")[0], *self.target.split(_MADDR)[1:])
        return (self.host, *(canonical(one) for one in others if one))


def where(text: str) -> Where | None:
    """What a URI, or a header that holds one, leads to; None for what is not understood."""
    if len(text) > _LONGEST:  # the time for reading it grows with its square
        return None
    found = _URI.match(_QUOTED.sub("", text))
    if found is None:
        return None
    uri = text.partition(">")[0]
    alias, host = flow.of_alias(uri), bracketed(found["host"])
    instead = "".join(_MADDR + bracketed(one) for one in _INSTEAD.findall(uri.rpartition("@")[2]))
    return Where(f"{found['user'] or ''}@{host}{found['port'] or ''}{instead}", canonical(host),
                 at(alias[1].removeprefix("sip:").partition(";")[0]) if alias else "")


def remembered(known: str, tag: str, said: Where, source: str, *, ours: bool) -> str:
    """With what the side of this tag said of itself, in a message that came from the ``host:port``
    ``source``; ``ours`` is a server that our settings name.
    """
    return _with(known, [tag, _OURS if ours else _OTHERS, said.flow or source, said.target])


def passed(known: str, route: Where) -> str:
    """With a proxy between the sides, from their Record-Route."""
    return _with(known, [_BETWEEN, _OTHERS, "-", route.target])


def is_at(known: str, tag: str, asked: Where, inside: Container[str]) -> bool:
    """Whether the side of this tag said that it is there; to the hosts ``inside`` leads none but
    a server of ours.
    """
    within = any(host in inside for host in asked.hosts)
    return any(side == tag and target == asked.target and asked.flow in ("", reached)
               and (whose == _OURS or not within)
               for side, whose, reached, target in _lines(known))


def is_between(known: str, route: Where) -> bool:
    """Whether the proxy that is to be the next hop is one on the way."""
    return any(side == _BETWEEN and target == route.target for side, _, _, target in _lines(known))


def is_of_two(known: str) -> bool:
    """Whether no third side is known, as of a call that two have answered at once."""
    return len({side for side, *_ in _lines(known)} - {_BETWEEN}) <= 2


def _with(known: str, line: list[str]) -> str:
    lines = _lines(known)
    if line in lines or len(" ".join(line).split()) != len(line):
        return known
    others = [one for one in lines if one[0] != line[0]][-_MOST_OF_ALL:]
    most = _MOST_OF_ALL if line[0] == _BETWEEN else MOST
    same = [one for one in lines if one[0] == line[0]][-most + 1:]
    return "\n".join(" ".join(one) for one in (*others, *same, line))


def _lines(known: str) -> list[list[str]]:
    return [line.split(" ") for line in known.split("\n")] if known else []


_OURS, _OTHERS = "ours", "others"
_BETWEEN = ";"
"""Stands for the tag of a side; no tag is so."""
