# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's settings, read once from the environment (see README)."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kemi_routing.errors import InvalidValue
from kemi_routing.model import Platform

PREFIX = "FOLLOWME_"


class Asserts(StrEnum):
    """Header in which a trunk asserts the ANI."""

    PAI = "P-Asserted-Identity"
    FROM = "From"
    NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the edge and ``explain`` both need to know."""

    redis: str
    platform: Platform
    trunks: Mapping[str, Asserts]
    """Source address -> header that asserts the ANI."""
    gateway: str
    """``host:port`` of the gateway for outside numbers."""
    media_server: str
    """``host:port`` of the media server."""
    address: str
    port: int
    """Where Kamailio listens."""
    spiral_port: int
    """UDP port on 127.0.0.1 of the internal second pass."""

    @property
    def send_socket(self) -> str:
        """Kamailio's name of the socket that faces the phones."""
        return f"udp:{self.address}:{self.port}"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings; raises InvalidValue that names the variable and the right form."""
    def get(name: str, default: str) -> str:
        return environment.get(PREFIX + name, "").strip() or default

    gateway = _host_port("GATEWAY", get("GATEWAY", "127.0.0.1:5080"))
    media_server = _host_port("MEDIA_SERVER", get("MEDIA_SERVER", "127.0.0.1:5070"))
    address = get("ADDRESS", "127.0.0.1")
    others = (one.rpartition(":")[0].strip("[]").lower() for one in (gateway, media_server))
    domain = get("DOMAIN", "followme.local").lower()
    if not set(domain) <= _HOST_CHARACTERS:
        raise InvalidValue(f"{PREFIX}DOMAIN: {domain!r}; write a host name: voice.example.com")
    port, spiral_port = _port("PORT", get("PORT", "5060")), _port(
        "SPIRAL_PORT", get("SPIRAL_PORT", "5059"))
    if port == spiral_port:
        raise InvalidValue(f"{PREFIX}SPIRAL_PORT: {port} is {PREFIX}PORT too; write another one")
    return Settings(
        redis=get("REDIS", "redis://127.0.0.1:6379/0"),
        platform=Platform(
            domain,
            sip_hosts=frozenset(_words(get("SIP_HOSTS", "").lower())),
            own_hosts=frozenset({address, *others})),
        trunks=_trunks(get("TRUNKS", "")),
        gateway=gateway,
        media_server=media_server,
        address=address,
        port=port,
        spiral_port=spiral_port,
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _trunks(text: str) -> dict[str, Asserts]:
    trunks = {}
    for word in _words(text):
        address, _, header = word.partition("=")
        try:
            trunks[str(ipaddress.ip_address(address.strip()))] = Asserts(header.strip())
        except ValueError:
            raise InvalidValue(
                f"{PREFIX}TRUNKS: {word!r}; write ADDRESS=HEADER, with the header "
                f"{', '.join(Asserts)}: 192.0.2.1=P-Asserted-Identity") from None
    return trunks


def _host_port(name: str, text: str) -> str:
    host, _, port = text.rpartition(":")
    if not (host and set(host) <= _HOST_CHARACTERS):
        raise InvalidValue(f"{PREFIX}{name}: {text!r}; write host:port, such as 192.0.2.1:5060")
    return f"{host}:{_port(name, port)}"


def _port(name: str, text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise InvalidValue(f"{PREFIX}{name}: {text!r} is not a port; write 1 to 65535")
    return int(text)


_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-[]:")
