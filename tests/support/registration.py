# SPDX-License-Identifier: GPL-2.0-or-later
"""A line's phone registers at the proxy with digest credentials (RFC 3261 section 10)."""

from dataclasses import dataclass
from pathlib import Path

from tests.support import trace
from tests.support.loopback import free_udp_port
from tests.support.scenario import document, label, receive, send
from tests.support.sipp import Sipp


@dataclass(frozen=True)
class Line:
    """A SIP account as a phone knows it."""

    name: str
    password: str
    domain: str


def register(
    line: Line, contact: str, address: str, proxy: tuple[str, int], folder: Path, *,
    expires_s: int = 600,
) -> int:  # fmt: skip
    """Bind ``contact`` to the line, or unbind it with ``expires_s`` 0; the final code.

    The REGISTER comes from ``address`` but another port than the phone's.
    """
    port = free_udp_port(address)
    scenario = _scenario(line, contact, expires_s)
    sipp = Sipp(f"register-{line.name}-{port}", scenario, address, port, folder)
    sipp.start("-m", "1", "-auth_uri", line.domain, f"{proxy[0]}:{proxy[1]}")
    try:
        sipp.wait(5)
    finally:
        sipp.stop()
    answers = trace.responses(sipp.messages, "REGISTER")
    return answers[-1].code or 0


def _scenario(line: Line, contact: str, expires_s: int) -> str:
    credentials = f"[authentication username={line.name} password={line.password}]"
    ends = (400, 401, 403, 404, 480, 500, 503)
    first = [code for code in ends if code != 401]
    elements = [_register(line, contact, expires_s, 1)]
    elements += [receive(response=code, optional="true", next="end") for code in first]
    elements += [receive(response=401, auth="true")]
    elements += [_register(line, contact, expires_s, 2, credentials)]
    elements += [receive(response=code, optional="true", next="end") for code in ends]
    return document("register", [*elements, receive(response=200), label("registered")])


def _register(line: Line, contact: str, expires_s: int, cseq: int, credentials: str = "") -> str:
    aor = f"<sip:{line.name}@{line.domain}>"
    lines = [f"REGISTER sip:{line.domain} SIP/2.0"]
    lines += ["Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]"]
    lines += [f"From: {aor};tag=[pid]-[call_number]", f"To: {aor}", "Call-ID: [call_id]"]
    lines += [f"CSeq: {cseq} REGISTER", "Max-Forwards: 70", f"Contact: <{contact}>"]
    lines += [f"Expires: {expires_s}", *([credentials] if credentials else [])]
    return send(lines, retrans=500)
