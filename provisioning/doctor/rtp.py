# SPDX-License-Identifier: GPL-2.0-or-later
"""Who answers as rtpengine, where RTP is to go through one."""

import secrets
from collections.abc import Iterator

from provisioning.doctor import asking
from provisioning.doctor.finding import Finding, Patient, ok, warn

KAMAILIO_WAITS_S = 0.1
"""rtpengine_tout_ms of kamailio.cfg, of each of its two tries."""
_PING, _PONG = b"d7:command4:pinge", b"d6:result4:ponge"
"""The ng protocol of rtpengine: a cookie, a space, and a bencoded dictionary."""
_MEND = "start rtpengine, or mend FOLLOWME_RTPENGINE: calls go on without it"


def rtpengine(patient: Patient) -> Iterator[Finding]:
    """Whether each rtpengine answers its ping, and in time."""
    if places := [one.partition(":")[2] for one in patient.settings.rtpengine.split()]:
        yield from asking.one_is_enough(places, lambda place: _pinged(place, patient))


def _pinged(place: str, patient: Patient) -> Finding:
    """Of ``host:port``."""
    def said(host: str, port: int) -> Finding:
        cookie = secrets.token_hex(8).encode()
        _, took_s = asking.ask((host, port), patient.settings.address,
                               lambda _: cookie + b" " + _PING,
                               lambda heard: heard == cookie + b" " + _PONG or None)
        what = f"{place} answers after {1000 * took_s:.0f} ms"
        if took_s > KAMAILIO_WAITS_S:
            return warn("rtpengine", what, f"let it answer within {1000 * KAMAILIO_WAITS_S:.0f} "
                        "ms: calls do not wait longer")
        return ok("rtpengine", what)

    return asking.finding("rtpengine", place, "a ping", _MEND, said)
