# SPDX-License-Identifier: GPL-2.0-or-later
"""A phone that only registers, message by message, so that tests can try what phones do not do."""

from dataclasses import dataclass, replace
from types import TracebackType

from tests.support import trace
from tests.support.loopback import NotReady
from tests.support.raw_sip import RawSip
from tests.support.sip_message import Address, Request

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Account:
    """What the phone says that it is; ``secret`` is its password."""

    name: str
    secret: str


class DigestPhone:
    """A UDP socket at ``address`` that sends REGISTER to one proxy."""

    def __init__(self, address: str, proxy: tuple[str, int], domain: str) -> None:
        self._wire = RawSip(address, proxy)
        self._domain = domain
        self.source = Address(*self._wire.name)

    def __enter__(self) -> "DigestPhone":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self._wire.__exit__(kind, error, where)

    def request(self, user: str, *headers: tuple[str, str]) -> Request:
        """A REGISTER without credentials; without headers it asks for the present Contacts."""
        aor = f"<sip:{user}@{self._domain}>"
        uri = f"sip:{self._domain}"
        return Request("REGISTER", uri, f"{aor};tag=1", aor, headers, self.source)

    def contact(self, user: str) -> tuple[str, str]:
        """The Contact header of this socket."""
        return "Contact", f"<sip:{user}@{self.source.in_uri}>"

    def answer(self, request: Request, account: Account, asked: trace.Message) -> Request:
        """The request again, with the answer to a challenge."""
        challenge = asked.header("WWW-Authenticate") or asked["Proxy-Authenticate"]
        return request.with_credentials(challenge, account.name, account.secret)

    def send(self, *requests: Request) -> None:
        """Send them one after another, and wait for nothing."""
        for request in requests:
            self._wire.send(replace(request, source=self.source).wire())

    def ask(self, request: Request) -> trace.Message:
        """Send it; its final answer. Raises NotReady when none comes."""
        self.send(request)
        return self.heard()

    def heard(self, timeout_s: float = TIMEOUT_S) -> trace.Message:
        """The next answer. Raises NotReady when none comes."""
        heard = self._wire.receive(timeout_s)
        if heard is None:
            raise NotReady("no answer to REGISTER")
        return heard

    def register(self, account: Account, *headers: tuple[str, str]) -> trace.Message:
        """The final answer to a REGISTER that answers its challenge."""
        request = self.request(account.name, *headers)
        return self.ask(self.answer(request, account, self.ask(request)))
