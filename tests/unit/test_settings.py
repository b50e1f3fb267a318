# SPDX-License-Identifier: GPL-2.0-or-later
import re
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from kemi_routing.caller_id import Profile
from kemi_routing.errors import InvalidValue
from kemi_routing.model import MailboxPolicy, Platform
from kemi_routing.network import Network, Server
from kemi_routing.settings import KNOWN, Digest, Settings, Tls, from_environment, unknown
from tests.support.builders import trunk

INSIDE = "192.0.2.11", "192.0.2.50", "2001:db8::11", "2001:db8::50"
DEFAULTS = Settings(
    redis="redis://127.0.0.1:6379/0",
    platform=Platform(own_hosts=frozenset({"127.0.0.1"}), inside=(ip_network("127.0.0.1"),)),
    address="127.0.0.1", address6="", port=5060, spiral_port=5059)
EVERYTHING = {
    "FOLLOWME_REDIS": "unix:///run/redis/redis.sock",
    "FOLLOWME_DOMAIN": "Voice.Example",
    "FOLLOWME_SIP_HOSTS": "sip.example.net, PBX.example.org , ,192.0.2.7, 2001:DB8:0::7",
    "FOLLOWME_MAILBOX": "always_pin",
    "FOLLOWME_OUTGOING_WITHOUT_PIN": "AB",
    "FOLLOWME_ADDRESS": "192.0.2.10",
    "FOLLOWME_ADDRESS6": "2001:DB8:0::10",
    "FOLLOWME_PORT": "5070",
    "FOLLOWME_SPIRAL_PORT": "5071",
    "FOLLOWME_LOG_NUMBERS": "masked",
    "FOLLOWME_DIGEST": "SHA-256",
    "FOLLOWME_BAN_S": "60",
    "FOLLOWME_LINE_CALLS": "200",
    "FOLLOWME_RECORDS_DAYS": "0",
    "FOLLOWME_TOPOLOGY": "hidden",
    "FOLLOWME_CLUSTER": "192.0.2.10:5058",
    "FOLLOWME_PEERS": "192.0.2.11:5058, [2001:DB8::11]:5058",
    "FOLLOWME_EDGE_PROXIES": "192.0.2.50, 2001:DB8::50",
    "FOLLOWME_TLS_PORT": "5061",
    "FOLLOWME_TLS_CA": "/etc/ca.pem",
    "FOLLOWME_TLS_CERTIFICATE": "/etc/edge.pem",
    "FOLLOWME_TLS_KEY": "/etc/edge.key",
    "FOLLOWME_SCANNERS": "Friendly-Scanner, my probe/1",
    "FOLLOWME_DATA_CENTRE": "vienna",
}


@pytest.mark.parametrize("environment", [
    {}, {"HOME": "/root", "DOMAIN": "x"}, dict.fromkeys(EVERYTHING, " ")])
def test_what_the_operator_did_not_say(environment: dict[str, str]) -> None:
    assert from_environment(environment) == DEFAULTS


def test_what_the_operator_said() -> None:
    assert from_environment(EVERYTHING) == Settings(
        redis="unix:///run/redis/redis.sock",
        platform=Platform("voice.example", frozenset(
            {"sip.example.net", "pbx.example.org", "192.0.2.7", "2001:db8::7"}), frozenset(
                {"192.0.2.10", "2001:db8::10"}), tuple(map(ip_network, INSIDE)),
            mailbox=MailboxPolicy.ALWAYS_PIN, outgoing_without_pin="AB"),
        address="192.0.2.10", address6="2001:db8::10", port=5070, spiral_port=5071,
        mask_numbers=True, digest=Digest.SHA_256, ban_s=60, line_calls=200, records_days=0,
        cluster="192.0.2.10:5058", cluster_port=5058,
        scanners=("friendly-scanner", "my probe/1"),
        tls=Tls(5061, "/etc/edge.pem", "/etc/edge.key", "/etc/ca.pem"),
        peers=frozenset({"192.0.2.11", "2001:db8::11"}),
        edge_proxies=frozenset({"192.0.2.50", "2001:db8::50"}), data_centre="vienna",
        hides=True)


