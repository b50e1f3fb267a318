# SPDX-License-Identifier: GPL-2.0-or-later
"""All checks, in the order in which they are told."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from redis.exceptions import RedisError

from kemi_routing import settings
from kemi_routing.errors import InvalidValue
from kemi_routing.settings import PREFIX, Settings
from provisioning.doctor import kamailio, machine, network, rtp, store, tls
from provisioning.doctor.finding import Check, Finding, Level, Patient, fail, ok
from provisioning.problems import Refused
from provisioning.storage import Storage
from provisioning.stored import network_of

ROOT = Path(__file__).parents[2]
RUN_DIR = "/var/lib/followme"


@dataclass(frozen=True, slots=True)
class Part:
    """A check."""

    about: str
    check: Check
    needs: tuple[str, ...] = ()
    """Settings; where one is wrong there is nothing to check."""
    may_come_later: bool = False
    """Kamailio starts without it, so it may not keep Kamailio from starting."""
    waits: bool = False
    """For answers of others, meanwhile the other checks go on."""


PARTS = (
    Part("python", machine.interpreter),
    Part("packages", machine.packages),
    Part("clock", machine.clock, may_come_later=True),
    Part("time zones", machine.zones),
    Part("kamailio", kamailio.version),
    Part("functions", kamailio.functions),
    Part("folder", machine.run_folder),
    Part("address", network.sockets, ("ADDRESS", "PORT", "SPIRAL_PORT")),
    Part("rtpengine", rtp.rtpengine, ("RTPENGINE",), may_come_later=True, waits=True),
    Part("tls", tls.certificate, ("TLS_PORT", "TLS_CERTIFICATE", "TLS_KEY", "TLS_CA")),
    Part("redis", store.redis, ("REDIS",), may_come_later=True),
    Part("trunks", network.trunks, ("REDIS",), may_come_later=True),
    Part("gateway", network.gateways, ("REDIS",), may_come_later=True, waits=True),
    Part("media server", network.media_servers, ("REDIS",), may_come_later=True, waits=True),
    Part("IAX gateway", network.iax_gateways, ("REDIS",), may_come_later=True, waits=True),
)
_OF_A_MACHINE = (ImportError, OSError, ValueError, LookupError, RedisError)
"""What a machine in a bad state does to a check."""


def examine(environment: Mapping[str, str], redis: str | None, *, before_start: bool,
            ) -> Iterator[Finding]:
    """What is found, line by line; never raises for any state of the machine."""
    chosen, wrong = usable(environment)
    for name, why in wrong.items():
        yield fail("settings", why, f"mend or remove {PREFIX}{name}")
    if not wrong:
        yield ok("settings", "all FOLLOWME_ variables are right")
    run_dir = Path(environment.get(f"{PREFIX}RUN_DIR") or RUN_DIR)
    patient = _connected(Patient(chosen, ROOT, run_dir, redis or chosen.redis, before_start))
    parts = [part for part in PARTS if not wrong.keys() & set(part.needs)]
    with ThreadPoolExecutor() as pool:
        asked = {part: pool.submit(_findings, part, patient) for part in parts if part.waits}
        for part in parts:
            yield from asked[part].result() if part in asked else _findings(part, patient)


def usable(environment: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
    """The settings without those that are wrong, and by their names what is wrong with those."""
    ours = {name: text for name, text in environment.items() if name.startswith(PREFIX)}
    wrong: dict[str, str] = {}
    while True:
        try:
            return settings.from_environment(ours), wrong
        except InvalidValue as error:
            name = str(error).partition(":")[0]
            wrong[name.removeprefix(PREFIX)] = str(error)
            if name not in ours:  # its default does not go with another one
                return settings.from_environment({}), wrong
            del ours[name]


def _connected(patient: Patient) -> Patient:
    """The same in the network of the store, where that tells it."""
    try:
        found = network_of(Storage(patient.redis))
    except (RedisError, ValueError, Refused):
        return patient
    return replace(patient, settings=patient.settings.with_network(found))


def _findings(part: Part, patient: Patient) -> list[Finding]:
    try:
        found = list(part.check(patient))
    except _OF_A_MACHINE as error:
        found = [fail(part.about, f"cannot be looked at: {error!r}", "mend that first")]
    lenient = patient.before_start and part.may_come_later
    return [replace(one, level=Level.WARN) if lenient and one.level is Level.FAIL else one
            for one in found]
