# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a phone is really reached: the address that its messages come from (a flow, RFC 5626).

Its Contact carries that as a parameter through the call, as Kamailio's module nathelper writes it
(``set_contact_alias``). Whoever has a part in the call may write one too: it leads no further than
the Request-URI, which is his as well.
"""

import re

_TRANSPORTS = {"1": "", "2": ";transport=tcp", "3": ";transport=tls"}
_NUMBERS = {"udp": 1, "tcp": 2, "tls": 3}
_ALIAS = re.compile(r"(.*);alias=([0-9.]+|\[[0-9a-f:.]+\])~([0-9]{1,5})~([123])(?=[;?]|$)",
                    re.IGNORECASE | re.ASCII)


def of_alias(uri: str) -> tuple[str, str] | None:
    """A Request-URI as the phone knows it, and the URI of its flow; None where there is no alias.

    Not read by nathelper's ``handle_ruri_alias``, which copies any length into 1024 bytes.
    """
    user, at, rest = uri.rpartition("@")
    found = _ALIAS.match(rest)
    if found is None:
        return None
    before, host, port, transport = found.groups()
    plain = f"{user}{at}{before}{rest[found.end():]}"
    return plain, f"sip:{host}:{port}{_TRANSPORTS[transport]}"


def alias(transport: str, host: str, port: int) -> str:
    """The parameter with which a Contact carries the address that its phone is reached at."""
    return f";alias={f'[{host}]' if ':' in host else host}~{port}~{_NUMBERS[transport]}"


def held_by(uri: str, proxy: str) -> str:
    """The URI of a flow that this proxy of several holds; it is its ``host:port`` for the others,
    empty where there are none.
    """
    return f"{uri}{_AT}{proxy}" if proxy else uri


def holder(uri: str) -> str:
    """The proxy that holds a flow, of ``held_by``; empty where there is one only."""
    return uri.rpartition(_AT)[2] if _AT in uri else ""


_AT = ";at="