def test_where_kamailio_listens() -> None:
    assert from_environment(EVERYTHING).sockets == {
        "192.0.2.10:5070", "192.0.2.10:5061", "[2001:db8::10]:5070", "[2001:db8::10]:5061",
        "127.0.0.1:5071", "192.0.2.10:5058"}
    assert from_environment({}).sockets == {"127.0.0.1", "127.0.0.1:5060", "127.0.0.1:5059"}


def test_redis_is_inside() -> None:
    for url in ("redis://10.1.2.3:6379/0", "rediss://edge:hush@10.1.2.3"):
        assert from_environment({"FOLLOWME_REDIS": url}).platform.inside == (
            ip_network("10.1.2.3"),)


def test_the_network_comes_from_the_store() -> None:
    before = from_environment({**EVERYTHING, "FOLLOWME_MAILBOX": "always_pin"})
    assert not before.network_known
    far, near = (Server(f"{name}.example.net:5060", name=name, data_centre=name)
                 for name in ("prague", "vienna"))
    network = Network(7, (trunk("192.0.2.20"),), (far, near))
    after = before.with_network(Network(6, media_servers=(far,))).with_network(network)
    assert after.network == replace(network, gateways=(
        replace(near, cli=Profile()), replace(far, cli=Profile(), priority=101)))
    assert after.network_known
    assert after.platform == replace(
        before.platform, media_server=False, iax_gateway=False,
        inside=tuple(map(ip_network, (*INSIDE, "192.0.2.20"))), own_hosts=frozenset(
            {"192.0.2.10", "2001:db8::10", "prague.example.net", "vienna.example.net"}))
    assert replace(after, platform=before.platform, network=before.network,
                   network_known=False) == before


def test_the_socket_that_faces_the_phones() -> None:
    assert from_environment(EVERYTHING).send_socket == "udp:192.0.2.10:5070"


