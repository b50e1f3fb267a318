# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's settings, read once from the environment (see README)."""

import difflib
import ipaddress
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlsplit

from kemi_routing import hops, targets
from kemi_routing.addresses import bracketed, canonical
from kemi_routing.dns import is_address
from kemi_routing.errors import InvalidValue
from kemi_routing.model import MailboxPolicy, Platform
from kemi_routing.network import Network

PREFIX = "FOLLOWME_"
COUNTS = {"PRIVATE_MB": 1_000_000, "SHARED_MB": 1_000_000, "WORKERS": 1_000_000,
          "SOURCE_RATE": 30_000}
"""Names behind the prefix that are whole numbers, read by kamailio/start, and the most of each."""
KNOWN = frozenset({
    "ADDRESS", "ADDRESS6", "BAN_S", "CLUSTER", "DATA_CENTRE", "DIGEST", "DOMAIN", "EDGE_PROXIES",
    "LINE_CALLS", "LOG_NUMBERS", "MAILBOX", "OUTGOING_WITHOUT_PIN", "PEERS", "PORT", "RECORDS_DAYS",
    "REDIS", "RTPENGINE", "RUN_DIR", "SCANNERS", "SIP_HOSTS", "SOURCE_RATE", "SPIRAL_PORT",
    "TLS_CA", "TLS_CERTIFICATE", "TLS_KEY", "TLS_PORT", "TOPOLOGY", *COUNTS,
    "BRANCH_KEY", "CLUSTER_HOST", "CLUSTER_ID", "CLUSTER_PORT", "CLUSTER_URI", "CTL", "ENTRY",
    "HOPS", "MASK_ADDRESS", "MASK_AGENT", "MASK_HOSTS", "MASK_KEY", "NETWORK", "PEER_1", "PEER_2",
    "PEER_3", "PINGER", "REGISTRATIONS", "SECRET"})
"""All names behind the prefix; the last ones, from BRANCH_KEY on, kamailio/start tells
kamailio.cfg and the entry.
"""
SCANNERS = ("friendly-scanner", "friendly-request", "sipvicious", "sipcli", "sundayddr", "pplsip",
            "vaxsipuseragent", "sip-scan", "iwar", "sipbomber", "smap")
"""How the User-Agent begins of tools that look for victims, unless the operator says otherwise."""
TLS = ("TLS_PORT", "TLS_CERTIFICATE", "TLS_KEY")
"""Settings that go together; the last two are paths of PEM files."""
TLS_CA = "TLS_CA"
"""With them: path of the PEM file of those who sign the certificates of trunks."""
REDIS_PORT = 6379
LOOPBACK = "127.0.0.1"
REDIS_FORM = "write unix:///path/redis.sock or redis://host:port/db"


class Digest(StrEnum):
    """Algorithm of the lines' digest authentication (RFC 7616); Kamailio 5.6 knows one a server."""

    MD5 = "MD5"
    SHA_256 = "SHA-256"


