# SPDX-License-Identifier: GPL-2.0-or-later
"""SIPp as telephones: what a callee does with a call, and what it heard and said."""

from dataclasses import dataclass, replace
from pathlib import Path

from tests.support import trace
from tests.support.scenario import SDP, Flow, document, label, receive, remember, send
from tests.support.sipp import Sipp

REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK",
    302: "Moved Temporarily", 404: "Not Found", 408: "Request Timeout",
    480: "Temporarily Unavailable", 486: "Busy Here", 500: "Server Internal Error",
    503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist",
}  # fmt: skip


@dataclass(frozen=True)
class Behaviour:
    """What a phone does with each call; times are milliseconds.

    It says nothing for ``silent_ms``, then ``provisional``, then rings for ``ring_ms``. ``final``
    None means that it never answers. ``hang_up_after_ms`` None waits for the other side.
    """

    provisional: tuple[int, ...] = (180,)
    silent_ms: int = 0
    ring_ms: int = 0
    final: int | None = 200
    headers: tuple[str, ...] = ()
    repeat_ringing_ms: int | None = None
    hang_up_after_ms: int | None = None
    ring_headers: tuple[str, ...] = ()
    """Headers of its provisional answers."""

    def __str__(self) -> str:
        if self.final is None:
            return "rings" if self.provisional else "is silent"
        words = {200: "answers", 486: "is busy", 603: "declines"}
        what = words.get(self.final, f"says {self.final}")
        return f"{what} after {self.ring_ms / 1000:g} s" if self.ring_ms else what


def answer(after_ms: int = 0, *, hang_up_after_ms: int | None = None) -> Behaviour:
    """Ring, answer after a time, and hang up when told so."""
    return Behaviour(ring_ms=after_ms, hang_up_after_ms=hang_up_after_ms)


def busy(code: int = 486, after_ms: int = 0) -> Behaviour:
    """Refuse with 486 or any other final code, without ringing unless ``after_ms`` is given."""
    return Behaviour(provisional=(180,) if after_ms else (), ring_ms=after_ms, final=code)


def decline(after_ms: int = 0) -> Behaviour:
    """Ring and press the red key: 603."""
    return Behaviour(ring_ms=after_ms, final=603)


def redirect(contact: str) -> Behaviour:
    """Ask for the call to be sent to another contact: 302."""
    return Behaviour(provisional=(), final=302, headers=(f"Contact: <{contact}>",))


def ring(*, repeat_ms: int | None = None, silent_ms: int = 0) -> Behaviour:
    """Ring until cancelled; ``repeat_ms`` sends 180 again and again."""
    return Behaviour(final=None, repeat_ringing_ms=repeat_ms, silent_ms=silent_ms)


def silent(*, trying: bool = False) -> Behaviour:
    """Send no reply at all, or only 100."""
    return Behaviour(provisional=(100,) if trying else (), final=None)


def early_media(behaviour: Behaviour) -> Behaviour:
    """The same, with a 183 that carries SDP in place of 180."""
    return replace(behaviour, provisional=(183,))