@pytest.mark.parametrize(("name", "text", "right_form"), [
    ("RECORDS_DAYS", "-1", "'-1'; write days, 0 to 3650; 0: none"),
    ("RECORDS_DAYS", "3651", "'3651'; write days, 0 to 3650"),
    ("RECORDS_DAYS", "9" * 5000, "write days, 0 to 3650"),
    ("OUTGOING_WITHOUT_PIN", "D", "write the grades that need no PIN: A, AB, AC, ABC"),
    ("OUTGOING_WITHOUT_PIN", "B", "'B'; write the grades that need no PIN: A, AB, AC, ABC"),
    ("LOG_NUMBERS", "none", "'none'; write full or masked"),
    ("TOPOLOGY", "masked", "'masked'; write shown or hidden"),
    ("MAILBOX", "open", "write pin_unless_trusted, pin_unless_attested, always_pin"),
    ("DOMAIN", "voice example", "write a host name"),
    ("DIGEST", "SHA256", "'SHA256'; write MD5 or SHA-256"),
    ("DATA_CENTRE", "vienna 1", "write a name of letters, digits"),
    ("EDGE_PROXIES", "sbc.example", "write addresses: 192.0.2.50, 2001:db8::50"),
    ("CLUSTER", "5058", "write host:port"),
    ("CLUSTER", "192.0.2.10:5060", "5060 is taken already; write another port"),
    ("CLUSTER", "192.0.2.10:5059", "5059 is taken already; write another port"),
    ("PEERS", "192.0.2.11", "write 192.0.2.11:5060"),
    ("PEERS", "edge.example:5058", "write addresses"),
    ("LINE_CALLS", "0", "'0'; write a whole number, 1 to 10000"),
    ("LINE_CALLS", "10001", "write a whole number, 1 to 10000"),
    ("BAN_S", "0", "'0'; write seconds, 1 to 86400"),
    ("BAN_S", "86401", "write seconds, 1 to 86400"),
    ("BAN_S", "5 min", "write seconds, 1 to 86400"),
    ("SPIRAL_PORT", "5060", "5060 is FOLLOWME_PORT too; write another one"),
    ("ADDRESS", "0.0.0.0", "'0.0.0.0'; write an IPv4 address of this machine that trunks"),
    ("ADDRESS", "edge.example", "write an IPv4 address of this machine that trunks and phones"),
    ("ADDRESS", "256.1.1.1", "write an IPv4 address of this machine"),
    ("ADDRESS6", "192.0.2.10", "write an IPv6 address of this machine: 2001:db8::10"),
    ("ADDRESS6", "::", "'::'; write an IPv6 address of this machine: 2001:db8::10"),
    ("TLS_PORT", "tls", "is not a port; write 1 to 65535"),
    ("TLS_PORT", "5061", "write FOLLOWME_TLS_PORT and FOLLOWME_TLS_CERTIFICATE and FOLLOWME_TLS_"),
    ("TLS_CA", "/etc/ca.pem", "write it together with FOLLOWME_TLS_PORT"),
    ("PORT", "0", "is not a port; write 1 to 65535"),
    ("PORT", "65536", "is not a port; write 1 to 65535"),
    ("PORT", "-1", "is not a port; write 1 to 65535"),
    ("PORT", "\u0665\u0660\u0666\u0660", "is not a port; write 1 to 65535"),
    ("SPIRAL_PORT", "sip", "is not a port; write 1 to 65535"),
    ("REDIS", "http://127.0.0.1", "write unix:///path/redis.sock or redis://host:port/db"),
    ("REDIS", "127.0.0.1:6379", "write unix:///path/redis.sock or redis://host:port/db"),
    ("REDIS", "unix://", "write unix:///path/redis.sock or redis://host:port/db"),
    ("REDIS", "redis://:6379/0", "write unix:///path/redis.sock or redis://host:port/db"),
    ("REDIS", "redis://edge:hush@127.0.0.1:x/0", "not the address of a store; write unix:"),
    ("REDIS", "redis://127.0.0.1:0/0", "write unix:///path/redis.sock or redis://host:port/db"),
    ("WORKERS", "0", "'0'; write a whole number, 1 to 1000000"),
    ("WORKERS", "four", "'four'; write a whole number"),
    ("SHARED_MB", "128M", "'128M'; write a whole number"),
    ("PRIVATE_MB", "-16", "'-16'; write a whole number"),
    ("SOURCE_RATE", "30001", "'30001'; write a whole number, 1 to 30000"),
])
def test_a_refused_setting_names_its_variable_and_the_right_form(
        name: str, text: str, right_form: str) -> None:
    with pytest.raises(InvalidValue) as error:
        from_environment({f"FOLLOWME_{name}": text})
    assert str(error.value).startswith(f"FOLLOWME_{name}: ")
    assert right_form in str(error.value)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidValue) as error:
        from_environment({"FOLLOWME_REDIS": "redis://edge:hush@127.0.0.1:x/0"})
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(("name", "hint"), [
    ("SIPHOSTS", "; did you mean FOLLOWME_SIP_HOSTS?"),
    ("redis", ""),
    ("VERBOSITY", ""),
    ("", ""),
])
def test_a_variable_that_there_is_not_is_refused(name: str, hint: str) -> None:
    with pytest.raises(InvalidValue) as error:
        from_environment({f"FOLLOWME_{name}": ""})
    assert str(error.value) == f"FOLLOWME_{name}: there is no such setting{hint}"


def test_all_variables_that_there_are_not_are_told_in_order() -> None:
    told = unknown({"FOLLOWME_Z": "", "FOLLOW_ME": "", "FOLLOWME_PORTS": "", **EVERYTHING})
    assert told == ("FOLLOWME_PORTS: there is no such setting; did you mean FOLLOWME_PORT?",
                    "FOLLOWME_Z: there is no such setting")


@pytest.mark.parametrize("name", ["kamailio/start", "kamailio/kamailio.cfg", "README.md"])
def test_what_is_said_elsewhere_is_known(name: str) -> None:
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
    assert {*re.findall(r"\bFOLLOWME_([A-Z0-9_]+)", text)} <= KNOWN