@dataclass(frozen=True, slots=True)
class Tls:
    """Where TLS is spoken, and with which PEM files."""

    port: int
    certificate: str
    key: str
    authorities: str = ""
    """Those who sign the certificates of trunks; empty: no trunk is known by one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the edge and ``explain`` both need to know."""

    redis: str
    platform: Platform
    address: str
    address6: str
    """Its IPv6 address; empty: it has none."""
    port: int
    """Where Kamailio listens."""
    spiral_port: int
    """UDP port on 127.0.0.1 of the internal second pass."""
    mask_numbers: bool = False
    """Whether log lines tell only the last digits of telephone numbers."""
    cluster: str = ""
    """``host:port``, TCP, where the other proxies tell their registrations; empty: there are none.
    """
    cluster_port: int = 0
    """The port of it; 0: there is none."""
    peers: frozenset[str] = frozenset()
    """Addresses of the other proxies."""
    edge_proxies: frozenset[str] = frozenset()
    """Addresses of proxies between phones and us, whose Path is believed (RFC 3327)."""
    rtpengine: str = ""
    """Where rtpengine takes commands, as Kamailio's module of that name writes it; empty: RTP goes
    past us.
    """
    digest: Digest = Digest.MD5
    line_calls: int = 30
    """How many calls a line may make at once."""
    ban_s: int = 900
    """How long a source is banned that guesses passwords, sends too much, or looks for victims."""
    scanners: tuple[str, ...] = SCANNERS
    """How the User-Agent of tools begins that look for victims, in lower case."""
    data_centre: str = ""
    """Where this proxy stands; empty: hops of every data centre are far."""
    network: Network = Network()
    """The trunks, gateways and media servers, which stand in the store."""
    network_known: bool = False
    """Whether the store, or its last good copy, has told the network."""
    records_days: int = 30
    """How long call records are kept; 0: there are none."""
    tls: Tls | None = None
    """None: it speaks no TLS."""
    hides: bool = False
    """Whether neither side of a call may see where the other one is."""

    def with_network(self, network: Network) -> "Settings":
        """The same in this network, as it is seen from here."""
        own = {self.address, self.address6} - {""}
        inside = _inside(self.redis, self.peers | self.edge_proxies)
        return replace(self, platform=network.within(self.platform, own, inside),
                       network=network.seen_from(self.data_centre), network_known=True)

    def may_connect(self, host: str, port: str) -> bool:
        """Whether a request within a call may open a TCP connection to this host and port, which
        its sender chose: not to this machine, to Redis, nor by a name that the operator does not
        list (SPEC P6).
        """
        host = canonical(host)
        if port == str(urlsplit(self.redis).port or REDIS_PORT):
            return False
        network = self.network
        if network.trunk_at(host) or host in {
                *self.platform.sip_hosts, *network.hosts, *self.peers}:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        local = (address.is_loopback or address.is_unspecified
                 or str(address) in (self.address, self.address6))
        mapped = address.version == 6 and address.ipv4_mapped is not None
        return not (local or mapped)

    def is_server(self, address: str) -> bool:
        """Whether this address is a gateway, a media server, or one of our proxies."""
        return address in {LOOPBACK, self.address, self.address6 or LOOPBACK, *self.network.hosts,
                           *self.peers}

    def is_machinery(self, address: str) -> bool:
        """Whether this address is a trunk, or one of the servers that these settings name."""
        return bool(self.network.trunk_at(address)) or self.is_server(address) or (
            address in self.edge_proxies or address in self.platform.sip_hosts)

    @property
    def sockets(self) -> set[str]:
        """``host:port`` of all that Kamailio listens at, IPv6 in brackets; the usual port may be
        missing.
        """
        hosts = [self.address, *([bracketed(self.address6)] if self.address6 else [])]
        ports = [self.port, *([self.tls.port] if self.tls else [])]
        found = {f"{host}:{port}" for host in hosts for port in ports}
        found |= {f"{LOOPBACK}:{self.spiral_port}", self.cluster} - {""}
        return found | {one.removesuffix(":5060") for one in found}

    @property
    def send_socket(self) -> str:
        """Kamailio's name of the socket that faces the phones."""
        return f"udp:{self.address}:{self.port}"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings; raises InvalidValue that names the variable and the right form."""
    if strange := unknown(environment):
        raise InvalidValue(strange[0])

    def get(name: str, default: str) -> str:
        assert name in KNOWN, name
        return environment.get(PREFIX + name, "").strip() or default

    for name, most in COUNTS.items():
        _count(name, get(name, "1"), most)

    address = _address(get("ADDRESS", "127.0.0.1"))
    address6 = _address6(get("ADDRESS6", ""))
    domain = get("DOMAIN", "followme.local").lower()
    if not set(domain) <= _HOST_CHARACTERS:
        raise InvalidValue(f"{PREFIX}DOMAIN: {domain!r}; write a host name: voice.example.com")
    port, spiral_port = _port("PORT", get("PORT", "5060")), _port(
        "SPIRAL_PORT", get("SPIRAL_PORT", "5059"))
    if port == spiral_port:
        raise InvalidValue(f"{PREFIX}SPIRAL_PORT: {port} is {PREFIX}PORT too; write another one")
    if get(TLS_CA, "") and not get(TLS[0], ""):
        raise InvalidValue(f"{PREFIX}{TLS_CA}: write it together with {PREFIX}{TLS[0]}")
    redis = _redis(get("REDIS", f"redis://127.0.0.1:{REDIS_PORT}/0"))
    peers = _peers(get("PEERS", ""))
    edge_proxies = _addresses("EDGE_PROXIES", get("EDGE_PROXIES", ""))
    return Settings(
        redis=redis,
        platform=Platform(
            domain,
            sip_hosts=frozenset(map(canonical, _words(get("SIP_HOSTS", "")))),
            own_hosts=frozenset({address, address6} - {""}),
            inside=tuple(_inside(redis, peers | edge_proxies)),
            mailbox=_mailbox(get("MAILBOX", MailboxPolicy.PIN_UNLESS_TRUSTED)),
            outgoing_without_pin=_grades(get("OUTGOING_WITHOUT_PIN", "A"))),
        address=address,
        address6=address6,
        port=port,
        spiral_port=spiral_port,
        mask_numbers=_word("LOG_NUMBERS", get("LOG_NUMBERS", _FULL), (_FULL, _MASKED)) == _MASKED,
        cluster=_cluster(get("CLUSTER", ""), {port, spiral_port}),
        cluster_port=int(get("CLUSTER", ":0").rpartition(":")[2]),
        peers=peers,
        edge_proxies=edge_proxies,
        rtpengine=_rtpengine(get("RTPENGINE", "")),
        digest=_digest(get("DIGEST", Digest.MD5)),
        line_calls=_count("LINE_CALLS", get("LINE_CALLS", "30"), 10_000),
        ban_s=_seconds("BAN_S", get("BAN_S", "900")),
        tls=_tls(get(TLS_CA, ""), *map(get, TLS, ("", "", ""))),
        scanners=_scanners(get("SCANNERS", ",".join(SCANNERS))),
        data_centre=_name("DATA_CENTRE", get("DATA_CENTRE", "")),
        records_days=_days("RECORDS_DAYS", get("RECORDS_DAYS", "30")),
        hides=_word("TOPOLOGY", get("TOPOLOGY", _SHOWN), (_SHOWN, _HIDDEN)) == _HIDDEN,
    )


def unknown(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with each variable that has our prefix and is no setting, in order."""
    names = sorted(name.removeprefix(PREFIX) for name in environment if name.startswith(PREFIX))
    return tuple(f"{PREFIX}{name}: there is no such setting{_nearest(name)}"
                 for name in names if name not in KNOWN)


