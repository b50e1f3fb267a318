# SPDX-License-Identifier: GPL-2.0-or-later
"""SIPp as calling parties: who calls whom with which headers, and what the caller hears."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import trace
from tests.support.loopback import free_udp_port
from tests.support.scenario import SDP, document, label, receive, send
from tests.support.sipp import Sipp

# SIPp takes only codes that its scenario names, so it names all that are in use.
REFUSALS = (*range(300, 306), *range(400, 500), *range(500, 514), *range(600, 608))


@dataclass(frozen=True)
class Dialling:
    """A call to make: ``dialled`` is the user part of the Request-URI, or a whole URI.

    ``hang_up_after_ms`` cancels that long after the first ringing; ``hold_ms`` is how long an
    answered call lasts before the caller's BYE, None waits for the callee's.
    """

    dialled: str
    ani: str
    display: str = ""
    asserted: str | None = None
    headers: tuple[str, ...] = ()
    hold_ms: int | None = 100
    hang_up_after_ms: int | None = None
    credentials: tuple[str, str] | None = None
    max_forwards: int = 70


@dataclass(frozen=True)
class Outcome:
    """What one caller heard; times are seconds since the epoch."""

    messages: list[trace.Message] = field(repr=False)

    @property
    def responses(self) -> list[trace.Message]:
        """Responses to the INVITE without 100 and without challenges that were met."""
        heard = [m for m in trace.responses(self.messages) if not m.sent and m.code != 100]
        return [m for m in heard if m.code != 407 or m is heard[-1]]

    @property
    def final(self) -> trace.Message:
        """The final response. Raises StopIteration when there was none."""
        return next(m for m in self.responses if (m.code or 0) >= 200)

    @property
    def code(self) -> int:
        """Status code of the final response."""
        return self.final.code or 0

    @property
    def provisional(self) -> list[int]:
        """Codes of the provisional responses above 100, in order."""
        return [m.code for m in self.responses if m.code is not None and m.code < 200]

    @property
    def invite(self) -> trace.Message:
        """The last INVITE that the caller sent."""
        return [m for m in trace.requests(self.messages, "INVITE") if m.sent][-1]

    @property
    def invited_at(self) -> float:
        """When the caller sent its last INVITE."""
        return self.invite.at

    @property
    def took_s(self) -> float:
        """Seconds from the INVITE to its final response."""
        return self.final.at - self.invited_at

    @property
    def was_hung_up(self) -> bool:
        """Whether a BYE, of either side, was answered with 200."""
        return any(m.code == 200 and m.method == "BYE" for m in self.messages)


class Calls:
    """Calls under way from one SIPp process."""

    def __init__(self, sipp: Sipp) -> None:
        self._sipp = sipp

    def outcome(self, timeout_s: float = 30.0) -> Outcome:
        """What the only call's caller heard, once it is over. Raises NotReady if it is not."""
        return self.outcomes(timeout_s)[0]

    def outcomes(self, timeout_s: float = 30.0) -> list[Outcome]:
        """The same for many calls, in the order in which they were made."""
        try:
            self._sipp.wait(timeout_s)
        finally:
            self._sipp.stop()
        by_call: dict[str, list[trace.Message]] = {}
        for message in self._sipp.messages:
            by_call.setdefault(message.call_id, []).append(message)
        return [Outcome(messages) for messages in by_call.values()]

    @property
    def messages(self) -> list[trace.Message]:
        """The messages so far."""
        return self._sipp.messages

    def stop(self) -> None:
        """Give up what is still under way."""
        self._sipp.stop()


class Caller:
    """Calls from one source address to one proxy."""

    def __init__(self, address: str, proxy: tuple[str, int], folder: Path) -> None:
        self.address = address
        self._proxy = proxy
        self._folder = folder
        self._made = 0

    def dial(self, dialling: Dialling, *, count: int = 1, rate: int = 200) -> Calls:
        """Start ``count`` calls, ``rate`` a second, and return at once."""
        self._made += 1
        name = f"caller-{self.address}-{self._made}"
        port = free_udp_port(self.address)
        scenario = caller_scenario(dialling, self._proxy)
        sipp = Sipp(name, scenario, self.address, port, self._folder)
        host, proxy_port = self._proxy
        together = ["-m", str(count), "-r", str(rate), "-l", str(count)]
        sipp.start(*together, "-auth_uri", f"{_user(dialling)}@{host}", f"{host}:{proxy_port}")
        return Calls(sipp)


def codes(outcomes: list[Outcome]) -> Counter[int]:
    """How many calls ended with which final code."""
    return Counter(outcome.code for outcome in outcomes)