@pytest.mark.parametrize("name", ["CTL", "ENTRY", "SECRET", "RUN_DIR"])
def test_what_is_said_to_the_entry_is_no_mistake(name: str) -> None:
    assert from_environment({f"FOLLOWME_{name}": "x"}) == DEFAULTS


@pytest.mark.parametrize(("port", "number"), [("1", 1), ("65535", 65535)])
def test_the_first_and_the_last_port(port: str, number: int) -> None:
    assert from_environment({"FOLLOWME_PORT": port}).port == number


@pytest.mark.parametrize(("host", "port", "may"), [
    ("192.0.2.40", "5060", True),  # the gateway
    ("192.0.2.30", "5070", True),  # the media server
    ("192.0.2.20", "5060", True),  # a trunk
    ("SIP.example.net", "5060", True),  # listed
    ("10.0.0.7", "5060", True),  # a telephone in the office
    ("[2001:db8::7]", "5060", True),
    ("192.0.2.40", "6380", False),  # Redis may be there
    ("10.0.0.7", "6380", False),
    ("192.0.2.1", "5060", False),  # ourselves
    ("127.0.0.1", "5060", False),
    ("[::1]", "5060", False),
    ("[0:0::1]", "5060", False),
    ("[2001:DB8:0::1]", "5060", False),
    ("[::ffff:127.0.0.1]", "5060", False),
    ("0.0.0.0", "5060", False),
    ("127.1", "5060", False),
    ("localhost", "5060", False),
    ("", "", False),
])
def test_where_a_request_within_a_call_may_open_a_connection_to(
        host: str, port: str, *, may: bool) -> None:
    chosen = from_environment({
        "FOLLOWME_ADDRESS": "192.0.2.1", "FOLLOWME_ADDRESS6": "2001:db8::1",
        "FOLLOWME_SIP_HOSTS": "sip.example.net",
        "FOLLOWME_REDIS": "redis://10.0.0.9:6380/0"}).with_network(Network(
            trunks=(trunk("192.0.2.20"),), gateways=(Server("192.0.2.40:5060"),),
            media_servers=(Server("192.0.2.30:5060"),)))
    assert chosen.may_connect(host, port) is may


@pytest.mark.parametrize("redis", ["", "unix:///run/redis.sock", "redis://10.0.0.9/0"])
def test_the_usual_port_of_redis_is_never_connected_to(redis: str) -> None:
    chosen = from_environment({"FOLLOWME_REDIS": redis})
    assert not chosen.may_connect("10.0.0.7", "6379")


@pytest.mark.parametrize(("address", "expected"), [
    ("127.0.0.1", True), ("192.0.2.10", True), ("2001:db8::10", True), ("192.0.2.1", True),
    ("2001:db8::30", True), ("192.0.2.11", True), ("192.0.2.50", True), ("192.0.2.7", True),
    ("192.0.2.66", False), ("2001:db8::66", False), ("", False)])
def test_what_the_settings_name_is_machinery(address: str, *, expected: bool) -> None:
    network = Network(trunks=(trunk("192.0.2.1"),), media_servers=(Server("[2001:db8::30]:5070"),))
    assert from_environment(EVERYTHING).with_network(network).is_machinery(address) is expected


def test_no_tool_is_a_scanner_where_the_operator_says_none() -> None:
    assert from_environment({"FOLLOWME_SCANNERS": "none"}).scanners == ()


@pytest.mark.parametrize("text", ["udp:127.0.0.1:2223", "udp:127.0.0.1:1 udp6:[::1]:2", ""])
def test_rtpengines_are_where_the_operator_says(text: str) -> None:
    assert from_environment({"FOLLOWME_RTPENGINE": text}).rtpengine == text


@pytest.mark.parametrize("text", ["127.0.0.1:2223", "udp:2223", "tcp:127.0.0.1:2223", "udp:a:b"])
def test_an_rtpengine_that_kamailio_would_not_find_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"FOLLOWME_RTPENGINE.*write udp:127"):
        from_environment({"FOLLOWME_RTPENGINE": text})
