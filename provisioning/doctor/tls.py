# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether phones and trunks can speak TLS with this proxy, now and in two weeks."""

import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from provisioning.doctor.finding import Finding, Patient, fail, ok, warn

SOON_DAYS = 14
_ABOUT = "tls"
_RENEW = "renew the certificate, and start Kamailio anew"
_DAY_S = 86_400
_CONVERSATION = 4
"""Turns in which two sides that speak TLS 1.3 or 1.2 have agreed."""


def certificate(patient: Patient) -> Iterator[Finding]:
    """Whether certificate and key can be read, belong together, and how long they are good."""
    if not patient.settings.tls:
        return
    chain, key = patient.settings.tls.certificate, patient.settings.tls.key
    authorities = patient.settings.tls.authorities
    for name, path in (("CERTIFICATE", chain), ("KEY", key), ("CA", authorities)):
        if path and not os.access(path, os.R_OK):
            yield fail(_ABOUT, f"{path} cannot be read (FOLLOWME_TLS_{name})",
                       "write the path of a PEM file that the user of Kamailio may read")
            return
    try:
        yield _until(chain, expires(chain, key))
    except ssl.SSLCertVerificationError as error:
        yield fail(_ABOUT, f"{chain}: {error.verify_message}", _RENEW)
    except ssl.SSLError as error:
        yield fail(_ABOUT, f"{chain} and {key}: {error.reason or error}",
                   "write a certificate and its key, both as PEM")
    if authorities and not _hold_certificates(authorities):
        yield fail(_ABOUT, f"{authorities} holds no certificates (FOLLOWME_TLS_CA)",
                   "write the certificates of those who sign those of trunks, as PEM")


def expires(chain: str, key: str) -> datetime:
    """When the certificate ends, told by a side that it convinced.

    Raises SSLError: SSLCertVerificationError where it is good no more or not yet, or for no server.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key, password="")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # whoever signed it
    client.load_verify_locations(chain)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    sides = (asking, server.wrap_bio(to_server, to_client, server_side=True))
    for _ in range(_CONVERSATION):
        for side in sides:
            _speak(side)
    told = asking.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)


def _hold_certificates(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return False
    return True


def _speak(side: ssl.SSLObject) -> None:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return


def _until(chain: str, ends: datetime) -> Finding:
    days = int((ends - datetime.now(UTC)).total_seconds() // _DAY_S)
    said = f"{chain} is good for {days} days, until {ends:%Y-%m-%d}"
    return warn(_ABOUT, said, _RENEW) if days < SOON_DAYS else ok(_ABOUT, said)
