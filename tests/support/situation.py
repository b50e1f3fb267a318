# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole arrangement on loopback: Redis, the edge, the gateway, phones and callers around it.

=====  =====================================================================================
.1     the edge proxy                      .20  trunk that asserts the ANI by P-Asserted-Identity
.21    trunk that asserts the ANI by From  .22  trunk that asserts nothing
.30    the media server (a phone)          .40  the gateway, a phone behind it per number
.60    phones at SIP targets               .66  somebody we do not trust
.100   and up: phones of lines
=====  =====================================================================================
"""

import json
import os
import string
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from kemi_routing.model import Platform
from provisioning import trunking
from provisioning.check import check_text
from provisioning.storage import Storage
from tests.support.caller import Caller, Calls, Dialling, Outcome
from tests.support.edge import ROOT, START, Edge, assumed_time
from tests.support.gateway import Gateway
from tests.support.loopback import Network, NotReady, free_udp_port, wait_until
from tests.support.phones import Behaviour, Phone, answer
from tests.support.redis_server import RedisServer
from tests.support.registration import Line, register

DOMAIN = "followme.local"
PASSWORD = "s3cret-words"
MEDIA = "media server"
FOLLOWME = ROOT / "script" / "followme"
SIP_PORT = 5060

PROXY, PAI_TRUNK, FROM_TRUNK, SILENT_TRUNK = 1, 20, 21, 22
MEDIA_SERVER, GATEWAY, SIP_TARGETS, STRANGER, FIRST_PHONE = 30, 40, 60, 66, 100


@dataclass
class Plugged:
    """A phone of the arrangement, the target that reaches it, and how to unplug it."""

    phone: Phone
    target: str
    unplug: Callable[[], object] = lambda: None


def banned_at(edge: Edge) -> dict[str, int]:
    """Banned sources of an edge, and the reason of each, as the operator sees them."""
    words = list(pairwise(edge.kamcmd("htable.dump", "banned").split()))
    names = [value for key, value in words if key == "name:"]
    return dict(zip(names, (int(value) for key, value in words if key == "value:"), strict=True))


class Situation:
    """An arrangement; the edge believes that it starts ``at``, None is the real time."""

    def __init__(
        self, network: Network, folder: Path, *, at: datetime | None = None,
        settings: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None,
        operator: Mapping[str, Any] | None = None, command: Sequence[str] = START,
    ) -> None:  # fmt: skip
        """``operator`` replaces keys of the operator's file, ``usual`` unless given; ``command``
        starts the edge.
        """
        self.network = network
        self.at = at
        self._folder = folder
        self._plugged: list[Plugged] = []
        self._callers: dict[int, Caller] = {}
        self._made = 0
        self.redis = RedisServer(folder / "redis")
        self.gateway = Gateway(network.address(GATEWAY), SIP_PORT)
        self.settings = {**self._settings(), **(settings or {})}
        self.gateway_at = f"{network.address(GATEWAY)}:{SIP_PORT}"
        self.media_at = f"{network.address(MEDIA_SERVER)}:{SIP_PORT}"
        self._operator = {**self.usual, **(operator or {})}
        told = {**(assumed_time(at) if at else {}), **(environment or {})}
        self.edge = Edge(folder / "edge", self.settings, environment=told, command=command)

    def _settings(self) -> dict[str, str]:
        address = self.network.address
        return {
            "ADDRESS": address(PROXY),
            "PORT": str(SIP_PORT),
            "SPIRAL_PORT": str(free_udp_port()),
            "SOURCE_RATE": "30000",  # tests send as fast as they can
            "REDIS": self.redis.url,
            "DOMAIN": DOMAIN,
            "SIP_HOSTS": address(SIP_TARGETS),
        }

    def __enter__(self) -> Self:
        try:
            self.redis.start()
            self.apply_network()
            self.gateway.start()
            self.edge.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all of it, in any case. Raises NotReady when the edge did not end cleanly."""
        with ExitStack() as ends:
            ends.callback(self.network.release)
            ends.callback(self.redis.stop)
            ends.callback(self.gateway.stop)
            ends.callback(self._end_edge)
            for plugged in self._plugged:
                ends.callback(plugged.phone.stop)
            self._plugged.clear()

    def _end_edge(self) -> None:
        code = self.edge.stop()
        if code != 0:
            raise NotReady(f"the edge ended with {code}: {self.edge.last_words()}")

    # The operator's file

    @property
    def usual(self) -> dict[str, Any]:
        """What it says unless a test says otherwise."""
        asserts = {PAI_TRUNK: "P-Asserted-Identity", FROM_TRUNK: "From", SILENT_TRUNK: "none"}
        return {
            "trunks": {f"trunk-{last}": {"from": self.network.address(last), "asserts": header}
                       for last, header in asserts.items()},
            "gateways": {"usual": {"at": self.gateway_at}},
            "media_servers": {"usual": {"at": self.media_at}},
            "iax_gateways": {},
            "cli": "",
        }  # fmt: skip

    def trunk(self, **more: str) -> dict[str, Any]:
        """The trunks of the arrangement, where the first one has these keys too."""
        first, *others = self.usual["trunks"].items()
        return {first[0]: first[1] | more, **dict(others)}

    def apply_network(self, **keys: Any) -> int:
        """Write the operator's file with these keys in place of the usual ones; the revision."""
        text, now = json.dumps({**self._operator, **keys}), datetime.now(UTC)
        checked = check_text(text, "network.yaml", Platform(), now)
        if checked.problems.errors:
            raise NotReady(f"{checked.problems.errors}")
        storage = Storage(self.redis.url)
        (change,) = trunking.changes(checked, storage)
        if change.writes:
            storage.write(change)
        return change.revision

    @contextmanager
    def with_network(self, *edges: Edge, **keys: Any) -> Iterator[None]:
        """That file in force on our edge and these, as long as the block lasts."""
        self._in_force(self.apply_network(**keys), edges)
        try:
            yield
        finally:
            self._in_force(self.apply_network(), edges)

    def _in_force(self, revision: int, edges: tuple[Edge, ...]) -> None:
        for edge in (self.edge, *edges):
            wait_until(partial(self._follows, edge, revision), f"revision {revision} in force")

    @staticmethod
    def _follows(edge: Edge, revision: int) -> bool:
        return f"network revision={revision} " in edge.log

    # Settings of subscribers

    def apply(self, *files: Path) -> None:
        """Write YAML files to Redis; ``$SIP_HOST`` in them becomes the address of SIP targets."""
        written = [self._substituted(file) for file in files]
        self.followme("apply", *map(str, written), "--yes")

    def explain(
        self, dialled: str, ani: str, *, at: datetime | None = None, via: str | None = None,
        flags: tuple[str, ...] = (),
    ) -> Any:
        """What ``followme explain`` says, as JSON; the time is the edge's unless given."""
        when = at or self.at or datetime.now().astimezone()
        options = ["--from", ani, "--at", when.isoformat(), *(["--via", via] if via else [])]
        return json.loads(self.followme("explain", dialled, *options, *flags, "-F", "json"))

    def _substituted(self, file: Path) -> Path:
        text = string.Template(file.read_text(encoding="utf-8"))
        written = self._folder / file.name
        host = self.network.address(SIP_TARGETS)
        written.write_text(text.safe_substitute(SIP_HOST=host), encoding="utf-8")
        return written

    def followme(self, *arguments: str) -> str:
        ours = {f"FOLLOWME_{name}": value for name, value in self.settings.items()}
        done = subprocess.run(
            [FOLLOWME, *arguments], env={**os.environ, **ours}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise NotReady(f"followme {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    # What the media server is asked for (RFC 4458)

    def voicemail_uri(self, number: str, cause: int) -> str:
        """Request-URI of a branch that lets the caller leave a message."""
        return f"sip:voicemail@{self.media_at};target=sip:{number}%40{DOMAIN};cause={cause}"

    def mailbox_uri(self, number: str) -> str:
        """Request-URI of a branch that lets the owner into the mailbox."""
        return f"sip:vm-access@{self.media_at};target=sip:{number}%40{DOMAIN}"

    # Who is called

    def line_phone(
        self, line: str, behaviour: Behaviour, *, password: str = PASSWORD, traced: bool = True
    ) -> Phone:
        """A phone of our own, registered at the proxy."""
        taken = {plugged.phone.address[0] for plugged in self._plugged}
        addresses = (self.network.address(last) for last in range(FIRST_PHONE, 250))
        address = next(each for each in addresses if each not in taken)
        phone = self._phone(line, address, SIP_PORT, behaviour, user=line, traced=traced)
        account = Line(line, password, DOMAIN)
        plugged = self._plug(phone, f"line {line}")
        code = register(account, phone.contact, address, self.edge.proxy, self._folder)
        if code != 200:
            raise NotReady(f"{line} could not register: {code}")
        plugged.unplug = partial(self._forget, account, phone)
        return phone

    def _forget(self, account: Line, phone: Phone) -> None:
        """The last phone of a line over the control socket: whatever the test did to Redis."""
        if any(plugged.target == f"line {account.name}" for plugged in self._plugged):
            register(account, phone.contact, phone.address[0], self.edge.proxy, self._folder,
                     expires_s=0)
        else:
            self.edge.kamcmd("ul.rm", "location", account.name)

    def outside_phone(self, number: str, behaviour: Behaviour, *, traced: bool = True) -> Phone:
        """A phone somewhere in the world, reached through the gateway."""
        address, _ = self.gateway.address
        port = free_udp_port(address)
        behind = self.gateway.address
        phone = self._phone(
            number, address, port, behaviour, user=number, proxied_as=behind, traced=traced
        )
        plugged = self._plug(phone, number)
        plugged.unplug = partial(self.gateway.disconnect, number)
        self.gateway.connect(number, phone.address)
        return phone

    def sip_phone(self, user: str, behaviour: Behaviour) -> Phone:
        """The phone at the SIP target ``sip:USER@$SIP_HOST``; there is only one at a time."""
        address = self.network.address(SIP_TARGETS)
        phone = self._phone(user, address, SIP_PORT, behaviour, user=user)
        self._plug(phone, f"sip:{user}@{address}")
        return phone

    def media_server(self, behaviour: Behaviour | None = None, *, traced: bool = True) -> Phone:
        """The media server's stand-in: it answers at once unless told otherwise."""
        address = self.network.address(MEDIA_SERVER)
        told = behaviour or answer()
        phone = self._phone("media", address, SIP_PORT, told, user="media", traced=traced)
        self._plug(phone, MEDIA)
        return phone

    @property
    def plugged(self) -> list[Plugged]:
        """The phones that can be called now, in the order in which they were plugged in."""
        return list(self._plugged)

    def unplug(self, phone: Phone) -> None:
        """Unregister, disconnect and stop one phone."""
        plugged = next(each for each in self._plugged if each.phone is phone)
        self._plugged.remove(plugged)
        try:
            plugged.unplug()
        finally:
            phone.stop()

    def unplug_all(self) -> None:
        """The same for all phones."""
        while self._plugged:
            self.unplug(self._plugged[-1].phone)

    def forgive(self) -> None:
        """Lift all bans and forget wrong passwords, as an operator does."""
        for table in ("banned", "guesses", "guessed", "ignored"):
            self.edge.kamcmd("htable.flush", table)

    def banned(self) -> dict[str, int]:
        """Banned sources and the reason of each, as the operator sees them."""
        return banned_at(self.edge)

    def _phone(
        self, name: str, address: str, port: int, behaviour: Behaviour, *, user: str,
        proxied_as: tuple[str, int] | None = None, traced: bool = True,
    ) -> Phone:  # fmt: skip
        self._made += 1
        folder = self._folder / f"phone-{self._made}"
        return Phone(
            name, address, port, behaviour, folder, user=user, proxied_as=proxied_as, traced=traced
        )

    def _plug(self, phone: Phone, target: str) -> Plugged:
        phone.start()
        plugged = Plugged(phone, target)
        self._plugged.append(plugged)
        return plugged

    # Who calls

    def wait_for_answer(self, phone: Phone) -> None:
        """Return when a call to the phone is up: its 200 was acknowledged."""
        wait_until(lambda: bool(phone.heard("ACK")), f"{phone.name} in a call")

    def caller(self, last: int = PAI_TRUNK) -> Caller:
        """The caller at address ``last`` of the network."""
        if last not in self._callers:
            address = self.network.address(last)
            self._callers[last] = Caller(address, self.edge.proxy, self._folder)
        return self._callers[last]

    def dial(self, dialling: Dialling, *, via: int = PAI_TRUNK) -> Calls:
        """Start a call and return at once."""
        return self.caller(via).dial(dialling)

    def call(
        self, dialled: str, ani: str, *, hang_up_after_ms: int | None = None,
        hold_ms: int | None = 50,
    ) -> Outcome:  # fmt: skip
        """A call from the trusted trunk that asserts ``ani``, to its end."""
        dialling = Dialling(
            dialled, ani, asserted=ani, hang_up_after_ms=hang_up_after_ms, hold_ms=hold_ms
        )
        return self.dial(dialling).outcome()
