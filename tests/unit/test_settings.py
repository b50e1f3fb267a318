# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing.errors import InvalidValue
from kemi_routing.model import Platform
from kemi_routing.settings import Asserts, Settings, from_environment

DEFAULTS = Settings(
    redis="redis://127.0.0.1:6379/0", platform=Platform(own_hosts=frozenset({"127.0.0.1"})),
    trunks={}, gateway="127.0.0.1:5080", media_server="127.0.0.1:5070", address="127.0.0.1",
    port=5060, spiral_port=5059)
EVERYTHING = {
    "FOLLOWME_REDIS": "unix:///run/redis/redis.sock",
    "FOLLOWME_DOMAIN": "Voice.Example",
    "FOLLOWME_SIP_HOSTS": "sip.example.net, PBX.example.org , ,192.0.2.7",
    "FOLLOWME_TRUNKS": "192.0.2.1=P-Asserted-Identity, 192.0.2.2 = From,2001:DB8:0::3=none",
    "FOLLOWME_GATEWAY": "gw.example.net:5062",
    "FOLLOWME_MEDIA_SERVER": "[2001:db8::30]:5070",
    "FOLLOWME_ADDRESS": "192.0.2.10",
    "FOLLOWME_PORT": "5070",
    "FOLLOWME_SPIRAL_PORT": "5071",
}


@pytest.mark.parametrize("environment", [
    {}, {"HOME": "/root", "DOMAIN": "x"}, dict.fromkeys(EVERYTHING, " ")])
def test_what_the_operator_did_not_say(environment: dict[str, str]) -> None:
    assert from_environment(environment) == DEFAULTS


def test_what_the_operator_said() -> None:
    assert from_environment(EVERYTHING) == Settings(
        redis="unix:///run/redis/redis.sock",
        platform=Platform("voice.example", frozenset(
            {"sip.example.net", "pbx.example.org", "192.0.2.7"}), frozenset(
                {"192.0.2.10", "gw.example.net", "2001:db8::30"})),
        trunks={"192.0.2.1": Asserts.PAI, "192.0.2.2": Asserts.FROM,
                "2001:db8::3": Asserts.NOTHING},
        gateway="gw.example.net:5062", media_server="[2001:db8::30]:5070", address="192.0.2.10",
        port=5070, spiral_port=5071)


def test_the_socket_that_faces_the_phones() -> None:
    assert from_environment(EVERYTHING).send_socket == "udp:192.0.2.10:5070"


TRUNK_FORM = "write ADDRESS=HEADER, with the header P-Asserted-Identity, From, none: "


@pytest.mark.parametrize(("name", "text", "right_form"), [
    ("TRUNKS", "192.0.2.1", TRUNK_FORM),
    ("TRUNKS", "192.0.2.1=", TRUNK_FORM),
    ("TRUNKS", "192.0.2.1=from", TRUNK_FORM),
    ("TRUNKS", "carrier.example=From", TRUNK_FORM),
    ("TRUNKS", "192.0.2.0/24=From", TRUNK_FORM),
    ("TRUNKS", "192.0.2.1=From,=From", TRUNK_FORM),
    ("GATEWAY", "192.0.2.1", "write host:port, such as 192.0.2.1:5060"),
    ("GATEWAY", ":5060", "write host:port, such as 192.0.2.1:5060"),
    ("GATEWAY", "gw example:5060", "write host:port, such as 192.0.2.1:5060"),
    ("GATEWAY", "gw;lr:5060", "write host:port, such as 192.0.2.1:5060"),
    ("MEDIA_SERVER", "jana@192.0.2.1:5060", "write host:port, such as 192.0.2.1:5060"),
    ("MEDIA_SERVER", "192.0.2.1:sip", "is not a port; write 1 to 65535"),
    ("DOMAIN", "voice example", "write a host name"),
    ("SPIRAL_PORT", "5060", "5060 is FOLLOWME_PORT too; write another one"),
    ("GATEWAY", "192.0.2.1:0", "is not a port; write 1 to 65535"),
    ("GATEWAY", "192.0.2.1:", "is not a port; write 1 to 65535"),
    ("PORT", "0", "is not a port; write 1 to 65535"),
    ("PORT", "65536", "is not a port; write 1 to 65535"),
    ("PORT", "-1", "is not a port; write 1 to 65535"),
    ("SPIRAL_PORT", "sip", "is not a port; write 1 to 65535"),
])
def test_a_refused_setting_names_its_variable_and_the_right_form(
        name: str, text: str, right_form: str) -> None:
    with pytest.raises(InvalidValue) as error:
        from_environment({f"FOLLOWME_{name}": text})
    assert str(error.value).startswith(f"FOLLOWME_{name}: ")
    assert right_form in str(error.value)


@pytest.mark.parametrize(("port", "number"), [("1", 1), ("65535", 65535)])
def test_the_first_and_the_last_port(port: str, number: int) -> None:
    chosen = from_environment({"FOLLOWME_PORT": port, "FOLLOWME_GATEWAY": f"h:{port}"})
    assert (chosen.port, chosen.gateway) == (number, f"h:{number}")
