# SPDX-License-Identifier: GPL-2.0-or-later
"""IP addresses in one spelling, so that texts of them can be compared."""

import ipaddress


def canonical(host: str) -> str:
    """A host in its one spelling, brackets of IPv6 removed: an address as ``ipaddress`` writes it
    (RFC 5952), a name in lower case.
    """
    bare = host.removeprefix("[").removesuffix("]").lower()
    if ":" not in bare:  # IPv4 has one spelling only
        return bare
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def bracketed(host: str) -> str:
    """The same as it stands in a URI (RFC 3261 section 25.1)."""
    address = canonical(host)
    return f"[{address}]" if ":" in address else address


def at(host_port: str) -> str:
    """``host:port`` in its one spelling."""
    host, colon, port = host_port.rpartition(":")
    return f"{bracketed(host)}{colon}{port}"