def caller_scenario(dialling: Dialling, proxy: tuple[str, int]) -> str:
    """The SIPp scenario of a calling party: ACK and BYE follow the route set (RFC 3261 12.2)."""
    uri = dialling.dialled if ":" in dialling.dialled else f"sip:{dialling.dialled}@{proxy[0]}"
    elements = [_invite(dialling, uri, cseq=1)]
    if dialling.credentials:
        elements += _meet_challenge(dialling, uri)
    if dialling.hang_up_after_ms is None:
        elements += _await_answer()
    else:
        elements += _hang_up_while_ringing(dialling.hang_up_after_ms, uri)
    elements += [label("answered"), _in_dialog("ACK", 2)]
    elements += _talk(dialling.hold_ms)
    return document("caller", [*elements, label("refused"), _acknowledge_refusal(uri)])


def _user(dialling: Dialling) -> str:
    return dialling.dialled.removeprefix("sip:").partition("@")[0]


_VIA = "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]"


def _invite(dialling: Dialling, uri: str, *, cseq: int, credentials: str = "") -> str:
    display = f'"{dialling.display}" ' if dialling.display else ""
    caller = dialling.ani if "@" in dialling.ani else f"{dialling.ani}@[local_ip]"
    lines = [f"INVITE {uri} SIP/2.0", _VIA]
    lines += [f"From: {display}<sip:{caller}>;tag=[pid]-[call_number]", f"To: <{uri}>"]
    lines += ["Call-ID: [call_id]", f"CSeq: {cseq} INVITE"]
    lines += [f"Max-Forwards: {dialling.max_forwards}"]
    lines += ["Contact: <sip:caller@[local_ip]:[local_port]>"]
    if dialling.asserted is not None:
        lines.append(f"P-Asserted-Identity: <sip:{dialling.asserted}@[local_ip]>")
    lines += [*dialling.headers, *([credentials] if credentials else [])]
    return send(lines, SDP, retrans=500)


def _meet_challenge(dialling: Dialling, uri: str) -> list[str]:
    user, password = dialling.credentials or ("", "")
    other = [code for code in REFUSALS if code != 407]
    elements = [_ignore(100)]
    elements += [receive(response=code, optional="true", next="refused") for code in other]
    elements += [receive(response=407, auth="true"), _acknowledge_refusal(uri)]
    credentials = f"[authentication username={user} password={password}]"
    return [*elements, _invite(dialling, uri, cseq=2, credentials=credentials)]


def _await_answer() -> list[str]:
    return [_ignore(100, 180, 181, 182, 183), *_refusals(), receive(response=200, rrs="true")]


def _hang_up_while_ringing(after_ms: int, uri: str) -> list[str]:
    answered = receive(response=200, optional="true", next="answered", rrs="true")
    elements = [_ignore(100), *_refusals(), answered]
    elements += [receive(response=183, optional="true", next="ringing"), receive(response=180)]
    elements += [label("ringing")]
    elements += [_ignore(180, timeout=after_ms, ontimeout="hang_up"), _ignore(183), *_refusals()]
    elements += [receive(response=200, rrs="true", next="answered")]
    lines = [f"CANCEL {uri} SIP/2.0", "[last_Via:]", "[last_From:]", f"To: <{uri}>"]
    lines += ["Call-ID: [call_id]", "CSeq: [cseq] CANCEL", "Max-Forwards: 70"]
    elements += [label("hang_up"), send(lines, retrans=500)]
    cancelled = [receive(response=200), receive(response=487, next="refused")]
    return [*elements, _ignore(180, 183), *cancelled]


def _ignore(*provisional: int, **flow: str | int) -> str:
    # Left to itself SIPp goes on to the next element, and its time-out starts anew.
    still = {"optional": "true", "advance_state": "false", **flow}
    return "\n".join(receive(response=code, **still) for code in provisional)


def _refusals() -> list[str]:
    return [receive(response=code, optional="true", next="refused") for code in REFUSALS]


def _acknowledge_refusal(uri: str) -> str:
    # RFC 3261 section 17.1.1.3: same branch, CSeq number and Request-URI as the INVITE.
    lines = [f"ACK {uri} SIP/2.0", "[last_Via:]", "[last_From:]", "[last_To:]"]
    return send([*lines, "Call-ID: [call_id]", "CSeq: [cseq] ACK", "Max-Forwards: 70"])


def _in_dialog(method: str, cseq: int, **flow: str | int) -> str:
    lines = [f"{method} [next_url] SIP/2.0", _VIA, "[last_From:]", "[last_To:]", "[routes]"]
    lines += ["Call-ID: [call_id]", f"CSeq: {cseq} {method}", "Max-Forwards: 70"]
    return send(lines, **flow)


def _talk(hold_ms: int | None) -> list[str]:
    lines = ["SIP/2.0 200 OK", "[last_Via:]", "[last_From:]", "[last_To:]"]
    ok = send([*lines, "[last_Call-ID:]", "[last_CSeq:]"], next="end")
    if hold_ms is None:
        return [receive(request="BYE"), ok]
    waiting = receive(request="BYE", timeout=max(hold_ms, 1), ontimeout="bye")
    bye = [label("bye"), _in_dialog("BYE", 3, retrans=500), receive(response=200, next="end")]
    return [waiting, ok, *bye]
