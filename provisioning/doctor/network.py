# SPDX-License-Identifier: GPL-2.0-or-later
"""Who answers OPTIONS, and whether our own sockets are free or ours."""

import re
import secrets
import socket
import ssl
from collections.abc import Iterator, Sequence
from functools import partial

from kemi_routing.hops import UDP, Hop, port_of, transport_of
from kemi_routing.settings import PREFIX, TLS, Settings, Tls
from provisioning.doctor import asking
from provisioning.doctor.finding import Finding, Patient, fail, ok, warn

FILE = "the operator's file (followme show network)"
LOOPBACK = "127.0.0.1"
_STATUS = re.compile(rb"SIP/2\.0 ([1-6]\d\d) ([^\r\n]*)")


def gateways(patient: Patient) -> Iterator[Finding]:
    """Whether the gateways for outside numbers answer."""
    chosen = patient.settings
    own, group = f"{chosen.address}:{chosen.port}", chosen.network.gateways
    if any((hop.host, port_of(hop.at)) == (chosen.address, chosen.port) for hop in group):
        yield fail("gateway", f"{own} is this proxy itself",
                   f"let {FILE} name where outside numbers go")
    elif group:
        yield from _group("gateway", group, patient)
    elif chosen.network_known:
        yield warn("gateway", "none: outside numbers are left out", f"apply {FILE}")


def media_servers(patient: Patient) -> Iterator[Finding]:
    """Whether the media servers answer, where there are any."""
    if group := patient.settings.network.media_servers:
        yield from _group("media server", group, patient)
    elif patient.settings.network_known:
        yield ok("media server", "none: voicemail and other applications are left out")


def iax_gateways(patient: Patient) -> Iterator[Finding]:
    """Whether the IAX gateways answer, where there are any."""
    if group := patient.settings.network.iax_gateways:
        yield from _group("IAX gateway", group, patient)


def sockets(patient: Patient) -> Iterator[Finding]:
    """Whether our own sockets are free before the start, and ours afterwards."""
    chosen = patient.settings
    address = chosen.address
    for about, host, port, kinds, see in _listening(chosen):
        errors = [error for kind in kinds if (error := _bind(host, port, kind))]
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if not patient.before_start and about == "address":
            yield _asked(about, at, patient, "the log of Kamailio")
        elif not patient.before_start and len(errors) < len(kinds):
            yield fail(about, f"nobody listens at {at}",
                       "start Kamailio with the settings that this command has")
        elif patient.before_start and errors:
            yield fail(about, f"{at} cannot be listened at: {errors[0]}", f"look at {see}")
        else:
            yield ok(about, f"{at} is free" if patient.before_start else at)
    if address.startswith("127."):
        yield warn("address", f"only this machine reaches {address}",
                   "set FOLLOWME_ADDRESS to the address that trunks and phones send to")


def trunks(patient: Patient) -> Iterator[Finding]:
    """Whether anybody may send calls."""
    if names := [trunk.name for trunk in patient.settings.network.trunks]:
        yield ok("trunks", ", ".join(names))
    elif patient.settings.network_known:
        yield warn("trunks", "none: only lines may call", f"apply {FILE}")
    else:
        yield fail("trunks", "not known, nor are gateways and media servers: the store does not "
                   "answer", "mend redis first")


def ask(host: str, port: int, source: str, transport: str = UDP, tls: Tls | None = None,
        ) -> tuple[int, str, float]:
    """Status, phrase and seconds of the answer to an OPTIONS; over TLS with our certificate.

    Raises OSError; TimeoutError where none comes within ``ANSWER_S``.
    """
    call_id = secrets.token_hex(8)

    def final(heard: bytes) -> tuple[int, str] | None:
        for message in heard.split(b"\r\n\r\n"):
            status = _STATUS.match(message)
            if status and call_id.encode() in message and status[1] >= b"200":
                return int(status[1]), status[2].decode("utf-8", "replace")
        return None

    answer, took_s = asking.ask(
        (host, port), source, lambda own: _options(host, port, own, call_id, transport), final,
        partial(_secured, tls) if transport == "tls" else None if transport == UDP else _plain)
    return *answer, took_s


def _plain(connection: socket.socket) -> socket.socket:
    return connection


def _secured(tls: Tls | None, plain: socket.socket) -> socket.socket:
    """With TLS over it; whether to believe who it is, is Kamailio's business (module tls)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if tls:
        context.load_cert_chain(tls.certificate, tls.key)
    return context.wrap_socket(plain)


def _group(about: str, group: Sequence[Hop], patient: Patient) -> list[Finding]:
    return asking.one_is_enough([hop.at for hop in group],
                                lambda at: _asked(about, at, patient, FILE))


def _asked(about: str, place: str, patient: Patient, see: str) -> Finding:
    look, chosen, transport = f"look at {see}", patient.settings, transport_of(place)
    if transport == "tls" and chosen.tls is None:
        return fail(about, f"{place}: this proxy speaks no TLS", f"set {PREFIX}{TLS[0]}")

    def said(host: str, port: int) -> Finding:
        status, phrase, took_s = ask(host, port, chosen.address, transport, chosen.tls)
        what = f"{place} answers {status} {phrase} after {1000 * took_s:.0f} ms"
        return ok(about, what) if status < 500 else warn(about, what, look)

    return asking.finding(about, place, "OPTIONS", look, said)


def _listening(chosen: Settings) -> Iterator[
        tuple[str, str, int, tuple[socket.SocketKind, ...], str]]:
    """Every ``listen=`` of kamailio.cfg: what it is, host, port, UDP or TCP, and its settings."""
    stream, datagram = (socket.SOCK_STREAM,), (socket.SOCK_DGRAM,)
    for host, name in ((chosen.address, "ADDRESS"), (chosen.address6, "ADDRESS6")):
        if host:
            about = "address" if name == "ADDRESS" else "IPv6 address"
            yield about, host, chosen.port, datagram + stream, f"FOLLOWME_{name}, FOLLOWME_PORT"
            if chosen.tls:
                yield ("TLS port", host, chosen.tls.port, stream,
                       f"FOLLOWME_{name}, FOLLOWME_TLS_PORT")
    yield "spiral port", LOOPBACK, chosen.spiral_port, datagram, "FOLLOWME_SPIRAL_PORT"
    if chosen.cluster:
        host = chosen.cluster.rpartition(":")[0].strip("[]")
        yield "cluster", host, chosen.cluster_port, stream, "FOLLOWME_CLUSTER"


def _bind(address: str, port: int, kind: socket.SocketKind) -> str | None:
    """What keeps us from listening there; None where nothing does."""
    with socket.socket(asking.family(address), kind) as trying:
        if kind is socket.SOCK_STREAM:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((address.strip("[]"), port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def _options(host: str, port: int, source: tuple[str, int], call_id: str, transport: str,
             ) -> bytes:
    shown = f"[{host}]" if ":" in host else host
    own = f"[{source[0]}]:{source[1]}" if ":" in source[0] else f"{source[0]}:{source[1]}"
    uri = f"sip:{shown}:{port}" + ("" if transport == UDP else f";transport={transport}")
    return "\r\n".join((
        f"OPTIONS {uri} SIP/2.0", f"Via: SIP/2.0/{transport.upper()} {own};branch=z9hG4bK{call_id}",
        f"From: <sip:doctor@{own}>;tag={call_id}", f"To: <{uri}>", f"Call-ID: {call_id}",
        "CSeq: 1 OPTIONS", "Max-Forwards: 70", "User-Agent: followme doctor",
        "Content-Length: 0", "", "")).encode()