def _tls(authorities: str, port: str, certificate: str, key: str) -> Tls | None:
    number = _port("TLS_PORT", port) if port else 0
    if len({bool(port), bool(certificate), bool(key)}) > 1:
        raise InvalidValue(f"{PREFIX}TLS_PORT: write {' and '.join(PREFIX + one for one in TLS)} "
                           "together, or none of them")
    return Tls(number, certificate, key, authorities) if port else None


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, sorted(KNOWN), n=1)
    return f"; did you mean {PREFIX}{near[0]}?" if near else ""


def _redis(text: str) -> str:
    try:
        url = urlsplit(text)
        right = bool(url.path if url.scheme == "unix" else url.hostname and url.port != 0)
        right = right and url.scheme in _REDIS_SCHEMES
    except ValueError:
        right = False
    if not right:  # it may hold a password, so it is not repeated
        raise InvalidValue(f"{PREFIX}REDIS: not the address of a store; {REDIS_FORM}")
    return text


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _mailbox(text: str) -> MailboxPolicy:
    try:
        return MailboxPolicy(text)
    except ValueError:
        raise InvalidValue(
            f"{PREFIX}MAILBOX: {text!r}; write {', '.join(MailboxPolicy)}") from None


def _word(name: str, text: str, words: tuple[str, ...]) -> str:
    if text not in words:
        raise InvalidValue(f"{PREFIX}{name}: {text!r}; write {' or '.join(words)}")
    return text


def _grades(text: str) -> str:
    if text not in _TRUSTED_GRADES:
        raise InvalidValue(f"{PREFIX}OUTGOING_WITHOUT_PIN: {text!r}; write the grades that need no "
                           f"PIN: {', '.join(_TRUSTED_GRADES)}")
    return text


