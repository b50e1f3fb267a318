# SPDX-License-Identifier: GPL-2.0-or-later
"""Next hops of one group, gateways or media servers: which one gets a branch (SPEC B2, B3)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kemi_routing.addresses import bracketed
from kemi_routing.dns import is_address
from kemi_routing.errors import InvalidValue

UDP = "udp"
TRANSPORTS = (UDP, "tcp", "tls")
MAX_WEIGHT = 1000
MAX_PRIORITY = 100

_LABEL = "[a-z0-9_-]{1,63}"
_NAME = re.compile(rf"(?:{_LABEL}\.){{0,30}}(?=[0-9-]*[a-z]){_LABEL}", re.IGNORECASE | re.ASCII)
_MOST_NAME = 253
_TRANSPORT = ";transport="


@dataclass(frozen=True, slots=True)
class Hop:
    """A gateway, a media server, or an address behind a name."""

    at: str
    """``host:port``, behind it ``;transport=tcp`` or ``tls`` where that is not UDP."""
    weight: float = 1
    """Its share of the branches among those of the same priority."""
    priority: int = 1
    """The smallest that is in service is used."""
    named: str = field(default="", kw_only=True)
    """The same with the host name behind which ``at`` is one address, or ``at`` itself where
    none is known; empty: nobody has looked, or ``at`` is what was written.
    """

    @property
    def written(self) -> str:
        """As the operator wrote it."""
        return self.named or self.at

    @property
    def is_known(self) -> bool:
        """Whether a branch can be sent there without asking a name server."""
        return self.at != self.named

    @property
    def host(self) -> str:
        """Its host, brackets of IPv6 removed."""
        return host_of(self.at)


def address(text: str) -> str:
    """``host:port`` in its one form; raises InvalidValue with the right form."""
    host, _, port = text.rpartition(":")
    if not (_is_address(host) or is_name(host)):
        alone = _is_address(text) or is_name(text)
        right = f"{text}:5060" if alone else "host:port: 192.0.2.1:5060"
        raise InvalidValue(f"{text!r} is no host with its port; write {right}")
    if not is_port(port):
        raise InvalidValue(f"{text!r}: {port!r} is not a port; write 1 to 65535")
    return f"{bracketed(host)}:{int(port)}"


def place(text: str) -> str:
    """Where a hop is, in its one form: ``address``, and the transport where that is not UDP; raises
    InvalidValue with the right form.
    """
    at, apart, behind = text.partition(";")
    name, _, transport = behind.lower().partition("=")
    if apart and (name != "transport" or transport not in TRANSPORTS):
        raise InvalidValue(f"{text!r}: {apart}{behind} is no transport; "
                           "write host:port, or host:port;transport=tcp or tls")
    return address(at) + (_TRANSPORT + transport if apart and transport != UDP else "")


def host_of(at: str) -> str:
    """The host of a place, brackets of IPv6 removed."""
    return at.rpartition(":")[0].strip("[]")


def port_of(at: str) -> int:
    """The port of a place."""
    return int(at.partition(_TRANSPORT)[0].rpartition(":")[2])


def transport_of(at: str) -> str:
    """How a place is spoken to, one of ``TRANSPORTS``."""
    return at.partition(_TRANSPORT)[2] or UDP


def _is_address(host: str) -> bool:
    """Of IPv6 in brackets, and without a zone."""
    bare = host.removeprefix("[").removesuffix("]")
    return host == (f"[{bare}]" if ":" in bare else bare) and "%" not in host and is_address(bare)


def is_name(host: str) -> bool:
    """True for a host name, whose last part is not a number only (RFC 1123 section 2.1)."""
    return len(host) <= _MOST_NAME and _NAME.fullmatch(host) is not None


def is_port(text: str) -> bool:
    """True for the number of a port, 1 to 65535."""
    return text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= 65535


def choose(group: Sequence[Hop], in_service: Callable[[Hop], bool], draw: float,
           but: str = "") -> Hop | None:
    """The hop for a branch; None where there is none but ``but``, the place that failed.

    ``draw`` in [0, 1) picks by weight among the best priority. Where no hop is in service all
    count as such: whoever told us so may be wrong, and the call is lost anyway.
    """
    left = [hop for hop in group if hop.at != but and hop.is_known]
    if len(left) < 2:
        return left[0] if left else None
    serving = list(filter(in_service, left)) or left
    best = min(hop.priority for hop in serving)
    able = [hop for hop in serving if hop.priority == best]
    mark = draw * sum(hop.weight for hop in able)
    for hop in able:
        mark -= hop.weight
        if mark < 0:
            return hop
    return able[-1]
