# SPDX-License-Identifier: GPL-2.0-or-later
"""Where one side of a call said that it is: its remote targets (RFC 3261 section 12.2.1).

They are kept as text, a line for each, the newest last, and so are the proxies between the sides.
"""

import re
from collections.abc import Collection, Container
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2s

from kemi_routing import flow
from kemi_routing.addresses import at, bracketed, canonical

MOST = 4
"""Targets that are remembered of one side: it may change them, and go back when that is refused."""
_MOST_OF_ALL, _MOST_PROXIES = 20, 8
_LONGEST = 1000
_MOST_KEPT = 64
_MADDR = ";maddr="
_INSTEAD = re.compile(r";\s*maddr\s*=\s*([^;?\s]+)", re.IGNORECASE)
# The time for these grows with what they read, whatever that is.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"?')
_URI = re.compile(r"\s*+(?:[^<]*+<)?+\s*+sips?:(?:(?P<user>[^\s@<>]*)@)?"
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


NOWHERE = Where("-", "-")
"""What is remembered of a side that names nothing which is understood: that there is one."""


def where(text: str) -> Where | None:
    """What a URI, or a header that holds one, leads to; None for what is not understood."""
    if len(text) > _LONGEST:
        return None
    found = _URI.match(_QUOTED.sub("", text))
    if found is None:
        return None
    uri = text.partition(">")[0]
    alias, host = flow.of_alias(uri), bracketed(found["host"])
    instead = "".join(_MADDR + bracketed(one) for one in _INSTEAD.findall(uri.rpartition("@")[2]))
    return Where(f"{found['user'] or ''}@{host}{found['port'] or ''}{instead}", canonical(host),
                 at(alias[1].removeprefix("sip:").partition(";")[0]) if alias else "")


class Whose(StrEnum):
    """Who a side is."""

    OURS = "ours"
    """A server that our settings name."""
    LINE = "line"
    """A phone: our proxies write its alias wherever its Contact is not where it sends from."""
    OTHERS = "others"


def remembered(known: str, tag: str, said: Where, source: str, whose: Whose | None = None) -> str:
    """With what the side of this tag said of itself, in a message that came from the ``host:port``
    ``source``; None: it is who it was.
    """
    if whose is None:
        side = _kept(tag)
        was = [Whose(who) for one, who, *_ in _lines(known) if one == side]
        whose = was[-1] if was else Whose.OTHERS
    return _with(known, [_kept(tag), whose, said.flow or source, _kept(said.target)])


def passed(known: str, tag: str, route: Where) -> str:
    """With a proxy before the side of this tag, from its Record-Route."""
    return _with(known, [_BEFORE + _kept(tag), Whose.OTHERS, "-", _kept(route.target)])


def only(known: str, tags: Collection[str]) -> str:
    """Without other sides than these: those of who rang too, and did not answer."""
    kept = {one for tag in map(_kept, tags) for one in (tag, _BEFORE + tag)} | {_END}
    return "\n".join(" ".join(line) for line in _lines(known) if line[0] in kept)


def ended(known: str) -> str:
    """With the end of the call."""
    return _with(known, [_END, Whose.OURS, "-", "-"])


def is_over(known: str) -> bool:
    """Whether it has ended."""
    return any(side == _END for side, *_ in _lines(known))


def is_ours(known: str, tag: str) -> bool:
    """Whether the side of this tag is a server of ours, or a trunk."""
    return any((side, whose) == (_kept(tag), Whose.OURS) for side, whose, *_ in _lines(known))


def may_speak(known: str, tag: str, address: str, *, ours: bool) -> bool | None:
    """Whether the side of this tag may send from this IP address: one of ours from where it did, or
    where ``ours`` says that another one of ours does; others may move. None: there is no such side.
    """
    side = [line for line in _lines(known) if line[0] == _kept(tag)]
    if not side:
        return None
    return ours or all(whose != Whose.OURS for _, whose, *_ in side) or any(
        _host(reached) == address for _, _, reached, _ in side)


def is_at(known: str, tag: str, asked: Where, inside: Container[str], *, by_proxy: bool = False,
          ) -> bool:
    """Whether the side of this tag said that it is there. To the hosts ``inside`` leads none but a
    server of ours, or who sends from there; to a phone that is not behind a proxy nothing but where
    it sends from.
    """
    within = any(host in inside for host in asked.hosts)

    def leads(whose: str, reached: str) -> bool:
        if whose == Whose.LINE and not by_proxy and not asked.flow:
            return asked.target.count(_MADDR) == 0 and asked.host == _host(reached)
        return asked.flow in ("", reached) and (
            whose == Whose.OURS or not within or set(asked.hosts) == {_host(reached)})

    wanted = _kept(tag), _kept(asked.target)
    return any((side, target) == wanted and leads(whose, reached)
               for side, whose, reached, target in _lines(known))


def is_before(known: str, tag: str, route: Where) -> bool:
    """Whether the proxy that is to be the next hop is one on the way to the side of this tag."""
    wanted = _BEFORE + _kept(tag), _kept(route.target)
    return any((side, target) == wanted for side, _, _, target in _lines(known))


def is_of_two(known: str) -> bool:
    """Whether no third side is known, as of a call that two have answered at once."""
    return len({side for side, *_ in _lines(known) if side[0] not in _NO_TAGS}) <= 2


def _with(known: str, line: list[str]) -> str:
    lines = _lines(known)
    if line in lines or len(" ".join(line).split()) != len(line):
        return known
    others = [one for one in lines if one[0] != line[0]][-_MOST_OF_ALL:]
    most = _MOST_PROXIES if line[0].startswith(_BEFORE) else MOST
    same = [one for one in lines if one[0] == line[0]][-most + 1:]
    return "\n".join(" ".join(one) for one in (*others, *same, line))


def _host(reached: str) -> str:
    return canonical(reached.rpartition(":")[0])


def _kept(text: str) -> str:
    """What is kept of a text that its sender may make as long as he likes, and of what he likes."""
    if len(text) <= _MOST_KEPT and text.isascii() and text.isprintable():
        return text
    return blake2s(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _lines(known: str) -> list[list[str]]:
    return [line.split(" ") for line in known.split("\n")] if known else []


_BEFORE, _END = ";", "="
"""In place of the tag of a side, or before it; no tag begins so (RFC 3261 section 25.1)."""
_NO_TAGS = (_BEFORE, _END)