def _inside(redis: str, servers: Iterable[str]) -> list[ipaddress.IPv4Network |
                                                        ipaddress.IPv6Network]:
    """The networks of those whom no target may name; Redis counts where it has an address."""
    store = urlsplit(redis).hostname or ""
    return [ipaddress.ip_network(one) for one in sorted({*servers, *([store] if is_address(store)
                                                                     else [])})]


def _address(text: str) -> str:
    """What stands in Via and Record-Route: others must be able to send to it."""
    try:
        if not (address := ipaddress.IPv4Address(text)).is_unspecified:
            return str(address)
    except ValueError:
        pass
    raise InvalidValue(
        f"{PREFIX}ADDRESS: {text!r}; write an IPv4 address of this machine that trunks and phones "
        "reach: 192.0.2.10")


def _address6(text: str) -> str:
    try:
        if not text or not (address := ipaddress.IPv6Address(text)).is_unspecified:
            return str(address) if text else ""
    except ValueError:
        pass
    raise InvalidValue(f"{PREFIX}ADDRESS6: {text!r}; write an IPv6 address of this machine: "
                       "2001:db8::10")


def _cluster(text: str, taken: Collection[int]) -> str:
    """Raises InvalidValue for a port that the phones have."""
    try:
        at = hops.address(text) if text else ""
    except InvalidValue as error:
        raise InvalidValue(f"{PREFIX}CLUSTER: {error}") from None
    port = at.rpartition(":")[2]
    if port and int(port) in taken:
        raise InvalidValue(f"{PREFIX}CLUSTER: {port} is taken already; write another port")
    return at


def _peers(text: str) -> frozenset[str]:
    try:
        hosts = [hops.address(one).rpartition(":")[0].strip("[]") for one in _words(text)]
    except InvalidValue as error:
        raise InvalidValue(f"{PREFIX}PEERS: {error}") from None
    return _addresses("PEERS", ",".join(hosts))


def _addresses(name: str, text: str) -> frozenset[str]:
    try:
        return frozenset(str(ipaddress.ip_address(word)) for word in _words(text))
    except ValueError:
        raise InvalidValue(
            f"{PREFIX}{name}: {text!r}; write addresses: 192.0.2.50, 2001:db8::50") from None


def _rtpengine(text: str) -> str:
    for one in text.split():
        transport, _, at = one.partition(":")
        try:
            right = transport in _RTPENGINE_TRANSPORTS and bool(hops.address(at))
        except InvalidValue:
            right = False
        if not right:
            raise InvalidValue(f"{PREFIX}RTPENGINE: {one!r}; write udp:127.0.0.1:2223")
    return text


def _digest(text: str) -> Digest:
    try:
        return Digest(text)
    except ValueError:
        raise InvalidValue(f"{PREFIX}DIGEST: {text!r}; write {' or '.join(Digest)}") from None


def _name(name: str, text: str) -> str:
    if text and not targets.is_name(text):
        raise InvalidValue(f"{PREFIX}{name}: {text!r}; write a name of letters, digits, dot, dash "
                           "or underscore: vienna")
    return text


def _seconds(name: str, text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _DAY_S):
        raise InvalidValue(f"{PREFIX}{name}: {text!r}; write seconds, 1 to {_DAY_S}")
    return int(text)


def _days(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and int(text) <= _MOST_DAYS):
        raise InvalidValue(f"{PREFIX}{name}: {text!r}; write days, 0 to {_MOST_DAYS}; 0: none")
    return int(text)


def _count(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= most):
        raise InvalidValue(f"{PREFIX}{name}: {text!r}; write a whole number, 1 to {most}")
    return int(text)


def _scanners(text: str) -> tuple[str, ...]:
    return () if text == _NONE else tuple(word.lower() for word in _words(text))


def _port(name: str, text: str) -> int:
    if not hops.is_port(text):
        raise InvalidValue(f"{PREFIX}{name}: {text!r} is not a port; write 1 to 65535")
    return int(text)


_DAY_S = 86_400
_MOST_DAYS = 3650
_RTPENGINE_TRANSPORTS = ("udp", "udp6")
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-[]:")
_FULL, _MASKED = "full", "masked"
_SHOWN, _HIDDEN = "shown", "hidden"
_REDIS_SCHEMES = ("unix", "redis", "rediss")
_NONE = "none"
_TRUSTED_GRADES = ("A", "AB", "AC", "ABC")
