# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP messages as plain values: what a test sends, and what the fake Kamailio reads."""

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

COMPACT = {
    "c": "content-type", "e": "content-encoding", "f": "from", "i": "call-id", "k": "supported",
    "l": "content-length", "m": "contact", "o": "event", "s": "subject", "t": "to",
    "u": "allow-events", "v": "via", "x": "session-expires", "y": "identity",
    "r": "refer-to", "b": "referred-by", "d": "request-disposition",
}  # fmt: skip

_numbers = itertools.count(1)
_URI = re.compile(
    r"(?P<scheme>sips?|tel):(?:(?P<user>[^@:;?]+)(?::[^@]*)?@)?"
    r"(?P<host>\[[^\]]*\]|[^@:;?>]*)(?::(?P<port>\d+))?(?P<params>;[^?>]*)?"
)
_NAME_ADDR = re.compile(r'(?P<display>"[^"]*"|[^<]*?)\s*<(?P<uri>[^>]*)>(?P<params>.*)', re.DOTALL)
_PARAM = re.compile(r';\s*([^=;\s]+)\s*(?:=\s*("[^"]*"|[^;\s]*))?')
_AUTH_PARAM = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^,\s]+))')


class Address(NamedTuple):
    """An IP address and a port."""

    ip: str
    port: int = 5060

    @property
    def in_uri(self) -> str:
        """As it stands in a URI or Via."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class Uri(NamedTuple):
    """A SIP URI taken apart; `port` is 0 when not written."""

    scheme: str
    user: str
    host: str
    port: int
    params: dict[str, str]


class NameAddr(NamedTuple):
    """A From, To or Contact value; `display` keeps its quotes as Kamailio does."""

    display: str
    uri: str
    params: dict[str, str]


@dataclass(frozen=True)
class Header:
    """One header line; bytes stand for a value that is not UTF-8."""

    name: str
    value: str | bytes

    @property
    def text(self) -> str:
        """The value as Python gets it. Raises UnicodeDecodeError when it is not UTF-8."""
        return self.value if isinstance(self.value, str) else self.value.decode()

    def named(self, name: str) -> bool:
        """Whether this is that header, in any case and in the compact or the long form."""
        return full_name(self.name) == full_name(name)

    def wire(self) -> bytes:
        """The line as sent."""
        value = self.value.encode() if isinstance(self.value, str) else self.value
        return self.name.encode() + b": " + value + b"\r\n"


class Headers(tuple[Header, ...]):
    """Header lines in order."""

    __slots__ = ()

    def get(self, name: str) -> str | None:
        """The first value of that name, None when there is none."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """All values of that name, in order."""
        return [header.text for header in self if header.named(name)]


@lru_cache(1024)
def full_name(name: str) -> str:
    """A header name in lower case and long form (RFC 3261 section 7.3.3)."""
    return COMPACT.get(name.lower(), name.lower())


@dataclass(frozen=True)
class Request:
    """A request as it came from `source` to the socket `received` of the proxy.

    `headers` are the ones besides Via, Max-Forwards, From, To, Call-ID, CSeq and Content-Length;
    `max_forwards` None leaves that header out.
    """

    method: str = "INVITE"
    uri: str = "sip:42027777100@127.0.0.1"
    caller: str = "<sip:42075553333@127.0.0.20>;tag=caller"
    callee: str = "<sip:42027777100@127.0.0.1>"
    headers: tuple[tuple[str, str | bytes], ...] = ()
    source: Address = Address("127.0.0.20")
    received: Address = Address("127.0.0.1")
    body: str = ""
    max_forwards: int | None = 70
    cseq: int = 1
    cseq_method: str = ""
    version: str = "SIP/2.0"
    transport: str = "UDP"
    branch: str = field(default_factory=lambda: f"z9hG4bK-{next(_numbers)}")
    call_id: str = field(default_factory=lambda: f"call-{next(_numbers)}@test")

    @property
    def lines(self) -> Headers:
        """All header lines in the order sent."""
        via = f"SIP/2.0/{self.transport} {self.source.in_uri};rport;branch={self.branch}"
        first: list[tuple[str, str | bytes]] = [
            ("Via", via),
            ("From", self.caller),
            ("To", self.callee),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self.cseq} {self.cseq_method or self.method}"),
        ]
        if self.max_forwards is not None:
            first.append(("Max-Forwards", str(self.max_forwards)))
        last = ("Content-Length", str(len(self.body.encode())))
        return Headers(Header(*pair) for pair in (*first, *self.headers, last))

    @property
    def start_line(self) -> str:
        """Request-Line (RFC 3261 section 7.1)."""
        return f"{self.method} {self.uri} {self.version}"

    def wire(self) -> bytes:
        """The datagram."""
        headers = b"".join(map(Header.wire, self.lines))
        return f"{self.start_line}\r\n".encode() + headers + b"\r\n" + self.body.encode()

    def cancel(self) -> "Request":
        """The CANCEL of this INVITE (RFC 3261 section 9.1)."""
        return replace(self, method="CANCEL", cseq_method="", headers=(), body="")

    def ack(self, to_tag: str) -> "Request":
        """The ACK to a negative answer, same branch (RFC 3261 section 17.1.1.3)."""
        callee = f"{self.callee};tag={to_tag}"
        return replace(self, method="ACK", cseq_method="", callee=callee, headers=(), body="")

    def with_headers(self, *headers: tuple[str, str | bytes]) -> "Request":
        """The same request with further headers."""
        return replace(self, headers=(*self.headers, *headers))

    def again(self) -> "Request":
        """A new transaction of the same call with the next CSeq, such as after a challenge."""
        return replace(self, cseq=self.cseq + 1, branch=f"z9hG4bK-{next(_numbers)}")

    def with_credentials(self, challenge: str, user: str, password: str) -> "Request":
        """`again` with the digest answer to a WWW- or Proxy-Authenticate value (RFC 2617, MD5)."""
        asked = auth_params(challenge)
        answer = digest_answer(self.method, self.uri, user, password, asked)
        name = "Authorization" if self.method == "REGISTER" else "Proxy-Authorization"
        return self.again().with_headers((name, answer))


def parse_uri(text: str) -> Uri | None:
    """The parts of a SIP URI, None when it is none."""
    match = _URI.match(text)
    if match is None:
        return None
    port = int(match["port"] or 0)
    return Uri(match["scheme"], match["user"] or "", match["host"], port, _params(match["params"]))


def parse_name_addr(text: str) -> NameAddr:
    """The parts of a From, To, Contact or Route value."""
    match = _NAME_ADDR.match(text.strip())
    if match is not None:
        return NameAddr(match["display"], match["uri"], _params(match["params"]))
    uri, semicolon, params = text.strip().partition(";")
    return NameAddr("", uri, _params(semicolon + params))


def split_list(value: str) -> Iterator[str]:
    """The elements of a comma-separated header value."""
    return (part.strip() for part in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', value))


def auth_params(value: str) -> dict[str, str]:
    """The parameters of a Digest challenge or answer."""
    return {name: quoted or bare for name, quoted, bare in _AUTH_PARAM.findall(value)}


def ha1(user: str, realm: str, password: str, algorithm: str = "MD5") -> str:
    """H(A1) of RFC 7616 section 3.4.2."""
    return _hash(algorithm, f"{user}:{realm}:{password}")


def digest_response(method: str, ha1_hex: str, params: dict[str, str]) -> str:
    """The `response` that these parameters ask for, with or without qop."""
    algorithm = params.get("algorithm", "MD5")
    ha2 = _hash(algorithm, f"{method}:{params['uri']}")
    middle = params["nonce"]
    if "qop" in params:
        middle += f":{params['nc']}:{params['cnonce']}:{params['qop']}"
    return _hash(algorithm, f"{ha1_hex}:{middle}:{ha2}")


def digest_answer(method: str, uri: str, user: str, password: str, asked: dict[str, str]) -> str:
    """The Authorization value of a phone that knows this password."""
    params = {"username": user, "realm": asked["realm"], "nonce": asked["nonce"], "uri": uri}
    if "qop" in asked:
        params |= {"qop": "auth", "nc": "00000001", "cnonce": "0a4f113b"}
    if "algorithm" in asked:
        params["algorithm"] = asked["algorithm"]
    secret = ha1(user, asked["realm"], password, params.get("algorithm", "MD5"))
    params["response"] = digest_response(method, secret, params)
    bare = ("qop", "nc", "algorithm")
    pairs = (f"{k}={v}" if k in bare else f'{k}="{v}"' for k, v in params.items())
    return "Digest " + ", ".join(pairs)


def _params(text: str | None) -> dict[str, str]:
    return {name.lower(): value.strip('"') for name, value in _PARAM.findall(text or "")}


def _hash(algorithm: str, text: str) -> str:
    """Raises KeyError for an algorithm that phones do not know."""
    return _HASHES[algorithm](text.encode(), usedforsecurity=False).hexdigest()


_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
