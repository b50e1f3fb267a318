# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing.model import Call, Line, Mode, Number, Platform, Ring, Sequence
from kemi_routing.targets import VOICEMAIL
from tests.support.builders import PRAGUE, number, sequence, step

DAY, NIGHT = sequence("day", step("voicemail")), sequence("night")


@pytest.mark.parametrize(("name", "found"), [
    ("day", DAY), ("night", NIGHT), ("weekend", Sequence("")), (None, Sequence("")),
])
def test_a_sequence_is_found_by_its_name(name: str | None, found: Sequence) -> None:
    assert number(sequences=(DAY, NIGHT)).sequence(name) == found


def test_what_nobody_said() -> None:
    """The defaults that operators rely on: 20 s, 3 phones, nothing allowed, nobody trusted."""
    bare = Number("42027777100", "acme/jana", PRAGUE)
    assert Ring(VOICEMAIL).ring_s == bare.ring_s == 20
    assert Line("jana-desk").max_phones == 3
    assert bare.mode is Mode.RING_THEN_VOICEMAIL
    assert (bare.voicemail, bare.forward_external) == (False, False)
    assert (Call().asserted, Call().anonymous, Call().diverted) == (False, False, False)
    assert Platform().sip_hosts == frozenset()


@pytest.mark.parametrize(("host", "refused"), [
    ("8.8.8.8", None),
    ("2a00::1", None),
    ("sip.example.net", None),  # listed
    ("10.1.2.3", None),  # listed
    ("followme.local", "followme.local is this platform; write the line: line NAME"),
    ("8.8.4.4", "8.8.4.4 belongs to this platform"),  # whatever is listed
    ("other.example.net", "the operator does not allow calls to the host other.example.net"),
    ("127.0.0.1", "127.0.0.1 is not a public address"),
    ("10.1.2.4", "10.1.2.4 is not a public address"),
    ("0.0.0.0", "0.0.0.0 is not a public address"),
    ("169.254.1.1", "169.254.1.1 is not a public address"),
    ("100.64.0.1", "100.64.0.1 is not a public address"),
    ("240.0.0.1", "240.0.0.1 is not a public address"),
    ("224.0.1.75", "224.0.1.75 is not a public address"),  # multicast
    ("ff02::1", "ff02::1 is not a public address"),
    ("::1", "::1 is not a public address"),
    ("fe80::1", "fe80::1 is not a public address"),
    ("fd00::1", "fd00::1 is not a public address"),
    ("fec0::1", "fec0::1 is not a public address"),
    ("::ffff:10.0.0.1", "::ffff:10.0.0.1 is not a public address"),  # private within IPv6
    ("64:ff9b::a00:1", "64:ff9b::a00:1 is not a public address"),
    ("::a00:1", "::a00:1 is not a public address"),
    ("2002:a00:1::1", "2002:a00:1::1 is not a public address"),
])
def test_the_hosts_that_a_sip_target_may_name(host: str, refused: str | None) -> None:
    platform = Platform(
        "followme.local", frozenset({"sip.example.net", "10.1.2.3", "followme.local", "8.8.4.4"}),
        own_hosts=frozenset({"8.8.4.4"}))
    assert platform.refused_host(host) == refused