class Phone:
    """A phone at its own address; ``user`` is the user part of its Contact.

    ``proxied_as`` is the host and port that its Contact names when a gateway stands before it.
    """

    def __init__(
        self, name: str, address: str, port: int, behaviour: Behaviour, folder: Path,
        *, user: str = "phone", proxied_as: tuple[str, int] | None = None, traced: bool = True,
    ) -> None:  # fmt: skip
        host, contact_port = proxied_as or (address, port)
        self.name = name
        self.behaviour = behaviour
        self.contact = f"sip:{user}@{host}:{contact_port}"
        self._sipp = Sipp(
            name, callee_scenario(behaviour, self.contact), address, port, folder, traced=traced
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where the phone listens."""
        return self._sipp.address, self._sipp.port

    def start(self) -> None:
        """Start listening; returns when the phone can be called."""
        self._sipp.start()
        self._sipp.wait_bound()

    def stop(self) -> None:
        """Unplug the phone."""
        self._sipp.stop()

    @property
    def messages(self) -> list[trace.Message]:
        """All it heard and said, oldest first."""
        return self._sipp.messages

    def heard(self, method: str) -> list[trace.Message]:
        """Requests of one method that it received, retransmissions left out."""
        return [m for m in trace.requests(self.messages, method) if not m.sent]

    def said(self, code: int) -> list[trace.Message]:
        """Responses to INVITE with this code that it sent, retransmissions left out."""
        return [m for m in trace.responses(self.messages) if m.sent and m.code == code]

    @property
    def invites(self) -> list[trace.Message]:
        """INVITEs received, one per branch."""
        return self.heard("INVITE")

    @property
    def cancels(self) -> list[trace.Message]:
        """CANCELs received, one per branch."""
        return self.heard("CANCEL")

    @property
    def invited_at(self) -> float:
        """When the last INVITE came. Raises IndexError when none did."""
        return self.invites[-1].at

    @property
    def cancelled_at(self) -> float:
        """When the last CANCEL came. Raises IndexError when none did."""
        return self.cancels[-1].at

    @property
    def rang_s(self) -> float:
        """Seconds from the last INVITE to its CANCEL."""
        return self.cancelled_at - self.invited_at


def callee_scenario(behaviour: Behaviour, contact: str) -> str:
    """The SIPp scenario of a behaviour: a CANCEL is taken at any moment before the answer."""
    elements = [_invited(keep_route=behaviour.hang_up_after_ms is not None)]
    elements += _silence(behaviour.silent_ms)
    elements += [_reply(code, contact, behaviour.ring_headers) for code in behaviour.provisional]
    elements += _until_final(behaviour, contact)
    if behaviour.final == 200:
        elements += _answered(behaviour, contact)
    elif behaviour.final is not None:
        elements += _refused(behaviour.final, behaviour.headers)
    crossed = _crossed() if behaviour.final is not None else []
    return document("phone", [*elements, *crossed, *_cancelled()])


def _invited(*, keep_route: bool) -> str:
    # The 487 comes after the CANCEL, when SIPp's [last_*] no longer mean the INVITE.
    kept = [
        '<ereg regexp="(Via:[^[:cntrl:]]*[[:cntrl:]]+)+" search_in="msg" check_it="true" '
        'assign_to="vias"/>',
        *(remember(name, name.lower()) for name in ("From", "To", "CSeq")),
    ]
    if keep_route:
        kept.append(
            '<ereg regexp="sip:([^:;>]*):([0-9]*)" search_in="hdr" header="Record-Route:" '
            'assign_to="route,route_host,route_port"/>'
        )
    return receive(f"<action>{''.join(kept)}</action>", request="INVITE", rrs="true")


_TO_TAG = ";tag=[pid]-[call_number]"


def _reply(code: int, contact: str = "", headers: tuple[str, ...] = (), **flow: str | int) -> str:
    lines = [f"SIP/2.0 {code} {REASONS.get(code, 'Refused')}", "[last_Via:]", "[last_From:]"]
    lines += [f"[last_To:]{_TO_TAG if code != 100 else ''}", "[last_Call-ID:]", "[last_CSeq:]"]
    if code in (180, 183, 200):
        lines += ["[last_Record-Route:]", f"Contact: <{contact}>"]
    return send([*lines, *headers], SDP if code in (183, 200) else "", **flow)


def _silence(silent_ms: int) -> list[str]:
    time_out: Flow = {"timeout": silent_ms, "ontimeout": "speak"}
    waiting = receive(request="CANCEL", next="cancelled", **time_out)
    return [waiting, label("speak")] if silent_ms else []


def _until_final(behaviour: Behaviour, contact: str) -> list[str]:
    if behaviour.repeat_ringing_ms is not None:
        pause = behaviour.repeat_ringing_ms
        waiting = receive(request="CANCEL", timeout=pause, ontimeout="again", next="cancelled")
        again = _reply(180, contact, next="ringing")
        return [label("ringing"), waiting, label("again"), again]
    if behaviour.final is None:
        return [receive(request="CANCEL", next="cancelled")]
    if behaviour.ring_ms:
        time_out: Flow = {"timeout": behaviour.ring_ms, "ontimeout": "final"}
        return [receive(request="CANCEL", next="cancelled", **time_out), label("final")]
    return []


def _answered(behaviour: Behaviour, contact: str) -> list[str]:
    elements = [_reply(200, contact, retrans=500), *_wait_ack()]
    if behaviour.hang_up_after_ms is None:
        return [*elements, receive(request="BYE"), _ok(next="end")]
    time_out: Flow = {"timeout": behaviour.hang_up_after_ms, "ontimeout": "hang_up"}
    elements += [receive(request="BYE", **time_out), _ok(next="end")]
    return [*elements, label("hang_up"), *_hang_up(contact)]


def _hang_up(contact: str) -> list[str]:
    # SIPp answers to where the INVITE came from; a request of our own goes by the route set.
    route = '<setdest host="[$route_host]" port="[$route_port]" protocol="udp"/>'
    lines = ["BYE [next_url] SIP/2.0", "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]"]
    lines += [f"From:[$to]{_TO_TAG}", "To:[$from]", "Call-ID: [call_id]", "CSeq: 1 BYE", "[routes]"]
    lines += [f"Contact: <{contact}>", "Max-Forwards: 70"]
    redirected = f'<nop condexec="route"><action>{route}</action></nop>'
    return [redirected, send(lines, retrans=500), receive(response=200, next="end")]


def _refused(code: int, headers: tuple[str, ...]) -> list[str]:
    return [_reply(code, "", headers, retrans=500), *_wait_ack(next="end")]


def _wait_ack(**flow: str) -> list[str]:
    crossed = receive(request="CANCEL", optional="true", next="crossed")
    return [label("wait_ack"), crossed, receive(request="ACK", **flow)]


def _crossed() -> list[str]:
    # A CANCEL may cross the final response on the way: RFC 3261 section 9.2 wants a 200 for it.
    return [label("crossed"), _ok(next="wait_ack")]


def _cancelled() -> list[str]:
    lines = ["SIP/2.0 487 Request Terminated", f"[$vias]From:[$from]\nTo:[$to]{_TO_TAG}"]
    lines += ["Call-ID: [call_id]", "CSeq:[$cseq]"]
    return [label("cancelled"), _ok(), send(lines, retrans=500), receive(request="ACK")]


def _ok(**flow: str) -> str:
    lines = ["SIP/2.0 200 OK", "[last_Via:]", "[last_From:]", "[last_To:]"]
    return send([*lines, "[last_Call-ID:]", "[last_CSeq:]"], **flow)
