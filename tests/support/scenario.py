# SPDX-License-Identifier: GPL-2.0-or-later
"""SIPp scenario files written from Python: the few elements that phones and callers share."""

from collections.abc import Iterable

Flow = dict[str, str | int]
"""Attributes that say where a scenario goes on."""

SDP = """v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""


def document(name: str, elements: Iterable[str]) -> str:
    """A whole scenario file."""
    body = "\n".join(elements)
    head = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
    return f'{head}<scenario name="{name}">\n{body}\n<label id="end"/>\n</scenario>\n'


def send(lines: Iterable[str], body: str = "", /, **attributes: str | int | None) -> str:
    """A ``send`` element; Content-Length is added, attributes that are None are left out."""
    content = ["Content-Type: application/sdp"] if body else []
    message = "\n".join([*lines, *content, "Content-Length: [len]", "", body])
    return f"<send{_attributes(attributes)}><![CDATA[\n{message}\n]]></send>"


def receive(action: str = "", /, **attributes: str | int | None) -> str:
    """A ``recv`` element, as ``receive(response=180, optional="true")``."""
    return f"<recv{_attributes(attributes)}>{action}</recv>"


def label(name: str) -> str:
    """A place that ``next`` and ``ontimeout`` can name."""
    return f'<label id="{name}"/>'


def remember(header: str, variable: str) -> str:
    """Action of ``receive``: keep a header's value as ``[$variable]``."""
    return (
        f'<ereg regexp=".*" search_in="hdr" header="{header}:" check_it="true" '
        f'assign_to="{variable}"/>'
    )


def _attributes(attributes: dict[str, str | int | None]) -> str:
    given = {name: value for name, value in attributes.items() if value is not None}
    return "".join(f' {name}="{value}"' for name, value in given.items())
